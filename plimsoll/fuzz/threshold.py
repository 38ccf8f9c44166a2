"""Single accounts at a line, hundreds of thousands of them: aimed so that they stand on it exactly, judged by the libraries' real
bytecode there and a unit or two beside it, many in one call. The model says what is due.

    E = M              liquidatable below it
    min(b + C, E) = I  lacks initial margin below it
    φN = E             closed whole at it and below (f = 1)
    debt               D = ⌊λ · C⌋: too deep in debt beyond it

Most are aimed by their cash, which counts one for one, so that every one hits; some by a price, by a size or by an amount of
collateral, as it happens in life: the two neighbouring values between which the account crosses the line E = M, and two more on
either side.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import NamedTuple

from plimsoll import margin_math
from plimsoll.fixed_point import WAD, mul_div_down
from plimsoll.fuzz.accounts import MAX_AMOUNT, MAX_PRICE, MAX_SIZE, MILLION, aimed, random_portfolio
from plimsoll.margin_math import Margin, Snapshot
from plimsoll.model import liquidation_math

KINDS = ("E = M", "min(b + C, E) = I", "φN = E", "debt")
OFFSETS = (-2, -1, 0, 1, 2)
ACCOUNTS = 400  # in one call
BY_LIFE = 0.02  # how many of them are aimed by something else than cash, which takes a search
TARGET, DEBT_LIMIT_E6 = 1_150_000_000_000_000_000, 800_000


class Edge(NamedTuple):
    """An account and the line at which it is judged. due: bit k says that it is beyond at offset k. exact: the offset at which
    it stands on the line, None where at none of them."""

    snapshot: Snapshot
    kind: int
    due: int
    exact: int | None


class Miss(NamedTuple):
    """A verdict that is not due."""

    edge: Edge
    found: int

    def __str__(self) -> str:
        wrong = [offset for k, offset in enumerate(OFFSETS) if (self.edge.due ^ self.found) >> k & 1]
        return (
            f"at the line {KINDS[self.edge.kind]}, cash moved by {', '.join(map(str, wrong))}: the contracts judge otherwise "
            f"than the specification; the account is {self.edge.snapshot}"
        )


Judge = Callable[[Sequence[Snapshot], Sequence[int]], list[int]]  # MathHarness.edges at OFFSETS, TARGET and DEBT_LIMIT_E6


def batch(random: Random, accounts: int = ACCOUNTS) -> list[Edge]:
    """So many accounts, or a few more."""
    found: list[Edge] = []
    while len(found) < accounts:
        drawn = random_portfolio(random, most_legs=3, most_coins=2)
        if random.random() < BY_LIFE:
            found += [edge(snapshot, 0) for snapshot in _in_life(random, drawn)]
        else:
            kind = random.randrange(len(KINDS))
            found.append(edge(on_line(drawn, kind), kind))
    return found


def misses(edges: Sequence[Edge], judge: Judge) -> list[Miss]:
    """Those that the contracts judge otherwise."""
    found = judge([one.snapshot for one in edges], [one.kind for one in edges])
    return [Miss(one, beyond) for one, beyond in zip(edges, found, strict=True) if one.due != beyond]


def hits(edges: Sequence[Edge]) -> Counter[str]:
    """How many cases stand exactly on each kind of line. (Each account is as many cases as there are offsets.)"""
    return Counter(KINDS[one.kind] for one in edges if one.exact is not None)


def smallest(miss: Miss, judge: Judge) -> Miss:
    """The same wrong verdict about a smaller account: fewer positions, fewer coins, then smaller numbers."""
    while True:
        for snapshot in _smaller(miss.edge.snapshot):
            found = misses([edge(on_line(snapshot, miss.edge.kind), miss.edge.kind)], judge)
            if found:
                miss = found[0]
                break
        else:
            return miss


def _smaller(snapshot: Snapshot) -> Iterator[Snapshot]:
    legs, coins = snapshot.legs, snapshot.coins
    if len(legs) > 1:
        yield from (snapshot._replace(legs=(*legs[:i], *legs[i + 1 :])) for i in range(len(legs)))
    yield from (snapshot._replace(coins=(*coins[:i], *coins[i + 1 :])) for i in range(len(coins)))
    leg = legs[0]
    for name in ("charge", "quote", "slope", "floor", "min_notional", "size"):
        value = getattr(leg, name)
        for less in (0, value // 1_000) if name != "size" else (value // 1_000,):
            if less != value and (name != "size" or less not in (0, -1)):
                yield _with_leg(snapshot, **{name: less})


# The model's verdict -----------------------------------------------------------------------------------------------


def edge(snapshot: Snapshot, kind: int) -> Edge:
    """Cash counts one for one in equity and changes nothing else: one judgement serves all offsets."""
    margin, whole = judged(snapshot, kind), judged(rich(snapshot), kind).penalty if kind == 2 else 0
    moved = [_moved(margin, offset, whole) for offset in OFFSETS]
    due = sum(1 << k for k, one in enumerate(moved) if is_beyond(one, kind))
    exact = [offset for offset, one in zip(OFFSETS, moved) if gap(one, kind, whole) == 0]
    return Edge(snapshot, kind, due, exact[0] if exact else None)


def judged(snapshot: Snapshot, kind: int) -> Margin:
    return margin_math.judge(snapshot, adding=kind % 2 == 1)


def rich(snapshot: Snapshot) -> Snapshot:
    """With so much cash that its penalty is the whole one."""
    return snapshot._replace(cash=2**250)


def _moved(margin: Margin, offset: int, whole: int) -> Margin:
    equity = margin.equity + offset
    return margin._replace(cash=margin.cash + offset, equity=equity, penalty=min(whole, max(equity, 0)))


def is_beyond(margin: Margin, kind: int) -> bool:
    if kind == 0:
        return margin_math.liquidatable(margin)
    if kind == 1:
        return margin_math.backing(margin) < margin.initial
    if kind == 2:
        may = margin.equity >= 0 and margin_math.liquidatable(margin)
        return may and liquidation_math.fraction(margin, margin.penalty, TARGET) == WAD
    return margin_math.debt(margin) * MILLION > DEBT_LIMIT_E6 * margin.collateral


def gap(margin: Margin, kind: int, whole: int = 0) -> int:
    """How much cash lies between the account and its line."""
    if kind == 0:
        return margin.equity - margin.maintenance
    if kind == 1:
        return margin_math.backing(margin) - margin.initial
    if kind == 2:
        return margin.equity - whole
    return margin.cash + margin.profit + mul_div_down(margin.collateral, DEBT_LIMIT_E6, MILLION)


# Aiming ------------------------------------------------------------------------------------------------------------


def on_line(snapshot: Snapshot, kind: int) -> Snapshot:
    """The account with as much cash as puts it on the line."""
    whole = judged(rich(snapshot), kind).penalty if kind == 2 else 0
    return snapshot._replace(cash=snapshot.cash - gap(judged(snapshot, kind), kind, whole))


def _in_life(random: Random, drawn: Snapshot) -> Iterator[Snapshot]:
    """An account near E = M that crosses it by what happens in life."""
    leg = drawn.legs[0]
    snapshot = aimed(drawn, judged(drawn, 0).maintenance + random.randint(0, 1_000))
    way = 1 if leg.size > 0 else -1
    knobs: list[tuple[Callable[[int], Snapshot], int, int]] = [
        (lambda mid: _with_leg(snapshot, mid=mid), leg.mid, 1 if leg.size > 0 else MAX_PRICE),
        (lambda size: _with_leg(snapshot, size=way * size), abs(leg.size), MAX_SIZE),
    ]
    if drawn.coins:
        amount = drawn.coins[0].amount
        knobs.append((lambda amount: _with_amount(snapshot, amount), min(MAX_AMOUNT, 4 * amount + 10), 0))
    change, safe, sunk = random.choice(knobs)
    found = crossing(change, safe, sunk)
    if found is not None:
        low, high = min(found), max(found)
        yield from (change(value) for value in range(max(1, low - 2), high + 3))


def _with_leg(snapshot: Snapshot, **changes: int) -> Snapshot:
    return snapshot._replace(legs=(snapshot.legs[0]._replace(**changes), *snapshot.legs[1:]))


def _with_amount(snapshot: Snapshot, amount: int) -> Snapshot:
    return snapshot._replace(coins=(snapshot.coins[0]._replace(amount=amount), *snapshot.coins[1:]))


def crossing(change: Callable[[int], Snapshot], safe: int, sunk: int) -> tuple[int, int] | None:
    """The two neighbouring values between which the account crosses E = M; None where the ends do not lie on either side."""
    if gap(judged(change(safe), 0), 0) < 0 or gap(judged(change(sunk), 0), 0) >= 0:
        return None
    while abs(safe - sunk) > 1:
        half = (safe + sunk) // 2
        safe, sunk = (safe, half) if gap(judged(change(half), 0), 0) < 0 else (half, sunk)
    return safe, sunk
