"""Each wrong example is found by the property that is meant, in seconds and in a few lines; the right one passes all."""

import pytest

import examples
from examples.step_by_step import OneByOne
from plimsoll import cli
from plimsoll.properties import ALL, check

LAWS = {law.name: law for law in ALL}
BOUNDARY, RATIO, SPLITTING = "exact_boundary", "verdict_follows_ratio", "no_gain_by_splitting"

# The property that is meant, and others that the same mistake may break as well.
WRONG = {
    "wrong_boundary": (BOUNDARY, {RATIO}),
    "wrong_rounding": (SPLITTING, {BOUNDARY, "monotone_in_price"}),
    "wrong_stale": ("stale_price_refused", set()),
    "wrong_seizure": ("seized_is_deducted", set()),
    "wrong_portion": ("liquidation_restores", set()),
    "wrong_cast": ("monotone_in_size", {BOUNDARY, SPLITTING}),
}


def test_right_example_passes_all():
    with examples.right() as adapter:
        report = check(adapter, seconds=4)
    assert report.held, report
    assert all(finding.hits * 20 >= finding.trials > 0 for finding in report.findings), report


@pytest.mark.parametrize("name", WRONG)
def test_wrong_example_is_found_within_ten_seconds_in_a_few_lines(name):
    meant, _ = WRONG[name]
    found: list[float] = []
    with getattr(examples, name)() as adapter:
        report = check(adapter, [LAWS[meant]], 10, 0, lambda so_far: found.extend([so_far.seconds] * bool(so_far.failed)))
    assert meant in report.failed, report
    assert found[0] < 10 and 0 < len(report.failed[meant]) <= 6, report


@pytest.mark.parametrize("name", WRONG)
def test_wrong_example_breaks_what_is_meant_and_nothing_unrelated(name):
    meant, also = WRONG[name]
    with getattr(examples, name)() as adapter:
        report = check(adapter, seconds=2)
    assert set(report.failed) <= {meant} | also, report


def test_counterexample_is_as_small_as_a_hand_would_write_it():
    with examples.wrong_boundary() as adapter:
        report = check(adapter, [LAWS[BOUNDARY]], seed=7)
    assert report.failed == {
        BOUNDARY: [
            "collateral 1 · size 1 · price 1",
            "the rule: equity 1, maintenance 1: safe",
            "the contract: liquidatable",
        ]
    }


def test_stale_price_is_found_at_the_very_second():
    with examples.wrong_stale() as adapter:
        report = check(adapter, [LAWS["stale_price_refused"]])
    assert "price 61 s old, the oldest allowed is 60 s" in report.failed["stale_price_refused"]


def test_plain_adapter_of_mined_transactions_agrees():
    """The same contracts stated verb by verb."""
    with OneByOne() as right:
        report = check(right, seconds=0)
    assert not report.failed, report
    with OneByOne("WrongBoundary") as wrong:
        report = check(wrong, [LAWS[BOUNDARY], LAWS[RATIO]], seconds=5)
    assert set(report.failed) == {BOUNDARY, RATIO}, report


def test_command_shows_the_counterexample_and_is_1(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    code = cli.main(["properties", "examples.wrong_boundary", "--only", BOUNDARY])
    said = capsys.readouterr().out
    assert code == cli.FAILED and "the contract: liquidatable" in said and "1 failed in" in said


def test_command_on_the_right_example_is_0(capsys):
    assert cli.main(["properties", "examples.right", "--seconds", "1", "--only", BOUNDARY]) == cli.HELD
    assert "nothing failed" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments, complaint",
    [
        (["examples.nothing"], "cannot be found"),
        (["examples.adapter.rule_"], "cannot be found"),
        (["plimsoll.errors.PlimsollError"], "not a MarginAdapter"),
        (["examples.right", "--only", "exact"], "there is no property exact. There are: exact_boundary"),
    ],
)
def test_command_on_a_wrong_name_is_2(arguments, complaint, capsys):
    assert cli.main(["properties", *arguments]) == cli.BAD_INPUT
    assert complaint in " ".join(capsys.readouterr().err.split())
