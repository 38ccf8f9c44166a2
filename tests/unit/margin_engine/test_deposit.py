import pytest

from plimsoll.fixed_point import WAD
from tests.helpers import event, reverts
from tests.unit.margin_engine.tokens import list_token
from tests.world import COINS, DAY, MAX, MAY_TRADE, MAY_WITHDRAW, USDC, ZERO

TEN = 10 * USDC


def test_deposit_of_settlement_tokens_is_credited_and_told(house, engine, trader):
    account = house.account(trader, 5)
    receipt = house.deposit(account, TEN)
    assert house.cash(account) == TEN
    assert house.protocol.escrow.creditOf(engine, 0, house.usdc) >= TEN
    event(receipt, "Deposited", account=account, token=house.usdc, payer=trader, amount=TEN)
    event(receipt, "AccountUpdated", account=account, cash=TEN, nonce=1)


def test_deposit_of_a_collateral_lies_under_the_accounts_own_id(house, engine, trader):
    account, weth = house.account(trader), house.token("WETH")
    receipt = house.deposit(account, 3 * WAD, "WETH")
    assert engine.collateralOf(account, 0) == house.protocol.escrow.creditOf(engine, account, weth) == 3 * WAD
    assert engine.collateralTotal(0) == 3 * WAD
    assert engine.accountState(account).collaterals == 1
    assert house.cash(account) == 0
    event(receipt, "Deposited", account=account, token=weth, payer=trader, amount=3 * WAD)


def test_deposit_returns_what_arrived(house, engine, trader, long):
    house.give(trader, "USDC", TEN)
    assert engine.simulate("deposit", long, house.usdc, TEN, 0, sender=trader) == TEN


def test_deposit_of_settlement_tokens_by_anyone_tops_up(house, long, stranger):
    before = house.cash(long)
    receipt = house.deposit(long, TEN, sender=stranger)
    assert house.cash(long) == before + TEN
    event(receipt, "Deposited", payer=stranger)


def test_deposit_of_a_held_collateral_by_anyone_tops_up(house, engine, trader, stranger):
    account = house.open(trader, WETH=WAD)
    house.deposit(account, WAD, "WETH", sender=stranger)
    assert engine.collateralOf(account, 0) == 2 * WAD


@pytest.mark.parametrize("bits", [None, MAY_WITHDRAW])
def test_deposit_of_a_new_collateral_by_others_reverts(house, engine, trader, stranger, bits):
    """Dust on a fragile feed is a weapon."""
    account = house.open(trader, WETH=WAD)
    if bits:
        engine.setOperator(account, stranger, bits, sender=trader)
    with reverts("Unauthorized", stranger):
        house.deposit(account, 1, "MEME", sender=stranger)


def test_deposit_of_a_new_collateral_by_a_trading_operator_is_taken(house, engine, trader, keeper):
    account = house.account(trader)
    engine.setOperator(account, keeper, MAY_TRADE, sender=trader)
    house.deposit(account, 7, "BAR", sender=keeper)
    assert engine.collateralOf(account, house.coin_id("BAR")) == 7


def test_deposit_of_a_collateral_that_left_wholly_is_new_again(house, engine, trader, stranger):
    account = house.open(trader, WETH=WAD)
    engine.withdraw(account, house.token("WETH"), WAD, trader, 0, sender=trader)
    with reverts("Unauthorized", stranger):
        house.deposit(account, 1, "WETH", sender=stranger)


def test_deposit_of_eight_collaterals_is_taken_and_the_ninth_reverts(house, engine, trader):
    account = house.account(trader)
    *eight, ninth = COINS
    for name in eight:
        house.deposit(account, 10, name)
    assert engine.accountState(account).collaterals == 2**8 - 1
    with reverts("TooManyCollaterals", account, 8):
        house.deposit(account, 10, ninth)
    house.deposit(account, 10, eight[0])  # more of one that is held
    engine.withdraw(account, house.token(eight[3]), 10, trader, 0, sender=trader)
    house.deposit(account, 10, ninth)
    assert engine.accountState(account).collaterals == 2**9 - 1 - 2**3


def test_deposit_to_the_collaterals_cap_is_taken_and_one_more_reverts(house, engine, trader, maker):
    bar, cap = house.coin_id("BAR"), 1_000_000
    account = house.open(trader, BAR=cap - 5)
    other = house.open(maker, BAR=5)
    assert engine.collateralTotal(bar) == cap
    for holder in (account, other):
        with reverts("CollateralCapExceeded", bar, cap + 1, cap):
            house.deposit(holder, 1, "BAR")
    engine.withdraw(account, house.token("BAR"), 2, trader, 0, sender=trader)
    house.deposit(other, 2, "BAR")


