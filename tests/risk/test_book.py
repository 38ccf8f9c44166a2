"""The book gives back what was put into it, to the last unit, whatever came and went between."""

from random import Random

import pytest

from plimsoll.errors import RiskError
from plimsoll.risk.book import MOST, Book, Holding, joined, split
from plimsoll.state import Position


def holding(random: Random) -> Holding:
    cash = random.randrange(-(2**79), 2**79)
    positions = {
        i: Position(random.choice((-1, 1)) * random.randrange(1, 2**79), random.randrange(-(2**95), 2**95), random.randrange(-(2**79), 2**79))
        for i in random.sample(range(64), random.randrange(17))
    }
    coins = {i: random.randrange(2**104) for i in random.sample(range(32), random.randrange(9))}
    return Holding(cash, random.randrange(10**9, 2**48) if cash < 0 else 0, positions, coins)


def test_book_keeps_what_comes_and_goes():
    random = Random(1)
    book, truth = Book(), {}
    accounts = [random.getrandbits(256) for _ in range(300)]
    for _ in range(100):
        batch = {random.choice(accounts): holding(random) for _ in range(random.randrange(20))}
        book.put_all(batch)
        truth |= batch
        for account in random.sample(accounts, 10):
            truth[account] = holding(random)
            book.put(account, truth[account])
        for account in random.sample(accounts, random.randrange(30)):
            book.remove(account)
            truth.pop(account, None)
        assert len(book) == len(truth)
    assert {account: book.holding(account) for account in truth} == truth
    assert all((account in book) == (account in truth) for account in accounts)
    assert book.rows <= len(accounts) + 1, "rows are used again"
    assert book.legs.lines <= 16 * len(accounts), "and so are lines"


def test_book_of_what_no_chain_stores_is_refused_and_left_alone():
    book = Book()
    book.put(1, Holding(5))
    wrong = [
        Holding(-1),
        Holding(MOST),
        Holding(0, 0, {0: Position(0, 0, 0)}),
        Holding(0, 0, {0: Position(1, -MOST, 0)}),
        Holding(0, 0, {}, {0: MOST}),
        Holding(0, 0, {i: Position(1, 0, 0) for i in range(17)}),
        Holding(0, 0, {}, {i: 1 for i in range(9)}),
    ]
    for held in wrong:
        with pytest.raises(RiskError):
            book.put(1, held)
        with pytest.raises(RiskError):
            book.put_all({2: Holding(1), 1: held})
    assert len(book) == 1 and book.holding(1) == Holding(5)
    with pytest.raises(KeyError):
        book.holding(2)


@pytest.mark.parametrize("bits", range(0, 105, 7))
def test_two_floats_are_the_integer(bits):
    random = Random(bits)
    numbers = [sign * (random.getrandbits(bits) | 1 << bits) + shift for sign in (-1, 1) for shift in (-1, 0, 1) for _ in range(50)]
    near, rest = split([*numbers, 0, MOST - 1, 1 - MOST])
    assert list(map(joined, near, rest)) == [*numbers, 0, MOST - 1, 1 - MOST]
    assert near.tolist() == list(map(float, [*numbers, 0, MOST - 1, 1 - MOST])), "the first is the nearest float"
