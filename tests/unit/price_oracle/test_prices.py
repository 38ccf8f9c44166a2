import random

import pytest

WAD, E6 = 10**18, 10**6


@pytest.mark.parametrize("decimals", range(19))
def test_prices_any_decimals_are_normalised(oracle, add, make_aggregator, accepted, decimals):
    aggregator = make_aggregator(1_234 * 10**decimals, decimals)
    add(aggregator=aggregator, minAnswer=0, maxAnswer=10**40)
    price = accepted(oracle)
    assert (price.feed, price.mid) == (0, 1_234 * WAD)


@pytest.mark.parametrize("spread", [0, 1, 5_000, 333_333, 499_999])
def test_prices_lo_rounds_down_and_hi_up(oracle, add, make_aggregator, accepted, spread):
    aggregator = make_aggregator(10**18, 18)
    add(aggregator=aggregator, spreadE6=spread, minAnswer=0, maxAnswer=10**40)
    draw = random.Random(spread)
    for mid in [10**18, *(draw.randrange(1, 2 ** draw.randrange(2, 88)) for _ in range(20))]:
        aggregator.push(mid)
        price = accepted(oracle)
        assert price.lo == mid * (E6 - spread) // E6
        assert price.mid == mid
        assert price.hi == -(-mid * (E6 + spread) // E6)


@pytest.fixture
def three(oracle, add, make_aggregator):
    """Feeds 0, 1, 2 at 100, 200, 300."""
    aggregators = [make_aggregator(n * 100 * 10**8) for n in (1, 2, 3)]
    for aggregator in aggregators:
        add(aggregator=aggregator)
    return aggregators


@pytest.mark.parametrize("feeds", [[], [0], [2, 0, 1], [1, 1], [0, 1, 2, 1, 0]])
def test_prices_keep_the_order_asked_for(oracle, three, feeds):
    answer = oracle.prices(feeds, False)
    assert [(price.feed, price.mid) for price in answer] == [(feed, (feed + 1) * 100 * WAD) for feed in feeds]


def test_prices_name_the_first_feed_that_fails(oracle, three, fault, reverts):
    three[2].push(0)
    three[1].push(-1)
    with reverts("InvalidPrice", 1, fault.NotPositive, 1, 0):
        oracle.prices([0, 1, 2], False)
    with reverts("InvalidPrice", 2, fault.NotPositive, 0, 0):
        oracle.prices([2, 1], False)
    assert oracle.prices([0], False)[0].mid == 100 * WAD, "ORA-1: other feeds are untouched"


@pytest.mark.parametrize("feed", [3, 256, 2**256 - 1])
def test_prices_of_an_unknown_feed_are_refused(oracle, three, fault, refused, feed):
    refused(oracle, fault.UnknownFeed, found=feed, limit=3, feed=feed)


def test_prices_follow_the_latest_round(listed, aggregator, accepted):
    for answer in (1_500, 2_500, 2_499):
        aggregator.push(answer * 10**8)
        assert accepted(listed).mid == answer * WAD


def test_prices_through_a_proxy_survive_a_change_of_phase(chain, oracle, add, aggregator, make_aggregator, accepted):
    proxy = chain.deploy("MockProxy", aggregator)
    add(aggregator=proxy)
    assert accepted(oracle).mid == 2_000 * WAD
    assert proxy.latestRoundData()[0] == (1 << 64) + 1
    proxy.setAggregator(make_aggregator(1_900 * 10**8))
    assert accepted(oracle).mid == 1_900 * WAD
    assert proxy.latestRoundData()[0] == (2 << 64) + 1
    assert proxy.getRoundData((1 << 64) + 1)[1] == 2_000 * 10**8
