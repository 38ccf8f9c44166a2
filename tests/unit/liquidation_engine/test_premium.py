"""What the pool asks for being pushed off balance: the premium of its quote, on top of the penalty, within the equity.

All that LIQ-2 needs of what an account loses is that it is at most its equity: so the fraction grows with the premium, and
health never falls.
"""

from random import Random

import pytest

from plimsoll import margin_math
from plimsoll.fixed_point import WAD
from plimsoll.model import liquidation_math, quote_math
from tests.helpers import event, isolated
from tests.unit.liquidation_engine.sinking import assert_health, planned, portfolio, tranche
from tests.world import MAX, MAY_TRADE, SIZE_SCALE, UNIT, USDC, item

F = 462_962_962_962_962_963  # what is due of the weak account without a premium


def test_premium_of_the_pools_quote_is_paid_on_top(house, liquidation, pool, keeper, weak):
    before, plan = house.snapshot(weak), planned(house, weak, into_pool=True)
    asked = liquidation_math.asked(before, plan.closed, [tranche(house, 0)])
    told = event(liquidation.liquidate(item(weak), sender=keeper), "Liquidated").outcome
    assert told.premium == plan.premium == asked > 0
    assert told.penalty == told.keeperReward + told.takerReward + told.insurance + told.premium
    assert told.fraction > F, "it takes a little more to heal who pays more"
    assert_health(before, house.snapshot(weak), told, house.terms.target, plan.fraction)


def test_premium_where_the_pool_is_brought_back_to_balance_is_none(house, engine, liquidation, pool, keeper, trader):
    account = house.open(trader, 1_900 * USDC)
    engine.setOperator(account, pool, MAY_TRADE, sender=trader)
    pool.trade(account, 0, 10 * UNIT, MAX, MAX, sender=trader)
    house.reprice("ETH", 1_900)
    told = event(liquidation.liquidate(item(account), sender=keeper), "Liquidated").outcome
    assert told.premium == 0 < told.penalty


def test_premium_beyond_the_equity_takes_it_all_and_no_more(house, engine, liquidation, pool, keeper, weak):
    """A scale of one unit: the quote asks for many times the position. All the equity goes, and no more."""
    risk, limits, funding = (part._asdict() for part in engine.instrumentConfig(0))
    engine.setInstrument(0, risk, limits, funding | {"scale": UNIT}, sender=house.parameters_sender)
    told = event(liquidation.liquidate(item(weak), sender=keeper), "Liquidated").outcome
    assert (told.fraction, told.penalty) == (WAD, 836 * USDC - 3)
    assert house.judge(weak).equity == 3


def test_premium_of_a_taker_that_is_not_the_pool_is_none(house, liquidation, liquidator, taker, pool, weak):
    assert event(liquidation.liquidate(item(weak, taker), sender=liquidator), "Liquidated").outcome.premium == 0


def rescale(house, name, scale):
    """The pool's skew scale, in size units: the smaller, the dearer."""
    risk, limits, funding = (part._asdict() for part in house.engine.instrumentConfig(house.id(name)))
    house.engine.setInstrument(house.id(name), risk, limits, funding | {"scale": scale}, sender=house.parameters_sender)


