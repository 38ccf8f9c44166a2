"""The book: what every account holds, as columns of NumPy, changed one account at a time.

    book = Book()
    book.put_all({account: holding, …})                # a million at once
    book.put(account, holding); book.remove(account)   # one, as events touch it
    book.holding(account); len(book); account in book

A holding is what is stored of an account: an object with `cash`, `interest_index`, `positions` and `coins` (see Held).

An account has a row, which it keeps while it is in the book; what it leaves is given to another. Row 0 is nobody's. A position or
a coin is a line of a table (`legs`, `coins`): which row, which instrument or collateral, and its numbers. Lines that nobody uses
belong to row 0 and hold zeros, so that a sum over all lines needs no mask.

Every number is kept exactly, as two floats: the nearest one, and what is left, which is a float again while the number is below
2^105 (a double has 53 bits, and what is left of 105 has at most 52). The chain's are below: cash and size have 80 bits, quotes 96,
amounts at most 104. Floats judge by the first alone; whoever needs the integer adds the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from plimsoll.errors import RiskError
from plimsoll.state import Position

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]

NOBODY = 0
END = -1  # of a chain of lines
MOST = 2**105
MOST_POSITIONS, MOST_COINS = 16, 8


class Held(Protocol):
    """What is stored of an account. positions: by instrument, none of size 0, at most 16. coins: amount by collateral, exactly those
    that the engine has on its list (Account.collaterals), at most 8. interest_index: not 0 where cash is negative."""

    @property
    def cash(self) -> int: ...
    @property
    def interest_index(self) -> int: ...
    @property
    def positions(self) -> Mapping[int, Position]: ...
    @property
    def coins(self) -> Mapping[int, int]: ...


class Holding(NamedTuple):
    """The plainest Held."""

    cash: int = 0
    interest_index: int = 0
    positions: Mapping[int, Position] = {}
    coins: Mapping[int, int] = {}


class Table:
    """Lines: `row` whose it is, `kind` of what (an instrument, a collateral), and some numbers, near[i] + rest[i] the i-th.

    Arrays are longer than what is used: `lines` many count."""

    def __init__(self, numbers: int) -> None:
        self.lines = 0
        self.row: Rows = np.zeros(0, np.intp)
        self.kind: Rows = np.zeros(0, np.intp)
        self._next: Rows = np.zeros(0, np.intp)
        self.near: Floats = np.zeros((numbers, 0))
        self.rest: Floats = np.zeros((numbers, 0))
        self._first: Rows = np.full(1, END, np.intp)  # by row
        self._free: list[int] = []

    def of(self, row: int) -> list[tuple[int, ...]]:
        """(kind, number, …) of each line of a row, exact."""
        return [(int(self.kind[line]), *map(joined, self.near[:, line], self.rest[:, line])) for line in self._chain(row)]

    def write(self, row: int, lines: Iterable[tuple[int, ...]]) -> None:
        """In the place of what the row has."""
        self.clear(row)
        for kind, *numbers in lines:
            line = self._free.pop() if self._free else self._grow(1)
            self.row[line], self.kind[line] = row, kind
            self.near[:, line], self.rest[:, line] = split(numbers)
            self._next[line], self._first[row] = self._first[row], line

    def clear(self, row: int) -> None:
        for line in self._chain(row):
            self.row[line] = self.kind[line] = NOBODY
            self.near[:, line] = self.rest[:, line] = 0.0
            self._free.append(line)
        self._first[row] = END

    def extend(self, rows: Sequence[int], lines: Sequence[tuple[int, ...]]) -> None:
        """Lines for rows that have none; those of one row stand together."""
        if not lines:
            return
        again = [self._free.pop() for _ in range(min(len(self._free), len(lines)))]
        start = self._grow(len(lines) - len(again))
        places = np.array([*again, *range(start, self.lines)])
        kinds, *numbers = zip(*lines)
        self.row[places], self.kind[places] = rows, kinds
        for i, column in enumerate(numbers):
            self.near[i, places], self.rest[i, places] = split(column)
        whose = self.row[places]
        same = np.append(whose[1:] == whose[:-1], False)  # as the line after it
        self._next[places] = np.where(same, np.append(places[1:], END), END)
        first = np.append(True, ~same[:-1])
        self._first[whose[first]] = places[first]

    def make_room(self, rows: int) -> None:
        self._first = enlarged(self._first, rows, END)

    def _chain(self, row: int) -> list[int]:
        found, line = [], int(self._first[row])
        while line != END:
            found.append(line)
            line = int(self._next[line])
        return found

    def _grow(self, count: int) -> int:
        """So many lines more; the first of them."""
        start, self.lines = self.lines, self.lines + count
        self.row, self.kind = enlarged(self.row, self.lines), enlarged(self.kind, self.lines)
        self._next = enlarged(self._next, self.lines)
        self.near, self.rest = enlarged(self.near, self.lines), enlarged(self.rest, self.lines)
        return start


class Book:
    """legs: numbers size, quote, index. coins: number amount. By row: cash, exact as near + rest; interest_index; taken, whether it is
    an account's."""

    def __init__(self) -> None:
        self.legs, self.coins = Table(3), Table(1)
        self.near: Floats = np.zeros(1)
        self.rest: Floats = np.zeros(1)
        self.interest_index: Floats = np.ones(1)
        self.taken: Mask = np.zeros(1, np.bool_)
        self.accounts: list[int | None] = [None]  # by row
        self._rows: dict[int, int] = {}
        self._free: list[int] = []

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, account: int) -> bool:
        return account in self._rows

    @property
    def rows(self) -> int:
        """How many rows count, those of nobody included."""
        return len(self.accounts)

    def row(self, account: int) -> int:
        """Raises KeyError for one that is not in the book."""
        return self._rows[account]

    def named(self, mask: Mask) -> list[int]:
        """The accounts of the rows that are True."""
        return [account for row in np.flatnonzero(mask) if (account := self.accounts[row]) is not None]

    def put(self, account: int, held: Held) -> None:
        """What the account holds from now on. Raises RiskError for what no chain stores; then nothing is changed."""
        legs, coins = _legs(account, held), _coins(account, held)
        row = self._row_for(account)
        (self.near[row],), (self.rest[row],) = split((held.cash,))
        self.interest_index[row] = held.interest_index or 1
        self.legs.write(row, legs)
        self.coins.write(row, coins)

    def put_all(self, accounts: Mapping[int, Held]) -> None:
        """As `put` of each, for many that are new. Raises RiskError; then nothing is changed."""
        legs = {account: _legs(account, held) for account, held in accounts.items()}
        coins = {account: _coins(account, held) for account, held in accounts.items()}
        cash = split([held.cash for held in accounts.values()])
        for account in self._rows.keys() & accounts.keys():
            self._clear(self._rows[account])
        rows = [self._row_for(account) for account in accounts]
        self.near[rows], self.rest[rows] = cash
        self.interest_index[rows] = [held.interest_index or 1 for held in accounts.values()]
        for table, lines in ((self.legs, legs), (self.coins, coins)):
            whose = [row for row, some in zip(rows, lines.values()) for _ in some]
            table.extend(whose, [line for some in lines.values() for line in some])

    def remove(self, account: int) -> None:
        """Nothing happens where it is not in the book."""
        row = self._rows.pop(account, None)
        if row is None:
            return
        self._clear(row)
        self.near[row], self.rest[row], self.interest_index[row], self.taken[row] = 0.0, 0.0, 1.0, False
        self.accounts[row] = None
        self._free.append(row)

    def holding(self, account: int) -> Holding:
        """What was put. Raises KeyError."""
        row = self._rows[account]
        cash = joined(self.near[row], self.rest[row])
        positions = {kind: Position(*numbers) for kind, *numbers in self.legs.of(row)}
        coins = {kind: amount for kind, amount in self.coins.of(row)}
        return Holding(cash, int(self.interest_index[row]) if cash < 0 else 0, positions, coins)

    def _clear(self, row: int) -> None:
        self.legs.clear(row)
        self.coins.clear(row)

    def _row_for(self, account: int) -> int:
        if account in self._rows:
            return self._rows[account]
        if self._free:
            row = self._free.pop()
            self.accounts[row] = account
        else:
            row = len(self.accounts)
            self.accounts.append(account)
            self.near, self.rest = enlarged(self.near, row + 1), enlarged(self.rest, row + 1)
            self.interest_index, self.taken = enlarged(self.interest_index, row + 1, 1), enlarged(self.taken, row + 1)
            self.legs.make_room(row + 1)
            self.coins.make_room(row + 1)
        self._rows[account], self.taken[row] = row, True
        return row


