"""Price paths and what a feed answers of them."""

import pytest
from hypothesis import given, strategies as st

from plimsoll.scenarios import prices
from plimsoll.scenarios.prices import Bar, Point, answers, from_bars, price_at
from plimsoll.types import WAD, FeedSpec

FEED = FeedSpec("ETH", 200 * WAD, deviation_e6=20_000, delay=30, heartbeat=3_600)


def test_bar_is_played_open_nearer_farther_close():
    up = from_bars([Bar(0, 100, 103, 90, 95)], 3_600)
    assert up == (Point(0, 100), Point(1_200, 103), Point(2_400, 90), Point(3_599, 95))
    down = from_bars([Bar(0, 100, 110, 98, 105)], 3_600)
    assert [point.price for point in down] == [100, 98, 110, 105]


@pytest.mark.parametrize("close, order", [(104, [100, 90, 110, 104]), (96, [100, 110, 90, 96])])
def test_tie_goes_against_the_bars_direction_first(close, order):
    assert [point.price for point in from_bars([Bar(0, 100, 110, 90, close)], 60)] == order


def test_shapes_begin_and_end_where_they_say():
    gap = prices.gap(0, 1_000, 500, 200, 120)
    assert (price_at(gap, 499), price_at(gap, 500), price_at(gap, 1_000)) == (200, 120, 120)
    slide = prices.slide(0, 1_000, 100, 200, 200, 120)
    assert [price_at(slide, t) for t in (100, 200, 300, 999)] == [200, 160, 120, 120]
    whip = prices.whipsaw(0, 1_000, 100, 400, 200, 120, 2)
    assert [price_at(whip, t) for t in (100, 200, 300, 400, 500, 999)] == [200, 120, 200, 120, 200, 200]


def test_market_stands_still_outside_its_path():
    path = (Point(100, 5), Point(200, 7))
    assert (price_at(path, 0), price_at(path, 150), price_at(path, 900)) == (5, 6, 7)


def test_feed_answers_at_its_deviation_after_its_delay():
    slide = prices.slide(0, 7_200, 600, 2_000, 200 * WAD, 180 * WAD)  # 0.01 a second
    first = next(answers(slide, FEED, 7_200))
    assert first == Point(600 + 400 + 30, 196 * WAD)  # 2 % of 200 are 4, seen at 1,000, told at 1,030


def test_feed_answers_at_its_heartbeat():
    still = (Point(0, 200 * WAD), Point(10_000, 200 * WAD))
    assert [p.time for p in answers(still, FEED, 10_000)] == [3_630, 7_260]


def test_silence_loses_answers_and_the_first_after_it_is_fresh():
    slide = prices.slide(0, 7_200, 600, 2_000, 200 * WAD, 180 * WAD)
    found = list(answers(slide, FEED, 7_200, [(1_000, 3_000)]))
    assert found[0] == Point(3_030, 180 * WAD)
    assert not [point for point in found if 1_000 <= point.time < 3_000]


@given(st.lists(st.integers(50, 400), min_size=2, max_size=12), st.integers(0, 120), st.integers(5_000, 100_000))
def test_between_answers_the_market_never_strays_unanswered(levels, delay, deviation):
    """When an answer lands, the one before it was right until the moment of observation."""
    path = tuple(Point(i * 600, level * WAD) for i, level in enumerate(levels))
    feed = FeedSpec("X", path[0].price, deviation_e6=deviation, delay=delay, heartbeat=10**9)
    time, answered = 0, path[0].price
    for point in answers(path, feed, path[-1].time + 1_000):
        observed = point.time - delay
        assert observed >= time and point.price == price_at(path, observed)
        for second in range(time, observed):
            assert abs(price_at(path, second) - answered) * 10**6 < answered * deviation + 2 * 10**6
        time, answered = point.time, point.price
