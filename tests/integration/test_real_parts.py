"""Other people's contracts from their own packages: what their feeds do that mocks only pretend to, and a whole scenario on them."""

import pytest

from plimsoll import cli
from plimsoll.chain.anvil import Anvil
from plimsoll.chain.node import Chain
from plimsoll.chain.packages import RealFeed, chainlink, weth9
from plimsoll.chain.real_venue import RealVenue
from plimsoll.errors import AdapterError, ArtifactMissing
from plimsoll.invariants import INVARIANTS
from plimsoll.scenarios import runner
from plimsoll.scenarios.scenario import find, load
from plimsoll.types import FeedFault
from tests.helpers import reverts

PHASE = 1 << 64
ETH, STALE = 0, 7


@pytest.fixture
def feed(chain):
    return RealFeed.deploy(chain, "ETH / USD", 2_000 * 10**8, low=10**9, high=10**13)


@pytest.fixture
def oracle(chain, owner, feed):
    made = chain.deploy("PriceOracle", owner, "0x" + "00" * 20, 0, sender=owner)
    config = {"aggregator": feed.proxy, "heartbeat": 3_600, "grace": 600, "spreadE6": 10_000, "minAnswer": 10**9, "maxAnswer": 10**13}
    config |= {"secondary": "0x" + "00" * 20, "secondaryHeartbeat": 0, "maxDeviationE6": 0}
    made.addFeed(config, sender=owner)
    return made


def test_oracle_reads_a_real_feed_through_its_phases(feed, oracle):
    assert oracle.peek(ETH, False).price.mid == 2_000 * 10**18
    feed.answer(1_900 * 10**8)
    assert feed.proxy.latestRoundData().roundId == PHASE + 2
    feed.next_phase()
    assert feed.proxy.latestRoundData().roundId == 2 * PHASE + 1
    assert oracle.peek(ETH, False).price.mid == 1_900 * 10**18
    feed.answer(1_800 * 10**8)
    assert oracle.peek(ETH, False).price.mid == 1_800 * 10**18
    assert feed.proxy.getRoundData(PHASE + 1).answer == 2_000 * 10**8, "rounds of an older phase stay readable"


def test_halted_feed_stands_at_the_last_round_of_its_phase(chain, feed, oracle):
    feed.answer(1_900 * 10**8)
    chain.advance(3_600 + 600 + 1)
    oracle.observe(ETH)
    chain.advance(6 * 3_600 + 1)
    oracle.halt(ETH, PHASE + 2)
    assert oracle.haltOf(ETH).price == 1_900 * 10**18


def test_answer_outside_the_aggregators_bounds_never_comes_and_the_last_one_grows_stale(chain, feed, oracle):
    with reverts("Error", "value below minSubmissionValue"):
        feed.answer(10**9 - 1)
    with reverts("Error", "value above maxSubmissionValue"):
        feed.answer(10**13 + 1)
    assert oracle.peek(ETH, False).fault == 0 and oracle.peek(ETH, False).price.mid == 2_000 * 10**18
    chain.advance(3_600 + 600 + 1)
    assert oracle.peek(ETH, False).fault == STALE


def test_contract_that_no_package_has_is_missing():
    with pytest.raises(ArtifactMissing, match="NoSuchAggregator"):
        chainlink("NoSuchAggregator")
    assert weth9().code_bytes > 1_000


def test_scenario_holds_on_real_feeds_and_real_weth_with_a_new_phase_in_its_middle():
    scenario = load(find("flash_wick"))
    told = []
    with Anvil(timestamp=scenario.world.start - cli.TIME_TO_BUILD) as anvil:
        venue = RealVenue.build(Chain(anvil, seconds_per_block=0), scenario.world)
        tell = venue.set_price

        def switching(feed, price):
            tell(feed, price)
            told.append(feed)
            if len(told) == 5:
                venue.real[feed].next_phase()

        venue.set_price = switching
        run = runner.play(scenario, venue)
        assert venue.real[told[4]].proxy.latestRoundData().roundId > 2 * PHASE
        with pytest.raises(AdapterError, match="a real feed is never zero"):
            venue.break_feed(told[4], FeedFault.ZERO)
    assert run.violation is None and run.failures == [] and len(told) > 5
    assert run.checks == len(INVARIANTS) * len(run.events)
