import pytest

from plimsoll.fixed_point import WAD
from tests.helpers import event, reverts
from tests.world import USDC


@pytest.fixture
def sell(house, engine, liquidator):
    def do(account, amount, payment, coin="WETH"):
        sale = (house.coin_id(coin), amount, payment, liquidator, b"")
        return engine.sellCollateral(account, *sale, sender=house.auctioneer)

    return do


@pytest.fixture
def account(house, trader, liquidator):
    house.give(liquidator, "USDC", 10_000 * USDC)
    return house.open(trader, WETH=3 * WAD)


@pytest.mark.parametrize("role", ["owner", "guardian", "trader", "liquidator"])
def test_sell_collateral_by_anyone_else_reverts(house, engine, account, request, role):
    caller = request.getfixturevalue(role)
    for sender in (caller, house.timelock, house.liquidator):
        with reverts("Unauthorized", sender):
            engine.sellCollateral(account, 0, 1, 0, sender, b"", sender=sender)


def test_sell_collateral_trades_tokens_for_cash(house, engine, sell, account, liquidator):
    receipt = sell(account, WAD, 1_500 * USDC)
    assert house.cash(account) == 1_500 * USDC
    assert house.token("WETH").balanceOf(liquidator) == WAD
    assert engine.collateralOf(account, 0) == engine.collateralTotal(0) == 2 * WAD
    assert house.usdc.balanceOf(liquidator) == 8_500 * USDC
    event(
        receipt,
        "CollateralSold",
        account=account,
        token=house.token("WETH"),
        buyer=liquidator,
        amount=WAD,
        payment=1_500 * USDC,
    )
    event(receipt, "AccountUpdated", account=account, cash=1_500 * USDC)


def test_sell_collateral_of_all_forgets_the_kind(house, engine, sell, account, stranger):
    sell(account, 3 * WAD, 1)
    assert engine.accountState(account).collaterals == 0
    with reverts("Unauthorized", stranger):
        house.deposit(account, 1, "WETH", sender=stranger)


def test_sell_collateral_for_what_does_not_arrive_reverts(house, engine, chain, sell, account):
    """A settlement token that charges the sender of a payment: the account would be short."""
    fee = chain.deploy("FeeToken", "Fee", "FEE", 6, 1, 100).address
    chain.rpc("anvil_setCode", house.usdc.address, chain.rpc("eth_getCode", fee, "latest"))
    chain.at("FeeToken", house.usdc).setFee(1, 100)
    with reverts("InsufficientCash", account, 990 * USDC, 1_000 * USDC):
        sell(account, WAD, 1_000 * USDC)


def test_sell_collateral_of_more_than_is_held_reverts(sell, account):
    with reverts("Panic"):
        sell(account, 3 * WAD + 1, 1)
