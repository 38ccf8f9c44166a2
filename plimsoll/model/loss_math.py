"""Losses: how a side pays what an account of the other side could not. The twin of LossMath.sol.

A loss that neither insurance nor a taker paid is charged to the side that won, through its index: every unit of it owes the
same. An index rises for losses by at most a quarter of what lies between the initial and the maintenance requirement of
a whole unit, an hour: so no charge makes a sound account liquidatable at once. What is left is bad debt that the side owes.

Units: index settlement units · 1e9 per whole unit; loss settlement units; open interest size units (1e-9); mid WAD.
"""

from __future__ import annotations

from typing import NamedTuple

from plimsoll.fixed_point import mul_div_down, mul_div_up

MILLION = 10**6
INDEX_UNIT = 10**18  # index units · size units in a settlement unit
EPOCH = 3_600  # seconds
QUARTER = 4


class Charge(NamedTuple):
    """By how much the index rises; what that pays of the loss; what rounding brings beyond it, for the insurance."""

    step: int
    paid: int
    excess: int


def cap(base_e6: int, initial_multiple_e6: int, mid: int, size_scale: int) -> int:
    """The most that an index rises for losses in one epoch, rounded down."""
    rate = base_e6 * (initial_multiple_e6 - MILLION)
    return mul_div_down(rate * mid, INDEX_UNIT, QUARTER * MILLION * MILLION * size_scale)


def charge(loss: int, open_interest: int, room: int) -> Charge:
    """room: what is left of the cap in this epoch."""
    if open_interest == 0:
        return Charge(0, 0, 0)
    step = min(mul_div_up(loss, INDEX_UNIT, open_interest), max(0, room))
    collected = mul_div_down(step, open_interest, INDEX_UNIT)
    paid = min(loss, collected)
    return Charge(step, paid, collected - paid)
