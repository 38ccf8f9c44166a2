"""What may be bought this second: the rule of the sale as anyone can read it before paying."""

from dataclasses import replace
from random import Random

import pytest

from plimsoll import margin_math
from plimsoll.chain.deployment import Deployment, Roles
from plimsoll.fixed_point import WAD
from plimsoll.model import liquidation_math
from tests.helpers import event, isolated, reverts
from tests.world import HOUR, MAX, USDC, House, the_world

RAMP, LIFE = 1_800, 5_400
OPEN_LIMIT_E6 = 800_000
GRACE = 600
DOWN = 10  # IPriceOracle.Fault


def price_after(coin, elapsed, insolvent=0):
    return liquidation_math.sale_price(coin.mid, liquidation_math.discount(coin.haircut, elapsed, insolvent, RAMP))


def at(chain, since, elapsed):
    chain.set_next_time(since + elapsed)
    chain.mine()


def test_offer_is_what_a_purchase_of_that_second_does(house, chain, auctions, running, buyer):
    chain.advance(777)
    shown = auctions.offer(running)
    chain.set_next_time(chain.now)
    with reverts("PriceAboveLimit", shown.price, shown.price - 1):
        auctions.buyCollateral(running, shown.collateral, MAX, shown.price - 1, b"", sender=buyer)
    chain.set_next_time(chain.now)
    receipt = auctions.buyCollateral(running, shown.collateral, MAX, shown.price, b"", sender=buyer)
    assert event(receipt, "CollateralSold").amount == shown.most


def test_offer_falls_linearly_by_the_second_to_the_haircut_and_stays_there(house, chain, auctions, running):
    coin, margin = house.snapshot(running).coins[0], house.judge(running)
    started = auctions.auctionOf(running).startedAt
    for elapsed in sorted(Random(7).sample(range(RAMP), 30)) + [RAMP, RAMP + 1, LIFE - 1]:
        at(chain, started, elapsed)
        price = price_after(coin, elapsed)
        most = liquidation_math.sale_due(coin, margin, price, OPEN_LIMIT_E6)
        assert tuple(auctions.offer(running)) == (0, price, most)
    assert price == liquidation_math.sale_price(coin.mid, coin.haircut), "the haircut, and no further"


def test_offer_of_a_whale_stops_at_the_haircut_of_its_first_token(house, chain, auctions, trader, short):
    """A thousand WETH count at a fifth off; a tenth is what the discount is never above, so no part of it sells at a loss."""
    account = house.open(trader, WETH=1_000 * WAD)
    house.engine.seize(
        account, [], [(account, -1_500_000 * USDC), (short, 1_500_000 * USDC)], [], [], sender=house.liquidator
    )
    coin = house.snapshot(account).coins[0]
    assert (coin.haircut, margin_math.haircut(coin)) == (10**17, 2 * 10**17)
    auctions.startAuction(account)
    chain.advance(RAMP)
    assert auctions.offer(account).price == price_after(coin, RAMP) == 1_800 * WAD


