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


def test_theft_from_the_escrow_ends_the_run_at_its_step():
    scenario = load(find("flash_wick"))
    answers = []

    with cli.anvil_venue(scenario.world) as venue:
        tell = venue.set_price

        def steal_one(feed, price):
            tell(feed, price)
            answers.append(feed)
            if len(answers) == 5:
                escrow, usdc = venue.deployment.escrow, venue.deployment.settlement
                venue.chain.rpc("anvil_impersonateAccount", escrow.address)
                usdc.transfer("0x" + "57" * 20, 1, sender=escrow.address)

        venue.set_price = steal_one
        run = runner.play(scenario, venue)
    assert run.violation is not None and run.violation.step == len(run.events)
    assert run.violation.violations[0].startswith("ESC-1 violated: escrow holds ")
    assert sum(event.act.verb == "set_price" for event in run.events) == 5
