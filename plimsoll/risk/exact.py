"""One account in integers: what the contracts would load and judge.

The rule itself is in margin_math, funding_math and interest_math; here an account of the book becomes their Snapshot. What only
new risk asks for (hi, the initial requirement, the crowd) is not known and left neutral: judge it as a liquidator does."""

from __future__ import annotations

from plimsoll import funding_math, interest_math, margin_math
from plimsoll.errors import RiskError
from plimsoll.fixed_point import WAD
from plimsoll.margin_math import Coin, Leg, Margin, Snapshot
from plimsoll.risk.book import Book
from plimsoll.risk.terms import MILLIONTH, Marks, Price, Terms


def margin(book: Book, account: int, terms: Terms, marks: Marks) -> Margin:
    """The margin rule's answer at mid. Raises RiskError where a price is missing, KeyError for one that is not in the book."""
    return margin_math.judge(snapshot(book, account, terms, marks))


def snapshot(book: Book, account: int, terms: Terms, marks: Marks, include: int | None = None) -> Snapshot:
    """The account with interest and funding brought to the time of the marks. include: an instrument that need not be held.
    Raises as `margin`."""
    held = book.holding(account)
    owed = interest_math.owed(held.cash, held.interest_index, marks.interest_index)
    legs = {i: (one.size, one.quote, one.index) for i, one in held.positions.items()}
    if include is not None:
        legs.setdefault(include, (0, 0, 0))
    return Snapshot(
        account=account,
        cash=held.cash - owed,
        interest=owed,
        size_scale=terms.size_scale,
        legs=tuple(_leg(terms, marks, instrument, *legs[instrument]) for instrument in sorted(legs)),
        coins=tuple(coin(terms, marks, collateral, held.coins[collateral]) for collateral in sorted(held.coins)),
    )


def _leg(terms: Terms, marks: Marks, instrument: int, size: int, quote: int, index: int) -> Leg:
    spec = terms.instruments[instrument]
    mid, now = _price(marks, spec.feed).mid, marks.indices[instrument][0 if size > 0 else 1]
    return Leg(
        instrument=instrument,
        size=size,
        quote=quote,
        charge=funding_math.charge(size, index, now),
        lo=mid,
        mid=mid,
        hi=mid,
        base=spec.base_e6 * MILLIONTH,
        slope=spec.slope_e6 * MILLIONTH,
        depth=spec.depth,
        floor=spec.floor,
        initial_multiple=WAD,
        oi_factor=WAD,
        penalty_rate=spec.penalty_e6 * MILLIONTH,
        min_notional=0,
        feed=spec.feed,
    )


def coin(terms: Terms, marks: Marks, collateral: int, amount: int) -> Coin:
    """So much of a collateral; its haircut as far gone as its feed is halted. Raises RiskError without a price."""
    spec = terms.collaterals[collateral]
    price = _price(marks, spec.feed)
    held = Coin(
        collateral=collateral,
        amount=amount,
        lo=price.mid,
        mid=price.mid,
        haircut=spec.haircut_e6 * MILLIONTH,
        max_haircut=spec.max_haircut_e6 * MILLIONTH,
        depth=spec.depth,
        scale=margin_math.coin_scale(spec.decimals, terms.decimals),
        feed=spec.feed,
    )
    return margin_math.ramp(held, marks.time - price.halted_at) if price.halted_at else held


def _price(marks: Marks, feed: int) -> Price:
    if feed not in marks.prices:
        raise RiskError(f"feed {feed} has no price in these marks: nobody who holds anything on it can be judged")
    return marks.prices[feed]
