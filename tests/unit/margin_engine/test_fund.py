import pytest

from tests.helpers import event, reverts
from tests.world import DAY, MAX, USDC


def test_fund_by_anyone_is_credited_and_told(house, engine, stranger):
    house.give(stranger, "USDC", 100)
    credit = house.protocol.escrow.creditOf(engine, 0, house.usdc)
    receipt = engine.fund(3, 100, sender=stranger)
    event(receipt, "FundUpdated", instrument=3, insurance=100, treasury=0)
    assert (engine.fundOf(3).insurance, engine.fundOf(2).insurance) == (100, 0)
    assert house.protocol.escrow.creditOf(engine, 0, house.usdc) == credit + 100
    assert house.cash(house.account(stranger)) == 0


def test_fund_returns_what_arrived(house, engine, stranger):
    house.give(stranger, "USDC", 100)
    assert engine.simulate("fund", 0, 100, sender=stranger) == 100


@pytest.mark.parametrize("instrument", [17, 64, MAX])
def test_fund_of_an_unlisted_instrument_reverts(house, engine, stranger, instrument):
    house.give(stranger, "USDC", 100)
    with reverts("UnknownInstrument", instrument):
        engine.fund(instrument, 100, sender=stranger)


def test_fund_of_nothing_reverts(house, engine, stranger):
    before = house.usdc.balanceOf(house.protocol.escrow)
    house.give(stranger, "USDC", 100)
    with reverts("NothingPulled", house.usdc, before, before):
        engine.fund(0, 0, sender=stranger)


def test_fund_needs_no_price(house, engine, stranger):
    house.chain.advance(9 * DAY)
    house.insure("ETH", USDC, stranger)


def test_fund_backs_no_withdrawal(house, engine, trader, stranger):
    """S is the engine's own settlement credit less funds: what insures one instrument is nobody's cash."""
    account = house.open(trader, 80 * USDC)
    house.insure("ETH", 1_000 * USDC, stranger)
    house.owe(account, 20 * USDC)
    assert engine.payoutRatio() == 8 * 10**17
