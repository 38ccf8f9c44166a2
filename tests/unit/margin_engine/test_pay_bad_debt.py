"""Anyone may pay bad debt: also what no side owes, which nothing else pays."""

import pytest

from plimsoll.fixed_point import WAD
from tests.helpers import event, reverts
from tests.world import NO_INSTRUMENT, USDC

ETH = 0


@pytest.fixture
def indebted(house, engine, long, short, stranger):
    """ETH's short side owes what its index could not be charged at once, and 700 are owed by nobody."""
    house.trade(long, short, {"ETH": 10})
    house.give(stranger, "USDC", 100_000 * USDC)
    losses = [(ETH, False, 1_000 * USDC, 2_000 * WAD), (NO_INSTRUMENT, False, 700 * USDC, 0)]
    engine.seize(long, [], [(long, 1_700 * USDC)], [], losses, sender=house.liquidator)
    owed = engine.deficitOf(ETH, False).owed
    assert 0 < owed < 1_000 * USDC and engine.badDebt() == owed + 700 * USDC
    return owed


def test_pay_bad_debt_relieves_sides_first_and_then_what_nobody_owes(engine, stranger, indebted):
    ratio, (settlement, claimed) = engine.payoutRatio(), engine.claims()
    assert ratio == settlement * WAD // claimed < WAD
    receipt = engine.payBadDebt(indebted - 1, sender=stranger)
    event(receipt, "DeficitUpdated", instrument=ETH, long=False, owed=1)
    assert (engine.deficitOf(ETH, False).owed, engine.badDebt()) == (1, 700 * USDC + 1)
    assert engine.payoutRatio() > ratio
    engine.payBadDebt(501 * USDC, sender=stranger)
    assert (engine.deficitOf(ETH, False).owed, engine.badDebt()) == (0, 199 * USDC + 1)
    with reverts("NothingOwed", ETH):
        engine.drain(ETH)


def test_pay_bad_debt_takes_no_more_than_there_is(house, engine, stranger, indebted):
    before = house.usdc.balanceOf(stranger)
    assert engine.simulate("payBadDebt", 50_000 * USDC, sender=stranger) == indebted + 700 * USDC
    engine.payBadDebt(50_000 * USDC, sender=stranger)
    assert engine.badDebt() == 0 and engine.payoutRatio() == WAD
    assert house.usdc.balanceOf(stranger) == before - indebted - 700 * USDC


def test_pay_bad_debt_of_nothing_or_where_there_is_none_reverts(engine, stranger, indebted):
    with reverts("ZeroAmount"):
        engine.payBadDebt(0, sender=stranger)
    engine.payBadDebt(50_000 * USDC, sender=stranger)
    with reverts("ZeroAmount"):
        engine.payBadDebt(1, sender=stranger)
