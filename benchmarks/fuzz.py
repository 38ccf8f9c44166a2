"""The same property, fuzzed by us and by native forge in the same run: cases a second, and how many lie exactly at the line.

    python benchmarks/fuzz.py [--seconds 5] [--rounds 3]

Both use both cores: forge as two processes, ours as two, each with an Anvil. Rounds are interleaved (forge, ours, forge, …)
and the ratio is the median of theirs: absolute figures depend on the machine and on what else runs there. Compiling and
starting do not count, for either. The exit code is 1 when forge is missing, when a property fails, or when the two differ.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import fuzz_forge
import fuzz_threshold
from fuzz_forge import CORES, ForgeFailed, Rate

from plimsoll.chain.anvil import Anvil
from plimsoll.chain.node import Chain
from plimsoll.errors import PlimsollError

COUNTED = 20_000  # cases of forge that are looked through for hits


class Row(NamedTuple):
    """target: the ratio that is due. forge, ours: a rate of every round. hits: of forge's cases that were looked through."""

    name: str
    target: float
    forge: list[Rate]
    ours: list[Rate]
    hits: Rate | None = None

    @property
    def ratio(self) -> float:
        return median(ours.per_second / forge.per_second for ours, forge in zip(self.ours, self.forge))

    def __str__(self) -> str:
        ours, forge = (median(rate.per_second for rate in rates) for rates in (self.ours, self.forge))
        met = "met" if self.ratio >= self.target else "MISSED"
        cells = f"{self.name:<22}{ours:>10,.0f}{forge:>10,.0f}{self.ratio:>8.2f}{self.target:>8.1f}  {met:<8}"
        if self.hits is None:
            return cells
        mine = median(rate.hits / rate.seconds for rate in self.ours)
        return f"{cells}{mine:>10,.0f}{forge * self.hits.hits / self.hits.cases:>10,.0f}"


def rows(seconds: int, rounds: int) -> Iterator[Row]:
    """Measures."""
    with threshold_workers() as ours:
        for name, target, test, draw in (
            ("threshold, uniform", 1.0, "testFuzz_uniform", fuzz_threshold.uniform),
            ("threshold, aimed", 1.5, "testFuzz_aimed", fuzz_threshold.aimed),
        ):
            pairs = [(fuzz_forge.fuzz(test, seconds, 10 * i), ours(draw, seconds, 10 * i)) for i in range(rounds)]
            forge, mine = map(list, zip(*pairs))
            yield Row(name, target, forge, mine, fuzz_forge.hits(test, COUNTED, 1))


@contextmanager
def threshold_workers() -> Iterator[Callable[..., Rate]]:
    """A process and an Anvil for each core, ready to judge."""
    with ExitStack() as stack:
        pool = stack.enter_context(ProcessPoolExecutor(CORES))
        chains = [Chain(stack.enter_context(Anvil())) for _ in range(CORES)]
        places = [(chain.rpc.url, chain.deploy("MathHarness").address) for chain in chains]

        def both(draw: Callable, seconds: float, seed: int) -> Rate:
            tasks = [pool.submit(fuzz_threshold.campaign, *place, draw, seconds, seed + i) for i, place in enumerate(places)]
            found = [task.result() for task in tasks]
            return Rate(sum(r.cases for r in found), max(r.seconds for r in found), sum(r.hits for r in found))

        both(fuzz_threshold.uniform, 0.1, 0)  # started and warm
        yield both


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=int, default=5, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3, help="of which the median counts")
    options = parser.parse_args()
    try:
        fuzz_forge.compile_tests()
        print(f"{'cases a second':<22}{'ours':>10}{'forge':>10}{'ratio':>8}{'target':>8}{'':10}{'E = M: ours':>10}{'forge':>10}")
        for row in rows(options.seconds, options.rounds):
            print(row, flush=True)
    except (ForgeFailed, fuzz_threshold.Differs, PlimsollError) as problem:
        print(f"not measured: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
