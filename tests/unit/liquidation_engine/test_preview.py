import pytest

from plimsoll.fixed_point import WAD
from tests.helpers import event, reverts
from tests.unit.liquidation_engine.sinking import planned
from tests.world import HOUR, MAX, MAY_TRADE, UNIT, USDC, item


@pytest.mark.parametrize("most", [WAD, WAD // 10, WAD // 3, MAX])
def test_preview_equals_what_liquidate_then_does(house, liquidation, pool, keeper, weak, most):
    shown = liquidation.preview(weak, most, sender=keeper).outcome
    done = event(liquidation.liquidate(item(weak, 0, most), sender=keeper), "Liquidated").outcome
    assert tuple(shown) == tuple(done)


def test_preview_says_what_the_specification_says(house, liquidation, weak):
    plan = planned(house, weak, into_pool=True)
    outcome, transfers = liquidation.preview(weak, WAD)
    shares = (*plan.shares, plan.premium)
    assert tuple(outcome) == (plan.fraction, plan.penalty, *shares, plan.notional, 836 * USDC, 1_140 * USDC)
    gets = (plan.shares.taker + plan.premium, plan.shares.insurance)
    moved = (0, house.pool.tranche(0), -plan.closed[0], plan.proceeds[0], 1_900 * WAD, *gets)
    assert [tuple(transfer) for transfer in transfers] == [moved]


def test_preview_counts_funding_to_the_second(house, engine, chain, liquidation, pool, keeper, trader):
    """Time passes; in the block of the preview the liquidation is the same to the last unit."""
    account = house.open(trader, 55_000 * USDC)
    engine.setOperator(account, house.pool, MAY_TRADE, sender=trader)
    house.pool.trade(account, house.id("FUND"), 100 * UNIT, MAX, MAX, sender=trader)
    house.reprice("ETH", 1_600)
    chain.advance(5 * HOUR)
    shown = liquidation.preview(account, WAD).outcome
    assert house.snapshot(account).legs[0].charge > 0
    chain.set_next_time(chain.now)
    done = event(liquidation.liquidate(item(account, 0, WAD), sender=keeper), "Liquidated").outcome
    assert tuple(shown) == tuple(done)


def test_preview_refuses_with_the_errors_of_liquidate(house, liquidation, weak, short):
    margin = house.judge(short)
    with reverts("NotLiquidatable", short, margin.equity, margin.maintenance):
        liquidation.preview(short, WAD)
    with reverts("FractionTooSmall", 1, 0, 1_000 * USDC):
        liquidation.preview(weak, 1)
    house.reprice("ETH", 1_700)
    with reverts("Insolvent", weak, -1_164 * USDC):
        liquidation.preview(weak, WAD)
