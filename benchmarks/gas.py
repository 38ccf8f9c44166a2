"""Gas of every verb: ours, our budget, the best of our peers.

    python benchmarks/gas.py              measure and print
    python benchmarks/gas.py --accept     and make the figures those that tests/unit/test_gas.py compares with

Measured as the peers were (benchmarks/peers.json): real transactions on an Anvil of our own, base 21,000 + calldata −
refunds, each in a block of its own, so all state is cold; one perpetual market in which others have traded; settlement
tokens as collateral; infinite allowances; a feed behind a proxy; the pool as counterparty and as taker. A view is a
transaction less its base and calldata. Every row starts from the same state, so rows do not depend on each other; nothing
is random and no clock is read, so figures repeat to the unit. What is over budget is shown, not punished: the exit code is
1 only when a row could not be measured.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from gas_rows import ROWS, START, Stage, Unmeasured

from plimsoll.chain.anvil import Anvil
from plimsoll.chain.node import Chain, Contract
from plimsoll.errors import PlimsollError

HERE = Path(__file__).resolve().parent
COMMITTED, PEERS = HERE / "gas.json", HERE / "peers.json"
HARDFORK = "prague"  # as for the peers
COLD_CALL = 2_600
PRICE_READ_OF_PEERS = 13_540
MAX_CODE_BYTES = 24_576  # EIP-170
ALLOWED_GROWTH_PERCENT = 1
CONTRACTS = {
    "MarginEngine": "engine",
    "MarginEngineExtension": "extension",
    "MarginEngineListing": "listing",
    "LiquidationEngine": "liquidation",
    "AuctionHouse": "auctions",
    "LiquidityPool": "pool",
    "Escrow": "escrow",
    "PriceOracle": "oracle",
    "Parameters": "parameters",
    "Timelock": "timelock",
    "MarginPreviews": "previews",
    "MarginLens": "lens",
}


# Measuring ---------------------------------------------------------------------------------------------------------


@dataclass
class Figures:
    """gas: by row. unmeasured: row → why. contracts: name → bytes of code, gas of deployment. price_read: a feed, cold."""

    gas: dict[str, int] = field(default_factory=dict)
    unmeasured: dict[str, str] = field(default_factory=dict)
    contracts: dict[str, dict[str, int]] = field(default_factory=dict)
    price_read: int = 0


def measure() -> Figures:
    figures = Figures()
    with Anvil(hardfork=HARDFORK, timestamp=START) as anvil:
        chain = Chain(anvil)
        stage = Stage(chain)
        for name, attribute in CONTRACTS.items():
            figures.contracts[name] = _deployed(chain, getattr(stage.protocol, attribute))
        proxy = stage.protocol.proxies["ETH"]
        figures.price_read = COLD_CALL + stage.look(proxy, "latestRoundData")
        for name, measured in ROWS.items():
            snapshot = chain.snapshot()
            try:
                figures.gas[name] = measured(stage)
            except (PlimsollError, Unmeasured) as problem:
                figures.unmeasured[name] = f"{type(problem).__name__}: {problem}"
            _await_empty_pool(chain)
            chain.revert(snapshot)
    return figures


def _await_empty_pool(chain: Chain) -> None:
    """Anvil takes a mined transaction out of its pool a moment after it has answered. Where that moment falls after a
    revert, the next transaction is lost or the old one is mined again."""
    while any(int(count, 16) for count in chain.rpc("txpool_status").values()):
        time.sleep(0.001)


def _deployed(chain: Chain, contract: Contract) -> dict[str, int]:
    code = chain.rpc("eth_getCode", contract.address, "latest")
    return {"bytes": len(code) // 2 - 1, "deployment": contract.receipt.gas_used}


def grown(committed: dict[str, int], measured: dict[str, int]) -> list[str]:
    """A sentence for each row that has grown by more than is allowed, or that only one of the two has."""
    found = []
    for name in {**committed, **measured}:
        if name not in measured or name not in committed:
            found.append(f"{name}: {'measured' if name in measured else 'committed'} only")
        elif measured[name] * 100 > committed[name] * (100 + ALLOWED_GROWTH_PERCENT):
            found.append(f"{name}: {change(committed[name], measured[name])}")
    return found


def change(committed: int, measured: int) -> str:
    """In words."""
    percent = 100 * (measured - committed) / committed
    return f"{measured:,} gas, {measured - committed:+,} ({percent:+.2f} %) on the committed {committed:,}"


# Telling -----------------------------------------------------------------------------------------------------------


def report(figures: Figures, committed: dict[str, int], peers: dict) -> Iterator[str]:
    """The lines that are printed. committed: gas by row, as in gas.json. peers: peers.json."""
    rows, perps = peers["rows"], peers["perps"]
    yield f"{'gas':<48}{'ours':>10}{'budget':>10}{'ratio':>7}   {'best perp peer':<15}{'gas':>9}{'ratio':>7}"
    for name, figure in rows.items():
        best = min((sum(figure[peer]), peer) for peer in perps if peer in figure)
        beside = _beside(figures, name, figure["budget"]), _beside(figures, name, best[0])
        yield f"{_line(figures, name)}{beside[0]}   {best[1]:<14}{beside[1]}"
    yield ""
    yield "further, without a budget"
    yield from (_line(figures, name) for name in ROWS if name not in rows)
    over = [name for name in rows if figures.gas.get(name, 0) > rows[name]["budget"] * 1_000]
    yield ""
    yield f"over budget: {len(over)} of {len(rows)} rows"
    yield f"a price read, cold: {figures.price_read:,} gas; for the peers {PRICE_READ_OF_PEERS:,}"
    yield ""
    yield from _sizes(figures)
    changed = [name for name, gas in figures.gas.items() if committed.get(name, gas) != gas]
    if changed:
        yield ""
        yield f"other than in {COMMITTED.name} (--accept makes them the committed figures):"
        yield from (f"  {name}: {change(committed[name], figures.gas[name])}" for name in changed)
    yield from (f"NOT MEASURED: {name}: {why}" for name, why in figures.unmeasured.items())


def _line(figures: Figures, name: str) -> str:
    return f"{name:<48}{_number(figures.gas.get(name)):>10}"


def _number(gas: int | None) -> str:
    return "–" if gas is None else f"{gas:,}"


def _beside(figures: Figures, name: str, thousands: int) -> str:
    """Another's gas and the ratio of ours to it; below 1 is better."""
    ours = figures.gas.get(name)
    ratio = "–" if ours is None else f"{ours / (thousands * 1_000):.2f}"
    return f"{thousands * 1_000:>10,}{ratio:>7}"