def test_deposit_while_a_cap_is_lowered_below_what_is_held_leaves_cash_alone(house, engine, trader, guardian, long):
    """ADM-1: a lowered cap never stops a deposit of settlement tokens."""
    house.deposit(long, 10, "BAR")
    house.parameters.lowerCollateralCap(house.coin_id("BAR"), 0, sender=guardian)
    with reverts("CollateralCapExceeded", house.coin_id("BAR"), 11, 0):
        house.deposit(long, 1, "BAR")
    house.deposit(long, TEN)


def test_deposit_of_nothing_reverts(house, engine, trader, long):
    for token in (house.usdc, house.token("WETH")):
        with reverts("ZeroAmount"):
            engine.deposit(long, token, 0, 0, sender=trader)


def test_deposit_of_an_unlisted_token_reverts(house, engine, trader, long, chain):
    token = chain.deploy("MockToken", "Other", "OTH", 18)
    token.mint(trader, 5)
    token.approve(engine, 5, sender=trader)
    for unknown in (token.address, trader, ZERO):
        with reverts("UnknownToken", unknown):
            engine.deposit(long, unknown, 5, 0, sender=trader)


def test_deposit_without_the_tokens_reverts_with_their_own_error(house, engine, trader, stranger, long):
    house.usdc.mint(stranger, TEN)
    with reverts("ERC20InsufficientAllowance", engine, 0, TEN):
        engine.deposit(long, house.usdc, TEN, 0, sender=stranger)
    house.usdc.approve(engine, MAX, sender=stranger)
    with reverts("ERC20InsufficientBalance", stranger, TEN, TEN + 1):
        engine.deposit(long, house.usdc, TEN + 1, 0, sender=stranger)


def test_deposit_spends_the_callers_allowance_alone(house, engine, trader, stranger, long):
    """An open allowance of the owner is nobody else's to spend."""
    house.give(trader, "USDC", TEN)
    with reverts("ERC20InsufficientAllowance", engine, 0, TEN):
        engine.deposit(house.account(stranger), house.usdc, TEN, 0, sender=stranger)
    with reverts("Unauthorized", stranger):
        core = house.chain.at("MarginEngine", engine)
        core.onPull(house.usdc, TEN, bytes.fromhex(f"{int(trader, 16):064x}"), sender=stranger)


def test_deposit_of_more_than_cash_can_hold_reverts_with_the_number(house, engine, trader):
    account = house.account(trader)
    house.deposit(account, 2**79 - 1)
    with reverts("SafeCastOverflowedIntDowncast", 80, 2**79):
        house.deposit(account, 1)


def test_deposit_needs_no_price(house, engine, trader, short, long):
    """ORA-1"""
    house.trade(long, short, {"ETH": 10})
    house.deposit(long, 10, "BAR")
    house.chain.advance(9 * DAY)
    with reverts("InvalidPrice"):
        engine.load(long, 0, [], False)
    house.deposit(long, TEN)
    house.deposit(long, 5, "BAR")
    house.deposit(house.open(trader, sub=3), 5, "MEME")


def test_deposit_of_a_new_kind_beside_a_position_or_a_debt_needs_its_price(house, engine, trader, short, long):
    """Dust that cannot be judged would shield a sinking account. What the account holds already needs none."""
    house.trade(long, short, {"ETH": 10})
    owing = house.open(trader, WETH=10 * WAD, sub=3)
    house.trade(owing, short, {"GOLD": 10}, [-19_000 * USDC])
    house.trade(owing, short, {"GOLD": -10})
    house.chain.advance(9 * DAY)
    for account in (long, owing):
        with reverts("InvalidPrice"):
            house.deposit(account, 5, "MEME")
    house.reprice("MEME", 1)
    for account in (long, owing):
        house.deposit(account, 5, "MEME")


# S/(S+B) -----------------------------------------------------------------------------------------------------------


def test_deposit_names_the_ratio_that_it_accepts(house, engine, trader, long):
    house.give(trader, "USDC", TEN)
    with reverts("RatioTooLow", WAD, WAD + 1):
        engine.deposit(long, house.usdc, TEN, WAD + 1, sender=trader)
    engine.deposit(long, house.usdc, TEN, WAD, sender=trader)


def test_deposit_while_bad_debt_is_recorded_is_told_the_ratio(house, engine, trader, long, stranger):
    claim = house.account(stranger)
    debt = 25_000 * USDC
    house.owe(claim, debt)
    credit = house.protocol.escrow.creditOf(engine, 0, house.usdc)
    ratio = credit * WAD // (credit + debt)
    assert engine.payoutRatio() == ratio == WAD * 4 // 5
    house.give(trader, "USDC", TEN)
    with reverts("RatioTooLow", ratio, ratio + 1):
        engine.deposit(long, house.usdc, TEN, ratio + 1, sender=trader)
    engine.deposit(long, house.usdc, TEN, ratio, sender=trader)
    assert engine.badDebt() == debt, "a deposit pays no one's debt"


