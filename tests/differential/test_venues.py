"""The whole protocol, contracts beside model: the same verbs give the same answers, errors and states to the last unit."""

import random

import pytest

from plimsoll.chain.anvil import Anvil
from plimsoll.chain.deployment import Deployment
from plimsoll.chain.node import Chain
from plimsoll.scenarios import runner
from plimsoll.scenarios.scenario import find, load, shipped
from tests.differential.lives import START, live, small_world
from tests.differential.twins import TIME_TO_BUILD, birth_of, born, twins
from tests.helpers import isolated

STEPS = 120
LIVES = 6


@pytest.fixture(scope="module")
def built():
    world = small_world()
    with Anvil(timestamp=START - TIME_TO_BUILD) as anvil:
        made = Deployment.deploy(Chain(anvil), world)
        yield made, birth_of(made)


@pytest.mark.parametrize("number", range(LIVES))
def test_random_life_is_the_same_on_both(built, seed, number):
    made, birth = built
    with isolated(made.chain):
        pair = born(made.chain, made.world, made, birth)
        live(pair, random.Random(f"{seed} {number}"), STEPS)
        print(dict(sorted(pair.said.items())), dict(sorted(pair.refused.items())))


@pytest.mark.parametrize("name", sorted(shipped()))
def test_shipped_scenario_is_the_same_on_both(name):
    scenario = load(find(name))
    with twins(scenario.world) as pair:
        run = runner.play(scenario, pair)
    assert run.violation is None and run.failures == []
