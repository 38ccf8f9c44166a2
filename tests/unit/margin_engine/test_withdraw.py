import pytest

from plimsoll import margin_math
from plimsoll.fixed_point import WAD
from tests.helpers import event, isolated, reverts
from tests.unit.margin_engine.tokens import list_token
from tests.world import DAY, MAX, MAY_TRADE, MAY_WITHDRAW, USDC, ZERO

TEN = 10 * USDC


def test_withdraw_of_cash_pays_and_tells(house, engine, trader, stranger, long):
    before, escrowed = house.cash(long), house.usdc.balanceOf(house.protocol.escrow)
    receipt = engine.withdraw(long, house.usdc, TEN, stranger, TEN, sender=trader)
    assert house.cash(long) == before - TEN
    assert house.usdc.balanceOf(stranger) == TEN
    assert house.usdc.balanceOf(house.protocol.escrow) == escrowed - TEN
    event(receipt, "Withdrawn", account=long, token=house.usdc, to=stranger, amount=TEN, paid=TEN)
    event(receipt, "AccountUpdated", account=long, cash=before - TEN)


def test_withdraw_of_a_collateral_pays_and_tells(house, engine, trader):
    account, weth = house.open(trader, WETH=3 * WAD), house.token("WETH")
    receipt = engine.withdraw(account, weth, WAD, trader, 0, sender=trader)
    assert (engine.collateralOf(account, 0), engine.collateralTotal(0), weth.balanceOf(trader)) == (
        2 * WAD,
        2 * WAD,
        WAD,
    )
    assert engine.accountState(account).collaterals == 1
    event(receipt, "Withdrawn", account=account, token=weth, to=trader, amount=WAD, paid=WAD)
    engine.withdraw(account, weth, 2 * WAD, trader, 0, sender=trader)
    assert engine.accountState(account).collaterals == engine.collateralTotal(0) == 0


def test_withdraw_returns_what_it_paid(house, engine, trader, long):
    assert engine.simulate("withdraw", long, house.usdc, TEN, trader, 0, sender=trader) == TEN


# Who may ----------------------------------------------------------------------------------------------------------


def test_withdraw_by_a_stranger_reverts(house, engine, trader, stranger, long):
    for to in (trader, stranger):
        with reverts("Unauthorized", stranger):
            engine.withdraw(long, house.usdc, 1, to, 0, sender=stranger)


def test_withdraw_by_an_operator_goes_to_the_owner_alone(house, engine, trader, keeper, long):
    engine.setOperator(long, keeper, MAY_WITHDRAW, sender=trader)
    with reverts("Unauthorized", keeper):
        engine.withdraw(long, house.usdc, TEN, keeper, 0, sender=keeper)
    engine.withdraw(long, house.usdc, TEN, trader, 0, sender=keeper)
    assert house.usdc.balanceOf(trader) == TEN


def test_withdraw_by_a_trading_operator_reverts(house, engine, trader, keeper, long):
    engine.setOperator(long, keeper, MAY_TRADE, sender=trader)
    with reverts("Unauthorized", keeper):
        engine.withdraw(long, house.usdc, TEN, trader, 0, sender=keeper)


# How much ---------------------------------------------------------------------------------------------------------


def test_withdraw_of_nothing_reverts(house, engine, trader, long):
    with reverts("ZeroAmount"):
        engine.withdraw(long, house.usdc, 0, trader, 0, sender=trader)


def test_withdraw_of_an_unlisted_token_reverts(house, engine, trader, long):
    with reverts("UnknownToken", ZERO):
        engine.withdraw(long, ZERO, 1, trader, 0, sender=trader)


def test_withdraw_of_all_cash_is_paid_and_one_more_reverts(house, engine, trader, long):
    cash = house.cash(long)
    with reverts("InsufficientCash", long, cash, cash + 1):
        engine.withdraw(long, house.usdc, cash + 1, trader, 0, sender=trader)
    engine.withdraw(long, house.usdc, cash, trader, 0, sender=trader)
    with reverts("InsufficientCash", long, 0, 1):
        engine.withdraw(long, house.usdc, 1, trader, 0, sender=trader)


