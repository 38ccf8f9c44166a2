"""MarginMath.sol equals its twin to the last unit: accounts of every shape, at every magnitude their storage allows."""

from random import Random

import pytest
from hypothesis import given, settings

from plimsoll.fuzz.accounts import magnitude, random_portfolio
from plimsoll import margin_math
from plimsoll.fixed_point import mul_div_down
from plimsoll.chain.harness import array, ask, pack, rows
from tests.strategies import batches, portfolios

EACH = 120


@pytest.fixture(scope="module")
def harness(chain):
    return chain.deploy("MathHarness")


def verdict(snapshot, adding):
    margin = margin_math.judge(snapshot, adding)
    return margin, margin_math.backing(margin), margin_math.debt(margin), margin_math.liquidatable(margin)


@pytest.mark.parametrize("adding", [False, True])
@settings(max_examples=20)
@given(snapshots=batches(random_portfolio, EACH))
def test_judge_equals_its_twin(harness, snapshots, adding):
    answers = ask(harness, "judge", array([pack(snapshot) for snapshot in snapshots]), int(adding))
    for snapshot, answer in zip(snapshots, answers):
        assert (tuple(answer.margin), *answer[1:]) == verdict(snapshot, adding), snapshot


@settings(max_examples=60)
@given(snapshot=portfolios())
def test_judge_of_a_drawn_account_equals_its_twin(harness, snapshot):
    """Slower, and what fails shrinks."""
    for adding in (False, True):
        [answer] = ask(harness, "judge", array([pack(snapshot)]), int(adding))
        assert (tuple(answer.margin), *answer[1:]) == verdict(snapshot, adding)


@settings(max_examples=6)
@given(snapshots=batches(random_portfolio, EACH))
def test_parts_equal_their_twins(harness, snapshots):
    """Each leg and each coin by itself, so that two errors never cancel in a sum."""
    for snapshot in snapshots[::10]:
        scale = snapshot.size_scale
        parts = ask(harness, "legParts", rows(snapshot.legs), scale)
        for leg, part in zip(snapshot.legs, parts):
            assert tuple(part) == (
                mul_div_down(leg.size, leg.mid, scale),
                margin_math.rate(leg, leg.size),
                margin_math.requirement(leg, leg.size, scale),
                margin_math.maintenance(leg, leg.size, scale),
                margin_math.initial(leg, leg.size, scale),
            ), leg
    coins = [coin for snapshot in snapshots for coin in snapshot.coins]
    for coin, part in zip(coins, ask(harness, "coinParts", rows(coins))):
        value = margin_math.collateral_value
        assert tuple(part) == (margin_math.haircut(coin), value(coin, coin.lo), value(coin, coin.mid)), coin


def test_oi_factor_equals_its_twin(harness):
    random, cases = Random(11), []
    for _ in range(2_000):
        cap = magnitude(random, 2**78)
        threshold, slope = magnitude(random, 10**6), magnitude(random, 2**24 - 1)
        line = cap * threshold // 10**6
        near = max(0, line + random.randint(-2, 2))
        cases.append((random.choice((near, cap, magnitude(random, 2**80 - 1))), cap, threshold, slope))
    packed = rows((interest, cap, 0, threshold, slope, 0) for interest, cap, threshold, slope in cases)
    for case, answer in zip(cases, ask(harness, "oiFactors", packed)):
        assert answer == margin_math.oi_factor(*case), case


def test_judge_of_an_empty_leg_counts_nothing(harness):
    """A leg that was only included in the loading."""
    random = Random(3)
    snapshot = random_portfolio(random)
    empty = snapshot.legs[0]._replace(size=0)
    with_it = snapshot._replace(legs=(*snapshot.legs, empty))
    a, b = ask(harness, "judge", array([pack(snapshot), pack(with_it)]), 1)
    assert a == b
