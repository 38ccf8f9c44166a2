"""The library itself, on a margin contract of a few lines of Python: it sees every planted bug, and nothing where none is."""

from itertools import pairwise
from random import Random

import pytest

from plimsoll.properties import ALL, Range, check
from plimsoll.properties.aim import Bench, Seed
from tests.examples.plain_margin import PlainMargin

LAWS = {law.name: law for law in ALL}
FOUND_BY = {
    "boundary": "exact_boundary",
    "rounding": "no_gain_by_splitting",
    "stale": "stale_price_refused",
    "seizure": "seized_is_deducted",
    "portion": "liquidation_restores",
    "cast": "monotone_in_size",
    "shorts gain": "monotone_in_price",
    "anyone": "liquidates_exactly_those",
}


@pytest.mark.parametrize("states_rule", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_right_margin_holds(states_rule, seed):
    report = check(PlainMargin(states_rule=states_rule), seconds=0.7, seed=seed)
    assert report.held, report
    assert [f.law.name for f in report.findings if f.missing] == ([] if states_rule else ["exact_boundary"])


@pytest.mark.parametrize("bug", FOUND_BY)
@pytest.mark.parametrize("seed", range(3))
def test_bug_is_found_whatever_the_seed(bug, seed):
    report = check(PlainMargin(bug), [LAWS[FOUND_BY[bug]]], seconds=10, seed=seed)
    assert FOUND_BY[bug] in report.failed, report
    assert len(report.failed[FOUND_BY[bug]]) <= 6


def test_bug_is_found_without_a_rule():
    report = check(PlainMargin("rounding", states_rule=False), [LAWS["no_gain_by_splitting"]])
    assert report.failed


@pytest.mark.parametrize("bug", ["boundary", "rounding", "cast"])
def test_same_seed_finds_the_same(bug):
    first, second = (check(PlainMargin(bug), [LAWS[FOUND_BY[bug]]], seed=5) for _ in range(2))
    assert first.failed == second.failed != {}
    assert [f.trials for f in first.findings] == [f.trials for f in second.findings]


def test_accounts_that_cannot_be_opened_are_passed_over():
    report = check(PlainMargin("refuses large"), seconds=0.7)
    assert not report.failed, report


def test_line_out_of_reach_is_said_and_does_not_count_as_held():
    adapter = PlainMargin()
    adapter.collateral = Range(10**30, 10**31)  # so much that no account is ever liquidatable
    report = check(adapter, [LAWS["exact_boundary"], LAWS["monotone_in_price"]], seconds=0.2)
    assert {finding.verdict for finding in report.findings} == {"blind"} and not report.held
    assert "blind (0 trials, 0 at the line)" in str(report)


def test_clock_that_is_not_stated_is_not_asked():
    adapter = PlainMargin("stale")
    adapter.max_price_age = None
    report = check(adapter, [LAWS["stale_price_refused"]], seconds=0.2)
    assert report.held and report.findings[0].missing == "max_price_age"


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("knob", ["collateral", "price", "size"])
def test_crossing_is_the_last_safe_case_beside_the_first_liquidatable(knob, own):
    """By steps of the range, and by the contract's own verdict where that is asked for."""
    adapter = PlainMargin("boundary")
    adapter.collateral, adapter.size = Range(0, 9 * 10**14, 3), Range(2, 10**9, 2)
    bench, random = Bench(adapter), Random(3)
    seeds = [bench.draw(random, own)._replace(knob=knob) for _ in range(100)]
    found = [crossing for crossing in bench.crossings(seeds) if crossing]
    assert len(found) > 10
    verdicts = bench.verdicts(own)
    for crossing in found:
        assert verdicts([crossing.safe, crossing.sunk]) == [False, True]
        values = sorted(abs(getattr(case, knob)) for case in crossing[:2])
        assert values[1] - values[0] == bench.range_of(knob).step
        assert values[0] % bench.range_of(knob).step == 0 or knob == "price"
        near = sorted({abs(getattr(case, knob)) for case in bench.around(crossing)})
        assert all(b - a == bench.range_of(knob).step for a, b in pairwise(near)) and len(near) <= 6


def test_drawn_case_lies_in_its_ranges():
    adapter = PlainMargin()
    adapter.shorts, adapter.price = False, Range(50, 10_050, 100)
    bench, random = Bench(adapter), Random(3)
    for seed in (bench.draw(random, False) for _ in range(500)):
        assert isinstance(seed, Seed) and seed.case.size >= 1 and 0 <= seed.case.collateral <= 10**15
        assert all(50 <= price <= 10_050 and price % 100 == 50 for price in (seed.case.entry, seed.case.price))
