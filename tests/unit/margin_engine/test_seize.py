"""What only the liquidation engine may do: here it is played by the test, to see what the margin engine holds it to."""

import pytest

from tests.helpers import event, reverts
from tests.world import NO_INSTRUMENT, UNIT, USDC, WAD


@pytest.fixture
def seize(house, engine):
    """debt: what nobody pays and no side owes."""

    def do(account, transfers=(), cash=(), funds=(), debt=0):
        losses = [(NO_INSTRUMENT, False, debt, 0)] if debt else []
        return engine.seize(account, list(transfers), list(cash), list(funds), losses, sender=house.liquidator)

    return do


@pytest.mark.parametrize("role", ["owner", "guardian", "trader", "stranger"])
def test_seize_by_anyone_else_reverts(house, engine, long, request, role):
    caller = request.getfixturevalue(role)
    for sender in (caller, house.timelock, house.auctioneer):
        with reverts("Unauthorized", sender):
            engine.seize(long, [], [], [], [], sender=sender)


def test_seize_moves_positions_at_the_given_amounts(house, engine, seize, long, short, stranger):
    taker = house.open(stranger, 100_000 * USDC)
    house.trade(long, short, {"ETH": 10})
    receipt = seize(long, [(0, taker, -4 * UNIT, 7_000 * USDC, 2_000 * WAD, 5, 7)], [(long, -12)])
    assert house.position(long, "ETH") == (6 * UNIT, -12_000 * USDC)
    assert house.position(taker, "ETH") == (4 * UNIT, -7_000 * USDC)
    assert (house.cash(long), house.cash(taker)) == (99_000 * USDC - 12, 100_000 * USDC + 5), "its cash comes with it"
    assert engine.fundOf(0).insurance == 7
    assert engine.market(0).openInterest == 10 * UNIT
    assert [e.account for e in receipt.events_named("AccountUpdated")] == [long, taker], "each is told once"


def test_seize_posts_a_double_entry(house, engine, seize, long, short, stranger):
    cash = house.cash(long)
    receipt = seize(long, [], [(long, -100), (short, 30), (house.account(stranger), 50)], [(0, 15), (1, 5)])
    assert house.cash(long) == cash - 100
    assert house.cash(house.account(stranger)) == 50
    assert (engine.fundOf(0).insurance, engine.fundOf(1).insurance) == (15, 5)
    assert {e.account for e in receipt.events_named("AccountUpdated")} == {long, short, house.account(stranger)}


@pytest.mark.parametrize(
    ("entry", "fund", "debt", "sum_"), [(1, 0, 0, 1), (-5, 4, 0, -1), (10, 0, 9, 1), (0, 0, 1, -1)]
)
def test_seize_of_what_does_not_balance_reverts(seize, long, entry, fund, debt, sum_):
    with reverts("Unbalanced", sum_):
        seize(long, [], [(long, entry)], [(0, fund)] if fund else [], debt)


def test_seize_records_what_nobody_pays(house, engine, seize, long):
    receipt = seize(long, [], [(long, 1_000)], [], 1_000)
    event(receipt, "BadDebtUpdated", badDebt=1_000)
    event(seize(long, [], [(long, 400)], [], 400), "BadDebtUpdated", badDebt=1_400)
    assert engine.badDebt() == 1_400
    assert [engine.deficitOf(i, side).owed for i in (0, 1) for side in (True, False)] == [0] * 4, "no side owes it"


def test_seize_of_more_than_bad_debt_can_hold_reverts(house, engine, seize, long):
    other = house.account(house.owner(long), 1)
    most, amount = 2**79 - 1, 2**79 - 1 - house.cash(long)
    seize(long, [], [(long, amount)], [], amount)
    with reverts("SafeCastOverflowedIntDowncast", 80, 2**79):
        seize(long, [], [(long, 1)], [], 1)
    with reverts("SafeCastOverflowedUintDowncast", 96, 2**96):
        seize(other, [], [(other, 1)], [], 2**96 - amount)
    with reverts("SafeCastOverflowedUintToInt", 2**255):
        seize(other, [], [], [], 2**255)
    assert house.cash(long) == most


def test_seize_never_takes_a_fund_below_zero(house, seize, long, stranger):
    house.insure("ETH", 100, stranger)
    seize(long, [], [(long, 100)], [(0, -100)])
    with reverts("SafeCastOverflowedIntToUint", -1):
        seize(long, [], [(long, 1)], [(0, -1)])
