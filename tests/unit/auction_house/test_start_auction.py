import pytest

from plimsoll import margin_math
from plimsoll.fixed_point import WAD
from tests.helpers import event, reverts
from tests.world import NO_INSTRUMENT, USDC

LIFE = 5_400


def test_start_auction_by_anyone_starts_the_clock(chain, auctions, owing, stranger):
    event(auctions.startAuction(owing, sender=stranger), "AuctionStarted", account=owing, insolventAt=0)
    assert tuple(auctions.auctionOf(owing)) == (chain.now, 0)


def test_start_auction_at_the_limit_reverts_and_one_unit_above_it_succeeds(house, auctions, owing, stranger):
    """Strictly: D > λ · C."""
    margin = house.judge(owing)
    limit = margin.collateral * 9 // 10
    house.deposit(owing, margin_math.debt(margin) - limit, sender=stranger)
    with reverts("NotForSale", owing, limit, limit):
        auctions.startAuction(owing)
    entries = [(owing, -1), (house.account(stranger), 1)]
    house.engine.seize(owing, [], entries, [], [], sender=house.liquidator)
    auctions.startAuction(owing)


def test_start_auction_of_a_healthy_account_reverts(house, auctions, trader, long):
    account = house.open(trader, WETH=WAD)
    for healthy in (account, long):
        with reverts("NotForSale", healthy, 0, house.judge(healthy).collateral * 9 // 10):
            auctions.startAuction(healthy)


def test_start_auction_twice_reverts_until_it_lapses(chain, auctions, running):
    """Nobody sets a clock back that runs."""
    started = chain.now
    chain.set_next_time(started + LIFE - 1)
    with reverts("AuctionRunning", running, started, 0):
        auctions.startAuction(running)
    chain.set_next_time(started + LIFE)
    auctions.startAuction(running)
    assert auctions.auctionOf(running).startedAt == started + LIFE


def test_start_auction_notes_that_equity_fell_below_zero_and_that_it_rose_again(house, chain, auctions, running):
    started = auctions.auctionOf(running).startedAt
    house.reprice("ETH", 1_200)
    auctions.startAuction(running)
    assert tuple(auctions.auctionOf(running)) == (started, chain.now)
    with reverts("AuctionRunning", running, started, chain.now):
        auctions.startAuction(running)
    house.reprice("ETH", 1_450)
    auctions.startAuction(running)
    assert tuple(auctions.auctionOf(running)) == (started, 0)


def test_start_auction_of_a_sunk_account_starts_both_clocks(chain, auctions, sunk):
    told = event(auctions.startAuction(sunk), "AuctionStarted", account=sunk)
    assert told.startedAt == told.insolventAt == chain.now
    assert tuple(auctions.auctionOf(sunk)) == (chain.now, chain.now)


def test_start_auction_that_noted_a_fall_below_zero_lives_as_long_again(house, chain, auctions, running, buyer):
    """So that the second ramp can be seen to its end; then both begin anew."""
    started = auctions.auctionOf(running).startedAt
    house.reprice("ETH", 1_200)
    chain.set_next_time(started + LIFE - 1)
    auctions.startAuction(running)
    noted = chain.now
    chain.set_next_time(noted + LIFE - 1)
    with reverts("AuctionRunning", running, started, noted):
        auctions.startAuction(running)
    chain.set_next_time(noted + LIFE)
    with reverts("NoAuction", running):
        auctions.buyCollateral(running, 0, 1, 2**255, b"", sender=buyer)
    auctions.startAuction(running)
    assert tuple(auctions.auctionOf(running)) == (chain.now, chain.now)


def test_start_auction_of_an_account_that_holds_positions_notes_no_insolvency(house, auctions, trader, short):
    """It is absorbed first."""
    account = house.open(trader, WETH=10 * WAD)
    house.trade(account, short, {"SOL": 2_500})
    house.reprice("SOL", 12)
    assert house.judge(account).equity < 0
    auctions.startAuction(account)
    assert auctions.auctionOf(account).insolventAt == 0


def test_start_auction_of_an_estate_needs_no_debt(house, auctions, trader, short, liquidator):
    account = house.open(trader, WETH=10 * WAD)
    house.trade(account, short, {"SOL": 2_500})
    house.reprice("SOL", 12)
    house.liquidation.absorb(account, house.open(liquidator, 10**6 * USDC), sender=liquidator)
    house.deposit(account, -house.cash(account))
    assert margin_math.debt(house.judge(account)) == 0 < house.engine.estateOf(account).forgiven
    auctions.startAuction(account)
    assert NO_INSTRUMENT > house.engine.estateOf(account).instrument


@pytest.mark.parametrize("mode", [1, 2])
def test_start_auction_without_a_price_reverts(house, auctions, owing, mode):
    house.protocol.feeds["ETH"].setMode(mode)
    with reverts("InvalidPrice", 0, 2, 0, 0):
        auctions.startAuction(owing)
    assert tuple(auctions.auctionOf(owing)) == (0, 0)
