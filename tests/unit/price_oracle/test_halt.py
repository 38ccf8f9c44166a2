"""The halt of a dead feed: what must be proved, to the second; what can be improved; what prices say meanwhile."""

from types import SimpleNamespace

import pytest

from plimsoll.errors import NodeRefused

WAD = 10**18
HONEST, REVERT, EAT_GAS, RAW = 0, 1, 2, 3
HEARTBEAT, GRACE = 3_600, 300
HALT_GRACE, HALT_DELAY = 6 * 3_600, 86_400
LOWER, UPPER = 101 * 10**6, 99 * 10**12  # 1 % inside 1.0 and 10^6, at 8 decimals
GOOD = 2_000 * 10**8
FUTURE = 2**63


def phase(n, round_id):
    return (n << 64) + round_id


def test_halt_constants(listed):
    assert (listed.HALT_GRACE(), listed.HALT_DELAY()) == (HALT_GRACE, HALT_DELAY)


def test_halt_by_anyone_takes_the_last_valid_answer_and_tells(chain, observed, stranger, accepted):
    observed.wait()
    event = observed.oracle.halt(0, 1, sender=stranger).event("Halted")
    assert (event.feed, event.price, event.haltedAt, event.roundId) == (0, 2_000 * WAD, chain.now, 1)
    assert tuple(observed.oracle.haltOf(0)) == (2_000 * WAD, observed.since, chain.now, observed.updated)
    assert accepted(observed.oracle) == (0, 0, 2_000 * WAD, 2**88 - 1, chain.now)
    assert not observed.oracle.isFinal(0)


# refusals


@pytest.mark.parametrize("feed", [1, 2**256 - 1])
def test_halt_an_unknown_feed_is_refused(listed, fault, reverts, feed):
    with reverts("InvalidPrice", feed, fault.UnknownFeed, feed, 1):
        listed.halt(feed, 1)
    assert tuple(listed.haltOf(feed)) == (0, 0, 0, 0)
    assert not listed.isFinal(feed)


def test_halt_without_a_record_is_refused(chain, listed, aggregator, reverts):
    aggregator.setMode(REVERT)
    chain.advance(365 * 86_400)
    with reverts("NotObserved", 0):
        listed.halt(0, 1)


def test_halt_a_feed_that_is_valid_now_is_refused(observed, aggregator, reverts):
    """A record that nobody cleared proves nothing about a feed that answers."""
    observed.wait()
    aggregator.setMode(HONEST)
    aggregator.push(1_800 * 10**8)
    for round_id in (1, 2):
        with reverts("FeedIsValid", 0, 1_800 * WAD):
            observed.oracle.halt(0, round_id)


def test_halt_waits_for_more_than_the_grace_of_the_record(chain, observed, reverts):
    earliest = observed.since + HALT_GRACE + 1
    chain.set_next_time(earliest - 1)
    with reverts("HaltTooSoon", 0, observed.since, earliest):
        observed.oracle.halt(0, 1)
    assert observed.oracle.halt(0, 1).event("Halted").haltedAt == earliest


def test_halt_on_a_record_that_was_outlived_waits_as_if_it_began_when_the_answer_was_stale(
    chain, observed, aggregator, reverts
):
    """The feed was valid in between and nobody cleared the record: else its first stale second would halt it."""
    aggregator.setMode(HONEST)
    chain.advance(7 * 86_400)
    aggregator.push(GOOD)
    stale = chain.now + HEARTBEAT + GRACE
    chain.set_next_time(stale)
    with reverts("FeedIsValid", 0, 2_000 * WAD):
        observed.oracle.halt(0, 2)
    with reverts("HaltTooSoon", 0, stale, stale + HALT_GRACE + 1):
        observed.oracle.halt(0, 2)
    chain.set_next_time(stale + HALT_GRACE)
    with reverts("HaltTooSoon", 0, stale, stale + HALT_GRACE + 1):
        observed.oracle.halt(0, 2)
    assert observed.oracle.halt(0, 2).event("Halted").haltedAt == stale + HALT_GRACE + 1


