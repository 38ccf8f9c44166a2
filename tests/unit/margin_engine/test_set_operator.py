import pytest

from tests.helpers import event, reverts
from tests.world import MAY_TRADE, MAY_WITHDRAW


@pytest.mark.parametrize("bits", [0, MAY_TRADE, MAY_WITHDRAW, MAY_TRADE | MAY_WITHDRAW])
def test_set_operator_by_the_owner_is_kept_and_told(house, engine, trader, keeper, bits):
    account = house.account(trader)
    receipt = engine.setOperator(account, keeper, bits, sender=trader)
    assert engine.operatorBits(account, keeper) == bits
    event(receipt, "OperatorSet", account=account, operator=keeper, bits=bits)


def test_set_operator_holds_for_one_account_only(house, engine, trader, keeper):
    engine.setOperator(house.account(trader, 1), keeper, MAY_TRADE, sender=trader)
    assert engine.operatorBits(house.account(trader), keeper) == 0
    assert engine.operatorBits(house.account(trader, 2), keeper) == 0


@pytest.mark.parametrize("bits", [4, 7, 2**255])
def test_set_operator_unknown_bits_reverts(house, engine, trader, keeper, bits):
    with reverts("InvalidParameter", "bits", bits, 3):
        engine.setOperator(house.account(trader), keeper, bits, sender=trader)


def test_set_operator_by_a_stranger_reverts(house, engine, trader, stranger):
    with reverts("Unauthorized", stranger):
        engine.setOperator(house.account(trader), stranger, MAY_TRADE, sender=stranger)


def test_set_operator_by_an_operator_reverts(house, engine, trader, keeper, stranger):
    account = house.account(trader)
    engine.setOperator(account, keeper, MAY_TRADE | MAY_WITHDRAW, sender=trader)
    for whom in (stranger, keeper):
        with reverts("Unauthorized", keeper):
            engine.setOperator(account, whom, MAY_TRADE, sender=keeper)


def test_set_operator_zero_takes_the_leave_back(house, engine, trader, keeper, long):
    engine.setOperator(long, keeper, MAY_WITHDRAW, sender=trader)
    engine.withdraw(long, house.usdc, 1, trader, 0, sender=keeper)
    engine.setOperator(long, keeper, 0, sender=trader)
    with reverts("Unauthorized", keeper):
        engine.withdraw(long, house.usdc, 1, trader, 0, sender=keeper)
