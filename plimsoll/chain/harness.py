"""Calldata for MathHarness, packed by hand: a portfolio has hundreds of words, and a general encoder would take longer
than everything else in a test. A snapshot is IMarginTypes.Snapshot as a tuple.

    packed = [pack(snapshot) for snapshot in snapshots]
    ask(harness, "judge", array(packed), True)          # as harness.judge(snapshots, True)
"""

from __future__ import annotations

from typing import Any

from plimsoll.chain.node import Contract

WORD = 32
MASK = 2**256 - 1
SNAPSHOT_HEAD = 6 * WORD
ENOUGH = hex(2**50)  # gas of a call: thousands of accounts


def words(numbers: Any) -> bytes:
    return b"".join((number & MASK).to_bytes(WORD, "big") for number in numbers)


def pack(snapshot: Any) -> bytes:
    """One IMarginTypes.Snapshot."""
    legs = words((len(snapshot.legs), *(number for leg in snapshot.legs for number in leg)))
    coins = words((len(snapshot.coins), *(number for coin in snapshot.coins for number in coin)))
    return words((*snapshot[:4], SNAPSHOT_HEAD, SNAPSHOT_HEAD + len(legs))) + legs + coins


def array(packed: list[bytes]) -> bytes:
    """A dynamic array of dynamic things."""
    at, offsets = WORD * len(packed), []
    for item in packed:
        offsets.append(at)
        at += len(item)
    return words((len(packed), *offsets)) + b"".join(packed)


def rows(items: Any) -> bytes:
    """A dynamic array of static structs, or of numbers."""
    items = list(items)
    return words((len(items), *(number for item in items for number in (item if isinstance(item, tuple) else (item,)))))


def ask(harness: Contract, name: str, *args: Any) -> Any:
    """Calls a view. An argument is bytes (something dynamic, packed), or numbers: a word, or a tuple of them in place."""
    function = harness.artifact.function(name, len(args))
    places = [arg if isinstance(arg, (bytes, tuple)) else (arg,) for arg in args]
    at = sum(WORD if isinstance(place, bytes) else WORD * len(place) for place in places)
    head, tail = b"", b""
    for place in places:
        if isinstance(place, bytes):
            head += words((at + len(tail),))
            tail += place
        else:
            head += words(place)
    request = {"to": harness.address, "data": "0x" + (function.selector + head + tail).hex(), "gas": ENOUGH}
    answer = harness.chain.rpc("eth_call", request, "latest")
    return function.decode(bytes.fromhex(answer[2:]))
