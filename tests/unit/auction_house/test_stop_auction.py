from plimsoll.errors import NodeRefused, Reverted
from tests.helpers import event, reverts
from tests.world import USDC

import pytest


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
