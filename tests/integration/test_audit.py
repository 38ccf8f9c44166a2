"""What a hostile audit found: one test a finding, each failing on the code as it was."""

from __future__ import annotations

import pytest

from plimsoll.fixed_point import WAD
from tests.helpers import event, reverts
from tests.world import DAY, HOUR, MAX, UNIT, USDC

ANY = MAX
ETH, BTC, SOL = 0, 1, 2
SOL_FEED = 2


@pytest.fixture
def oracle(house):
    return house.protocol.oracle


def refresh(house, *dead):
    for name, feed in house.protocol.feeds.items():
        if name not in dead:
            feed.push(feed.latestRoundData()[1])


def kill_sol(house, oracle, halted=True):
    house.chain.advance(9 * DAY)
    refresh(house, "SOL")
    oracle.observe(SOL_FEED)
    house.chain.advance(6 * HOUR + 2)
    if halted:
        oracle.halt(SOL_FEED, 1 << 64 | house.protocol.feeds["SOL"].latestRound())
    refresh(house, "SOL")


# A shield of dust --------------------------------------------------------------------------------------------------


def test_dust_of_halted_collateral_opens_no_position_that_nobody_can_liquidate(house, oracle, pool, trader, short, keeper):
    account = house.open(trader, 1_836 * USDC, WSOL=1)
    kill_sol(house, oracle)
    with reverts("HaltNotFinal", SOL_FEED):
        house.trade(account, short, {"ETH": 10})


def test_dust_on_a_dead_feed_shields_no_sinking_account(house, oracle, pool, trader, short, keeper):
    account = house.open(trader, 1_836 * USDC)
    house.trade(account, short, {"ETH": 10})
    kill_sol(house, oracle, halted=False)
    house.reprice("ETH", 1_900)
    with reverts("InvalidPrice"):
        house.deposit(account, 1, "WSOL")
    house.liquidation.liquidate((account, 0, WAD, 0, ANY), sender=keeper)


def test_dust_on_a_halted_feed_shields_no_sinking_account(house, oracle, pool, trader, short, keeper):
    account = house.open(trader, 1_836 * USDC)
    house.trade(account, short, {"ETH": 10})
    kill_sol(house, oracle)
    house.reprice("ETH", 1_900)
    with reverts("HaltNotFinal", SOL_FEED):
        house.deposit(account, 1, "WSOL")
    house.liquidation.liquidate((account, 0, WAD, 0, ANY), sender=keeper)


# The sale of collateral --------------------------------------------------------------------------------------------


@pytest.fixture
def owing(house, trader, short):
    """Cash −12,000 behind ten WETH and a hundred WSOL that count for nothing."""
    account = house.open(trader, WETH=10 * WAD, WSOL=100 * 10**9)
    house.trade(account, short, {"GOLD": 10}, [-30_000 * USDC])
    house.trade(account, short, {"GOLD": -10})
    return account


def test_worthless_collateral_that_is_sold_first_does_not_stop_the_sale_of_the_rest(
    house, oracle, owing, trader, stranger
):
    auctions = house.protocol.auctions
    auctions.setSaleOrder(owing, [house.coin_id("WSOL")], sender=trader)
    kill_sol(house, oracle)
    house.chain.advance(DAY)
    refresh(house, "SOL")
    house.reprice("ETH", 1_450)
    auctions.startAuction(owing, sender=stranger)
    house.give(stranger, "USDC", 100_000 * USDC)
    house.chain.advance(31 * 60)
    assert auctions.offer(owing).collateral == house.coin_id("WETH")
    with reverts("InvalidAmount", 1, 0):  # nor is it given away
        auctions.buyCollateral(owing, house.coin_id("WSOL"), 1, MAX, b"", sender=stranger)
    auctions.buyCollateral(owing, house.coin_id("WETH"), 10 * WAD, MAX, b"", sender=stranger)


def test_token_that_cannot_be_moved_stops_the_sale_of_the_rest_for_half_an_hour_only(
    house, owing, trader, stranger
):
    """Paused, or nobody wants it: and the owner's order puts it before all others."""
    auctions = house.protocol.auctions
    auctions.setSaleOrder(owing, [house.coin_id("WSOL")], sender=trader)
    house.reprice("SOL", 19)
    house.reprice("ETH", 1_150)
    auctions.startAuction(owing, sender=stranger)
    started = auctions.auctionOf(owing).startedAt
    house.give(stranger, "USDC", 100_000 * USDC)
    item = (owing, house.coin_id("WETH"), 10 * WAD, MAX, b"")
    house.chain.set_next_time(started + auctions.RAMP() - 1)
    with reverts("NotFirst", owing, house.coin_id("WETH"), house.coin_id("WSOL")):
        auctions.buyCollateral(*item, sender=stranger)
    house.chain.set_next_time(started + auctions.RAMP())
    auctions.buyCollateral(*item, sender=stranger)