@pytest.mark.parametrize("later", [0, 1])
def test_halt_on_a_record_of_the_same_second_as_the_answer_stands(chain, observed, aggregator, reverts, later):
    aggregator.pushAt(GOOD, observed.since + later)
    since = observed.since + later * (1 + HEARTBEAT + GRACE)
    chain.set_next_time(since + HALT_GRACE)
    with reverts("HaltTooSoon", 0, since, since + HALT_GRACE + 1):
        observed.oracle.halt(0, 2)
    observed.oracle.halt(0, 2)


@pytest.fixture
def dead_on_l2(chain, sequenced):
    """A dead feed of an L2, whose record is older than the grace."""
    sequenced.feed = chain.at("MockAggregator", sequenced.oracle.feedConfig(0).config.aggregator)
    sequenced.feed.setMode(REVERT)
    sequenced.oracle.observe(0)
    chain.advance(HALT_GRACE + 1)
    return sequenced


def test_halt_after_the_sequencer_came_back_waits_for_the_whole_grace(chain, dead_on_l2, reverts):
    """No feed can answer while the sequencer is down: that time does not count."""
    dead_on_l2.sequencer.push(0)
    since = chain.now + 3_600
    assert dead_on_l2.oracle.sequencedSince() == since
    chain.set_next_time(since + HALT_GRACE)
    with reverts("HaltTooSoon", 0, since, since + HALT_GRACE + 1):
        dead_on_l2.oracle.halt(0, 1)
    assert dead_on_l2.oracle.halt(0, 1).event("Halted").haltedAt == since + HALT_GRACE + 1


@pytest.mark.parametrize("break_it", [lambda feed: feed.push(1), lambda feed: feed.setMode(REVERT)])
def test_halt_while_the_sequencer_is_down_is_refused(dead_on_l2, owner, reverts, break_it):
    break_it(dead_on_l2.sequencer)
    with reverts("HaltTooSoon", 0, 2**256 - 1, 2**256 - 1):
        dead_on_l2.oracle.halt(0, 1)
    dead_on_l2.oracle.haltAt(0, WAD, sender=owner)
    assert dead_on_l2.oracle.halt(0, 1).event("Halted").price == 2_000 * WAD, "an improvement waits for none"


BAD_ROUNDS = [
    ((0, 9, 9), "NotPositive", 0, 0),
    ((-5, 9, 9), "NotPositive", 5, 0),
    ((LOWER, 9, 9), "OutOfBounds", LOWER, LOWER),
    ((UPPER, 9, 9), "OutOfBounds", UPPER, UPPER),
    ((GOOD, 0, 9), "NeverUpdated", 0, 0),
    ((GOOD, FUTURE, 9), "FromTheFuture", FUTURE, None),
    ((GOOD, 9, 8), "IncompleteRound", 8, 9),
]


@pytest.mark.parametrize(("round", "why", "found", "limit"), BAD_ROUNDS)
def test_halt_at_a_round_invalid_by_its_content_is_refused(
    chain, observed, aggregator, fault, reverts, round, why, found, limit
):
    answer, updated, answered_in = round
    aggregator.setRound(9, answer, 9, updated, answered_in)
    observed.wait()
    with reverts("InvalidRound", 0, 9, fault[why], found, observed.since + HALT_GRACE + 1 if limit is None else limit):
        observed.oracle.halt(0, 9)


def test_halt_at_a_round_too_large_is_refused(chain, oracle, add, aggregator, fault, reverts):
    add(maxAnswer=2**128 - 1)
    most = (2**88 - 1) // 10**10
    aggregator.push(most + 1)
    aggregator.push(most)
    aggregator.setMode(REVERT)
    oracle.observe(0)
    chain.advance(HALT_GRACE + 1)
    with reverts("InvalidRound", 0, 2, fault.TooLarge, (most + 1) * 10**10, 2**88 - 1):
        oracle.halt(0, 2)
    assert oracle.halt(0, 3).event("Halted").price == most * 10**10


@pytest.mark.parametrize("round_id", [0, 2, 2**64 + 1, 2**80 - 1])
def test_halt_at_an_absent_round_is_refused(observed, fault, reverts, round_id):
    observed.wait()
    with reverts("InvalidRound", 0, round_id, fault.CallFailed, 0, 0):
        observed.oracle.halt(0, round_id)


@pytest.mark.parametrize("answer", [LOWER + 1, UPPER - 1])
def test_halt_at_an_answer_just_inside_the_bounds_is_taken(observed, aggregator, answer):
    aggregator.pushAt(answer, observed.updated)
    observed.wait()
    assert observed.oracle.halt(0, 2).event("Halted").price == answer * 10**10


