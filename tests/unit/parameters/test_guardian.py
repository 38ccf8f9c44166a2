"""The guardian only tightens: reduce-only, lower caps. It moves no money and stops no close."""

import pytest

from tests.helpers import event, reverts
from tests.unit.parameters.terms import coin, listing
from tests.world import MAX, UNIT, USDC, ZERO


@pytest.fixture(params=["guardian", "timelock"])
def tightener(request, guardian, timelock):
    return guardian if request.param == "guardian" else timelock


@pytest.mark.parametrize("role", ["owner", "stranger", "keeper"])
def test_tightening_by_anyone_else_reverts(parameters, request, role):
    caller = request.getfixturevalue(role)
    for call in (
        lambda: parameters.restrict(0, sender=caller),
        lambda: parameters.lowerCaps(0, 0, 0, sender=caller),
        lambda: parameters.lowerCollateralCap(0, 0, sender=caller),
    ):
        with reverts("NotGuardian", caller):
            call()


def test_restrict_makes_reduce_only_and_changes_nothing_else(engine, parameters, tightener):
    before = engine.instrumentConfig(0)
    event(parameters.restrict(0, sender=tightener), "Restricted", instrument=0)
    risk, limits, funding = engine.instrumentConfig(0)
    assert risk == before[0]._replace(reduceOnly=True)
    assert (limits, funding) == tuple(before[1:])


def test_restrict_never_stops_a_close(house, parameters, guardian, long, short):
    house.trade(long, short, {"ETH": 10})
    parameters.restrict(0, sender=guardian)
    parameters.lowerCaps(0, 0, 0, sender=guardian)
    house.trade(long, short, {"ETH": -10})
    house.deposit(long, USDC)


def test_restrict_of_an_unlisted_instrument_reverts(engine, parameters, guardian):
    for instrument in (17, 64, MAX):
        with reverts("UnknownInstrument", instrument):
            parameters.restrict(instrument, sender=guardian)
        with reverts("UnknownInstrument", instrument):
            parameters.lowerCaps(instrument, 0, 0, sender=guardian)
    assert engine.instrumentCount() == 17


def test_lower_caps_lowers_and_tells(engine, parameters, tightener):
    receipt = parameters.lowerCaps(0, 5 * UNIT, 7, sender=tightener)
    event(receipt, "CapsLowered", instrument=0, capUnits=5 * UNIT, capValue=7)
    assert (engine.instrumentConfig(0)[1].capUnits, engine.instrumentConfig(0)[1].capValue) == (5 * UNIT, 7)


def test_lower_caps_never_raises(engine, parameters, tightener):
    limits = engine.instrumentConfig(0)[1]
    with reverts("InvalidParameter", "capUnits", limits.capUnits + 1, limits.capUnits):
        parameters.lowerCaps(0, limits.capUnits + 1, 0, sender=tightener)
    with reverts("InvalidParameter", "capValue", limits.capValue + 1, limits.capValue):
        parameters.lowerCaps(0, 0, limits.capValue + 1, sender=tightener)
    parameters.lowerCaps(0, limits.capUnits, limits.capValue, sender=tightener)


def test_lower_caps_moves_no_maintenance(house, parameters, guardian, long, short):
    """ADM-1: own size only. The initial requirement grows with crowding, and no one is liquidatable by it."""
    house.trade(long, short, {"ETH": 100})
    before = house.judge(long, adding=True)
    parameters.lowerCaps(0, 100 * UNIT, 10**12, sender=guardian)
    after = house.judge(long, adding=True)
    assert after.maintenance == before.maintenance
    assert after.initial > before.initial


def test_lower_collateral_cap_lowers_and_tells(engine, parameters, tightener):
    before = engine.collateralConfig(0)
    event(parameters.lowerCollateralCap(0, 5, sender=tightener), "CollateralCapLowered", collateral=0, cap=5)
    assert engine.collateralConfig(0) == before._replace(cap=5)
    with reverts("InvalidParameter", "cap", 6, 5):
        parameters.lowerCollateralCap(0, 6, sender=tightener)


@pytest.mark.parametrize("collateral", [9, 10, 31, MAX])
def test_lower_collateral_cap_of_an_unlisted_collateral_reverts(engine, parameters, guardian, collateral):
    """It only tightens: it lists nothing, least of all a token that is no token."""
    with reverts("UnknownCollateral", collateral):
        parameters.lowerCollateralCap(collateral, 0, sender=guardian)
    assert engine.collateralCount() == 9
    assert int(engine.collateralConfig(9).token, 16) == 0


def test_guardian_may_nothing_else(house, engine, parameters, guardian, long):
    for call in (
        lambda: parameters.setInstrument(0, listing(), sender=guardian),
        lambda: parameters.setCollateral(0, coin(house.token("WETH")), sender=guardian),
        lambda: parameters.setInterest(1, sender=guardian),
        lambda: parameters.setTreasury(1, sender=guardian),
        lambda: parameters.setGuardian(guardian, sender=guardian),
        lambda: parameters.transferOwnership(guardian, sender=guardian),
    ):
        with reverts("OwnableUnauthorizedAccount", guardian):
            call()
    for call in (
        lambda: engine.withdraw(long, house.usdc, 1, guardian, 0, sender=guardian),
        lambda: engine.seize(long, [], [], [], [], sender=guardian),
        lambda: engine.sellCollateral(long, 0, 1, 0, guardian, b"", sender=guardian),
        lambda: engine.setTreasury(house.account(guardian), sender=guardian),
    ):
        with reverts("Unauthorized", guardian):
            call()


def test_set_guardian_hands_the_role_over(parameters, timelock, guardian, keeper):
    event(parameters.setGuardian(keeper, sender=timelock), "GuardianSet", guardian=keeper)
    assert parameters.guardian() == keeper
    with reverts("NotGuardian", guardian):
        parameters.restrict(0, sender=guardian)
    parameters.restrict(0, sender=keeper)
    parameters.setGuardian(ZERO, sender=timelock)
    with reverts("NotGuardian", keeper):
        parameters.restrict(1, sender=keeper)


def test_parameters_show_whom_they_serve(house, parameters):
    assert parameters.ENGINE() == house.engine.address
    assert parameters.NOTICE() == 3 * 86_400
    assert parameters.owner() == house.timelock
