"""The engine's verdict on every account is the specification's, at the line too, whatever the floats think."""

from random import Random

import numpy as np
import pytest
from hypothesis import settings

from plimsoll.errors import RiskError, Reverted
from plimsoll.model import ledger, views
from plimsoll.risk import engine, exact
from plimsoll.risk.book import Book, Holding
from plimsoll.risk.terms import Funding, Instrument, Interest, Market, Marks, Price, Terms
from plimsoll.state import Position
from plimsoll.types import WAD
from tests.risk.houses import gap, holding, house, told

WORLDS = max(2, settings.default.max_examples // 5)
ACCOUNTS = 200


def book_of(made, accounts):
    book = Book()
    book.put_all({account: holding(made, account) for account in accounts})
    return book


def margin_of(made, account, strict):
    try:
        return ledger.judged(made, account, {}, strict)
    except Reverted:
        return None


def wrong(made, accounts, final_only=True):
    """(accounts on which the engine and the specification differ, how many verdicts of each kind there were)"""
    book, (terms, marks) = book_of(made, accounts), told(made, final_only)
    verdicts = engine.judge(book, terms, marks)
    found, seen = [], {"below": 0, "sunk": 0, "safe": 0, "blind": 0, "exact": len(verdicts.exact), "close": 0}
    for account in accounts:
        row, margin = book.row(account), margin_of(made, account, final_only)
        below = margin is not None and 0 < margin.maintenance > margin.equity
        if final_only:
            assert below == views.is_liquidatable(made, account)
        sunk = below and margin.equity < 0
        due = below, sunk, margin is not None
        if due != (verdicts.below[row], verdicts.sunk[row], verdicts.judged[row]):
            found.append(account)
        if margin is None:
            seen["blind"] += 1
            continue
        seen["sunk" if sunk else "below" if below else "safe"] += 1
        seen["close"] += abs(margin.equity - margin.maintenance) <= 3
        for due, float_ in ((margin.equity, verdicts.equity), (margin.maintenance, verdicts.maintenance)):
            assert abs(due - int(float_[row])) <= verdicts.bound[row] + 1
    return found, seen


@pytest.mark.parametrize("tame", [True, False])
@pytest.mark.parametrize("final_only", [True, False])
def test_verdicts_are_those_of_the_specification(seed, tame, final_only):
    total = {}
    for number in range(WORLDS):
        made, accounts = house(Random(f"{seed} {tame} {final_only} {number}"), tame, ACCOUNTS // 2)
        found, seen = wrong(made, accounts, final_only)
        assert not found, f"world {number}: {[holding(made, account) for account in found]}"
        total = {kind: total.get(kind, 0) + count for kind, count in seen.items()}
    print(total)
    assert all(count > 0 for count in total.values()), total


def test_floats_alone_would_be_wrong(seed, monkeypatch):
    """The accounts are close enough to the line to tell: without either part of the bound some are misjudged."""
    made, accounts = house(Random(f"{seed} floats"), True, 2_000)
    assert not wrong(made, accounts)[0]
    monkeypatch.setattr(engine, "ROUNDING", 0.0)
    assert wrong_verdicts(made, accounts)
    monkeypatch.setattr(engine, "ROUNDING", 75.0)
    wild, many = house(Random(f"{seed} wild"), False, 2_000)
    monkeypatch.setattr(engine, "PRECISION", 0.0)
    assert wrong_verdicts(wild, many)


def wrong_verdicts(made, accounts):
    book, (terms, marks) = book_of(made, accounts), told(made)
    below = engine.judge(book, terms, marks).below
    return [account for account in accounts if below[book.row(account)] != views.is_liquidatable(made, account)]


def test_exact_snapshot_is_the_one_that_is_loaded(seed):
    made, accounts = house(Random(f"{seed} loaded"), False, 300)
    book, (terms, marks) = book_of(made, accounts), told(made, final_only=False)
    for account in accounts:
        try:
            due, _ = ledger.load(made, account, {}, strict=False)
        except Reverted:
            with pytest.raises(RiskError):
                exact.snapshot(book, account, terms, marks)
            continue
        found = exact.snapshot(book, account, terms, marks)
        assert found._replace(legs=neutral(found.legs), coins=neutral(found.coins)) == due._replace(
            legs=neutral(due.legs), coins=neutral(due.coins)
        )


def neutral(parts):
    """Without what only new risk asks for."""
    unasked = {"lo", "hi", "initial_multiple", "oi_factor", "min_notional"}
    return tuple(part._replace(**{name: 0 for name in unasked & set(part._fields)}) for part in parts)


def test_supposed_prices_and_times_are_judged_as_if_they_were(seed):
    """The marks of a block that is not there yet, for the same book."""
    random = Random(f"{seed} next")
    made, accounts = house(random, True, 300)
    book, moved = book_of(made, accounts), 0
    before = engine.judge(book, *told(made)).below
    for feed, round_ in list(made.storage.rounds.items()):
        made.storage.rounds[feed] = round_._replace(answer=round_.answer * random.randint(90, 110) // 100 or 1)
    made.now += 12
    after = engine.judge(book, *told(made)).below
    for account in accounts:
        assert after[book.row(account)] == views.is_liquidatable(made, account)
    moved = int((before != after).sum())
    assert moved > 10


def test_an_account_that_left_is_not_judged_and_one_that_came_is(seed):
    made, accounts = house(Random(f"{seed} coming"), True, 200)
    book, (terms, marks) = book_of(made, accounts[:150]), told(made)
    for account in accounts[:50]:
        book.remove(account)
    for account in accounts[150:]:
        book.put(account, holding(made, account))
    below = engine.judge(book, terms, marks).below
    assert set(book.named(below)) == {a for a in accounts[50:] if views.is_liquidatable(made, a)}


def test_no_bound_is_crossed_by_rounding_alone(seed):
    """E − M of a float is off by less than the bound, in units, for accounts near the line as for others."""
    for tame in (True, False):
        made, accounts = house(Random(f"{seed} bound {tame}"), tame, 400)
        book, (terms, marks) = book_of(made, accounts), told(made)
        verdicts = engine.judge(book, terms, marks)
        off = []
        for account in accounts:
            row, due = book.row(account), gap(made, account)
            if verdicts.judged[row]:
                error = abs(int(verdicts.equity[row] - verdicts.maintenance[row]) - due)
                assert error <= verdicts.bound[row] + 1
                off.append(error / verdicts.bound[row])
        print(f"tame {tame}: at most {max(off):.2g} of the bound")


@pytest.mark.parametrize("tame", [True, False])
def test_nobody_else_is_for_sale(seed, tame):
    """Whoever owes more than λ of its collateral is named, and hardly anybody else who has any."""
    sold = others = 0
    for number in range(4):
        made, accounts = house(Random(f"{seed} sale {tame} {number}"), tame, 300)
        book, (terms, marks) = book_of(made, accounts), told(made, final_only=False)
        perhaps = engine.judge(book, terms, marks).perhaps_for_sale(made.world.debt.limit_e6)
        for account in accounts:
            named, due = bool(perhaps[book.row(account)]), views.is_for_sale(made, account)
            assert named or not due
            sold += due
            others += named and not due and bool(made.coins(account))
    assert sold > 50 and others < sold / 5, (sold, others)


def test_health_without_a_position_is_endless():
    terms = Terms(6, [], [])
    marks = Marks.at(1_000, terms, {}, [], Interest())
    book = Book()
    book.put(1, Holding(5))
    verdicts = engine.judge(book, terms, marks)
    assert verdicts.health[book.row(1)] == np.inf and not verdicts.below.any() and not verdicts.perhaps_for_sale(900_000).any()


@pytest.mark.parametrize("held", [Holding(0, 0, {3: Position(1, 0, 0)}), Holding(0, 0, {}, {2: 1})])
def test_what_the_terms_do_not_list_is_refused(held):
    book, terms = Book(), Terms(6, [], [])
    book.put(1, held)
    with pytest.raises(RiskError, match="read the terms anew"):
        engine.judge(book, terms, Marks.at(1_000, terms, {0: Price(WAD)}, [], Interest()))


def test_what_is_not_of_one_moment_is_refused():
    """A debt that has paid more interest than there was yet, and markets that were touched later."""
    book, terms = Book(), Terms(6, [], [])
    book.put(1, Holding(-5, 10**9 + 1))
    with pytest.raises(RiskError, match="InterestSet"):
        engine.judge(book, terms, Marks.at(1_000, terms, {}, [], Interest()))
    listed = Terms(6, [Instrument(0, 60_000, 0, 1, 1, 1, Funding(1, 0, 0))])
    with pytest.raises(RiskError, match="touched at 1001"):
        Marks.at(1_000, listed, {0: Price(WAD)}, [Market(0, 0, 0, 1_001, 0)], Interest())
    with pytest.raises(RiskError, match="0 markets of 1"):
        Marks.at(1_000, listed, {0: Price(WAD)}, [], Interest())
