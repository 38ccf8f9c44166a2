"""Funding in the market FUND, whose skew is the pool's: what each side owes is what the executable specification says."""

import pytest

from plimsoll import funding_math
from tests.helpers import event
from tests.world import DAY, HOUR, MAX, MAY_TRADE, SIZE_SCALE, UNIT, USDC

FUND = 5


def state(house):
    """The market as it is stored, in the model's words."""
    market = house.engine.market(FUND)
    return funding_math.Market(market.indexLong, market.indexShort, market.rateE8, market.time)


def accrued(house, market, skew, now):
    _, _, funding = house.engine.instrumentConfig(FUND)
    terms = funding_math.Funding(funding.scale, funding.maxVelocityE8, funding.maxRateE8)
    return funding_math.accrue(market, terms, skew, house.mid("FUND"), SIZE_SCALE, now)


@pytest.fixture
def skewed(house, engine, trader, maker, lp):
    """The trader is long 100 and the maker short 40, both against the pool, which is short 60 of a scale of 1,000."""
    house.provide(lp)
    accounts = [house.open(trader, 500_000 * USDC), house.open(maker, 500_000 * USDC)]
    for account, owner, size in zip(accounts, (trader, maker), (100 * UNIT, -40 * UNIT)):
        engine.setOperator(account, house.pool, MAY_TRADE, sender=owner)
        house.pool.trade(account, FUND, size, MAX if size > 0 else 0, MAX, sender=owner)
    return accounts


def test_settle_charges_what_the_index_says(house, engine, chain, skewed):
    for seconds in (HOUR, 3 * HOUR, 17, DAY):
        chain.advance(seconds)
        for account, size in zip(skewed, (100 * UNIT, -40 * UNIT)):
            market, cash, held = state(house), house.cash(account), engine.position(account, FUND).index
            due = accrued(house, market, 60 * UNIT, engine.settle(account).timestamp)
            owed = funding_math.charge(size, held, due.index_long if size > 0 else due.index_short)
            assert state(house) == due
            assert house.cash(account) == cash - owed
            assert owed > 0 if size > 0 else owed < 0


def test_settle_tells_the_index_and_the_cash(house, engine, chain, skewed):
    chain.advance(HOUR)
    receipt = engine.settle(skewed[0])
    held = engine.position(skewed[0], FUND)
    event(
        receipt,
        "PositionUpdated",
        account=skewed[0],
        instrument=FUND,
        size=held.size,
        quote=held.quote,
        index=held.index,
    )
    event(receipt, "AccountUpdated", account=skewed[0], cash=house.cash(skewed[0]))
    assert held.index == engine.market(FUND).indexLong > 0


def test_settle_twice_in_a_block_changes_nothing(house, engine, chain, skewed):
    """FUN-1"""
    chain.advance(HOUR)
    engine.settle(skewed[0])
    before, market = engine.accountState(skewed[0]), engine.market(FUND)
    chain.set_next_time(chain.now)
    engine.settle(skewed[0])
    after = engine.accountState(skewed[0])
    assert after._replace(nonce=0) == before._replace(nonce=0)
    assert engine.market(FUND) == market


def test_settle_pays_out_no_more_than_it_takes_in(house, engine, chain, skewed):
    """FUN-1, LED-2: over the three accounts of the market, whoever settles when."""
    accounts = [*skewed, house.pool.tranche(FUND)]
    total = sum(house.cash(a) for a in accounts)
    for round_ in range(6):
        chain.advance(HOUR * (round_ + 1))
        for account in accounts[round_ % 3 :]:
            engine.settle(account)
    for account in accounts:
        chain.set_next_time(chain.now)
        engine.settle(account)
    left = sum(house.cash(a) for a in accounts)
    assert total - 50 <= left <= total, "FUN-1"


def test_settle_shows_what_a_view_already_counted(house, engine, chain, skewed):
    chain.advance(5 * HOUR)
    shown = house.judge(skewed[0])
    chain.set_next_time(chain.now)
    engine.settle(skewed[0])
    settled = house.judge(skewed[0])
    assert (settled.equity, settled.cash) == (shown.equity, shown.cash), "what is owed has left cash already"


def test_settle_after_many_days_charges_one(house, engine, chain, skewed):
    chain.advance(HOUR)
    engine.settle(skewed[0])
    before = state(house)
    chain.advance(7 * DAY)
    now = engine.settle(skewed[0]).timestamp
    after = state(house)
    assert after == accrued(house, before, 60 * UNIT, before.time + DAY)._replace(time=now)


def test_settle_by_anyone_gains_and_costs_nothing_without_time(house, engine, stranger, long, short):
    house.trade(long, short, {"ETH": 10})
    before = house.judge(long)
    engine.settle(long, sender=stranger)
    assert house.judge(long) == before


def test_settle_of_an_empty_account_is_told(house, engine, stranger):
    receipt = engine.settle(house.account(stranger), sender=stranger)
    event(receipt, "AccountUpdated", account=house.account(stranger), cash=0, nonce=1)


def test_settle_bounds_the_rate(house, engine, chain, skewed):
    """FUN-1: |rate| ≤ maxRate, however long the skew lasts."""
    _, _, funding = engine.instrumentConfig(FUND)
    for _ in range(6):
        house.reprice("ETH", 2_000)
        chain.advance(7 * DAY)
        engine.settle(skewed[0])
        assert abs(engine.market(FUND).rateE8) <= funding.maxRateE8
    assert engine.market(FUND).rateE8 > 0


def test_settle_counts_before_a_trade_changes_the_skew(house, engine, chain, maker, skewed):
    """The trade's own effect on the skew starts with it."""
    before = state(house)
    chain.advance(HOUR)
    receipt = house.pool.trade(skewed[1], FUND, -500 * UNIT, 0, MAX, sender=maker)
    assert state(house) == accrued(house, before, 60 * UNIT, receipt.timestamp)
