"""The short form of benchmarks/keeper.py: what holds on any machine."""

import sys
from pathlib import Path

# By its folder: some package of the environment installs a `benchmarks` of its own.
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import keeper as bench  # noqa: E402

from plimsoll.risk import engine  # noqa: E402

SMALL, LARGE = 10_000, 40_000


def best(book, listed):
    return min(bench.seconds(lambda: engine.judge(book, listed, bench.marks(listed, round_))) for round_ in range(15))


def test_judging_everybody_grows_with_their_number_and_beats_one_by_one():
    listed = bench.terms()
    small, large = bench.book_of(SMALL), bench.book_of(LARGE)
    at_once, four_times = best(small, listed), best(large, listed)
    assert four_times < 4 * at_once * 1.6, "linear"
    sample = [account for account in small.accounts if account is not None][:200]
    marks = bench.marks(listed, 0)
    alone = min(bench.seconds(lambda: [bench.exact.margin(small, account, listed, marks) for account in sample]) for _ in range(3))
    assert at_once / SMALL < alone / len(sample) / 30, "vectorised"


def test_report_measures_in_a_child_and_compares_with_the_integers():
    title, head, row, *rest = bench.report((2_000,), 2)
    assert "2,000" in row and not rest and len(head.split()) > 8
    found = bench.measure(2_000, 2)  # verdicts of a sample are checked there
    assert 0 < found["below"] < 400 and found["MiB"] < 1_024


def test_budgets_that_are_missed_say_so():
    assert bench.within("ms", 101.0, 100.0).endswith("MISSED") and "0.50 of it" in bench.within("ms", 50.0, 100.0)
