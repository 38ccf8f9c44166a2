"""A loss that neither insurance nor a taker paid: the liquidation engine, played by the test, hands it to the side that won."""

from random import Random

import pytest

from plimsoll import margin_math
from plimsoll.fixed_point import WAD
from plimsoll.model import loss_math
from tests.helpers import event, isolated, reverts
from tests.unit.margin_engine.bare import bare_engine, instrument_terms
from tests.unit.margin_engine.losses import CAP, INDEX, cap_of, lose, new_epoch, owed, slack
from tests.world import DAY, HOUR, MAX, NAMES, NO_INSTRUMENT, SIZE_SCALE, UNIT, USDC


@pytest.fixture
def sunk(house, stranger) -> int:
    """Whose loss it was: an account without positions, which gets the amounts as cash."""
    new_epoch(house)
    return house.account(stranger)


@pytest.fixture
def second(house, other_trader) -> int:
    """One more account to buy with."""
    return house.open(other_trader, 100_000 * USDC)


# Who pays ---------------------------------------------------------------------------------------------------------


def test_loss_is_charged_to_the_side_that_won_pro_rata(house, engine, sunk, long, short, second):
    house.trade(long, short, {"ETH": 10})
    house.trade(second, short, {"ETH": 30})
    before = [house.judge(a).equity for a in (long, second, short)]
    receipt = lose(house, sunk, "ETH", True, 400 * USDC)
    event(receipt, "LossShared", instrument=0, long=True, amount=400 * USDC, charged=400 * USDC, owed=0)
    after = [house.judge(a).equity for a in (long, second, short)]
    assert [b - a for b, a in zip(before, after)] == [100 * USDC, 300 * USDC, 0]
    assert (house.cash(sunk), engine.badDebt(), owed(house, "ETH")) == (400 * USDC, 0, (0, 0))
    assert slack(house, sunk, long, short, second) == 0, "LED-2"


