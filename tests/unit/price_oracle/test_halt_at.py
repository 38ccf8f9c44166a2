"""The owner's stand-in, for a feed that cannot answer for its old rounds."""

import pytest

WAD = 10**18
HONEST, REVERT = 0, 1
HALT_GRACE, HALT_DELAY = 6 * 3_600, 86_400
MAX_PRICE = 2**88 - 1


@pytest.fixture
def mute(observed, aggregator):
    """An observed feed that cannot answer for its old rounds either."""
    aggregator.setRoundMode(REVERT)
    return observed


def test_halt_at_by_the_owner_halts_and_tells(chain, mute, owner, fault, reverts, accepted):
    mute.wait()
    with reverts("InvalidRound", 0, 1, fault.CallFailed, 0, 0):
        mute.oracle.halt(0, 1)
    event = mute.oracle.haltAt(0, 1_950 * WAD, sender=owner).event("Halted")
    assert (event.feed, event.price, event.haltedAt, event.roundId) == (0, 1_950 * WAD, chain.now, 0)
    assert tuple(mute.oracle.haltOf(0)) == (1_950 * WAD, mute.since, chain.now, 0)
    assert accepted(mute.oracle) == (0, 0, 1_950 * WAD, MAX_PRICE, chain.now)


@pytest.mark.parametrize("price", [1, MAX_PRICE])
def test_halt_at_a_price_at_its_bound_is_kept(mute, owner, accepted, price):
    mute.wait()
    mute.oracle.haltAt(0, price, sender=owner)
    assert accepted(mute.oracle).mid == price


@pytest.mark.parametrize("price", [0, MAX_PRICE + 1, 2**256 - 1])
def test_halt_at_a_price_out_of_bounds_is_refused(mute, owner, reverts, price):
    mute.wait()
    with reverts("InvalidStandIn", price, MAX_PRICE):
        mute.oracle.haltAt(0, price, sender=owner)


def test_halt_at_by_another_is_refused(mute, stranger, reverts):
    mute.wait()
    with reverts("OwnableUnauthorizedAccount", stranger):
        mute.oracle.haltAt(0, WAD, sender=stranger)


def test_halt_at_an_unknown_feed_is_refused(listed, owner, fault, reverts):
    with reverts("InvalidPrice", 1, fault.UnknownFeed, 1, 1):
        listed.haltAt(1, WAD, sender=owner)


def test_halt_at_without_a_record_is_refused(listed, owner, aggregator, reverts):
    aggregator.setMode(REVERT)
    with reverts("NotObserved", 0):
        listed.haltAt(0, WAD, sender=owner)


def test_halt_at_a_valid_feed_is_refused(mute, owner, aggregator, reverts):
    mute.wait()
    aggregator.setMode(HONEST)
    aggregator.push(1_800 * 10**8)
    with reverts("FeedIsValid", 0, 1_800 * WAD):
        mute.oracle.haltAt(0, WAD, sender=owner)


def test_halt_at_waits_for_more_than_the_grace(chain, mute, owner, reverts):
    chain.set_next_time(mute.since + HALT_GRACE)
    with reverts("HaltTooSoon", 0, mute.since, mute.since + HALT_GRACE + 1):
        mute.oracle.haltAt(0, WAD, sender=owner)
    assert mute.oracle.haltAt(0, WAD, sender=owner).event("Halted").haltedAt == mute.since + HALT_GRACE + 1


def test_halt_at_over_a_halt_is_refused(chain, halted, owner, reverts):
    with reverts("AlreadyHalted", 0, halted.at):
        halted.oracle.haltAt(0, WAD, sender=owner)
    chain.set_next_time(halted.at + HALT_DELAY - 1)
    with reverts("AlreadyHalted", 0, halted.at):
        halted.oracle.haltAt(0, WAD, sender=owner)
    with reverts("HaltIsFinal", 0, halted.at + HALT_DELAY):
        halted.oracle.haltAt(0, WAD, sender=owner)


def test_halt_at_twice_is_refused(mute, owner, reverts):
    mute.wait()
    at = mute.oracle.haltAt(0, 1_950 * WAD, sender=owner).event("Halted").haltedAt
    with reverts("AlreadyHalted", 0, at):
        mute.oracle.haltAt(0, 1_940 * WAD, sender=owner)


def test_halt_at_is_improved_by_whoever_proves_an_answer(chain, mute, owner, stranger, aggregator, reverts):
    mute.wait()
    at = mute.oracle.haltAt(0, 1_950 * WAD, sender=owner).event("Halted").haltedAt
    aggregator.setRoundMode(HONEST)
    event = mute.oracle.halt(0, 1, sender=stranger).event("Halted")
    assert (event.price, event.haltedAt, event.roundId) == (2_000 * WAD, at, 1)
    assert tuple(mute.oracle.haltOf(0)) == (2_000 * WAD, mute.since, at, mute.updated)
    with reverts("NotNewer", 0, mute.updated, mute.updated):
        mute.oracle.halt(0, 1)


def test_halt_at_is_not_replaced_by_the_answer_that_the_secondary_disputes(
    chain, paired, owner, stranger, aggregator, secondary, fault, reverts
):
    """The primary answers on, at five times what the other says: the timelock's price is there because of that."""
    aggregator.push(10_000 * 10**8)
    paired.observe(0)
    chain.advance(HALT_GRACE + 1)
    aggregator.push(10_000 * 10**8)
    secondary.push(2_000 * 10**18)
    paired.haltAt(0, 2_000 * WAD, sender=owner)
    with reverts("InvalidRound", 0, 3, fault.Deviates, 2_000 * WAD, 10_000 * WAD):
        paired.halt(0, 3, sender=stranger)
    secondary.setMode(REVERT)  # nobody disputes it any more
    paired.halt(0, 3, sender=stranger)


def test_halt_at_final_is_not_improved(chain, mute, owner, aggregator, reverts):
    mute.wait()
    at = mute.oracle.haltAt(0, 1_950 * WAD, sender=owner).event("Halted").haltedAt
    aggregator.setRoundMode(HONEST)
    chain.set_next_time(at + HALT_DELAY)
    with reverts("HaltIsFinal", 0, at + HALT_DELAY):
        mute.oracle.halt(0, 1)


def test_halt_at_is_undone_by_a_valid_answer(mute, owner, aggregator, accepted):
    mute.wait()
    mute.oracle.haltAt(0, 1_950 * WAD, sender=owner)
    aggregator.setMode(HONEST)
    aggregator.push(1_800 * 10**8)
    mute.oracle.observe(0)
    assert accepted(mute.oracle)[2:] == (1_800 * WAD, 1_809 * WAD, 0)
