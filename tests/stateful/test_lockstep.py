"""The contracts beside the specification: random lives of the whole protocol in the fast lane, and accounts at every kind of line.
`make fuzz` is the long form."""

import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from plimsoll.fuzz import campaign
from plimsoll.fuzz.campaign import Result, Task
from plimsoll.fuzz.life import MOODS, Life
from plimsoll.fuzz.lines import LINES
from plimsoll.fuzz.lockstep import compare
from plimsoll.fuzz.reach import REACHABLE, UNREACHED
from plimsoll.fuzz.scribe import MAY_HAPPEN, Scribe
from plimsoll.fuzz.threshold import KINDS
from plimsoll.fuzzing import open_bench

ROOT = Path(__file__).resolve().parents[2]
STEPS, CASES = 20_000, 200_000
MACHINES, RULES_OF_A_MACHINE = 100, 40


@pytest.fixture(scope="module")
def bench():
    with open_bench() as opened:
        yield opened


def played(bench, kind, seed, enough):
    total, number = Result(), 0
    while total.held and not enough(total):
        total.add(campaign.perform(bench, Task(kind, seed, number)))
        number += 1
    return total


def test_lives_are_the_same_on_contracts_and_model(bench, seed):
    """Every answer and refusal, the state at the end, and the invariants on the way; what they are worth is what they reached."""
    done = played(bench, "lives", seed, lambda total: total.steps >= STEPS)
    assert done.held, "\n".join(str(finding) for _, finding in done.findings)
    assert done.steps >= STEPS and done.lives >= 80
    reach = done.reach
    assert set(reach.rules) == set(Life.rules())
    assert MAY_HAPPEN <= set(reach.verbs), MAY_HAPPEN - set(reach.verbs)
    assert len(set(REACHABLE) & set(reach.errors)) >= len(REACHABLE) - 3, set(REACHABLE) - set(reach.errors)
    assert all(reach.lines[line] > 0 for line in LINES), reach.lines


def test_accounts_at_a_line_are_judged_as_is_due(bench, seed):
    done = played(bench, "threshold", seed, lambda total: total.cases >= CASES)
    assert done.held, "\n".join(miss for _, miss in done.misses)
    assert done.cases >= CASES
    assert sum(done.hits.values()) >= done.cases / 20, "less than 5 % of the cases stood on the line"
    assert all(done.hits[kind] > done.cases / 100 for kind in KINDS), done.hits


def test_every_error_of_the_interfaces_is_reachable_or_has_its_reason():
    """(`make fuzz` says which of the reachable ones a campaign has met.)"""
    sources = [path.read_text() for path in (ROOT / "interfaces").glob("*.sol")]
    declared = {name for text in sources for name in re.findall(r"^ +error (\w+)\(", text, re.MULTILINE)}
    explained = Counter(name for names in UNREACHED.values() for name in names)
    assert not set(explained) & set(REACHABLE)
    assert max(explained.values()) == 1
    assert declared <= set(explained) | set(REACHABLE), declared - set(explained) - set(REACHABLE)
    assert set(explained) <= declared, set(explained) - declared


# The same rules, drawn by Hypothesis --------------------------------------------------------------------------------


class Protocol(RuleBasedStateMachine):
    """One life; its end is the comparison. A failure shrinks to the fewest rules."""

    bench = None

    @initialize(mood=st.sampled_from(sorted(MOODS)), random=st.randoms(use_true_random=False))
    def begin(self, mood, random):
        self.scribe = Scribe(self.bench.model())
        self.life = Life(self.scribe, random, mood)
        self.life.begin()

    def teardown(self):
        if hasattr(self, "scribe"):
            finding = compare(self.bench, self.scribe)
            assert finding is None, str(finding)


def _rule(name):
    def do(self, random):
        self.life.rng = random
        self.life.do(name)
        assert not self.scribe.broken, self.scribe.broken

    do.__name__ = name
    ready = precondition(lambda self: hasattr(self, "life"))
    return rule(random=st.randoms(use_true_random=False))(ready(do))


for _name in Life.rules():
    setattr(Protocol, f"do_{_name}", _rule(_name))


def test_lives_that_hypothesis_draws_are_the_same_on_contracts_and_model(bench):
    Machine = type("Machine", (Protocol,), {"bench": bench})
    run_state_machine_as_test(
        Machine, settings=settings(max_examples=MACHINES, stateful_step_count=RULES_OF_A_MACHINE, deadline=None)
    )
