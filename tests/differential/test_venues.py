"""The whole protocol, contracts beside model: the same verbs give the same answers, errors and states to the last unit."""

import os
import random
from collections import Counter

import pytest

from plimsoll.chain.anvil import Anvil
from plimsoll.chain.deployment import Deployment
from plimsoll.chain.node import Chain
from plimsoll.scenarios import runner
from plimsoll.scenarios.scenario import find, load, shipped
from plimsoll.venue import Venue
from tests.differential.lives import MOODS, START, live, small_world
from tests.differential.twins import FREE, TIME_TO_BUILD, VIEWS, birth_of, born, twins
from tests.helpers import isolated

STEPS = 120
LIVES = max(1, int(os.environ.get("PLIMSOLL_LIVES", 10)) // len(MOODS))  # of each kind

# Every verb of the seam; the rare ones are not reached by every ten lives (all are by a hundred).
VERBS = {name for name in Venue.__abstractmethods__} - VIEWS - FREE - {"now"}
RARE = {"settle_halted", "deleverage", "unfreeze", "halt", "redeem", "stop_auction", "drain", "fund", "buy_collateral"}
RARE |= {"report_refusal", "liquidate", "set_sale_order", "move_cash"}


@pytest.fixture(scope="module")
def built():
    world = small_world()
    with Anvil(timestamp=START - TIME_TO_BUILD) as anvil:
        made = Deployment.deploy(Chain(anvil), world)
        yield made, birth_of(made), Counter(), Counter()


@pytest.mark.parametrize("number", range(LIVES))
@pytest.mark.parametrize("mood", MOODS)
def test_random_life_is_the_same_on_both(built, seed, mood, number):
    made, birth, said, refused = built
    with isolated(made.chain):
        pair = born(made.chain, made.world, made, birth)
        live(pair, random.Random(f"{seed} {mood} {number}"), STEPS, mood)
    said.update(pair.said)
    refused.update(pair.refused)


def test_random_lives_reached_the_verbs_and_errors_that_matter(built):
    """Whatever is compared here only counts where it happened."""
    _, _, said, refused = built
    print(f"\n{dict(sorted(said.items()))}\n{dict(sorted(refused.items()))}")
    assert VERBS <= set(said) | RARE
    assert len(refused) >= 30


@pytest.mark.parametrize("name", sorted(shipped()))
def test_shipped_scenario_is_the_same_on_both(name):
    scenario = load(find(name))
    with twins(scenario.world) as pair:
        run = runner.play(scenario, pair)
    assert run.violation is None and run.failures == []
