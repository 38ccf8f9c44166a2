"""Numbers of the chain as a person reads them, exact."""

from __future__ import annotations

from plimsoll.chain.deployment import Deployment
from plimsoll.fixed_point import WAD
from plimsoll.scenarios.reader import show
from plimsoll.scenarios.world import MONEY
from plimsoll.types import SIZE_UNIT


def money(units: int) -> str:
    """Settlement tokens, to the cent, toward zero."""
    return f"{'-' if units < 0 else ''}{abs(units) // 10**MONEY:,}.{abs(units) % 10**MONEY // 10 ** (MONEY - 2):02}"


def price(wad: int) -> str:
    """Four decimals, toward zero."""
    return f"{wad // WAD:,}.{wad % WAD // 10**14:04}"


def size(units: int) -> str:
    """Whole units of the underlying, exact."""
    return _trimmed(show(units, len(str(SIZE_UNIT)) - 1))


def token_amount(made: Deployment, token: str, units: int) -> str:
    """Whole tokens, exact, with the token's name."""
    return f"{_trimmed(show(units, made.world.token(token).decimals))} {token}"


def percent(value: int, scale: int) -> str:
    return f"{100 * value / scale:.2f} %"


def _trimmed(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text
