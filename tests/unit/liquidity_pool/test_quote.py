import pytest
from hypothesis import given, settings, strategies as st

from plimsoll.model import quote_math
from tests.helpers import isolated, reverts
from tests.unit.liquidity_pool.terms import ETH, MARKET, MAX, SIZE_SCALE, UNIT, WAD

ORDER = (ETH, UNIT, 1_980 * WAD, 2_000 * WAD, 2_020 * WAD, 0, MARKET.scale)


def test_quote_asked_by_anyone_but_the_engine_reverts(pool, stranger):
    with reverts("OnlyEngine", stranger):
        pool.quote(1, 2, [ORDER], (MAX).to_bytes(32, "big"), sender=stranger)


@pytest.fixture
def deep(world, account, trader):
    """So much margin on both sides that only the quote refuses."""
    for each in (account, world.pool.tranche(ETH)):
        world.engine.deposit(each, world.usdc, 10**8 * 10**6, 0, sender=trader)


@given(st.lists(st.integers(1 - MARKET.scale, MARKET.scale - 1).filter(bool), min_size=1, max_size=5))
@settings(max_examples=20)
def test_quotes_follow_the_twin_trade_after_trade(world, deep, account, trader, ends):
    """The skew goes through each of `ends`; every fill is the twin's, to the unit."""
    pool, engine, skew = world.pool, world.engine, 0
    with isolated(world.chain):
        for end in ends:
            size = end - skew
            if abs(size) < UNIT or abs(end) < UNIT:  # the engine has a minimum
                continue
            quote = quote_math.amount(size, -skew, 2_000 * WAD, MARKET.scale, SIZE_SCALE, MARKET.spread)
            fee = quote_math.fee(size, -skew, 2_000 * WAD, SIZE_SCALE, MARKET.taker, MARKET.maker)
            limit = MAX if size > 0 else 0
            answer = pool.simulate("trade", account, ETH, size, limit, MAX, sender=trader)
            assert tuple(answer) == (quote, fee)
            pool.trade(account, ETH, size, limit, MAX, sender=trader)
            skew = end
        assert engine.position(pool.tranche(ETH), ETH).size == -skew