# What the pool pays ------------------------------------------------------------------------------------------------


def test_tranche_at_a_stand_in_does_not_stop_the_pool_from_paying_a_debt(
    house, oracle, pool, trader, other_trader, short, stranger
):
    """The tranche of BTC is left with a billionth of a unit, and its feed dies: what it has is not gathered."""
    long, bear = house.open(trader, 100_000 * USDC, 2), house.open(other_trader, 100_000 * USDC, 2)
    for account, sender, size in ((long, trader, UNIT), (bear, other_trader, 1 - UNIT)):
        house.engine.setOperator(account, pool, 1, sender=sender)
        pool.trade(account, BTC, size, MAX if size > 0 else 0, MAX, sender=sender)
    assert house.position(pool.tranche(BTC), "BTC")[0] == -1
    account = house.open(trader, WETH=3_000 * WAD, STETH=3_000 * 10**12)
    house.trade(account, short, {"GOLD": 1_000}, [-1_800_000 * USDC - 3_200_000 * USDC])
    house.trade(account, short, {"GOLD": -1_000})
    house.chain.advance(9 * DAY)
    refresh(house, "BTC")
    oracle.observe(1)
    house.chain.advance(6 * HOUR + 2)
    oracle.halt(1, 1 << 64 | house.protocol.feeds["BTC"].latestRound())
    refresh(house, "BTC")
    house.reprice("ETH", 0.02)
    loss = -house.judge(account).equity
    idle = house.cash(pool.idle())
    rest = house.judge(pool.tranche(ETH)).equity
    assert idle + rest < loss
    paid = event(house.liquidation.absorb(account, 0, sender=stranger), "Absorbed").absorption
    assert paid.taker == loss and house.judge(account).equity >= 0


def test_estate_that_is_absorbed_leg_by_leg_is_left_at_zero(
    house, trader, other_trader, short, keeper, liquidator
):
    """Deleveraged in part, it is an estate with positions; its winning leg, which closes first, does not repay what the
    losing one needs a moment later."""
    account = house.open(trader, 5_000 * USDC, WSOL=10 * 10**9)
    small = house.open(other_trader, 50_000 * USDC)
    house.trade(account, small, {"BTC": 0.2})
    house.trade(account, short, {"BTC": 0.8, "ETH": 5})
    house.reprice("BTC", 33_000)
    house.liquidation.reportRefusal(account)
    house.chain.advance(601)
    refresh(house)
    house.liquidation.deleverage(account, BTC, [small], sender=keeper)
    forgiven = house.engine.estateOf(account).forgiven
    assert forgiven > 0
    # Until then its cash is the margin of what it holds: nobody takes it, nor the owner.
    equity = house.judge(account).equity
    house.engine.settle(account, sender=keeper)
    assert house.judge(account).equity == equity
    house.deposit(account, 10_000 * USDC, sender=keeper)
    for go in (
        lambda: house.engine.withdraw(account, house.usdc, USDC, trader, 0, sender=trader),
        lambda: house.engine.moveCash(account, house.account(trader, 9), USDC, sender=trader),
    ):
        with reverts("EstateOpen", account, forgiven):
            go()
    assert house.protocol.lens.maxWithdraw(account, house.usdc) == 0
    with reverts("NotForSale"):
        house.protocol.auctions.startAuction(account)
    house.reprice("BTC", 20_000)
    taker = house.open(liquidator, 1_000_000 * USDC)
    house.liquidation.absorb(account, taker, sender=liquidator)
    assert house.judge(account).equity >= 0


# Gas ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("drop", [270, 420])
def test_item_of_sixteen_legs_and_eight_collaterals_fits_the_gas_of_an_item(house, pool, trader, short, keeper, lp, drop):
    names = ("ETH", "BTC", "SOL", "GOLD", "MEME", *(f"ETH{i}" for i in range(6, 17)))
    for name in names:
        if name not in ("ETH", "BTC"):
            house.pool.setMarket(house.id(name), (0, 0, 0, 10_000, 2**90), sender=house.timelock)
            house.pool.allocate(house.id(name), sender=lp)
    coins = {"WETH": 10**14, "WBTC": 10**4, "WSOL": 10**6, "BAR": 1, "MEME": 10**6, "STETH": 10**9, "TBTC": 10**12, "GRAM": 1}
    account = house.open(trader, 44_000 * USDC, **coins)
    house.trade(account, short, {n: 10 for n in names if n.startswith("ETH")})
    house.trade(account, short, {"SOL": 1_000, "GOLD": 10, "MEME": 20_000, "BTC": 1})
    house.reprice("ETH", 2_000 - drop)
    # A second item, so that the first gets no more than its own.
    receipt = house.liquidation.liquidateMany([(account, 0, WAD, 0, ANY), (short, 0, WAD, 0, ANY)], sender=keeper)
    event(receipt, "Skipped", account=short)
    assert event(receipt, "Liquidated" if drop == 270 else "Absorbed").account == account
