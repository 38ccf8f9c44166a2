"""Rehearsals: the pool or one's own account, bites, and what a whole batch leaves room for."""

from collections import namedtuple

import pytest

from plimsoll.errors import Reverted
from plimsoll.keeper.cases import fit, rehearse
from plimsoll.keeper.decide import Standing, Terms, liquidation
from plimsoll.types import USDC, WAD
from tests.keeper.fake import Absorption, FakeChain, Outcome

OWN = 77 << 96
REFUSED = Reverted("TakerRefused", (1, 2, 3))
TERMS = Terms(0, 0, USDC, part_gas=26_000)
Try = namedtuple("Try", "fn account taker fraction", defaults=(WAD,))


@pytest.fixture
def fake():
    return FakeChain()


def low(account, equity=5):
    return Standing(account, equity, 100, 1)


def test_pool_takes_where_there_is_no_capital(fake):
    fake.answers[Try("liquidate", 1, 0)] = Outcome(30, 40)
    [case], stuck = rehearse(fake, [low(1)], None)
    assert (case.taker, case.reward, stuck) == (0, 30, [])


def test_own_account_earns_what_the_taker_gets_too_and_the_pool_takes_what_it_cannot(fake):
    fake.answers |= {Try("liquidate", 1, OWN): Outcome(30, 40), Try("liquidate", 1, 0): Outcome(30, 40)}
    fake.answers |= {Try("liquidate", 2, OWN): REFUSED, Try("liquidate", 2, 0): Outcome(30, 40)}
    cases, _ = rehearse(fake, [low(1), low(2)], OWN)
    assert {case.account: (case.taker, case.reward) for case in cases} == {1: (OWN, 70), 2: (0, 30)}


def test_own_account_below_its_line_is_not_its_own_taker(fake):
    fake.answers[Try("liquidate", OWN, 0)] = Outcome(30, 0)
    [case], _ = rehearse(fake, [low(OWN)], OWN)
    assert case.taker == 0


def test_whale_is_eaten_in_the_largest_bite_that_the_pool_takes(fake):
    fake.answers |= {Try("liquidate", 1, 0): REFUSED, Try("liquidate", 1, 0, WAD // 2): REFUSED}
    fake.answers |= {Try("liquidate", 1, 0, WAD // 4): Outcome(9, 0), Try("liquidate", 1, 0, WAD // 8): Outcome(5, 0)}
    [case], stuck = rehearse(fake, [low(1)], None)
    assert (case.fraction, case.reward, stuck) == (WAD // 4, 9, [])


def test_account_below_zero_is_absorbed(fake):
    fake.answers["absorb", 1] = Absorption(7)
    [case], _ = rehearse(fake, [low(1, equity=-1)], None)
    assert case.reward == 7


def test_account_that_always_reverts_hides_no_other(fake):
    fake.answers |= {("liquidate", 1): Reverted("Panic", (17,)), ("liquidate", 2): Outcome(1, 0)}
    cases, stuck = rehearse(fake, [low(1), low(2)], None)
    assert [case.account for case in cases] == [2] and [(one.standing.account, one.reason.name) for one in stuck] == [(1, "Panic")]


def test_account_that_is_sound_again_is_neither_case_nor_stuck(fake):
    assert rehearse(fake, [low(1)], None) == ([], [])


def batch(fake, count):
    cases, _ = rehearse(fake, [low(i) for i in range(1, count + 1)], None)
    return liquidation(cases, TERMS), cases


def test_batch_is_cut_to_what_is_done_when_it_is_rehearsed_whole(fake):
    fake.answers |= {("liquidate", i): Outcome(10, 0) for i in range(1, 9)}
    fake.answers |= {("liquidateMany", 8): 5, ("liquidateMany", 5): 4, ("liquidateMany", 4): 4}
    deed = fit(fake, *batch(fake, 8), TERMS)
    assert deed.accounts == (1, 2, 3, 4) and deed.reward == 40


def test_batch_of_which_nothing_is_done_is_not_sent(fake):
    fake.answers |= {("liquidate", i): Outcome(10, 0) for i in range(1, 3)}
    fake.answers |= {("liquidateMany", 2): Reverted("NoReason"), ("liquidateMany", 1): 0}
    assert fit(fake, *batch(fake, 2), TERMS) is None
