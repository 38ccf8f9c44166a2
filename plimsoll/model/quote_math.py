"""The pool's quote: what it asks for taking the other side of a trade. The twin of QuoteMath.sol.

The pool leans when traders do not balance. A trade that makes it lean further pays a premium that grows with the lean;
a trade that lets it straighten pays none, and nothing is ever paid back. The premium of a unit is the pool's lean where
that unit lands, as a fraction of `scale`. Summed over a trade that moves the lean from w0 to w1, that is the area of a
trapezium, (w0 + w1) / 2 · (w1 − w0) / scale.

Units: size 1e-9 of one whole unit, + buys; price WAD; amounts in settlement units; `size_scale` turns size · price into
settlement units.
"""

from __future__ import annotations

from typing import NamedTuple

from plimsoll.fixed_point import mul_div_down, mul_div_up

MILLION = 10**6


class Lean(NamedTuple):
    """How far the pool leans to the side a trade pushes it, before and after; 0 while it leans the other way."""

    before: int
    after: int

    @property
    def widened(self) -> int:
        return self.after - self.before


def lean(size: int, maker_size: int) -> Lean:
    """A buyer makes the pool shorter, a seller makes it longer."""
    side = 1 if size > 0 else -1
    before = -side * maker_size
    return Lean(max(0, before), max(0, before + side * size))


def amount(size: int, maker_size: int, mid: int, scale: int, size_scale: int, spread_e6: int) -> int:
    """The taker's change of quote: what it pays is negative and rounded up, what it gets is rounded down."""
    before, after = lean(size, maker_size)
    units = abs(size)
    # In halves of a unit per scale, so that the trapezium is a whole number.
    plain, premium = 2 * scale * units, (before + after) * (after - before)
    per_unit = 2 * scale * MILLION * size_scale
    if size > 0:
        return -mul_div_up(plain + premium, mid * (MILLION + spread_e6), per_unit)
    return mul_div_down(plain - premium, mid * (MILLION - spread_e6), per_unit)


def premium(size: int, maker_size: int, mid: int, scale: int, size_scale: int) -> int:
    """What a trade asks for leaning the pool further, beyond mid, rounded up."""
    before, after = lean(size, maker_size)
    return mul_div_up((before + after) * (after - before), mid, 2 * scale * size_scale)


def fee(size: int, maker_size: int, mid: int, size_scale: int, taker_fee_e6: int, maker_fee_e6: int) -> int:
    """What is paid on top: the taker's fee on what widens the lean, the maker's on the rest, at mid, rounded up."""
    widened = lean(size, maker_size).widened
    weighted = taker_fee_e6 * widened + maker_fee_e6 * (abs(size) - widened)
    return mul_div_up(weighted, mid, size_scale * MILLION)


def price(size: int, quote: int, size_scale: int) -> int:
    """The fill's price, WAD, rounded against the taker."""
    rounded = mul_div_up if size > 0 else mul_div_down
    return rounded(abs(quote), size_scale, abs(size))
