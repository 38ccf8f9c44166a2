import pytest

from tests.helpers import event, reverts
from tests.world import DAY, USDC


@pytest.fixture
def earned(house, long, short):
    house.trade(long, short, {"ETH": 10, "BTC": 1}, fees=[1_000 * USDC, 70])


def test_claim_fees_credits_the_treasurys_account(house, engine, earned, treasury, stranger):
    account = house.account(treasury)
    receipt = engine.claimFees(0, sender=stranger)
    assert house.cash(account) == 100 * USDC
    assert (engine.fundOf(0).treasury, engine.fundOf(0).insurance) == (0, 200 * USDC)
    assert engine.fundOf(1).treasury == 7
    event(receipt, "FundUpdated", instrument=0, insurance=200 * USDC, treasury=0)
    event(receipt, "AccountUpdated", account=account, cash=100 * USDC)
    engine.withdraw(account, house.usdc, 100 * USDC, treasury, 0, sender=treasury)


def test_claim_fees_returns_the_amount(engine, earned):
    assert engine.simulate("claimFees", 1) == 7


def test_claim_fees_of_nothing_reverts(engine, earned):
    engine.claimFees(0)
    for instrument in (0, 2, 99):
        with reverts("ZeroAmount"):
            engine.claimFees(instrument)


def test_claim_fees_goes_to_the_treasury_of_the_day(house, engine, earned, stranger):
    account = house.account(stranger, 3)
    event(house.parameters.setTreasury(account, sender=house.timelock), "TreasurySet", account=account)
    engine.claimFees(0)
    assert house.cash(account) == 100 * USDC


def test_claim_fees_without_a_treasury_reverts(house, engine, earned):
    house.parameters.setTreasury(0, sender=house.timelock)
    with reverts("NoTreasury"):
        engine.claimFees(0)
    assert engine.fundOf(0).treasury == 100 * USDC


def test_claim_fees_needs_no_price(house, engine, earned):
    house.chain.advance(9 * DAY)
    engine.claimFees(0)
