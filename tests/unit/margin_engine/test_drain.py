"""Bad debt that a side owes, paid off later: by its instrument's insurance, then by that side, epoch by epoch."""

import pytest

from plimsoll.fixed_point import WAD
from tests.helpers import event, reverts
from tests.unit.margin_engine.bare import bare_engine
from tests.unit.margin_engine.losses import CAP, INDEX, lose, new_epoch, owed, slack
from tests.world import DAY, HOUR, MAX, UNIT, USDC


@pytest.fixture
def sunk(house, stranger) -> int:
    """Whose losses they were: an account without positions."""
    return house.account(stranger)


@pytest.fixture
def indebted(house, long, short, sunk) -> int:
    """Ten ETH are held by each side; the longs still owe 400, and may be charged nothing more in the epoch of the loss. A
    new epoch has begun."""
    house.trade(long, short, {"ETH": 10, "BTC": 1})
    new_epoch(house)
    lose(house, sunk, "ETH", True, 550 * USDC)
    assert owed(house, "ETH") == (400 * USDC, 0)
    new_epoch(house)
    return 400 * USDC


@pytest.fixture
def drain(house, engine, keeper):
    return lambda name="ETH": engine.drain(house.id(name), sender=keeper)


def test_drain_charges_an_epoch_to_the_unit_and_tells(house, engine, drain, indebted, long, short, sunk):
    receipt = drain()
    event(receipt, "LossShared", instrument=0, long=True, amount=400 * USDC, charged=150 * USDC, owed=250 * USDC)
    event(receipt, "DeficitUpdated", instrument=0, long=True, owed=250 * USDC)
    event(receipt, "BadDebtUpdated", badDebt=250 * USDC)
    assert (engine.badDebt(), owed(house, "ETH")) == (250 * USDC, (250 * USDC, 0))
    assert engine.deficitOf(0, True).charged == CAP * INDEX
    assert house.snapshot(long).legs[0].charge == 300 * USDC and house.snapshot(short).legs[0].charge == 0
    assert slack(house, sunk, long, short) == 0, "LED-2"


def test_drain_returns_what_was_paid(house, engine, indebted, keeper):
    assert engine.simulate("drain", 0, sender=keeper) == 150 * USDC


