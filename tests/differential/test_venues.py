"""The whole protocol, contracts beside model: the same verbs give the same answers, errors and states to the last unit, mined one
by one and in the fast lane."""

import random

import pytest

from plimsoll.chain.anvil import Anvil
from plimsoll.chain.deployment import Deployment
from plimsoll.chain.lane_venue import LaneVenue
from plimsoll.chain.node import Chain
from plimsoll.fuzz.life import MOODS, START, Life, small_world
from plimsoll.fuzz.lockstep import STATE, same
from plimsoll.fuzz.scribe import Scribe
from plimsoll.model.house import Birth
from plimsoll.model.venue import ModelVenue
from plimsoll.scenarios import runner
from plimsoll.scenarios.scenario import find, load, shipped
from plimsoll.venue import WORLD
from tests.differential.twins import TIME_TO_BUILD, born
from tests.helpers import isolated

RULES, LOOK_EVERY = 120, 10


@pytest.fixture(scope="module")
def made():
    with Anvil(timestamp=START - TIME_TO_BUILD) as anvil:
        yield Deployment.deploy(Chain(anvil), small_world())


@pytest.mark.parametrize("mood", MOODS)
def test_random_life_is_the_same_mined(made, seed, mood):
    """The state after every call, and now and then all that either remembers beyond it. (In the lane many more are played:
    tests/stateful/test_lockstep.py.)"""
    with isolated(made.chain):
        pair = born(made.chain, made.world, made, Birth(*made.born()))
        scribe = Scribe(ModelVenue(made.world, lambda name: int(pair.chain.actors[name], 16), Birth(*made.born())))
        life = Life(scribe, random.Random(f"{seed} {mood}"), mood)
        life.begin()
        life.live(RULES)
        for number, call in enumerate(scribe.calls):
            call.on(pair)
            if number % LOOK_EVERY == 0:
                pair.look()
        pair.look()


@pytest.mark.parametrize("name", sorted(shipped()))
def test_shipped_scenario_is_the_same_on_model_chain_and_lane(name):
    """Step by step: answer, refusal and state."""
    scenario = load(find(name))
    with Anvil(timestamp=scenario.world.start - TIME_TO_BUILD) as anvil:
        made = Deployment.deploy(Chain(anvil), scenario.world)
        with isolated(made.chain):
            assert_same_in_the_lane(scenario, LaneVenue(made.chain, scenario.world, made))
        pair = born(made.chain, scenario.world, made, Birth(*made.born()))
        run = runner.play(scenario, pair)
    assert run.violation is None and run.failures == []


def assert_same_in_the_lane(scenario, lane):
    """The state is read after every verb that may be refused."""
    births = lane.address_of, Birth(*lane.deployment.born())
    scribe = Scribe(ModelVenue(scenario.world, *births))
    runner.play(scenario, scribe)
    calls = [one for call in scribe.calls for one in ((call,) if call.verb in WORLD else (call, STATE))]
    model = ModelVenue(scenario.world, *births)
    for call, due, found in zip(calls, [call.on(model) for call in calls], lane.play(calls), strict=True):
        assert same(due, found), f"{call}: {found}, due is {due}"
    assert sum(call == STATE for call in calls) >= 10
