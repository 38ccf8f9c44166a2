import pytest

from tests.helpers import event, reverts
from tests.unit.parameters.terms import listing
from tests.world import DAY, UNIT


@pytest.fixture
def announced(parameters, timelock):
    """A doubled base, and when it may be applied."""
    return parameters.setInstrument(0, listing(baseE6=120_000), sender=timelock).timestamp + 3 * DAY


def test_apply_instrument_before_the_notice_ends_reverts(chain, parameters, announced):
    for time in (chain.now + 1, announced - 1):
        chain.set_next_time(time)
        with reverts("NoticeRunning", announced):
            parameters.applyInstrument(0)


def test_apply_instrument_the_second_the_notice_ends_is_taken_from_anyone(
    chain, engine, parameters, announced, stranger
):
    chain.set_next_time(announced)
    receipt = parameters.applyInstrument(0, sender=stranger)
    risk = engine.instrumentConfig(0)[0]
    assert risk._asdict() == listing(baseE6=120_000)["risk"]
    told = event(receipt, "InstrumentApplied", instrument=0)
    assert told.risk == risk


def test_apply_instrument_moves_maintenance_only_then(house, chain, parameters, announced, long, short):
    """ADM-1"""
    house.trade(long, short, {"ETH": 100})
    before = house.judge(long).maintenance
    chain.advance(4 * DAY)
    house.protocol.refresh()
    assert house.judge(long).maintenance == before
    parameters.applyInstrument(0)
    assert house.judge(long).maintenance == 2 * before


def test_apply_instrument_twice_reverts(chain, parameters, announced):
    chain.set_next_time(announced)
    parameters.applyInstrument(0)
    with reverts("NothingPending", 0):
        parameters.applyInstrument(0)
    assert parameters.pendingRisk(0)[1] == 0


def test_apply_instrument_of_what_was_never_set_reverts(parameters):
    for instrument in (1, 99):
        with reverts("NothingPending", instrument):
            parameters.applyInstrument(instrument)


def test_apply_instrument_keeps_what_was_tightened_meanwhile(chain, engine, parameters, announced, guardian):
    parameters.restrict(0, sender=guardian)
    parameters.lowerCaps(0, 5 * UNIT, 1, sender=guardian)
    chain.set_next_time(announced)
    parameters.applyInstrument(0)
    risk, limits, _ = engine.instrumentConfig(0)
    assert risk.reduceOnly
    assert (risk.baseE6, limits.capUnits, limits.capValue) == (120_000, 5 * UNIT, 1)
