"""Other people's contracts as they are on public chains, out of the packages that publish their bytecode.

    feed = RealFeed.deploy(chain, "ETH / USD", 2_000 * 10**8, low=10**6, high=10**12)
    feed.answer(1_900 * 10**8)        # two of three oracles submit; outside the bounds they are refused
    feed.next_phase()                 # another aggregator behind the same proxy: its round ids begin anew
    weth = chain.deploy(weth9())

A feed is Chainlink's EACAggregatorProxy before an AccessControlledAggregator. (The packages are for development only.)
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plimsoll.chain import artifacts
from plimsoll.chain.artifacts import Artifact
from plimsoll.chain.node import Chain, Contract
from plimsoll.chain.terms import ZERO_ADDRESS
from plimsoll.errors import ArtifactMissing

MODULES = Path(__file__).resolve().parents[2] / "node_modules"
CHAINLINK = MODULES / "chainlink-2021" / "abi" / "v0.6"
WETH = MODULES / "canonical-weth" / "build" / "contracts" / "WETH9.json"
TIMEOUT = 600  # seconds until an unanswered round may be given up
ORACLES, ENOUGH = 3, 2  # of so many oracles so many make an answer


def chainlink(name: str) -> Artifact:
    """A contract of Chainlink's v0.6. Raises ArtifactMissing."""
    try:
        output = json.loads((CHAINLINK / f"{name}.json").read_text())["compilerOutput"]
        code, deployed = (output["evm"][key]["object"].removeprefix("0x") for key in ("bytecode", "deployedBytecode"))
        return Artifact(name, output["abi"], code, len(deployed) // 2)
    except (OSError, ValueError, KeyError) as problem:
        raise ArtifactMissing(name, f"{CHAINLINK}, {problem!r}") from None


def weth9() -> Artifact:
    """Wrapped ether. Raises ArtifactMissing."""
    return artifacts.read(WETH)


@dataclass
class RealFeed:
    """proxy: what others read. aggregator: the present one. terms: (decimals, description, least and greatest answer)."""

    chain: Chain
    proxy: Contract
    aggregator: Contract
    oracles: list[str]
    terms: tuple[int, str, int, int]

    @classmethod
    def deploy(cls, chain: Chain, description: str, answer: int, low: int, high: int, decimals: int = 8) -> RealFeed:
        """The chain's first accounts are its oracles. Prices in the feed's decimals."""
        terms, oracles = (decimals, description, low, high), chain.accounts[:ORACLES]
        aggregator = _aggregator(chain, oracles, terms)
        proxy = chain.deploy(chainlink("EACAggregatorProxy"), aggregator, ZERO_ADDRESS)
        aggregator.addAccess(proxy)
        feed = cls(chain, proxy, aggregator, oracles, terms)
        feed.answer(answer)
        return feed

    def answer(self, price: int) -> None:
        """A new round. Raises Reverted for a price outside the bounds: then the last answer stands, and grows old."""
        round_id = self.aggregator.latestRound() + 1
        for oracle in self.oracles[:ENOUGH]:
            self.aggregator.submit(round_id, price, sender=oracle)

    def next_phase(self, **bounds: int) -> None:
        """The owner puts a new aggregator behind the proxy; it has the last answer. bounds: low, high, where they change."""
        decimals, description, low, high = self.terms
        self.terms = (decimals, description, bounds.get("low", low), bounds.get("high", high))
        last = self.proxy.latestRoundData()[1]
        self.aggregator = _aggregator(self.chain, self.oracles, self.terms)
        self.aggregator.addAccess(self.proxy)
        self.answer(last)
        self.proxy.proposeAggregator(self.aggregator)
        self.proxy.confirmAggregator(self.aggregator)


def _aggregator(chain: Chain, oracles: list[str], terms: tuple[int, str, int, int]) -> Contract:
    decimals, description, low, high = terms
    unpaid: Any = (chain.accounts[0], 0, TIMEOUT, ZERO_ADDRESS)  # a token that pays nothing, and no validator
    made = chain.deploy(chainlink("AccessControlledAggregator"), *unpaid, low, high, decimals, description)
    made.changeOracles([], oracles, oracles, ENOUGH, len(oracles), 0)
    return made
