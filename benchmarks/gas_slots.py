"""The names of what a transaction touches: contracts, and storage words by the compiler's layout."""

from __future__ import annotations

from typing import Any

from eth_utils import keccak
from gas_rows import Stage

from plimsoll.chain.sources import storage_layouts

HOUSE = {
    "engine": "MarginEngine",
    "liquidation": "LiquidationEngine",
    "auctions": "AuctionHouse",
    "pool": "LiquidityPool",
    "escrow": "Escrow",
    "oracle": "PriceOracle",
    "parameters": "Parameters",
}
PARTS = {"extension": "MarginEngineExtension", "listing": "MarginEngineListing", "lens": "MarginLens", "previews": "MarginPreviews"}
MOST_WORDS, MOST_SLOTS = 3, 64  # of a struct; of variables


class Slots:
    """Learns mapping keys from what is hashed. Words are hex or numbers, as a tracer has them."""

    def __init__(self, stage: Stage) -> None:
        protocol = stage.protocol
        self._layouts = storage_layouts(HOUSE.values())
        self._names = {int(getattr(protocol, part).address, 16): name for part, name in {**HOUSE, **PARTS}.items()}
        self._groups = {int(token.address, 16): "tokens" for token in protocol.tokens.values()}
        self._names |= {int(token.address, 16): name for name, token in protocol.tokens.items()}
        for name, proxy in protocol.proxies.items():
            self._groups[int(proxy.address, 16)] = "feeds"
            self._names[int(proxy.address, 16)] = f"{name} feed"
        people = {"trader": stage.trader, "keeper": stage.keeper, "LP": stage.lp}
        self._keys = {int(who, 16): name for name, who in people.items()}
        for name, who in people.items():
            self._keys |= {protocol.account(who, sub): f"{name}{f'/{sub}' if sub else ''}" for sub in range(100)}
        self._keys |= {protocol.account(protocol.pool, 1 + i): f"pool/{1 + i}" for i in range(len(protocol.world.instruments))}
        self._keys |= {protocol.account(protocol.pool): "pool", protocol.account(protocol.roles.treasury): "treasury"}
        self._hashes: dict[int, tuple[int, int]] = {}

    def group(self, word: str) -> str:
        """feeds, tokens or neither: of an address."""
        return self._groups.get(int(word, 16), "")

    def contract(self, address: int) -> str:
        return self._names.get(address, f"{address:#x}"[:10])

    def learn(self, hashed: bytes) -> None:
        """key . slot"""
        self._hashes[int.from_bytes(keccak(hashed), "big")] = (int.from_bytes(hashed[:32], "big"), int.from_bytes(hashed[32:], "big"))

    def named(self, address: str, slot: int) -> tuple[str, str]:
        """A storage word, and the fields that lie in it."""
        contract, keys, word = self.contract(int(address, 16)), list[int](), 0
        while slot >= MOST_SLOTS:
            step = next((i for i in range(MOST_WORDS) if slot - i in self._hashes), None)
            if step is None:
                return f"{contract}.{slot:#x}"[:40], ""
            word += step
            key, slot = self._hashes[slot - step]
            keys.insert(0, key)
        layout = self._layouts[contract]
        held = [variable for variable in layout["storage"] if int(variable["slot"]) == slot]
        if not keys and len(held) > 1:
            return f"{contract} slot {slot}", " · ".join(variable["label"] for variable in held)
        kind = layout["types"][held[0]["type"]]
        for _ in keys:
            kind = layout["types"][kind["value"]]
        name = f"{contract}.{held[0]['label']}" + "".join(f"[{self._key(key)}]" for key in keys)
        name += f" + {word}" if word else ""
        return name, " · ".join(member["label"] for member in _members(kind, word))

    def _key(self, key: int) -> str:
        return self._keys.get(key) or self._names.get(key) or (str(key) if key < 256 else f"{key:#x}"[:10])


def _members(kind: dict[str, Any], word: int) -> list[dict[str, Any]]:
    return [member for member in kind.get("members", []) if int(member["slot"]) == word]
