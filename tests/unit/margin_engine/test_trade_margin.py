"""MAR-1: after a trade either the opening test holds, or risk was only reduced and health is not worse."""

import pytest

from plimsoll.fixed_point import WAD
from tests.helpers import reverts
from tests.world import MAY_TRADE, UNIT, USDC

NEED = 1_836 * USDC  # I of 10 ETH: 9 % at 2,040


def test_trade_that_opens_with_exactly_the_initial_margin_is_taken(house, trader, short):
    account = house.open(trader, NEED - 1)
    with reverts("InsufficientMargin", account, NEED - 1, NEED):
        house.trade(account, short, {"ETH": 10})
    house.deposit(account, 1)
    house.trade(account, short, {"ETH": 10})
    assert house.judge(account, adding=True).initial == NEED


def test_trade_that_opens_proves_the_maker_too(house, trader, maker, long):
    thin = house.open(maker, NEED - 1)
    with reverts("InsufficientMargin", thin, NEED - 1, NEED):
        house.trade(long, thin, {"ETH": 10})
    house.deposit(thin, 1)
    house.trade(long, thin, {"ETH": 10})


def test_trade_at_a_bad_price_counts_its_loss(house, trader, short):
    account = house.open(trader, NEED + 500 * USDC)
    with reverts("InsufficientMargin", account, NEED - 1, NEED):
        house.trade(account, short, {"ETH": 10}, [-20_500 * USDC - 1])
    house.trade(account, short, {"ETH": 10}, [-20_500 * USDC])


def test_trade_at_a_good_price_backs_nothing(house, trader, short):
    """MAR-2: profit that is not realised does not count."""
    account = house.open(trader, NEED - 1)
    with reverts("InsufficientMargin", account, NEED - 1, NEED):
        house.trade(account, short, {"ETH": 10}, [-10_000 * USDC])


def test_trade_that_adds_to_a_winning_position_is_not_backed_by_its_profit(house, trader, short):
    account = house.open(trader, NEED)
    house.trade(account, short, {"ETH": 10})
    house.reprice("ETH", 4_000)
    with reverts("InsufficientMargin", account, NEED, 2 * NEED + 3_672_000):
        house.trade(account, short, {"ETH": 0.01})


def test_trade_counts_collateral_at_its_lower_price_and_after_its_haircut(house, trader, short):
    account = house.open(trader, WETH=WAD)
    margin = house.judge(account, adding=True)
    assert margin.collateral == 1_960 * USDC * (900_000 - 100) // 10**6  # 1 of a depth of 10,000
    units = margin.collateral * UNIT * 10_000 // (9 * 204 * 10**9)
    with reverts("InsufficientMargin"):
        house.trade(account, short, {"ETH": (units + 10) / UNIT})
    house.trade(account, short, {"ETH": (units - 10) / UNIT})


def test_trade_may_not_borrow_beyond_the_debt_limit(house, trader, short):
    """A loss within the margin, but more than λ₀ of the collateral."""
    account = house.open(trader, WETH=10 * WAD)
    house.trade(account, short, {"MEME": 2_000})
    value = house.judge(account, adding=True).collateral
    limit = value * 8 // 10
    loss = limit - house.judge(account).profit
    with reverts("DebtTooLarge", account, limit + 1, limit):
        house.trade(account, short, {"SOL": 50}, [-1_000 * USDC - loss - 1])
    house.trade(account, short, {"SOL": 50}, [-1_000 * USDC - loss])


# Reducing ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def weak(house, trader, short):
    """Ten ETH on 1,836; at 1,900 its equity is 836, its maintenance 1,140: liquidatable."""
    account = house.open(trader, NEED)
    house.trade(account, short, {"ETH": 10})
    house.reprice("ETH", 1_900)
    assert house.judge(account).equity == 836 * USDC < house.judge(account).maintenance == 1_140 * USDC
    return account


def test_trade_that_reduces_a_weak_account_is_taken(house, short, weak):
    house.trade(weak, short, {"ETH": -2})
    assert house.judge(weak).equity == 836 * USDC
    house.trade(weak, short, {"ETH": -8})
    assert house.cash(weak) == 836 * USDC


def test_trade_that_reduces_at_an_equity_of_nothing_is_taken(house, short, weak):
    """E' = E = 0: health is not worse, and nothing falls below zero."""
    house.engine.seize(weak, [], [(weak, -836 * USDC), (short, 836 * USDC)], [], [], sender=house.liquidator)
    assert house.judge(weak).equity == 0
    house.trade(weak, short, {"ETH": -4})
    assert (house.judge(weak).equity, house.position(weak, "ETH")[0]) == (0, 6 * UNIT)