def test_premium_is_the_trapezium_of_the_quote_to_the_unit(house, liquidation, pool, keeper, weak):
    """(0 + x) / 2 · x / scale of what the pool takes, at mid: nothing of it is the keeper's, the insurance's or anybody's."""
    rescale(house, "ETH", 1_000 * UNIT)
    told = event(liquidation.liquidate(item(weak), sender=keeper), "Liquidated").outcome
    closed = 10 * UNIT - house.position(weak, "ETH")[0]
    assert told.premium == quote_math.premium(-closed, 0, 1_900 * WAD, 1_000 * UNIT, SIZE_SCALE)
    assert told.premium == -(-(closed**2) * 1_900 * USDC // (2 * 1_000 * UNIT * UNIT))
    assert told.penalty - told.premium == 285 * USDC * told.fraction // WAD - 3
    shares = liquidation_math.split(told.penalty - told.premium, house.terms)
    assert (told.keeperReward, told.takerReward, told.insurance) == shares


def test_premium_goes_to_the_tranche(house, engine, liquidation, pool, keeper, weak):
    rescale(house, "ETH", 100 * UNIT)
    cash, insurance, treasury = house.cash(pool.tranche(0)), engine.fundOf(0).insurance, engine.fundOf(0).treasury
    idle = house.cash(pool.idle())
    told = event(liquidation.liquidate(item(weak), sender=keeper), "Liquidated").outcome
    assert house.cash(pool.tranche(0)) == cash + told.takerReward + told.premium
    assert (engine.fundOf(0).insurance, engine.fundOf(0).treasury) == (insurance + told.insurance, treasury)
    assert house.cash(house.account(keeper)) == told.keeperReward and house.cash(pool.idle()) == idle


@pytest.mark.parametrize("held", [-8, -3, -1, 0, 5])
def test_premium_is_asked_on_what_widens_the_lean_only(
    house, engine, liquidation, pool, keeper, other_trader, weak, held
):
    """The pool is short a little of what it takes: it pays nothing for straightening, and asks for the rest."""
    rescale(house, "ETH", 1_000 * UNIT)
    if held:
        other = house.open(other_trader, 10**6 * USDC)
        engine.setOperator(other, pool, MAY_TRADE, sender=other_trader)
        pool.trade(other, 0, -held * UNIT, MAX if held < 0 else 0, MAX, sender=other_trader)
    assert house.position(pool.tranche(0), "ETH")[0] == held * UNIT
    before, plan = house.snapshot(weak), planned(house, weak, into_pool=True)
    told = event(liquidation.liquidate(item(weak), sender=keeper), "Liquidated").outcome
    closed = 10 * UNIT - house.position(weak, "ETH")[0]
    start, end = max(0, held * UNIT), max(0, held * UNIT + closed)
    assert told.premium == plan.premium == -(-(start + end) * (end - start) * 1_900 * USDC // (2 * 1_000 * UNIT * UNIT))
    assert (told.premium == 0) == (held == -8)
    assert_health(before, house.snapshot(weak), told, house.terms.target, plan.fraction)


def test_premium_of_a_short_that_is_bought_back_is_asked_too(house, liquidation, pool, keeper, trader, long):
    rescale(house, "ETH", 1_000 * UNIT)
    account = house.open(trader, 1_836 * USDC, sub=1)
    house.trade(account, long, {"ETH": -10})
    house.reprice("ETH", 2_070)
    told = event(liquidation.liquidate(item(account), sender=keeper), "Liquidated").outcome
    closed = 10 * UNIT + house.position(account, "ETH")[0]
    assert told.premium == quote_math.premium(closed, 0, 2_070 * WAD, 1_000 * UNIT, SIZE_SCALE) > 0


def test_premium_of_a_bite_is_the_bites_own(house, liquidation, pool, keeper, weak):
    """A tenth of the position asks for a hundredth of the premium: n bites never ask for more than all at once."""
    rescale(house, "ETH", 1_000 * UNIT)
    with isolated(house.chain):
        whole = event(liquidation.liquidate(item(weak), sender=keeper), "Liquidated").outcome
    before = house.snapshot(weak)
    told = event(liquidation.liquidate(item(weak, most=WAD // 10), sender=keeper), "Liquidated").outcome
    assert told.premium == quote_math.premium(-UNIT, 0, 1_900 * WAD, 1_000 * UNIT, SIZE_SCALE) == 950_000
    assert_health(before, house.snapshot(weak), told, house.terms.target, whole.fraction)


def test_premium_takes_no_more_than_a_bites_part_of_the_equity(house, liquidation, pool, keeper, weak):
    """However steep the quote, the account keeps the rest of its equity for the rest of its position."""
    rescale(house, "ETH", UNIT // 10)
    told = event(liquidation.liquidate(item(weak, most=WAD // 10), sender=keeper), "Liquidated").outcome
    assert told.penalty == 836 * USDC // 10 - 3
    assert house.judge(weak).equity * 1_140 >= 836 * house.judge(weak).maintenance, "LIQ-2"


def test_premium_of_several_tranches_is_each_ones_own(house, engine, liquidation, pool, lp, keeper, sinking):
    """Two tranches that ask different premiums, one that asks none: each gets its own and its part of the reward."""
    pool.setMarket(house.id("SOL"), (0, 0, 0, 10_000, 2**90), sender=house.timelock)
    pool.allocate(house.id("SOL"), sender=lp)
    for name, scale in (("ETH", 5_000), ("BTC", 100), ("SOL", 10**9)):
        rescale(house, name, scale * UNIT)
    account = sinking.account({"ETH": 40, "BTC": -1, "SOL": 300})
    sinking.sink(account, "ETH")
    plan = planned(house, account, into_pool=True)
    cash = [house.cash(pool.tranche(i)) for i in range(3)]
    shown = liquidation.preview(account, WAD)
    legs, told = house.snapshot(account).legs, event(liquidation.liquidate(item(account), sender=keeper), "Liquidated")
    got = [house.cash(pool.tranche(i)) - before for i, before in enumerate(cash)]
    assert got == list(shown.rewards) and sum(got) == told.outcome.takerReward + told.outcome.premium
    asked = [
        quote_math.premium(-units if leg.size > 0 else units, 0, leg.mid, scale * UNIT, SIZE_SCALE)
        for leg, units, scale in zip(legs, plan.closed, (5_000, 100, 10**9))
    ]
    assert told.outcome.premium == sum(asked) and asked[0] > asked[1] > 100 * asked[2]
    worth = [margin_math.notional(units, leg.mid, SIZE_SCALE) for leg, units in zip(legs, plan.closed)]
    for gets, ask, notional in zip(got, asked, worth):
        assert abs(gets - ask - plan.shares.taker * notional // plan.notional) <= 2


@pytest.mark.parametrize("seed", range(20))
def test_premium_of_random_portfolios_equals_the_specification(house, liquidation, pool, lp, keeper, sinking, seed):
    """LIQ-2, LIQ-3 and f with the premium in it; tranches that lean either way, quotes from flat to steeper than the
    equity allows."""
    random = Random(seed)
    sizes, coins = portfolio(random, random.randint(1, 6), random.randint(0, 3))
    account = sinking.account(sizes, coins)
    for name in sizes:
        instrument = house.id(name)
        lean = round(sizes[name] * random.choice((-2, -1, -0.3, 0, 0.5)) * UNIT)
        house.deposit(pool.tranche(instrument), 10**8 * USDC, sender=lp)
        house.engine.setOperator(pool.tranche(instrument), house.venue, MAY_TRADE, sender=house.chain.impersonate(pool))
        if lean:
            house.trade(pool.tranche(instrument), sinking.other, {name: lean / UNIT})
        rescale(house, name, round(abs(sizes[name]) * random.choice((0.5, 3, 30, 10**4)) * UNIT))
    sinking.sink(account, "ETH")
    most = random.choice((WAD, WAD, WAD // 3))
    before, plan = house.snapshot(account), planned(house, account, most, into_pool=True)
    due = planned(house, account, into_pool=True).fraction
    told = event(liquidation.liquidate(item(account, most=most), sender=keeper), "Liquidated").outcome
    assert (told.fraction, told.penalty, told.premium) == (plan.fraction, plan.penalty, plan.premium)
    assert told.penalty <= told.equity
    after = house.snapshot(account)
    assert after == liquidation_math.closed(before, plan)
    assert_health(before, after, told, house.terms.target, due)