def test_offer_without_a_need_reverts_with_its_numbers(house, auctions, running, short):
    with reverts("NotForSale", short, 0, house.judge(short).collateral * 9 // 10):
        auctions.offer(short)
    house.deposit(running, 5_000 * USDC)
    margin = house.judge(running)
    with reverts("NotForSale", running, 7_000 * USDC, margin.collateral * 9 // 10):
        auctions.offer(running)


def test_offer_before_the_start_and_after_the_end_reverts(chain, auctions, owing):
    with reverts("NoAuction", owing):
        auctions.offer(owing)
    auctions.startAuction(owing)
    started = auctions.auctionOf(owing).startedAt
    at(chain, started, LIFE - 1)
    assert auctions.offer(owing).most > 0
    at(chain, started, LIFE)
    with reverts("NoAuction", owing):
        auctions.offer(owing)


def test_offer_of_an_account_without_coins_reverts(house, auctions, trader, short):
    account = house.open(trader, 1)
    house.engine.seize(account, [], [(account, -2), (short, 2)], [], [], sender=house.liquidator)
    auctions.startAuction(account)
    with reverts("NothingHeld", account):
        auctions.offer(account)


def test_offer_without_a_price_reverts(house, auctions, running):
    house.protocol.feeds["ETH"].setMode(1)
    with reverts("InvalidPrice", 0, 2, 0, 0):
        auctions.offer(running)


# How much ----------------------------------------------------------------------------------------------------------


def test_offer_of_a_sunk_account_is_what_pays_all_of_its_debt(house, chain, auctions, sunk):
    """Not back to λ₀: what it owes, as far as its coins go."""
    auctions.startAuction(sunk)
    coin, debt = house.snapshot(sunk).coins[0], margin_math.debt(house.judge(sunk))
    started = auctions.auctionOf(sunk).startedAt
    for elapsed in (0, 1, 900, RAMP, RAMP + 1, RAMP + 900, 2 * RAMP - 1, 2 * RAMP, LIFE - 1):
        at(chain, started, elapsed)
        price = price_after(coin, elapsed, max(0, elapsed - RAMP))
        assert tuple(auctions.offer(sunk)) == (0, price, liquidation_math.sale_of(coin, debt, price))
    assert price == 0, "so that there is always a buyer"


def test_offer_of_a_sunk_account_whose_fall_nobody_noted_stops_at_the_haircut(house, chain, auctions, running):
    """Only from insolventAt on does the price go on."""
    chain.advance(RAMP + 60)
    house.reprice("ETH", 1_200)
    coin = house.snapshot(running).coins[0]
    assert house.judge(running).equity < 0 and auctions.auctionOf(running).insolventAt == 0
    assert auctions.offer(running).price == price_after(coin, RAMP)


def test_offer_of_an_account_below_zero_that_holds_positions_stops_at_the_haircut(
    house, chain, auctions, trader, short
):
    """Absorb comes first: what its positions lost is not paid by giving its coins away."""
    account = house.open(trader, WETH=10 * WAD)
    house.trade(account, short, {"SOL": 2_500})
    house.reprice("SOL", 12)
    auctions.startAuction(account)
    coin, debt = house.snapshot(account).coins[0], margin_math.debt(house.judge(account))
    at(chain, auctions.auctionOf(account).startedAt, LIFE - 1)
    price = price_after(coin, RAMP)
    assert tuple(auctions.offer(account)) == (0, price, liquidation_math.sale_of(coin, debt, price))


def test_offer_of_an_estate_is_its_debt_and_what_others_paid(house, chain, auctions, trader, short, liquidator):
    """Its coins have risen far above what it owes: it sells no more than both."""
    account = house.open(trader, WETH=10 * WAD)
    house.trade(account, short, {"SOL": 2_500})
    house.reprice("SOL", 12)
    house.liquidation.absorb(account, house.open(liquidator, 10**6 * USDC), sender=liquidator)
    house.reprice("ETH", 6_000)
    auctions.startAuction(account)
    chain.advance(600)
    elapsed = chain.now - auctions.auctionOf(account).startedAt
    coin, owed = house.snapshot(account).coins[0], house.engine.estateOf(account).forgiven
    need = margin_math.debt(house.judge(account)) + owed
    assert owed == (20_000 - 17_980) * USDC and need == 20_000 * USDC
    price = price_after(coin, elapsed)
    assert tuple(auctions.offer(account)) == (0, price, liquidation_math.sale_of(coin, need, price))


# The sequencer -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def rollup(chain, owner, guardian, treasury):
    """The same house where a sequencer is watched, with ten minutes of grace."""
    world = replace(the_world(chain.now), sequencer_grace=GRACE)
    protocol = Deployment.deploy(chain, world, Roles(owner, owner, guardian, treasury))
    with isolated(chain):
        chain.advance(HOUR)
        protocol.refresh()
        yield House(protocol, chain.deploy("MockVenue", protocol.engine))


def test_offer_begins_anew_when_the_sequencer_comes_back(rollup, chain, trader, maker):
    """Whoever could not bid finds the price where the clock begins, however long it was away."""
    account = rollup.open(trader, WETH=10 * WAD)
    short = rollup.open(maker, 100_000 * USDC)
    rollup.engine.seize(
        account, [], [(account, -17_000 * USDC), (short, 17_000 * USDC)], [], [], sender=rollup.liquidator
    )
    auctions, coin = rollup.protocol.auctions, rollup.snapshot(account).coins[0]
    auctions.startAuction(account)
    at(chain, auctions.auctionOf(account).startedAt, 1_200)
    assert auctions.offer(account).price == price_after(coin, 1_200)
    rollup.protocol.sequencer.push(1)
    with reverts("InvalidPrice", 0, DOWN, 1, 0):
        auctions.offer(account)
    chain.advance(300)
    back = rollup.protocol.sequencer.push(0).timestamp
    with reverts("InvalidPrice"):
        auctions.offer(account)
    for since in (0, 1, 300):
        at(chain, back + GRACE, since)
        assert auctions.offer(account).price == price_after(coin, since), "counted from when anyone could bid again"
