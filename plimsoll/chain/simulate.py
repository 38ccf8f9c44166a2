"""Many transactions in one request, on top of the latest block, and nothing stays: `eth_simulateV1`.

    blocks = [Block([margin.call_item("post", 5), margin.call_item("open", 7, 1, sender=ann)], 100),
              Block([packed(margin, "liquidate", ann)], 160)]
    simulate(chain, blocks)        # per block a list of values; Reverted in the place of what reverted

Each block sees what those before it did. A sender need not be an account of the node. A batch of thousands costs about
as much as a few mined transactions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from plimsoll.chain import artifacts
from plimsoll.chain.node import CallItem, Chain, Contract

GAS_OF_A_CALL = 10**6
BLOCKS_PER_REQUEST = 500
WORD = 2**256


class Block(NamedTuple):
    """items: transactions and views, in order. time: in seconds after the latest block, at least one per block, rising."""

    items: Sequence[CallItem]
    time: int


def packed(contract: Contract, fn: str, *args: int | str, sender: str = "") -> CallItem:
    """contract.call_item for arguments of one word each, numbers or addresses, many times as fast. Nothing is checked."""
    function = contract.artifact.function(fn, len(args))
    words = (arg % WORD if isinstance(arg, int) else int(arg, 16) for arg in args)
    data = f"0x{function.selector.hex()}{''.join(f'{word:064x}' for word in words)}"
    return CallItem(contract, function, {"to": contract.address, "data": data} | ({"from": sender} if sender else {}))


def simulate(chain: Chain, blocks: Sequence[Block], gas: int = GAS_OF_A_CALL) -> list[list[Any]]:
    """The value of every call, Reverted where it reverted. gas: the limit of each. Blocks beyond 500 start afresh."""
    now, found = chain.now, []
    for start in range(0, len(blocks), BLOCKS_PER_REQUEST):
        some = blocks[start : start + BLOCKS_PER_REQUEST]
        asked = [_asked(block, now, gas) for block in some]
        answer = chain.rpc("eth_simulateV1", {"blockStateCalls": asked, "validation": False}, "latest")
        found += [list(map(_value, block.items, said["calls"])) for block, said in zip(some, answer)]
    return found


def _asked(block: Block, now: int, gas: int) -> dict[str, Any]:
    calls = [{**item.request, "gas": hex(gas)} for item in block.items]
    return {"calls": calls, "blockOverrides": {"time": hex(now + block.time), "gasLimit": hex(gas * len(calls))}}


def _value(item: CallItem, said: Mapping[str, Any]) -> Any:
    data = bytes.fromhex(said["returnData"][2:])
    return item.function.decode(data) if int(said["status"], 16) else artifacts.decode_error(data)
