import pytest

from plimsoll.errors import NodeRefused, Reverted
from plimsoll.fixed_point import WAD
from tests.helpers import event, reverts
from tests.world import DAY, HOUR, USDC


def test_stop_auction_when_the_owner_has_topped_up(house, auctions, running, trader, stranger):
    house.deposit(running, 5_000 * USDC)
    event(auctions.stopAuction(running, sender=stranger), "AuctionStopped", account=running)
    assert tuple(auctions.auctionOf(running)) == (0, 0)


def test_stop_auction_while_it_is_due_reverts(house, auctions, running, stranger):
    with reverts("AuctionDue", running, 12_000 * USDC):
        auctions.stopAuction(running, sender=stranger)


def test_stop_auction_that_never_started_reverts(auctions, owing):
    with reverts("NoAuction", owing):
        auctions.stopAuction(owing)


def test_stop_auction_while_a_price_is_bad_sets_the_clock_back(house, chain, auctions, running, stranger):
    """Whoever observes it: the discount grows only while there is a price to bid against."""
    house.protocol.feeds["ETH"].setMode(1)
    auctions.stopAuction(running, sender=stranger)
    house.protocol.feeds["ETH"].setMode(0)
    with reverts("NoAuction", running):
        auctions.offer(running)
    auctions.startAuction(running)
    assert auctions.auctionOf(running).startedAt == chain.now


@pytest.mark.parametrize("gas", [120_000, 150_000, 200_000, 260_000])
def test_stop_auction_with_too_little_gas_stops_nothing(house, auctions, running, stranger, gas):
    """A price that was not read for want of gas is not a bad one."""
    with pytest.raises((Reverted, NodeRefused)):
        auctions.stopAuction(running, sender=stranger, gas=gas)
    assert auctions.auctionOf(running).startedAt != 0


def test_stop_auction_at_the_limit_succeeds_and_one_unit_above_it_reverts(house, auctions, running, stranger):
    limit = house.judge(running).collateral * 9 // 10
    house.deposit(running, 12_000 * USDC - limit - 1, sender=stranger)
    with reverts("AuctionDue", running, limit + 1):
        auctions.stopAuction(running)
    house.deposit(running, 1, sender=stranger)
    auctions.stopAuction(running)


def test_stop_auction_of_an_estate_reverts_until_all_are_paid(house, auctions, trader, short, liquidator):
    """It owes nothing any more by itself: others have paid for it."""
    account = house.open(trader, WETH=10 * WAD)
    house.trade(account, short, {"SOL": 2_500})
    house.reprice("SOL", 12)
    house.liquidation.absorb(account, house.open(liquidator, 10**6 * USDC), sender=liquidator)
    auctions.startAuction(account)
    house.deposit(account, -house.cash(account) + house.engine.estateOf(account).forgiven - 1)
    with reverts("AuctionDue", account, 0):
        auctions.stopAuction(account)
    house.deposit(account, 1)
    auctions.stopAuction(account)


def test_stop_auction_while_a_halt_may_be_undone_sets_the_clock_back(house, chain, auctions, oracle, running, stranger):
    """The stand-in price sells nothing before it is final; then the collateral is due again."""
    feed, eth = house.protocol.feeds["ETH"], 0
    chain.advance(9 * DAY)
    oracle.observe(eth)
    chain.advance(6 * HOUR + 2)
    oracle.halt(eth, 1 << 64 | feed.latestRound())
    with reverts("HaltNotFinal", eth):
        auctions.startAuction(running)
    auctions.stopAuction(running, sender=stranger)
    assert tuple(auctions.auctionOf(running)) == (0, 0)
    chain.advance(3 * DAY)
    house.protocol.feeds["SOL"].push(20 * WAD)
    auctions.startAuction(running)
    with reverts("AuctionDue", running, 12_000 * USDC):
        auctions.stopAuction(running)


def test_stop_auction_by_the_last_purchase_leaves_none(auctions, running, buyer):
    auctions.buyCollateral(running, 0, 2**255, 2**255, b"", sender=buyer)
    with reverts("NoAuction", running):
        auctions.stopAuction(running)
