"""No verb becomes dearer unnoticed: gas measured anew beside the committed figures. Only the batches of wide accounts are left to
`make bench-gas`: they take longer than all the rest."""

import sys
from pathlib import Path

import pytest

# By its folder: some package of the environment installs a `benchmarks` of its own.
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import gas_figures as gas  # noqa: E402
from gas_rows import ROWS, SMALL, Stage  # noqa: E402
from gas_wide import WIDE_ROWS  # noqa: E402


@pytest.fixture(scope="module")
def figures():
    return gas.measure(batches=False)


def test_gas_every_row_is_measured(figures):
    assert not figures.unmeasured
    budgeted = set(gas.read_peers()["rows"])
    assert budgeted == set(figures.real) <= set(figures.gas) == {*ROWS, *WIDE_ROWS}
    assert all(len(gas) == len(growth.counts) for growth in figures.growth.values() for gas in growth.gas.values())


def test_gas_has_not_grown(figures):
    found = gas.grown(gas.read_committed().all(), figures.all())
    assert not found, (
        f"gas has grown by more than {gas.ALLOWED_GROWTH_PERCENT} %:\n  "
        + "\n  ".join(found)
        + "\nIf that is worth it: python benchmarks/gas.py --accept, and commit benchmarks/gas.json."
    )


@pytest.mark.parametrize("name", ["open", "withdraw, position open", "liquidate, whole"])
def test_gas_does_not_grow_with_the_number_of_accounts(figures, name):
    with gas.stage_of(Stage) as stage:
        stage.open_thin(SMALL, range(1, 41))
        assert ROWS[name](stage) == figures.gas[name], "GAS-1"


@pytest.mark.parametrize("measured, is_found", [(100_000, False), (99_000, False), (101_000, False), (101_001, True)])
def test_gas_growth_is_found_beyond_one_percent(measured, is_found):
    assert bool(gas.grown({"open": 100_000}, {"open": measured})) == is_found


def test_gas_growth_names_the_row_and_how_much():
    assert gas.grown({"open": 100_000, "close": 5}, {"open": 102_500, "close": 5}) == [
        "open: 102,500 gas, +2,500 (+2.50 %) on the committed 100,000"
    ]


def test_gas_rows_that_came_or_went_are_named():
    assert gas.grown({"gone": 1}, {"new": 1}) == ["gone: committed only", "new: measured only"]
