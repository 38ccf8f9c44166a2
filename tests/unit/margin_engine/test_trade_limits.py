"""What an instrument, an account and the house refuse: caps, minimum, reduce-only, sixteen instruments, the peg."""

from types import SimpleNamespace

import pytest

from tests.helpers import reverts
from tests.unit.margin_engine.bare import bare_engine
from tests.world import MAX, MAY_TRADE, NAMES, UNIT, USDC


@pytest.fixture
def caps(house, guardian):
    def lower(name, units, value):
        house.parameters.lowerCaps(house.id(name), units * UNIT, value, sender=guardian)

    return lower


# Caps -------------------------------------------------------------------------------------------------------------


def test_trade_to_the_cap_in_units_is_taken_and_one_more_reverts(house, long, short, caps):
    caps("ETH", 10, 10**15)
    with reverts("CapExceeded", 0, 10 * UNIT + 1, 10 * UNIT):
        house.venue.trade(long, short, [(0, 10 * UNIT + 1)], [-20_000 * USDC], [0])
    house.trade(long, short, {"ETH": 10})
    with reverts("CapExceeded", 0, 10 * UNIT + 1, 10 * UNIT):
        house.venue.trade(long, short, [(0, 1)], [0], [0])


def test_trade_to_the_cap_in_value_is_taken_and_one_more_reverts(house, long, short, caps):
    caps("ETH", 1_000, 20_000 * USDC)
    with reverts("CapExceeded", 0, 20_000 * USDC + 2, 20_000 * USDC):
        house.venue.trade(long, short, [(0, 10 * UNIT + 1)], [-20_000 * USDC], [0])
    house.trade(long, short, {"ETH": 10})


def test_trade_beyond_a_lowered_cap_may_close_and_pass_on(house, long, short, stranger, caps):
    third = house.open(stranger, 100_000 * USDC)
    house.trade(long, short, {"ETH": 10})
    caps("ETH", 1, 1)
    with reverts("CapExceeded", 0, 11 * UNIT, UNIT):
        house.trade(long, short, {"ETH": 1})
    house.trade(third, long, {"ETH": 10})
    house.trade(third, short, {"ETH": -10})
    with reverts("CapExceeded", 0, 2_000 * USDC, 1):
        house.trade(long, short, {"ETH": 1})


# The minimum ------------------------------------------------------------------------------------------------------


def test_trade_of_exactly_the_minimum_is_taken_and_a_grain_less_reverts(house, long, short):
    half = UNIT // 2  # 1,000 at 2,000
    with reverts("BelowMinimum", long, 0, 1_000 * USDC - 2, 1_000 * USDC):
        house.venue.trade(long, short, [(0, half - 1)], [0], [0])
    house.venue.trade(long, short, [(0, half)], [-1_000 * USDC], [0])


