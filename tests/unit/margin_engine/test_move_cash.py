import pytest

from plimsoll import margin_math
from plimsoll.fixed_point import WAD
from tests.helpers import reverts
from tests.world import DAY, MAY_TRADE, MAY_WITHDRAW, USDC

TEN = 10 * USDC


@pytest.fixture
def other(house, trader):
    return house.account(trader, 1)


def test_move_cash_within_one_owner_moves_and_tells(house, engine, trader, long, other):
    before = house.cash(long)
    receipt = engine.moveCash(long, other, TEN, sender=trader)
    assert (house.cash(long), house.cash(other)) == (before - TEN, TEN)
    [moved] = receipt.events_named("CashMoved")
    assert moved.args == {"from": long, "to": other, "amount": TEN}
    assert {told.account: told.cash for told in receipt.events_named("AccountUpdated")} == {
        long: before - TEN,
        other: TEN,
    }


def test_move_cash_to_another_owner_reverts(house, engine, trader, maker, long):
    for to in (house.account(maker), 0, 7):
        with reverts("DifferentOwners", long, to):
            engine.moveCash(long, to, TEN, sender=trader)


def test_move_cash_to_the_same_account_reverts(house, engine, trader, long):
    with reverts("SameAccount", long):
        engine.moveCash(long, long, TEN, sender=trader)


def test_move_cash_of_nothing_reverts(house, engine, trader, long, other):
    with reverts("ZeroAmount"):
        engine.moveCash(long, other, 0, sender=trader)


def test_move_cash_by_others_needs_leave_to_withdraw(house, engine, trader, stranger, long, other):
    for bits in (0, MAY_TRADE):
        engine.setOperator(long, stranger, bits, sender=trader)
        with reverts("Unauthorized", stranger):
            engine.moveCash(long, other, TEN, sender=stranger)
    engine.setOperator(other, stranger, MAY_WITHDRAW, sender=trader)  # of the receiver: not enough
    with reverts("Unauthorized", stranger):
        engine.moveCash(long, other, TEN, sender=stranger)
    engine.setOperator(long, stranger, MAY_WITHDRAW, sender=trader)
    engine.moveCash(long, other, TEN, sender=stranger)


def test_move_cash_of_more_than_there_is_reverts(house, engine, trader, long, other):
    cash = house.cash(long)
    with reverts("InsufficientCash", long, cash, cash + 1):
        engine.moveCash(long, other, cash + 1, sender=trader)
    with reverts("InsufficientCash", other, 0, 1):
        engine.moveCash(other, long, 1, sender=trader)


def test_move_cash_obeys_the_rule_of_a_withdrawal(house, engine, trader, short, long, other):
    house.trade(long, short, {"ETH": 100})
    house.reprice("ETH", 2_500)
    margin = house.judge(long, adding=True)
    free = margin_math.backing(margin) - margin.initial
    with reverts("InsufficientMargin", long, margin.initial - 1, margin.initial):
        engine.moveCash(long, other, free + 1, sender=trader)
    engine.moveCash(long, other, free, sender=trader)


def test_move_cash_of_a_flat_account_needs_no_price(house, engine, trader, long, other):
    house.chain.advance(9 * DAY)
    engine.moveCash(long, other, TEN, sender=trader)


def test_move_cash_is_not_docked_by_bad_debt(house, engine, trader, stranger, long, other):
    claim = house.account(stranger)
    house.owe(claim, TEN)
    assert engine.payoutRatio() < WAD
    engine.moveCash(long, other, TEN, sender=trader)
    assert house.cash(other) == engine.badDebt() == TEN
