"""What can be asked without changing anything: the whole State, who is liquidatable, where the line is. The counterpart of
MarginLens.sol. (Previews are the contracts' alone: MarginPreviews.sol.)"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from plimsoll import margin_math
from plimsoll.errors import Reverted
from plimsoll.fixed_point import WAD, mul_div_down
from plimsoll.margin_math import Margin, Snapshot
from plimsoll.model import auctions, ledger, oracle, pool
from plimsoll.model.house import CASH, ESCROW, House, Request
from plimsoll.model.oracle import Fault
from plimsoll.state import AccountState, EscrowState, FeedState, MarketState, PoolState, Position, State
from plimsoll.types import ENGINE, FAULTS, Account


def state(house: House, accounts: Mapping[Account, int], holders: Mapping[str, int]) -> State:
    """holders: actors who may hold shares of the pool, with their addresses."""
    return State(
        time=house.now,
        accounts={account: _account(house, number) for account, number in accounts.items()},
        markets={spec.name: _market(house, i) for i, spec in enumerate(house.instruments)},
        feeds={name: _feed(house, i) for i, name in enumerate(house.feeds)},
        escrow={name: _escrow(house, name, accounts) for name in _tokens(house)},
        pool=_pool(house, holders),
        bad_debt=house.storage.bad_debt,
    )


# What it is made of ------------------------------------------------------------------------------------------------


def _account(house: House, number: int) -> AccountState:
    held = {house.instruments[i].name: house.position(number, i) for i in house.held(number)}
    coins = [house.collaterals[i].name for i in house.coins(number)]
    margin, fault, owed = None, "", 0
    try:
        snapshot, _ = ledger.load(house, number, {}, strict=False)
        margin = _standing(snapshot)
        owed = sum(max(0, leg.charge) for leg in snapshot.legs)
    except Reverted as refusal:
        fault = refusal.name
    return AccountState(
        cash=house.cash(number),
        positions={name: Position(*position) for name, position in held.items()},
        collateral={name: house.credit(number, name) for name in coins},
        margin=margin,
        fault=fault,
        owed=owed,
    )


def _standing(snapshot: Snapshot) -> Margin:
    """At mid, with I at hi."""
    at_mid, adding = margin_math.judge(snapshot), margin_math.judge(snapshot, adding=True)
    return at_mid._replace(initial=adding.initial)


def _market(house: House, i: int) -> MarketState:
    stored, fund = house.storage.markets[i], house.storage.funds[i]
    return MarketState(
        open_interest=stored.open_interest,
        index_long=stored.index_long,
        index_short=stored.index_short,
        quote_long=stored.quote_long,
        quote_short=stored.quote_short,
        rate_e8=stored.rate,
        time=stored.time,
        insurance=fund.insurance,
        treasury=fund.treasury,
        owed_long=house.deficit(i, True).owed,
        owed_short=house.deficit(i, False).owed,
    )


def _feed(house: House, i: int) -> FeedState:
    found, said = oracle.peek(house, i), oracle.latest(house, i)
    updated_at = said.updated_at if said else 0
    if isinstance(found, Fault):
        return FeedState(0, 0, 0, FAULTS[found.kind], updated_at)
    return FeedState(found.lo, found.mid, found.hi, "", updated_at, found.halted_at)


def _tokens(house: House) -> Iterator[str]:
    yield house.settlement
    yield from (spec.name for spec in house.collaterals)


def _escrow(house: House, token: str, accounts: Mapping[Account, int]) -> EscrowState:
    owners = (CASH,) if token == house.settlement else accounts.values()
    credit = sum(house.credit(number, token) for number in owners)
    return EscrowState(house.storage.balances.get((ESCROW, token), 0), {ENGINE: credit})


def _pool(house: House, holders: Mapping[str, int]) -> PoolState:
    held, waiting, supply = house.storage.shares, house.storage.requests, pool.total_shares(house)
    shares = {name: held.get(who, 0) + waiting.get(who, Request()).shares for name, who in holders.items()}
    value = pool.valued(house, strict=False)
    if value.reasons:
        return PoolState(None, None, None, supply, None, shares)
    # One whole share is 10^(decimals + 6) of its units, and a price is WAD a whole settlement token.
    price = mul_div_down(value.mid + 1, pool.VIRTUAL_SHARES * WAD, supply + pool.VIRTUAL_SHARES)
    return PoolState(value.low, value.mid, value.high, supply, price, shares)


# The line ----------------------------------------------------------------------------------------------------------


def is_liquidatable(house: House, number: int) -> bool:
    """E < M with at least one position; never where a price is invalid, or a stand-in that may still be undone."""
    try:
        return margin_math.liquidatable(ledger.judged(house, number, {}, strict=True))
    except Reverted:
        return False


def is_for_sale(house: House, number: int) -> bool:
    """Whether there is collateral and a reason to sell it."""
    if not house.coins(number):
        return False
    try:
        return auctions.is_for_sale(house, number, ledger.judged(house, number, {}))
    except Reverted:
        return False


def liquidation_price(house: House, number: int, instrument: int) -> int | None:
    """The nearest answer of the instrument's feed at which E < M, WAD; None where there is none."""
    snapshot, book = ledger.load(house, number, {}, strict=False, include=[instrument])
    feed = house.feed_of(instrument)
    spec, mid = oracle.spec_of(house, feed), book[feed].mid
    bounds = (oracle.answer_of(spec, price) for price in (spec.min_price, spec.max_price))
    found = margin_math.line(snapshot, feed, mid, margin_math.answers(spec.decimals, *bounds))
    return min((price for price in found if price is not None), key=lambda price: abs(price - mid), default=None)