def test_withdraw_of_a_whole_collateral_is_paid_and_one_more_reverts(house, engine, trader):
    account = house.open(trader, BAR=9)
    bar, coin = house.token("BAR"), house.coin_id("BAR")
    with reverts("InsufficientCollateral", account, coin, 9, 10):
        engine.withdraw(account, bar, 10, trader, 0, sender=trader)
    with reverts("InsufficientCollateral", account, 0, 0, 1):
        engine.withdraw(account, house.token("WETH"), 1, trader, 0, sender=trader)
    engine.withdraw(account, bar, 9, trader, 0, sender=trader)


def test_withdraw_names_the_least_that_it_accepts(house, engine, trader, long):
    with reverts("BelowMinOut", TEN, TEN + 1):
        engine.withdraw(long, house.usdc, TEN, trader, TEN + 1, sender=trader)


@pytest.mark.parametrize("amount", [2**255, MAX])
def test_withdraw_of_an_absurd_amount_reverts(house, engine, trader, long, amount):
    with reverts("SafeCastOverflowedUintToInt", amount):
        engine.withdraw(long, house.usdc, amount, trader, 0, sender=trader)
    with reverts("InsufficientCollateral", long, 0, 0, amount):
        engine.withdraw(long, house.token("WETH"), amount, trader, 0, sender=trader)


def test_withdraw_to_nobody_reverts(house, engine, trader, long):
    for to in (ZERO, house.protocol.escrow.address):
        with reverts("InvalidReceiver", to):
            engine.withdraw(long, house.usdc, 1, to, 0, sender=trader)


# The opening test -------------------------------------------------------------------------------------------------


def test_withdraw_of_cash_down_to_the_initial_margin_is_paid_and_one_more_reverts(house, engine, trader, short, long):
    house.trade(long, short, {"ETH": 100, "BTC": -2})
    margin = house.judge(long, adding=True)
    free = margin_math.backing(margin) - margin.initial
    with reverts("InsufficientMargin", long, margin.initial - 1, margin.initial):
        engine.withdraw(long, house.usdc, free + 1, trader, 0, sender=trader)
    engine.withdraw(long, house.usdc, free, trader, 0, sender=trader)


def test_withdraw_of_unrealised_profit_reverts(house, engine, trader, short, long):
    house.trade(long, short, {"ETH": 100})
    house.reprice("ETH", 4_000)
    margin = house.judge(long, adding=True)
    assert margin.profit == 200_000 * USDC
    assert margin_math.backing(margin) == house.cash(long)
    free = house.cash(long) - margin.initial
    with reverts("InsufficientMargin", long, margin.initial - 1, margin.initial):
        engine.withdraw(long, house.usdc, free + 1, trader, 0, sender=trader)


def test_withdraw_of_collateral_down_to_the_initial_margin_is_paid(house, engine, trader, short):
    """BAR has no decimals: from the one that fits to the one that does not is a single token, valued at its lower price."""
    account = house.open(trader, 1_000 * USDC, BAR=100)
    house.trade(account, short, {"ETH": 20})
    bar, snapshot = house.token("BAR"), house.snapshot(account)

    def after(amount):
        coin = snapshot.coins[0]._replace(amount=snapshot.coins[0].amount - amount)
        return margin_math.judge(snapshot._replace(coins=(coin,)), adding=True)

    [most] = [
        n
        for n in range(100)
        if margin_math.meets_initial(after(n), 800_000) and not margin_math.meets_initial(after(n + 1), 800_000)
    ]
    short_of = after(most + 1)
    with reverts("InsufficientMargin", account, margin_math.backing(short_of), short_of.initial):
        engine.withdraw(account, bar, most + 1, trader, 0, sender=trader)
    engine.withdraw(account, bar, most, trader, 0, sender=trader)


def in_debt(house, trader, short, **coins):
    """An account whose cash is −10,000 by a loss that it realised."""
    account = house.open(trader, **coins)
    house.trade(account, short, {"SOL": 1_000}, [-20_000 * USDC])
    house.reprice("SOL", 10)
    house.trade(account, short, {"SOL": -1_000})
    assert house.cash(account) == -10_000 * USDC
    return account