# Tokens of all kinds -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("mode", "arrives"), [(1, 990), (2, 1_000), (3, 990)], ids=["receiver", "sender", "under"])
def test_deposit_of_a_token_with_a_fee_is_credited_by_what_arrived(house, engine, chain, trader, mode, arrives):
    token = chain.deploy("FeeToken", "Fee", "FEE", 18, mode, 100)
    coin = list_token(house, token, 18)
    account = house.account(trader)
    token.mint(trader, 10_000)
    token.approve(engine, MAX, sender=trader)
    receipt = engine.deposit(account, token, 1_000, 0, sender=trader)
    event(receipt, "Deposited", amount=arrives)
    assert engine.collateralOf(account, coin) == engine.collateralTotal(coin) == arrives
    assert token.balanceOf(house.protocol.escrow) == arrives


def test_deposit_of_settlement_tokens_with_a_fee_is_credited_by_what_arrived(house, engine, chain, trader):
    account = house.account(trader)
    fee_code = chain.deploy("FeeToken", "Fee", "FEE", 6, 1, 100).address
    chain.rpc("anvil_setCode", house.usdc.address, chain.rpc("eth_getCode", fee_code, "latest"))
    chain.at("FeeToken", house.usdc).setFee(1, 100)
    receipt = house.deposit(account, TEN)
    event(receipt, "Deposited", amount=TEN * 99 // 100)
    assert house.cash(account) == TEN * 99 // 100


def test_deposit_of_a_token_that_returns_nothing_is_taken(house, engine, chain, trader):
    token = chain.deploy("NoReturnToken", "Tether", "USDT", 6)
    coin = list_token(house, token, 6)
    account = house.account(trader)
    token.mint(trader, TEN)
    token.approve(engine, TEN, sender=trader)
    engine.deposit(account, token, TEN, 0, sender=trader)
    assert engine.collateralOf(account, coin) == TEN
    engine.withdraw(account, token, TEN, trader, 0, sender=trader)
    assert token.balanceOf(trader) == TEN


@pytest.mark.parametrize("late", [False, True])
def test_deposit_of_a_reentrant_token_gains_nothing(house, engine, chain, trader, late):
    token = chain.deploy("ReentrantToken", "Hook", "HOOK", 18)
    coin = list_token(house, token, 18)
    account = house.account(trader)
    token.mint(trader, 10_000)
    token.mint(token, 10_000)
    for spender in (trader, chain.impersonate(token)):
        token.approve(engine, MAX, sender=spender)
    engine.setOperator(account, token, MAY_TRADE | MAY_WITHDRAW, sender=trader)
    engine.deposit(account, token, 500, 0, sender=trader)
    attacks = (
        engine.encode("deposit", account, token, 700, 0),
        engine.encode("withdraw", account, token, 500, trader, 0),
        engine.encode("settle", account),
        engine.encode("load", account, 0, [], False),
    )
    for i, attack in enumerate(attacks):
        token.arm(engine, attack, late)
        engine.deposit(account, token, 1_000, 0, sender=trader)
        assert token.attempts() == i + 1
        assert not token.succeeded()
        assert token.answer() == bytes.fromhex("3ee5aeb5"), "ReentrancyGuardReentrantCall"
        assert engine.collateralOf(account, coin) == 500 + 1_000 * (i + 1) == token.balanceOf(house.protocol.escrow)


def test_deposit_of_a_reentrant_token_cannot_be_pulled_twice(house, engine, chain, trader):
    """The escrow's own lock: a hook that pulls for another module while tokens are on their way."""
    token = chain.deploy("ReentrantToken", "Hook", "HOOK", 18)
    coin = list_token(house, token, 18)
    escrow = house.protocol.escrow
    module = chain.deploy("MockModule", escrow)
    token.mint(trader, 1_000)
    token.approve(engine, MAX, sender=trader)
    token.arm(module, module.encode("pull", 1, token, 1_000, ZERO), True)
    engine.deposit(house.account(trader), token, 1_000, 0, sender=trader)
    assert not token.succeeded()
    assert token.balanceOf(escrow) == engine.collateralOf(house.account(trader), coin) == 1_000


def test_deposit_after_a_donation_is_credited_without_it(house, engine, trader, stranger, long):
    escrow, before = house.protocol.escrow, house.cash(long)
    house.give(stranger, "USDC", TEN)
    house.usdc.transfer(escrow, TEN, sender=stranger)
    house.deposit(long, 3)
    assert house.cash(long) == before + 3
    assert house.usdc.balanceOf(escrow) == escrow.creditOf(engine, 0, house.usdc) + TEN, "ESC-1"