def test_halt_at_a_round_before_the_last_valid_one_is_refused(observed, aggregator, reverts):
    aggregator.pushAt(1_900 * 10**8, 9)
    aggregator.pushAt(1_800 * 10**8, 9)
    observed.wait()
    for round_id in (1, 2):
        with reverts("NotLastValid", 0, round_id):
            observed.oracle.halt(0, round_id)
    assert observed.oracle.halt(0, 3).event("Halted").price == 1_800 * WAD


@pytest.mark.parametrize(("round", "why", "found", "limit"), BAD_ROUNDS)
def test_halt_before_a_round_invalid_by_its_content_is_the_last_valid(observed, aggregator, round, why, found, limit):
    answer, updated, answered_in = round
    aggregator.setRound(8, 1_700 * 10**8, 9, 9, 8)
    aggregator.setRound(9, answer, 9, updated, answered_in)
    observed.wait()
    assert observed.oracle.halt(0, 8).event("Halted").roundId == 8


def test_halt_at_the_last_round_id_there_is_has_no_next(observed, aggregator):
    last = 2**80 - 1
    aggregator.setRound(last, 1_700 * 10**8, 9, 9, last)
    observed.wait()
    assert observed.oracle.halt(0, last).event("Halted").roundId == last


@pytest.mark.parametrize(
    "values",
    [
        lambda now: (2, GOOD, now, now, 2),  # of another round
        lambda now: (1, GOOD, now, now, 2**80),  # dirty
        lambda now: (2**80 + 1, GOOD, now, now, 1),
        lambda now: (1, GOOD, now, now),  # short
        lambda now: (),
    ],
)
def test_halt_at_a_garbled_round_is_refused(chain, observed, aggregator, words, fault, reverts, values):
    aggregator.setRaw(words(*values(chain.now)))
    aggregator.setMode(REVERT)
    aggregator.setRoundMode(RAW)
    observed.wait()
    with reverts("InvalidRound", 0, 1, fault.CallFailed, 0, 0):
        observed.oracle.halt(0, 1)


# improving


@pytest.fixture
def gapped(observed, aggregator):
    """Rounds 1 (2000), an invalid 2, 3 (1900, later), an invalid 4, 5 (1800, later still): each looks like the last
    valid one to `halt`."""
    times = [observed.updated + i for i in (1, 1, 2, 2)]
    for round_id, answer, at in zip((2, 3, 4, 5), (0, 1_900, 0, 1_800), times, strict=True):
        aggregator.setRound(round_id, answer * 10**8, at, at, round_id)
    observed.times = {1: observed.updated, 3: times[1], 5: times[3]}
    return observed


def test_halt_again_with_a_newer_answer_improves_the_stand_in(chain, gapped, stranger, accepted):
    gapped.wait()
    at = gapped.oracle.halt(0, 1).event("Halted").haltedAt
    for round_id, price in ((3, 1_900 * WAD), (5, 1_800 * WAD)):
        event = gapped.oracle.halt(0, round_id, sender=stranger).event("Halted")
        assert (event.price, event.haltedAt, event.roundId) == (price, at, round_id)
        assert tuple(gapped.oracle.haltOf(0)) == (price, gapped.since, at, gapped.times[round_id])
        assert (accepted(gapped.oracle).mid, accepted(gapped.oracle).haltedAt) == (price, at)


@pytest.mark.parametrize("round_id", [1, 3, 5])
def test_halt_again_with_an_answer_not_newer_is_refused(gapped, reverts, round_id):
    gapped.wait()
    gapped.oracle.halt(0, 5)
    with reverts("NotNewer", 0, gapped.times[round_id], gapped.times[5]):
        gapped.oracle.halt(0, round_id)


def test_halt_again_with_an_answer_of_the_same_second_is_refused(gapped, aggregator, reverts):
    gapped.wait()
    gapped.oracle.halt(0, 5)
    aggregator.setRound(7, 1_000 * 10**8, 9, gapped.times[5], 7)
    with reverts("NotNewer", 0, gapped.times[5], gapped.times[5]):
        gapped.oracle.halt(0, 7)


