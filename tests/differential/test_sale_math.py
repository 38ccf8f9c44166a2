"""The sale of collateral equals its twin to the last unit, and is what it claims: just enough, and never at the account's cost."""

from random import Random

import pytest
from hypothesis import given, settings

from plimsoll.fixed_point import WAD
from plimsoll.fuzz.accounts import MAX_PRICE, MILLION, aimed, magnitude, random_coin, random_portfolio
from plimsoll import margin_math
from plimsoll.model import liquidation_math
from plimsoll.chain.harness import array, ask, pack, rows, words
from tests.strategies import batches

EACH = 60
OPEN_LIMIT_E6 = 800_000
SALE_HEAD = 4 * 32


@pytest.fixture(scope="module")
def harness(chain):
    return chain.deploy("MathHarness")


def indebted(random):
    """An account with coins, E ≥ 0 and λ₀ · C < D ≤ C, often at the ends."""
    while True:
        coin = random_coin(random, 0, 6)._replace(amount=magnitude(random, 10**30, 1))
        snapshot = random_portfolio(random)._replace(legs=(), coins=(coin,))
        collateral = margin_math.judge(snapshot).collateral
        least = collateral * OPEN_LIMIT_E6 // MILLION + 1
        if 0 < least <= collateral < 2**79:
            debt = random.choice((least, collateral, magnitude(random, collateral, least)))
            return aimed(snapshot, collateral - debt)


def priced(random, snapshot):
    """The account at some moment of its auction."""
    coin = snapshot.coins[0]
    discount = liquidation_math.discount(coin.haircut, random.choice((0, 1_800, random.randint(0, 1_800))), 0, 1_800)
    return liquidation_math.sale_price(coin.mid, discount)


def sale(snapshot, price, need):
    packed = pack(snapshot)
    return words((SALE_HEAD, price, need, OPEN_LIMIT_E6)) + packed


@settings(max_examples=25)
@given(snapshots=batches(indebted, EACH))
def test_sale_equals_its_twin(harness, snapshots):
    random = Random(snapshots[0].account)
    cases = [(snapshot, priced(random, snapshot), magnitude(random, 2**79)) for snapshot in snapshots]
    answers = ask(harness, "sales", array([sale(*case) for case in cases]))
    for (snapshot, price, need), (due, whole, payment) in zip(cases, answers):
        coin, margin = snapshot.coins[0], margin_math.judge(snapshot)
        assert due == liquidation_math.sale_due(coin, margin, price, OPEN_LIMIT_E6)
        assert whole == liquidation_math.sale_of(coin, need, price)
        assert payment == liquidation_math.sale_payment(coin, due, price)


@settings(max_examples=25)
@given(snapshots=batches(indebted, EACH))
def test_sale_of_what_is_due_restores_the_limit_and_no_token_more(snapshots):
    """D' ≤ λ₀ · C' after it, up to what one unit of rounding is; the payment is at most D, to one token; E never falls."""
    random = Random(snapshots[0].account)
    for snapshot in snapshots:
        coin, before, price = snapshot.coins[0], margin_math.judge(snapshot), priced(random, snapshot)
        due = liquidation_math.sale_due(coin, before, price, OPEN_LIMIT_E6)
        payment = liquidation_math.sale_payment(coin, due, price)
        left = coin._replace(amount=coin.amount - due)
        after = margin_math.judge(snapshot._replace(cash=snapshot.cash + payment, coins=(left,)))
        assert after.equity >= before.equity, "no sale lowers E"
        debt = margin_math.debt(before)
        assert due == 0 or liquidation_math.sale_payment(coin, due - 1, price) <= debt
        # ⌊C⌋ may lose a unit against the real numbers that the formula is about.
        assert left.amount == 0 or (margin_math.debt(after) - 1) * MILLION <= (after.collateral + 2) * OPEN_LIMIT_E6


@settings(max_examples=20)
@given(snapshots=batches(indebted, 10))
def test_sale_at_any_moment_never_lowers_equity(snapshots):
    """Any amount, at any discount up to the haircut."""
    random = Random(snapshots[0].account)
    for snapshot in snapshots:
        coin, before = snapshot.coins[0], margin_math.judge(snapshot)
        amount = magnitude(random, coin.amount, 1)
        payment = liquidation_math.sale_payment(coin, amount, priced(random, snapshot))
        left = coin._replace(amount=coin.amount - amount)
        after = margin_math.judge(snapshot._replace(cash=snapshot.cash + payment, coins=(left,)))
        assert after.equity >= before.equity


def random_discount(random):
    ramp = random.choice((1, 60, 1_800, magnitude(random, 86_400, 1)))
    times = [random.choice((0, 1, ramp - 1, ramp, ramp + 1, magnitude(random, 3 * ramp))) for _ in range(2)]
    return magnitude(random, MAX_PRICE), magnitude(random, WAD), *times, ramp


@settings(max_examples=20)
@given(cases=batches(random_discount, 200))
def test_discount_equals_its_twin(harness, cases):
    for case, (discount, price) in zip(cases, ask(harness, "discounts", rows(cases))):
        mid, *times = case
        assert discount == liquidation_math.discount(*times)
        assert price == liquidation_math.sale_price(mid, discount)
        assert 0 <= discount <= WAD and (times[2] or discount <= times[0])


@settings(max_examples=20)
@given(snapshots=batches(indebted, EACH))
def test_haircut_of_halted_collateral_equals_its_twin(harness, snapshots):
    random = Random(snapshots[0].account)
    coins = [snapshot.coins[0] for snapshot in snapshots]
    elapsed = [random.choice((0, 1, 86_399, 86_400, 86_401, magnitude(random, 10**6))) for _ in coins]
    answers = ask(harness, "ramps", rows(tuple(coin) for coin in coins), rows(elapsed))
    for coin, seconds, answer in zip(coins, elapsed, answers):
        ramped = margin_math.ramp(coin, seconds)
        assert tuple(answer) == (ramped.haircut, ramped.max_haircut)
        assert 2 * ramped.max_haircut <= WAD + ramped.haircut + 1, "MAR-2: a deposit never lowers C"
        assert seconds < 86_400 or ramped.haircut == WAD
