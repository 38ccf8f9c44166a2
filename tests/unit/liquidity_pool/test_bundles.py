"""One owner is trader, LP, donor and caller of everything, at a fixed price: no order of his acts gains him a unit."""

import pytest
from hypothesis import given, settings, strategies as st

from plimsoll.errors import Reverted
from plimsoll.fixed_point import mul_div_down
from tests.helpers import isolated
from tests.unit.liquidity_pool.terms import (
    BTC,
    DAY,
    ETH,
    MAX,
    PRICES,
    SIZE_SCALE,
    UNIT,
    USDC,
    WAD,
    instrument,
    market_config,
)

INSTRUMENTS = st.sampled_from((ETH, BTC))
ACTS = st.one_of(
    st.tuples(st.just("trade"), INSTRUMENTS, st.integers(-80 * UNIT, 80 * UNIT)),
    st.tuples(st.just("close"), INSTRUMENTS),
    st.tuples(st.just("provide"), st.integers(1, 500_000 * USDC)),
    st.tuples(st.just("request"), st.integers(1, 100)),
    st.tuples(st.just("leave"), st.integers(1, 100)),
    st.tuples(st.just("allocate"), INSTRUMENTS),
    st.tuples(st.just("donate"), INSTRUMENTS, st.integers(1, 10_000 * USDC)),
    st.tuples(st.just("execute"),),
)


class Attacker:
    """Everything he may do, and what he owns: tokens, his margin account at mid, his shares at what an exit pays."""

    def __init__(self, world, address, account, victim):
        self.world, self.address, self.account, self.victim = world, address, account, victim
        self.pool, self.engine, self.usdc = world.pool, world.engine, world.usdc

    def wealth(self):
        state = self.engine.accountState(self.account)
        owned = self.usdc.balanceOf(self.address) + state.cash
        for i, price in enumerate(PRICES):
            position = self.engine.position(self.account, i)
            owned += position.quote + mul_div_down(position.size, price * WAD, SIZE_SCALE)
        shares = self.pool.balanceOf(self.address) + self.pool.request(self.address).shares
        return owned + self.pool.previewRedeem(shares)

    def trade(self, market, size):
        self.pool.trade(self.account, market, size, MAX if size > 0 else 0, MAX, sender=self.address)

    def close(self, market):
        self.trade(market, -self.engine.position(self.account, market).size)

    def provide(self, assets):
        self.pool.deposit(assets, self.address, sender=self.address)

    def request(self, percent):
        held = self.pool.balanceOf(self.address)
        self.pool.requestRedeem(mul_div_down(held, percent, 100), sender=self.address)

    def leave(self, percent):
        shares = mul_div_down(self.pool.maxRedeem(self.address), percent, 100)
        self.pool.redeem(shares, self.address, self.address, sender=self.address)

    def allocate(self, market):
        self.pool.allocate(market, sender=self.address)

    def donate(self, market, amount):
        self.engine.deposit(self.pool.tranche(market), self.usdc, amount, 0, sender=self.address)

    def execute(self):
        """Somebody else's overdue request."""
        shares = self.pool.request(self.victim).shares
        self.pool.redeem(shares, self.victim, self.victim, sender=self.address)


@pytest.fixture
def frictionless(world, owner):
    """ETH without fees, spread and (so deep is it) premium: nothing stands in the attacker's way but the rules."""
    world.pool.setMarket(ETH, market_config(spread=0, taker=0, maker=0), sender=owner)
    world.parameters.setInstrument(ETH, instrument(ETH, scale=10**9 * UNIT), sender=owner)


@pytest.fixture
def attacker(world, frictionless, stocked, account, trader, lp, mature):
    """Nine tenths of the pool are overdue to be paid out, and the attacker may have that done."""
    world.pool.requestRedeem(mul_div_down(world.pool.balanceOf(lp), 9, 10), sender=lp)
    mature(2 * DAY)
    return Attacker(world, trader, account, lp)


@given(st.lists(ACTS, min_size=1, max_size=12), st.booleans())
@settings(max_examples=25)
def test_bundle_of_trader_lp_and_caller_gains_nothing(world, attacker, mature, acts, patient):
    """`patient`: a delay passes in the middle, so that what was asked for can be taken."""
    with isolated(world.chain):
        before = attacker.wealth()
        for i, act in enumerate(acts):
            if patient and i == len(acts) // 2:
                mature()
            try:
                getattr(attacker, act[0])(*act[1:])
            except Reverted:
                pass
            assert attacker.wealth() <= before, "LIQ-4"


@pytest.mark.parametrize("size", [50 * UNIT, -50 * UNIT])
def test_paying_others_out_at_a_price_that_one_has_made_worse_gains_nothing(attacker, size):
    attacker.provide(100_000 * USDC)
    before = attacker.wealth()
    attacker.trade(ETH, size)
    attacker.execute()
    attacker.close(ETH)
    assert attacker.wealth() <= before, "LIQ-4"


@pytest.mark.parametrize("size", [200 * UNIT, -200 * UNIT])
def test_moving_capital_between_the_tranches_gains_nothing(attacker, size):
    attacker.provide(500_000 * USDC)
    before = attacker.wealth()
    for market in (ETH, BTC):
        attacker.allocate(market)
    attacker.trade(ETH, size)
    attacker.donate(ETH, 1)
    attacker.close(ETH)
    assert attacker.wealth() <= before, "LIQ-4"
