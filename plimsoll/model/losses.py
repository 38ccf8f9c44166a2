"""Losses: who pays for an account below zero, and in which order. The counterpart of base/Losses.sol.

A loss is split over the account's instruments by maintenance. Each part is paid by

    1. the insurance of that instrument, never another's;
    2. the taker, at the bankruptcy price, on the units that net an opposite position of its own, as far as it keeps E ≥ M;
    3. the side that won, through its index: as far as one hour allows at once, the rest as bad debt.

Where nothing is held the loss is the pool's, which earned the interest. An account that still has collateral is then an
estate: what it brings first repays who paid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from plimsoll import margin_math
from plimsoll.fixed_point import WAD, div_down, mul_div_down
from plimsoll.margin_math import Leg
from plimsoll.model import cases, ledger, liquidation_math, pool
from plimsoll.model.cases import Case, Transfer
from plimsoll.model.house import NO_INSTRUMENT, Estate, House, account_of, owner_of, refuse, unsigned
from plimsoll.model.ledger import Loss
from plimsoll.types import HOUR, Absorption

REWARDS_AN_EPOCH = 20


@dataclass
class Cover:
    """The double entry of a loss while it is written. heir: the instrument whose insurance is repaid first; insured: what is
    left of the insurance of the latest instrument; room: what the latest taker can still pay."""

    heir: int
    loss: int = 0
    insurance: int = 0
    taker: int = 0
    shared: int = 0
    reward: int = 0
    cash: list[tuple[int, int]] = field(default_factory=list)
    funds: list[tuple[int, int]] = field(default_factory=list)
    losses: list[Loss] = field(default_factory=list)
    insured: dict[int, int] = field(default_factory=dict)
    room: dict[int, int] = field(default_factory=dict)

    @property
    def paid(self) -> Absorption:
        return Absorption(self.loss, self.insurance, self.taker, self.shared, self.reward)


def absorb(house: House, keeper: int, account: int, taker: int | None) -> Absorption:
    """Closes all of an account below zero, at mid and without penalty."""
    return absorb_case(house, cases.opened(house, account, taker, keeper, {}))


def absorb_case(house: House, case: Case) -> Absorption:
    if case.margin.equity >= 0:
        refuse("NotInsolvent", case.account, case.margin.equity)
    legs, scale = case.snapshot.legs, case.snapshot.size_scale
    closed = [liquidation_math.closing(leg, WAD, scale) for leg in legs]
    transfers = cases.transfers_of(house, case, closed)
    reduced = cases.reduced_only(house, transfers)
    loss = liquidation_math.loss(case.snapshot)
    parts = [part_of(case, leg, loss) for leg in legs]
    parts[-1:] = [loss - sum(parts[:-1])] if parts else []
    cover = covered(house, case, transfers, parts) if legs else _covered_by_pool(house, case, loss)
    settle_cover(house, case, transfers, cover)
    cases.prove_takers(house, case, transfers, reduced)
    return cover.paid


def settle_cover(house: House, case: Case, transfers: Sequence[Transfer], cover: Cover) -> None:
    """Executes the double entry, and marks an account that still holds collateral."""
    cases.seize(house, case.account, transfers, cover.cash, cover.funds, cover.losses)
    if not case.snapshot.coins or cover.loss == 0:
        return
    forgiven = unsigned(128, house.forgiven(case.account) + cover.loss)
    house.storage.estates[case.account] = Estate(forgiven, cover.heir)
    house.change(case.account, estate=True)


def part_of(case: Case, leg: Leg, loss: int) -> int:
    """A leg's part of a loss, by maintenance."""
    maintenance = margin_math.maintenance(leg, leg.size, case.snapshot.size_scale)
    return mul_div_down(loss, maintenance, case.margin.maintenance)


