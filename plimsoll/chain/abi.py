"""Between Python values and the bytes that contracts speak, driven by the ABI that the compiler wrote.

Decoding is our own, ten times as fast as eth_abi's because a type is turned into a function once: a run decodes hundreds of
thousands of words. Encoding here is eth_abi's, which names the argument that does not fit; packing.py is our own, and what
functions use. Tests compare all three on random types and values.

    Solidity                Python, decoded                     Python, accepted
    uintN, intN, enum       int                                 int
    bool                    bool                                bool
    address                 str with checksum                   str, or anything with `.address`
    bytes, bytesN           bytes                               bytes, or str of hex digits after 0x
    string                  str                                 str
    T[], T[n]               list                                list, tuple
    struct                  namedtuple named as in Solidity     dict, dataclass, tuple in the order of the fields

A name that Python keeps for itself (`from`) gets an underscore at its end.
"""

from __future__ import annotations

import keyword
from collections import namedtuple
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import eth_abi
from eth_abi.exceptions import EncodingError
from eth_utils import is_address, keccak, to_checksum_address

Read = Callable[[bytes, int], Any]
WORD = 32


class BadData(ValueError):
    """The bytes are too short for the type."""


class Reader(NamedTuple):
    """How to decode a type. size: bytes in the head, 32 when dynamic; read: from (data, position of the value)."""

    dynamic: bool
    size: int
    read: Read


def as_address(text: str) -> str | None:
    """An address with its checksum; None where the text is none, or has capitals of another one."""
    if not is_address(text) or not text.startswith("0x"):
        return None
    address, digits = str(to_checksum_address(text)), text[2:]
    return address if text == address or digits in (digits.lower(), digits.upper()) else None


def signature(param: Mapping[str, Any]) -> str:
    """The canonical type of an ABI parameter: `(uint256,address)[]` for an array of structs."""
    kind: str = param["type"]
    if not kind.startswith("tuple"):
        return kind
    inside = ",".join(map(signature, param["components"]))
    return f"({inside}){kind[len('tuple') :]}"


def selector(name: str, inputs: list[Mapping[str, Any]]) -> bytes:
    """keccak256 of the canonical signature: its first 4 bytes name a function or an error, all 32 an event."""
    return keccak(text=f"{name}({','.join(map(signature, inputs))})")


def python_name(name: str, position: int) -> str:
    """A name that may follow a dot in Python."""
    if not name:
        return f"field{position}"
    name = name.lstrip("_") or f"field{position}"
    return f"{name}_" if keyword.iskeyword(name) else name


@lru_cache(maxsize=None)
def record(name: str, names: tuple[str, ...]) -> Any:
    """The namedtuple of a struct, one class for the same name and fields."""
    return namedtuple(name, [python_name(n, i) for i, n in enumerate(names)])


def struct_name(param: Mapping[str, Any]) -> str:
    """`Price` for a parameter of type `struct IPriceOracle.Price[]`."""
    full = param.get("internalType", "").removeprefix("struct ").split("[")[0]
    return full.split(".")[-1] or "Struct"


# decoding


@lru_cache(maxsize=65_536)
def checksummed(raw: bytes) -> str:
    """The address of 20 bytes."""
    return to_checksum_address(raw)


def _read_uint(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + WORD], "big")


def _read_int(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + WORD], "big", signed=True)


def _read_bool(data: bytes, at: int) -> bool:
    return data[at + WORD - 1] != 0


def _read_address(data: bytes, at: int) -> str:
    return checksummed(data[at + 12 : at + WORD])


def _read_bytes(data: bytes, at: int) -> bytes:
    _demand(data, at + WORD)
    start = at + WORD
    end = start + _read_uint(data, at)
    _demand(data, end)
    return data[start:end]


def _read_string(data: bytes, at: int) -> str:
    return _read_bytes(data, at).decode("utf-8", "replace")


def _demand(data: bytes, end: int) -> None:
    if end > len(data):
        raise BadData(f"{len(data)} bytes where at least {end} are due")


def reader(param: Mapping[str, Any]) -> Reader:
    """Compiles the decoder of one ABI parameter."""
    kind = param["type"]
    if kind.endswith("]"):
        element, _, length = kind[:-1].rpartition("[")
        return _array(reader({**param, "type": element}), int(length) if length else None)
    if kind == "tuple":
        make = record(struct_name(param), tuple(c["name"] for c in param["components"]))._make
        return row(param["components"], make)
    return _word(kind)


