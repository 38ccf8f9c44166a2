"""LiquidationMath.sol equals its twin to the last unit, and what the twin does is safe: LIQ-2, LIQ-3, at scale."""

from random import Random

import pytest
from hypothesis import given, settings

from plimsoll.fixed_point import WAD
from plimsoll.fuzz.accounts import MILLION, aimed, magnitude
from plimsoll import margin_math
from plimsoll.model import liquidation_math
from plimsoll.model.liquidation_math import Terms, Tranche
from plimsoll.chain.harness import array, ask, pack, rows
from tests.strategies import batches, sinking_portfolio

EACH = 60
TERMS = Terms(1_150_000 * 10**12, 300_000, 10**6, 10**9, 300_000)
# From a keeper's floor of 200 units on, the penalty of the smallest partial closing is more than 3 units for each of 16 legs.
CENT = Terms(1_150_000 * 10**12, 300_000, 200, 10**9, 300_000)
HIGH = Terms(15 * 10**17, 10**6, 200, 10**12, 0)
LOW = Terms(WAD + 1, 0, 10**6, 10**6, 10**6)


def sinking(terms):
    def make(random):
        return sinking_portfolio(random, terms.keeper_floor, terms.target)

    return make


@pytest.fixture(scope="module")
def harness(chain):
    return chain.deploy("MathHarness")


# The Solidity -----------------------------------------------------------------------------------------------------


@settings(max_examples=20)
@given(snapshots=batches(sinking(TERMS), EACH))
def test_fraction_equals_its_twin(harness, snapshots):
    """With the penalty alone, and with a premium on top of it."""
    random, margins = Random(snapshots[0].account), [margin_math.judge(snapshot) for snapshot in snapshots]
    penalties = [
        random.choice((margin.penalty, margin.equity, magnitude(random, margin.equity, margin.penalty)))
        for margin in margins
    ]
    packed = array([pack(snapshot) for snapshot in snapshots])
    answers = ask(harness, "fractions", packed, rows(penalties), TERMS.target)
    for margin, penalty, answer in zip(margins, penalties, answers):
        assert answer == liquidation_math.fraction(margin, penalty, TERMS.target), margin
        assert 0 < answer <= WAD


@pytest.mark.parametrize("terms", [TERMS, HIGH, LOW], ids=["standard", "high", "low"])
@settings(max_examples=10)
@given(snapshots=batches(sinking(TERMS), EACH))
def test_closing_and_penalty_equal_their_twins(harness, terms, snapshots):
    random = Random(snapshots[0].account)
    parts = [random.choice((0, 1, WAD - 1, WAD, random.randint(1, WAD))) for _ in snapshots]
    answers = ask(harness, "closings", array([pack(snapshot) for snapshot in snapshots]), rows(parts), terms)
    for snapshot, part, answer in zip(snapshots, parts, answers):
        closed = [liquidation_math.closing(leg, part, snapshot.size_scale) for leg in snapshot.legs]
        penalty = liquidation_math.penalty(margin_math.judge(snapshot).penalty, part, len(closed))
        assert answer.closed == closed, snapshot
        assert answer.proceeds == [
            liquidation_math.proceeds(leg, units, snapshot.size_scale) for leg, units in zip(snapshot.legs, closed)
        ]
        assert (answer.penalty, answer.keeper, answer.taker, answer.insurance) == (
            penalty, *liquidation_math.split(penalty, terms)
        )  # fmt: skip


