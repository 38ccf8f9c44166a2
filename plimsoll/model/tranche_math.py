"""What one of the pool's accounts is worth, and what it can release. The twin of TrancheMath.sol.

Each position counts at its own worse, middle and better price. What may leave is cash that is really there and backs
nothing: unrealised profit never does.

Units: settlement units; size 1e-9 of one whole unit; price WAD; `size_scale` turns size · price into settlement units.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from plimsoll.fixed_point import mul_div_down, mul_div_up


class Leg(NamedTuple):
    """A position with its prices. charge: what the funding index says it owes, not yet settled."""

    size: int
    quote: int
    charge: int
    lo: int
    mid: int
    hi: int

    @property
    def worse(self) -> int:
        return self.lo if self.size > 0 else self.hi

    @property
    def better(self) -> int:
        return self.hi if self.size > 0 else self.lo


class Worth(NamedTuple):
    low: int
    mid: int
    high: int
    free: int


def worth(cash: int, legs: Sequence[Leg], initial: int, size_scale: int) -> Worth:
    """low and mid round down, high rounds up; initial: the account's initial requirement."""
    owed = cash + sum(leg.quote - leg.charge for leg in legs)
    low = owed + sum(mul_div_down(leg.size, leg.worse, size_scale) for leg in legs)
    mid = owed + sum(mul_div_down(leg.size, leg.mid, size_scale) for leg in legs)
    high = owed + sum(mul_div_up(leg.size, leg.better, size_scale) for leg in legs)
    settled = cash - sum(leg.charge for leg in legs)
    return Worth(low, mid, high, max(0, min(cash, settled, mid) - initial))
