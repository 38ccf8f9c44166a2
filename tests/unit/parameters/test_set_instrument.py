import pytest

from tests.helpers import event, reverts
from tests.unit.parameters.terms import listing
from tests.world import DAY, MAX, UNIT, USDC

NEXT = 17
YEAR = 365 * DAY


def test_set_instrument_lists_at_once_and_tells(house, engine, parameters, timelock):
    receipt = parameters.setInstrument(NEXT, listing(), sender=timelock)
    risk, limits, funding = engine.instrumentConfig(NEXT)
    config = listing()
    assert risk._asdict() == config["risk"]
    assert limits._asdict() == config["limits"]
    assert funding._asdict() == config["funding"]
    assert engine.instrumentCount() == NEXT + 1
    assert engine.market(NEXT).time == receipt.timestamp
    told = event(receipt, "InstrumentSet", instrument=NEXT, riskFrom=receipt.timestamp)
    assert told.config.risk._asdict() == config["risk"]
    with reverts("NothingPending", NEXT):
        parameters.applyInstrument(NEXT)


@pytest.mark.parametrize("role", ["owner", "guardian", "stranger"])
def test_set_instrument_by_anyone_but_the_owner_reverts(parameters, request, role):
    caller = request.getfixturevalue(role)
    with reverts("OwnableUnauthorizedAccount", caller):
        parameters.setInstrument(0, listing(), sender=caller)


@pytest.mark.parametrize("instrument", [NEXT + 1, 63, 64, MAX])
def test_set_instrument_out_of_order_reverts(parameters, timelock, instrument):
    with reverts("UnknownInstrument", instrument):
        parameters.setInstrument(instrument, listing(), sender=timelock)


def test_set_instrument_lists_no_more_than_sixty_four(parameters, timelock, engine):
    for instrument in range(NEXT, 64):
        parameters.setInstrument(instrument, listing(), sender=timelock)
    with reverts("UnknownInstrument", 64):
        parameters.setInstrument(64, listing(), sender=timelock)
    assert engine.instrumentCount() == 64


# Hard bounds and the listing rule: each at its bound, and one beyond ----------------------------------------------


LEAST_NOTIONAL = 547_619_048  # ⌈1 USDC · 1.15 / (1.4 % · 0.15)⌉


