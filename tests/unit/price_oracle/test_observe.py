"""The record of a fault: who may begin it, what it says, and how it ends."""

import pytest

from plimsoll.errors import NodeRefused

WAD = 10**18
HONEST, REVERT, EAT_GAS = 0, 1, 2
HEARTBEAT, GRACE = 3_600, 300
HALT_GRACE, HALT_DELAY = 6 * 3_600, 86_400
NOTHING = (0, 0, 0, 0)


@pytest.fixture
def no_change(chain):
    """Demands that observe tells nothing and returns this record."""

    def check(oracle, since, feed=0):
        before = oracle.haltOf(feed)
        assert oracle.simulate("observe", feed) == since
        assert oracle.observe(feed).events == []
        assert oracle.haltOf(feed) == before

    return check


def test_observe_a_valid_feed_changes_nothing(listed, no_change):
    no_change(listed, since=0)
    assert tuple(listed.haltOf(0)) == NOTHING


@pytest.mark.parametrize("feed", [1, 2**256 - 1])
def test_observe_an_unknown_feed_is_refused(listed, fault, reverts, feed):
    with reverts("InvalidPrice", feed, fault.UnknownFeed, feed, 1):
        listed.observe(feed)


@pytest.mark.parametrize(
    ("break_it", "why"),
    [
        (lambda feed: feed.setMode(REVERT), "CallFailed"),
        (lambda feed: feed.setMode(EAT_GAS), "CallFailed"),
        (lambda feed: feed.push(-1), "NotPositive"),
        (lambda feed: feed.push(1), "OutOfBounds"),
        (lambda feed: feed.pushAt(2_000 * 10**8, 0), "NeverUpdated"),
        (lambda feed: feed.pushAt(2_000 * 10**8, 2**63), "FromTheFuture"),
        (lambda feed: feed.pushAt(2_000 * 10**8, 9), "Stale"),
        (lambda feed: feed.setRound(7, 2_000 * 10**8, 9, feed.chain.now, 6), "IncompleteRound"),
    ],
)
def test_observe_an_invalid_feed_by_anyone_begins_the_record(
    chain, listed, aggregator, stranger, fault, break_it, why
):
    break_it(aggregator)
    assert listed.simulate("observe", 0, block="pending") == chain.now + 1
    event = listed.observe(0, sender=stranger).event("FaultObserved")
    assert (event.feed, event.fault, event.since) == (0, fault[why], chain.now)
    assert tuple(listed.haltOf(0)) == (0, chain.now, 0, 0)
    assert listed.peek(0, False).fault == fault[why], "a record alone changes no price"


def test_observe_a_stale_feed_counts_from_its_first_second(chain, listed, aggregator, no_change, fault):
    aggregator.push(2_000 * 10**8)
    updated = chain.now
    chain.set_next_time(updated + HEARTBEAT + GRACE)
    assert listed.observe(0).events == []
    assert listed.observe(0).event("FaultObserved").since == updated + HEARTBEAT + GRACE + 1


@pytest.mark.parametrize(("answer", "why"), [(0, "SecondaryFailed"), (2_021 * WAD, "Deviates")])
def test_observe_a_secondary_at_fault_begins_the_record(paired, secondary, fault, answer, why):
    secondary.push(answer)
    assert paired.observe(0).event("FaultObserved").fault == fault[why]


def test_observe_the_sequencer_is_not_the_feeds_fault(sequenced, no_change):
    sequenced.sequencer.push(1)
    no_change(sequenced.oracle, since=0)


def test_observe_again_keeps_the_first_record(chain, observed, aggregator, no_change):
    chain.advance(1_000)
    no_change(observed.oracle, observed.since)
    aggregator.setMode(HONEST)
    aggregator.push(0)
    no_change(observed.oracle, observed.since)


def test_observe_another_feed_is_untouched(observed, add, make_aggregator, no_change):
    assert add(aggregator=make_aggregator(5 * 10**8)) == 1
    no_change(observed.oracle, since=0, feed=1)
    assert tuple(observed.oracle.haltOf(1)) == NOTHING


def test_observe_a_feed_that_is_valid_again_clears_the_record(chain, observed, aggregator, stranger, no_change):
    aggregator.setMode(HONEST)
    assert observed.oracle.simulate("observe", 0) == 0
    receipt = observed.oracle.observe(0, sender=stranger)
    assert receipt.event("Recovered").feed == 0
    assert tuple(observed.oracle.haltOf(0)) == NOTHING
    no_change(observed.oracle, since=0)
    aggregator.setMode(REVERT)
    assert observed.oracle.observe(0).event("FaultObserved").since == chain.now, "a new one begins anew"


