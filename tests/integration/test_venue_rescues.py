"""The seam on real contracts, after a liquidation: auctions, deleveraging, bad debt, dead feeds. As in test_venue.py."""

from dataclasses import replace

import pytest

from plimsoll.types import HALT_DELAY, HALT_GRACE, HOUR, USDC, WAD, Account, FeedFault
from tests.helpers import reverts
from tests.integration.venues import ADA, START, UNIT, WBTC, WETH

# Auctions ----------------------------------------------------------------------------------------------------------


def indebted(venue):
    """cy has 10 WETH, and a realised loss of 15,000 with nothing else to pay it; ETH then falls to 1,800."""
    cy = Account("cy")
    venue.give("cy", "WETH", 10 * WETH)
    venue.deposit("cy", cy, "WETH", 10 * WETH)
    venue.trade(cy, "BTC", -2 * UNIT)
    assert venue.for_sale() == {}
    venue.set_price("BTC", 47_500 * WAD)
    venue.trade(cy, "BTC", 2 * UNIT)
    venue.set_price("ETH", 1_800 * WAD)
    return cy


def test_debt_is_sold_off_collateral_at_auction(venue):
    cy = indebted(venue)
    debt = -venue.state().accounts[cy].cash
    assert 15_000 * USDC < debt < 16_000 * USDC and venue.for_sale() == {cy: None}
    venue.give("kim", "USDC", 20_000 * USDC)
    with reverts("NoAuction", venue.account_id(cy)):
        venue.buy_collateral("kim", cy, "WETH", WETH)
    venue.start_auction("kim", cy)
    assert venue.for_sale()[cy].price == 1_800 * WAD
    with reverts("AuctionDue"):
        venue.stop_auction("kim", cy)
    with reverts("AuctionRunning"):
        venue.start_auction("stranger", cy)
    venue.advance_to(START + 15 * 60)
    offer = venue.for_sale()[cy]
    assert offer.collateral == "WETH" and 1_700 * WAD < offer.price < 1_750 * WAD and 0 < offer.most < 10 * WETH
    with reverts("PriceAboveLimit", offer.price, USDC):
        venue.buy_collateral("kim", cy, "WETH", WETH, max_price=USDC)
    part = venue.buy_collateral("kim", cy, "WETH", WETH, max_price=offer.price)
    assert part.bought == WETH and venue.wallet("kim", "USDC") == 20_000 * USDC - part.payment
    rest = venue.buy_collateral("kim", cy, "WETH", 10 * WETH)
    assert rest.bought < 10 * WETH and venue.wallet("kim", "WETH") == WETH + rest.bought
    assert venue.for_sale() == {}
    with reverts("NoAuction"):
        venue.stop_auction("kim", cy)


