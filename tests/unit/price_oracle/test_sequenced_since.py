"""When prices count as sequenced again: the second at which `peek(feed, true)` begins to answer."""

import pytest

GRACE = 3_600
NEVER = 2**256 - 1


def test_sequenced_since_without_a_sequencer_is_zero(listed):
    assert listed.sequencedSince() == 0


def test_sequenced_since_is_when_it_came_back_and_its_grace(sequenced):
    assert sequenced.oracle.sequencedSince() == sequenced.since + GRACE


def test_sequenced_since_is_the_first_second_that_peek_answers(chain, sequenced, at, fault):
    sequenced.sequencer.push(0)
    since = sequenced.oracle.sequencedSince()
    assert since == chain.now + GRACE
    at(since - 1)
    assert sequenced.oracle.peek(0, True).fault == fault.SequencerGrace
    at(since)
    assert sequenced.oracle.peek(0, True).fault == fault.None_
    assert sequenced.oracle.sequencedSince() == since


@pytest.mark.parametrize("answer", [1, 2, -1])
def test_sequenced_since_while_down_is_never(sequenced, answer):
    sequenced.sequencer.push(answer)
    assert sequenced.oracle.sequencedSince() == NEVER


def test_sequenced_since_round_not_started_is_never(chain, sequenced):
    sequenced.sequencer.setRound(5, 0, 0, chain.now, 5)
    assert sequenced.oracle.sequencedSince() == NEVER


@pytest.mark.parametrize("mode", [1, 2])
def test_sequenced_since_unreadable_is_never(sequenced, mode):
    sequenced.sequencer.setMode(mode)
    assert sequenced.oracle.sequencedSince() == NEVER


def test_sequenced_since_the_end_of_time_does_not_wrap(sequenced, words):
    sequenced.sequencer.setRaw(words(1, 0, 2**256 - 1, 1, 1))
    assert sequenced.oracle.sequencedSince() == NEVER


def test_sequenced_since_with_too_little_gas_is_not_never(sequenced, reverts):
    """Else an auction's clock could be held back by whoever sends too little."""
    sequenced.sequencer.setMode(2)
    chain, oracle = sequenced.oracle.chain, sequenced.oracle
    with reverts("TooLittleGas"):
        chain.send(oracle.address, oracle.encode("sequencedSince"), gas=220_000)
