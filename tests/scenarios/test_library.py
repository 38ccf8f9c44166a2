"""The shipped scenarios on the real contracts: every invariant after every step, and every expectation at the end."""

import pytest

from plimsoll import cli
from plimsoll.invariants import INVARIANTS
from plimsoll.scenarios import report, runner
from plimsoll.scenarios.scenario import find, load, shipped


def played(scenario):
    with cli.anvil_venue(scenario.world) as venue:
        return runner.play(scenario, venue)


@pytest.mark.parametrize("name", sorted(shipped()))
def test_shipped_scenario_holds_on_the_contracts(name, tmp_path):
    run = played(load(find(name)))
    assert run.violation is None, str(run.violation)
    assert run.failures == []
    assert run.checks == len(INVARIANTS) * len(run.events)
    assert "Everything held." in report.write(run, tmp_path).read_text()


def test_run_on_the_chain_is_the_same_twice():
    first, second = (played(load(find("stale_feed"))) for _ in range(2))
    assert [(e.time, e.title, e.detail) for e in first.events] == [(e.time, e.title, e.detail) for e in second.events]
    assert first.states == second.states
