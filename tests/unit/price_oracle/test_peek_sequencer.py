"""The L2 sequencer's uptime feed, asked only where the caller demands it."""

import pytest

WAD = 10**18
GRACE = 3_600


def test_peek_sequencer_up_past_its_grace_is_a_price(sequenced, accepted):
    assert accepted(sequenced.oracle, sequenced=True).mid == 2_000 * WAD


@pytest.mark.parametrize(("after", "valid"), [(1, False), (GRACE - 1, False), (GRACE, True), (GRACE + 1, True)])
def test_peek_sequencer_back_waits_for_its_grace(chain, sequenced, at, fault, refused, accepted, after, valid):
    sequenced.sequencer.push(0)
    back = chain.now
    at(back + after)
    if valid:
        accepted(sequenced.oracle, sequenced=True)
    else:
        refused(sequenced.oracle, fault.SequencerGrace, found=back, limit=back + after - GRACE, sequenced=True)


@pytest.mark.parametrize("answer", [1, 2, -1])
def test_peek_sequencer_down_is_refused(sequenced, fault, refused, answer):
    sequenced.sequencer.push(answer)
    refused(sequenced.oracle, fault.SequencerDown, found=answer % 2**256, sequenced=True)


def test_peek_sequencer_round_not_started_is_down(chain, sequenced, fault, refused):
    sequenced.sequencer.setRound(5, 0, 0, chain.now, 5)
    refused(sequenced.oracle, fault.SequencerDown, found=0, sequenced=True)


def test_peek_sequencer_back_in_the_future_is_refused(chain, sequenced, fault, refused):
    sequenced.sequencer.setRound(5, 0, 2**63, chain.now, 5)
    refused(sequenced.oracle, fault.SequencerGrace, found=2**63, limit=chain.now - GRACE, sequenced=True)


@pytest.mark.parametrize("mode", [1, 2])
def test_peek_sequencer_feed_fails_is_down(sequenced, fault, refused, mode):
    sequenced.sequencer.setMode(mode)
    refused(sequenced.oracle, fault.SequencerDown, found=2**256 - 1, sequenced=True)


def test_peek_sequencer_down_but_not_demanded_is_a_price(sequenced, accepted):
    sequenced.sequencer.push(1)
    accepted(sequenced.oracle, sequenced=False)


def test_peek_no_sequencer_configured_demands_none(listed, accepted):
    accepted(listed, sequenced=True)


def test_prices_sequencer_down_is_named_once_beside_the_first_feed(
    sequenced, owner, config, make_aggregator, fault, reverts
):
    sequenced.oracle.addFeed(config(aggregator=make_aggregator(5 * 10**8)), sender=owner)
    sequenced.sequencer.push(1)
    for feeds in ([0, 1], [1, 0]):
        with reverts("InvalidPrice", feeds[0], fault.SequencerDown, 1, 0):
            sequenced.oracle.prices(feeds, True)
    assert sequenced.oracle.prices([], True) == []


def test_prices_sequencer_is_asked_once_in_a_batch(chain, sequenced):
    """Seen by its gas: the second feed of a batch costs the same whether the sequencer is demanded or not."""

    def second_feed(demanded):
        used = [
            chain.send(sequenced.oracle.address, sequenced.oracle.encode("prices", feeds, demanded)).gas_used
            for feeds in ([0], [0, 0])
        ]
        return used[1] - used[0]

    assert abs(second_feed(True) - second_feed(False)) < 300


def test_add_feed_while_the_sequencer_is_down_is_listed(sequenced, owner, config, make_aggregator):
    sequenced.sequencer.push(1)
    receipt = sequenced.oracle.addFeed(config(aggregator=make_aggregator(5 * 10**8)), sender=owner)
    assert receipt.event("FeedAdded").feed == 1
