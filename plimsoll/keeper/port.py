"""What the keeper asks of a chain. plimsoll.chain.lookout answers it; so does a fake in a test.

Whatever is asked is answered in full or raises: `NodeDead` (nobody answers), `NodeRefused` (an error, or an answer that makes
no sense). Nothing here is ever repeated by itself, and a read that failed is never a zero. Money is wei or settlement units,
prices are WAD.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from plimsoll.errors import Reverted


class Call(NamedTuple):
    """A view, or a transaction that is not sent yet. part: of the house: engine, liquidation, auctions, oracle, pool, lens,
    settlement. fn, args: as the interface of that part has them."""

    part: str
    fn: str
    args: tuple[Any, ...] = ()


class Head(Protocol):
    """A block's header. time: unix seconds. base_fee: wei per gas, of that block."""

    @property
    def number(self) -> int: ...
    @property
    def hash(self) -> str: ...
    @property
    def parent(self) -> str: ...
    @property
    def time(self) -> int: ...
    @property
    def base_fee(self) -> int: ...
    @property
    def gas_limit(self) -> int: ...
    @property
    def told(self) -> bool:
        """Whether its bloom filter says that the engine told something of an account (it may err, but never by a no)."""


class Told(Protocol):
    """One event of the house. place: in its block. accounts: those that it touched."""

    @property
    def block(self) -> int: ...
    @property
    def block_hash(self) -> str: ...
    @property
    def place(self) -> int: ...
    @property
    def transaction(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def args(self) -> Mapping[str, Any]: ...
    @property
    def accounts(self) -> Sequence[int]: ...


class Receipt(Protocol):
    """What became of a transaction. paid: wei."""

    @property
    def block(self) -> int: ...
    @property
    def ok(self) -> bool: ...
    @property
    def gas_used(self) -> int: ...
    @property
    def paid(self) -> int: ...


class Port(Protocol):
    """One deployment on one chain."""

    @property
    def address(self) -> str:
        """Who sends."""

    @property
    def identity(self) -> Mapping[str, str]:
        """The chain's id, the engine's address: what a store must be of."""

    def head(self) -> Head: ...

    def headers(self, numbers: Sequence[int]) -> Sequence[Head | None]:
        """None where there is no such block (yet)."""

    def told(self, first: int, last: int) -> Sequence[Told]:
        """All events of the house in these blocks, in order."""

    def ask(self, calls: Sequence[Call], block: str | None = None, gas: int | None = None) -> list[Any]:
        """Each call's answer, as if we had sent it; a Reverted in the place of one that reverts. block: a hash, None for the
        latest."""

    def estimate(self, call: Call) -> int | Reverted:
        """Units of gas that it would use now, sent by us; or why it would be refused."""

    def encode(self, call: Call) -> tuple[str, str]:
        """(to, calldata)"""

    def fees(self) -> tuple[int, int]:
        """(base fee of the next block at the most, tip), wei per gas."""

    def balance(self) -> int:
        """Our ether, wei."""

    def nonce(self) -> int:
        """How many transactions of ours are in blocks."""

    def sign(self, nonce: int, to: str, data: str, gas: int, fee: int, tip: int) -> tuple[str, str]:
        """(the transaction as it is sent, its hash)"""

    def publish(self, raw: str) -> str:
        """"" when the node has it; else its word for why not: "underpriced", "used" (the nonce is), "poor"."""

    def receipts(self, hashes: Sequence[str]) -> Sequence[Receipt | None]: ...

    def knows(self, transaction: str) -> bool:
        """Whether the node has it, in a block or waiting."""

    def sender(self, transaction: str) -> str | None: ...

    def names(self) -> Sequence[str]:
        """What the feeds call themselves, in the order of their ids."""

    def last_round(self, feed: int) -> Sequence[int]:
        """Ids of rounds of a feed, the latest first, as far as it answers for them."""