@pytest.mark.parametrize("wins_long", [True, False])
def test_loss_raises_one_index_of_one_instrument(house, engine, sunk, long, short, wins_long):
    house.trade(long, short, {"ETH": 10, "BTC": 1, "SOL": 100})
    lose(house, sunk, "ETH", wins_long, 100 * USDC)
    market = engine.market(0)
    step = 10 * USDC * INDEX
    assert (market.indexLong, market.indexShort) == ((step, 0) if wins_long else (0, step))
    others = [engine.market(i) for i in range(1, len(NAMES))]
    assert all(m.indexLong == m.indexShort == 0 for m in others)
    told = engine.deficitOf(0, wins_long)
    assert (told.owed, told.epoch, told.charged) == (0, house.chain.now // HOUR, step)
    assert engine.deficitOf(0, not wins_long).charged == 0


def test_loss_is_settled_like_funding(house, engine, sunk, long, short):
    house.trade(long, short, {"ETH": 10})
    cash = house.cash(long)
    lose(house, sunk, "ETH", True, 100 * USDC)
    assert house.cash(long) == cash and house.snapshot(long).legs[0].charge == 100 * USDC
    engine.settle(long, sender=house.owner(long))
    engine.settle(long, sender=house.owner(long))
    assert house.cash(long) == cash - 100 * USDC and house.snapshot(long).legs[0].charge == 0
    assert slack(house, sunk, long, short) == 0, "LED-2"


def test_loss_is_not_charged_to_who_comes_after(house, engine, sunk, long, short, second):
    house.trade(long, short, {"ETH": 10})
    lose(house, sunk, "ETH", True, 100 * USDC)
    house.trade(second, short, {"ETH": 10})
    assert house.snapshot(second).legs[0].charge == 0
    assert house.judge(second).equity == 100_000 * USDC


def test_loss_is_shared_on_the_open_interest_before_the_transfer(house, engine, chain, sunk, long, short, second):
    """The sunk account was short; it buys from a long, who closes: he, too, won, and pays like the others."""
    house.trade(long, short, {"ETH": 10})
    house.trade(second, short, {"ETH": 30})
    before = [house.cash(a) for a in (long, second, short)]
    moved = (0, second, 30 * UNIT, -60_000 * USDC, 2_000 * WAD)
    loss = (0, True, 400 * USDC, 2_000 * WAD)
    engine.seize(short, [moved], [(sunk, 400 * USDC)], [], [loss], sender=house.liquidator)
    assert engine.market(0).openInterest == 10 * UNIT
    assert engine.market(0).indexLong == 10 * USDC * INDEX, "400 over 40 units, not over the 10 that are left"
    assert house.cash(second) == before[1] - 300 * USDC
    assert (house.snapshot(long).legs[0].charge, house.cash(short)) == (100 * USDC, before[2])
    assert slack(house, sunk, long, short, second) == 0, "LED-2"


def test_loss_spares_who_takes_the_sunk_position(house, engine, sunk, long, short, second):
    """The sunk account was long; the shorts won. Its taker is long from now on, and owes nothing."""
    house.trade(long, short, {"ETH": 10})
    moved = (0, second, -10 * UNIT, 20_000 * USDC, 2_000 * WAD)
    loss = (0, False, 100 * USDC, 2_000 * WAD)
    engine.seize(long, [moved], [(long, 100 * USDC)], [], [loss], sender=house.liquidator)
    assert house.snapshot(second).legs[0].charge == 0
    assert house.snapshot(short).legs[0].charge == 100 * USDC
    assert (house.cash(long), house.cash(second)) == (100_100 * USDC, 100_000 * USDC)
    assert slack(house, long, short, second) == 0, "LED-2"


def test_loss_that_does_not_divide_is_paid_to_the_unit(house, engine, sunk, long, short, second):
    """Each position's charge rounds up: what comes in too much is the house's, at most a unit each."""
    house.trade(long, short, {"ETH": 7})
    house.trade(second, short, {"ETH": 6.000000001})
    lose(house, sunk, "ETH", True, 100_000_001)
    step, paid, excess = loss_math.charge(100_000_001, 13 * UNIT + 1, cap_of(2_000 * WAD))
    assert (paid, excess, engine.market(0).indexLong) == (100_000_001, 0, step)
    assert 0 <= slack(house, sunk, long, short, second) <= 2, "LED-2"


# How much in an epoch ---------------------------------------------------------------------------------------------


def test_loss_beyond_the_cap_is_owed_by_that_side(house, engine, sunk, long, short):
    house.trade(long, short, {"ETH": 10})
    receipt = lose(house, sunk, "ETH", True, 151 * USDC)
    event(receipt, "LossShared", instrument=0, long=True, amount=151 * USDC, charged=150 * USDC, owed=USDC)
    event(receipt, "DeficitUpdated", instrument=0, long=True, owed=USDC)
    event(receipt, "BadDebtUpdated", badDebt=USDC)
    assert (engine.badDebt(), owed(house, "ETH")) == (USDC, (USDC, 0))
    assert engine.market(0).indexLong == engine.deficitOf(0, True).charged == CAP * INDEX == cap_of(2_000 * WAD)
    assert slack(house, sunk, long, short) == 0, "LED-2"


@pytest.mark.parametrize(("beyond", "due"), [(0, 0), (1, 1)])
def test_loss_up_to_the_cap_is_paid_and_one_unit_more_is_owed(house, engine, sunk, long, short, beyond, due):
    house.trade(long, short, {"ETH": 10})
    lose(house, sunk, "ETH", True, 150 * USDC + beyond)
    assert engine.badDebt() == owed(house, "ETH")[0] == due


def test_loss_of_several_in_one_epoch_shares_the_cap(house, engine, sunk, long, short):
    """But each side has its own, and so has each instrument."""
    house.trade(long, short, {"ETH": 10, "ETH6": 10})
    for amount, due in ((100, 0), (49, 0), (2, 1), (100, 101)):
        lose(house, sunk, "ETH", True, amount * USDC)
        assert owed(house, "ETH") == (due * USDC, 0)
    lose(house, sunk, "ETH", False, 150 * USDC)
    lose(house, sunk, "ETH6", True, 150 * USDC)
    assert (owed(house, "ETH"), owed(house, "ETH6")) == ((101 * USDC, 0), (0, 0))
    assert engine.badDebt() == 101 * USDC
    assert slack(house, sunk, long, short) == 0, "LED-2"


def test_loss_in_the_next_epoch_has_a_cap_of_its_own(house, engine, chain, sunk, long, short):
    house.trade(long, short, {"ETH": 10})
    lose(house, sunk, "ETH", True, 150 * USDC)
    chain.set_next_time((chain.now // HOUR + 1) * HOUR - 1)
    lose(house, sunk, "ETH", True, 7 * USDC)
    assert owed(house, "ETH") == (7 * USDC, 0)
    lose(house, sunk, "ETH", True, 150 * USDC)
    assert owed(house, "ETH") == (7 * USDC, 0)
    told = engine.deficitOf(0, True)
    assert (told.epoch, told.charged) == (chain.now // HOUR, CAP * INDEX)


def test_loss_is_capped_by_the_price_of_its_own_time(house, engine, sunk, long, short):
    """A price that falls within the epoch leaves less room than was charged: none."""
    house.trade(long, short, {"ETH": 10})
    lose(house, sunk, "ETH", True, 100 * USDC)
    house.reprice("ETH", 1_000)
    lose(house, sunk, "ETH", True, 10 * USDC)
    assert owed(house, "ETH") == (10 * USDC, 0) and engine.deficitOf(0, True).charged == 10 * USDC * INDEX
    house.reprice("ETH", 1_600)
    lose(house, sunk, "ETH", True, 25 * USDC)
    assert owed(house, "ETH") == (15 * USDC, 0), "12 a unit, of which 10 were charged"


def test_loss_of_random_amounts_is_the_models(house, engine, sunk, long, short, seed):
    rng = Random(f"{seed}/losses")
    for _ in range(20):
        with isolated(house.chain):
            price, size = rng.randrange(100_000, 400_000), rng.randrange(UNIT, 40 * UNIT)
            house.reprice("ETH", price / 100)
            house.venue.trade(long, short, [(0, size)], [house.at_mid("ETH", size)], [0])
            room = cap_of(house.mid("ETH"))
            debt = charged = 0
            for _ in range(4):
                amount = rng.randrange(1, 20 * USDC * size // UNIT)
                lose(house, sunk, "ETH", True, amount)
                step, paid, excess = loss_math.charge(amount, size, room - charged)
                charged, debt = charged + step, debt + amount - paid
                told = engine.deficitOf(0, True)
                assert (told.owed, told.charged, engine.market(0).indexLong) == (debt, charged, charged)
                assert (engine.badDebt(), engine.fundOf(0).insurance) == (debt, excess) == (debt, 0)
            assert 0 <= slack(house, sunk, long, short) <= 1, "LED-2"


# Nobody to charge -------------------------------------------------------------------------------------------------


def test_loss_without_an_instrument_is_bad_debt_that_no_side_owes(house, engine, sunk, long, short):
    house.trade(long, short, {"ETH": 10})
    receipt = house.owe(sunk, 100 * USDC)
    event(receipt, "BadDebtUpdated", badDebt=100 * USDC)
    assert not receipt.events_named("LossShared") and not receipt.events_named("DeficitUpdated")
    assert all(owed(house, name) == (0, 0) for name in NAMES)
    assert engine.market(0).indexLong == engine.market(0).indexShort == 0
    with reverts("NothingOwed", 0):
        engine.drain(0, sender=house.owner(long))
    assert slack(house, sunk, long, short) == 0, "LED-2"


def test_loss_where_nobody_holds_anything_is_owed_by_that_side(house, engine, sunk):
    """Where the last position closes, nobody is left to charge: it stays owed until fund or withdrawals pay it."""
    lose(house, sunk, "ETH", True, 100 * USDC)
    assert (engine.badDebt(), owed(house, "ETH")) == (100 * USDC, (100 * USDC, 0))
    assert engine.deficitOf(0, True).charged == 0


def test_loss_of_nothing_tells_nothing(house, engine, sunk, long, short):
    house.trade(long, short, {"ETH": 10})
    receipt = engine.seize(sunk, [], [], [], [(0, True, 0, 2_000 * WAD)], sender=house.liquidator)
    assert [e.name for e in receipt.events] == ["Seized", "AccountUpdated"]


@pytest.mark.parametrize("amount", [2**255, MAX])
def test_loss_of_an_absurd_amount_reverts(house, engine, sunk, amount):
    for instrument in (0, NO_INSTRUMENT):
        with reverts("SafeCastOverflowedUintToInt", amount):
            engine.seize(sunk, [], [], [], [(instrument, True, amount, WAD)], sender=house.liquidator)


def test_loss_counts_in_the_balance_of_seize(house, engine, sunk, long, short):
    house.trade(long, short, {"ETH": 10})
    loss = (0, True, 100, 2_000 * WAD)
    for cash, sum_ in ((99, -1), (101, 1)):
        with reverts("Unbalanced", sum_):
            engine.seize(sunk, [], [(sunk, cash)], [], [loss], sender=house.liquidator)
    house.insure("ETH", 40, house.owner(long))
    engine.seize(sunk, [], [(sunk, 140)], [(0, -40)], [loss], sender=house.liquidator)
    assert (house.cash(sunk), engine.fundOf(0).insurance) == (140, 0)


# A sound account --------------------------------------------------------------------------------------------------


def test_loss_never_makes_a_sound_account_liquidatable_at_once(house, engine, trader, short, sunk, liquidator, seed):
    """Whoever meets its initial requirement meets its maintenance requirement after all that one epoch can charge: on each
    of its positions, at any price."""
    taker = house.open(liquidator, 10_000_000 * USDC)
    rng, tight = Random(f"{seed}/sound"), 0
    names = ("ETH", "BTC", "SOL", "GOLD", "ETH6")
    for i in range(12):
        with isolated(house.chain):
            account = house.open(trader, 10_000_000 * USDC, WETH=rng.randrange(3) * WAD)
            for feed, price in (("ETH", 2_000), ("BTC", 40_000), ("SOL", 20)):
                house.reprice(feed, price * rng.uniform(0.5, 2))
            held = {name: rng.choice([-1, 1]) * rng.uniform(1, 40) for name in rng.sample(names, rng.randrange(1, 5))}
            held = {name: units * (100 if name == "SOL" else 1) for name, units in held.items()}
            house.trade(account, short, held)
            margin = house.judge(account, adding=True)
            free = min(margin_math.backing(margin) - margin.initial, house.cash(account))
            engine.withdraw(account, house.usdc, free, trader, 0, sender=trader)
            new_epoch(house)
            for name, units in held.items():
                lose(house, sunk, name, units > 0, 10_000_000 * USDC)
                assert engine.deficitOf(house.id(name), units > 0).owed > 0, "all that an epoch can charge"
            tight += free < 10_000_000 * USDC
            after = house.judge(account)
            assert after.equity < margin.equity - free and after.equity >= after.maintenance, (i, held)
            with reverts("NotLiquidatable", account, after.equity, after.maintenance):
                house.liquidation.liquidate((account, taker, WAD, 0, MAX), sender=liquidator)
    assert tight > 6, "at their initial requirement, to the unit"


# A full index -----------------------------------------------------------------------------------------------------


@pytest.fixture
def dear(chain, owner, lp, trader, maker):
    """One whole unit at ten millions, held by two, under terms that no listing allows: an index may leave its 80 bits."""
    bare = bare_engine(chain, owner, lp)
    bare.list(owner)
    accounts = [bare.open(actor, 10**15) for actor in (trader, maker)]
    bare.eth.push(10**7 * 10**8)
    bare.trade(*accounts, 1, price=10**7)
    risk, limits, funding = instrument_terms()
    bare.engine.setInstrument(0, (2**24 - 1, *risk[1:6], 2**24 - 1, *risk[7:]), limits, funding, sender=owner)
    chain.advance(HOUR - chain.now % HOUR)
    return bare


def test_loss_that_an_index_cannot_hold_stays_owed(dear, owner, stranger):
    engine, account, mid = dear.engine, int(stranger, 16) << 96, 10**7 * WAD
    most = 2**79 - 1
    assert loss_math.cap(2**24 - 1, 2**24 - 1, mid, SIZE_SCALE) > most

    def lose_all(amount):
        return engine.seize(account, [], [(account, amount)], [], [(0, True, amount, mid)], sender=owner)

    fits = most // INDEX  # one unit is held: a settlement unit is 1e9 of its index
    told = event(lose_all(fits + 1), "LossShared", charged=0, owed=fits + 1)
    assert told.amount == fits + 1 and engine.market(0).indexLong == engine.deficitOf(0, True).charged == 0
    event(lose_all(fits), "LossShared", charged=fits, owed=0)
    assert engine.market(0).indexLong == fits * INDEX
    event(lose_all(1), "LossShared", charged=0, owed=1)
    assert engine.badDebt() == engine.deficitOf(0, True).owed == fits + 2


def test_loss_needs_no_price_of_its_own(house, engine, sunk, long, short):
    """The liquidation engine names the mid that it read: nothing is read twice."""
    house.trade(long, short, {"ETH": 10})
    house.chain.advance(9 * DAY)
    house.owe(sunk, 100 * USDC, 0, True, 2_000 * WAD)
    assert engine.market(0).indexLong == 10 * USDC * INDEX
