"""Transactions a second: mined one by one, and in the fast lanes. The ratio is what to look at: all is measured in one run.

    python benchmarks/lane.py [--steps 300] [--rounds 3]

The steps are those of tests/differential/test_lane.py, mixed operations of the real protocol with all its state read at the
end; a lane's results are decoded, their events and errors included. The best of the rounds counts, for each lane alike.
Views a second: the same thousands of views asked in a batch of JSON-RPC, at the end of a lane, and of one harness that
judges many portfolios in a single call.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from plimsoll.chain.anvil import Anvil
from plimsoll.chain.deployment import Deployment, Roles
from plimsoll.chain.lane import AnvilLane, Lane, MinedLane, Step
from plimsoll.chain.node import CallItem, Chain
from plimsoll.chain.pyrevm_lane import INSTALLED, PyrevmLane
from plimsoll.chain.standard import POOL_SUPPLY, standard_world
from plimsoll.fuzz.accounts import random_portfolio
from tests.sequences import Sequence, Setup, ready

VIEWS, PORTFOLIOS = 5_000, 60


def staged(chain: Chain) -> Setup:
    """The standard world with money in it."""
    *traders, lp, keeper = chain.accounts[4:9]
    made = Deployment.deploy(chain, standard_world(), Roles.of(chain))
    made.provide(lp, POOL_SUPPLY)
    return ready(made, traders, lp, keeper)


def lanes(chain: Chain) -> dict[str, Lane]:
    found: dict[str, Lane] = {
        "mined": MinedLane(chain),
        "Anvil, a block each": AnvilLane(chain),
        "Anvil, blocks shared": AnvilLane(chain, share_blocks=True),
    }
    return {**found, "pyrevm": PyrevmLane(chain)} if INSTALLED else found


def play(lane: Lane, steps: list[Step], views: list[CallItem]) -> None:
    for done in lane.play(steps, views).done:
        done.error, done.receipt.events


def seconds(work: Callable[[], object], rounds: int) -> float:
    """The best of the rounds."""
    found = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        found.append(time.perf_counter() - started)
    return min(found)


def table(title: str, rates: dict[str, float]) -> None:
    first = next(iter(rates.values()))
    print(f"\n{title}")
    for name, rate in rates.items():
        print(f"  {name:<24}{rate:>12,.0f}{rate / first:>10.1f} ×")


def transactions(setup: Setup, count: int, rounds: int) -> dict[str, float]:
    steps, views = Sequence(setup, 1).steps(count), list(setup.views().values())
    found = {}
    for name, lane in lanes(setup.made.chain).items():
        lane.play(steps[:1])  # connected, and the state loaded
        found[name] = count / seconds(lambda: play(lane, steps, views), rounds)
    return found


def views(setup: Setup, rounds: int) -> dict[str, float]:
    chain, random = setup.made.chain, Random(1)
    items = [setup.made.engine.call_item("market", i % 2) for i in range(VIEWS)]
    harness, portfolios = chain.deploy("MathHarness"), [random_portfolio(random) for _ in range(PORTFOLIOS)]
    return {
        "JSON-RPC batch": VIEWS / seconds(lambda: chain.batch(items), rounds),
        "end of a lane": VIEWS / seconds(lambda: AnvilLane(chain).play([], items), rounds),
        "one call of a harness": PORTFOLIOS / seconds(lambda: harness.judge(portfolios, False), rounds),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=300, help="transactions of a sequence")
    parser.add_argument("--rounds", type=int, default=3, help="of which the best counts")
    options = parser.parse_args()
    with Anvil() as anvil:
        setup = staged(Chain(anvil))
        table("transactions a second", transactions(setup, options.steps, options.rounds))
        table("views a second (a portfolio of up to 16 legs and 8 coins in the harness)", views(setup, options.rounds))
    return 0


if __name__ == "__main__":
    sys.exit(main())
