"""Every fault of a single feed, at the exact number where it begins; `prices` must revert with the same."""

import pytest

WAD = 10**18
MAX_PRICE = 2**88 - 1
HEARTBEAT, GRACE = 3_600, 300
LOWER, UPPER = 101 * 10**6, 99 * 10**12  # 1 % inside 1.0 and 10^6, at 8 decimals


@pytest.mark.parametrize("answer", [0, -1, -2_000 * 10**8, -(2**255)])
def test_peek_answer_not_positive_is_refused(listed, aggregator, fault, refused, answer):
    aggregator.push(answer)
    refused(listed, fault.NotPositive, found=abs(answer))


@pytest.mark.parametrize("answer", [1, 10**8, LOWER - 1, LOWER])
def test_peek_answer_at_or_below_the_lower_bound_is_refused(listed, aggregator, fault, refused, answer):
    aggregator.push(answer)
    refused(listed, fault.OutOfBounds, found=answer, limit=LOWER)


@pytest.mark.parametrize("answer", [UPPER, UPPER + 1, 10**14, 2**128, 2**255 - 1])
def test_peek_answer_at_or_above_the_upper_bound_is_refused(listed, aggregator, fault, refused, answer):
    aggregator.push(answer)
    refused(listed, fault.OutOfBounds, found=answer, limit=UPPER)


@pytest.mark.parametrize("answer", [LOWER + 1, UPPER - 1])
def test_peek_answer_just_inside_the_bounds_is_a_price(listed, aggregator, accepted, answer):
    aggregator.push(answer)
    assert accepted(listed).mid == answer * 10**10


@pytest.mark.parametrize(("bound", "lower"), [(1, 2), (99, 100), (100, 101), (101, 103)])
def test_peek_lower_bound_is_rounded_inward(oracle, add, aggregator, fault, refused, accepted, bound, lower):
    add(minAnswer=bound)
    aggregator.push(lower)
    refused(oracle, fault.OutOfBounds, found=lower, limit=lower)
    aggregator.push(lower + 1)
    accepted(oracle)


@pytest.mark.parametrize(("bound", "upper"), [(2 * 10**11 + 101, 198_000_000_099), (2 * 10**11 + 200, 198_000_000_198)])
def test_peek_upper_bound_is_rounded_inward(oracle, add, aggregator, fault, refused, accepted, bound, upper):
    aggregator.push(upper - 1)
    add(maxAnswer=bound)
    accepted(oracle)
    aggregator.push(upper)
    refused(oracle, fault.OutOfBounds, found=upper, limit=upper)


@pytest.mark.parametrize("ceiling", [2**128 - 1, 2**128, 2**192 - 1, 2**256 - 1])
def test_peek_bounds_out_of_reach_leave_the_largest_price(
    oracle, add, make_aggregator, fault, refused, accepted, ceiling
):
    aggregator = make_aggregator(WAD, 18)
    add(aggregator=aggregator, minAnswer=0, maxAnswer=ceiling)
    aggregator.push(MAX_PRICE)
    assert accepted(oracle).mid == MAX_PRICE
    aggregator.push(MAX_PRICE + 1)
    refused(oracle, fault.TooLarge, found=MAX_PRICE + 1, limit=MAX_PRICE)


def test_peek_price_too_large_after_normalising_is_refused(oracle, add, make_aggregator, fault, refused, accepted):
    aggregator = make_aggregator(1, 0)
    add(aggregator=aggregator, minAnswer=0, maxAnswer=2**192)
    most = MAX_PRICE // WAD
    aggregator.push(most)
    assert accepted(oracle).mid == most * WAD
    aggregator.push(most + 1)
    refused(oracle, fault.TooLarge, found=(most + 1) * WAD, limit=MAX_PRICE)
    largest = (2**128 - 1) * 99 // 100 - 1
    aggregator.push(largest)
    refused(oracle, fault.TooLarge, found=largest * WAD, limit=MAX_PRICE)


def test_peek_never_updated_is_refused(listed, aggregator, fault, refused):
    aggregator.pushAt(2_000 * 10**8, 0)
    refused(listed, fault.NeverUpdated)


@pytest.mark.parametrize("ahead", [1, 3_600, 2**63])
def test_peek_answer_from_the_future_is_refused(chain, listed, aggregator, at, fault, refused, ahead):
    now = chain.now + 100
    aggregator.pushAt(2_000 * 10**8, now + ahead)
    at(now)
    refused(listed, fault.FromTheFuture, found=now + ahead, limit=now)


def test_peek_answer_of_this_second_is_a_price(chain, listed, aggregator, at, accepted):
    now = chain.now + 100
    aggregator.pushAt(2_000 * 10**8, now)
    at(now)
    accepted(listed)


@pytest.mark.parametrize("age", [HEARTBEAT, HEARTBEAT + GRACE - 1, HEARTBEAT + GRACE])
def test_peek_answer_up_to_heartbeat_and_grace_old_is_a_price(chain, listed, aggregator, at, accepted, age):
    aggregator.push(2_000 * 10**8)
    at(chain.now + age)
    accepted(listed)


@pytest.mark.parametrize("over", [1, 2, 10**6])
def test_peek_answer_older_than_heartbeat_and_grace_is_refused(chain, listed, aggregator, at, fault, refused, over):
    aggregator.push(2_000 * 10**8)
    updated = chain.now
    at(updated + HEARTBEAT + GRACE + over)
    refused(listed, fault.Stale, found=updated, limit=updated + over)
    aggregator.push(2_000 * 10**8)
    assert listed.peek(0, False).fault == fault.None_, "it resumes by itself"


@pytest.mark.parametrize(("round_id", "answered_in"), [(5, 4), (2**80 - 1, 2**80 - 2), (1 << 64, 0)])
def test_peek_round_not_complete_is_refused(chain, listed, aggregator, fault, refused, round_id, answered_in):
    aggregator.setRound(round_id, 2_000 * 10**8, chain.now, chain.now, answered_in)
    refused(listed, fault.IncompleteRound, found=answered_in, limit=round_id)


@pytest.mark.parametrize(("round_id", "answered_in"), [(5, 5), (5, 6), (0, 0), (2**80 - 1, 2**80 - 1)])
def test_peek_round_answered_is_a_price(chain, listed, aggregator, accepted, round_id, answered_in):
    aggregator.setRound(round_id, 2_000 * 10**8, chain.now, chain.now, answered_in)
    accepted(listed)


def test_peek_names_the_first_of_many_faults(chain, listed, aggregator, at, fault):
    """One fault after the other is taken away, in the order of the design."""
    now = chain.now + 10_000
    wrongs = [
        (fault.NotPositive, (5, -1, 0, 0, 4)),
        (fault.OutOfBounds, (5, 1, 0, 0, 4)),
        (fault.NeverUpdated, (5, 2_000 * 10**8, 0, 0, 4)),
        (fault.FromTheFuture, (5, 2_000 * 10**8, 0, now + 9, 4)),
        (fault.Stale, (5, 2_000 * 10**8, 0, 1, 4)),
        (fault.IncompleteRound, (5, 2_000 * 10**8, 0, now, 4)),
        (fault.None_, (5, 2_000 * 10**8, 0, now, 5)),
    ]
    for why, words in wrongs:
        aggregator.setRound(*words)
        here = chain.snapshot()
        at(now)
        assert listed.peek(0, False).fault == why
        chain.revert(here)
