import pytest

from plimsoll.fixed_point import WAD, mul_div_up
from plimsoll.model import margin_math
from tests.helpers import event, reverts
from tests.world import COINS, FEEDS, MAX, USDC


@pytest.fixture
def buyer(house, liquidator):
    house.give(liquidator, "USDC", 1_000_000 * USDC)
    return liquidator


@pytest.fixture
def owing(house, trader, short):
    """Cash −12,000 behind ten WETH, now worth 1,400 each: the debt is above λ of what they count for."""
    account = house.open(trader, WETH=10 * WAD)
    house.trade(account, short, {"SOL": 1_000}, [-32_000 * USDC])
    house.trade(account, short, {"SOL": -1_000})
    house.reprice("ETH", 1_450)
    margin = house.judge(account)
    assert margin.equity > 0 and margin_math.debt(margin) * 10 > margin.collateral * 9
    return account


def price_of(house, account, amount):
    """⌈amount · mid · (1 − h)⌉, h of the whole holding."""
    coin = house.snapshot(account).coins[0]
    return mul_div_up(amount * coin.mid, WAD - margin_math.haircut(coin), coin.scale)


def test_buy_collateral_pays_mid_less_the_haircut(house, engine, liquidation, owing, buyer):
    due = price_of(house, owing, 2 * WAD)
    cash, equity = house.cash(owing), house.judge(owing).equity
    receipt = liquidation.buyCollateral(owing, 0, 2 * WAD, due, sender=buyer)
    event(receipt, "CollateralSold", account=owing, token=house.token("WETH"), buyer=buyer, amount=2 * WAD, payment=due)
    assert house.token("WETH").balanceOf(buyer) == 2 * WAD
    assert house.usdc.balanceOf(buyer) == 1_000_000 * USDC - due
    assert house.cash(owing) == cash + due
    assert engine.collateralOf(owing, 0) == 8 * WAD
    assert house.judge(owing).equity >= equity, "no sale lowers equity"


def test_buy_collateral_returns_the_payment(house, liquidation, owing, buyer):
    due = price_of(house, owing, WAD)
    assert liquidation.simulate("buyCollateral", owing, 0, WAD, MAX, sender=buyer) == due


def test_buy_collateral_above_the_named_payment_reverts(house, liquidation, owing, buyer):
    due = price_of(house, owing, WAD)
    with reverts("PaymentAboveLimit", due, due - 1):
        liquidation.buyCollateral(owing, 0, WAD, due - 1, sender=buyer)
    liquidation.buyCollateral(owing, 0, WAD, due, sender=buyer)


def test_buy_collateral_at_the_limit_reverts_and_above_it_is_sold(house, liquidation, owing, buyer, stranger):
    """Not at D = λ · C: strictly above. By a unit of debt."""
    margin = house.judge(owing)
    limit = margin.collateral * 9 // 10
    house.deposit(owing, margin_math.debt(margin) - limit, sender=stranger)
    with reverts("NotForSale", owing, limit, limit):
        liquidation.buyCollateral(owing, 0, WAD, MAX, sender=buyer)
    house.engine.seize(owing, [], [(owing, -1), (house.account(stranger), 1)], [], 0, sender=house.liquidator)
    liquidation.buyCollateral(owing, 0, WAD, MAX, sender=buyer)


def test_buy_collateral_of_a_healthy_account_reverts(house, liquidation, buyer, trader, long):
    account = house.open(trader, WETH=WAD)
    for healthy in (account, long):
        limit = house.judge(healthy).collateral * 9 // 10
        with reverts("NotForSale", healthy, 0, limit):
            liquidation.buyCollateral(healthy, 0, 1, MAX, sender=buyer)


def test_buy_collateral_ends_when_the_owner_repays(house, liquidation, owing, buyer, trader):
    house.deposit(owing, 12_000 * USDC)
    with reverts("NotForSale"):
        liquidation.buyCollateral(owing, 0, WAD, MAX, sender=buyer)


