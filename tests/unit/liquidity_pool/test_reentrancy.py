"""A settlement token that calls back while it moves gains nothing, and learns no price of a half-made state."""

import pytest
from eth_utils import keccak

from tests.unit.liquidity_pool.terms import ETH, MAX, SUPPLY, UNIT, USDC

PART = SUPPLY * 10**6 // 10
REFUSED = keccak(text="ReentrancyGuardReentrantCall()")[:4]


@pytest.fixture
def calls(pool, account, stranger):
    """One of each verb."""
    return {
        "deposit": (1, stranger),
        "mint": (1, stranger),
        "withdraw": (1, stranger, stranger),
        "redeem": (1, stranger, stranger),
        "requestRedeem": (1,),
        "allocate": (ETH,),
        "trade": (account, ETH, UNIT, MAX, MAX),
    }


@pytest.fixture
def moves(pool, lp, mature):
    """What makes the token move: in, and out."""

    def come():
        pool.deposit(USDC, lp, sender=lp)

    def go():
        pool.requestRedeem(PART, sender=lp)
        mature()
        pool.redeem(PART, lp, lp, sender=lp)

    return {"in": come, "out": go}


@pytest.mark.parametrize("verb", ["deposit", "mint", "withdraw", "redeem", "requestRedeem", "allocate", "trade"])
@pytest.mark.parametrize("way", ["in", "out"])
@pytest.mark.parametrize("late", [True, False])
def test_reentered_verb_is_refused(stocked, pool, usdc, calls, moves, verb, way, late):
    usdc.arm(pool, pool.encode(verb, *calls[verb]), late)
    moves[way]()
    assert (usdc.attempts(), usdc.succeeded(), usdc.answer()) == (1, False, REFUSED)


@pytest.mark.parametrize("view", ["equity", "totalAssets"])
def test_reentered_view_is_refused_while_tokens_leave(stocked, pool, usdc, moves, view):
    usdc.arm(pool, pool.encode(view), True)
    moves["out"]()
    assert (usdc.succeeded(), usdc.answer()) == (False, REFUSED)


@pytest.mark.parametrize("view", ["maxDeposit", "maxMint", "maxWithdraw", "maxRedeem"])
def test_reentered_limit_is_zero_while_tokens_leave(stocked, pool, usdc, moves, lp, view):
    usdc.arm(pool, pool.encode(view, lp), True)
    moves["out"]()
    assert (usdc.succeeded(), int.from_bytes(usdc.answer(), "big")) == (True, 0)


@pytest.mark.parametrize("late", [True, False])
def test_reentered_view_on_the_way_in_sees_the_pool_as_it_was(stocked, pool, usdc, moves, late):
    usdc.arm(pool, pool.encode("totalAssets"), late)
    moves["in"]()
    assert (usdc.succeeded(), int.from_bytes(usdc.answer(), "big")) == (True, SUPPLY)
