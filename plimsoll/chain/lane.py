"""The fast lane: a whole sequence of transactions, played at once from the present and forgotten.

    lane = AnvilLane(chain)
    steps = [step(token, "mint", trader, 5, sender=owner), step(engine, "settle", account, sender=keeper, time=now + 60)]
    played = lane.play(steps, views=[token.call_item("balanceOf", trader)])
    played.done[0].receipt.event("Transfer"), played.done[1].error       # of each step, as if it had been mined
    played.values                                                         # the views, after the last step

Three lanes answer alike, to the unit of gas but for the last (a test says so):

    MinedLane     each step is mined, and all is undone afterwards: the measure of the others
    AnvilLane     one eth_simulateV1 for the whole sequence, views included
    PyrevmLane    the EVM in this very process (plimsoll.chain.pyrevm_lane), where pyrevm is installed

A step names any sender, unlocked or not; a mined one must be unlocked. It costs nothing (gas price 0) and is given the
block's whole gas limit. Each step is a block of its own. What every play starts from is the chain's latest block: mine
there what many sequences share.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from plimsoll.chain import artifacts
from plimsoll.chain.abi import to_address
from plimsoll.chain.node import CallItem, Chain, Contract
from plimsoll.chain.receipt import Receipt
from plimsoll.chain.rpc import as_int
from plimsoll.errors import Reverted

Overrides = Mapping[str, Mapping[str, Any]]


class Step(NamedTuple):
    """A transaction to be. data: calldata as hex. time: of its block, unix seconds; None: that of the block before.
    value: wei. gas: its limit; None: the block's."""

    to: str
    data: str
    sender: str
    time: int | None = None
    value: int = 0
    gas: int | None = None


def step(
    contract: Contract,
    fn: str,
    *args: Any,
    sender: Any,
    time: int | None = None,
    value: int = 0,
    gas: int | None = None,
) -> Step:
    """A call of a contract's function. Raises TypeError naming the argument that does not fit."""
    return Step(contract.address, contract.encode(fn, *args), to_address(sender), time, value, gas)


@dataclass(frozen=True)
class Done:
    """What came of a step. receipt: also of a step that was refused. revert: the bytes it was refused with, empty
    otherwise. gas: its limit. returned: what it returned, empty where a lane does not know (MinedLane)."""

    receipt: Receipt
    revert: bytes
    gas: int
    returned: bytes = b""

    @property
    def ok(self) -> bool:
        return self.receipt.ok

    @cached_property
    def error(self) -> Reverted | None:
        return None if self.ok else artifacts.refusal(self.revert, self.receipt.gas_used, self.gas)

    def told(self) -> Receipt:
        """The receipt, as Chain.send would give it. Raises Reverted."""
        if self.error is not None:
            raise self.error
        return self.receipt

    def value(self, item: CallItem) -> Any:
        """What it returned, if it was this call; a Reverted where it was refused."""
        return item.decode(self.returned) if self.ok else self.error

    def facts(self) -> tuple[Any, ...]:
        """(went through, gas used, time, revert data, logs): equal on every lane, but for gas on PyrevmLane."""
        logs = tuple((log["address"].lower(), tuple(log["topics"]), log["data"]) for log in self.receipt.raw["logs"])
        return self.ok, self.receipt.gas_used, self.receipt.timestamp, self.revert, logs


class Played(NamedTuple):
    """done: one of each step. values: of each view after the last step; a Reverted in the place of one that reverts."""

    done: list[Done]
    values: list[Any]


class Lane(ABC):
    """Where sequences are played."""

    @abstractmethod
    def play(self, steps: Sequence[Step], views: Iterable[CallItem] = (), state: Overrides | None = None) -> Played:
        """Plays the steps one after another from the latest block, then looks. Nothing stays.

        state: what is changed before the first step, by address: {"code": hex, "balance": hex, "stateDiff": {slot: hex}},
        any of them. Raises ValueError where time runs backwards, TypeError for a view that changes state: those after it
        would see that.
        """


def views_only(items: Iterable[CallItem]) -> list[CallItem]:
    """The items. Raises TypeError for one that is not a view."""
    items = list(items)
    for item in items:
        if not item.function.is_view:
            raise TypeError(f"{item.contract!r}.{item.function.name} is no view: make it a step")
    return items


def times(steps: Iterable[Step], now: int) -> list[int]:
    """The time of each step's block, unix seconds; now: of the block before the first. Raises ValueError."""
    found: list[int] = []
    for number, one in enumerate(steps):
        before, now = now, now if one.time is None else one.time
        if now < before:
            raise ValueError(f"time runs forward: step {number} is at {now}, {before} is past")
        found.append(now)
    return found