def covered(house: House, case: Case, transfers: Sequence[Transfer], parts: Sequence[int]) -> Cover:
    """Who pays what of the loss of each transfer."""
    heir = _heir(case)
    cover = Cover(heir, reward=_reward(house, heir))
    for moved, part in zip(transfers, parts):
        _cover_one(house, case, transfers, cover, moved, part)
    cover.loss = sum(parts)
    cover.cash += [(case.account, cover.loss), (account_of(case.keeper), cover.reward)]
    cover.funds.append((heir, -cover.reward))
    return cover


def _cover_one(
    house: House, case: Case, transfers: Sequence[Transfer], cover: Cover, moved: Transfer, loss: int
) -> None:
    instrument = moved.instrument
    if instrument not in cover.insured:
        reserved = cover.reward if instrument == cover.heir else 0
        cover.insured[instrument] = house.storage.funds[instrument].insurance - reserved
    insurance = min(loss, cover.insured[instrument])
    cover.insured[instrument] -= insurance
    by_taker = _takers_part(house, case, transfers, cover, moved, loss - insurance)
    left = loss - insurance - by_taker
    cover.funds.append((instrument, -insurance))
    cover.cash.append((moved.taker, -by_taker))
    # The account sells where it was long: then the short side won.
    cover.losses.append(Loss(instrument, moved.size > 0, left, moved.mid))
    cover.insurance += insurance
    cover.taker += by_taker
    cover.shared += left


def _takers_part(
    house: House, case: Case, transfers: Sequence[Transfer], cover: Cover, moved: Transfer, loss: int
) -> int:
    """The loss of the units that net an opposite position, as far as the taker's equity is above its maintenance."""
    held = house.size(moved.taker, moved.instrument)
    if loss == 0 or held == 0 or (held > 0) != (moved.size > 0):
        return 0
    if moved.taker not in cover.room:
        cover.room[moved.taker] = _room(house, case, transfers, moved.taker)
    netted = min(abs(held), abs(moved.size))
    part = min(mul_div_down(loss, netted, abs(moved.size)), cover.room[moved.taker])
    cover.room[moved.taker] -= part
    return part


def _room(house: House, case: Case, transfers: Sequence[Transfer], taker: int) -> int:
    """E − M of a taker after all transfers to it, at least 0. They go at mid, so E is what it is now."""
    gets = [moved for moved in transfers if moved.taker == taker]
    include = [moved.instrument for moved in gets]
    snapshot, _ = ledger.load(house, taker, case.book, strict=True, include=include)
    room = margin_math.judge(snapshot).equity
    for leg in snapshot.legs:
        size = leg.size - sum(moved.size for moved in gets if moved.instrument == leg.instrument)
        room -= margin_math.maintenance(leg, size, snapshot.size_scale)
    return max(0, room)


def _covered_by_pool(house: House, case: Case, loss: int) -> Cover:
    """Nothing is held: the loss is the pool's, its idle cash and what its tranches' margins release; the rest is bad debt."""
    cover = Cover(NO_INSTRUMENT, loss=loss)
    if owner_of(case.account) != house.pool:
        cover.taker = pool.gather(house, loss)
    cover.shared = loss - cover.taker
    cover.cash = [(case.account, loss), (house.idle, -cover.taker)]
    cover.losses = [Loss(NO_INSTRUMENT, False, cover.shared, 0)]
    return cover


def _heir(case: Case) -> int:
    """The instrument with the largest M, as its insurance paid most."""
    scale = case.snapshot.size_scale
    largest = max(case.snapshot.legs, key=lambda leg: margin_math.maintenance(leg, leg.size, scale))
    return largest.instrument


def _reward(house: House, instrument: int) -> int:
    """The absorber's: the keeper's floor, from insurance, so many times an hour."""
    epoch = div_down(house.now, HOUR)
    seen, count = house.storage.rewarded.get(instrument, (epoch, 0))
    if seen != epoch:
        count = 0
    if count == REWARDS_AN_EPOCH:
        return 0
    house.storage.rewarded[instrument] = (epoch, count + 1)
    return min(house.world.liquidation.keeper_floor, house.storage.funds[instrument].insurance)
