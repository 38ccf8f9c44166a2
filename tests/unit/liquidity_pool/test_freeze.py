"""A market whose tranche refused a liquidation: the pool takes no new risk in it."""

import pytest

from tests.helpers import event, reverts
from tests.unit.liquidity_pool.terms import BTC, DAY, ETH, MAX, UNIT, WAD


@pytest.fixture
def insider(world):
    """The liquidation engine itself."""
    insider = world.chain.impersonate(world.liquidation)
    world.chain.rpc("anvil_setBalance", insider, hex(WAD))
    return insider


@pytest.fixture
def freeze(pool, insider):
    return lambda instrument=ETH: pool.freeze(instrument, sender=insider)


@pytest.mark.parametrize("role", ["owner", "guardian", "trader", "lp", "stranger"])
def test_freeze_by_anyone_but_the_liquidation_engine_reverts(pool, request, role):
    caller = request.getfixturevalue(role)
    with reverts("OnlyLiquidationEngine", caller):
        pool.freeze(ETH, sender=caller)
    assert not pool.isFrozen(ETH)


def test_freeze_holds_for_one_market_and_is_told_once(stocked, pool, freeze):
    event(freeze(), "MarketFrozenSet", instrument=ETH, frozen=True)
    assert (pool.isFrozen(ETH), pool.isFrozen(BTC)) == (True, False)
    assert not freeze().events
    event(freeze(BTC), "MarketFrozenSet", instrument=BTC, frozen=True)


@pytest.mark.parametrize("side", [1, -1])
def test_freeze_refuses_what_adds_to_the_tranche(trade, pool, freeze, side):
    trade(side * 10)
    freeze()
    for units in (side, -side * 10.000000001, -side * 25):
        with reverts("MarketFrozen", ETH):
            trade(units)
    trade(side, BTC)


@pytest.mark.parametrize("side", [1, -1])
def test_freeze_lets_everybody_out(trade, engine, pool, freeze, side):
    """A trade that only brings the tranche toward balance is filled, to the last unit."""
    trade(side * 10)
    freeze()
    trade(-side * 4)
    trade(-side * 6)
    assert engine.position(pool.tranche(ETH), ETH).size == 0
    for units in (1, -1):
        with reverts("MarketFrozen", ETH):
            trade(units)


def test_freeze_of_a_balanced_market_lets_who_opposes_others_in_no_more(world, trade, pool, freeze, engine, stranger):
    """What reduces the trader but adds to the tranche is refused too: here he would close against the pool's own side."""
    trade(10)
    other = int(stranger, 16) << 96
    engine.deposit(other, world.usdc, 10**11, 0, sender=stranger)
    engine.setOperator(other, pool, 1, sender=stranger)
    pool.trade(other, ETH, -20 * UNIT, 0, MAX, sender=stranger)
    assert engine.position(pool.tranche(ETH), ETH).size == 10 * UNIT
    freeze()
    with reverts("MarketFrozen", ETH):
        trade(-1)
    pool.trade(other, ETH, 10 * UNIT, MAX, MAX, sender=stranger)
    with reverts("MarketFrozen", ETH):
        trade(-10)


def test_freeze_stops_no_capital(trade, pool, freeze, mature, lp):
    """Shares are bought and redeemed as ever: capital is what unfreezes the market."""
    trade(10)
    freeze()
    pool.deposit(10**9, lp, sender=lp)
    pool.allocate(ETH)
    pool.requestRedeem(10**15, sender=lp)
    mature(DAY)
    assert pool.maxRedeem(lp) == 10**15
    pool.redeem(10**15, lp, lp, sender=lp)
    assert pool.isFrozen(ETH)
