"""The two sides of `make bench-fuzz` ask the same, and both would notice. Rates are measured there, not here."""

import re
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from plimsoll.chain.anvil import Anvil

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import fuzz_forge  # noqa: E402
import fuzz_sequences  # noqa: E402
import fuzz_threshold  # noqa: E402

CASES, DEPTH = 100, 60


@pytest.fixture(scope="module")
def forge():
    if not fuzz_forge.installed():
        pytest.skip("forge is not installed")
    fuzz_forge.compile_tests()
    return fuzz_forge


@pytest.fixture(scope="module")
def url():
    with Anvil(timestamp=fuzz_sequences.GENESIS) as anvil:
        yield anvil.url


def terms(function):
    """The numbers in the Solidity of a function, in order."""
    text = (BENCHMARKS / "foundry/ThresholdTest.sol").read_text().split(f"function {function}(")[1].split("\n    }\n")[0]
    found = re.findall(r"\b(\d[\d_]*(?:\.\d+)?)(?:e(\d+)| \*\* (\d+))?", text)
    return [int(n) ** int(power) if power else int(Decimal(n).scaleb(int(e or 0))) for n, e, power in found]


def test_missing_forge_is_said(monkeypatch):
    monkeypatch.setattr(fuzz_forge, "FORGE", BENCHMARKS / "nowhere")
    with pytest.raises(fuzz_forge.ForgeFailed, match="make setup"):
        fuzz_forge.compile_tests()


# Threshold ---------------------------------------------------------------------------------------------------------


def test_threshold_terms_are_the_same_on_both_sides():
    ours = fuzz_threshold
    leg = [ours.BASE, ours.SLOPE, ours.DEPTH, ours.FLOOR, ours.PENALTY]
    coin = [ours.HAIRCUT, ours.MAX_HAIRCUT, ours.COIN_DEPTH, ours.COIN_SCALE]
    assert [n for n in terms("_snapshot") if n > 1] == [ours.SIZE_SCALE, *leg, *coin]
    assert [n for n in terms("_bounded") if n > 1] == [2**43, 2**40, 2**43, 2**40, 10**10, 2**73]


def test_threshold_aimed_cases_are_judged_as_if_one_by_one():
    cases = fuzz_threshold.aimed(Random(1), CASES)
    assert cases == [fuzz_threshold.judged(one.case) for one in cases]
    assert sum(one.exact for one in cases) == CASES // 5


def test_threshold_is_judged_by_both_sides(forge, url):
    hits = {}
    for name in ("uniform", "aimed"):
        ours = fuzz_threshold.campaign(url, getattr(fuzz_threshold, name), 0, 1, CASES)
        theirs = forge.hits(f"testFuzz_{name}", CASES, 1)
        assert ours.cases == theirs.cases == CASES
        hits[name] = ours.hits, theirs.hits
    assert hits["uniform"] == (0, 0)
    assert min(hits["aimed"]) >= CASES // 10


def test_threshold_wrong_verdict_is_found():
    cases = fuzz_threshold.uniform(Random(1), CASES)
    with pytest.raises(fuzz_threshold.Differs, match="1 of 100 cases"):
        fuzz_threshold.check(lambda asked: [one.liquidatable != (one == cases[7]) for one in cases], cases)


# Sequences ---------------------------------------------------------------------------------------------------------


def test_sequences_have_the_same_verbs_on_both_sides():
    theirs = re.findall(r"function (\w+)\([^)]*\) external", (BENCHMARKS / "foundry/Handler.sol").read_text())
    ours = [re.sub(r"_(\w)", lambda letter: letter[1].upper(), name) for name in fuzz_sequences.VERBS]
    assert sorted(ours) == sorted(name.rstrip("_") for name in theirs)


def test_sequences_are_played_by_both_sides(forge, url):
    ours, spent = fuzz_sequences.campaign(url, 0, 1, DEPTH)
    assert ours.cases == DEPTH and min(spent.values()) > 0
    theirs = forge.fuzz("invariant_ledger", 1, 1, **fuzz_sequences.for_forge(url))
    assert theirs.cases > 0


@pytest.mark.usefixtures("forge")
def test_sequences_difference_is_found(url):
    stage = fuzz_sequences.stage(url)
    life = fuzz_sequences.Life(stage, 1, Counter())
    life.live(DEPTH)
    fuzz_sequences.compare(stage, life)
    happened = life.due.index(None)
    life.due[happened] = fuzz_sequences.Reverted("NotLiquidatable", (1, 2, 3))
    with pytest.raises(fuzz_threshold.Differs, match=f"call {happened}, .*NotLiquidatable"):
        fuzz_sequences.compare(stage, life)
    life.due[happened] = None
    life.model.give("ada", "USDC", 1)
    life.model.deposit("ada", fuzz_sequences.Account("ada"), "USDC", 1)
    with pytest.raises(fuzz_threshold.Differs, match="after the last call"):
        fuzz_sequences.compare(stage, life)
