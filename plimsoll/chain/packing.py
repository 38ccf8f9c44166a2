"""Calldata without eth_abi: the ABI of a function becomes one Python function that packs its arguments.

    put = packer(function.inputs)
    calldata = function.selector + put(args)

eth_abi looks at every type and value anew each time; a fuzzer that judges tens of thousands of portfolios a second cannot
wait for it. A value that does not fit its type is a Misfit here, with no word about where: plimsoll.chain.abi then asks
eth_abi, which knows. A test compares the two on random types and values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from plimsoll.chain.abi import WORD, struct_values, to_address

Put = Callable[[Any], bytes]


class Misfit(ValueError):
    """A value that its type cannot hold."""


class Packer(NamedTuple):
    """How to pack a type. size: bytes in the head, 32 when dynamic; put: a Python value → its bytes."""

    dynamic: bool
    size: int
    put: Put


def packer(params: Sequence[Mapping[str, Any]]) -> Callable[[tuple[Any, ...]], bytes]:
    """Packs the arguments of a function: a tuple of as many values as there are parameters, else Misfit."""
    return _row([_one(param) for param in params], _as_given).put


def _one(param: Mapping[str, Any]) -> Packer:
    kind = param["type"]
    if kind.endswith("]"):
        element, _, length = kind[:-1].rpartition("[")
        return _array(_one({**param, "type": element}), int(length) if length else None)
    if kind == "tuple":
        return _row([_one(c) for c in param["components"]], lambda value: _fields(param, value))
    if kind in ("bytes", "string"):
        return Packer(True, WORD, _put_bytes if kind == "bytes" else lambda text: _put_bytes(text.encode()))
    return Packer(False, WORD, _word(kind))


# Words -------------------------------------------------------------------------------------------------------------


def _word(kind: str) -> Put:
    if kind.startswith(("uint", "int")):
        return _integer(kind.startswith("int"), int(kind.lstrip("uint")))
    if kind.startswith("bytes"):
        return _fixed_bytes(int(kind[5:]))
    if kind == "bool":
        return _put_bool
    if kind == "address":
        return lambda value: bytes(12) + bytes.fromhex(to_address(value)[2:])
    raise TypeError(f"type {kind} is not supported")


def _integer(signed: bool, bits: int) -> Put:
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)

    def put(number: Any) -> bytes:
        if type(number) is not int or not low <= number <= high:
            raise Misfit(number)
        return number.to_bytes(WORD, "big", signed=signed)

    def put_whole_word(number: Any) -> bytes:
        if type(number) is not int:
            raise Misfit(number)
        return number.to_bytes(WORD, "big", signed=signed)  # refuses what is out of range

    return put_whole_word if bits == 8 * WORD else put


def _fixed_bytes(width: int) -> Put:
    def put(value: Any) -> bytes:
        raw = _raw(value)
        if len(raw) > width:
            raise Misfit(value)
        return raw.ljust(WORD, b"\0")

    return put


def _put_bool(value: Any) -> bytes:
    if value is not True and value is not False:
        raise Misfit(value)
    return value.to_bytes(WORD, "big")


def _put_bytes(value: Any) -> bytes:
    raw = _raw(value)
    return len(raw).to_bytes(WORD, "big") + raw + bytes(-len(raw) % WORD)


def _raw(value: Any) -> bytes:
    if isinstance(value, str):
        return bytes.fromhex(value.removeprefix("0x"))
    if not isinstance(value, bytes):
        raise Misfit(value)
    return value


# Rows and arrays ---------------------------------------------------------------------------------------------------


def _as_given(values: Sequence[Any]) -> Sequence[Any]:
    return values


def _fields(param: Mapping[str, Any], value: Any) -> Sequence[Any]:
    """A tuple is in the order of the fields already; a mapping or dataclass is put into it."""
    return value if isinstance(value, tuple) else struct_values(param, value)


def _row(parts: list[Packer], values_of: Callable[[Any], Sequence[Any]]) -> Packer:
    """Several values in a row: arguments, or a struct."""
    puts, count = [part.put for part in parts], len(parts)
    head_size = sum(part.size for part in parts)
    dynamic = any(part.dynamic for part in parts)

    def put_static(value: Any) -> bytes:
        values = values_of(value)
        if len(values) != count:
            raise Misfit(value)
        return b"".join([put(item) for put, item in zip(puts, values)])

    def put_dynamic(value: Any) -> bytes:
        values = values_of(value)
        if len(values) != count:
            raise Misfit(value)
        head, tail, at = [], [], head_size
        for part, item in zip(parts, values):
            packed = part.put(item)
            if part.dynamic:
                head.append(at.to_bytes(WORD, "big"))
                tail.append(packed)
                at += len(packed)
            else:
                head.append(packed)
        return b"".join(head + tail)

    return Packer(dynamic, WORD if dynamic else head_size, put_dynamic if dynamic else put_static)


def _array(element: Packer, length: int | None) -> Packer:
    put = element.put

    def items(values: Sequence[Any]) -> bytes:
        packed = [put(value) for value in values]
        if not element.dynamic:
            return b"".join(packed)
        offsets, at = [], WORD * len(packed)
        for item in packed:
            offsets.append(at.to_bytes(WORD, "big"))
            at += len(item)
        return b"".join(offsets + packed)

    def put_counted(values: Any) -> bytes:
        return len(values).to_bytes(WORD, "big") + items(values)

    def put_fixed(values: Any) -> bytes:
        if len(values) != length:
            raise Misfit(values)
        return items(values)

    if length is None:
        return Packer(True, WORD, put_counted)
    return Packer(element.dynamic, WORD if element.dynamic else element.size * length, put_fixed)
