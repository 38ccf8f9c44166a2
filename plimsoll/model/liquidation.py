"""Liquidation: an account with 0 ≤ E < M gives up the fraction of its positions that makes it sound again. The counterpart of
LiquidationEngine.sol.

Calculate, then execute: a verb loads the account once (cases.py), decides by liquidation_math, and hands the ledger a list of
transfers and a double entry that balances. An account below zero is for losses.py.

Units: as in house.py; fraction WAD.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from plimsoll.errors import Reverted
from plimsoll.fixed_point import WAD
from plimsoll.model import cases, liquidation_math, losses
from plimsoll.model.cases import Case
from plimsoll.model.house import House, refuse
from plimsoll.model.liquidation_math import Plan, Tranche
from plimsoll.model.oracle import Book
from plimsoll.types import Outcome


class Item(NamedTuple):
    """What a keeper asks for. nonce: of the account, as he saw it; None for any."""

    account: int
    taker: int | None = None
    max_fraction: int = WAD
    min_fraction: int = 0
    nonce: int | None = None


# The verbs ---------------------------------------------------------------------------------------------------------


def liquidate(house: House, keeper: int, item: Item) -> Outcome:
    require_nonce(house, item)
    return _liquidate(house, cases.opened(house, item.account, item.taker, keeper, {}), item.max_fraction, item.min_fraction)


def liquidate_many(house: House, keeper: int, items: Sequence[Item]) -> int:
    """Each price is read once; an item that fails is skipped. Returns how many did not."""
    if not items:
        refuse("EmptyBatch")
    book: Book = {}
    done = 0
    for item in items:
        try:
            with house.attempt():
                require_nonce(house, item)
                case = cases.opened(house, item.account, item.taker, keeper, book)
                execute(house, case, item.max_fraction, item.min_fraction)
        except Reverted:
            continue
        book, done = case.book, done + 1
    return done


def execute(house: House, case: Case, max_fraction: int = WAD, min_fraction: int = 0) -> None:
    """Absorbs an account below zero, liquidates any other."""
    if case.margin.equity < 0:
        losses.absorb_case(house, case)
    else:
        _liquidate(house, case, max_fraction, min_fraction)


def _liquidate(house: House, case: Case, max_fraction: int, min_fraction: int) -> Outcome:
    cases.require_liquidatable(case)
    if case.margin.equity < 0:
        refuse("Insolvent", case.account, case.margin.equity)
    plan = _planned(house, case, max_fraction)
    if plan.fraction < min_fraction:
        refuse("FractionBelowMinimum", plan.fraction, min_fraction)
    transfers = cases.transfers_of(house, case, plan.closed)
    reduced = cases.reduced_only(house, transfers)
    premiums = _premiums(house, case, plan.closed)
    cash, funds = cases.double_entry(house, case, transfers, plan.shares, plan.premium, premiums)
    cases.seize(house, case.account, transfers, cash, funds, ())
    cases.prove_takers(house, case, transfers, reduced)
    shares = plan.shares
    return Outcome(
        fraction=plan.fraction,
        penalty=plan.penalty,
        keeper_reward=shares.keeper,
        taker_reward=shares.taker,
        insurance=shares.insurance,
        premium=plan.premium,
        notional=plan.notional,
        equity=case.margin.equity,
        maintenance=case.margin.maintenance,
    )


# Planning ------------------------------------------------------------------------------------------------------------


def require_nonce(house: House, item: Item) -> None:
    nonce = house.record(item.account).nonce
    if item.nonce is not None and nonce != item.nonce:
        refuse("NonceChanged", item.account, nonce, item.nonce)


def _planned(house: House, case: Case, most: int) -> Plan:
    try:
        return liquidation_math.plan(case.snapshot, cases.terms_of(house), most, _tranches(house, case))
    except liquidation_math.TooSmall as small:
        refuse("FractionTooSmall", small.fraction, small.notional, small.minimum)


def _tranches(house: House, case: Case) -> list[Tranche]:
    """Where the pool takes the positions: what it holds already."""
    legs = case.snapshot.legs if case.taker is None else ()
    return [
        Tranche(house.size(house.tranche(leg.instrument), leg.instrument), house.scale_of(leg.instrument)) for leg in legs
    ]


def _premiums(house: House, case: Case, closed: Sequence[int]) -> list[int]:
    """What the quote of each tranche asks for what it takes; 0 for another taker."""
    tranches = _tranches(house, case)
    if not tranches:
        return [0] * len(closed)
    ask, legs = liquidation_math.asked, case.snapshot.legs
    return [
        ask(case.snapshot._replace(legs=(leg,)), [units], [tranche])
        for leg, units, tranche in zip(legs, closed, tranches)
    ]
