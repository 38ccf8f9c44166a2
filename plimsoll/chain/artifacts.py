"""What Brownie compiled: ABI and bytecode by contract name, and the meaning of any error or event.

An error may come up from a contract that the caller never named, so errors and events are looked up in all ABIs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from plimsoll.chain import abi, packing
from plimsoll.errors import ArtifactMissing, Reverted

BUILD = Path(__file__).resolve().parents[2] / "build"
FOLDERS = ("contracts", "interfaces")
MAX_CODE_BYTES = 24_576  # EIP-170
PLACEHOLDER = re.compile(r"__\w{38}")  # Brownie writes the name of a library in the 40 digits of its address

PANICS = {
    0x01: "assert failed",
    0x11: "arithmetic overflow",
    0x12: "division by zero",
    0x21: "not a member of the enum",
    0x22: "badly encoded storage array",
    0x31: "pop of an empty array",
    0x32: "index out of range",
    0x41: "too much memory",
    0x51: "call of an empty function pointer",
}


class Function:
    """One function of an ABI: how to write its calldata and read its result."""

    def __init__(self, entry: Mapping[str, Any]) -> None:
        self.name: str = entry["name"]
        self.inputs: list[Mapping[str, Any]] = entry["inputs"]
        self.outputs: list[Mapping[str, Any]] = entry.get("outputs", [])
        self.types = [abi.signature(p) for p in self.inputs]
        self.signature = f"{self.name}({','.join(self.types)})"
        self.selector = abi.selector(self.name, self.inputs)[:4]
        self.is_view = entry["stateMutability"] in ("view", "pure")

    def encode(self, args: tuple[Any, ...]) -> str:
        """Calldata as hex. Raises TypeError naming the argument that does not fit."""
        try:
            packed = self._pack(args)
        except (TypeError, ValueError, OverflowError, AttributeError):
            packed = self._named_misfit(args)
        return "0x" + (self.selector + packed).hex()

    def _named_misfit(self, args: tuple[Any, ...]) -> bytes:
        """What the packer refused, asked of eth_abi: it says which argument does not fit, or packs what is unusual."""
        try:
            return abi.encode(self.inputs, self.types, args)
        except TypeError as problem:
            raise TypeError(f"{self.signature}: {problem}") from None

    @cached_property
    def _pack(self) -> Callable[[tuple[Any, ...]], bytes]:
        return packing.packer(self.inputs)

    def decode(self, data: bytes) -> Any:
        """None, one value, or several: a tuple, with names where Solidity names them all."""
        return self._result.read(data, 0)

    @cached_property
    def _result(self) -> abi.Reader:
        if len(self.outputs) < 2:
            return abi.row(self.outputs, lambda values: values[0] if values else None)
        names = tuple(p["name"] for p in self.outputs)
        return abi.row(self.outputs, abi.record("Result", names)._make if all(names) else tuple)


@dataclass(frozen=True)
class Artifact:
    """One compiled contract or interface. functions: by name and by signature, several where overloaded."""

    name: str
    entries: list[Mapping[str, Any]]
    bytecode: str
    code_bytes: int
    functions: dict[str, list[Function]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for entry in self.entries:
            if entry["type"] == "function":
                function = Function(entry)
                self.functions.setdefault(function.name, []).append(function)
                self.functions[function.signature] = [function]

    def function(self, name: str, arguments: int | None = None) -> Function:
        """By name or by signature. arguments: how many, to choose between overloads.

        Raises AttributeError naming what there is.
        """
        found = self.functions.get(name, [])
        if len(found) > 1 and arguments is not None:
            found = [f for f in found if len(f.inputs) == arguments] or found
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(f.signature for f in found)
            raise AttributeError(f"{self.name}.{name} is overloaded: name one of {names} in full")
        there = sorted({f.name for functions in self.functions.values() for f in functions})
        raise AttributeError(f"{self.name} has no function {name}. It has: {', '.join(there)}")

    def init_code(self, args: tuple[Any, ...], libraries: Mapping[str, Any]) -> str:
        """What a transaction deploys: bytecode, linked, and the constructor's arguments."""
        if not self.bytecode:
            raise TypeError(f"{self.name} is an interface or abstract: it cannot be deployed")
        inputs: list[Mapping[str, Any]] = next((e["inputs"] for e in self.entries if e["type"] == "constructor"), [])
        types = [abi.signature(p) for p in inputs]
        try:
            return "0x" + self._linked(libraries) + abi.encode(inputs, types, args).hex()
        except TypeError as problem:
            raise TypeError(f"constructor of {self.name}: {problem}") from None

    def _linked(self, libraries: Mapping[str, Any]) -> str:
        def address(match: re.Match[str]) -> str:
            name = match[0].strip("_")
            if name not in libraries:
                raise TypeError(f'it calls the library {name}: deploy with libraries={{"{name}": address}}')
            return abi.to_address(libraries[name])[2:]

        return PLACEHOLDER.sub(address, self.bytecode)


