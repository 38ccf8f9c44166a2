"""Gas of every verb: measured, and compared with what is committed.

Measured as the peers were (benchmarks/peers.json): real transactions on an Anvil of our own, base 21,000 + calldata −
refunds, each in a block of its own, so all state is cold; one perpetual market in which others have traded; settlement
tokens as collateral; infinite allowances; a feed behind a proxy; the pool as counterparty and as taker. A view is a
transaction less its base and calldata. Every row starts from the same state, so rows do not depend on each other; nothing
is random and no clock is read, so figures repeat to the unit. Rows with a budget are measured once more behind Chainlink's
own proxy and aggregator.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from gas_rows import ROWS, START, Stage, Unmeasured
from gas_wide import BATCHES, GROWTHS, WIDE_ROWS, Growth, WideStage

from plimsoll.chain.anvil import Anvil
from plimsoll.chain.node import Chain, Contract
from plimsoll.errors import PlimsollError

HERE = Path(__file__).resolve().parent
COMMITTED, PEERS = HERE / "gas.json", HERE / "peers.json"
HARDFORK = "prague"  # as for the peers
COLD_CALL = 2_600
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
    """gas: by row. real: the rows with a budget, behind real feeds. batches: row → (accounts that fit, gas of each). growth:
    by what is held. unmeasured: row → why. contracts: name → bytes of code, gas of deployment. price_read: a feed, cold;
    ours and a real one."""

    gas: dict[str, int] = field(default_factory=dict)
    real: dict[str, int] = field(default_factory=dict)
    batches: dict[str, tuple[int, int]] = field(default_factory=dict)
    growth: dict[str, Growth] = field(default_factory=dict)
    price_read: list[int] = field(default_factory=list)
    contracts: dict[str, dict[str, int]] = field(default_factory=dict)
    unmeasured: dict[str, str] = field(default_factory=dict)

    def all(self) -> dict[str, int]:
        """Every figure but of batches, by a name of its own."""
        found = self.gas | {f"{name}, real feed": gas for name, gas in self.real.items()}
        for held, growth in self.growth.items():
            for verb, figures in growth.gas.items():
                found |= {f"{verb}, {n} {held}s held": gas for n, gas in zip(growth.counts, figures)}
        return found | dict(zip(("a price read", "a price read, real feed"), self.price_read))


def measure(batches: bool = True) -> Figures:
    """batches: those of wide accounts too, for which hundreds of accounts are opened."""
    figures = Figures()
    with stage_of(Stage) as stage:
        for name, attribute in CONTRACTS.items():
            figures.contracts[name] = _deployed(stage.chain, getattr(stage.protocol, attribute))
        figures.price_read.append(_price_read(stage))
        figures.gas = _each(stage, ROWS, figures)
    with stage_of(lambda chain: Stage(chain, real=True)) as stage:
        figures.price_read.append(_price_read(stage))
        figures.real = _each(stage, {name: ROWS[name] for name in read_peers()["rows"]}, figures)
    with stage_of(WideStage) as stage:
        figures.gas |= _each(stage, WIDE_ROWS, figures)
        figures.growth = _each(stage, GROWTHS, figures)
        if batches:
            figures.batches = _each(stage, BATCHES, figures)
    return figures


@contextmanager
def stage_of(make: Callable[[Chain], Any], node: type[Anvil] = Anvil) -> Iterator[Any]:
    """On a chain of its own: gas depends on everything that was deployed before."""
    with node(hardfork=HARDFORK, timestamp=START) as anvil:
        yield make(Chain(anvil))


def _each(stage: Any, rows: Mapping[str, Callable[[Any], Any]], figures: Figures) -> dict[str, Any]:
    """What each answers; after each all is as before."""
    found = {}
    for name, measured in rows.items():
        snapshot = stage.chain.snapshot()
        try:
            found[name] = measured(stage)
        except (PlimsollError, Unmeasured) as problem:
            figures.unmeasured[name] = f"{type(problem).__name__}: {problem}"
        stage.chain.revert(snapshot)
    return found


def _price_read(stage: Stage) -> int:
    return COLD_CALL + stage.look(stage.protocol.proxies["ETH"], "latestRoundData")


def _deployed(chain: Chain, contract: Contract) -> dict[str, int]:
    code = chain.rpc("eth_getCode", contract.address, "latest")
    return {"bytes": len(code) // 2 - 1, "deployment": contract.receipt.gas_used}


# Comparing ---------------------------------------------------------------------------------------------------------


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


def read_peers() -> dict[str, Any]:
    peers: dict[str, Any] = json.loads(PEERS.read_text())
    return peers


def read_committed() -> Figures:
    """Nothing before the first --accept."""
    if not COMMITTED.exists():
        return Figures()
    found = json.loads(COMMITTED.read_text())
    return Figures(**found | {"growth": {held: Growth(**growth) for held, growth in found["growth"].items()}})


def accept(figures: Figures) -> None:
    what = asdict(figures)
    del what["unmeasured"]
    COMMITTED.write_text(json.dumps(what, indent=2) + "\n")
