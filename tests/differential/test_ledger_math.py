"""LedgerMath.sol equals its twin to the last unit, and neither creates nor loses anything (LED-2)."""

from random import Random

import pytest

from plimsoll.fuzz.accounts import magnitude, sign
from plimsoll.model import ledger_math
from plimsoll.chain.harness import ask, rows

EACH, ROUNDS = 1_500, 4
SIZE, QUOTE = 2**79 - 1, 2**95 - 1


@pytest.fixture(scope="module")
def harness(chain):
    return chain.deploy("MathHarness")


def random_fill(random):
    """Opening, adding, reducing, closing and flipping alike; quotes small enough to round often."""
    size = sign(random) * magnitude(random, SIZE)
    quote = sign(random) * magnitude(random, random.choice((10, QUOTE)))
    delta = random.choice((-size, -2 * size, sign(random) * magnitude(random, SIZE), -size + sign(random)))
    if random.random() < 0.4:
        delta = -size * random.randint(0, 10**6) // 10**6
    return size, quote, delta, sign(random) * magnitude(random, random.choice((10, QUOTE)))


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_fill_equals_its_twin_and_loses_nothing(harness, seed):
    random = Random(seed)
    cases = [random_fill(random) for _ in range(EACH)]
    flips = 0
    for case, answer in zip(cases, ask(harness, "fills", rows(cases))):
        size, quote, delta, delta_quote = case
        filled = ledger_math.fill(*case)
        assert tuple(answer) == (*filled, ledger_math.reduces(size, delta)), case
        assert filled.cash + filled.quote == quote + delta_quote, "LED-2"
        assert filled.size == size + delta, "LED-1"
        flips += size * filled.size < 0
        if filled.size == 0:
            assert filled.quote == 0 or size == delta == 0, "a closed position keeps no quote"
    assert flips > EACH // 10


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_fill_of_two_sides_is_a_matched_ledger(seed):
    """LED-1, LED-2 over both accounts of a trade, whatever they held before."""
    random = Random(seed + 100)
    for _ in range(EACH):
        a_size, a_quote, delta, delta_quote = random_fill(random)
        b_size, b_quote, _, _ = random_fill(random)
        a, b = (
            ledger_math.fill(a_size, a_quote, delta, delta_quote),
            ledger_math.fill(b_size, b_quote, -delta, -delta_quote),
        )
        assert a.size + b.size == a_size + b_size, "LED-1"
        assert a.cash + a.quote + b.cash + b.quote == a_quote + b_quote, "LED-2"


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_fill_in_steps_never_realises_more_than_at_once(seed):
    """MAR-4: the same reduction at the same price per unit, in one step and in many."""
    random = Random(seed + 200)
    for _ in range(EACH // 3):
        size = sign(random) * magnitude(random, 10**12, 2)
        quote = sign(random) * magnitude(random, random.choice((50, 10**15)))
        cuts = sorted({random.randint(1, abs(size)) for _ in range(random.randint(1, 6))})
        price, side = random.randint(0, 10**6), 1 if size > 0 else -1
        once = ledger_math.fill(size, quote, -side * cuts[-1], side * price * cuts[-1])
        held, realised, done = (size, quote), 0, 0
        for cut in cuts:
            step = cut - done
            filled = ledger_math.fill(*held, -side * step, side * price * step)
            held, realised, done = (filled.size, filled.quote), realised + filled.cash, cut
        assert held[0] == once.size
        assert realised <= once.cash, "MAR-4"
        assert realised + held[1] == once.cash + once.quote, "LED-2"


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_fill_through_zero_realises_no_more_than_a_close_and_an_open(seed):
    """A flip is a close and an open, its quote split by size, the closing part rounded down."""
    random = Random(seed + 300)
    for _ in range(EACH):
        size = sign(random) * magnitude(random, 10**12, 1)
        quote = sign(random) * magnitude(random, 10**15)
        beyond = magnitude(random, 10**12, 1)
        price, side = random.randint(0, 10**6), 1 if size > 0 else -1
        total = abs(size) + beyond
        flipped = ledger_math.fill(size, quote, -side * total, side * price * total)
        closed = ledger_math.fill(size, quote, -size, side * price * abs(size))
        opened = ledger_math.fill(0, 0, -side * beyond, side * price * beyond)
        assert (flipped.size, flipped.quote, flipped.cash) == (opened.size, opened.quote, closed.cash)
