"""QuoteMath.sol and TrancheMath.sol equal their twins to the last unit, over the whole range of their inputs."""

from random import Random

import pytest

from plimsoll.model import quote_math, tranche_math

CASES = 400
MILLION = 10**6


def spread_out(random, most):
    """0 … most, each magnitude as likely as another; the ends often."""
    if random.random() < 0.1:
        return random.choice((0, min(1, most), max(0, most - 1), most))
    return min(most, random.getrandbits(random.randint(1, most.bit_length() + 1)))


def random_case(random):
    """A trade that the pool would quote: where it widens the skew, it ends below scale."""
    scale = max(2, spread_out(random, 2**80 - 1))
    held = random.choice((-1, 1)) * spread_out(random, min(scale - 1, 2**79 - 1))
    end = random.choice((-1, 1)) * spread_out(random, min(scale - 1, 2**79 - 1))
    if random.random() < 0.1:
        end = held + random.choice((-1, 1))
    if held == end or abs(end) >= scale:
        held, end = 0, random.choice((-1, 1))
    rates = (spread_out(random, 50_000) for _ in range(3))
    size_scale = 10 ** (27 - random.randint(0, 6))
    return (held - end, held, max(1, spread_out(random, 2**88 - 1)), scale, size_scale, *rates)


def twin(case):
    size, held, mid, scale, size_scale, spread, taker, maker = case
    amount = quote_math.amount(size, held, mid, scale, size_scale, spread)
    fee = quote_math.fee(size, held, mid, size_scale, taker, maker)
    return (*quote_math.lean(size, held), amount, fee, quote_math.price(size, amount, size_scale))


@pytest.fixture(scope="module")
def harness(chain):
    return chain.deploy("QuoteHarness")


@pytest.mark.parametrize("seed", range(5))
def test_quote_equals_its_twin(harness, seed):
    random = Random(seed)
    cases = [random_case(random) for _ in range(CASES)]
    for case, answer in zip(cases, harness.quotes(cases)):
        assert tuple(answer) == twin(case), case


def test_quote_rounds_a_whole_amount_nowhere(harness):
    """Where the exact amount is whole, both sides are that amount: one unit of rounding would show."""
    cases = [(side * 10**9, 0, 2_000 * 10**18, 10**15, 10**21, 0, 1_000, 0) for side in (1, -1)]
    buy, sell = harness.quotes(cases)
    # premium 10⁹ / (2 · 10¹⁵) of 2000: 0.001
    assert (buy.amount, sell.amount) == (-2_000_001_000, 1_999_999_000)
    assert buy.fee == sell.fee == 2 * MILLION


def random_leg(random, mid):
    lo, hi = mid - spread_out(random, mid // 5), mid + spread_out(random, mid // 5)
    size, quote, charge = (random.choice((-1, 1)) * spread_out(random, 2**bits) for bits in (78, 94, 94))
    return tranche_math.Leg(size, quote, charge, lo, mid, hi)


@pytest.mark.parametrize("seed", range(60))
def test_worth_equals_its_twin(harness, seed):
    random = Random(seed)
    size_scale = 10 ** (27 - random.randint(0, 6))
    legs = [random_leg(random, max(1, spread_out(random, 2**87))) for _ in range(random.randint(0, 3))]
    cash = random.choice((-1, 1)) * spread_out(random, 2**78)
    initial = spread_out(random, 2**78)
    rows = [(i, leg.size, leg.quote, leg.charge, leg.lo, leg.mid, leg.hi, *(9 * [0])) for i, leg in enumerate(legs)]
    snapshot = (0, cash, 0, size_scale, rows, [])
    assert tuple(harness.worth(snapshot, initial)) == tranche_math.worth(cash, legs, initial, size_scale)
