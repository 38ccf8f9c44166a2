"""A price oracle, one listed feed (index 0: 2000.0 at 8 decimals, 1..10^6 as bounds), and how to ask for a refusal."""

from enum import IntEnum
from types import SimpleNamespace

import pytest

WAD = 10**18
E6 = 10**6
ZERO = "0x" + "00" * 20
HEARTBEAT, GRACE, SPREAD_E6 = 3_600, 300, 5_000
HALT_GRACE = 6 * 3_600
REVERT = 1  # MockAggregator.Mode

Fault = IntEnum(
    "Fault",
    "None_ UnknownFeed CallFailed NotPositive OutOfBounds NeverUpdated FromTheFuture Stale IncompleteRound TooLarge"
    " SequencerDown SequencerGrace SecondaryFailed Deviates",
    start=0,
)


@pytest.fixture
def fault():
    """The reasons of IPriceOracle.Fault, by name."""
    return Fault


@pytest.fixture
def oracle(chain, owner):
    return chain.deploy("PriceOracle", owner, ZERO, 0)


@pytest.fixture
def make_aggregator(chain):
    def make(answer, decimals=8, description="ETH / USD"):
        return chain.deploy("MockAggregator", decimals, description, answer)

    return make


@pytest.fixture
def aggregator(make_aggregator):
    return make_aggregator(2_000 * 10**8)


@pytest.fixture
def config(aggregator):
    """A valid FeedConfig, with changes by name."""

    def make(**changes):
        usual = {
            "aggregator": aggregator.address, "heartbeat": HEARTBEAT, "grace": GRACE, "spreadE6": SPREAD_E6,
            "minAnswer": 10**8, "maxAnswer": 10**6 * 10**8,
            "secondary": ZERO, "secondaryHeartbeat": 0, "maxDeviationE6": 0,
        }  # fmt: skip
        assert set(changes) <= set(usual)
        return usual | changes

    return make


@pytest.fixture
def add(oracle, owner, config):
    """Lists a feed and returns its index."""

    def list_it(on=oracle, **changes):
        return on.addFeed(config(**changes), sender=owner).event("FeedAdded").feed

    return list_it


@pytest.fixture
def listed(oracle, add):
    assert add() == 0
    return oracle


@pytest.fixture
def secondary(make_aggregator):
    """A second opinion, at other decimals."""
    return make_aggregator(2_000 * 10**18, 18, "ETH / USD, second")


@pytest.fixture
def paired(oracle, add, secondary):
    """The oracle, whose feed 0 has the secondary: heartbeat 600, 1 % apart at most."""
    add(secondary=secondary, secondaryHeartbeat=600, maxDeviationE6=10_000)
    return oracle


@pytest.fixture
def refused(reverts):
    """Demands that peek names this fault with its numbers, and that prices reverts with the same."""

    def check(oracle, why, found=0, limit=0, feed=0, sequenced=False):
        answer = oracle.peek(feed, sequenced)
        assert (Fault(answer.fault), answer.found, answer.limit) == (why, found, limit)
        assert tuple(answer.price) == (0, 0, 0, 0, 0)
        with reverts("InvalidPrice", feed, why, found, limit):
            oracle.prices([feed], sequenced)

    return check


@pytest.fixture
def accepted():
    """Demands that peek and prices agree on a price; returns it."""

    def check(oracle, feed=0, sequenced=False):
        answer = oracle.peek(feed, sequenced)
        assert (answer.fault, answer.found, answer.limit) == (0, 0, 0)
        assert oracle.prices([feed], sequenced) == [answer.price]
        return answer.price

    return check


@pytest.fixture
def words():
    """The bytes of these numbers, a word each: for MockAggregator.setRaw."""
    return lambda *values: b"".join((value % 2**256).to_bytes(32, "big") for value in values)


@pytest.fixture
def at(chain):
    """Mines a block of exactly this time, which views then see."""

    def go(timestamp):
        chain.set_next_time(timestamp)
        chain.mine()
        assert chain.now == timestamp

    return go


@pytest.fixture
def sequenced(chain, owner, config, make_aggregator):
    """An oracle on an L2: its sequencer's uptime feed (up since 2 hours), one listed feed, 1 hour of grace."""
    sequencer = make_aggregator(0, 0, "L2 Sequencer Uptime Status Feed")
    since = chain.now
    oracle = chain.deploy("PriceOracle", owner, sequencer, 3_600)
    chain.advance(7_200)
    latest = make_aggregator(2_000 * 10**8)
    oracle.addFeed(config(aggregator=latest), sender=owner)
    return SimpleNamespace(oracle=oracle, sequencer=sequencer, since=since)


@pytest.fixture
def observed(chain, listed, aggregator):
    """The oracle, whose feed 0 has reverted since now: observed `since`; its last valid round is 1, written `updated`.

    `wait` lets the grace pass: the next transaction is the first that may halt.
    """
    aggregator.setMode(REVERT)
    receipt = listed.observe(0)
    since = receipt.event("FaultObserved").since
    return SimpleNamespace(
        oracle=listed,
        since=since,
        updated=aggregator.getRoundData(1)[3],
        wait=lambda: chain.set_next_time(since + HALT_GRACE + 1),
    )


@pytest.fixture
def halted(observed, stranger):
    """The same, halted `at` the price of round 1, 2000."""
    observed.wait()
    observed.at = observed.oracle.halt(0, 1, sender=stranger).event("Halted").haltedAt
    return observed