def _word(kind: str) -> Reader:
    if kind in ("bytes", "string"):
        return Reader(True, WORD, _read_bytes if kind == "bytes" else _read_string)
    if kind.startswith("bytes"):
        width = int(kind[5:])
        return Reader(False, WORD, lambda data, at: data[at : at + width])
    if kind.startswith(("uint", "int")):
        return Reader(False, WORD, _read_uint if kind[0] == "u" else _read_int)
    reads = {"bool": _read_bool, "address": _read_address}
    if kind not in reads:
        raise TypeError(f"type {kind} is not supported")
    return Reader(False, WORD, reads[kind])


def row(params: list[Mapping[str, Any]], make: Callable[[list[Any]], Any]) -> Reader:
    """The decoder of several values in a row (a struct, arguments, results), handed to `make` as a list."""
    plan: list[tuple[int, bool, Read]] = []
    head = 0
    for item in map(reader, params):
        plan.append((head, item.dynamic, item.read))
        head += item.size
    dynamic = any(is_dynamic for _, is_dynamic, _ in plan)

    def read(data: bytes, base: int) -> Any:
        _demand(data, base + head)
        return make(
            [
                get(data, base + _read_uint(data, base + offset) if is_dynamic else base + offset)
                for offset, is_dynamic, get in plan
            ]
        )

    return Reader(dynamic, WORD if dynamic else head, read)


def _array(element: Reader, length: int | None) -> Reader:
    size, get = element.size, element.read

    def items(data: bytes, base: int, count: int) -> list[Any]:
        end = base + count * size
        _demand(data, end)
        if element.dynamic:
            return [get(data, base + _read_uint(data, at)) for at in range(base, end, size)]
        return [get(data, at) for at in range(base, end, size)]

    def read_counted(data: bytes, at: int) -> list[Any]:
        _demand(data, at + WORD)
        return items(data, at + WORD, _read_uint(data, at))

    if length is None:
        return Reader(True, WORD, read_counted)
    dynamic = element.dynamic
    return Reader(dynamic, WORD if dynamic else size * length, lambda data, at: items(data, at, length))


# encoding


def to_address(value: Any) -> str:
    """`0x…` of an address, or of anything with `.address`, in lower case.

    Raises TypeError for anything else.
    """
    text = getattr(value, "address", value)
    if isinstance(text, bytes) and len(text) == 20:
        return "0x" + text.hex()
    if isinstance(text, str) and len(text) == 42 and text.startswith("0x"):
        return text.lower()
    raise TypeError(f"{value!r} is not an address, nor has it one")


def to_wire(param: Mapping[str, Any], value: Any) -> Any:
    """A Python value as eth_abi wants it for this ABI parameter."""
    kind = param["type"]
    if kind.endswith("]"):
        inner = {**param, "type": kind[: kind.rindex("[")]}
        return [to_wire(inner, item) for item in value]
    if kind == "tuple":
        parts = struct_values(param, value)
        return tuple(to_wire(c, part) for c, part in zip(param["components"], parts))
    if kind == "address":
        return to_address(value)
    if kind.startswith("bytes") and isinstance(value, str):
        return bytes.fromhex(value.removeprefix("0x"))
    return value


def struct_values(param: Mapping[str, Any], value: Any) -> list[Any]:
    names = [c["name"] for c in param["components"]]
    if is_dataclass(value):
        value = {f.name: getattr(value, f.name) for f in fields(value)}
    if isinstance(value, Mapping):
        if set(value) != set(names):
            raise TypeError(f"{struct_name(param)} has the fields {names}, not {list(value)}")
        return [value[name] for name in names]
    if not isinstance(value, (list, tuple)) or len(value) != len(names):
        raise TypeError(f"{struct_name(param)} needs {len(names)} values ({', '.join(names)}), not {value!r}")
    return list(value)


def encode(params: list[Mapping[str, Any]], types: list[str], args: tuple[Any, ...]) -> bytes:
    """The ABI encoding of arguments. Raises TypeError naming the argument that does not fit."""
    if len(params) != len(args):
        wanted = ", ".join(f"{s} {p['name']}".strip() for p, s in zip(params, types))
        raise TypeError(f"takes {len(params)} arguments ({wanted}), not {len(args)}")
    try:
        return eth_abi.encode(types, [to_wire(param, value) for param, value in zip(params, args)])
    except (TypeError, ValueError, OverflowError, EncodingError) as problem:
        raise TypeError(_misfit(params, types, args) or str(problem)) from None


def _misfit(params: list[Mapping[str, Any]], types: list[str], args: tuple[Any, ...]) -> str:
    """Names the first argument that does not fit its type."""
    for param, kind, value in zip(params, types, args):
        name = f"{kind} {param['name']}".strip()
        try:
            eth_abi.encode([kind], [to_wire(param, value)])
        except (TypeError, ValueError, OverflowError, EncodingError) as problem:
            return f"{name}: {problem}"
    return ""
