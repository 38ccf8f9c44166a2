import pytest

from tests.helpers import event, reverts
from tests.unit.liquidation_upkeep.slices import packed
from tests.world import NO_INSTRUMENT, USDC


@pytest.fixture
def earned(house, own, stranger):
    """A hundred of cash in the upkeep's account."""
    house.deposit(own, 100 * USDC, sender=stranger)
    return 100 * USDC


@pytest.fixture
def bad_debt(house, short):
    """What is missing where bad debt is recorded: a million that nobody brought."""
    lost = 1_000_000 * USDC
    house.engine.seize(short, [], [(short, lost)], [], [(NO_INSTRUMENT, False, lost, 0)], sender=house.liquidator)
    return lost


def test_collect_by_anyone_pays_the_beneficiary(house, upkeep, own, earned, treasury, stranger):
    before = house.usdc.balanceOf(treasury)
    assert upkeep.simulate("collect", sender=stranger) == earned
    receipt = upkeep.collect(sender=stranger)
    event(receipt, "Withdrawn", account=own, token=house.usdc, to=treasury, amount=earned, paid=earned)
    assert house.usdc.balanceOf(treasury) == before + earned
    assert house.cash(own) == 0 and house.usdc.balanceOf(upkeep) == 0


def test_collect_pays_what_liquidations_earned(house, upkeep, own, pool, crowd, treasury):
    upkeep.performUpkeep(packed(crowd))
    rewards, before = house.cash(own), house.usdc.balanceOf(treasury)
    upkeep.collect()
    assert house.usdc.balanceOf(treasury) - before == rewards > 0
    with reverts("NothingToCollect", 0):
        upkeep.collect()


def test_collect_of_nothing_reverts(upkeep, treasury):
    with reverts("NothingToCollect", 0):
        upkeep.collect(sender=treasury)


def test_collect_while_bad_debt_shortens_payouts_is_the_beneficiarys_choice(
    house, upkeep, own, earned, bad_debt, treasury, stranger
):
    ratio = house.engine.payoutRatio()
    assert 0 < ratio < 10**18
    with reverts("BelowMinOut"):
        upkeep.collect(sender=stranger)
    before = house.usdc.balanceOf(treasury)
    upkeep.collect(sender=treasury)
    paid = house.usdc.balanceOf(treasury) - before
    assert earned * ratio // 10**18 - 1 <= paid < earned
    assert house.cash(own) == 0
