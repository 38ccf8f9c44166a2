"""The ledger: what a fill does to one position. The twin of LedgerMath.sol.

A position is what was bought (size) and what was paid for it (quote: negative for a buyer). More of the same side adds to
both. Less of it keeps its share of the quote and turns the rest into cash. Through zero is a close, then an open, at one
price. Nothing is created or lost: cash + quote changes by exactly the quote of the fill (LED-2).

Units: size 1e-9 of one whole unit, signed; quote and cash settlement units, signed.
"""

from __future__ import annotations

from typing import NamedTuple

from plimsoll.fixed_point import mul_div_down, mul_div_up


class Filled(NamedTuple):
    """The position afterwards, and what was realised."""

    size: int
    quote: int
    cash: int


def fill(size: int, quote: int, delta_size: int, delta_quote: int) -> Filled:
    """A position (size, quote) after a fill (delta_size, delta_quote)."""
    after = size + delta_size
    if size * after < 0:
        # The part of the fill that closes is floored: what it realises, the account owns.
        closing = mul_div_down(delta_quote, abs(size), abs(delta_size))
        return Filled(after, delta_quote - closing, quote + closing)
    if abs(after) < abs(size):
        kept = mul_div_up(quote, abs(after), abs(size))
        return Filled(after, kept, quote + delta_quote - kept)
    return Filled(after, quote + delta_quote, 0)


def reduces(size: int, delta_size: int) -> bool:
    """Smaller afterwards, and not on the other side."""
    after = size + delta_size
    return abs(after) < abs(size) and size * after >= 0
