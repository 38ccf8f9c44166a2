"""A case: one account that is judged, and whoever takes its positions. The counterpart of base/Cases.sol.

What liquidation, absorption and deleveraging share: the account is loaded once, the transfers of its positions are planned
at mid, the penalty is a double entry, the ledger does both (`seize`), and who takes positions proves that he can.

Units: as in house.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from plimsoll import margin_math
from plimsoll.fixed_point import WAD, mul_div_down, mul_div_up
from plimsoll.margin_math import MILLION, Leg, Margin, Snapshot
from plimsoll.model import ledger, ledger_math, liquidation_math
from plimsoll.model.house import House, account_of, owner_of, refuse
from plimsoll.model.ledger import Loss
from plimsoll.model.liquidation_math import Shares, Terms
from plimsoll.model.oracle import Book


class Case(NamedTuple):
    """One account that is judged. taker: None for the pool, whose tranche of each instrument takes it. keeper: an address.
    proving: the instrument whose tranche must accept; None for all of them, as always but in a rehearsal."""

    snapshot: Snapshot
    margin: Margin
    book: Book
    taker: int | None
    keeper: int
    proving: int | None = None

    @property
    def account(self) -> int:
        return self.snapshot.account


class Transfer(NamedTuple):
    """The account's change of one position, at mid; the taker's is the opposite."""

    instrument: int
    taker: int
    size: int
    quote: int
    mid: int


Entries = Sequence[tuple[int, int]]  # (account or instrument, + for what it gets)


# Opening a case ----------------------------------------------------------------------------------------------------


def opened(house: House, account: int, taker: int | None, keeper: int, book: Book) -> Case:
    """Loads and judges the account at mid, and checks who takes its positions."""
    if taker == account:
        refuse("TakerIsAccount", account)
    if taker is not None and owner_of(taker) != keeper:
        refuse("UnauthorizedTaker", taker, keeper)
    snapshot, book = ledger.load(house, account, book, strict=True)
    return Case(snapshot, margin_math.judge(snapshot), book, taker, keeper)


def require_liquidatable(case: Case) -> None:
    if not margin_math.liquidatable(case.margin):
        refuse("NotLiquidatable", case.account, case.margin.equity, case.margin.maintenance)


# Planning ----------------------------------------------------------------------------------------------------------


def terms_of(house: House) -> Terms:
    spec = house.world.liquidation
    return Terms(spec.target, spec.keeper_share_e6, spec.keeper_floor, spec.keeper_cap, spec.taker_share_e6)


def transfer_of(case: Case, leg: Leg, taker: int, closed: int) -> Transfer:
    gets = liquidation_math.proceeds(leg, closed, case.snapshot.size_scale)
    return Transfer(leg.instrument, taker, -closed if leg.size > 0 else closed, gets, leg.mid)


def transfers_of(house: House, case: Case, closed: Sequence[int]) -> list[Transfer]:
    """Every leg's, to the caller's account or the tranche of its instrument."""
    return [
        transfer_of(case, leg, house.tranche(leg.instrument) if case.taker is None else case.taker, units)
        for leg, units in zip(case.snapshot.legs, closed)
    ]


def notional_of(house: House, moved: Transfer) -> int:
    return margin_math.notional(moved.size, moved.mid, house.size_scale)


def double_entry(
    house: House, case: Case, transfers: Sequence[Transfer], shares: Shares, premium: int, premiums: Sequence[int]
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """The penalty, from the account to keeper, takers and insurance: by each transfer's notional, the premium by what each
    asks; what division leaves goes to the last."""
    notionals = [notional_of(house, moved) for moved in transfers]
    rewards = zip(_divided(shares.taker, notionals), _divided(premium, premiums))
    insured = _divided(shares.insurance, notionals)
    cash = [(moved.taker, part + extra) for moved, (part, extra) in zip(transfers, rewards)]
    cash.append((case.account, -sum(shares) - premium))
    cash.append((account_of(case.keeper), shares.keeper))
    return cash, [(moved.instrument, part) for moved, part in zip(transfers, insured)]


def _divided(amount: int, weights: Sequence[int]) -> list[int]:
    """⌊amount · weight / Σ weights⌋ each; what is left is the last one's."""
    whole = sum(weights) or 1
    parts = [mul_div_down(amount, weight, whole) for weight in weights]
    return [*parts[:-1], amount - sum(parts[:-1])]


# Executing ---------------------------------------------------------------------------------------------------------


def seize(
    house: House, account: int, transfers: Sequence[Transfer], cash: Entries, funds: Entries, lost: Sequence[Loss]
) -> None:
    """What the ledger does for a liquidation: losses are charged on open interest before the transfers; then cash, for an
    estate repays what it has left when its last position closes; then positions and insurance. Everything balances."""
    assert sum(amount for _, amount in (*cash, *funds)) == sum(loss.amount for loss in lost)
    for loss in lost:
        ledger.share(house, loss)
    for who, amount in cash:
        ledger.post(house, who, amount)
    for moved in transfers:
        ledger.touch(house, moved.instrument, moved.mid)
        ledger.fill(house, account, moved.instrument, moved.size, moved.quote)
        ledger.fill(house, moved.taker, moved.instrument, -moved.size, -moved.quote)
    for who, _ in cash:
        if who != account:
            ledger.tell(house, who)
    for instrument, amount in funds:
        ledger.add_to_fund(house, instrument, amount)
    ledger.tell(house, account)


# Takers ------------------------------------------------------------------------------------------------------------


def reduced_only(house: House, transfers: Sequence[Transfer]) -> list[bool]:
    """For each transfer, before it: does it only shrink what the taker has on the other side?"""
    return [
        ledger_math.reduces(house.size(moved.taker, moved.instrument), -moved.size) for moved in transfers
    ]


def prove_takers(house: House, case: Case, transfers: Sequence[Transfer], reduced: Sequence[bool]) -> None:
    """A taker meets its initial margin afterwards (the pool T · M), or has only reduced its own risk."""
    for moved, only in zip(transfers, reduced):
        if moved.taker == case.account:
            refuse("TakerIsAccount", case.account)
        if case.taker is None and not only and case.proving in (None, moved.instrument):
            _prove_pool(house, moved.taker, case.book)
    if case.taker is None or all(reduced):
        return
    snapshot, _ = ledger.load(house, case.taker, case.book, strict=True)
    margin = margin_math.judge(snapshot, adding=True)
    backing = margin_math.backing(margin)
    most = mul_div_down(margin.collateral, house.world.debt.open_limit_e6, MILLION)
    if backing < margin.initial or margin_math.debt(margin) > most:
        refuse("TakerRefused", case.taker, backing, margin.initial)


def _prove_pool(house: House, tranche: int, book: Book) -> None:
    margin = ledger.judged(house, tranche, book, strict=True)
    need = mul_div_up(margin.maintenance, house.world.liquidation.target, WAD)
    if margin.equity < need:
        refuse("TakerRefused", tranche, margin.equity, need)
