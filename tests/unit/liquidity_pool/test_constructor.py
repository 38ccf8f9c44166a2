import pytest

from tests.helpers import reverts
from tests.unit.liquidity_pool.terms import DAY, HOUR, MAX


def test_constructor_takes_the_engines_settlement_token(world, pool, engine, usdc, owner):
    assert (pool.asset(), pool.ENGINE(), pool.owner(), pool.DELAY()) == (usdc.address, engine.address, owner, DAY)
    assert (pool.name(), pool.symbol(), pool.decimals()) == ("Plimsoll pool", "PLP", 12)


def test_constructor_lets_the_engine_take_its_tokens_and_nobody_else(world, pool, engine, usdc):
    assert usdc.allowance(pool, engine) == MAX
    assert engine.operatorBits(pool.idle(), world.chain.accounts[0]) == 0


@pytest.mark.parametrize("delay, bound", [(HOUR - 1, HOUR), (30 * DAY + 1, 30 * DAY)])
def test_constructor_refuses_a_delay_outside_its_bounds(world, engine, owner, delay, bound):
    with reverts("InvalidParameter", "delay", delay, bound):
        world.chain.deploy("LiquidityPool", engine, owner, delay, "P", "P")


@pytest.mark.parametrize("delay", [HOUR, 30 * DAY])
def test_constructor_takes_a_delay_on_its_bounds(world, engine, owner, delay):
    assert world.chain.deploy("LiquidityPool", engine, owner, delay, "P", "P").DELAY() == delay
