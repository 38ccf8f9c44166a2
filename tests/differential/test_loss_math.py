"""LossMath.sol equals its twin to the last unit, and no charge makes a sound account liquidatable."""

from random import Random

import pytest
from hypothesis import given, settings

from plimsoll.fuzz.accounts import MAX_PRICE, MILLION, magnitude, random_portfolio
from plimsoll import funding_math, margin_math
from plimsoll.model import loss_math
from plimsoll.chain.harness import ask, rows
from tests.strategies import batches

RISK = (0, 0, 1, 0, 0, 0, 0, 1, 0)  # IMarginTypes.Risk: only base and multiple matter here


@pytest.fixture(scope="module")
def harness(chain):
    return chain.deploy("MathHarness")


def random_share(random):
    """(base, multiple, mid, size scale, loss, open interest, charged)"""
    decimals = random.randint(0, 6)
    base, multiple = magnitude(random, MILLION, 1), magnitude(random, 2**24 - 1, MILLION + 1)
    mid, scale = magnitude(random, MAX_PRICE, 1), 10 ** (27 - decimals)
    cap = loss_math.cap(base, multiple, mid, scale)
    charged = random.choice((0, cap, cap + 1, magnitude(random, cap)))
    return base, multiple, mid, scale, magnitude(random, 2**95), magnitude(random, 2**79), charged


@settings(max_examples=25)
@given(cases=batches(random_share, 200))
def test_share_equals_its_twin(harness, cases):
    packed = [((base, 0, 1, 0, 0, 0, multiple, 1, 0), *rest) for base, multiple, *rest in cases]
    answers = ask(harness, "shares", rows((*risk, *rest) for risk, *rest in packed))
    for (base, multiple, mid, scale, loss, interest, charged), (cap, step, collected) in zip(cases, answers):
        assert cap == loss_math.cap(base, multiple, mid, scale)
        told = loss_math.charge(loss, interest, cap - charged)
        assert (step, min(loss, collected)) == (told.step, told.paid)
        assert collected == told.paid + told.excess


def test_positions_pay_at_least_what_is_credited():
    """LED-2: Σ ⌈step · |s|⌉ over a side is at least what its index is said to have brought, and the excess is small."""
    random = Random(3)
    for _ in range(2_000):
        sizes = [magnitude(random, 2**60, 1) for _ in range(random.randint(1, 8))]
        loss, room = magnitude(random, 2**70, 1), magnitude(random, 2**79)
        told = loss_math.charge(loss, sum(sizes), room)
        owed = sum(funding_math.charge(size, 0, told.step) for size in sizes)
        assert told.paid + told.excess <= owed <= told.paid + told.excess + len(sizes)
        assert told.paid == loss or told.step == room
        assert told.excess <= sum(sizes) // loss_math.INDEX_UNIT + 1


@settings(max_examples=25)
@given(snapshots=batches(random_portfolio, 60))
def test_a_charge_leaves_an_account_that_meets_its_initial_requirement_sound(snapshots):
    """E ≥ I before it, and after the charge of a whole epoch on every leg E ≥ M."""
    random = Random(snapshots[0].account)
    for snapshot in snapshots:
        margin = margin_math.judge(snapshot, adding=True)
        lost = 0
        for leg in snapshot.legs:
            base = leg.base // 10**12
            cap = loss_math.cap(base, leg.initial_multiple // 10**12, leg.mid, snapshot.size_scale)
            lost += funding_math.charge(abs(leg.size), 0, random.choice((cap, magnitude(random, cap))))
        assert margin.initial - lost >= margin.maintenance - len(snapshot.legs)
