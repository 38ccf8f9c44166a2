"""The sale itself: at the price of the second, no more than the debt needs, never at the account's cost."""

from random import Random

import pytest

from plimsoll import margin_math
from plimsoll.errors import Reverted
from plimsoll.fixed_point import WAD
from plimsoll.model import liquidation_math
from tests.helpers import event, isolated, reverts
from tests.unit.liquidation_engine.sinking import Sinking, portfolio
from tests.world import COINS, FEEDS, MAX, USDC

RAMP, LIFE = 1_800, 5_400
OPEN_LIMIT_E6 = 800_000


def at(chain, auctions, account, elapsed):
    """The next transaction comes so many seconds after the start."""
    chain.set_next_time(auctions.auctionOf(account).startedAt + elapsed)


def price_after(coin, elapsed, insolvent=0):
    return liquidation_math.sale_price(coin.mid, liquidation_math.discount(coin.haircut, elapsed, insolvent, RAMP))


@pytest.mark.parametrize("elapsed", [1, 2, 60, 899, 900, RAMP - 1, RAMP, RAMP + 1, LIFE - 1])
def test_buy_collateral_at_the_price_of_the_second(house, chain, engine, auctions, buyer, running, elapsed):
    """Linear from mid to mid less the haircut; then no further."""
    coin = house.snapshot(running).coins[0]
    price = price_after(coin, elapsed)
    assert elapsed < RAMP or price == 1_305 * WAD, "10 % off"
    payment = liquidation_math.sale_payment(coin, WAD, price)
    cash, equity = house.cash(running), house.judge(running).equity
    at(chain, auctions, running, elapsed)
    receipt = auctions.buyCollateral(running, 0, WAD, MAX, b"", sender=buyer)
    told = {"account": running, "token": house.token("WETH"), "buyer": buyer, "amount": WAD, "payment": payment}
    event(receipt, "CollateralSold", **told)
    assert house.token("WETH").balanceOf(buyer) == WAD
    assert house.usdc.balanceOf(buyer) == 1_000_000 * USDC - payment
    assert house.cash(running) == cash + payment and engine.collateralOf(running, 0) == 9 * WAD
    assert house.judge(running).equity >= equity, "no sale lowers equity"


def test_buy_collateral_returns_what_it_did(house, chain, auctions, running, buyer):
    coin = house.snapshot(running).coins[0]
    chain.advance(LIFE - 100)
    payment = liquidation_math.sale_payment(coin, WAD, 1_305 * WAD)
    assert tuple(auctions.simulate("buyCollateral", running, 0, WAD, MAX, b"", sender=buyer)) == (WAD, payment)


@pytest.mark.parametrize("elapsed", [1, 900, RAMP])
def test_buy_collateral_sells_just_what_brings_the_debt_back(house, chain, auctions, buyer, running, elapsed):
    """To λ₀ · C, to one token unit; the auction ends with it."""
    snapshot = house.snapshot(running)
    coin, margin = snapshot.coins[0], house.judge(running)
    due = liquidation_math.sale_due(coin, margin, price_after(coin, elapsed), OPEN_LIMIT_E6)
    at(chain, auctions, running, elapsed)
    receipt = auctions.buyCollateral(running, 0, MAX, MAX, b"", sender=buyer)
    assert event(receipt, "CollateralSold").amount == due < 10 * WAD
    event(receipt, "AuctionStopped", account=running)
    after = house.judge(running)
    assert margin_math.debt(after) * 10**6 <= (after.collateral + 1) * OPEN_LIMIT_E6
    assert margin_math.debt(after) * 10**6 > (after.collateral - 20 * USDC) * OPEN_LIMIT_E6, "and not much further"
    with reverts("NotForSale"):
        auctions.buyCollateral(running, 0, 1, MAX, b"", sender=buyer)


