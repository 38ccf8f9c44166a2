"""A chain of our own that plays a public one: its id, its real parts, a deployer with some ether, and the network's own file
with the addresses that things have here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from plimsoll.chain.anvil import Anvil
from plimsoll.chain.node import Chain, Contract
from plimsoll.chain.packages import RealFeed, weth9
from plimsoll.chain.wallet import Wallet
from plimsoll.deploy.network import Network, find, load

KEY = "0x" + "a11ce" * 12 + "5eed"  # worth nothing anywhere
ETHER = 10**18
PRICES = {"ETH": 2_000, "BTC": 60_000}  # whole; of another feed 1
BOUNDS_E2 = (1, 100)  # of the price: where the aggregators refuse an answer, a hundredth of it and a hundred times it


@dataclass(frozen=True)
class Stage:
    """chain: with unlocked accounts, for what others do. file: the network file. wallet: the deployer's. feeds: the real ones."""

    anvil: Anvil
    chain: Chain
    file: Path
    network: Network
    wallet: Wallet
    feeds: dict[str, RealFeed]

    def environment(self) -> dict[str, str]:
        """The variables that a deployer sets."""
        return {self.network.rpc: self.anvil.url, "PLIMSOLL_PRIVATE_KEY": KEY}


@contextmanager
def stage(name: str, folder: Path, *flags: str) -> Iterator[Stage]:
    """The network of this name. folder: where its file is written. flags: of the anvil command (--block-time)."""
    original = find(name)
    network, text = load(original), original.read_text(encoding="utf-8")
    with Anvil(*flags, chain_id=network.chain_id) as anvil:
        chain = Chain(anvil, seconds_per_block=None)
        wallet, feeds = Wallet.from_key(KEY), dict[str, RealFeed]()
        anvil.rpc("anvil_setBalance", wallet.address, hex(10 * ETHER))
        for part, address in network.given.items():
            there = _part(chain, network, part, feeds)
            text = re.sub(address, there.address, text, flags=re.IGNORECASE)
        file = folder / f"{network.name}.yaml"
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        yield Stage(anvil, chain, file, load(file), wallet, feeds)


def _part(chain: Chain, network: Network, part: str, feeds: dict[str, RealFeed]) -> Contract:
    """What lies on the public chain, put onto this one."""
    kind, _, word = part.partition(" ")
    if kind == "proxy":
        decimals = network.world.feed(word).decimals
        price = PRICES.get(word, 1) * 10**decimals
        low, high = price * BOUNDS_E2[0] // 100, price * BOUNDS_E2[1]
        feeds[word] = RealFeed.deploy(chain, network.descriptions[word], price, low, high, decimals)
        return feeds[word].proxy
    if kind == "token":
        return chain.deploy(weth9()) if word == "WETH" else chain.deploy("MockToken", word, word, network.world.token(word).decimals)
    return chain.deploy("MockAggregator", 0, "L2 Sequencer Uptime Status", 0)
