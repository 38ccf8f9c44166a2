"""Deleveraging: when the pool refuses to take an account below its line. The counterpart of base/Deleveraging.sol.

Anyone reports the refusal; after ten minutes, in which capital may arrive, and for a day, the account is matched against those
who gain most from its fall: accounts of the other side whose profit per unit is at or above their side's average,

    q · OI ≥ Q_side · |s|

They only lose size, at mid, and share the penalty as a taker would; where the account is below zero they pay what keeps them at
E ≥ M, after insurance and before the rest of their side. No more is closed than a liquidation would close.
"""

from __future__ import annotations

from collections.abc import Sequence

from plimsoll import margin_math
from plimsoll.errors import Reverted
from plimsoll.fixed_point import WAD, mul_div_down, mul_div_up
from plimsoll.margin_math import Leg
from plimsoll.model import cases, liquidation, liquidation_math, losses, pool
from plimsoll.model.cases import Case, Transfer
from plimsoll.model.house import House, refuse
from plimsoll.types import DELEVERAGE_DELAY, DELEVERAGE_WINDOW

REFUSALS = ("TakerRefused", "TakerIsAccount")


def report_refusal(house: House, keeper: int, account: int) -> None:
    """The pool refuses an account below its line: deleveraging opens after a delay."""
    opens, ends = window(house, account)
    if opens and house.now < ends:
        refuse("NotOpen", account, opens, ends)
    _require_refused(house, keeper, account)
    house.storage.refused_at[account] = house.now


def window(house: House, account: int) -> tuple[int, int]:
    """From when until when it may be deleveraged; 0, 0 where nobody has reported."""
    at = house.storage.refused_at.get(account, 0)
    return (at + DELEVERAGE_DELAY, at + DELEVERAGE_DELAY + DELEVERAGE_WINDOW) if at else (0, 0)


def _require_refused(house: House, keeper: int, account: int, instrument: int | None = None) -> None:
    """Rehearses the verb and sees the pool refuse: no second rule decides it. Any other failure is passed on. instrument:
    whose tranche must refuse; None for one of them."""
    try:
        with house.attempt(keep=False):
            case = cases.opened(house, account, None, keeper, {})
            liquidation.execute(house, case._replace(proving=instrument))
    except Reverted as reason:
        if reason.name in REFUSALS:
            return
        raise
    refuse("BackstopAccepts", account)


def deleverage(house: House, keeper: int, account: int, instrument: int, counterparties: Sequence[int]) -> int:
    """Closes a position of an account against others'; they are in the order of their ids. Returns what was closed."""
    opens, ends = window(house, account)
    if not opens <= house.now < ends:
        refuse("NotOpen", account, opens, ends)
    case = cases.opened(house, account, None, keeper, {})
    cases.require_liquidatable(case)
    leg = next((leg for leg in case.snapshot.legs if leg.instrument == instrument), None)
    if leg is None:
        refuse("NotHeld", account, instrument)
    _require_refused(house, keeper, account, instrument)
    transfers = _matched(house, case, leg, counterparties)
    closed = sum(abs(moved.size) for moved in transfers)
    pool.freeze(house, instrument)
    if case.margin.equity < 0:
        cover = losses.covered(house, case, transfers, _parts_by_taker(case, leg, transfers))
        losses.settle_cover(house, case, transfers, cover)
    else:
        _deleverage_solvent(house, case, leg, transfers, closed)
    return closed


def _matched(house: House, case: Case, leg: Leg, counterparties: Sequence[int]) -> list[Transfer]:
    """One transfer a counterparty, in their order, until what a liquidation would close is closed."""
    margin, part = case.margin, WAD
    if margin.equity >= 0:
        part = liquidation_math.fraction(margin, margin.penalty, house.world.liquidation.target)
    due = left = liquidation_math.closing(leg, part, case.snapshot.size_scale)
    transfers: list[Transfer] = []
    for i, counterparty in enumerate(counterparties):
        if i > 0 and counterparty <= counterparties[i - 1]:
            refuse("Unsorted", counterparty)
        closed = min(left, _eligible(house, counterparty, leg))
        transfers.append(cases.transfer_of(case, leg, counterparty, closed))
        left -= closed
    if left == due:
        refuse("InvalidAmount", 0, due)
    return transfers


def _eligible(house: House, counterparty: int, leg: Leg) -> int:
    """The size of a counterparty that is on the other side, with at least its side's average profit a unit."""
    held, market = house.position(counterparty, leg.instrument), house.storage.markets[leg.instrument]
    size, side = abs(held.size), market.quote_long if held.size > 0 else market.quote_short
    opposite = size != 0 and (held.size > 0) != (leg.size > 0)
    if not opposite or held.quote * market.open_interest < side * size:
        refuse("NotEligible", counterparty, leg.instrument)
    return size


def _parts_by_taker(case: Case, leg: Leg, transfers: Sequence[Transfer]) -> list[int]:
    """The leg's part of the loss, by size; what division leaves is the last counterparty's where the leg closes whole."""
    left, size_left = losses.part_of(case, leg, -case.margin.equity), abs(leg.size)
    parts = []
    for moved in transfers:
        size = abs(moved.size)
        part = mul_div_down(left, size, size_left) if size else 0
        parts.append(part)
        left, size_left = left - part, size_left - size
    return parts


def _deleverage_solvent(
    house: House, case: Case, leg: Leg, transfers: Sequence[Transfer], closed: int
) -> None:
    penalty = _leg_penalty(case, leg, closed, len(transfers))
    shares = liquidation_math.split(penalty, cases.terms_of(house))
    cash, funds = cases.double_entry(house, case, transfers, shares, 0, [0] * len(transfers))
    cases.seize(house, case.account, transfers, cash, funds, ())


def _leg_penalty(case: Case, leg: Leg, closed: int, transfers: int) -> int:
    """At most E · M_i / M of the part that closes, so that health never falls; none where the remainder could not stand."""
    size, scale, margin = abs(leg.size), case.snapshot.size_scale, case.margin
    if closed < size and not liquidation_math.stands(leg, size - closed, scale):
        return 0
    whole = mul_div_up(margin_math.notional(size, leg.mid, scale), leg.penalty_rate, WAD)
    most = mul_div_down(margin.equity, margin_math.maintenance(leg, size, scale), margin.maintenance)
    return liquidation_math.penalty(min(whole, most), mul_div_down(closed, WAD, size), transfers)