def test_buy_collateral_for_more_than_the_debt_reverts(house, liquidation, owing, buyer):
    """Only as much as the debt needs, to one unit of rounding: what would pay two units more is refused."""
    low, high = 0, 10 * WAD
    while high - low > 1:
        half = (low + high) // 2
        low, high = (half, high) if price_of(house, owing, half) <= 12_000 * USDC + 1 else (low, half)
    with reverts("MoreThanTheDebt", owing, 12_000 * USDC + 2, 12_000 * USDC):
        liquidation.buyCollateral(owing, 0, high, MAX, sender=buyer)
    liquidation.buyCollateral(owing, 0, low, MAX, sender=buyer)
    assert house.cash(owing) == 1
    with reverts("NotForSale", owing, 0, house.judge(owing).collateral * 9 // 10):
        liquidation.buyCollateral(owing, 0, 1, MAX, sender=buyer)


def test_buy_collateral_of_nothing_or_too_much_reverts(house, liquidation, owing, buyer):
    for amount in (0, 10 * WAD + 1, MAX):
        with reverts("InvalidAmount", amount, 10 * WAD):
            liquidation.buyCollateral(owing, 0, amount, MAX, sender=buyer)


def test_buy_collateral_that_is_not_held_reverts(liquidation, owing, buyer):
    for collateral in (1, 99):
        with reverts("InvalidAmount", 0, 0):
            liquidation.buyCollateral(owing, collateral, 1, MAX, sender=buyer)


def test_buy_collateral_without_the_money_reverts(house, liquidation, owing, stranger):
    due = price_of(house, owing, WAD)
    with reverts("ERC20InsufficientAllowance", house.engine, 0, due):
        liquidation.buyCollateral(owing, 0, WAD, MAX, sender=stranger)


def test_buy_collateral_needs_prices(house, liquidation, owing, buyer):
    house.protocol.feeds["ETH"].setMode(1)
    with reverts("InvalidPrice", 0, 2, 0, 0):
        liquidation.buyCollateral(owing, 0, WAD, MAX, sender=buyer)


def test_buy_collateral_of_an_account_with_a_position_lowers_its_debt(house, liquidation, trader, short, buyer):
    """A long on SOL that lost nearly all that the WETH count for; still above its line."""
    account = house.open(trader, WETH=10 * WAD)
    house.trade(account, short, {"SOL": 1_500})
    house.reprice("SOL", 9.2)
    margin = house.judge(account)
    assert margin.equity >= margin.maintenance
    assert margin_math.debt(margin) * 10 > margin.collateral * 9
    liquidation.buyCollateral(account, 0, 3 * WAD, MAX, sender=buyer)
    after = house.judge(account)
    assert after.equity >= margin.equity and after.maintenance == margin.maintenance
    assert margin_math.debt(after) < margin_math.debt(margin)


def test_buy_collateral_by_the_owner_gains_nothing(house, liquidation, owing, trader):
    """LIQ-4: at a fixed price, what the owner saves as a buyer the account has lost."""
    house.give(trader, "USDC", 100_000 * USDC)

    def wealth():
        coins = house.engine.collateralOf(owing, 0) + house.token("WETH").balanceOf(trader)
        return house.cash(owing) + house.usdc.balanceOf(trader) + coins * 1_450 * USDC // WAD

    before = wealth()
    for part in (WAD // 2, WAD, 123_456_789):
        liquidation.buyCollateral(owing, 0, part, MAX, sender=trader)
    assert wealth() <= before


def test_buy_collateral_of_a_reentrant_token_gains_nothing(house, engine, chain, liquidation, trader, short, buyer):
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
    for target, attack in (
        (liquidation, liquidation.encode("buyCollateral", account, 9, WAD, MAX)),
        (liquidation, liquidation.encode("absorb", account, 0)),
        (engine, engine.encode("deposit", account, house.usdc, 1, 0)),
        (engine, engine.encode("withdraw", account, token, 1, trader, 0)),
    ):
        token.arm(target, attack, False)
        held = engine.collateralOf(account, 9)
        liquidation.buyCollateral(account, 9, WAD // 10, MAX, sender=buyer)
        assert not token.succeeded()
        assert token.answer() == bytes.fromhex("3ee5aeb5"), "ReentrancyGuardReentrantCall"
        assert engine.collateralOf(account, 9) == held - WAD // 10


@pytest.mark.parametrize("coin", ["WETH", "STETH", "WBTC"])
def test_buy_collateral_after_absorb_ends_the_debt(house, liquidation, trader, short, buyer, liquidator, coin):
    """E < 0 → absorbed → its coins bought → its debt is nothing: there is always a way out."""
    taker = house.open(liquidator, 1_000_000 * USDC)
    decimals, price = {"WETH": (18, 2_000), "STETH": (12, 2_000), "WBTC": (8, 40_000)}[coin]
    account = house.open(trader, **{coin: 20_000 * 10**decimals // price})
    house.trade(account, short, {"SOL": 2_500})
    house.reprice("SOL", 10)
    assert house.judge(account).equity < 0
    liquidation.absorb(account, taker, sender=liquidator)
    name = house.coin_id(coin)
    for _ in range(4):
        debt, held = -house.cash(account), house.engine.collateralOf(account, name)
        if debt <= 0:
            break
        unit = price_of(house, account, held)
        amount = held if unit <= debt else held * debt // unit
        if amount == 0 or price_of(house, account, amount) > debt:
            break
        liquidation.buyCollateral(account, name, amount, MAX, sender=buyer)
    assert 0 <= -house.cash(account) <= price // 2_000 * 400


@pytest.mark.parametrize("coin", ["WETH", "WSOL", "GRAM", "BAR"])
def test_buy_collateral_of_all_after_absorb_is_sold(house, liquidation, trader, short, buyer, liquidator, coin):
    """Its collateral then covers exactly its debt, and is for sale: whoever buys all of it must not be refused for the
    unit by which ⌈payment⌉ is more than ⌊C⌋."""
    taker = house.open(liquidator, 1_000_000 * USDC)
    decimals, feed = COINS[coin]
    account = house.open(trader, **{coin: 20_123 * 10**decimals // FEEDS[feed][0]})
    config = house.engine.collateralConfig(house.coin_id(coin))
    house.parameters.setCollateral(
        house.coin_id(coin), config._replace(depth=9_999_991 * 10**decimals // 1_000), sender=house.timelock
    )
    house.chain.advance(3 * 86_400)
    house.parameters.applyCollateral(house.coin_id(coin))
    house.protocol.refresh()
    house.trade(account, short, {"BTC": 4})
    house.reprice("BTC", 34_000.01)
    liquidation.absorb(account, taker, sender=liquidator)
    liquidation.buyCollateral(
        account, house.coin_id(coin), house.engine.collateralOf(account, house.coin_id(coin)), MAX, sender=buyer
    )
    assert house.cash(account) in (0, 1)
