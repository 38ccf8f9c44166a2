"""Liquidatable exactly when E < M: portfolios of 1 to 16 instruments and 0 to 8 collaterals, random decimals and prices.

The judge here is the executable specification, written from the rule. Portfolios drawn at random never lie on the line,
so each is aimed at it, by its cash, by a price, by an amount of collateral; the exact hits are counted.
"""

from random import Random

import pytest
from hypothesis import given, settings

from plimsoll.fuzz.accounts import MAX_AMOUNT, MAX_PRICE, aimed, random_portfolio
from plimsoll import margin_math
from plimsoll.margin_math import Snapshot
from plimsoll.chain.harness import array, ask, pack, rows
from tests.strategies import batches, portfolios

EACH = 40
OFFSETS = (-(10**12), -2, -1, 0, 1, 2, 10**12)
LIQUIDATABLE = 0  # a kind of MathHarness.edges
BELOW = sum(1 << k for k, offset in enumerate(OFFSETS) if offset < 0)


@pytest.fixture(scope="module")
def harness(chain):
    return chain.deploy("MathHarness")


def over(snapshot: Snapshot) -> int:
    """E − M"""
    margin = margin_math.judge(snapshot)
    return margin.equity - margin.maintenance


def on_the_line(snapshot: Snapshot) -> Snapshot:
    return aimed(snapshot, margin_math.judge(snapshot).maintenance)


def is_below(harness, snapshots) -> list[bool]:
    verdicts = ask(harness, "judge", array([pack(snapshot) for snapshot in snapshots]), 0)
    return [verdict.liquidatable for verdict in verdicts]


def around(harness, snapshots) -> list[int]:
    """Bit k: liquidatable with cash moved by offset k."""
    packed = array([pack(snapshot) for snapshot in snapshots])
    return ask(harness, "edges", packed, rows([LIQUIDATABLE] * len(snapshots)), rows(OFFSETS), 0, 0)


# By cash: every account hits --------------------------------------------------------------------------------------


@settings(max_examples=30)
@given(snapshots=batches(random_portfolio, EACH))
def test_threshold_by_cash_is_met_exactly(harness, snapshots):
    """At E = M safe, one unit below liquidatable, one above safe."""
    snapshots = [on_the_line(snapshot) for snapshot in snapshots]
    hits = sum(over(snapshot) == 0 for snapshot in snapshots)
    assert hits == EACH
    assert around(harness, snapshots) == [BELOW] * EACH


@settings(max_examples=60)
@given(snapshot=portfolios())
def test_threshold_of_a_drawn_account_is_met_exactly(harness, snapshot):
    assert around(harness, [on_the_line(snapshot)]) == [BELOW]


@settings(max_examples=25)
@given(snapshots=batches(random_portfolio, EACH))
def test_threshold_far_from_the_line_is_the_specifications(harness, snapshots):
    assert is_below(harness, snapshots) == [over(snapshot) < 0 for snapshot in snapshots]


def test_threshold_of_an_account_without_positions_is_never_met(harness):
    """However deep its debt: it is absorbed or its collateral sold, never liquidated."""
    random = Random(5)
    flat = [random_portfolio(random)._replace(legs=(), cash=cash) for cash in (-(10**30), -1, 0, 1) for _ in range(20)]
    assert is_below(harness, flat) == [False] * len(flat)


# By a price, by an amount -----------------------------------------------------------------------------------------


def with_price(snapshot: Snapshot, mid: int) -> Snapshot:
    """Its first leg at another price."""
    return snapshot._replace(legs=(snapshot.legs[0]._replace(mid=mid), *snapshot.legs[1:]))


def with_amount(snapshot: Snapshot, amount: int) -> Snapshot:
    return snapshot._replace(coins=(snapshot.coins[0]._replace(amount=amount), *snapshot.coins[1:]))


def crossing(snapshot: Snapshot, change, safe: int, sinking: int):
    """The two neighbouring values between which the account crosses its line, or None where it does not."""
    if over(change(snapshot, safe)) < 0 or over(change(snapshot, sinking)) >= 0:
        return None
    while abs(safe - sinking) > 1:
        half = (safe + sinking) // 2
        if over(change(snapshot, half)) < 0:
            sinking = half
        else:
            safe = half
    return safe, sinking


def near_by_price(random: Random) -> list[Snapshot]:
    """An account a few units above its line, and the prices of its first leg at which it crosses it. Sizes up to one unit
    of value per unit of price make it stop at the line itself."""
    snapshot = random_portfolio(random)
    leg = snapshot.legs[0]
    most = snapshot.size_scale * random.choice((1, 1, 3)) - 1
    leg = leg._replace(size=max(1, min(abs(leg.size), most)) * (1 if leg.size > 0 else -1), slope=0)
    snapshot = on_the_line(snapshot._replace(legs=(leg, *snapshot.legs[1:])))
    snapshot = snapshot._replace(cash=snapshot.cash + random.randint(0, 1_000))
    end = 1 if leg.size > 0 else MAX_PRICE
    found = crossing(snapshot, with_price, leg.mid, end)
    return [with_price(snapshot, at + step) for at in found or () for step in (-2, -1, 0, 1, 2) if at + step > 0]


def near_by_amount(random: Random) -> list[Snapshot]:
    """The same with the amount of its first coin."""
    snapshot = random_portfolio(random)
    while not snapshot.coins:
        snapshot = random_portfolio(random)
    snapshot = on_the_line(snapshot)
    coin = snapshot.coins[0]
    snapshot = snapshot._replace(cash=snapshot.cash + random.randint(-1_000, 0))
    found = crossing(snapshot, with_amount, min(MAX_AMOUNT, 4 * coin.amount + 10), 0)
    return [with_amount(snapshot, at + step) for at in found or () for step in (-2, -1, 0, 1, 2) if at + step >= 0]


@pytest.mark.parametrize(("make", "exact"), [(near_by_price, 150), (near_by_amount, 150)])
def test_threshold_by_what_moves_it_is_the_specifications(harness, make, exact):
    """E = M, and the states next to it, reached as they are in life: by a price, by a deposit of collateral."""
    random, hits, crossed = Random(20_200_312), 0, 0
    for _ in range(6):
        near = [snapshot for _ in range(40) for snapshot in make(random)]
        for start in range(0, len(near), EACH):
            batch = near[start : start + EACH]
            due = [over(snapshot) for snapshot in batch]
            assert is_below(harness, batch) == [gap < 0 for gap in due]
            hits += due.count(0)
            crossed += sum(-2 <= gap < 0 for gap in due)
    assert hits >= exact, f"only {hits} accounts exactly on the line"
    assert crossed >= exact // 3
