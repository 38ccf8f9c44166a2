"""Interest on negative cash: one index for all. What base/Ledger.sol says of it, as a pure function.

The index grows by a rate of its beginning, not of itself: index(t) = base + ⌊rate · (t − since) / year⌋, at most 2^48 − 1. A debt
owes what the index has grown by since it was last posted, rounded up.

Units: index and rate 1e-9 (a year); cash settlement units; time seconds.
"""

from __future__ import annotations

from typing import NamedTuple

from plimsoll.fixed_point import div_down, mul_div_up
from plimsoll.funding_math import YEAR

MOST = 2**48 - 1
START = 10**9


class Interest(NamedTuple):
    """The index when the rate was last set. With rate 0 it stands still, so `since` need not be known."""

    base: int = START
    since: int = 0
    rate: int = 0

    def at(self, time: int) -> int:
        """The index at a time not before `since`."""
        return min(self.base + div_down(self.rate * (time - self.since), YEAR), MOST)

    def set(self, rate: int, time: int) -> Interest:
        """After the rate was set at a time."""
        return Interest(self.at(time), time, rate)


def owed(cash: int, paid_up_to: int, index: int) -> int:
    """⌈|cash| · (index − paid_up_to) / paid_up_to⌉ where cash is negative, else 0. paid_up_to: the index when it was last posted."""
    return 0 if cash >= 0 else mul_div_up(-cash, index - paid_up_to, paid_up_to)
