import pytest

from plimsoll.model.tranche_math import Leg, worth
from tests.helpers import reverts
from tests.unit.liquidity_pool.terms import BTC, ETH, SIZE_SCALE, SUPPLY, USDC


@pytest.fixture
def tranche_worth(engine, pool):
    """(low, mid, high) of a tranche, by the twin."""

    def read(instrument):
        snapshot = engine.load(pool.tranche(instrument), 0, [], True)[0]
        legs = [Leg(leg.size, leg.quote, leg.charge, leg.lo, leg.mid, leg.hi) for leg in snapshot.legs]
        return worth(snapshot.cash, legs, 0, SIZE_SCALE)[:3]

    return read


def test_equity_of_an_empty_pool_is_zero(pool):
    assert tuple(pool.equity()) == (0, 0, 0)
    assert pool.totalAssets() == 0


def test_equity_without_positions_is_cash(stocked, pool, engine):
    assert tuple(pool.equity()) == (SUPPLY, SUPPLY, SUPPLY)
    assert engine.accountState(pool.tranche(ETH)).cash == engine.accountState(pool.tranche(BTC)).cash == SUPPLY // 2


@pytest.mark.parametrize("eth, btc", [(2_000, 20_000), (2_222, 20_000), (2_100, 18_181), (1_234, 23_456)])
def test_equity_is_the_sum_of_the_tranches_at_their_worse_and_better_prices(
    world, trade, pool, engine, tranche_worth, reprice, eth, btc
):
    trade(30)
    trade(-4, BTC)
    reprice(world.eth, eth)
    reprice(world.btc, btc)
    world.engine.deposit(pool.idle(), world.usdc, 777, 0, sender=world.chain.accounts[5])
    parts = [tranche_worth(ETH), tranche_worth(BTC), (777, 777, 777)]
    assert tuple(pool.equity()) == tuple(map(sum, zip(*parts)))
    assert pool.totalAssets() == pool.equity().mid
    low, mid, high = pool.equity()
    assert low < mid < high


def test_equity_counts_a_tranche_below_zero_as_nothing(world, trade, pool, tranche_worth, reprice):
    """No other account of the pool answers for it."""
    trade(40)
    reprice(world.eth, 20_000)
    low, mid, high = tranche_worth(ETH)
    assert high < 0
    assert tuple(pool.equity()) == tranche_worth(BTC)


def test_equity_does_not_count_tokens_sent_to_the_pool(stocked, pool, usdc, lp):
    usdc.transfer(pool, 5 * USDC, sender=lp)
    assert tuple(pool.equity()) == (SUPPLY, SUPPLY, SUPPLY)


def test_equity_while_a_price_is_invalid_reverts_with_the_reason(world, trade, pool):
    trade(1)
    world.eth.setMode(1)
    for view in (pool.equity, pool.totalAssets):
        with reverts("InvalidPrice") as refused:
            view()
        assert refused.error.args[0] == 0


def test_equity_needs_no_price_of_a_market_without_a_position(world, stocked, pool):
    world.eth.setMode(1)
    assert pool.totalAssets() == SUPPLY


def test_equity_does_not_ask_the_sequencer(world, trade, pool):
    trade(1)
    world.sequencer.push(1)
    assert pool.totalAssets() > SUPPLY


def test_accounts_of_the_pool_carry_its_address(pool):
    assert pool.idle() == int(pool.address, 16) << 96
    assert (pool.tranche(ETH), pool.tranche(BTC)) == (pool.idle() + 1, pool.idle() + 2)