# halted


def test_observe_a_halted_feed_still_invalid_changes_nothing(halted, no_change):
    no_change(halted.oracle, halted.since)


def test_observe_a_halted_feed_that_is_valid_again_resumes_it(halted, aggregator, stranger, accepted):
    aggregator.setMode(HONEST)
    aggregator.push(1_500 * 10**8)
    assert accepted(halted.oracle).mid == 2_000 * WAD, "until somebody observes it"
    assert halted.oracle.observe(0, sender=stranger).event("Recovered").feed == 0
    price = accepted(halted.oracle)
    assert (price.mid, price.haltedAt) == (1_500 * WAD, 0)
    assert tuple(halted.oracle.haltOf(0)) == NOTHING
    assert not halted.oracle.isFinal(0)


def test_observe_resumed_feed_that_fails_again_has_its_whole_grace(chain, halted, aggregator, reverts):
    aggregator.setMode(HONEST)
    aggregator.push(1_500 * 10**8)
    halted.oracle.observe(0)
    aggregator.setMode(REVERT)
    with reverts("NotObserved", 0):
        halted.oracle.halt(0, 2)
    since = halted.oracle.observe(0).event("FaultObserved").since
    chain.set_next_time(since + HALT_GRACE)
    with reverts("HaltTooSoon", 0, since, since + HALT_GRACE + 1):
        halted.oracle.halt(0, 2)
    assert halted.oracle.halt(0, 2).event("Halted").price == 1_500 * WAD


def test_observe_in_the_last_second_before_it_is_final_resumes(chain, halted, aggregator, accepted):
    aggregator.setMode(HONEST)
    chain.set_next_time(halted.at + HALT_DELAY - 2)
    aggregator.push(1_500 * 10**8)
    assert not halted.oracle.isFinal(0)
    halted.oracle.observe(0)
    assert chain.now == halted.at + HALT_DELAY - 1
    assert accepted(halted.oracle).haltedAt == 0


def test_observe_once_final_changes_nothing_for_ever(chain, halted, aggregator, at, no_change, accepted):
    aggregator.setMode(HONEST)
    chain.set_next_time(halted.at + HALT_DELAY - 1)
    aggregator.push(1_500 * 10**8)
    assert not halted.oracle.isFinal(0)
    at(halted.at + HALT_DELAY)
    assert halted.oracle.isFinal(0)
    for _ in range(2):
        no_change(halted.oracle, halted.since)
        price = accepted(halted.oracle)
        assert (price.mid, price.haltedAt) == (2_000 * WAD, halted.at)
        chain.advance(365 * 86_400)
        aggregator.push(1_400 * 10**8)


# gas


@pytest.mark.parametrize("behind_proxy", [False, True])
def test_observe_any_gas_never_blames_a_sound_feed(
    chain, oracle, add, aggregator, secondary, behind_proxy
):
    """Else a transaction with too little gas could begin the record of a sound feed."""
    first, second = ((chain.deploy("MockProxy", it) if behind_proxy else it) for it in (aggregator, secondary))
    add(aggregator=first, secondary=second, secondaryHeartbeat=600, maxDeviationE6=10_000)
    request = {"to": oracle.address, "data": oracle.encode("observe", 0)}
    verdicts = {"ran out": 0, "valid": 0}
    for gas in [*range(22_000, 90_000, 300), *range(90_000, 700_000, 19_973)]:
        try:
            answer = chain.rpc("eth_call", request | {"gas": hex(gas)}, "latest")
        except NodeRefused:
            verdicts["ran out"] += 1
            continue
        assert int(answer, 16) == 0, f"a record with {gas} gas"
        verdicts["valid"] += 1
    assert min(verdicts.values()) > 20


def test_observe_a_feed_that_fails_with_too_little_gas_is_not_blamed(chain, listed, aggregator, reverts):
    aggregator.setMode(EAT_GAS)
    with reverts("TooLittleGas") as refused:
        listed.observe(0, gas=220_000)
    assert refused.error.args[0] < refused.error.args[1] == 210_000
    assert tuple(listed.haltOf(0)) == NOTHING