def test_owner_says_what_is_sold_first_and_ends_the_auction_by_repaying(venue):
    cy = Account("cy")
    for token, amount in (("WBTC", WBTC // 100), ("WETH", WETH // 100)):
        venue.give("cy", token, amount)
        venue.deposit("cy", cy, token, amount)
    indebted(venue)
    venue.start_auction("kim", cy)
    venue.set_sale_order(cy, ["WBTC"])
    assert venue.for_sale()[cy].collateral == "WBTC"
    venue.set_sale_order(cy, ["WETH", "WBTC"])
    assert venue.for_sale()[cy].collateral == "WETH"
    with reverts("NotFirst", venue.account_id(cy), 1, 0):
        venue.buy_collateral("kim", cy, "WBTC", 1)
    venue.give("cy", "USDC", 16_000 * USDC)
    venue.deposit("cy", cy, "USDC", 16_000 * USDC)
    assert venue.for_sale() == {}
    venue.stop_auction("stranger", cy)


# When the pool refuses ---------------------------------------------------------------------------------------------

MAX, SUE = Account("max"), Account("sue")


@pytest.fixture
def whale(empty):
    """A pool of 10,000; max is long 100 ETH with 60,000, and sue as short: the pool holds nothing of it. max then sinks."""
    empty.give("lp", "USDC", 10_000 * USDC)
    empty.provide("lp", 10_000 * USDC)
    empty.allocate("lp", "ETH")
    for account in (MAX, SUE):
        empty.give(account.actor, "USDC", 60_000 * USDC)
        empty.deposit(account.actor, account, "USDC", 60_000 * USDC)
    for _ in range(10):
        empty.trade(MAX, "ETH", 10 * UNIT)
        empty.trade(SUE, "ETH", -10 * UNIT)
    assert empty.state().skew(empty.world, "ETH") == 0
    empty.set_price("ETH", 1_440 * WAD)
    return empty


def test_whale_is_eaten_in_bites_and_deleveraged_after_a_delay(whale):
    assert whale.liquidatable() == (MAX,)
    with reverts("TakerRefused"):
        whale.liquidate("kim", MAX)
    with reverts("NotOpen", whale.account_id(MAX), 0, 0):
        whale.deleverage("kim", MAX, "ETH", [SUE])
    whale.report_refusal("kim", MAX)
    assert whale.liquidate("kim", MAX, max_fraction=WAD // 8).fraction == WAD // 8
    whale.advance_to(START + 10 * 60)
    whale.set_price("ETH", 1_440 * WAD)
    before = whale.state()
    closed = whale.deleverage("kim", MAX, "ETH", [SUE])
    after = whale.state()
    held, left = (state.accounts[MAX].positions["ETH"].size for state in (before, after))
    assert closed == held - left > 0
    margin = after.accounts[MAX].margin
    assert margin.equity > margin.maintenance
    with reverts("MarketFrozen", 0):
        whale.trade(SUE, "ETH", -UNIT)
    with reverts("FrozenUntil"):
        whale.unfreeze("stranger", "ETH")
    whale.advance_to(START + 10 * 60 + HOUR)
    whale.unfreeze("stranger", "ETH")
    with reverts("NotLiquidatable"):
        whale.report_refusal("kim", SUE)


def test_bad_debt_is_recorded_by_side_and_drained(whale):
    """What a gap leaves when insurance is used up is the shorts', a bounded part of it an epoch."""
    whale.give("lp", "USDC", 90_000 * USDC)
    whale.provide("lp", 90_000 * USDC)
    whale.allocate("lp", "ETH")
    whale.set_price("ETH", 800 * WAD)
    assert whale.absorb("kim", MAX).shared > 0
    state = whale.state()
    market = state.markets["ETH"]
    assert 0 < market.owed_short == state.bad_debt and market.owed_long == 0
    whale.advance_to(START + HOUR)
    whale.set_price("ETH", 800 * WAD)
    assert whale.drain("stranger", "ETH") == state.bad_debt - whale.state().bad_debt > 0


# Dead feeds --------------------------------------------------------------------------------------------------------


def test_dead_feed_is_observed_halted_and_settled(venue):
    venue.trade(ADA, "ETH", 10 * UNIT)
    venue.set_price("ETH", 1_990 * WAD)
    venue.break_feed("ETH", FeedFault.REVERTS)
    venue.observe("kim", "ETH")
    venue.advance_to(START + HALT_GRACE)
    with reverts("HaltTooSoon"):
        venue.halt("kim", "ETH")
    venue.advance_to(START + HALT_GRACE + 1)
    venue.halt("kim", "ETH")
    halted = venue.state()
    assert (halted.feeds["ETH"].mid, halted.feeds["ETH"].halted_at) == (1_990 * WAD, START + HALT_GRACE + 1)
    assert {refusal.name for refusal in venue.probe([ADA])[ADA]} == {"HaltNotFinal"}
    tranche = venue.world.tranche("ETH")
    with reverts("HaltNotFinal"):
        venue.settle_halted("kim", "ETH", ADA, tranche)
    venue.advance_to(START + HALT_GRACE + 1 + HALT_DELAY)
    assert venue.settle_halted("kim", "ETH", ADA, tranche) == 10 * UNIT
    ada = venue.state().accounts[ADA]
    assert ada.positions == {} and venue.withdraw(ADA, "USDC", ada.cash) == ada.cash


def test_feed_that_answers_again_is_observed_well(venue):
    venue.trade(ADA, "ETH", 10 * UNIT)
    venue.break_feed("ETH", FeedFault.REVERTS)
    venue.observe("kim", "ETH")
    venue.advance_to(START + HALT_GRACE + 1)
    venue.halt("kim", "ETH")
    venue.mend_feed("ETH")
    venue.set_price("ETH", 1_900 * WAD)
    assert venue.state().feeds["ETH"].mid != 1_900 * WAD
    venue.observe("stranger", "ETH")
    assert venue.state().feeds["ETH"] == replace(venue.state().feeds["ETH"], mid=1_900 * WAD, halted_at=0)
