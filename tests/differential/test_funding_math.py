"""FundingMath.sol equals its twin to the last unit; what is paid is never less than what is received (FUN-1)."""

from random import Random

import pytest

from plimsoll.fuzz.accounts import MAX_PRICE, magnitude, sign
from plimsoll import funding_math
from plimsoll.funding_math import DAY, LEAST, MOST, Funding, Market
from plimsoll.chain.harness import ask, rows

EACH, ROUNDS = 800, 4
MAX_RATE = 10**9
YEAR = 365 * DAY


@pytest.fixture(scope="module")
def harness(chain):
    return chain.deploy("MathHarness")


def random_case(random):
    funding = Funding(magnitude(random, 2**80 - 1, 1), magnitude(random, 2**32 - 1), magnitude(random, MAX_RATE))
    near_full = random.random() < 0.15
    market = Market(
        index_long=sign(random) * (MOST - magnitude(random, 10**20) if near_full else magnitude(random, MOST)),
        index_short=sign(random) * magnitude(random, MOST),
        rate=sign(random) * magnitude(random, funding.max_rate),
        time=random.randint(0, 2**31),
    )
    elapsed = random.choice((0, 1, DAY - 1, DAY, DAY + 1, magnitude(random, 400 * DAY)))
    skew = sign(random) * magnitude(random, 2**80 - 1)
    scale = 10 ** (27 - random.randint(0, 6))
    return market, funding, skew, magnitude(random, MAX_PRICE, 1), scale, market.time + elapsed


def packed(case):
    market, funding, *rest = case
    stored = (market.index_long, market.index_short, 7, 8, 9, market.rate, market.time)
    return (*stored, funding.scale, funding.max_velocity, funding.max_rate, 0, 0, *rest)


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_accrue_equals_its_twin(harness, seed):
    random = Random(seed)
    cases = [random_case(random) for _ in range(EACH)]
    for case, answer in zip(cases, ask(harness, "accruals", rows(map(packed, cases)))):
        market = funding_math.accrue(*case)
        assert (answer.indexLong, answer.indexShort, answer.rateE8, answer.time) == market, case
        assert (answer.openInterest, answer.quoteLong, answer.quoteShort) == (7, 8, 9)


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_accrue_keeps_its_bounds(seed):
    """FUN-1: |rate| ≤ maxRate; payer up, receiver down; twice in a second changes nothing; indices saturate together."""
    random, full = Random(seed + 100), 0
    for _ in range(EACH):
        market, funding, skew, mid, scale, now = random_case(random)
        after = funding_math.accrue(market, funding, skew, mid, scale, now)
        long, short = after.index_long - market.index_long, after.index_short - market.index_short
        assert abs(after.rate) <= max(funding.max_rate, abs(market.rate)), "FUN-1"
        assert 0 <= long + short <= 1, "FUN-1"
        assert LEAST <= after.index_long <= MOST and LEAST <= after.index_short <= MOST
        assert funding_math.accrue(after, funding, skew, mid, scale, now) == after, "FUN-1"
        bound = -(-funding.max_rate * min(DAY, now - market.time) * mid // (10**8 * YEAR * (scale // 10**18)))
        assert abs(long) <= bound + 1
        full += (long, short) == (0, 0) and abs(market.rate + after.rate) > 0 and now > market.time
    assert full > 0, "no index was full: aim better"


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_charge_equals_its_twin(harness, seed):
    random = Random(seed + 200)
    cases = [
        (sign(random) * magnitude(random, 2**79 - 1), *(sign(random) * magnitude(random, MOST) for _ in range(2)))
        for _ in range(EACH)
    ]
    for case, answer in zip(cases, ask(harness, "charges", rows(cases))):
        assert answer == funding_math.charge(*case), case


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_charges_of_both_sides_never_pay_out_more_than_they_take(seed):
    """FUN-1 over a matched market: longs and shorts of many sizes settle at different times."""
    random = Random(seed + 300)
    for _ in range(40):
        _, funding, skew, mid, scale, _ = random_case(random)
        longs = [magnitude(random, 10**14, 1) for _ in range(random.randint(1, 5))]
        shorts = split(random, sum(longs), random.randint(1, 5))
        accounts = [[size, 0, 0] for size in longs] + [[-size, 0, 0] for size in shorts]
        market = Market(0, 0, sign(random) * magnitude(random, funding.max_rate), 0)
        paid = 0
        for _ in range(12):
            now = market.time + magnitude(random, 2 * DAY)
            market = funding_math.accrue(market, funding, skew if random.random() < 0.5 else -skew, mid, scale, now)
            for account in random.sample(accounts, random.randint(0, len(accounts))):
                paid += settle(account, market)
        paid += sum(settle(account, market) for account in accounts)
        assert paid >= 0, "FUN-1"


def settle(account, market):
    size, index, _ = account
    now = market.index_long if size > 0 else market.index_short
    account[1] = now
    return funding_math.charge(size, index, now)


def split(random, total, parts):
    cuts = sorted(random.randint(0, total) for _ in range(parts - 1))
    return [b - a for a, b in zip((0, *cuts), (*cuts, total)) if b > a]


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_charge_in_steps_is_never_less_than_at_once(seed):
    """MAR-4: settling often never pays."""
    random = Random(seed + 400)
    for _ in range(EACH):
        size = sign(random) * magnitude(random, 2**60, 1)
        indices = [sign(random) * magnitude(random, 10**20) for _ in range(random.randint(2, 6))]
        once = funding_math.charge(size, indices[0], indices[-1])
        steps = sum(funding_math.charge(size, a, b) for a, b in zip(indices, indices[1:]))
        assert once <= steps < once + len(indices), "MAR-4"


@pytest.mark.parametrize(("price", "years"), [(10**6, 10), (10**5, 100)])
def test_index_at_the_hard_bound_lasts(price, years):
    """1000 % a year for ever, six decimals: ten years at a price of a million, a hundred at a hundred thousand."""
    funding = Funding(1, 2**32 - 1, MAX_RATE)
    market = Market(0, 0, MAX_RATE, 0)
    for day in range(365 * years):
        market = funding_math.accrue(market, funding, 1, price * 10**18, 10**21, (day + 1) * DAY)
    exact, days = 10 * years * price * 10**15, 365 * years
    assert exact <= market.index_long <= exact + days and -exact <= market.index_short <= -exact + days * years * 10
    assert market.index_long <= MOST
    for day in range(365 * years, 2 * 365 * years):
        market = funding_math.accrue(market, funding, 1, price * 10**18, 10**21, (day + 1) * DAY)
    assert market.index_long <= MOST and market.time == 2 * 365 * years * DAY, "it saturates and never reverts"


@pytest.mark.parametrize("decimals", range(7))
def test_funding_of_a_year_is_the_rate_times_the_notional(decimals):
    """10 % a year on one unit at 2,000, settled daily: 200, whatever the settlement token's decimals."""
    market, funding = Market(0, 0, 10**7, 0), Funding(1, 0, MAX_RATE)
    for day in range(365):
        market = funding_math.accrue(market, funding, 0, 2_000 * 10**18, 10 ** (27 - decimals), (day + 1) * DAY)
    owed = funding_math.charge(10**9, 0, market.index_long)
    assert 200 * 10**decimals <= owed <= 200 * 10**decimals + 1
    assert funding_math.charge(-(10**9), 0, market.index_short) in (-200 * 10**decimals, -200 * 10**decimals + 1)
