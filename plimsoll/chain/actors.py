"""Actors of a venue by name: addresses that the node lets us speak for, and what a wallet does once before a verb."""

from __future__ import annotations

from eth_utils import keccak, to_checksum_address

from plimsoll.chain.deployment import Deployment
from plimsoll.chain.node import Chain
from plimsoll.types import GUARDIAN, OWNER, POOL

ETHER = 10**18
GAS_MONEY = 10_000 * ETHER
MAX_UINT = 2**256 - 1


class Actors:
    """Name → address, the same on every chain; impersonated and given ether when first asked for."""

    def __init__(self, chain: Chain, made: Deployment) -> None:
        self._chain = chain
        self._roles = {OWNER: made.timelock.address, GUARDIAN: made.roles.guardian}
        self._addresses: dict[str, str] = {POOL: made.pool.address}
        self._done: set[tuple[object, ...]] = set()

    def __getitem__(self, name: str) -> str:
        if name not in self._addresses:
            address = self._roles.get(name) or to_checksum_address(keccak(text=f"actor {name}")[-20:])
            self._invite(address)
            self._addresses[name] = address
        return self._addresses[name]

    def _invite(self, address: str) -> None:
        self._chain.rpc("anvil_impersonateAccount", address)
        self._chain.rpc("anvil_setBalance", address, hex(GAS_MONEY))

    def first_time(self, *what: object) -> bool:
        """True once for each thing."""
        new = what not in self._done
        self._done.add(what)
        return new