def test_halt_again_waits_for_no_grace(chain, halted, aggregator):
    """A stand-in is improved by an answer of the last minute too, as long as the feed is invalid again."""
    aggregator.push(1_500 * 10**8)
    assert halted.oracle.halt(0, 2).event("Halted").price == 1_500 * WAD
    assert halted.oracle.haltOf(0).haltedAt == halted.at


def test_halt_again_while_the_feed_is_valid_is_refused(halted, aggregator, reverts):
    aggregator.setMode(HONEST)
    aggregator.push(1_500 * 10**8)
    with reverts("FeedIsValid", 0, 1_500 * WAD):
        halted.oracle.halt(0, 2)


def test_halt_again_is_possible_until_it_is_final(chain, gapped, reverts):
    gapped.wait()
    halted_at = gapped.oracle.halt(0, 1).event("Halted").haltedAt
    chain.set_next_time(halted_at + HALT_DELAY - 1)
    gapped.oracle.halt(0, 3)
    assert not gapped.oracle.isFinal(0)
    chain.set_next_time(halted_at + HALT_DELAY)
    with reverts("HaltIsFinal", 0, halted_at + HALT_DELAY):
        gapped.oracle.halt(0, 5)
    assert gapped.oracle.isFinal(0)
    assert gapped.oracle.haltOf(0).price == 1_900 * WAD


# the latest round, and phases


@pytest.mark.parametrize("round_id", [1, 3])
def test_halt_at_an_answer_older_than_a_valid_latest_one_is_refused(gapped, aggregator, reverts, round_id):
    """A stale feed still shows its last answer: none before it will do."""
    aggregator.setMode(HONEST)
    gapped.oracle.chain.advance(2 * HALT_GRACE)
    with reverts("NotLastValid", 0, round_id):
        gapped.oracle.halt(0, round_id)
    assert gapped.oracle.halt(0, 5).event("Halted").price == 1_800 * WAD


def test_halt_at_an_answer_before_an_invalid_latest_one_is_taken(observed, aggregator):
    aggregator.push(0)
    aggregator.setMode(HONEST)
    observed.wait()
    assert observed.oracle.halt(0, 1).event("Halted").price == 2_000 * WAD


@pytest.fixture
def proxied(chain, oracle, add, aggregator, make_aggregator):
    """A dead feed behind a proxy: phase 1 ended at 2000 (round 1), phase 2 at 1900, then 1500 (round 2)."""
    proxy = chain.deploy("MockProxy", aggregator)
    add(aggregator=proxy)
    second = make_aggregator(1_900 * 10**8)
    proxy.setAggregator(second)
    second.push(1_500 * 10**8)
    second.setMode(REVERT)
    oracle.observe(0)
    chain.advance(HALT_GRACE + 1)
    return SimpleNamespace(oracle=oracle, halt=oracle.halt, haltOf=oracle.haltOf, second=second)


def test_halt_at_the_last_round_of_the_phase_is_taken(proxied):
    assert proxied.halt(0, phase(2, 2)).event("Halted").price == 1_500 * WAD


def test_halt_at_an_earlier_round_of_the_phase_is_refused(proxied, reverts):
    with reverts("NotLastValid", 0, phase(2, 1)):
        proxied.halt(0, phase(2, 1))


def test_halt_at_the_end_of_an_old_phase_is_refused(proxied, reverts):
    """Nothing follows the last round of a phase: the first one of the next is asked for."""
    with reverts("NotLastValid", 0, phase(1, 1)):
        proxied.halt(0, phase(1, 1))


def test_halt_at_the_end_of_the_old_phase_when_the_new_one_never_worked_is_taken(proxied):
    proxied.second.setRound(1, 0, 9, 9, 1)
    proxied.second.setRound(2, 0, 9, 9, 2)
    assert proxied.halt(0, phase(1, 1)).event("Halted").price == 2_000 * WAD


def test_halt_at_the_end_of_an_old_phase_whose_successor_began_badly_is_improved_for_good(proxied, reverts):
    """What neither the next phase nor the latest round shows: improved by anyone, and never again worse."""
    proxied.second.setRound(1, 0, 9, 9, 1)
    proxied.second.setRound(3, 0, 9, 9, 3)
    old = proxied.halt(0, phase(1, 1)).event("Halted")
    was = proxied.haltOf(0).roundTime
    assert old.price == 2_000 * WAD
    new = proxied.halt(0, phase(2, 2)).event("Halted")
    assert (new.price, new.haltedAt) == (1_500 * WAD, old.haltedAt)
    with reverts("NotNewer", 0, was, proxied.haltOf(0).roundTime):
        proxied.halt(0, phase(1, 1))