def test_buy_collateral_above_the_named_price_reverts(house, chain, auctions, running, buyer):
    coin = house.snapshot(running).coins[0]
    price = price_after(coin, 600)
    at(chain, auctions, running, 600)
    with reverts("PriceAboveLimit", price, price - 1):
        auctions.buyCollateral(running, 0, WAD, price - 1, b"", sender=buyer)
    at(chain, auctions, running, 601)
    auctions.buyCollateral(running, 0, WAD, price, b"", sender=buyer)


def test_buy_collateral_before_the_auction_starts_and_after_it_lapsed_reverts(chain, auctions, owing, buyer):
    with reverts("NoAuction", owing):
        auctions.buyCollateral(owing, 0, WAD, MAX, b"", sender=buyer)
    auctions.startAuction(owing)
    at(chain, auctions, owing, LIFE)
    with reverts("NoAuction", owing):
        auctions.buyCollateral(owing, 0, WAD, MAX, b"", sender=buyer)


def test_buy_collateral_ends_when_the_owner_repays(house, auctions, running, buyer, trader):
    house.deposit(running, 12_000 * USDC)
    with reverts("NotForSale", running, 0, house.judge(running).collateral * 9 // 10):
        auctions.buyCollateral(running, 0, WAD, MAX, b"", sender=buyer)


def test_buy_collateral_of_nothing_reverts(auctions, running, buyer):
    with reverts("InvalidAmount"):
        auctions.buyCollateral(running, 0, 0, MAX, b"", sender=buyer)


@pytest.mark.parametrize("collateral", [1, 99, MAX])
def test_buy_collateral_that_is_not_the_first_reverts(auctions, running, buyer, collateral):
    with reverts("NotFirst", running, collateral, 0):
        auctions.buyCollateral(running, collateral, 1, MAX, b"", sender=buyer)


def test_buy_collateral_of_an_account_without_coins_reverts(house, auctions, trader, short, buyer):
    """Below zero and nothing to sell: it is for absorb."""
    account = house.open(trader, 12_000 * USDC)
    house.trade(account, short, {"SOL": 1_000})
    house.engine.seize(account, [], [(account, -13_000 * USDC), (short, 13_000 * USDC)], [], [], sender=house.liquidator)
    auctions.startAuction(account)
    with reverts("NothingHeld", account):
        auctions.buyCollateral(account, 0, 1, MAX, b"", sender=buyer)


def test_buy_collateral_without_the_money_reverts(house, auctions, running, stranger):
    with reverts("ERC20InsufficientAllowance"):
        auctions.buyCollateral(running, 0, WAD, MAX, b"", sender=stranger)


def test_buy_collateral_needs_prices(house, auctions, running, buyer):
    house.protocol.feeds["ETH"].setMode(1)
    with reverts("InvalidPrice", 0, 2, 0, 0):
        auctions.buyCollateral(running, 0, WAD, MAX, b"", sender=buyer)


def test_buy_collateral_of_an_account_with_a_position_lowers_its_debt(house, auctions, trader, short, buyer):
    """A long on SOL that lost nearly all that the WETH count for; still above its line."""
    account = house.open(trader, WETH=10 * WAD)
    house.trade(account, short, {"SOL": 1_500})
    house.reprice("SOL", 9.2)
    margin = house.judge(account)
    assert margin.equity >= margin.maintenance and margin_math.debt(margin) * 10 > margin.collateral * 9
    auctions.startAuction(account)
    auctions.buyCollateral(account, 0, 3 * WAD, MAX, b"", sender=buyer)
    after = house.judge(account)
    assert after.equity >= margin.equity and after.maintenance == margin.maintenance
    assert margin_math.debt(after) < margin_math.debt(margin)


def test_buy_collateral_by_the_owner_gains_nothing(house, chain, auctions, running, trader):
    """LIQ-4: at a fixed price, what the owner saves as a buyer the account has lost."""
    house.give(trader, "USDC", 100_000 * USDC)

    def wealth():
        coins = house.engine.collateralOf(running, 0) + house.token("WETH").balanceOf(trader)
        return house.cash(running) + house.usdc.balanceOf(trader) + coins * 1_450 * USDC // WAD

    before = wealth()
    chain.advance(RAMP)
    for part in (WAD // 2, WAD, 123_456_789):
        auctions.buyCollateral(running, 0, part, MAX, b"", sender=trader)
    assert wealth() <= before


# Below zero --------------------------------------------------------------------------------------------------------


def test_buy_collateral_of_a_sunk_account_gets_cheaper_until_it_is_free(house, chain, auctions, sunk, buyer):
    """So there is always a buyer; but first it is offered at every discount up to the haircut."""
    auctions.startAuction(sunk)
    coin = house.snapshot(sunk).coins[0]
    for elapsed in (1, 300, RAMP - 1, RAMP, RAMP + 1, RAMP + 900, 2 * RAMP - 1, 2 * RAMP, LIFE - 1):
        with isolated(chain):
            at(chain, auctions, sunk, elapsed)
            sold = event(auctions.buyCollateral(sunk, 0, WAD, MAX, b"", sender=buyer), "CollateralSold")
            price = price_after(coin, elapsed, max(0, elapsed - RAMP))
            assert sold.payment == liquidation_math.sale_payment(coin, WAD, price)
            assert elapsed < 2 * RAMP or sold.payment == 0


def test_buy_collateral_of_an_account_that_sank_later_finds_the_second_clock_at_its_start(
    house, chain, auctions, running, buyer
):
    """Its first clock is at its end: that gives the haircut, and not a unit more."""
    chain.advance(RAMP + 600)
    house.reprice("ETH", 1_200)
    coin = house.snapshot(running).coins[0]
    full = price_after(coin, RAMP)
    assert auctions.offer(running).price == full
    auctions.startAuction(running)
    noted = auctions.auctionOf(running).insolventAt
    chain.set_next_time(noted + 90)
    sold = event(auctions.buyCollateral(running, 0, WAD, MAX, b"", sender=buyer), "CollateralSold")
    assert sold.payment == liquidation_math.sale_payment(coin, WAD, price_after(coin, RAMP, 90))


def test_buy_collateral_of_an_estate_that_interest_sank_is_offered_at_the_haircut_first(
    house, chain, auctions, trader, short, buyer, liquidator
):
    """Absorbed, its equity is 0; a second of interest later it is below: that alone gives nothing away."""
    house.parameters.setInterest(5 * 10**7, sender=house.timelock)
    account = house.open(trader, WETH=10 * WAD)
    house.trade(account, short, {"SOL": 2_500})
    house.reprice("SOL", 12)
    house.liquidation.absorb(account, house.open(liquidator, 10**6 * USDC), sender=liquidator)
    chain.advance(10)
    auctions.startAuction(account)
    assert auctions.auctionOf(account).insolventAt != 0
    coin = house.snapshot(account).coins[0]
    at(chain, auctions, account, RAMP)
    sold = event(auctions.buyCollateral(account, 0, MAX, MAX, b"", sender=buyer), "CollateralSold")
    assert sold.payment == liquidation_math.sale_payment(coin, sold.amount, price_after(coin, RAMP))


def test_buy_collateral_of_a_sunk_account_that_recovered_is_capped_again(house, chain, auctions, sunk, buyer):
    """Even where nobody has noted that it did."""
    auctions.startAuction(sunk)
    chain.advance(RAMP)
    house.reprice("ETH", 1_450)
    assert auctions.offer(sunk).price == 1_305 * WAD


def test_buy_collateral_of_an_account_below_zero_that_holds_positions_stops_at_the_haircut(
    house, chain, auctions, trader, short, buyer
):
    """It may be paid off all the same, and no sale lowers its equity."""
    account = house.open(trader, WETH=10 * WAD)
    house.trade(account, short, {"SOL": 2_500})
    house.reprice("SOL", 12)
    auctions.startAuction(account)
    before, coin = house.judge(account), house.snapshot(account).coins[0]
    at(chain, auctions, account, LIFE - 1)
    sold = event(auctions.buyCollateral(account, 0, WAD, MAX, b"", sender=buyer), "CollateralSold")
    assert sold.payment == liquidation_math.sale_payment(coin, WAD, price_after(coin, RAMP)) == 1_800 * USDC
    assert before.equity <= house.judge(account).equity < 0


def test_buy_collateral_of_an_estate_pays_others_before_its_owner(
    house, engine, chain, auctions, trader, short, liquidator, buyer
):
    """Its coins rise to far more than is owed: what a sale brings beyond the debt is theirs until they have it all."""
    account = house.open(trader, WETH=10 * WAD)
    house.trade(account, short, {"SOL": 2_500})
    house.reprice("SOL", 12)
    house.liquidation.absorb(account, house.open(liquidator, 10**6 * USDC), sender=liquidator)
    house.reprice("ETH", 6_000)
    debt, owed = -house.cash(account), engine.estateOf(account).forgiven
    auctions.startAuction(account)
    half = (debt + owed // 2) * WAD // 6_000 // USDC
    at(chain, auctions, account, 1)
    sold = event(auctions.buyCollateral(account, 0, half, MAX, b"", sender=buyer), "CollateralSold")
    assert house.cash(account) == 0
    assert engine.estateOf(account).forgiven == owed - (sold.payment - debt) > 0
    receipt = auctions.buyCollateral(account, 0, MAX, MAX, b"", sender=buyer)
    event(receipt, "AuctionStopped", account=account)
    assert engine.estateOf(account).forgiven == 0 <= house.cash(account) <= 1
    assert engine.collateralOf(account, 0) > 6 * WAD, "the rest is the owner's again"


@pytest.mark.parametrize("coin", ["WETH", "STETH", "WBTC", "WSOL", "GRAM", "BAR"])
def test_buy_collateral_after_absorb_ends_the_debt(house, auctions, trader, short, buyer, liquidator, coin):
    """E < 0 → absorbed → its coins bought → its debt is nothing: there is always a way out."""
    taker = house.open(liquidator, 1_000_000 * USDC)
    decimals, feed = COINS[coin]
    account = house.open(trader, **{coin: 20_123 * 10**decimals // FEEDS[feed][0]})
    name = "BTC" if feed != "BTC" else "ETH"
    lot = {"BTC": 4, "ETH": 80}[name]
    house.trade(account, short, {name: lot})
    house.reprice(name, house.mid(name) / WAD * 0.85)
    assert house.judge(account).equity < 0
    house.liquidation.absorb(account, taker, sender=liquidator)
    auctions.startAuction(account)
    house.chain.advance(RAMP)
    for _ in range(3):
        if house.cash(account) >= 0:
            break
        auctions.buyCollateral(account, house.coin_id(coin), MAX, MAX, b"", sender=buyer)
    assert house.cash(account) >= 0


# At scale ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_buy_collateral_never_lowers_equity_nor_sells_more_than_the_debt(house, chain, auctions, owing, buyer, seed):
    """Any price at which it is for sale, any moment, any amount."""
    random = Random(seed)
    for _ in range(12):
        with isolated(chain):
            house.reprice("ETH", random.uniform(1_340, 1_480))
            auctions.startAuction(owing)
            chain.advance(random.choice((0, random.randint(0, LIFE - 10))))
            before = house.judge(owing)
            amount = random.choice((MAX, random.randint(1, 10 * WAD)))
            sold = event(auctions.buyCollateral(owing, 0, amount, MAX, b"", sender=buyer), "CollateralSold")
            after = house.judge(owing)
            assert after.equity >= before.equity and sold.payment <= margin_math.debt(before) + 1
            assert margin_math.debt(after) == margin_math.debt(before) - min(sold.payment, margin_math.debt(before))


@pytest.mark.parametrize("seed", range(10))
def test_buy_collateral_of_a_portfolio_equals_its_twin_and_never_lowers_equity(
    house, chain, engine, auctions, trader, short, buyer, seed
):
    """One to eight coins of any decimals behind positions, at any debt for sale, sold in purchases of any size at any moment,
    in the owner's order or in that of the haircuts; after the ramp, whichever the buyer likes."""
    random = Random(seed)
    account = Sinking(house, trader, short).account(*portfolio(random, random.randint(1, 4), random.randint(1, 8)))
    margin = house.judge(account)
    debt = random.randint(margin.collateral * 9 // 10 + 1, margin.collateral)
    less = debt - margin_math.debt(margin) if margin_math.debt(margin) else debt + house.cash(account) + margin.profit
    engine.seize(account, [], [(account, -less), (short, less)], [], [], sender=house.liquidator)
    assert margin_math.debt(house.judge(account)) == debt
    order = random.choice(([], random.sample(range(9), random.randint(1, 8))))
    auctions.setSaleOrder(account, order, sender=trader)
    auctions.startAuction(account)
    for _ in range(6):
        chain.advance(random.choice((0, 1, RAMP, random.randint(1, 900))))
        if not (shown := offered(auctions, account)):
            break
        before, elapsed = house.judge(account), chain.now - auctions.auctionOf(account).startedAt
        coins = {coin.collateral: coin for coin in house.snapshot(account).coins}
        first = next((i for i in order if i in coins), min(coins, key=lambda i: (coins[i].haircut, i)))
        chosen = random.choice(list(coins)) if elapsed >= RAMP else first
        coin, price = coins[chosen], price_after(coins[chosen], elapsed)
        assert shown.collateral == first
        due = liquidation_math.sale_due(coin, before, price, OPEN_LIMIT_E6)
        amount = random.choice((MAX, random.randint(1, max(1, due))))
        chain.set_next_time(chain.now)
        receipt = auctions.buyCollateral(account, chosen, amount, price, b"", sender=buyer)
        bought = min(due, amount)
        payment = liquidation_math.sale_payment(coin, bought, price)
        event(receipt, "CollateralSold", amount=bought, payment=payment)
        after = house.judge(account)
        assert after.equity >= before.equity and after.maintenance == before.maintenance
        assert bought <= 1 or liquidation_math.sale_payment(coin, bought - 1, price) <= margin_math.debt(before)
        if bought == due < coin.amount:
            assert (margin_math.debt(after) - 1) * 10**6 <= (after.collateral + 2) * OPEN_LIMIT_E6
        if not offered(auctions, account):
            event(receipt, "AuctionStopped", account=account)


def offered(auctions, account):
    """None where nothing is for sale any more."""
    try:
        return auctions.offer(account)
    except Reverted as reverted:
        assert reverted.name in ("NotForSale", "NoAuction"), reverted
        return None


def test_buy_collateral_of_a_reentrant_token_gains_nothing(house, engine, chain, auctions, trader, short, buyer):
    token = chain.deploy("ReentrantToken", "Hook", "HOOK", 18)
    config = (token, 100_000, 500_000, 0, 18, 10**30, 10**30)
    house.parameters.setCollateral(9, config, sender=house.timelock)
    account = house.account(trader)
    token.mint(trader, 10 * WAD)
    token.approve(engine, MAX, sender=trader)
    house.open(trader)
    engine.deposit(account, token, 10 * WAD, 0, sender=trader)
    house.trade(account, short, {"SOL": 1_000}, [-32_000 * USDC])
    house.trade(account, short, {"SOL": -1_000})
    house.reprice("ETH", 1_450)
    auctions.startAuction(account)
    for target, attack in (
        (auctions, auctions.encode("buyCollateral", account, 9, WAD, MAX, b"")),
        (auctions, auctions.encode("stopAuction", account)),
        (house.liquidation, house.liquidation.encode("absorb", account, 0)),
        (engine, engine.encode("deposit", account, house.usdc, 1, 0)),
        (engine, engine.encode("withdraw", account, token, 1, trader, 0)),
    ):
        token.arm(target, attack, False)
        held = engine.collateralOf(account, 9)
        auctions.buyCollateral(account, 9, WAD // 10, MAX, b"", sender=buyer)
        assert not token.succeeded()
        assert token.answer() == bytes.fromhex("3ee5aeb5"), "ReentrancyGuardReentrantCall"
        assert engine.collateralOf(account, 9) == held - WAD // 10