class MinedLane(Lane):
    """Each step a transaction, mined. On an Anvil, whose snapshots undo it."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain

    def play(self, steps: Sequence[Step], views: Iterable[CallItem] = (), state: Overrides | None = None) -> Played:
        views, moments = views_only(views), times(steps, self.chain.now)
        here = self.chain.snapshot()
        try:
            self._override(state or {})
            done = [self._mine(one, time) for one, time in zip(steps, moments)]
            return Played(done, self.chain.batch(views, errors="return"))
        finally:
            self.chain.revert(here)

    def _mine(self, one: Step, time: int) -> Done:
        self.chain.set_next_time(time)
        receipt = self.chain.transact(one.to, one.data, one.sender, one.value, one.gas)
        revert = b"" if receipt.ok else self.chain.revert_data(receipt)
        return Done(receipt, revert, one.gas or self.chain.gas_limit)

    def _override(self, state: Overrides) -> None:
        for address, change in state.items():
            if "code" in change:
                self.chain.rpc("anvil_setCode", address, change["code"])
            if "balance" in change:
                self.chain.rpc("anvil_setBalance", address, change["balance"])
            for slot, word in change.get("stateDiff", {}).items():
                self.chain.rpc("anvil_setStorageAt", address, slot, word)


class AnvilLane(Lane):
    """One eth_simulateV1 for all. share_blocks: steps of the same second lie in one block, which spares the node the
    others and changes nothing but the numbers of blocks."""

    def __init__(self, chain: Chain, share_blocks: bool = False) -> None:
        self.chain, self._share = chain, share_blocks

    def play(self, steps: Sequence[Step], views: Iterable[CallItem] = (), state: Overrides | None = None) -> Played:
        views = views_only(views)
        if not (steps or views):
            return Played([], [])
        blocks = self._blocks(steps, views)
        if state:
            blocks[0]["stateOverrides"] = state
        answer = self.chain.rpc("eth_simulateV1", {"blockStateCalls": blocks, "validation": False}, "latest")
        results = list(_results(answer))
        done = [self._done(one, *result) for one, result in zip(steps, results)]
        return Played(done, [_seen(view, call) for view, (_, _, call) in zip(views, results[len(steps) :])])

    def _blocks(self, steps: Sequence[Step], views: list[CallItem]) -> list[dict[str, Any]]:
        """The blocks of a simulation; the views lie in the last, so that they see its time and number."""
        latest = self.chain.latest
        now, number = as_int(latest["timestamp"]), as_int(latest["number"])
        blocks: list[dict[str, Any]] = []
        for one, time in zip(steps, times(steps, now)):
            if not blocks or not self._share or time != now:
                number, now = number + 1, time
                blocks.append(_block(now, number))
            blocks[-1]["calls"].append(self._call(one))
        if not blocks:
            blocks.append(_block(now, number))
        gas = hex(self.chain.gas_limit)
        blocks[-1]["calls"] += [{"gas": gas, **view.request} for view in views]
        return blocks

    def _call(self, one: Step) -> dict[str, str]:
        call = {"from": one.sender, "to": one.to, "data": one.data, "gas": hex(one.gas or self.chain.gas_limit)}
        if one.value:
            call["value"] = hex(one.value)
        return call

    def _done(self, one: Step, block: Mapping[str, Any], transaction: str, call: Mapping[str, Any]) -> Done:
        raw = {
            **call,
            "transactionHash": transaction,
            "blockNumber": block["number"],
            "blockTimestamp": block["timestamp"],
        }
        receipt = Receipt(self.chain.rpc, raw)
        data, gas = bytes.fromhex(call["returnData"][2:]), one.gas or self.chain.gas_limit
        return Done(receipt, b"", gas, data) if receipt.ok else Done(receipt, data, gas)


def _block(time: int, number: int) -> dict[str, Any]:
    return {"blockOverrides": {"time": hex(time), "number": hex(number)}, "calls": []}


def _results(blocks: list[Mapping[str, Any]]) -> Iterator[tuple[Mapping[str, Any], str, Mapping[str, Any]]]:
    """(block, hash, result) of each call, in order."""
    for block in blocks:
        for transaction, call in zip(block["transactions"], block["calls"]):
            yield block, transaction, call


def _seen(view: CallItem, call: Mapping[str, Any]) -> Any:
    data = bytes.fromhex(call["returnData"][2:])
    return view.decode(data) if as_int(call["status"]) else artifacts.decode_error(data)
