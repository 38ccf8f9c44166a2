"""The ledger as the keeper holds it: every account, as the chain stores it.

    Holding(cash=-5_000_000, nonce=3, estate=False, interest_index=1_000_000_000, positions={0: Position(…)}, coins={0: 10**18})

Units as in plimsoll.types. An account that holds nothing and owes nothing is not kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from plimsoll.errors import NodeRefused, Reverted
from plimsoll.keeper.port import Call, Port
from plimsoll.state import Position

ACCOUNTS_A_CALL = 200  # of sixteen positions each they fit the gas that nodes give a call


@dataclass(frozen=True, slots=True)
class Holding:
    """positions: by instrument. coins: collateral by id, token units. forgiven: what others paid for it (an estate)."""

    cash: int = 0
    nonce: int = 0
    interest_index: int = 0
    forgiven: int = 0
    positions: Mapping[int, Position] = field(default_factory=dict)
    coins: Mapping[int, int] = field(default_factory=dict)

    @property
    def matters(self) -> bool:
        """Whether it can ever be below its line, be for sale, or be somebody's counterparty."""
        return bool(self.positions) or self.cash < 0 or self.forgiven > 0

    def text(self) -> str:
        """As it is stored."""
        positions = [(i, held.size, held.quote, held.index) for i, held in self.positions.items()]
        return json.dumps((self.cash, self.nonce, self.interest_index, self.forgiven, positions, list(self.coins.items())))

    @classmethod
    def of_text(cls, text: str) -> Holding:
        cash, nonce, interest_index, forgiven, positions, coins = json.loads(text)
        held = {i: Position(size, quote, index) for i, size, quote, index in positions}
        return cls(cash, nonce, interest_index, forgiven, held, dict(coins))

    @classmethod
    def of_lens(cls, told: Any) -> Holding:
        """IMarginLens.Holding"""
        state = told.state
        return cls(
            state.cash,
            state.nonce,
            state.interestIndex,
            told.forgiven,
            {i: Position(*held) for i, held in zip(bits(state.instruments), told.positions)},
            dict(zip(bits(state.collaterals), told.amounts)),
        )


def bits(number: int) -> list[int]:
    """The places of the bits of a map, ascending."""
    return [place for place in range(number.bit_length()) if number >> place & 1]


def read(port: Port, accounts: Sequence[int], block: str) -> Iterator[tuple[int, Holding]]:
    """What is stored of accounts at a block (its hash); in halves where the node will not answer for so many at once.

    Raises NodeDead; NodeRefused, Reverted for one that cannot be read even alone.
    """
    for start in range(0, len(accounts), ACCOUNTS_A_CALL):
        yield from _read(port, accounts[start : start + ACCOUNTS_A_CALL], block)


def _read(port: Port, accounts: Sequence[int], block: str) -> Iterator[tuple[int, Holding]]:
    problem: Exception
    try:
        [answer] = port.ask([Call("lens", "holdings", (tuple(accounts),))], block)
        if not isinstance(answer, Reverted):
            if len(answer) != len(accounts):
                raise NodeRefused("eth_call", f"{len(answer)} holdings where {len(accounts)} were asked for")
            yield from ((account, Holding.of_lens(told)) for account, told in zip(accounts, answer))
            return
        problem = answer
    except NodeRefused as refused:
        problem = refused
    if len(accounts) == 1:
        raise problem
    half = len(accounts) // 2
    yield from _read(port, accounts[:half], block)
    yield from _read(port, accounts[half:], block)
