"""The state of the protocol as Python data: what a venue is asked for, and what invariants and reports read.

Units as in types.py. Everything is read at one instant; what has no price then is None, with the name of the fault.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass

from plimsoll.margin_math import Margin
from plimsoll.types import Account, World


@dataclass(frozen=True)
class Position:
    """As stored. index: the index of its side when it was last settled."""

    size: int
    quote: int
    index: int


@dataclass(frozen=True)
class AccountState:
    """cash, positions, collateral: as stored (only what is not zero). margin: at mid, with I at hi; None while a price that judges the
    account is invalid; fault then names the error. owed: what the indices say it owes, which margin.cash is already less."""

    cash: int
    positions: Mapping[str, Position]
    collateral: Mapping[str, int]
    margin: Margin | None
    fault: str = ""
    owed: int = 0


@dataclass(frozen=True)
class MarketState:
    """As stored at `time`, as IMarginEngine.Market and Fund. rate_e8: funding a year, positive when longs pay. owed_…: bad debt
    that a side has still to be charged."""

    open_interest: int
    index_long: int
    index_short: int
    quote_long: int
    quote_short: int
    rate_e8: int
    time: int
    insurance: int
    treasury: int
    owed_long: int = 0
    owed_short: int = 0


@dataclass(frozen=True)
class FeedState:
    """lo, mid, hi are 0 while `fault` (the oracle's word for why; "" for none) says that there is no price. halted_at: not 0 while
    the price is the stand-in of a halted feed."""

    lo: int
    mid: int
    hi: int
    fault: str
    updated_at: int
    halted_at: int = 0


@dataclass(frozen=True)
class EscrowState:
    """One token in escrow. credit: module → Σ of its credits over all accounts the venue knows."""

    balance: int
    credit: Mapping[str, int]


@dataclass(frozen=True)
class PoolState:
    """equity_…: None while a price is invalid. shares: per actor, its requested ones included. share_price: settlement
    units of one whole share at mid equity, WAD (None likewise)."""

    equity_low: int | None
    equity_mid: int | None
    equity_high: int | None
    total_shares: int
    share_price: int | None
    shares: Mapping[str, int]


@dataclass(frozen=True)
class State:
    """Everything the invariants need, read at one instant."""

    time: int
    accounts: Mapping[Account, AccountState]
    markets: Mapping[str, MarketState]
    feeds: Mapping[str, FeedState]
    escrow: Mapping[str, EscrowState]
    pool: PoolState
    bad_debt: int

    def skew(self, world: World, instrument: str) -> int:
        """Traders' net position, size units: the opposite of the pool's."""
        held = self.accounts[world.tranche(instrument)].positions.get(instrument)
        return -held.size if held else 0


def leaves(value: object, path: str = "") -> dict[str, object]:
    """Every number of a state by its path: "accounts.ada.cash"."""
    if isinstance(value, Margin):
        value = value._asdict()
    if is_dataclass(value):
        value = {field.name: getattr(value, field.name) for field in fields(value)}
    if not isinstance(value, Mapping):
        return {path: value}
    found: dict[str, object] = {}
    for key, part in value.items():
        found |= leaves(part, f"{path}.{key}".lstrip("."))
    return found
