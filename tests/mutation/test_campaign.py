"""A campaign judges each file's quota once, keeps what it knows, and loses nothing when it is stopped."""

from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import pytest

from tests.mutation import campaign, listed
from tests.mutation.judging import SAME, Verdict
from tests.mutation.mutants import Mutant
from tests.mutation.operators import Edit

FILE = "contracts/Escrow.sol"
KILLED, SURVIVED = Verdict("killed", "tests/unit/a.py::test_a"), Verdict("survived")


def mutant(number, line=1):
    edit = Edit("constant", number, number + 1, b"1", b"2", (0, 99))
    return Mutant(f"m{number}", FILE, line, "pull", edit)


class FakeJudge:
    """Says what the test wrote down, and what it was asked."""

    def __init__(self, folder):
        self.kills, self.stopped = Counter(), SimpleNamespace(set=lambda: None)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def judge(self, asked):
        FakeJudge.asked.append(asked.id)
        verdict = FakeJudge.verdicts.get(asked.id, KILLED)
        if isinstance(verdict, BaseException):
            raise verdict
        return verdict


@pytest.fixture
def play(monkeypatch, tmp_path):
    path = tmp_path / "mutants.tsv"

    def play(mutants, verdicts=None, again=False):
        FakeJudge.asked, FakeJudge.verdicts = [], verdicts or {}
        monkeypatch.setattr(campaign, "candidates", lambda: {FILE: mutants})
        monkeypatch.setattr(campaign, "ranked", lambda mutants, file: list(mutants))
        monkeypatch.setattr(campaign, "QUOTA", {FILE: 3})
        monkeypatch.setattr(campaign, "Judge", FakeJudge)
        made = campaign.Campaign(path, again=again)
        try:
            made.run(1, lambda line: None)
        finally:
            made.found = {row.id: row.verdict for row in listed.read(path).values()}
        return made

    play.path = path
    return play


def test_quota_is_filled_by_mutants_that_count(play):
    """Who does not compile, or compiles to the same, gives its place to the next."""
    verdicts = {"m0": Verdict("invalid", "Error"), "m2": Verdict("equivalent", SAME), "m4": SURVIVED}
    made = play([mutant(i) for i in range(9)], verdicts)
    assert made.found == {"m1": "killed", "m2": "equivalent", "m3": "killed", "m4": "survived"}
    assert FakeJudge.asked == ["m0", "m1", "m2", "m3", "m4"]


def test_second_run_asks_only_for_survivors(play):
    mutants = [mutant(i) for i in range(9)]
    play(mutants, {"m1": SURVIVED})
    assert play(mutants).found == {"m0": "killed", "m1": "killed", "m2": "killed"}
    assert FakeJudge.asked == ["m1"]
    play(mutants)
    assert FakeJudge.asked == []


def test_mutant_whose_function_changed_is_replaced_and_one_that_moved_is_not(play):
    play([mutant(i) for i in range(3)])
    made = play([mutant(0, line=7), mutant(1), mutant(8)])
    assert FakeJudge.asked == ["m8"] and set(made.found) == {"m0", "m1", "m8"}
    assert listed.read(play.path)["m0"].place == f"{FILE}:7"


def test_reason_written_by_hand_stays_while_the_mutant_survives(play):
    mutants = [mutant(i) for i in range(3)]
    play(mutants, {"m0": SURVIVED, "m1": SURVIVED})
    explained = {"verdict": "equivalent", "by": "both sides say the same at the boundary"}
    rows = [replace(row, **explained) if row.id in ("m0", "m1") else row for row in listed.read(play.path).values()]
    listed.write(rows, play.path)
    play(mutants)
    assert FakeJudge.asked == []
    made = play(mutants, {"m0": SURVIVED}, again=True)
    assert sorted(FakeJudge.asked) == ["m0", "m1", "m2"]
    assert listed.read(play.path)["m0"].by == explained["by"] and made.found["m1"] == "killed"
    assert [row.id for row in made.refuted] == ["m1"]


def test_broken_machinery_leaves_no_verdict(play):
    mutants = [mutant(i) for i in range(3)]
    made = play(mutants, {"m1": Verdict("broken", "Anvil died")})
    assert set(made.found) == {"m0", "m2"} and "Anvil died" in made.broken["m1"]
    play(mutants)
    assert FakeJudge.asked == ["m1"]


def test_interrupted_run_goes_on_where_it_was(play):
    mutants = [mutant(i) for i in range(3)]
    with pytest.raises(KeyboardInterrupt):
        play(mutants, {"m2": KeyboardInterrupt()})
    assert set(listed.read(play.path)) == {"m0", "m1"}
    play(mutants)
    assert FakeJudge.asked == ["m2"]