@lru_cache(maxsize=None)
def artifact(name: str) -> Artifact:
    """The contract or interface of this name. Raises ArtifactMissing."""
    for folder in FOLDERS:
        path = BUILD / folder / f"{name}.json"
        if path.is_file():
            return read(path)
    raise ArtifactMissing(name, str(BUILD))


def read(path: Path) -> Artifact:
    """An artifact where it lies; Hardhat's, in which npm packages carry their contracts, say the same after a 0x.

    Raises ArtifactMissing.
    """
    try:
        build = json.loads(path.read_text())
        code, deployed = (build.get(key, "").removeprefix("0x") for key in ("bytecode", "deployedBytecode"))
        return Artifact(path.stem, build["abi"], code, len(deployed) // 2)
    except (OSError, ValueError, KeyError) as problem:
        raise ArtifactMissing(path.stem, f"{path}, unreadable: {problem!r}") from None


class Meaning:
    """How to read an error or an event: its name, the names of its arguments, and their decoder."""

    def __init__(self, entry: Mapping[str, Any]) -> None:
        self.name: str = entry["name"]
        self.inputs: list[Mapping[str, Any]] = entry["inputs"]
        self.keys = [p["name"] or f"field{i}" for i, p in enumerate(self.inputs)]
        self.values = abi.row(self.inputs, tuple)
        self.data = abi.row([p for p in self.inputs if not p.get("indexed")], list)


@lru_cache(maxsize=None)
def meanings() -> tuple[dict[bytes, Meaning], dict[tuple[bytes, int], Meaning]]:
    """Errors by selector, and events by (topic, number of topics), of everything that was compiled."""
    errors: dict[bytes, Meaning] = {}
    events: dict[tuple[bytes, int], Meaning] = {}
    for path in sorted(p for folder in FOLDERS for p in (BUILD / folder).rglob("*.json")):
        for entry in artifact(path.stem).entries if path.parent.name in FOLDERS else read(path).entries:
            if entry["type"] == "error":
                errors.setdefault(abi.selector(entry["name"], entry["inputs"])[:4], Meaning(entry))
            elif entry["type"] == "event" and not entry.get("anonymous"):
                topics = 1 + sum(p["indexed"] for p in entry["inputs"])
                events.setdefault((abi.selector(entry["name"], entry["inputs"]), topics), Meaning(entry))
    return errors, events


def decode_error(data: bytes) -> Reverted:
    """Revert data as an exception: a custom error, `Error(message)`, `Panic(code)`, or what is known of it.

    Nothing at all is `NoReason()`; an unknown selector is `UnknownError(data)`.
    """
    if not data:
        return Reverted("NoReason")
    if data[:4] == bytes.fromhex("08c379a0"):
        return Reverted("Error", (_error_text(data[4:]),), ("message",))
    if data[:4] == bytes.fromhex("4e487b71") and len(data) >= 36:
        code = int.from_bytes(data[4:36], "big")
        return Reverted("Panic", (code,), ("code",), PANICS.get(code, "unknown code"))
    meaning = meanings()[0].get(data[:4])
    if meaning is not None:
        try:
            return Reverted(meaning.name, meaning.values.read(data[4:], 0), tuple(meaning.keys))
        except abi.BadData:
            pass
    return Reverted("UnknownError", ("0x" + data.hex(),), ("data",))


def refusal(data: bytes, gas_used: int, gas: int) -> Reverted:
    """What a refused transaction says, from its revert data, the gas it used and the gas it had."""
    reverted = decode_error(data)
    if reverted.name == "NoReason" and gas_used >= gas:
        reverted.hint = f"all of its {gas} gas was used"
    return reverted


def _error_text(data: bytes) -> str:
    try:
        return str(abi.row([{"type": "string", "name": "message"}], list).read(data, 0)[0])
    except abi.BadData:
        return data.hex()


def decode_log(log: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The name and arguments of a log. An indexed value longer than a word is its hash; an unknown event has no name."""
    topics = [bytes.fromhex(t[2:]) for t in log["topics"]]
    data = bytes.fromhex(log["data"][2:])
    meaning = meanings()[1].get((topics[0], len(topics))) if topics else None
    if meaning is None:
        return "", {"topics": topics, "data": data}
    plain, indexed = iter(meaning.data.read(data, 0)), iter(topics[1:])
    args = {}
    for key, param in zip(meaning.keys, meaning.inputs):
        args[key] = _topic(param, next(indexed)) if param["indexed"] else next(plain)
    return meaning.name, args


def _topic(param: Mapping[str, Any], topic: bytes) -> Any:
    long = param["type"] in ("bytes", "string", "tuple") or param["type"].endswith("]")
    return topic if long else abi.reader(param).read(topic, 0)
