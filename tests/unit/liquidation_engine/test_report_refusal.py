"""The pool refuses an account below its line: reported by anyone, proved by a rehearsal, and then waited for."""

import pytest

from plimsoll import margin_math
from plimsoll.errors import NodeRefused, Reverted
from plimsoll.fixed_point import WAD
from tests.helpers import event, reverts
from tests.world import DAY, MAX, UNIT, USDC, item

DELAY = 600


def test_report_refusal_opens_a_window(house, chain, liquidation, weak, stranger):
    receipt = liquidation.reportRefusal(weak, sender=stranger)
    window = chain.now + DELAY, chain.now + DELAY + DAY
    event(receipt, "BackstopRefused", account=weak, **{"from": window[0]}, until=window[1])
    assert tuple(liquidation.deleverageWindow(weak)) == window
    assert house.judge(weak).equity == 836 * USDC, "the rehearsal leaves nothing behind"


def test_report_refusal_of_an_account_that_the_pool_takes_reverts(liquidation, pool, weak):
    with reverts("BackstopAccepts", weak):
        liquidation.reportRefusal(weak)


def test_report_refusal_of_a_healthy_account_reverts(house, liquidation, stranger, short):
    bull = house.open(stranger, 100_000 * USDC)
    house.trade(bull, short, {"ETH": 1})
    margin = house.judge(bull)
    with reverts("NotLiquidatable", bull, margin.equity, margin.maintenance):
        liquidation.reportRefusal(bull)


def test_report_refusal_again_reverts_until_the_window_is_over(house, chain, liquidation, weak):
    """Nobody sets the delay back."""
    liquidation.reportRefusal(weak)
    window = tuple(liquidation.deleverageWindow(weak))
    chain.set_next_time(window[1] - 1)
    with reverts("NotOpen", weak, *window):
        liquidation.reportRefusal(weak)
    chain.set_next_time(window[1])
    liquidation.reportRefusal(weak)
    assert liquidation.deleverageWindow(weak)[0] == window[1] + DELAY


def test_report_refusal_of_the_pools_own_tranche_is_a_refusal(house, engine, liquidation, lp, trader):
    """It cannot take from itself."""
    house.provide(lp, 20_000 * USDC)
    account = house.open(trader, 100_000 * USDC)
    engine.setOperator(account, house.pool, 1, sender=trader)
    house.pool.trade(account, 0, 30 * UNIT, MAX, MAX, sender=trader)
    house.reprice("ETH", 2_100)
    liquidation.reportRefusal(house.pool.tranche(0))


def test_report_refusal_with_too_little_gas_reports_nothing(liquidation, pool, weak):
    """A rehearsal that starves is no refusal."""
    for gas in (200_000, 300_000, 350_000):
        with pytest.raises((Reverted, NodeRefused)):
            liquidation.reportRefusal(weak, gas=gas)
    assert tuple(liquidation.deleverageWindow(weak)) == (0, 0)


def test_rehearse_from_outside_reverts(liquidation, weak, stranger):
    with reverts("OnlyItself", stranger):
        liquidation.rehearse(weak, MAX, sender=stranger)


def test_report_refusal_of_an_account_at_its_line_reverts_and_of_one_a_unit_below_succeeds(house, liquidation, weak):
    house.bring_equity(weak, 1_140 * USDC)
    with reverts("NotLiquidatable", weak, 1_140 * USDC, 1_140 * USDC):
        liquidation.reportRefusal(weak)
    house.engine.seize(
        weak, [], [(weak, -1), (house.account(house.chain.accounts[9]), 1)], [], [], sender=house.liquidator
    )
    liquidation.reportRefusal(weak)


def test_report_refusal_of_an_account_without_positions_reverts(house, liquidation, long, stranger):
    """Nor of one that is below zero: it is absorbed, and the pool never refuses that."""
    with reverts("NotLiquidatable", long, 100_000 * USDC, 0):
        liquidation.reportRefusal(long)
    flat = house.account(stranger)
    house.engine.seize(flat, [], [(flat, -USDC), (long, USDC)], [], [], sender=house.liquidator)
    with reverts("BackstopAccepts", flat):
        liquidation.reportRefusal(flat)


def test_report_refusal_of_an_account_below_zero_rehearses_its_absorption(house, liquidation, lp, broke):
    """An empty pool refuses; one that can hold it at T · M accepts, from the very unit on."""
    liquidation.reportRefusal(broke)
    leg = house.snapshot(broke).legs[0]
    need = -(-margin_math.maintenance(leg, leg.size, 10**21) * 115 // 100)
    tranche = house.pool.tranche(0)
    house.chain.advance(DAY + DELAY)
    house.protocol.refresh()
    house.deposit(tranche, need - 1, sender=lp)
    liquidation.reportRefusal(broke)
    house.deposit(tranche, 1, sender=lp)
    house.chain.advance(DAY + DELAY)
    house.protocol.refresh()
    with reverts("BackstopAccepts", broke):
        liquidation.reportRefusal(broke)


def test_report_refusal_leaves_nothing_of_the_rehearsal(house, engine, liquidation, broke, keeper, stranger):
    house.insure("ETH", 100 * USDC, stranger)
    before = (
        house.snapshot(broke),
        engine.market(0).indexShort,
        engine.fundOf(0),
        engine.badDebt(),
        engine.accountState(broke),
    )
    receipt = liquidation.reportRefusal(broke, sender=keeper)
    assert [told.name for told in receipt.events] == ["BackstopRefused"]
    after = (
        house.snapshot(broke),
        engine.market(0).indexShort,
        engine.fundOf(0),
        engine.badDebt(),
        engine.accountState(broke),
    )
    assert after == before


@pytest.mark.parametrize("mode", [1, 2])
def test_report_refusal_without_a_price_is_no_refusal(house, liquidation, weak, mode):
    """Any other failure than the pool's own is passed on."""
    house.protocol.feeds["ETH"].setMode(mode)
    with reverts("InvalidPrice", 0, 2, 0, 0):
        liquidation.reportRefusal(weak)


def test_report_refusal_of_each_account_has_a_window_of_its_own(house, chain, liquidation, weak, trader, short):
    other = house.open(trader, 1_000 * USDC, sub=5)
    house.trade(other, short, {"ETH": 5})
    house.engine.seize(other, [], [(other, -600 * USDC), (short, 600 * USDC)], [], [], sender=house.liquidator)
    liquidation.reportRefusal(weak)
    assert tuple(liquidation.deleverageWindow(other)) == (0, 0)
    window = tuple(liquidation.deleverageWindow(weak))
    chain.advance(60)
    liquidation.reportRefusal(other)
    assert tuple(liquidation.deleverageWindow(weak)) == window
    assert liquidation.deleverageWindow(other)[0] == window[0] + 61


def test_report_refusal_closes_no_other_way(house, liquidation, liquidator, taker, weak):
    """Whoever has capital may still take the account, at any moment of the window."""
    liquidation.reportRefusal(weak)
    liquidation.liquidate(item(weak, taker, WAD), sender=liquidator)
