"""Fuzzing without a chain: a second model with a bug in it stands for the contracts. What is found is shrunk, saved and replayed."""

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice

import pytest

from plimsoll import cli, fuzzing, margin_math
from plimsoll.errors import NodeDead, Reverted
from plimsoll.fuzz import campaign, threshold
from plimsoll.fuzz.campaign import Result, Task, lived, tasks
from plimsoll.fuzz.life import MOODS, small_world
from plimsoll.fuzz.lockstep import STATE, Bench, differs
from plimsoll.fuzzing import as_scenario, save
from plimsoll.model import ledger, liquidation_math, oracle, parameters
from plimsoll.model.venue import ModelVenue
from plimsoll.scenarios import runner
from plimsoll.scenarios.calls import Say
from plimsoll.scenarios.scenario import load

WORLD = small_world()


def model():
    return ModelVenue(WORLD)


def play(calls):
    venue = model()
    return [call.on(venue) for call in calls]


def judge(snapshots, kinds):
    return [threshold.edge(snapshot, kind).due for snapshot, kind in zip(snapshots, kinds)]


@pytest.fixture
def bench():
    """Both sides are right."""
    return Bench(WORLD, model, play, judge)


# Bugs planted in the side that stands for the contracts: (module, name, what it is instead) -----------------------------


def at_the_line(margin):
    """`<=` for `<`"""
    return margin.maintenance > 0 and margin.equity <= margin.maintenance


def strictly_above(margin, open_debt_limit_e6):
    """`>` for `>=`"""
    debt = margin_math.debt(margin) * 10**6
    return margin_math.backing(margin) > margin.initial and debt <= margin.collateral * open_debt_limit_e6


def for_the_trader(leg, units, size_scale):
    """rounded down for up"""
    side = 1 if leg.size > 0 else -1
    return side * units * leg.mid // size_scale


def a_second_early(house, feed, said, max_age=None, right=oracle.worth):
    """`>=` for `>` in the age of an answer"""
    return right(house, feed, said, max_age and max_age - 1)


PLANTED = [
    (margin_math, "liquidatable", at_the_line),
    (margin_math, "meets_initial", strictly_above),
    (liquidation_math, "proceeds", for_the_trader),
    (oracle, "worth", a_second_early),
]


@pytest.fixture
def planted(monkeypatch):
    """A bench whose contracts have the bug."""

    def plant(module, name, wrong):
        def play_wrongly(calls):
            with monkeypatch.context() as patch:
                patch.setattr(module, name, wrong)
                return play(calls)

        return Bench(WORLD, model, play_wrongly, judge)

    return plant


@pytest.mark.parametrize(("module", "name", "wrong"), PLANTED, ids=[name for _, name, _ in PLANTED])
def test_planted_bug_is_found_shrunk_and_replayed(planted, monkeypatch, tmp_path, module, name, wrong):
    bench, found = planted(module, name, wrong), Result()
    for task in islice(tasks(1, ["lives"]), 20):
        found.add(campaign.perform(bench, task))
        if not found.held:
            break
    [(task, finding)] = found.findings
    scenario = load(tmp_path / save(tmp_path, finding, task.seed, task.number))
    assert sum(isinstance(step.act, Say) for step in scenario.steps) <= 6
    assert runner.play(scenario, model()).held
    monkeypatch.setattr(module, name, wrong)
    assert not runner.play(scenario, model()).held
    assert "--seed 1 --only lives --task" in scenario.source


def test_right_contracts_are_left_in_peace(bench):
    assert campaign.perform(bench, Task("lives", 1, 0)).held
    assert campaign.perform(bench, Task("threshold", 1, 0)).held


def test_finding_keeps_going_wrong_when_it_is_said_anew(planted):
    bench = planted(*PLANTED[0])
    [(_, finding)] = campaign.perform(bench, Task("lives", 1, 0)).findings
    assert differs(bench, [call for call in finding.calls if call != STATE]) is not None


def test_line_is_counted_only_where_the_penalty_is_the_whole_equity():
    """What the lives say they met at φN = E, counted anew from the accounts themselves."""
    said = exact = 0
    for number in range(12):
        scribe = lived(Bench(WORLD, model, play, judge), random.Random(f"penalty {number}"), "falling")
        said += scribe.reach.lines["φN = E"]
        anew = model()
        for call in scribe.calls:
            exact += call.verb == "liquidate" and owes_all_of_it(anew, call.args[1])
            call.on(anew)
    assert 0 < said <= exact, f"{said} were counted, {exact} were there"


def owes_all_of_it(venue, account):
    try:
        snapshot, _ = ledger.load(venue.house, venue.account_id(account), {}, strict=False)
    except Reverted:
        return False
    equity = margin_math.judge(snapshot).equity
    return bool(snapshot.legs) and equity == margin_math.judge(threshold.rich(snapshot)).penalty


# When the specification itself is wrong ----------------------------------------------------------------------------


def generous(house, account, amount, right=ledger.post):
    """A unit out of thin air with every fee: a state that cannot be."""
    return right(house, account, amount + 1 if amount < 0 else amount)


