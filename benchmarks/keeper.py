"""The keeper's figures: ours, the budget, the ratio, all in one run.

    python benchmarks/keeper.py [--sizes 1000 10000 100000 1000000] [--rounds 9]

The risk engine: every account judged anew by new prices, on one core with one thread. Each size has a process of its own, whose
memory is its peak, Python and NumPy included. Books have 3 positions an account in 16 instruments on 8 feeds and one account in four
has collateral; prices change before every round. The median of the rounds counts. What the keeper does on a chain is in
keeper_chain.py.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from plimsoll import margin_math
from plimsoll.risk import engine, exact, lines
from plimsoll.risk.book import Book, Holding
from plimsoll.risk.terms import Collateral, Feed, Funding, Instrument, Interest, Market, Marks, Price, Terms
from plimsoll.state import Position
from plimsoll.types import DAY, SIZE_UNIT, USDC, WAD

SIZES, ROUNDS = (1_000, 10_000, 100_000, 1_000_000), 9
BUDGET_SIZE, BUDGET_MS, BUDGET_MIB = 100_000, 100.0, 1_024.0
INSTRUMENTS, FEEDS, POSITIONS, AT_ONCE, SAMPLE = 16, 8, 3, 10_000, 500
START = 1_700_000_000
PRICES = [2_000 * WAD // (i + 1) for i in range(FEEDS)]
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


# What is judged ----------------------------------------------------------------------------------------------------


def terms() -> Terms:
    funding = Funding(10**15, 300_000_000, 300_000_000)
    return Terms(
        6,
        [Instrument(i % FEEDS, 60_000, 10_000, 50_000 * SIZE_UNIT, 5 * USDC, 15_000, funding) for i in range(INSTRUMENTS)],
        [Collateral(i, 100_000, 500_000, 10**24, 18) for i in range(FEEDS)],
        [Feed(8, 10**5, 10**15)] * FEEDS,
    )


def marks(listed: Terms, round_: int) -> Marks:
    """Each round has prices of its own."""
    prices = {feed: Price(price * (1_000 + round_) // 1_000) for feed, price in enumerate(PRICES)}
    markets = [Market(10**15 * i, -(10**15) * i, 5_000_000, START, 10**13) for i in range(INSTRUMENTS)]
    return Marks.at(START + 12 * (round_ + 1), listed, prices, markets, Interest().set(50_000_000, START - DAY))


def book_of(count: int) -> Book:
    """Positions at up to ten times what an account owns, so that a few are below their line and some near it."""
    random, book = Random(1), Book()
    for start in range(0, count, AT_ONCE):
        some = range(start, min(count, start + AT_ONCE))
        book.put_all({number << 96: _holding(random) for number in some})
    return book


def _holding(random: Random) -> Holding:
    capital = random.randrange(100 * USDC, 100_000 * USDC)
    positions = {}
    for i in random.sample(range(INSTRUMENTS), POSITIONS):
        worth = random.choice((-1, 1)) * random.randrange(capital // 10, 3 * capital)
        size = worth * 1_000 * WAD // PRICES[i % FEEDS]
        positions[i] = Position(size, -worth + random.randrange(-worth * worth // (30 * capital), capital // 30), 10**14 * i)
    if random.random() < 0.75:
        return Holding(capital, 0, positions)
    feed = random.randrange(FEEDS)
    debt, amount = capital // 10, capital * 10**30 * 5 // 4 // PRICES[feed]
    return Holding(-debt, 10**9, positions, {feed: amount})


# How it is measured ------------------------------------------------------------------------------------------------


def measure(count: int, rounds: int) -> dict[str, Any]:
    """In this process, on one of its cores."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    listed, started = terms(), time.perf_counter()
    book = book_of(count)
    built = time.perf_counter() - started
    verdicts = engine.judge(book, listed, marks(listed, -1))
    judged = [seconds(lambda: engine.judge(book, listed, marks(listed, round_))) for round_ in range(rounds)]
    verdicts = engine.judge(book, listed, marks(listed, rounds))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024**2 if sys.platform == "darwin" else 1024)
    return {
        "accounts": count,
        "ms": statistics.median(judged) * 1e3,
        "MiB": peak,
        "built": built,
        "below": int(verdicts.below.sum()),
        "exact": len(verdicts.exact),
        "bound": float(verdicts.bound.max()),
        **_beside(book, listed, marks(listed, rounds), verdicts),
    }