@pytest.mark.parametrize("units", [1, 5, 9])
def test_trade_that_reduces_keeps_health_to_the_unit(house, short, weak, units):
    """E' · M ≥ E · M': 836 · (1 − u/10) must stay of equity, so 83.6 a unit may be lost, and not one more."""
    least = house.at_mid("ETH", -units * UNIT) - 83_600_000 * units
    after = 83_600_000 * (10 - units) - 1, 114 * USDC * (10 - units)
    with reverts("HealthWorsened", weak, *after):
        house.trade(weak, short, {"ETH": -units}, [least - 1])
    house.trade(weak, short, {"ETH": -units}, [least])


def test_trade_that_closes_may_give_away_all_equity_and_no_more(house, short, weak):
    """Never E' < min(E, 0), whatever price the two sides agreed."""
    worst = house.at_mid("ETH", -10 * UNIT) - 836 * USDC
    with reverts("HealthWorsened", weak, -1, 0):
        house.trade(weak, short, {"ETH": -10}, [worst - 1])
    house.trade(weak, short, {"ETH": -10}, [worst])
    assert house.cash(weak) == 0


def test_trade_that_reduces_is_held_to_health_for_the_maker_too(house, short, weak):
    least = 19_000 * USDC - 836 * USDC
    with reverts("HealthWorsened", weak, -1, 0):
        house.trade(short, weak, {"ETH": 10}, [-least + 1])
    house.trade(short, weak, {"ETH": 10}, [-least])
    assert house.cash(weak) == 0


def test_trade_that_reduces_a_rich_account_may_worsen_its_health(house, long, short):
    """The opening test holds afterwards: what it gives away is its own."""
    house.trade(long, short, {"ETH": 100})
    house.trade(long, short, {"ETH": -1}, [-50_000 * USDC])
    assert house.judge(long).equity < 50_000 * USDC


def test_trade_with_one_adding_leg_is_adding(house, short, weak):
    """Nine tenths closed and 500 SOL bought: less risk in all, and still the opening test."""
    with reverts("InsufficientMargin", weak, 836 * USDC, 174_420_000 + 918_000_000):
        house.trade(weak, short, {"ETH": -9, "SOL": 500})
    house.trade(weak, short, {"ETH": -9, "SOL": 300})


def test_trade_through_zero_is_adding(house, short, weak):
    with reverts("InsufficientMargin", weak, 836 * USDC, 1_744_200_000):
        house.trade(weak, short, {"ETH": -20})


def test_trade_of_an_insolvent_account_reverts_in_every_direction(house, short, weak):
    """Below zero, closing makes E/M worse: the account is for absorb, and a deposit brings it back."""
    house.reprice("ETH", 1_800)
    assert house.judge(weak).equity == -164 * USDC
    for units, maintenance in ((-1, 972 * USDC), (-10, 0)):
        with reverts("HealthWorsened", weak, -164 * USDC, maintenance):
            house.trade(weak, short, {"ETH": units})
    house.deposit(weak, 164 * USDC)
    house.trade(weak, short, {"ETH": -10})
    assert house.cash(weak) == 0


def test_trade_that_reduces_is_not_better_in_many_steps(house, short, trader):
    """MAR-4: what is realised by n steps is never more than by one."""
    accounts = [house.open(trader, 50_000 * USDC, sub) for sub in (1, 2)]
    for account in accounts:
        house.trade(account, short, {"ETH": 10}, [-20_000_000_007])
    house.reprice("ETH", 2_111.11)
    for part in (0.123456789, 1.7, 3.333333333):
        house.trade(accounts[0], short, {"ETH": -part})
    house.trade(accounts[1], short, {"ETH": -5.156790122})
    stepwise, at_once = map(house.judge, accounts)
    assert stepwise.cash <= at_once.cash
    assert stepwise.equity <= at_once.equity


# The pool as maker ------------------------------------------------------------------------------------------------


@pytest.fixture
def pooled(house, engine, trader, lp):
    """An account that trades with the pool."""
    house.provide(lp)
    account = house.open(trader, 100_000 * USDC)
    engine.setOperator(account, house.pool, MAY_TRADE, sender=trader)
    return account


def test_trade_against_the_pool_needs_no_leave_of_it_and_no_minimum(house, trader, pooled):
    house.pool.trade(pooled, 0, UNIT, 2**256 - 1, 2**256 - 1, sender=trader)
    house.pool.trade(pooled, 0, -UNIT, 0, 2**256 - 1, sender=trader)


def test_trade_by_a_stranger_for_the_pools_account_reverts(house, pooled, short):
    with reverts("Unauthorized", house.venue):
        house.trade(short, house.account(house.pool.address, 1), {"ETH": 1})


def test_trade_after_the_pools_deadline_reverts(house, chain, trader, pooled):
    """Deadlines are the venue's."""
    now = chain.now
    with reverts("Expired", now, now + 1):
        house.pool.trade(pooled, 0, UNIT, 2**256 - 1, now, sender=trader)
