import pytest

from tests.helpers import event, reverts
from tests.unit.margin_engine.losses import lose, new_epoch, owed, slack
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


# Bad debt first ---------------------------------------------------------------------------------------------------


@pytest.fixture
def indebted(house, long, short, stranger):
    """ETH's longs still owe 250 and its shorts 100, BTC's longs 100; 40 are owed by nobody. Who holds the claim."""
    sunk = house.account(stranger)
    house.trade(long, short, {"ETH": 10, "BTC": 1})
    new_epoch(house)
    lose(house, sunk, "ETH", True, 400 * USDC)
    lose(house, sunk, "ETH", False, 250 * USDC)
    lose(house, sunk, "BTC", True, 400 * USDC)
    house.owe(sunk, 40 * USDC)
    assert house.engine.badDebt() == 490 * USDC
    return sunk


def test_fund_pays_the_bad_debt_of_its_instrument_first(house, engine, indebted, keeper, long, short):
    house.give(keeper, "USDC", 360 * USDC)
    receipt = engine.fund(0, 260 * USDC, sender=keeper)
    event(receipt, "BadDebtUpdated", badDebt=230 * USDC)
    told = receipt.events_named("DeficitUpdated")
    assert [(e.instrument, e.long, e.owed) for e in told] == [(0, True, 0), (0, False, 90 * USDC)]
    assert (owed(house, "ETH"), engine.fundOf(0).insurance) == ((0, 90 * USDC), 0)
    event(engine.fund(0, 100 * USDC, sender=keeper), "BadDebtUpdated", badDebt=140 * USDC)
    assert (owed(house, "ETH"), engine.fundOf(0).insurance) == ((0, 0), 10 * USDC)
    assert owed(house, "BTC") == (100 * USDC, 0), "each pays its own"
    assert slack(house, indebted, long, short) == 0, "LED-2"


def test_fund_that_pays_bad_debt_returns_all_that_arrived(house, engine, indebted, keeper):
    house.give(keeper, "USDC", 100)
    assert engine.simulate("fund", 0, 100, sender=keeper) == 100


def test_fund_pays_with_what_was_in_the_fund_already(house, engine, indebted, keeper, long, short):
    """Fees came in since the loss."""
    house.trade(long, short, {"ETH": 1}, fees=[100 * USDC])
    assert engine.fundOf(0).insurance == 20 * USDC
    house.insure("ETH", USDC, keeper)
    assert (owed(house, "ETH"), engine.fundOf(0).insurance) == ((229 * USDC, 100 * USDC), 0)
    assert engine.fundOf(0).treasury == 10 * USDC


def test_fund_raises_what_a_withdrawal_is_paid(house, engine, indebted, keeper, long, short):
    """B falls by what S gains: the claims on it are the same, and better covered."""
    settlement, claims = engine.claims()
    house.insure("ETH", 200 * USDC, keeper)
    assert engine.claims() == (settlement + 200 * USDC, claims)
    house.insure("SOL", 200 * USDC, keeper)
    assert engine.claims() == (settlement + 200 * USDC, claims), "of an instrument that owes nothing: nobody's cash"


def test_fund_of_an_instrument_that_owes_nothing_pays_no_bad_debt(house, engine, indebted, keeper):
    """What no side owes is no instrument's either: its insurance stays for its own."""
    house.insure("SOL", 1_000 * USDC, keeper)
    assert (engine.badDebt(), engine.fundOf(2).insurance) == (490 * USDC, 1_000 * USDC)


def test_fund_pays_bad_debt_without_a_price(house, engine, indebted, keeper):
    house.chain.advance(9 * DAY)
    house.insure("ETH", 350 * USDC, keeper)
    assert owed(house, "ETH") == (0, 0)
    with reverts("NothingOwed", 0):
        engine.drain(0, sender=keeper)