def _beside(book: Book, listed: Terms, now: Marks, verdicts: engine.Verdicts) -> dict[str, float]:
    """A sample judged in integers, one by one: how long that takes, and that nobody is judged otherwise."""
    sample = Random(2).sample([account for account in book.accounts if account is not None], min(SAMPLE, len(book)))
    found: list[margin_math.Margin] = []
    alone = seconds(lambda: found.extend(exact.margin(book, account, listed, now) for account in sample))
    for account, margin in zip(sample, found):
        assert verdicts.below[book.row(account)] == margin_math.liquidatable(margin)
    held = [book.holding(account) for account in sample]
    put = seconds(lambda: [book.put(account, one) for account, one in zip(sample, held)])
    line = seconds(lambda: lines.lines(book, listed, now, verdicts, 0))
    return {"alone_us": alone / len(sample) * 1e6, "put_us": put / len(sample) * 1e6, "lines_ms": line * 1e3}


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def in_a_child(count: int, rounds: int) -> dict[str, Any]:
    """`measure` in a process of its own, where no thread but one is started."""
    order = [sys.executable, __file__, "--child", "--sizes", str(count), "--rounds", str(rounds)]
    done = subprocess.run(order, env={**os.environ, **dict.fromkeys(THREADS, "1")}, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"measuring {count:,} accounts failed:\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def slope(found: Sequence[dict[str, Any]]) -> float:
    """d log time / d log accounts, by least squares: 1 is linear."""
    x, y = ([math.log(one[name]) for one in found] for name in ("accounts", "ms"))
    return statistics.linear_regression(x, y).slope


# What is told ------------------------------------------------------------------------------------------------------


def report(sizes: Sequence[int] = SIZES, rounds: int = ROUNDS) -> Iterator[str]:
    """What was measured, a line each."""
    yield f"risk engine: every account × {POSITIONS} positions judged anew, one core"
    yield f"{'accounts':>11}{'ms':>9}{'µs each':>9}{'MiB':>8}{'below':>9}{'by integers':>13}{'filled s':>10}{'put µs':>8}{'lines ms':>10}"
    found = []
    for count in sizes:
        one = in_a_child(count, rounds)
        found.append(one)
        share = f"{one['exact']} = {one['exact'] / count:.4%}"
        yield (
            f"{count:>11,}{one['ms']:>9.2f}{one['ms'] / count * 1e3:>9.3f}{one['MiB']:>8.0f}{one['below']:>9,}{share:>13}"
            f"{one['built']:>10.2f}{one['put_us']:>8.1f}{one['lines_ms']:>10.1f}"
        )
    if len(found) > 1:
        yield f"growth: time ∝ accounts^{slope(found):.2f} over all sizes, ^{slope(found[-2:]):.2f} over the last two"
    for one in found:
        if one["accounts"] == BUDGET_SIZE:
            yield within("re-evaluation, ms", one["ms"], BUDGET_MS)
            yield within("memory, MiB", one["MiB"], BUDGET_MIB)
            loop = one["alone_us"] * one["accounts"] / 1e3
            yield f"one account after the other in integers: {loop:,.0f} ms, {loop / one['ms']:,.0f} times as long"
            yield f"integers decide within {one['bound']:.1f} millionths of a token of the line, at most"


def within(what: str, ours: float, budget: float) -> str:
    return f"{what}: {ours:,.1f}, budget {budget:,.0f}, {ours / budget:.2f} of it{'' if ours <= budget else ': MISSED'}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="accounts")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of which the median counts")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(measure(options.sizes[0], options.rounds)))
        return 0
    import keeper_chain  # here: what a child measures is not to hold a node's client

    for line in chain(report(options.sizes, options.rounds), keeper_chain.report()):
        print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
