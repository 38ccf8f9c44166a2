"""What a transaction left behind: gas, time, and events with the names that Solidity gave them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from plimsoll.chain.abi import checksummed
from plimsoll.chain.artifacts import decode_log
from plimsoll.chain.rpc import Rpc, as_int


class Event:
    """One log. `args` is a dict; each argument is an attribute too, unless its name is name, address or args."""

    def __init__(self, name: str, args: dict[str, Any], address: str) -> None:
        self.name, self.args, self.address = name, args, address

    def __getattr__(self, key: str) -> Any:
        try:
            return self.__dict__["args"][key]
        except KeyError:
            raise AttributeError(f"event {self.__dict__.get('name')} has no argument {key}") from None

    def __getitem__(self, key: str) -> Any:
        return self.args[key]

    def __repr__(self) -> str:
        return f"{self.name or 'unknown event'}({', '.join(f'{k}={v}' for k, v in self.args.items())})"


class Receipt:
    """What a transaction did. ok: it was not refused. gas_used: units of gas. timestamp: its block's, in seconds."""

    def __init__(self, rpc: Rpc, raw: Mapping[str, Any]) -> None:
        self._rpc, self.raw = rpc, raw
        self.hash: str = raw["transactionHash"]
        self.block = as_int(raw["blockNumber"])
        self.ok = bool(as_int(raw["status"]))
        self.gas_used = as_int(raw["gasUsed"])

    @cached_property
    def timestamp(self) -> int:
        if "blockTimestamp" in self.raw:
            return as_int(self.raw["blockTimestamp"])
        return as_int(self._rpc("eth_getBlockByNumber", hex(self.block), False)["timestamp"])

    @cached_property
    def events(self) -> list[Event]:
        """Every event of every contract, in order; one that no compiled contract declares has the name ""."""
        return [Event(*decode_log(log), checksummed(bytes.fromhex(log["address"][2:]))) for log in self.raw["logs"]]

    def events_named(self, name: str) -> list[Event]:
        return [event for event in self.events if event.name == name]

    def event(self, name: str) -> Event:
        """The only event of this name. Raises LookupError when there is none or more than one."""
        found = self.events_named(name)
        if len(found) != 1:
            raise LookupError(f"{len(found)} events {name} where 1 is due, among {[e.name for e in self.events]}")
        return found[0]

    def __repr__(self) -> str:
        return f"<Receipt block {self.block} gas {self.gas_used} {self.events}>"
