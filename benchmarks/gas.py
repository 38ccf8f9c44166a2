"""Gas of every verb: ours, our budget, the best of our peers; then wide accounts, growth, and what deployment costs.

    python benchmarks/gas.py              measure and print
    python benchmarks/gas.py --accept     and make the figures those that tests/unit/test_gas.py compares with

How it is measured: gas_figures.py. Where a row's gas goes: gas_trace.py. What is over budget is shown, not punished: the exit
code is 1 only when a row could not be measured.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

from gas_figures import COMMITTED, HERE, Figures, accept, change, measure, read_committed, read_peers
from gas_rows import ROWS
from gas_wide import WIDE_ROWS, Growth, picture

from plimsoll.errors import PlimsollError

PRICE_READ_OF_PEERS = 13_540
MAX_CODE_BYTES = 24_576  # EIP-170


def report(figures: Figures, committed: Figures) -> Iterator[str]:
    """The lines that are printed."""
    yield from table(figures)
    yield ""
    yield "further, without a budget"
    rows = read_peers()["rows"]
    yield from (_line(figures, name) for name in [*ROWS, *WIDE_ROWS] if name not in rows)
    yield ""
    yield from _batches(figures)
    for held, growth in figures.growth.items():
        yield ""
        yield from grows(held, growth)
        yield from picture(growth)
    yield ""
    yield from _sizes(figures)
    yield from _changed(committed.all(), figures.all())
    yield from (f"NOT MEASURED: {name}: {why}" for name, why in figures.unmeasured.items())


def table(figures: Figures) -> Iterator[str]:
    """The rows that have a budget."""
    peers = read_peers()
    rows = peers["rows"]
    yield f"{'gas':<40}{'ours':>10}{'budget':>10}{'ratio':>7}   {'best perp peer':<15}{'gas':>9}{'ratio':>7}{'real feed':>12}"
    for name, figure in rows.items():
        best = min((sum(figure[peer]), peer) for peer in peers["perps"] if peer in figure)
        beside = _beside(figures, name, figure["budget"]), _beside(figures, name, best[0])
        yield f"{_line(figures, name)}{beside[0]}   {best[1]:<14}{beside[1]}{_number(figures.real.get(name)):>12}"
    over = [name for name in rows if figures.gas.get(name, 0) > rows[name]["budget"] * 1_000]
    yield ""
    yield f"over budget: {len(over)} of {len(rows)} rows"
    ours, real = figures.price_read
    yield f"a price read, cold: {ours:,} gas, as the peers' feed was made ({PRICE_READ_OF_PEERS:,}); a real one {real:,}"


def _line(figures: Figures, name: str) -> str:
    return f"{name:<40}{_number(figures.gas.get(name)):>10}"


def _number(gas: int | None) -> str:
    return "–" if gas is None else f"{gas:,}"


def _beside(figures: Figures, name: str, thousands: float) -> str:
    """Another's gas and the ratio of ours to it; below 1 is better."""
    ours = figures.gas.get(name)
    ratio = "–" if ours is None else f"{ours / (thousands * 1_000):.2f}"
    return f"{thousands * 1_000:>10,.0f}{ratio:>7}"


def _batches(figures: Figures) -> Iterator[str]:
    yield "batches of a hundred such accounts: a transaction of 2^24 gas (EIP-7825) does as many, then stops and says so"
    for name, (done, gas) in figures.batches.items():
        yield f"{name:<40}{gas:>10,}{done:>10} accounts"


def grows(held: str, growth: Growth) -> Iterator[str]:
    """The straight line through each verb's gas, and how far that is from it."""
    yield f"{f'growth with {held}s held':<40}{'at none':>10}{'each':>10}{'furthest off the line':>26}"
    for verb in growth.gas:
        start, slope, off, percent = growth.line(verb)
        yield f"{verb:<40}{start:>10,}{slope:>10,}{f'{off:,} ({percent:.1f} %)':>26}"


def _sizes(figures: Figures) -> Iterator[str]:
    yield f"{'contract':<40}{'bytes':>10}{'left':>10}{'gas of deployment':>20}"
    for name, found in figures.contracts.items():
        left = MAX_CODE_BYTES - found["bytes"]
        yield f"{name:<40}{found['bytes']:>10,}{left:>10,}{found['deployment']:>20,}"
    yield f"{'in all':<40}{sum(found['deployment'] for found in figures.contracts.values()):>40,}"


def _changed(committed: dict[str, int], measured: dict[str, int]) -> Iterator[str]:
    changed = [name for name, gas in measured.items() if committed.get(name, gas) != gas]
    if changed:
        yield ""
        yield f"other than in {COMMITTED.name} (--accept makes them the committed figures):"
        yield from (f"  {name}: {change(committed[name], measured[name])}" for name in changed)


def main() -> int:
    parser = argparse.ArgumentParser(description="Gas of every verb beside its budget and its best peer.")
    parser.add_argument("--accept", action="store_true", help="make these the committed figures")
    arguments = parser.parse_args()
    try:
        figures = measure()
    except PlimsollError as problem:
        print(f"nothing could be measured: {type(problem).__name__}: {problem}", file=sys.stderr)
        return 1
    print("\n".join(report(figures, read_committed())))
    if figures.unmeasured:
        print(f"\n{len(figures.unmeasured)} rows could not be measured", file=sys.stderr)
        return 1
    if arguments.accept:
        accept(figures)
        print(f"\naccepted: {COMMITTED.relative_to(HERE.parent)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
