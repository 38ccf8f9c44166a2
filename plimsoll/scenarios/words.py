"""Numbers as people read them. Decimal, never float: what is shown is what is."""

from __future__ import annotations

from decimal import Decimal

from plimsoll.fixed_point import mul_div_down


def money(units: int, decimals: int = 2) -> str:
    """Settlement units (1e-6) → "1,234.50"; toward −∞ on the last digit shown."""
    return f"{Decimal(mul_div_down(units, 10**decimals, 10**6)).scaleb(-decimals):,.{decimals}f}"


def dollars(units: int) -> str:
    """Settlement units → whole, "1,234"."""
    return money(units, 0)


def price(wad: int) -> str:
    """WAD → "194.57"."""
    return f"{Decimal(mul_div_down(wad, 100, 10**18)).scaleb(-2):,.2f}"


def size(units: int) -> str:
    """Size units (1e-9) → "+12.5"; from one whole unit on, three decimals (toward zero) do."""
    shown = units if abs(units) < 10**9 else (abs(units) - abs(units) % 10**6) * (1 if units > 0 else -1)
    return f"{Decimal(shown).scaleb(-9).normalize():+,f}"


def token(amount: int, decimals: int) -> str:
    """Token units → "12.5"."""
    return f"{Decimal(amount).scaleb(-decimals).normalize():,f}"


def percent(wad: int, decimals: int = 1) -> str:
    """WAD ratio → "97.3 %"."""
    return f"{Decimal(mul_div_down(wad, 10 ** (decimals + 2), 10**18)).scaleb(-decimals):,.{decimals}f} %"


def ratio(wad: int, decimals: int = 2) -> str:
    """WAD → "4.97"."""
    return f"{Decimal(mul_div_down(wad, 10**decimals, 10**18)).scaleb(-decimals):,.{decimals}f}"


def signed(text: str) -> str:
    return text if text.startswith("-") else f"+{text}"
