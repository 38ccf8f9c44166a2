from random import Random

import pytest

from plimsoll import margin_math
from plimsoll.fixed_point import WAD
from plimsoll.model import liquidation_math
from tests.helpers import event, reverts
from tests.unit.liquidation_engine.sinking import assert_health, planned, portfolio
from tests.world import DAY, MAX, MAY_TRADE, MAY_WITHDRAW, NAMES, UNIT, USDC, item

F = 462_962_962_962_962_963  # ⌈(1.15 · 1,140 − 836) / (1.15 · 1,140 − 285)⌉


def test_liquidate_brings_health_back_to_the_target(house, liquidation, liquidator, taker, weak):
    before = house.snapshot(weak)
    receipt = liquidation.liquidate(item(weak, taker, WAD), sender=liquidator)
    told = event(receipt, "Liquidated", account=weak, taker=taker, keeper=liquidator).outcome
    assert told.fraction == F
    assert (told.equity, told.maintenance) == (836 * USDC, 1_140 * USDC)
    closed = -(-10 * UNIT * F // WAD)
    assert told.penalty == 285 * USDC * F // WAD - 3
    assert house.position(weak, "ETH")[0] == 10 * UNIT - closed
    assert house.position(taker, "ETH")[0] == closed
    margin = house.judge(weak)
    assert WAD * 115 // 100 <= margin.equity * WAD // margin.maintenance <= WAD * 115 // 100 + 10**12
    assert_health(before, house.snapshot(weak), told, house.terms.target, F)


def test_liquidate_does_what_the_specification_says(house, engine, liquidation, liquidator, taker, weak):
    snapshot, plan = house.snapshot(weak), planned(house, weak)
    cash, insurance = house.cash(taker), engine.fundOf(0).insurance
    receipt = liquidation.liquidate(item(weak, taker, WAD), sender=liquidator)
    told = event(receipt, "Liquidated").outcome
    assert (told.fraction, told.penalty, told.notional) == (plan.fraction, plan.penalty, plan.notional)
    assert (told.keeperReward, told.takerReward, told.insurance) == plan.shares
    assert house.snapshot(weak) == liquidation_math.closed(snapshot, plan)
    assert house.cash(taker) == cash + plan.shares.keeper + plan.shares.taker  # the liquidator is keeper and taker
    assert engine.fundOf(0).insurance == insurance + plan.shares.insurance
    event(receipt, "Seized", account=weak, transfers=1)


def test_liquidate_returns_its_outcome(house, liquidation, liquidator, taker, weak):
    plan = planned(house, weak)
    outcome = liquidation.simulate("liquidate", item(weak, taker, WAD), sender=liquidator)
    shares = (*plan.shares, plan.premium)
    assert tuple(outcome) == (plan.fraction, plan.penalty, *shares, plan.notional, 836 * USDC, 1_140 * USDC)


def test_liquidate_into_the_pool_needs_no_capital(house, engine, liquidation, pool, keeper, weak):
    """The standing backstop: the caller has no account and no leave of anybody, and earns the keeper's reward."""
    plan, tranche = planned(house, weak, into_pool=True), house.pool.tranche(0)
    cash, held = house.cash(tranche), engine.position(tranche, 0).size
    receipt = liquidation.liquidate(item(weak, 0, WAD), sender=keeper)
    event(receipt, "Liquidated", account=weak, taker=0, keeper=keeper)
    assert house.cash(house.account(keeper)) == plan.shares.keeper > 0
    assert house.cash(tranche) == cash + plan.shares.taker + plan.premium
    assert plan.premium > 0, "it pushes the pool off balance"
    assert engine.position(tranche, 0).size == held + plan.closed[0]


def test_liquidate_is_conserved(house, engine, liquidation, pool, keeper, weak, short):
    """LIQ-4: account, keeper, taker and funds, at mid."""
    accounts = (weak, short, house.account(keeper), house.pool.tranche(0), house.pool.idle())

    def total():
        funds = sum(engine.fundOf(i).insurance + engine.fundOf(i).treasury for i in range(3))
        return sum(m.cash + m.profit for m in map(house.judge, accounts)) + funds

    before = total()
    liquidation.liquidate(item(weak, 0, WAD), sender=keeper)
    assert before - 2 <= total() <= before


# LIQ-1: who may not be touched ------------------------------------------------------------------------------------


def test_liquidate_of_a_healthy_account_reverts_with_its_numbers(house, liquidation, liquidator, taker, long, short):
    house.trade(long, short, {"ETH": 10})
    with reverts("NotLiquidatable", long, 100_000 * USDC, 1_200 * USDC):
        liquidation.liquidate(item(long, taker, WAD), sender=liquidator)


def test_liquidate_of_an_account_without_positions_reverts(house, liquidation, liquidator, taker, long, stranger):
    for account, equity in ((long, 100_000 * USDC), (house.account(stranger), 0)):
        with reverts("NotLiquidatable", account, equity, 0):
            liquidation.liquidate(item(account, taker, WAD), sender=liquidator)


def test_liquidate_a_second_time_reverts(house, liquidation, liquidator, taker, weak):
    liquidation.liquidate(item(weak, taker, WAD), sender=liquidator)
    margin = house.judge(weak)
    with reverts("NotLiquidatable", weak, margin.equity, margin.maintenance):
        liquidation.liquidate(item(weak, taker, WAD), sender=liquidator)


def test_liquidate_after_a_top_up_in_the_same_block_reverts(house, chain, liquidation, liquidator, taker, weak):
    house.bring_equity(weak, 1_140 * USDC)
    chain.set_next_time(chain.now)
    with reverts("NotLiquidatable", weak, 1_140 * USDC, 1_140 * USDC):
        liquidation.liquidate(item(weak, taker, WAD), sender=liquidator)


def test_liquidate_of_an_insolvent_account_reverts(liquidation, liquidator, taker, broke):
    with reverts("Insolvent", broke, -664 * USDC):
        liquidation.liquidate(item(broke, taker, WAD), sender=liquidator)


def test_liquidate_of_equity_zero_closes_all_and_takes_nothing(house, liquidation, liquidator, taker, broke):
    house.bring_equity(broke, 0)
    receipt = liquidation.liquidate(item(broke, taker, WAD), sender=liquidator)
    told = event(receipt, "Liquidated").outcome
    assert (told.fraction, told.penalty, told.equity, told.keeperReward) == (WAD, 0, 0, 0)
    assert house.judge(broke).equity == house.cash(broke) == 0


@pytest.mark.parametrize("equity", [1, 3, 4, 284 * USDC, 285 * USDC, 285 * USDC + 1])
def test_liquidate_never_takes_more_than_the_equity(house, liquidation, liquidator, taker, broke, equity):
    house.bring_equity(broke, equity)
    told = event(liquidation.liquidate(item(broke, taker, WAD), sender=liquidator), "Liquidated").outcome
    assert told.fraction == WAD
    assert told.penalty == max(0, min(equity, 262_500_000) - 3)
    assert house.cash(broke) == equity - told.penalty


def test_liquidate_while_a_price_is_invalid_reverts(house, chain, liquidation, liquidator, taker, trader, weak):
    """ORA-1"""
    house.deposit(weak, 1, "BAR")
    house.protocol.feeds["GOLD"].setMode(1)
    with reverts("InvalidPrice", 3, 2, 0, 0):
        liquidation.liquidate(item(weak, taker, WAD), sender=liquidator)
    house.protocol.feeds["GOLD"].setMode(0)
    chain.advance(9 * DAY)
    with reverts("InvalidPrice"):
        liquidation.liquidate(item(weak, taker, WAD), sender=liquidator)


# Who takes --------------------------------------------------------------------------------------------------------


def test_liquidate_into_the_account_itself_reverts(house, liquidation, trader, weak):
    with reverts("TakerIsAccount", weak):
        liquidation.liquidate(item(weak, weak, WAD), sender=trader)


def test_liquidate_into_another_ones_account_needs_leave_to_trade(
    house, engine, liquidation, liquidator, stranger, taker, weak
):
    for bits in (0, MAY_WITHDRAW):
        engine.setOperator(taker, stranger, bits, sender=liquidator)
        with reverts("UnauthorizedTaker", taker, stranger):
            liquidation.liquidate(item(weak, taker, WAD), sender=stranger)
    engine.setOperator(taker, stranger, MAY_TRADE, sender=liquidator)
    liquidation.liquidate(item(weak, taker, WAD), sender=stranger)
    assert house.cash(house.account(stranger)) > 0, "the reward is the caller's"


def test_liquidate_into_the_pools_own_account_by_name_reverts(house, liquidation, pool, liquidator, weak):
    tranche = house.pool.tranche(0)
    with reverts("UnauthorizedTaker", tranche, liquidator):
        liquidation.liquidate(item(weak, tranche, WAD), sender=liquidator)


def test_liquidate_into_a_taker_without_margin_reverts_with_its_numbers(house, liquidation, stranger, weak):
    poor = house.open(stranger, 700 * USDC)
    plan = planned(house, weak)
    backing = 700 * USDC + plan.shares.keeper + plan.shares.taker
    size = plan.closed[0]
    need = house_initial(house, weak, size)
    with reverts("TakerRefused", poor, backing, need):
        liquidation.liquidate(item(weak, poor, WAD), sender=stranger)
    house.deposit(poor, need - backing)
    liquidation.liquidate(item(weak, poor, WAD), sender=stranger)


def house_initial(house, account, size):
    """I of a position of this size on the account's terms."""
    snapshot = house.snapshot(account)
    return margin_math.initial(snapshot.legs[0], size, snapshot.size_scale)


def test_liquidate_into_a_taker_that_only_reduces_asks_no_margin(house, liquidation, liquidator, short, weak, trader):
    """A short of its own that is itself below its initial margin, even below its line."""
    reducer = house.open(liquidator, 8_000 * USDC, sub=1)
    house.trade(reducer, short, {"ETH": -20, "SOL": 1_000})
    house.reprice("SOL", 14)
    assert margin_math.liquidatable(house.judge(reducer))
    closed = planned(house, weak).closed[0]
    held = house.position(reducer, "ETH")[0]
    liquidation.liquidate(item(weak, reducer, WAD), sender=liquidator)
    assert house.position(reducer, "ETH")[0] == held + closed


def test_liquidate_into_a_taker_that_flips_asks_its_initial_margin(house, liquidation, liquidator, short, weak):
    flipper = house.open(liquidator, 200 * USDC, sub=1)
    house.trade(flipper, short, {"ETH": -1}, [1_900 * USDC])
    with reverts("TakerRefused"):
        liquidation.liquidate(item(weak, flipper, WAD), sender=liquidator)


def test_liquidate_into_a_pool_that_is_too_thin_reverts_with_its_numbers(house, liquidation, lp, keeper, weak):
    """The pool must keep T · M: a backstop that sinks is none."""
    house.provide(lp, 1_900 * USDC)
    with reverts("TakerRefused") as refused:
        liquidation.liquidate(item(weak, 0, WAD), sender=keeper)
    tranche, have, need = refused.error.args
    plan = planned(house, weak, into_pool=True)
    leg = house.snapshot(weak).legs[0]
    assert tranche == house.pool.tranche(0)
    assert 0 <= 570 * USDC + plan.shares.taker + plan.premium - have <= 1, "rounded toward the account"
    assert need == -(-margin_math.maintenance(leg, plan.closed[0], 10**21) * 115 // 100)


def test_liquidate_into_a_taker_that_owes_too_much_reverts(house, liquidation, liquidator, short, weak):
    """Margin enough, but more than λ₀ of its collateral is borrowed already."""
    owing = house.open(liquidator, sub=3, BAR=100)
    margin = house.judge(owing, adding=True)
    house.trade(owing, short, {"SOL": 1_000}, [-20_000 * USDC - margin.collateral * 79 // 100])
    house.trade(owing, short, {"SOL": -1_000})
    house.reprice("GOLD", 1_700)
    margin, plan = house.judge(owing, adding=True), planned(house, weak)
    backing = margin_math.backing(margin) + plan.shares.taker
    assert margin_math.debt(margin) * 10 > margin.collateral * 8 and backing > 10_000 * USDC
    with reverts("TakerRefused", owing, backing, house_initial(house, weak, plan.closed[0])):
        liquidation.liquidate(item(weak, owing, WAD), sender=liquidator)


def test_liquidate_into_a_taker_with_sixteen_instruments_reverts(house, liquidation, liquidator, maker, taker, sinking):
    last = NAMES[16]
    account = sinking.account({last: 20})
    units = {name: {"SOL": 100, "MEME": 2_000}.get(name, 1) for name in NAMES[:16]}
    house.deposit(taker, 10**7 * USDC)
    house.trade(taker, house.open(maker, 10**7 * USDC, sub=1), units)
    sinking.sink(account, "ETH")
    with reverts("TooManyInstruments", taker, 16):
        liquidation.liquidate(item(account, taker, WAD), sender=liquidator)


def test_liquidate_works_on_a_restricted_instrument_and_beyond_its_cap(
    house, liquidation, guardian, liquidator, taker, weak
):
    """The guardian stops no liquidation."""
    house.parameters.restrict(0, sender=guardian)
    house.parameters.lowerCaps(0, 0, 0, sender=guardian)
    liquidation.liquidate(item(weak, taker, WAD), sender=liquidator)


# Bites ------------------------------------------------------------------------------------------------------------


def test_liquidate_a_bite_closes_that_part_and_no_more(house, liquidation, liquidator, taker, weak):
    before, plan = house.snapshot(weak), planned(house, weak, WAD // 10)
    told = event(liquidation.liquidate(item(weak, taker, WAD // 10), sender=liquidator), "Liquidated").outcome
    assert told.fraction == WAD // 10
    assert house.position(weak, "ETH")[0] == 9 * UNIT
    assert told.penalty == plan.penalty == 285 * USDC // 10 - 3
    assert_health(before, house.snapshot(weak), told, house.terms.target, F)


def test_liquidate_a_bite_of_exactly_the_minimum_is_taken_and_a_grain_less_reverts(
    house, liquidation, liquidator, taker, weak
):
    least = -(-1_000 * WAD // 19_000)
    with reverts("FractionTooSmall", least - 1, 1_000 * USDC - 1, 1_000 * USDC):
        liquidation.liquidate(item(weak, taker, least - 1), sender=liquidator)
    liquidation.liquidate(item(weak, taker, least), sender=liquidator)


def test_liquidate_a_bite_meets_the_largest_minimum_that_is_held(house, engine, liquidation, liquidator, taker, sinking):
    """5,000 in ETH, 1,000 in BTC."""
    config = dict(zip(("risk", "limits", "funding"), (part._asdict() for part in engine.instrumentConfig(0))))
    config["limits"]["minNotional"] = 5_000 * USDC
    house.parameters.setInstrument(0, config | {"maxMoveE6": 20_000, "reactionTime": 600}, sender=house.timelock)
    account = sinking.account({"ETH": 20, "BTC": 1})
    sinking.sink(account, "ETH")
    notional = house.judge(account).notional
    least = -(-5_000 * USDC * WAD // notional)
    with reverts("FractionTooSmall", least - 1, 5_000 * USDC - 1, 5_000 * USDC):
        liquidation.liquidate(item(account, taker, least - 1), sender=liquidator)
    liquidation.liquidate(item(account, taker, least), sender=liquidator)


def test_liquidate_of_nothing_reverts(liquidation, liquidator, taker, weak):
    with reverts("FractionTooSmall", 0, 0, 1_000 * USDC):
        liquidation.liquidate(item(weak, taker, 0), sender=liquidator)


@pytest.mark.parametrize("most", [F, F + 1, WAD, MAX])
def test_liquidate_closes_no_more_than_is_due(house, liquidation, liquidator, taker, weak, most):
    told = event(liquidation.liquidate(item(weak, taker, most), sender=liquidator), "Liquidated").outcome
    assert told.fraction == F


def test_liquidate_in_bites_ends_healthy(house, liquidation, liquidator, taker, weak):
    bites = 0
    while margin_math.liquidatable(house.judge(weak)):
        before, due = house.snapshot(weak), planned(house, weak).fraction
        told = event(liquidation.liquidate(item(weak, taker, WAD // 10), sender=liquidator), "Liquidated").outcome
        assert_health(before, house.snapshot(weak), told, house.terms.target, due)
        bites += 1
    assert 3 < bites < 8
    assert house.position(weak, "ETH")[0] > 0


def test_liquidate_closes_a_leg_whole_that_would_fall_below_its_minimum(house, liquidation, liquidator, taker, sinking):
    """Large in ETH, a little BTC: a bite leaves the BTC below 1,000, so all of it goes."""
    account = sinking.account({"ETH": 100, "BTC": -0.027})
    sinking.sink(account, "ETH")
    before, due = house.snapshot(account), planned(house, account).fraction
    told = event(liquidation.liquidate(item(account, taker, WAD // 9), sender=liquidator), "Liquidated").outcome
    assert due > WAD // 9 == told.fraction
    assert house.position(account, "BTC") == (0, 0)
    assert house.position(account, "ETH")[0] == 100 * UNIT - (100 * UNIT // 9 + 1)
    assert house.position(taker, "BTC")[0] == -27 * UNIT // 1_000
    assert_health(before, house.snapshot(account), told, house.terms.target, due)


def test_liquidate_of_small_legs_alone_is_whole(house, liquidation, liquidator, taker, sinking):
    account = sinking.account({"ETH": 0.6})
    sinking.sink(account, "ETH")
    told = event(liquidation.liquidate(item(account, taker, WAD), sender=liquidator), "Liquidated").outcome
    assert told.fraction == WAD
    assert house.snapshot(account).legs == ()


# Whole portfolios -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("legs", "coins"), [(1, 0), (1, 8), (2, 1), (3, 0), (5, 3), (8, 8), (16, 0), (16, 8)])
@pytest.mark.parametrize("into", ["taker", "pool"])
def test_liquidate_of_a_portfolio_equals_the_specification(
    house, engine, liquidation, sinking, pool, liquidator, legs, coins, into
):
    """LIQ-2, LIQ-3 with every leg at once, in the taker's hands or the pool's."""
    random = Random(legs * 10 + coins)
    sizes, held = portfolio(random, legs, coins)
    account = sinking.account(sizes, held)
    sinking.sink(account, "ETH")
    taker = house.open(liquidator, 10**8 * USDC) if into == "taker" else 0
    if not taker:
        for name in sizes:
            house.deposit(house.pool.tranche(house.id(name)), 10**7 * USDC, sender=liquidator)
    before, plan = house.snapshot(account), planned(house, account, into_pool=into == "pool")
    insurance = {name: engine.fundOf(house.id(name)).insurance for name in sizes}
    told = event(liquidation.liquidate(item(account, taker, WAD), sender=liquidator), "Liquidated").outcome
    after = house.snapshot(account)
    assert after == liquidation_math.closed(before, plan)
    assert_health(before, after, told, house.terms.target, plan.fraction)
    gained = sum(engine.fundOf(house.id(name)).insurance - insurance[name] for name in sizes)
    assert gained == plan.shares.insurance
    for leg, units in zip(before.legs, plan.closed):
        receiver = taker or house.pool.tranche(leg.instrument)
        assert abs(engine.position(receiver, leg.instrument).size) == units


def test_liquidate_keeps_a_hedge_in_proportion(house, liquidation, liquidator, taker, sinking):
    account = sinking.account({"ETH": 100, "ETH6": -40})
    sinking.sink(account, "ETH")
    liquidation.liquidate(item(account, taker, WAD), sender=liquidator)
    long_, hedge = house.position(account, "ETH")[0], -house.position(account, "ETH6")[0]
    assert abs(long_ * 40 - hedge * 100) <= 100 + 40


# One owner on every side ------------------------------------------------------------------------------------------


def test_liquidate_oneself_gains_nothing(house, liquidation, trader, weak):
    """LIQ-4: trader, keeper and taker are one."""
    sibling = house.open(trader, 100_000 * USDC, sub=9)
    before = sum(house.judge(a).equity for a in (weak, sibling))
    told = event(liquidation.liquidate(item(weak, sibling, WAD), sender=trader), "Liquidated").outcome
    after = sum(house.judge(a).equity for a in (weak, sibling))
    assert before - told.insurance - 2 <= after <= before - told.insurance


def test_liquidate_by_the_owner_credits_the_reward_to_the_account_itself(house, liquidation, trader, weak, pool):
    """Sub 0 of the caller is the account that is closed: it stays healthier by the reward."""
    before = house.snapshot(weak)
    plan = planned(house, weak, into_pool=True)
    liquidation.liquidate(item(weak, 0, WAD), sender=trader)
    after = liquidation_math.closed(before, plan)
    assert house.snapshot(weak) == after._replace(cash=after.cash + plan.shares.keeper)


def test_liquidate_of_the_pools_own_tranche_follows_the_same_rule(
    house, engine, liquidation, lp, trader, liquidator, taker
):
    """The pool is one more account."""
    house.provide(lp, 20_000 * USDC)
    account = house.open(trader, 100_000 * USDC)
    engine.setOperator(account, house.pool, MAY_TRADE, sender=trader)
    house.pool.trade(account, 0, 30 * UNIT, MAX, MAX, sender=trader)
    house.reprice("ETH", 2_100)
    tranche = house.pool.tranche(0)
    before = house.snapshot(tranche)
    assert margin_math.liquidatable(house.judge(tranche))
    with reverts("TakerIsAccount", tranche):
        liquidation.liquidate(item(tranche, 0, WAD), sender=liquidator)
    plan = planned(house, tranche)
    liquidation.liquidate(item(tranche, taker, WAD), sender=liquidator)
    assert house.snapshot(tranche) == liquidation_math.closed(before, plan)


# What the keeper agreed to ----------------------------------------------------------------------------------------


def test_liquidate_with_another_nonce_reverts(house, engine, liquidation, liquidator, taker, weak):
    seen = engine.accountState(weak).nonce
    for wrong in (seen - 1, seen + 1, 0, 2**24, MAX - 1):
        with reverts("NonceChanged", weak, seen, wrong):
            liquidation.liquidate(item(weak, taker, nonce=wrong), sender=liquidator)
    liquidation.liquidate(item(weak, taker, nonce=seen), sender=liquidator)


@pytest.mark.parametrize("act", ["deposit", "settle", "bite"])
def test_liquidate_after_any_change_of_the_account_has_another_nonce(
    house, engine, liquidation, liquidator, stranger, taker, weak, act
):
    seen = engine.accountState(weak).nonce
    if act == "deposit":
        house.deposit(weak, 1, sender=stranger)
    elif act == "settle":
        engine.settle(weak, sender=stranger)
    else:
        liquidation.liquidate(item(weak, taker, WAD // 10), sender=liquidator)
    with reverts("NonceChanged"):
        liquidation.liquidate(item(weak, taker, nonce=seen), sender=liquidator)
    liquidation.liquidate(item(weak, taker), sender=liquidator)


def test_liquidate_of_less_than_the_least_fraction_reverts(house, liquidation, liquidator, taker, weak):
    with reverts("FractionBelowMinimum", F, F + 1):
        liquidation.liquidate(item(weak, taker, least=F + 1), sender=liquidator)
    liquidation.liquidate(item(weak, taker, least=F), sender=liquidator)