def with_edges(random, snapshot, part):
    """Every leg such that what `part` leaves of it is worth its minimum, or asks for its floor, but for a unit or none."""
    legs, stand = [], []
    for leg in snapshot.legs:
        left, edge = abs(leg.size) - -(-abs(leg.size) * part // WAD), random.choice((-1, 0, 0, 1))
        worth = margin_math.notional(left, leg.mid, snapshot.size_scale)
        required = margin_math.requirement(leg, left, snapshot.size_scale)
        if random.random() < 0.5:
            legs.append(leg._replace(min_notional=max(0, worth + edge), floor=0))
        else:
            legs.append(leg._replace(min_notional=0, floor=max(0, required + edge)))
        stand.append(worth >= legs[-1].min_notional and required > legs[-1].floor)
    return snapshot._replace(legs=tuple(legs)), stand


def test_closing_at_the_edge_of_what_stands_equals_its_twin(harness):
    """Worth exactly its minimum a remainder stands, held at exactly its floor it does not."""
    random = Random(20_200_312)
    snapshots = [sinking_portfolio(random, TERMS.keeper_floor, TERMS.target) for _ in range(EACH)]
    parts = [random.randint(1, WAD - 1) for _ in snapshots]
    edges = [with_edges(random, snapshot, part) for snapshot, part in zip(snapshots, parts)]
    packed = array([pack(snapshot) for snapshot, _ in edges])
    seen = []
    for (snapshot, stand), part, answer in zip(edges, parts, ask(harness, "closings", packed, rows(parts), TERMS)):
        due = [liquidation_math.closing(leg, part, snapshot.size_scale) for leg in snapshot.legs]
        assert answer.closed == due, snapshot
        assert all(units < abs(leg.size) for units, leg, stands in zip(due, snapshot.legs, stand) if stands)
        seen += stand
    assert min(seen.count(True), seen.count(False)) > 100


# The rule ---------------------------------------------------------------------------------------------------------


def tranches_of(random, snapshot):
    """The pool's position in each instrument, on either side, and its scale: from no premium to more than everything."""
    return [
        Tranche(random.choice((-1, 0, 1)) * magnitude(random, 2**60), magnitude(random, 2**70, 1)) for _ in snapshot.legs
    ]


def check_liquidation(snapshot, terms, most, tranches=()):
    """LIQ-2 and LIQ-3 of one liquidation. Answers whether it was partial."""
    before = margin_math.judge(snapshot)
    ask_ = liquidation_math.asked(snapshot, [abs(leg.size) for leg in snapshot.legs], tranches)
    due = liquidation_math.fraction(before, min(before.equity, before.penalty + ask_), terms.target)
    try:
        plan = liquidation_math.plan(snapshot, terms, most, tranches)
    except liquidation_math.TooSmall:
        assert most < due
        return False
    after = margin_math.judge(liquidation_math.closed(snapshot, plan))
    assert after.equity >= 0, "LIQ-2"
    assert after.equity * before.maintenance >= before.equity * after.maintenance, "LIQ-2"
    if plan.fraction == due:
        assert after.equity * WAD >= terms.target * after.maintenance, "LIQ-2"
    assert 0 <= plan.penalty <= before.equity, "Φ ≤ E"
    assert sum(plan.shares) + plan.premium == plan.penalty and min(plan.premium, *plan.shares) >= 0, "LIQ-4"
    for leg, units in zip(snapshot.legs, plan.closed):
        size = abs(leg.size)
        share = -(-size * min(most, due) // WAD)
        assert units == share or units == size, "LIQ-3"
        if units != share:
            left = size - share
            small = margin_math.notional(left, leg.mid, snapshot.size_scale) < leg.min_notional
            assert small or margin_math.requirement(leg, left, snapshot.size_scale) <= leg.floor, "LIQ-3"
    return any(units < abs(leg.size) for leg, units in zip(snapshot.legs, plan.closed))


@pytest.mark.parametrize("terms", [TERMS, CENT, HIGH], ids=["standard", "cent", "high"])
@settings(max_examples=25)
@given(snapshots=batches(sinking(CENT), EACH))
def test_liquidation_of_what_is_due_brings_health_to_the_target(terms, snapshots):
    """E' ≥ T · M' and E'/M' ≥ E/M, at every magnitude, with up to sixteen legs and eight coins."""
    for snapshot in snapshots:
        check_liquidation(snapshot, terms, WAD)


@pytest.mark.parametrize("terms", [TERMS, CENT, HIGH], ids=["standard", "cent", "high"])
@settings(max_examples=25)
@given(snapshots=batches(sinking(CENT), EACH))
def test_liquidation_in_a_bite_never_lowers_health(terms, snapshots):
    """For every g ≤ f that is worth a keeper's while."""
    random = Random(snapshots[0].account)
    for snapshot in snapshots:
        margin = margin_math.judge(snapshot)
        due = liquidation_math.fraction(margin, margin.penalty, terms.target)
        for most in (due - 1, due // 2, magnitude(random, due)):
            check_liquidation(snapshot, terms, most)


@settings(max_examples=25)
@given(snapshots=batches(sinking(CENT), EACH))
def test_liquidation_into_the_pool_with_its_premium_is_as_safe(snapshots):
    """The premium comes out of the penalty's cap, so LIQ-2 and LIQ-3 hold for it too, bites included."""
    random = Random(snapshots[0].account)
    for snapshot in snapshots:
        for most in (WAD, magnitude(random, WAD, 1)):
            check_liquidation(snapshot, CENT, most, tranches_of(random, snapshot))


def test_premiums_are_often_paid_and_often_capped_in_these_tests():
    random, paid, capped = Random(12), 0, 0
    for _ in range(600):
        snapshot = sinking(CENT)(random)
        tranches = tranches_of(random, snapshot)
        plan = liquidation_math.plan(snapshot, CENT, WAD, tranches)
        paid += plan.premium > 0
        capped += 0 < plan.premium < liquidation_math.asked(snapshot, plan.closed, tranches)
    assert paid > 100 and capped > 50, (paid, capped)


def test_liquidation_is_often_partial_in_these_tests():
    """The two above would prove nothing if every account closed whole."""
    random = Random(9)
    partial = sum(check_liquidation(sinking(CENT)(random), CENT, WAD) for _ in range(600))
    assert partial > 150, partial


def small_accounts(random):
    """Sizes, prices and rates of a few units, where rounding is everything; an honest minimum."""
    snapshot = sinking(CENT)(random)
    legs = tuple(
        leg._replace(
            mid=magnitude(random, 50, 1) * 10**18, size=leg.size // abs(leg.size) * magnitude(random, 10**16, 10**12)
        )
        for leg in snapshot.legs
    )
    snapshot = snapshot._replace(legs=legs)
    maintenance = margin_math.judge(snapshot).maintenance
    return aimed(snapshot, random.randrange(maintenance))


@settings(max_examples=25)
@given(snapshots=batches(small_accounts, EACH))
def test_liquidation_of_coarse_accounts_is_safe(snapshots):
    for snapshot in snapshots:
        check_liquidation(snapshot, CENT, WAD)


def test_split_never_gives_more_than_there_is():
    random = Random(4)
    for _ in range(3_000):
        floor = magnitude(random, 10**9)
        terms = Terms(
            WAD + 1, magnitude(random, MILLION), floor, floor + magnitude(random, 10**9), magnitude(random, MILLION)
        )
        amount = magnitude(random, 10**12)
        keeper, taker, insurance = liquidation_math.split(amount, terms)
        assert keeper + taker + insurance == amount
        assert min(keeper, taker, insurance) >= 0
        assert min(floor, amount) <= keeper <= terms.keeper_cap


def test_loss_of_an_account_below_zero_is_what_it_lacks():
    """Closing whole rounds toward the account: at most a unit a leg less than −E."""
    random = Random(6)
    for _ in range(600):
        snapshot = sinking(TERMS)(random)
        snapshot = snapshot._replace(
            cash=snapshot.cash - margin_math.judge(snapshot).equity - magnitude(random, 10**12, 1)
        )
        short = -margin_math.judge(snapshot).equity
        assert short - len(snapshot.legs) <= liquidation_math.loss(snapshot) <= short


def test_liquidation_without_a_keepers_floor_misses_the_target_by_rounding_alone():
    """Where a listing lets the penalty be a few units, nothing of it pays for rounding: health is never lower, and the target
    is missed by less than three units a leg."""
    random, free = Random(8), Terms(1_150_000 * 10**12, 300_000, 0, 10**9, 300_000)
    for _ in range(1_500):
        snapshot = sinking(free)(random)
        legs = tuple(leg._replace(penalty_rate=0, min_notional=random.randint(0, 1_000)) for leg in snapshot.legs)
        snapshot = snapshot._replace(legs=legs)
        before, plan = margin_math.judge(snapshot), liquidation_math.plan(snapshot, free)
        after = margin_math.judge(liquidation_math.closed(snapshot, plan))
        assert plan.penalty == 0
        assert after.equity * before.maintenance >= before.equity * after.maintenance, "LIQ-2"
        assert (after.equity + 3 * len(legs)) * WAD >= free.target * after.maintenance
