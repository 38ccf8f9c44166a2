import pytest

HEARTBEAT, GRACE = 3_600, 300


def test_freshness_says_the_first_second_that_is_too_late(chain, listed, aggregator, at, fault):
    aggregator.push(2_000 * 10**8)
    updated = chain.now
    answer = listed.freshness(0)
    assert answer == (updated, updated + HEARTBEAT + GRACE + 1)
    at(answer.staleAt - 1)
    assert listed.peek(0, False).fault == fault.None_
    at(answer.staleAt)
    assert listed.peek(0, False).fault == fault.Stale


def test_freshness_of_an_invalid_answer_is_still_told(chain, listed, aggregator):
    aggregator.push(-1)
    assert listed.freshness(0).updatedAt == chain.now


@pytest.mark.parametrize("feed", [1, 2**256 - 1])
def test_freshness_of_an_unknown_feed_is_zero(listed, feed):
    assert listed.freshness(feed) == (0, 0)


def test_freshness_never_updated_is_zero(listed, aggregator):
    aggregator.pushAt(2_000 * 10**8, 0)
    assert listed.freshness(0) == (0, 0)


def test_freshness_of_the_end_of_time_does_not_wrap(listed, aggregator, words):
    aggregator.setRaw(words(1, 2_000 * 10**8, 1, 2**256 - 1, 1))
    assert listed.freshness(0) == (2**256 - 1, 2**256 - 1)
