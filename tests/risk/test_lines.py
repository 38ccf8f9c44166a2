"""Where the line is: the integers' answer is the specification's, the floats' is near it."""

from random import Random

import numpy as np
import pytest

from plimsoll import margin_math
from plimsoll.errors import Reverted, RiskError
from plimsoll.fixed_point import WAD
from plimsoll.model import views
from plimsoll.risk import engine, exact, lines
from plimsoll.risk.book import Book
from tests.risk.houses import FEEDS, INSTRUMENTS, holding, house, told

HOUSES, ACCOUNTS = 8, 20


@pytest.mark.parametrize("tame", [True, False])
def test_line_of_an_account_is_the_specifications(seed, tame):
    seen = {"none": 0, "here": 0, "below": 0, "above": 0, "blind": 0}
    for number in range(HOUSES):
        random = Random(f"{seed} line {tame} {number}")
        made, accounts = house(random, tame, ACCOUNTS)
        book, (terms, marks) = Book(), told(made, final_only=False)
        book.put_all({account: holding(made, account) for account in accounts})
        for account in accounts:
            instrument = random.randrange(INSTRUMENTS)
            try:
                due = views.liquidation_price(made, account, instrument)
            except Reverted:
                seen["blind"] += 1
                with pytest.raises(RiskError):
                    lines.line(book, account, instrument, terms, marks)
                continue
            mid = marks.prices[terms.instruments[instrument].feed].mid
            found = [price for price in lines.line(book, account, instrument, terms, marks) if price is not None]
            assert due == min(found, key=lambda price: abs(price - mid), default=None)
            seen["none" if due is None else "here" if due == mid else "below" if due < mid else "above"] += 1
    print(seen)
    assert all(seen.values()), seen


def test_lines_of_everybody_are_near_the_integers(seed):
    """Where a float says that the line is, E − M is nothing: within the bound there, and what one step of the price and the float's own
    precision move it by."""
    compared = none = 0
    for number in range(6):
        made, accounts = house(Random(f"{seed} lines {number}"), True, 60)
        book, (terms, marks) = Book(), told(made)
        book.put_all({account: holding(made, account) for account in accounts})
        verdicts = engine.judge(book, terms, marks)
        for feed in range(FEEDS):
            instrument = next((i for i, spec in enumerate(terms.instruments) if spec.feed == feed), None)
            if feed not in marks.prices or instrument is None:
                continue
            sides = lines.lines(book, terms, marks, verdicts, feed)
            for account in accounts:
                row = book.row(account)
                if not verdicts.judged[row]:
                    assert all(np.isnan(side[row]) for side in sides)
                    continue
                snapshot = exact.snapshot(book, account, terms, marks)
                for side, due in zip(sides, lines.line(book, account, instrument, terms, marks)):
                    shown = float(side[row])
                    if due is None or np.isnan(shown):
                        none += 1
                        end = margin_math.answers(*terms.feeds[feed])
                        price = (end.lowest if side is sides[0] else end.highest) * end.unit
                        assert (due is None) == np.isnan(shown) or abs(gap(snapshot, feed, price)) <= 2 * verdicts.bound[row]
                    elif due == marks.prices[feed].mid:
                        assert shown == pytest.approx(due / WAD, rel=1e-15) or abs(gap(snapshot, feed, due)) <= slack(snapshot, feed, due, verdicts.bound[row])
                    else:
                        compared += 1
                        near = abs(shown * WAD - due) <= 10 ** (18 - terms.feeds[feed].decimals) + due * 1e-12
                        assert near or abs(gap(snapshot, feed, int(shown * WAD))) <= slack(snapshot, feed, due, verdicts.bound[row])
    print(compared, none)
    assert compared > 300 and none > 300


def gap(snapshot, feed, price):
    margin = margin_math.judge(moved(snapshot, feed, price))
    return margin.equity - margin.maintenance


def moved(snapshot, feed, price):
    legs = tuple(leg._replace(mid=price) if leg.feed == feed else leg for leg in snapshot.legs)
    coins = tuple(coin._replace(mid=price) if coin.feed == feed else coin for coin in snapshot.coins)
    return snapshot._replace(legs=legs, coins=coins)


def slack(snapshot, feed, price, bound):
    """The engine's bound at present prices, and its share of what the account's positions and coins are worth at this price."""
    there = moved(snapshot, feed, price)
    worth = sum(2 * margin_math.notional(leg.size, leg.mid, there.size_scale) for leg in there.legs)
    worth += sum(coin.amount * coin.mid * WAD // coin.scale for coin in there.coins)
    return 2 * (bound + engine.PRECISION * worth)


def test_lines_of_a_feed_without_a_price_are_refused(seed):
    made, _ = house(Random(f"{seed} blind"), True, 1)
    terms, marks = told(made)
    book, marks = Book(), marks._replace(prices={})
    with pytest.raises(RiskError, match="feed 0 has no price"):
        lines.lines(book, terms, marks, engine.judge(book, terms, marks), 0)