def half(margin, whole, target, right=liquidation_math.fraction):
    """Half of what is due is closed: only the step itself shows it."""
    return max(1, right(margin, whole, target) // 2)


def at_once(house, caller, instrument, spec, reduce_only):
    """A new base without notice: only the step itself shows it."""
    parameters.require_owner(house, caller)
    parameters._change(house, instrument, spec, reduce_only)
    return house.now


@pytest.mark.parametrize(
    ("module", "name", "wrong", "broken"),
    [(parameters, "set_instrument", at_once, "ADM-1"), (ledger, "post", generous, "LED-2"), (liquidation_math, "fraction", half, "LIQ-2")],
)
def test_broken_invariant_is_found_shrunk_and_replayed(monkeypatch, tmp_path, module, name, wrong, broken):
    monkeypatch.setattr(module, name, wrong)
    found, bench = Result(), Bench(WORLD, model, play, judge)
    for task in islice(tasks(1, ["lives"]), 20):
        found.add(campaign.perform(bench, task))
        if not found.held:
            break
    [(task, finding)] = found.findings
    assert broken in str(finding)
    scenario = load(tmp_path / save(tmp_path, finding, task.seed, task.number))
    assert sum(isinstance(step.act, Say) for step in scenario.steps) <= 6
    assert broken in str(runner.play(scenario, model()).violation)


# Accounts at a line ------------------------------------------------------------------------------------------------


def test_wrong_verdict_at_a_line_is_shrunk_to_one_position():
    def wrong(snapshots, kinds):
        """Never liquidatable at one unit below."""
        return [due & ~2 if kind == 0 else due for due, kind in zip(judge(snapshots, kinds), kinds)]

    done = campaign.perform(Bench(WORLD, model, play, wrong), Task("threshold", 1, 0))
    [(_, miss)] = done.misses
    assert "at the line E = M, cash moved by -1" in miss
    assert miss.count("Leg(") == 1 and "Coin(" not in miss


def test_every_batch_stands_on_every_line():
    edges = threshold.batch(random.Random(3))
    exact = threshold.hits(edges)
    assert set(exact) == set(threshold.KINDS)
    assert sum(exact.values()) >= len(edges) * len(threshold.OFFSETS) / 20


# Scenario files ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mood", MOODS)
def test_saved_life_is_read_back_as_it_was_said(bench, tmp_path, mood):
    scribe = lived(bench, random.Random(mood), mood)
    finding = differs(Bench(WORLD, model, lambda calls: [*play(calls[:-1]), None], judge), scribe.calls)
    path = tmp_path / "life.yaml"
    path.write_text(as_scenario(finding, "a life"))
    scenario = load(path)
    assert scenario.world == WORLD
    said = [call for call in scribe.calls if call.verb != "advance_to"]
    read = [step.act.call for step in scenario.steps if isinstance(step.act, Say)]
    assert plain(read) == plain(said[len(said) - len(read) :]) and len(said) - len(read) <= 40
    assert runner.play(scenario, model()).held


def plain(value):
    return tuple(map(plain, value)) if isinstance(value, (list, tuple)) else value


# Campaigns ---------------------------------------------------------------------------------------------------------


def test_campaign_is_the_same_on_any_number_of_workers(bench):
    done = []
    for workers in (1, 3):
        with ThreadPoolExecutor(workers) as executor:
            todo = islice(tasks(7), 4)
            done.append(campaign.run(executor, Opened(bench), todo, workers))
    assert done[0].held and done[0].steps > 500 and done[0].cases > 5_000
    assert (done[0].steps, done[0].cases, done[0].hits, done[0].reach) == (
        *(done[1].steps, done[1].cases, done[1].hits, done[1].reach),
    )


def test_campaign_ends_with_its_first_finding(planted):
    with ThreadPoolExecutor(1) as executor:
        done = campaign.run(executor, Opened(planted(*PLANTED[0])), tasks(1), 1)
    assert len(done.findings) == 1


class Opened:
    """As a function that opens a bench."""

    def __init__(self, bench):
        self.bench = bench

    def __call__(self):
        return self

    def __enter__(self):
        return self.bench

    def __exit__(self, *_):
        return None


def test_chain_that_dies_loses_nothing_of_what_was_done(bench, monkeypatch, capsys):
    class Dying(Opened):
        def __enter__(self):
            deaths = iter([False, True])

            def play_or_die(calls):
                if next(deaths, True):
                    raise NodeDead("http://127.0.0.1:1", "gone")
                return play(calls)

            return replace(self.bench, play=play_or_die)

    monkeypatch.setattr(fuzzing, "open_bench", Dying(bench))
    monkeypatch.setattr(fuzzing, "_executor", lambda options: ThreadPoolExecutor(1))
    assert cli.main(["fuzz", "--seed", "1", "--jobs", "1"]) == cli.NO_CHAIN
    said = capsys.readouterr()
    assert "does not answer" in said.err and "seed 1" in said.out and "verdicts" in said.out


def test_scheduler_that_is_not_there_is_a_clear_error(capsys):
    assert cli.main(["fuzz", "--scheduler", "tcp://127.0.0.1:1", "--minutes", "0.01", "--seed", "1"]) == cli.NO_CHAIN
    assert "Dask" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [["--minutes", "0"], ["--jobs", "0"], ["--minutes", "soon"], ["--only", "all"], ["--task", "-1"]])
def test_wrong_options_are_refused(wrong, capsys):
    with pytest.raises(SystemExit) as refused:
        cli.main(["fuzz", *wrong])
    assert refused.value.code == 2 and wrong[0] in capsys.readouterr().err