# gas


@pytest.mark.parametrize("round_id", [phase(2, 1), phase(1, 1)])
def test_halt_any_gas_never_hides_a_later_round(chain, proxied, round_id):
    """Else too little gas would make a valid next round look absent, and an older answer the last one."""
    request = {"to": proxied.oracle.address, "data": proxied.oracle.encode("halt", 0, round_id)}
    for gas in [*range(22_000, 300_000, 500), *range(300_000, 900_000, 9_973)]:
        with pytest.raises(NodeRefused):
            chain.rpc("eth_call", request | {"gas": hex(gas)}, "latest")


def test_halt_any_gas_never_blames_a_sound_feed(chain, observed, aggregator):
    observed.wait()
    aggregator.setMode(HONEST)
    aggregator.push(GOOD)
    request = {"to": observed.oracle.address, "data": observed.oracle.encode("halt", 0, 2)}
    for gas in [*range(22_000, 300_000, 500), *range(300_000, 900_000, 9_973)]:
        with pytest.raises(NodeRefused):
            chain.rpc("eth_call", request | {"gas": hex(gas)}, "latest")


@pytest.mark.parametrize("enough", [False, True])
def test_halt_a_round_that_eats_gas_costs_no_more_than_its_share(observed, aggregator, fault, reverts, enough):
    aggregator.setRoundMode(EAT_GAS)
    observed.wait()
    if enough:
        with reverts("InvalidRound", 0, 1, fault.CallFailed, 0, 0):
            observed.oracle.halt(0, 1, gas=500_000)
    else:
        with reverts("TooLittleGas") as refused:
            observed.oracle.halt(0, 1, gas=235_000)
        assert refused.error.args[0] < refused.error.args[1] == 210_000


# what is said of a halted feed


def test_prices_of_a_halted_feed_stand_beside_others(halted, add, make_aggregator):
    add(aggregator=make_aggregator(50 * 10**8))
    one, two = halted.oracle.prices([1, 0], False)
    assert (one.mid, one.haltedAt) == (50 * WAD, 0)
    assert (two.mid, two.haltedAt) == (2_000 * WAD, halted.at)


def test_prices_of_a_halted_feed_ignore_whatever_it_says(halted, aggregator, accepted):
    aggregator.setMode(HONEST)
    for answer in (0, 1, 1_500 * 10**8):
        aggregator.push(answer)
        assert accepted(halted.oracle).mid == 2_000 * WAD


def test_prices_of_a_halted_feed_ignore_its_secondary(chain, paired, aggregator, secondary, accepted):
    secondary.setMode(REVERT)
    paired.observe(0)
    chain.advance(HALT_GRACE + 1)
    paired.halt(0, 1)
    assert accepted(paired).mid == 2_000 * WAD


def test_prices_of_a_halted_feed_still_ask_the_sequencer(chain, dead_on_l2, fault, refused, accepted):
    oracle = dead_on_l2.oracle
    oracle.halt(0, 1)
    assert accepted(oracle, sequenced=True).haltedAt == chain.now
    dead_on_l2.sequencer.push(1)
    refused(oracle, fault.SequencerDown, found=1, sequenced=True)
    assert accepted(oracle).mid == 2_000 * WAD


def test_freshness_of_a_halted_feed_is_its_own(chain, halted, aggregator):
    assert halted.oracle.freshness(0) == (0, 0)
    aggregator.setMode(HONEST)
    assert halted.oracle.freshness(0) == (halted.updated, halted.updated + HEARTBEAT + GRACE + 1)


def test_feed_config_of_a_halted_feed_is_unchanged(halted, config):
    assert halted.oracle.feedConfig(0).config._asdict() == config()


def test_halt_leaves_other_feeds_alone(halted, add, make_aggregator, reverts):
    add(aggregator=make_aggregator(50 * 10**8))
    assert tuple(halted.oracle.haltOf(1)) == (0, 0, 0, 0)
    with reverts("NotObserved", 1):
        halted.oracle.halt(1, 1)