@pytest.mark.parametrize(
    ("fits", "breaks", "error"),
    [
        ({}, {"listed": False}, ("listed", 0, 1)),
        (
            {"baseE6": 10**6, "maxMoveE6": 965_999},
            {"baseE6": 10**6 + 1, "maxMoveE6": 0},
            ("baseE6", 10**6 + 1, 10**6),
        ),
        (
            {"penaltyE6": 30_000, "maxMoveE6": 9_999},
            {"penaltyE6": 30_001, "maxMoveE6": 0},
            ("penaltyE6", 30_001, 30_000),
        ),
        ({"depth": 1}, {"depth": 0}, ("depth", 0, 1)),
        ({"initialMultipleE6": 10**6 + 1}, {"initialMultipleE6": 10**6}, ("initialMultipleE6", 10**6, 10**6 + 1)),
        ({"initialMultipleE6": 2**24 - 1}, {"initialMultipleE6": 0}, ("initialMultipleE6", 0, 10**6 + 1)),
        ({"scale": 1}, {"scale": 0}, ("scale", 0, 1)),
        ({"maxRateE8": 10**9, "reactionTime": 60}, {"maxRateE8": 10**9 + 1}, ("maxRateE8", 10**9 + 1, 10**9)),
        ({"capUnits": 2**78}, {"capUnits": 2**78 + 1}, ("capUnits", 2**78 + 1, 2**78)),
        ({"oiThresholdE6": 10**6}, {"oiThresholdE6": 10**6 + 1}, ("oiThresholdE6", 10**6 + 1, 10**6)),
        (
            {"insuranceShareE6": 900_000, "treasuryShareE6": 100_000},
            {"insuranceShareE6": 900_000, "treasuryShareE6": 100_001},
            ("fee shares", 10**6 + 1, 10**6),
        ),
        ({"floor": 2 * USDC}, {"floor": 2 * USDC - 1}, ("floor", 2 * USDC - 1, 2 * USDC)),
        (
            {"minNotional": LEAST_NOTIONAL},
            {"minNotional": LEAST_NOTIONAL - 1},
            ("minNotional", (LEAST_NOTIONAL - 1) * 14_000 * 15 * 10**16, USDC * 10**6 * 115 * 10**16),
        ),
        ({"penaltyE6": 7_667}, {"penaltyE6": 7_666}, ("minNotional", 10**9 * 7_666 * 15 * 10**16, 115 * 10**28)),
        ({"maxMoveE6": 25_999}, {"maxMoveE6": 26_000}, ("baseE6", 60_000, 60_001)),
        ({"baseE6": 59_001}, {"baseE6": 59_000}, ("baseE6", 59_000, 59_001)),
        ({"penaltyE6": 14_999}, {"penaltyE6": 15_000}, ("baseE6", 60_000, 60_001)),
        (
            {"maxRateE8": 10**9, "reactionTime": YEAR // 10**4},
            {"maxRateE8": 10**9, "reactionTime": YEAR // 10**4 + 1},
            ("baseE6", 60_000, 60_001),
        ),
    ],
)
def test_set_instrument_at_a_bound_is_taken_and_beyond_it_reverts(parameters, timelock, fits, breaks, error):
    with reverts("InvalidParameter", *error):
        parameters.setInstrument(NEXT, listing(**breaks), sender=timelock)
    with reverts("InvalidParameter", *error):
        parameters.setInstrument(0, listing(**breaks), sender=timelock)
    parameters.setInstrument(NEXT, listing(**fits), sender=timelock)


def test_set_instrument_demands_what_the_feed_moves_unseen(house, parameters, timelock):
    """The listing rule counts the feed's own deviation, 2 % here."""
    for feed in range(5):
        config = listing(feed=feed, maxMoveE6=26_000)
        with reverts("InvalidParameter", "baseE6", 60_000, 60_001):
            parameters.setInstrument(NEXT, config, sender=timelock)


def test_set_instrument_on_an_unknown_feed_reverts(parameters, timelock):
    with reverts("InvalidPrice", 5, 1, 5, 5):
        parameters.setInstrument(NEXT, listing(feed=5), sender=timelock)


# A change: what holds at once, and what waits ---------------------------------------------------------------------


def test_set_instrument_again_changes_limits_and_funding_at_once(engine, parameters, timelock):
    config = listing(capUnits=7 * UNIT, oiSlopeE6=5, scale=9 * UNIT, insuranceShareE6=1)
    parameters.setInstrument(0, config, sender=timelock)
    _, limits, funding = engine.instrumentConfig(0)
    assert limits._asdict() == config["limits"]
    assert funding._asdict() == config["funding"]


def test_set_instrument_again_tightens_the_initial_margin_at_once(house, engine, parameters, timelock, long, short):
    """ADM-1: I tightens at once; M and with it who is liquidatable do not move."""
    house.trade(long, short, {"ETH": 100})
    before = house.judge(long, adding=True)
    parameters.setInstrument(0, listing(initialMultipleE6=3_000_000), sender=timelock)
    after = house.judge(long, adding=True)
    assert after.initial == 2 * before.initial
    assert after._replace(initial=0) == before._replace(initial=0)


def test_set_instrument_again_waits_with_what_moves_maintenance(house, engine, parameters, timelock, long, short):
    """ADM-1: no parameter change makes a healthy account liquidatable before a notice of three days ends."""
    house.trade(long, short, {"ETH": 100})
    before, old = house.judge(long), engine.instrumentConfig(0)[0]
    harsh = listing(baseE6=900_000, slopeE6=10**6, depth=UNIT, floor=10**12, penaltyE6=14_000, feed=1)
    receipt = parameters.setInstrument(0, harsh, sender=timelock)
    event(receipt, "InstrumentSet", instrument=0, riskFrom=receipt.timestamp + 3 * DAY)
    assert engine.instrumentConfig(0)[0] == old
    assert house.judge(long) == before
    pending, from_ = parameters.pendingRisk(0)
    assert pending._asdict() == harsh["risk"]
    assert from_ == receipt.timestamp + 3 * DAY


def test_set_instrument_again_may_make_it_reduce_only_and_open_it_again(house, parameters, timelock, long, short):
    house.trade(long, short, {"ETH": 1})
    parameters.setInstrument(0, listing(reduceOnly=True), sender=timelock)
    with reverts("InstrumentReduceOnly", 0):
        house.trade(long, short, {"ETH": 1})
    parameters.setInstrument(0, listing(reduceOnly=False), sender=timelock)
    house.trade(long, short, {"ETH": 1})


def test_set_instrument_of_a_busy_market_keeps_its_state(house, engine, parameters, timelock, long, short):
    house.trade(long, short, {"ETH": 3})
    before = engine.market(0)
    parameters.setInstrument(0, listing(), sender=timelock)
    assert engine.market(0)._replace(time=before.time) == before


def test_set_instrument_again_keeps_the_listing_rule_while_the_notice_runs(engine, parameters, timelock):
    """New limits hold at once, beside the old penalty: a position of the new minimum must pay a keeper by that one too."""
    with reverts("InvalidParameter") as refused:
        parameters.setInstrument(0, listing(penaltyE6=30_000, maxMoveE6=9_999, minNotional=260 * USDC), sender=timelock)
    assert refused.error.args[0] == "minNotional"
    with reverts("InvalidParameter") as refused:
        parameters.setInstrument(
            0, listing(baseE6=90_000, maxRateE8=10**9, reactionTime=DAY, maxMoveE6=20_000), sender=timelock
        )
    assert refused.error.args[0] == "baseE6"


def test_set_instrument_again_charges_no_past_time_by_the_new_funding(
    house, engine, chain, parameters, timelock, trader, lp
):
    """ADM-1: a market that nobody touched for a day is not charged that day at a rate that was just set."""
    house.provide(lp)
    account = house.open(trader, 100_000 * USDC)
    engine.setOperator(account, house.pool, 1, sender=trader)
    house.pool.trade(account, 5, 100 * UNIT, MAX, MAX, sender=trader)
    chain.advance(DAY)
    before = house.judge(account)
    config = dict(zip(("risk", "limits", "funding"), (part._asdict() for part in engine.instrumentConfig(5))))
    config["funding"] |= {"maxVelocityE8": 2**32 - 1, "maxRateE8": 10**9}
    chain.set_next_time(chain.now)
    parameters.setInstrument(5, config | {"maxMoveE6": 20_000, "reactionTime": 600}, sender=timelock)
    assert house.judge(account) == before, "ADM-1"


def test_set_instrument_again_starts_the_notice_again(chain, parameters, timelock):
    parameters.setInstrument(0, listing(), sender=timelock)
    chain.advance(2 * DAY)
    second = parameters.setInstrument(0, listing(baseE6=70_000), sender=timelock).timestamp
    chain.advance(2 * DAY)
    with reverts("NoticeRunning", second + 3 * DAY):
        parameters.applyInstrument(0)
