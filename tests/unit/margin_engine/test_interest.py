"""Interest on negative cash: paid to the pool's idle account, at an index that anyone can compute."""

import pytest

from plimsoll.fixed_point import WAD, mul_div_up
from tests.helpers import event, isolated, reverts
from tests.world import DAY, MAX, USDC

YEAR = 365 * DAY
TEN_PERCENT = 10**8


@pytest.fixture
def rate(house):
    def set_(rate_e9):
        return house.parameters.setInterest(rate_e9, sender=house.timelock)

    return set_


@pytest.fixture
def owing(house, trader, short):
    """Cash −10,000 behind 100 WETH."""
    account = house.open(trader, WETH=100 * WAD)
    house.trade(account, short, {"SOL": 1_000}, [-20_000 * USDC])
    house.reprice("SOL", 10)
    house.trade(account, short, {"SOL": -1_000})
    assert house.cash(account) == -10_000 * USDC
    return account


def index(start, base, rate_e9, now):
    return base + rate_e9 * (now - start) // YEAR


def test_interest_is_charged_and_goes_to_the_pool(house, engine, chain, rate, owing):
    start = rate(TEN_PERCENT).timestamp
    engine.settle(owing)
    idle = house.pool.idle()
    before, cash, paid = index(start, 10**9, TEN_PERCENT, chain.now), house.cash(owing), house.cash(idle)
    for days in (1, 30, 7):
        chain.advance(days * DAY)
        house.protocol.refresh()
        receipt = engine.settle(owing)
        after = index(start, 10**9, TEN_PERCENT, receipt.timestamp)
        due = mul_div_up(-cash, after - before, before)
        event(receipt, "InterestCharged", account=owing, amount=due)
        cash, paid, before = cash - due, paid + due, after
        assert (house.cash(owing), house.cash(idle)) == (cash, paid)


def test_interest_of_a_year_at_ten_percent_is_a_tenth(house, engine, chain, rate, owing):
    rate(TEN_PERCENT)
    engine.settle(owing)
    chain.advance(YEAR - 1)
    house.protocol.refresh()
    chain.set_next_time(chain.now)
    engine.settle(owing)
    assert abs(house.cash(owing) + 11_000 * USDC) < 500  # some seconds more than a year


def test_interest_counts_in_the_margin_before_it_is_charged(house, engine, chain, rate, owing):
    rate(TEN_PERCENT)
    before = house.judge(owing)
    chain.advance(3 * DAY)
    shown = house.engine.load(owing, 0, [], False).snapshot
    assert shown.interest > 0
    assert shown.cash == engine.accountState(owing).cash - shown.interest == before.cash - shown.interest
    chain.set_next_time(chain.now)
    engine.settle(owing)
    assert house.cash(owing) == shown.cash


def test_interest_stops_where_cash_is_not_negative(house, engine, chain, rate, owing):
    rate(10**9)
    house.deposit(owing, 20_000 * USDC)
    cash = house.cash(owing)
    assert 9_999 * USDC < cash < 10_000 * USDC
    chain.advance(7 * DAY)
    house.protocol.refresh()
    engine.settle(owing)
    assert house.cash(owing) == cash
    assert engine.accountState(owing).interestIndex == 0


def test_interest_starts_where_cash_turns_negative(house, engine, chain, rate, trader, short):
    """Not since the account was opened, nor since the rate was set."""
    account = house.open(trader, 15_000 * USDC, WETH=100 * WAD)
    rate(10**9)
    chain.advance(5 * DAY)
    house.protocol.refresh()
    house.trade(account, short, {"SOL": 1_000}, [-40_000 * USDC])
    receipt = house.trade(account, short, {"SOL": -1_000}, [20_000 * USDC])
    assert house.cash(account) == -5_000 * USDC
    assert receipt.events_named("InterestCharged") == []


def test_interest_of_a_changed_rate_goes_on_from_the_index(house, engine, chain, rate, owing):
    first = rate(10**9).timestamp
    engine.settle(owing)
    cash, at = house.cash(owing), index(first, 10**9, 10**9, chain.now)
    chain.advance(3 * DAY)
    second = rate(TEN_PERCENT).timestamp
    base = index(first, 10**9, 10**9, second)
    chain.advance(4 * DAY)
    house.protocol.refresh()
    now = engine.settle(owing).timestamp
    assert house.cash(owing) == cash - mul_div_up(-cash, index(second, base, TEN_PERCENT, now) - at, at)


def test_interest_is_not_less_for_settling_often(house, engine, chain, rate, owing):
    """MAR-4"""
    rate(10**9)
    engine.settle(owing)
    start, left = chain.now, []
    for steps in (1, 10):
        with isolated(chain):
            for step in range(steps):
                chain.set_next_time(start + (step + 1) * 10_000_000 // steps // 20)
                engine.settle(owing)
            left.append(house.cash(owing))
    assert left[1] <= left[0]


def test_interest_above_its_bound_reverts(house, owner, rate):
    with reverts("InvalidParameter", "interestRateE9", 10**9 + 1, 10**9):
        rate(10**9 + 1)
    event(rate(10**9), "InterestSet", rateE9=10**9)


def test_interest_alone_can_bring_an_account_below_its_line(house, engine, chain, rate, owing, short, liquidator):
    """Accrued interest counts in b."""
    house.trade(owing, short, {"ETH": 500})
    taker = house.open(liquidator, 10_000_000 * USDC)
    sinking, safe = 1_000, 2_000
    while safe - sinking > 1:
        half = (safe + sinking) // 2
        house.reprice("ETH", half)
        sinking, safe = (half, safe) if house.judge(owing).equity < house.judge(owing).maintenance else (sinking, half)
    house.reprice("ETH", safe)
    with reverts("NotLiquidatable"):
        house.liquidation.liquidate((owing, taker, WAD, 0, MAX), sender=liquidator)
    rate(10**9)
    chain.advance(30 * DAY)
    house.protocol.refresh()
    house.liquidation.liquidate((owing, taker, WAD, 0, MAX), sender=liquidator)