def test_drain_again_in_the_same_epoch_pays_nothing_more(house, engine, chain, drain, indebted):
    drain()
    chain.set_next_time((chain.now // HOUR + 1) * HOUR - 1)
    receipt = drain()
    event(receipt, "LossShared", amount=250 * USDC, charged=0, owed=250 * USDC)
    assert not receipt.events_named("BadDebtUpdated") and engine.badDebt() == 250 * USDC
    event(drain(), "LossShared", amount=250 * USDC, charged=150 * USDC, owed=100 * USDC)  # a second later
    assert engine.badDebt() == 100 * USDC


def test_drain_goes_on_until_nothing_is_owed(house, engine, drain, indebted, long, short, sunk):
    for left in (250, 100, 0):
        drain()
        assert (engine.badDebt(), owed(house, "ETH")) == (left * USDC, (left * USDC, 0))
        assert slack(house, sunk, long, short) == 0, "LED-2"
        new_epoch(house)
    assert engine.payoutRatio() == WAD
    with reverts("NothingOwed", 0):
        drain()
    assert house.snapshot(long).legs[0].charge == 550 * USDC


def test_drain_leaves_room_for_what_an_epoch_has_charged_already(house, engine, drain, indebted, sunk):
    lose(house, sunk, "ETH", True, 60 * USDC)
    event(drain(), "LossShared", charged=90 * USDC, owed=310 * USDC)


def test_drain_of_both_sides_charges_both(house, engine, drain, indebted, long, short, sunk):
    lose(house, sunk, "ETH", False, 250 * USDC)
    assert owed(house, "ETH") == (400 * USDC, 100 * USDC)
    new_epoch(house)
    told = drain().events_named("LossShared")
    assert [(e.long, e.charged, e.owed) for e in told] == [
        (True, 150 * USDC, 250 * USDC), (False, 100 * USDC, 0)
    ]  # fmt: skip
    assert (engine.badDebt(), owed(house, "ETH")) == (250 * USDC, (250 * USDC, 0))
    assert (house.snapshot(long).legs[0].charge, house.snapshot(short).legs[0].charge) == (300 * USDC, 250 * USDC)
    assert slack(house, sunk, long, short) == 0, "LED-2"


def test_drain_of_one_instrument_leaves_the_others_alone(house, engine, drain, indebted, sunk, stranger):
    """BTC's longs owe too, and BTC is insured by what came in since."""
    lose(house, sunk, "BTC", True, 400 * USDC)
    assert owed(house, "BTC") == (100 * USDC, 0)
    house.deposit(sunk, 70 * USDC)
    engine.seize(sunk, [], [(sunk, -70 * USDC)], [(1, 70 * USDC)], [], sender=house.liquidator)
    before = engine.market(1), engine.fundOf(1), engine.deficitOf(1, True)
    drain()
    assert (engine.market(1), engine.fundOf(1), engine.deficitOf(1, True)) == before
    assert engine.badDebt() == 350 * USDC
    house.owe(sunk, 7 * USDC)
    drain("BTC")
    assert (engine.badDebt(), owed(house, "BTC"), owed(house, "ETH")) == (287 * USDC, (30 * USDC, 0), (250 * USDC, 0))


# Insurance first --------------------------------------------------------------------------------------------------


@pytest.fixture
def insured(house, engine, indebted, sunk):
    """So much came into the fund since, as fees and penalties do."""

    def do(amount):
        engine.seize(sunk, [], [(sunk, -amount)], [(0, amount)], [], sender=house.liquidator)

    return do


@pytest.mark.parametrize(("insurance", "charged"), [(1, 150), (100, 150), (399, 1), (300, 100)])
def test_drain_is_paid_by_the_insurance_first(house, engine, drain, insured, long, short, sunk, insurance, charged):
    insured(insurance * USDC)
    receipt = drain()
    left = 400 - insurance - charged
    event(receipt, "LossShared", amount=(400 - insurance) * USDC, charged=charged * USDC, owed=left * USDC)
    event(receipt, "FundUpdated", instrument=0, insurance=0, treasury=0)
    assert (engine.badDebt(), owed(house, "ETH"), engine.fundOf(0).insurance) == (left * USDC, (left * USDC, 0), 0)
    assert engine.market(0).indexLong == (15 + charged / 10) * USDC * INDEX
    assert slack(house, sunk, long, short) == 0, "LED-2"


@pytest.mark.parametrize("more", [0, 1, 150 * USDC])
def test_drain_that_the_insurance_pays_charges_nobody(house, engine, drain, insured, keeper, more):
    insured(400 * USDC + more)
    index = engine.market(0).indexLong
    assert engine.simulate("drain", 0, sender=keeper) == 400 * USDC
    receipt = drain()
    assert not receipt.events_named("LossShared")
    assert (engine.badDebt(), engine.fundOf(0).insurance, engine.market(0).indexLong) == (0, more, index)
    with reverts("NothingOwed", 0):
        drain()


def test_drain_never_touches_another_fund_nor_the_treasury(house, engine, drain, indebted, long, short, stranger):
    house.insure("BTC", 1_000 * USDC, stranger)
    house.trade(long, short, {"ETH": 1}, fees=[100 * USDC])
    assert (engine.fundOf(0).insurance, engine.fundOf(0).treasury) == (20 * USDC, 10 * USDC)
    drain()
    assert (engine.fundOf(0).insurance, engine.fundOf(0).treasury) == (0, 10 * USDC)
    assert engine.fundOf(1).insurance == 1_000 * USDC
    assert engine.badDebt() == 400 * USDC - 20 * USDC - 165 * USDC


# What refuses it --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("instrument", [0, 1, 16])
def test_drain_of_what_owes_nothing_reverts(engine, keeper, instrument):
    with reverts("NothingOwed", instrument):
        engine.drain(instrument, sender=keeper)


@pytest.mark.parametrize("instrument", [17, 64, 256, MAX])
def test_drain_of_an_unlisted_instrument_reverts(engine, keeper, instrument):
    with reverts("UnknownInstrument", instrument):
        engine.drain(instrument, sender=keeper)


def test_drain_needs_a_price(house, engine, drain, indebted):
    house.protocol.feeds["ETH"].setMode(1)
    with reverts("InvalidPrice"):
        drain()
    house.protocol.feeds["ETH"].setMode(0)
    house.chain.advance(9 * DAY)
    with reverts("InvalidPrice"):
        drain()
    assert engine.badDebt() == indebted


def test_drain_is_capped_by_the_price_now(house, drain, indebted):
    house.reprice("ETH", 1_000)
    event(drain(), "LossShared", charged=75 * USDC, owed=325 * USDC)


def test_drain_of_a_side_that_nobody_holds_waits(house, engine, drain, indebted, long, short, sunk, stranger):
    """Who closed has paid what was charged by then. What is left is paid by insurance alone, or by who opens anew."""
    house.trade(long, short, {"ETH": -10})
    assert engine.market(0).openInterest == 0
    event(drain(), "LossShared", charged=0, owed=400 * USDC)
    assert slack(house, sunk, long, short) == 0, "LED-2"
    house.trade(long, short, {"ETH": 1})
    event(drain(), "LossShared", charged=15 * USDC, owed=385 * USDC)
    house.insure("ETH", 385 * USDC, stranger)
    assert engine.badDebt() == 0 and owed(house, "ETH") == (0, 0)


def test_drain_charges_funding_first(house, engine, chain, drain, long, short, sunk, keeper):
    """The market is brought to this second: what is charged is on top of what funding has done until now."""
    house.provide(keeper)
    engine.setOperator(long, house.pool, 1, sender=house.owner(long))
    house.pool.trade(long, house.id("FUND"), 10 * UNIT, MAX, MAX, sender=house.owner(long))
    new_epoch(house)
    lose(house, sunk, "FUND", True, 400 * USDC)
    debt = owed(house, "FUND")[0]
    assert debt == 250 * USDC
    chain.advance(DAY)
    due = house.snapshot(long).legs[0].charge - 150 * USDC
    assert due > 0, "a day of funding"
    drain("FUND")
    assert abs(house.snapshot(long).legs[0].charge - (due + 300 * USDC)) <= due // 80_000, "and a second"
    assert 0 <= slack(house, sunk, long, short) <= 2, "LED-2"


# Rounding ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def cheap(chain, owner, lp, trader, maker):
    """Three billion units at a hundredth of a cent: one unit of an index is three settlement units."""
    bare = bare_engine(chain, owner, lp)
    risk = (60_000, 0, 2**79, 5 * USDC, 15_000, 0, 1_500_000, True, False)
    limits = (2**79, 2**60, 1_000_000, 0, 1_000 * USDC)
    bare.engine.setInstrument(0, risk, limits, (2**79, 0, 0, 200_000, 100_000), sender=owner)
    accounts = [bare.open(actor, 10**12) for actor in (trader, maker)]
    bare.eth.push(10**4)
    size = 3 * 10**9 * UNIT
    bare.venue.trade(*accounts, [(0, size)], [-size * 10**14 // 10**21], [0])
    chain.advance(HOUR - chain.now % HOUR)
    return bare, accounts


def test_drain_that_rounding_pays_too_much_gives_the_rest_to_the_insurance(chain, cheap, owner, keeper):
    """Σ charges = what was paid + what went to insurance: nothing is lost, and nobody is paid twice."""
    (bare, accounts), mid = cheap, 10**14
    engine = bare.engine
    cap = 60_000 * 500_000 * mid * 10**18 // (4 * 10**12 * 10**21)
    most = cap * 3  # of the longs, in an epoch
    gets = int(keeper, 16) << 96
    engine.seize(gets, [], [(gets, most + 4)], [], [(0, True, most + 4, mid)], sender=owner)
    assert (engine.badDebt(), engine.fundOf(0).insurance, engine.market(0).indexLong) == (4, 0, cap)
    chain.advance(HOUR)
    bare.sequencer.push(1)  # it waits for no sequencer
    told = event(engine.drain(0, sender=keeper), "LossShared", amount=4, charged=4, owed=0)
    assert told.long and engine.market(0).indexLong == cap + 2
    assert (engine.badDebt(), engine.fundOf(0).insurance) == (0, 2)
    shown = engine.load(accounts[0], 0, [], False).snapshot
    assert shown.legs[0].charge == (cap + 2) * 3 == most + 4 + engine.fundOf(0).insurance
