"""The figures of docs/gas.md are those that are measured."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import gas_trace  # noqa: E402

TOLERANCE_PERCENT = 1


@pytest.fixture(scope="module")
def made():
    """Each trace also proves that what it counts is what the receipt charged."""
    return gas_trace.blocks()


def test_gas_page_has_every_block_once(made):
    assert [name for name, _ in gas_trace.BLOCK.findall(gas_trace.PAGE.read_text())] == list(made)


def test_gas_page_is_what_the_trace_says(made):
    for name, text in gas_trace.BLOCK.findall(gas_trace.PAGE.read_text()):
        off = different(text, made[name])
        assert not off, f"docs/gas.md, {name}: {off}. Run: python benchmarks/gas_trace.py --write"


def different(text, due):
    """The words that differ; numbers do by more than is tolerated."""
    pairs = list(zip(text.split(), due.split()))
    return [pair for pair in pairs if not same(*pair)] or (len(text.split()) != len(due.split()))


def same(word, due):
    found, expected = number(word), number(due)
    if found is None or expected is None:
        return word == due
    return abs(found - expected) * 100 <= abs(expected) * TOLERANCE_PERCENT


def number(word):
    try:
        return float(word.strip("()").replace(",", ""))
    except ValueError:
        return None


@pytest.mark.parametrize(
    "text, is_found", [("loads 1,010", False), ("loads 1,011", True), ("stores 1,000", True), ("loads", True)]
)
def test_gas_page_difference_is_found_beyond_one_percent(text, is_found):
    assert bool(different(text, "loads 1,000")) == is_found