def test_withdraw_of_collateral_to_the_debt_limit_is_paid_and_beyond_reverts(house, engine, trader, short):
    account = in_debt(house, trader, short, WETH=20 * WAD)
    snapshot = house.snapshot(account)

    def after(amount):
        coin = snapshot.coins[0]._replace(amount=snapshot.coins[0].amount - amount)
        return margin_math.judge(snapshot._replace(coins=(coin,)), adding=True)

    low, high = 0, 20 * WAD
    while high - low > 1:
        half = (low + high) // 2
        low, high = (half, high) if margin_math.meets_initial(after(half), 800_000) else (low, half)
    margin = after(high)
    with reverts("DebtTooLarge", account, 10_000 * USDC, margin.collateral * 8 // 10):
        engine.withdraw(account, house.token("WETH"), high, trader, 0, sender=trader)
    engine.withdraw(account, house.token("WETH"), low, trader, 0, sender=trader)


def test_withdraw_of_cash_that_is_owed_reverts(house, engine, trader, short):
    account = in_debt(house, trader, short, WETH=20 * WAD)
    with reverts("InsufficientCash", account, -10_000 * USDC, 1):
        engine.withdraw(account, house.usdc, 1, trader, 0, sender=trader)


# Prices -----------------------------------------------------------------------------------------------------------


def test_withdraw_from_a_flat_account_needs_no_price(house, engine, trader, short):
    """ORA-1"""
    account = house.open(trader, TEN, WETH=WAD)
    house.chain.advance(9 * DAY)
    engine.withdraw(account, house.usdc, TEN, trader, 0, sender=trader)
    engine.withdraw(account, house.token("WETH"), WAD, trader, 0, sender=trader)


def test_withdraw_with_a_position_or_a_debt_needs_every_price(house, engine, trader, other_trader, short):
    owing = in_debt(house, trader, short, WETH=20 * WAD)
    holding = house.open(other_trader, 100_000 * USDC, BAR=5)
    house.trade(holding, short, {"ETH": 1})
    house.protocol.feeds["GOLD"].setMode(1)
    house.protocol.feeds["ETH"].setMode(1)
    for account, token, owner in (
        (owing, "WETH", trader),
        (holding, "BAR", other_trader),
        (holding, "USDC", other_trader),
    ):
        with reverts("InvalidPrice"):
            engine.withdraw(account, house.token(token), 1, owner, 0, sender=owner)
    house.protocol.feeds["ETH"].setMode(0)
    engine.withdraw(owing, house.token("WETH"), 1, trader, 0, sender=trader)
    with reverts("InvalidPrice"):
        engine.withdraw(holding, house.usdc, 1, other_trader, 0, sender=other_trader)


# Tokens of all kinds ----------------------------------------------------------------------------------------------


def with_token(house, trader, token, decimals=18):
    list_token(house, token, decimals)
    token.mint(trader, 10_000)
    token.approve(house.engine, MAX, sender=trader)
    account = house.account(trader)
    house.engine.deposit(account, token, 10_000, 0, sender=trader)
    return account


@pytest.mark.parametrize(("mode", "moved"), [(2, 1_010), (3, 990)], ids=["sender", "under"])
def test_withdraw_of_a_token_that_takes_another_amount_reverts(house, engine, chain, trader, mode, moved):
    token = chain.deploy("FeeToken", "Fee", "FEE", 18, 0, 0)
    account = with_token(house, trader, token)
    token.setFee(mode, 100)
    with reverts("ReleaseMismatch", token, 1_000, moved):
        engine.withdraw(account, token, 1_000, trader, 0, sender=trader)
    assert engine.collateralOf(account, engine.collateralCount() - 1) == 10_000


def test_withdraw_of_a_token_that_docks_the_receiver_takes_what_was_asked(house, engine, chain, trader):
    token = chain.deploy("FeeToken", "Fee", "FEE", 18, 1, 0)
    account = with_token(house, trader, token)
    token.setFee(1, 100)
    engine.withdraw(account, token, 1_000, trader, 0, sender=trader)
    assert token.balanceOf(trader) == 990
    assert engine.collateralOf(account, engine.collateralCount() - 1) == 9_000


@pytest.mark.parametrize("late", [False, True])
def test_withdraw_of_a_reentrant_token_gains_nothing(house, engine, chain, trader, late):
    token = chain.deploy("ReentrantToken", "Hook", "HOOK", 18)
    account = with_token(house, trader, token)
    engine.setOperator(account, token, MAY_TRADE | MAY_WITHDRAW, sender=trader)
    attacks = (
        engine.encode("withdraw", account, token, 9_000, trader, 0),
        engine.encode("deposit", account, token, 1, 0),
        engine.encode("load", account, 0, [], False),
        engine.encode("moveCash", account, account + 1, 1),
    )
    for i, attack in enumerate(attacks):
        token.arm(engine, attack, late)
        engine.withdraw(account, token, 1_000, trader, 0, sender=trader)
        assert not token.succeeded()
        assert token.answer() == bytes.fromhex("3ee5aeb5"), "ReentrancyGuardReentrantCall"
        assert token.balanceOf(trader) == 1_000 * (i + 1)
        assert token.balanceOf(house.protocol.escrow) == 10_000 - 1_000 * (i + 1)


# S/(S+B) ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def claims(house, engine, trader, maker, stranger):
    """60,000 and 40,000 in the hands of two, and a claim of 25,000 on tokens that are not there."""
    accounts = [house.open(trader, 60_000 * USDC), house.open(maker, 40_000 * USDC)]
    debt = 25_000 * USDC
    house.owe(house.account(stranger), debt)
    return accounts


def test_withdraw_while_bad_debt_is_recorded_pays_the_ratio_and_lowers_the_debt(house, engine, trader, claims):
    assert engine.payoutRatio() == WAD * 8 // 10
    amount = 10_000 * USDC
    with reverts("BelowMinOut", amount * 8 // 10, amount * 8 // 10 + 1):
        engine.withdraw(claims[0], house.usdc, amount, trader, amount * 8 // 10 + 1, sender=trader)
    receipt = engine.withdraw(claims[0], house.usdc, amount, trader, amount * 8 // 10, sender=trader)
    assert house.usdc.balanceOf(trader) == amount * 8 // 10
    assert house.cash(claims[0]) == 50_000 * USDC
    event(receipt, "Withdrawn", amount=amount, paid=amount * 8 // 10)
    event(receipt, "BadDebtUpdated", badDebt=25_000 * USDC - amount * 2 // 10)
    assert engine.payoutRatio() == WAD * 8 // 10, "LIQ-6"


@pytest.mark.parametrize("amounts", [(60_000 * USDC, 40_000 * USDC), (12_345_678_901, 39_999_999_999), (2, 2), (7, 3)])
def test_withdraw_of_two_in_either_order_pays_the_same(house, engine, trader, maker, claims, amounts):
    """LIQ-6: nobody gains by running first."""
    orders = list(zip(claims, (trader, maker), amounts))
    paid = []
    for order in (orders, orders[::-1]):
        with isolated(house.chain):
            for account, owner, amount in order:
                engine.withdraw(account, house.usdc, amount, owner, 0, sender=owner)
            paid.append([house.usdc.balanceOf(owner) for _, owner, _ in orders])
    for first, second in zip(*paid):
        assert abs(first - second) <= 1, "LIQ-6"


def test_withdraw_of_everything_pays_the_debt_off(house, engine, trader, maker, stranger, claims):
    for account, owner in ((claims[1], maker), (claims[0], trader), (house.account(stranger), stranger)):
        engine.withdraw(account, house.usdc, house.cash(account), owner, 0, sender=owner)
    assert engine.badDebt() == 0
    assert house.usdc.balanceOf(stranger) == 20_000 * USDC


def test_withdraw_of_collateral_is_not_docked_by_bad_debt(house, engine, trader, claims):
    house.deposit(claims[0], WAD, "WETH")
    engine.withdraw(claims[0], house.token("WETH"), WAD, trader, WAD, sender=trader)
    assert engine.badDebt() == 25_000 * USDC


