"""The books of the house kept twice: read off the contracts, and rebuilt from events alone (EVT-1)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from plimsoll import funding_math
from plimsoll.chain.receipt import Receipt
from tests.helpers import plain
from tests.world import COINS, NAMES, House


@dataclass
class Books:
    """What events say. positions: (account, instrument) → (size, quote, index), only those that are open."""

    idle: int
    settlement: str
    cash: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    positions: dict[tuple[int, int], tuple[int, int, int]] = field(default_factory=dict)
    coins: dict[tuple[int, str], int] = field(default_factory=lambda: defaultdict(int))
    funds: dict[int, tuple[int, int]] = field(default_factory=lambda: defaultdict(lambda: (0, 0)))
    owed: dict[tuple[int, bool], int] = field(default_factory=lambda: defaultdict(int))
    heirs: dict[int, int] = field(default_factory=dict)
    bad_debt: int = 0
    settlements: int = 0

    def read(self, receipt: Receipt) -> None:
        repaid = 0
        for event in receipt.events:
            if event.name == "BadDebtUpdated":
                repaid, self.bad_debt = self.bad_debt - event.badDebt, event.badDebt
                continue
            if handler := getattr(self, f"_{event.name}", None):
                handler(event.args, repaid)
            if event.name not in ("FundUpdated", "DeficitUpdated"):
                repaid = 0

    def _AccountUpdated(self, e: dict, _: int) -> None:
        self.cash[e["account"]] = e["cash"]

    def _InterestCharged(self, e: dict, _: int) -> None:
        self.cash[self.idle] += e["amount"]

    def _EstateOpened(self, e: dict, _: int) -> None:
        self.heirs[e["account"]] = e["instrument"]

    def _EstateRepaid(self, e: dict, repaid: int) -> None:
        if self.heirs[e["account"]] >= len(NAMES):
            self.cash[self.idle] += e["amount"] - repaid

    def _PositionUpdated(self, e: dict, _: int) -> None:
        self.settlements += 1
        key = e["account"], e["instrument"]
        self.positions.pop(key, None)
        if e["size"]:
            self.positions[key] = e["size"], e["quote"], e["index"]

    def _FundUpdated(self, e: dict, _: int) -> None:
        self.funds[e["instrument"]] = e["insurance"], e["treasury"]

    def _DeficitUpdated(self, e: dict, _: int) -> None:
        self.owed[e["instrument"], e["long"]] = e["owed"]

    def _Deposited(self, e: dict, _: int) -> None:
        self._coin(e, e["amount"])

    def _Withdrawn(self, e: dict, _: int) -> None:
        self._coin(e, -e["amount"])

    def _CollateralSold(self, e: dict, _: int) -> None:
        self._coin(e, -e["amount"])

    def _coin(self, e: dict, amount: int) -> None:
        if plain(e["token"]) != self.settlement:
            self.coins[e["account"], plain(e["token"])] += amount


@dataclass
class Standing:
    """What the contracts say, all in one block."""

    accounts: dict[int, Any]
    positions: dict[tuple[int, int], Any]
    coins: dict[tuple[int, int], int]
    markets: dict[int, Any]
    funds: dict[int, Any]
    totals: dict[int, int]
    owed: dict[tuple[int, bool], int]
    bad_debt: int
    credit: int
    balance: int

    @classmethod
    def of(cls, house: House, accounts: list[int], instruments: list[int], coins: list[int]) -> Standing:
        engine, escrow = house.engine, house.protocol.escrow
        held = [(a, i) for a in accounts for i in instruments]
        owned = [(a, c) for a in accounts for c in coins]
        parts = [
            [engine.call_item("accountState", a) for a in accounts],
            [engine.call_item("position", a, i) for a, i in held],
            [engine.call_item("collateralOf", a, c) for a, c in owned],
            [engine.call_item("market", i) for i in instruments],
            [engine.call_item("fundOf", i) for i in instruments],
            [engine.call_item("collateralTotal", c) for c in coins],
            [engine.call_item("deficitOf", i, side) for i in instruments for side in (True, False)],
            [engine.call_item("badDebt"), escrow.call_item("creditOf", engine, 0, house.usdc)],
            [house.usdc.call_item("balanceOf", escrow)],
        ]
        values = iter(house.chain.batch(item for part in parts for item in part))
        states, positions, amounts, markets, funds, totals, deficits, (debt, credit), (balance,) = (
            [next(values) for _ in part] for part in parts
        )
        return cls(
            accounts=dict(zip(accounts, states)),
            positions={key: p for key, p in zip(held, positions) if p.size},
            coins={key: amount for key, amount in zip(owned, amounts) if amount},
            markets=dict(zip(instruments, markets)),
            funds=dict(zip(instruments, funds)),
            totals=dict(zip(coins, totals)),
            owed=dict(zip(((i, side) for i in instruments for side in (True, False)), (d.owed for d in deficits))),
            bad_debt=debt,
            credit=credit,
            balance=balance,
        )

    def check(self, settlements: int) -> None:
        """ESC-1, LED-1, LED-2 of what is stored. settlements: how many there were, each worth a unit of slack."""
        for i, market in self.markets.items():
            sizes = [p.size for (_, j), p in self.positions.items() if j == i]
            assert sum(sizes) == 0, "LED-1"
            assert market.openInterest == sum(size for size in sizes if size > 0), "LED-1"
            for side, total in ((1, market.quoteLong), (-1, market.quoteShort)):
                quotes = (p.quote for (_, j), p in self.positions.items() if j == i and p.size * side > 0)
                assert total == sum(quotes), "LED-1: Σ quote of a side"
        claims = sum(state.cash for state in self.accounts.values()) + sum(p.quote for p in self.positions.values())
        claims += sum(fund.insurance + fund.treasury for fund in self.funds.values()) - sum(
            map(self.charge, self.positions)
        )
        slack = self.credit + self.bad_debt - claims
        most = settlements + len(self.positions)  # what is not settled yet is rounded up, too
        assert 0 <= slack <= most, f"LED-2: slack {slack} after {settlements} settlements"
        owed = sum(self.owed.values())
        assert owed <= self.bad_debt, "LIQ-5: the sides owe no more than the bad debt"
        assert self.balance >= self.credit, "ESC-1"
        for c, total in self.totals.items():
            assert total == sum(amount for (_, k), amount in self.coins.items() if k == c), "ESC-1: Σ collateral"

    def charge(self, key: tuple[int, int]) -> int:
        """What a position owes at its market's stored index."""
        held, market = self.positions[key], self.markets[key[1]]
        return funding_math.charge(held.size, held.index, market.indexLong if held.size > 0 else market.indexShort)

    def check_books(self, house: House, books: Books) -> None:
        """EVT-1"""
        cash = {account: state.cash for account, state in self.accounts.items()}
        assert {account: books.cash[account] for account in cash} == cash, "EVT-1: cash"
        assert books.positions == {key: tuple(p) for key, p in self.positions.items()}, "EVT-1: positions"
        assert {i: books.funds[i] for i in self.funds} == {i: tuple(f) for i, f in self.funds.items()}, "EVT-1: funds"
        tokens = [plain(house.token(name)) for name in COINS]
        coins = {(account, tokens[c]): amount for (account, c), amount in self.coins.items()}
        assert {key: amount for key, amount in books.coins.items() if amount} == coins, "EVT-1: collateral"
        assert books.bad_debt == self.bad_debt, "EVT-1: bad debt"
        assert {key: books.owed[key] for key in self.owed} == self.owed, "EVT-1: who owes it"