def _sizes(figures: Figures) -> Iterator[str]:
    yield f"{'contract':<48}{'bytes':>10}{'left':>10}{'gas of deployment':>20}"
    for name, found in figures.contracts.items():
        left = MAX_CODE_BYTES - found["bytes"]
        yield f"{name:<48}{found['bytes']:>10,}{left:>10,}{found['deployment']:>20,}"
    yield f"{'in all':<48}{sum(found['deployment'] for found in figures.contracts.values()):>40,}"


def read_committed() -> dict[str, int]:
    """Gas by row; nothing before the first --accept."""
    return json.loads(COMMITTED.read_text())["gas"] if COMMITTED.exists() else {}


def accept(figures: Figures) -> None:
    what = {"gas": figures.gas, "price_read": figures.price_read, "contracts": figures.contracts}
    COMMITTED.write_text(json.dumps(what, indent=2) + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(description="Gas of every verb beside its budget and its best peer.")
    parser.add_argument("--accept", action="store_true", help="make these the committed figures")
    arguments = parser.parse_args()
    try:
        figures = measure()
    except PlimsollError as problem:
        print(f"nothing could be measured: {type(problem).__name__}: {problem}", file=sys.stderr)
        return 1
    print("\n".join(report(figures, read_committed(), json.loads(PEERS.read_text()))))
    if figures.unmeasured:
        print(f"\n{len(figures.unmeasured)} rows could not be measured", file=sys.stderr)
        return 1
    if arguments.accept:
        accept(figures)
        print(f"\naccepted: {COMMITTED.relative_to(HERE.parent)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