def test_trade_may_not_leave_less_than_the_minimum(house, long, short):
    house.trade(long, short, {"ETH": 1})
    with reverts("BelowMinimum", long, 0, 1_000 * USDC - 2, 1_000 * USDC):
        house.venue.trade(long, short, [(0, -UNIT // 2 - 1)], [10**9 + 2], [0])
    house.trade(long, short, {"ETH": -0.5})
    house.trade(long, short, {"ETH": -0.5})


def test_trade_holds_the_maker_to_the_minimum(house, long, short, stranger):
    third = house.open(stranger, 100_000 * USDC)
    house.trade(long, short, {"ETH": 1})
    with reverts("BelowMinimum", short, 0, 200 * USDC, 1_000 * USDC):
        house.trade(third, short, {"ETH": -0.9})
    house.trade(third, short, {"ETH": -1})


def test_trade_of_a_position_that_fell_below_the_minimum_closes_whole_alone(house, long, short):
    house.trade(long, short, {"ETH": 0.5})
    house.reprice("ETH", 1_999)
    with reverts("BelowMinimum"):
        house.trade(long, short, {"ETH": -0.1})
    house.trade(long, short, {"ETH": -0.5})


def test_trade_against_the_pool_leaves_the_pool_any_remainder(house, engine, trader, maker, lp, long, short):
    house.provide(lp)
    for account, owner in ((long, trader), (short, maker)):
        engine.setOperator(account, house.pool, MAY_TRADE, sender=owner)
    house.pool.trade(long, 0, UNIT, MAX, MAX, sender=trader)
    house.pool.trade(short, 0, -UNIT * 9 // 10, 0, MAX, sender=maker)
    assert engine.position(house.pool.tranche(0), 0).size == -UNIT // 10


# Reduce-only ------------------------------------------------------------------------------------------------------


def test_trade_of_a_reduce_only_instrument_may_only_reduce(house, guardian, long, short, stranger):
    third = house.open(stranger, 100_000 * USDC)
    house.trade(long, short, {"ETH": 10})
    house.parameters.restrict(0, sender=guardian)
    for taker, units in ((long, 1), (long, -11), (third, -1), (third, 10)):
        with reverts("InstrumentReduceOnly", 0):
            house.trade(taker, short, {"ETH": units})
    house.trade(long, short, {"ETH": -4})
    house.trade(long, short, {"ETH": -6})
    house.trade(long, short, {"BTC": 1})


def test_trade_of_a_reduce_only_instrument_may_give_its_risk_to_the_pool(
    house, engine, trader, guardian, lp, long, short
):
    house.provide(lp)
    engine.setOperator(long, house.pool, MAY_TRADE, sender=trader)
    house.trade(long, short, {"ETH": 10})
    house.parameters.restrict(0, sender=guardian)
    with reverts("InstrumentReduceOnly", 0):
        house.pool.trade(long, 0, UNIT, MAX, MAX, sender=trader)
    house.pool.trade(long, 0, -10 * UNIT, 0, MAX, sender=trader)
    assert engine.position(house.pool.tranche(0), 0).size == 10 * UNIT


# Sixteen ----------------------------------------------------------------------------------------------------------


def test_trade_of_sixteen_instruments_is_taken_and_the_seventeenth_reverts(house, engine, long, short):
    house.deposit(long, 10**6 * USDC)
    units = {name: 2_000 if name == "MEME" else 100 if name == "SOL" else 1 for name in NAMES}
    *sixteen, last = NAMES
    house.trade(long, short, {name: units[name] for name in sixteen})
    assert engine.accountState(long).instruments == 2**16 - 1
    with reverts("TooManyInstruments", long, 16):
        house.trade(long, short, {last: 1})
    house.trade(long, short, {sixteen[4]: -units[sixteen[4]]})
    house.trade(long, short, {last: 1})
    assert len(house.snapshot(long).legs) == 16


def test_trade_whose_maker_holds_sixteen_reverts_for_it(house, long, short, stranger):
    third = house.open(stranger, 10**6 * USDC)
    house.deposit(long, 10**6 * USDC)
    units = {name: 2_000 if name == "MEME" else 100 if name == "SOL" else 1 for name in NAMES}
    house.trade(long, short, {name: units[name] for name in NAMES[:16]})
    with reverts("TooManyInstruments", long, 16):
        house.trade(third, long, {NAMES[16]: 1})


# The peg ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def pegged(house, chain, owner, lp, trader, maker):
    """An engine of its own with a depeg guard of 5 %; its owner lists, its liquidator and its pool are plain addresses."""
    bare = bare_engine(chain, owner, lp, depeg_e6=50_000)
    bare.list(owner)
    accounts = [bare.open(actor, 100_000 * USDC) for actor in (trader, maker)]
    return SimpleNamespace(**vars(bare), accounts=accounts, bare=bare)


@pytest.mark.parametrize("price", [0.949999, 1.050001])
def test_trade_outside_the_peg_may_only_reduce(pegged, price):
    taker, maker = pegged.accounts
    pegged.bare.trade(taker, maker, 10)
    pegged.dollar.push(round(price * 10**8))
    depegged = round(price * 10**8) * 10**10
    for units in (1, -11):
        with reverts("Depegged", depegged):
            pegged.bare.trade(taker, maker, units)
    with reverts("Depegged", depegged):
        pegged.engine.requirePeg()
    pegged.bare.trade(taker, maker, -4)
    pegged.engine.withdraw(taker, pegged.usdc, USDC, pegged.owners[taker], 0, sender=pegged.owners[taker])
    pegged.bare.open(pegged.owners[taker], USDC)


@pytest.mark.parametrize("price", [0.95, 1.05, 1])
def test_trade_at_the_edge_of_the_peg_is_taken(pegged, price):
    pegged.dollar.push(round(price * 10**8))
    pegged.engine.requirePeg()
    pegged.bare.trade(*pegged.accounts, 10)


def test_trade_while_the_pegs_feed_fails_may_only_reduce(pegged):
    pegged.bare.trade(*pegged.accounts, 10)
    pegged.dollar.setMode(1)
    with reverts("InvalidPrice", 1, 2, 0, 0):
        pegged.bare.trade(*pegged.accounts, 1)
    pegged.bare.trade(*pegged.accounts, -10)


# The sequencer ----------------------------------------------------------------------------------------------------


def test_trade_while_the_sequencer_is_down_may_only_reduce(pegged):
    taker, maker = pegged.accounts
    pegged.bare.trade(taker, maker, 10)
    pegged.sequencer.push(1)
    with reverts("InvalidPrice"):
        pegged.bare.trade(taker, maker, 1)
    owner = pegged.owners[taker]
    with reverts("InvalidPrice"):
        pegged.engine.withdraw(taker, pegged.usdc, 1, owner, 0, sender=owner)
    pegged.bare.trade(taker, maker, -10)
    pegged.engine.withdraw(taker, pegged.usdc, 1, owner, 0, sender=owner)