def _legs(account: int, held: Held) -> list[tuple[int, ...]]:
    if held.cash < 0 and held.interest_index <= 0:
        raise RiskError(f"account {account:#x} owes {-held.cash} and has no interest index: read it again")
    if len(held.positions) > MOST_POSITIONS or len(held.coins) > MOST_COINS:
        raise RiskError(f"account {account:#x} has {len(held.positions)} positions and {len(held.coins)} coins: read it again")
    _require_small(account, held.cash)
    found: list[tuple[int, ...]] = [(instrument, one.size, one.quote, one.index) for instrument, one in held.positions.items()]
    for instrument, *numbers in found:
        _require_small(account, *numbers)
        if numbers[0] == 0:
            raise RiskError(f"account {account:#x} has a position of size 0 in instrument {instrument}: leave it out")
    return found


def _coins(account: int, held: Held) -> list[tuple[int, ...]]:
    _require_small(account, *held.coins.values())
    return list(held.coins.items())


def _require_small(account: int, *numbers: int) -> None:
    for number in numbers:
        if not -MOST < number < MOST:
            raise RiskError(f"account {account:#x} holds the number {number}, which no chain stores: read it again")


# Exact numbers as floats -------------------------------------------------------------------------------------------


def split(numbers: Sequence[int]) -> tuple[Floats, Floats]:
    """The nearest floats, and what is left: near + rest is the number, exactly, while it is below 2^105."""
    near = np.array([float(number) for number in numbers])
    rest = np.array([number - int(close) for number, close in zip(numbers, near.tolist())], dtype=np.float64)
    return near, rest


def joined(near: Any, rest: Any) -> int:
    return int(near) + int(rest)


def enlarged(array: Any, length: int, filling: int = 0) -> Any:
    """The array, or one at least so long (in its last axis) that begins with it; its length doubles."""
    have = array.shape[-1]
    if have >= length:
        return array
    more = np.full((*array.shape[:-1], max(length, 2 * have) - have), filling, array.dtype)
    return np.concatenate((array, more), axis=-1)
