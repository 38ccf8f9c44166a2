"""The same property, fuzzed by us and by native forge in the same run: cases a second, and how many lie exactly at the line.

    python benchmarks/fuzz.py [--seconds 5] [--rounds 3]

Threshold: one position is liquidatable exactly when E < M, drawn uniformly, and aimed at the line. Sequences: calls of the
whole protocol, its invariants asserted after each; our side compares every call with the model.

Both use both cores: forge as two processes, ours as two, each with an Anvil. Rounds are interleaved (forge, ours, forge, …)
and the ratio is the median of theirs: absolute figures depend on the machine and on what else runs there. Compiling and
starting do not count, for either. A target that is missed is shown, not punished: the exit code is 1 when forge is missing,
when a property fails, or when contracts and model differ.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import fuzz_forge
import fuzz_sequences
import fuzz_threshold
from fuzz_forge import CORES, ForgeFailed, Rate

from plimsoll.chain.anvil import Anvil
from plimsoll.errors import PlimsollError

COUNTED = 20_000  # cases of forge that are looked through for hits
HEAD = f"{'a second':<22}{'ours':>10}{'forge':>10}{'ratio':>8}{'target':>8}  {'':<6}{'E = M: ours':>12}{'forge':>8}"


class Row(NamedTuple):
    """target: the ratio that is due. rounds: forge's rate and ours. hits: of forge's cases that were looked through."""

    name: str
    target: float
    rounds: list[tuple[Rate, Rate]]
    hits: Rate | None = None

    @property
    def ratio(self) -> float:
        return median(ours.per_second / forge.per_second for forge, ours in self.rounds)

    def __str__(self) -> str:
        forge, ours = (median(rate.per_second for rate in rates) for rates in zip(*self.rounds))
        met = "met" if self.ratio >= self.target else "MISSED"
        cells = f"{self.name:<22}{ours:>10,.0f}{forge:>10,.0f}{self.ratio:>8.2f}{self.target:>8.1f}  {met:<6}"
        if self.hits is None:
            return cells
        mine = median(rate.hits / rate.seconds for _, rate in self.rounds)
        return f"{cells}{mine:>12,.0f}{forge * self.hits.hits / self.hits.cases:>8,.0f}"


class Workers:
    """A process of ours and an Anvil for each core."""

    def __init__(self, stack: ExitStack) -> None:
        self._pools = [stack.enter_context(ProcessPoolExecutor(1)) for _ in range(CORES)]
        self._urls = [stack.enter_context(Anvil(timestamp=fuzz_sequences.GENESIS)).url for _ in range(CORES)]
        self.spent: Counter[str] = Counter()  # seconds of the sequences, by what they went into

    def threshold(self, draw: fuzz_threshold.Draw, seconds: float, seed: int) -> Rate:
        return _sum(self._all(fuzz_threshold.campaign, draw, seconds, seed=seed))

    def sequences(self, seconds: float, seed: int) -> Rate:
        found = self._all(fuzz_sequences.campaign, seconds, seed=seed)
        for _, spent in found:
            self.spent.update(spent)
        return _sum([rate for rate, _ in found])

    def for_forge(self) -> dict[str, str]:
        """The environment of forge's sequences: they start where ours do."""
        return self._pools[0].submit(fuzz_sequences.for_forge, self._urls[0]).result()

    def _all(self, campaign: Callable[..., Any], *args: Any, seed: int) -> list[Any]:
        """On every core at once, each with a seed of its own."""
        pairs = enumerate(zip(self._pools, self._urls))
        tasks = [pool.submit(campaign, url, *args, seed + core) for core, (pool, url) in pairs]
        return [task.result() for task in tasks]


@contextmanager
def workers() -> Iterator[Workers]:
    """Started and warm."""
    with ExitStack() as stack:
        found = Workers(stack)
        found.threshold(fuzz_threshold.uniform, 0.1, 0)
        found.sequences(0.1, 0)
        found.spent.clear()
        yield found


def _sum(rates: list[Rate]) -> Rate:
    return Rate(sum(one.cases for one in rates), max(one.seconds for one in rates), sum(one.hits for one in rates))


def rows(ours: Workers, seconds: int, rounds: int) -> Iterator[Row]:
    """Measures."""
    for name, target, test, draw in (
        ("threshold, uniform", 1.0, "testFuzz_uniform", fuzz_threshold.uniform),
        ("threshold, aimed", 1.5, "testFuzz_aimed", fuzz_threshold.aimed),
    ):
        done = [
            (fuzz_forge.fuzz(test, seconds, seed), ours.threshold(draw, seconds, seed))
            for seed in range(1, 1 + CORES * rounds, CORES)
        ]
        yield Row(name, target, done, fuzz_forge.hits(test, COUNTED, 1))
    start = ours.for_forge()
    done = [
        (fuzz_forge.fuzz("invariant_ledger", seconds, seed, **start), ours.sequences(seconds, seed))
        for seed in range(1, 1 + CORES * rounds, CORES)
    ]
    yield Row("sequences", 0.5, done)


def profile(spent: Counter[str]) -> str:
    whole = sum(spent.values())
    return " · ".join(f"{what} {100 * seconds / whole:.0f} %" for what, seconds in spent.most_common())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=int, default=5, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3, help="of which the median counts")
    options = parser.parse_args()
    try:
        fuzz_forge.compile_tests()
        print(HEAD)
        with workers() as ours:
            for row in rows(ours, options.seconds, options.rounds):
                print(row, flush=True)
            print(f"\ntime of our sequences: {profile(ours.spent)}")
    except (ForgeFailed, fuzz_threshold.Differs, PlimsollError) as problem:
        print(f"not measured: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
