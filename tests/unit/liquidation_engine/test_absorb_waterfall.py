"""Who pays for an account below zero, in which order: insurance, who nets it, the side that won, and then nobody yet."""

from random import Random

import pytest

from plimsoll import margin_math
from plimsoll.model import liquidation_math
from tests.helpers import event, reverts
from tests.unit.liquidation_engine.sinking import charged, portfolio
from tests.world import MAX, MAY_TRADE, NAMES, SIZE_SCALE, UNIT, USDC

ETH, BTC = 0, 1


def take(house, account, less, other):
    """A loss by fiat: out of one account's cash into another's."""
    house.engine.seize(account, [], [(account, -less), (other, less)], [], [], sender=house.liquidator)


def test_absorb_goes_through_every_step_to_the_unit(house, engine, liquidation, liquidator, stranger, broke):
    """664 are lost: the fund has 101, of which the keeper gets 1; four of ten units net the taker's own: 4/10 of 564; an hour
    of the index is 13.125 for each of 14 units; the shorts owe the rest."""
    house.insure("ETH", 101 * USDC, stranger)
    house.insure("BTC", 5_000 * USDC, stranger)
    taker, bull = house.open(liquidator, 50_000 * USDC), house.open(stranger, 50_000 * USDC)
    house.trade(taker, bull, {"ETH": -4})
    worth, keeper = house.judge(taker).equity, house.account(liquidator)
    assert keeper == taker
    receipt = liquidation.absorb(broke, taker, sender=liquidator)
    assert tuple(event(receipt, "Absorbed").absorption) == (
        664_000_000,
        100_000_000,
        225_600_000,
        338_400_000,
        1_000_000,
    )
    event(receipt, "LossShared", instrument=ETH, long=False, amount=338_400_000, charged=183_750_000, owed=154_650_000)
    assert [e.args["instrument"] for e in receipt.events_named("FundUpdated")] == [ETH, ETH], "the loss, then the reward"
    assert {e.args["account"] for e in receipt.events_named("AccountUpdated")} == {broke, taker}
    assert engine.market(ETH).indexShort == 13_125_000 * 10**9 and engine.market(ETH).indexLong == 0
    assert engine.deficitOf(ETH, False).owed == engine.badDebt() == 154_650_000
    assert engine.deficitOf(ETH, True).owed == engine.deficitOf(BTC, False).owed == 0
    assert (engine.fundOf(ETH).insurance, engine.fundOf(BTC).insurance) == (0, 5_000 * USDC)
    assert house.position(taker, "ETH")[0] == 6 * UNIT
    assert house.judge(taker).equity == worth - 225_600_000 + 1_000_000 - 4 * 13_125_000
    assert house.snapshot(broke)[1:] == (0, 0, SIZE_SCALE, (), ())


def test_absorb_of_a_short_charges_the_longs(house, engine, liquidation, liquidator, taker, trader, long):
    account = house.open(trader, 1_836 * USDC, sub=1)
    house.trade(account, long, {"ETH": -10})
    house.reprice("ETH", 2_250)
    receipt = liquidation.absorb(account, taker, sender=liquidator)
    told = event(receipt, "LossShared", instrument=ETH, long=True, amount=664 * USDC, charged=168_750_000)
    assert told.owed == engine.deficitOf(ETH, True).owed == engine.badDebt() == 495_250_000
    assert (engine.market(ETH).indexLong, engine.market(ETH).indexShort) == (16_875_000 * 10**9, 0)


def test_absorb_of_a_short_of_one_grain_charges_the_longs(house, engine, liquidation, liquidator, taker, trader, short):
    """It is held at its floor, so that a part of the loss is its own."""
    account = house.open(trader, 10_000 * USDC, sub=1)
    house.trade(account, short, {"ETH": 10})
    engine.seize(account, [(BTC, short, -1, 40, 40_000 * 10**18)], [], [], [], sender=house.liquidator)
    take(house, account, house.judge(account).equity + 900 * USDC, short)
    receipt = liquidation.absorb(account, taker, sender=liquidator)
    assert {e.instrument: e.long for e in receipt.events_named("LossShared") if e.amount} == {ETH: False, BTC: True}


def test_absorb_by_a_taker_of_the_same_side_asks_nothing_of_it(
    house, engine, liquidation, liquidator, stranger, broke, short
):
    """Whoever has lost as well nets nothing, however rich."""
    taker = house.open(liquidator, 10**6 * USDC)
    house.trade(taker, short, {"ETH": 4})
    worth = house.judge(taker).equity
    told = event(liquidation.absorb(broke, taker, sender=liquidator), "Absorbed").absorption
    assert (told.taker, told.shared) == (0, 664 * USDC)
    assert house.judge(taker).equity == worth


def test_absorb_again_within_the_hour_finds_what_the_first_left_of_the_cap(
    house, engine, chain, liquidation, liquidator, taker, trader, short
):
    accounts = [house.open(trader, 1_836 * USDC, sub) for sub in (1, 2)]
    for account in accounts:
        house.trade(account, short, {"ETH": 10})
    house.reprice("ETH", 1_780)
    chain.set_next_time(chain.now // 3_600 * 3_600 + 3_600)
    shared = [event(liquidation.absorb(a, taker, sender=liquidator), "LossShared") for a in accounts]
    room = 20 * 13_350_000  # ¼ · 6 % · ½ · 1,780 for each of twenty
    assert [told.amount for told in shared] == [364 * USDC] * 2
    assert [told.charged for told in shared] == [room, 0]
    assert engine.deficitOf(ETH, False).owed == 728 * USDC - room
    chain.set_next_time(chain.now // 3_600 * 3_600 + 3_600)
    engine.drain(ETH)
    assert engine.deficitOf(ETH, False).owed == 728 * USDC - 2 * room


def test_absorb_of_several_instruments_uses_the_takers_room_leg_by_leg(
    house, engine, liquidation, liquidator, stranger, trader, short
):
    """It nets both legs; its E − M does for the first, and for a part of the second."""
    account = house.open(trader, 10_000 * USDC, sub=1)
    house.trade(account, short, {"ETH": 10, "BTC": 1})
    taker, bull = house.open(liquidator, 50_000 * USDC), house.open(stranger, 200_000 * USDC)
    house.trade(taker, bull, {"ETH": -10, "BTC": -1})
    take(house, account, house.judge(account).equity + 900 * USDC, short)
    take(house, taker, house.judge(taker).equity - 400 * USDC, bull)
    receipt = liquidation.absorb(account, taker, sender=liquidator)
    # By maintenance, 6 % of 20,000 and of 40,000: a third and two thirds of 900.
    assert tuple(event(receipt, "Absorbed").absorption) == (900 * USDC, 0, 400 * USDC, 500 * USDC, 0)
    shared = {e.instrument: e.amount for e in receipt.events_named("LossShared")}
    assert shared == {BTC: 500 * USDC}, "the ETH part, 300, is paid by the taker"
    assert house.snapshot(taker).legs == ()


def test_absorb_by_the_pool_asks_of_each_tranche_what_it_can_bear(
    house, engine, liquidation, pool, lp, keeper, trader, short
):
    """One tranche nets its leg and pays; the other took the same side as the account and pays nothing."""
    account, same = house.open(trader, 20_000 * USDC, sub=1), house.open(trader, 10**6 * USDC, sub=2)
    house.trade(account, short, {"ETH": 10, "BTC": 1})
    engine.setOperator(same, pool, MAY_TRADE, sender=trader)
    pool.trade(same, ETH, 10 * UNIT, MAX, MAX, sender=trader)
    pool.trade(same, BTC, -UNIT, 0, MAX, sender=trader)
    take(house, account, house.judge(account).equity + 900 * USDC, short)
    worth = [house.judge(pool.tranche(i)).equity for i in (ETH, BTC)]
    receipt = liquidation.absorb(account, 0, sender=keeper)
    assert tuple(event(receipt, "Absorbed").absorption) == (900 * USDC, 0, 300 * USDC, 600 * USDC, 0)
    assert event(receipt, "LossShared").instrument == BTC
    paid = [before - house.judge(pool.tranche(i)).equity for i, before in enumerate(worth)]
    assert 0 <= paid[0] - 300 * USDC <= 1 and abs(paid[1]) <= 1


def test_absorb_rewards_out_of_what_the_fund_has(house, engine, liquidation, liquidator, taker, broke, stranger):
    """Less than the floor: all of it, and then nothing is left to insure with."""
    house.insure("ETH", 300_000, stranger)
    told = event(liquidation.absorb(broke, taker, sender=liquidator), "Absorbed").absorption
    assert tuple(told) == (664 * USDC, 0, 0, 664 * USDC, 300_000)
    assert engine.fundOf(ETH).insurance == 0


def test_absorb_of_a_tranche_below_zero_is_somebody_elses(
    house, engine, liquidation, lp, trader, keeper, liquidator, taker
):
    """The pool is one more account: it cannot take from itself, its traders' side is the side that won."""
    house.provide(lp, 20_000 * USDC)
    account = house.open(trader, 100_000 * USDC)
    engine.setOperator(account, house.pool, MAY_TRADE, sender=trader)
    house.pool.trade(account, ETH, 30 * UNIT, MAX, MAX, sender=trader)
    house.reprice("ETH", 2_300)
    tranche = house.pool.tranche(ETH)
    margin, worth = house.judge(tranche), house.judge(account).equity
    assert margin.equity < 0
    with reverts("TakerIsAccount", tranche):
        liquidation.absorb(tranche, 0, sender=keeper)
    room = charged(house, ETH, -margin.equity)
    receipt = liquidation.absorb(tranche, taker, sender=liquidator)
    told = event(receipt, "Absorbed", account=tranche, taker=taker).absorption
    assert tuple(told) == (-margin.equity, 0, 0, -margin.equity, 0)
    assert event(receipt, "LossShared", long=True).charged == room
    assert house.snapshot(tranche).legs == () and house.cash(tranche) == 0
    assert house.position(taker, "ETH")[0] == -30 * UNIT
    assert house.judge(account).equity == worth - room
    assert engine.deficitOf(ETH, True).owed == engine.badDebt() == -margin.equity - room


def test_absorb_of_a_tranche_below_zero_nets_with_a_trader_who_takes_it(
    house, engine, liquidation, lp, trader, stranger
):
    """At the bankruptcy price: what it lost against the pool's cash it never won."""
    house.provide(lp, 20_000 * USDC)
    account = house.open(trader, 100_000 * USDC)
    engine.setOperator(account, house.pool, MAY_TRADE, sender=trader)
    house.pool.trade(account, ETH, 30 * UNIT, MAX, MAX, sender=trader)
    house.reprice("ETH", 2_300)
    loss, worth = -house.judge(house.pool.tranche(ETH)).equity, house.judge(account).equity
    told = event(liquidation.absorb(house.pool.tranche(ETH), account, sender=trader), "Absorbed").absorption
    assert tuple(told) == (loss, 0, loss, 0, 0)
    assert house.judge(account).equity == worth - loss and house.snapshot(account).legs == ()
    assert engine.badDebt() == 0


@pytest.mark.parametrize("seed", range(16))
def test_absorb_of_a_portfolio_pays_in_this_order_to_the_unit(
    house, engine, liquidation, sinking, liquidator, stranger, seed
):
    """LIQ-5, LED-2: any legs and coins, funds that are empty, small or plenty, a taker that nets all, some or none of them and
    has any room. Each instrument's part is paid by its own fund, then the taker, then its own winners."""
    random = Random(seed)
    sizes, coins = portfolio(random, random.randint(1, 5), random.randint(0, 3))
    account = sinking.account(sizes, coins)
    taker, bull = house.open(liquidator, 10**7 * USDC), house.open(stranger, 10**8 * USDC)
    tight = random.random() < 0.6  # its equity is near its line: then it may only reduce what it has
    for name, size in sizes.items():
        if share := random.choice((-1, -2) if tight else (0, -0.5, -1, -2, 1)):
            house.trade(taker, bull, {name: round(size * share * UNIT) / UNIT})
        if fund := random.choice((0, USDC // 2, 100 * USDC, 10**6 * USDC)):
            house.insure(name, fund, stranger)
    take(house, account, house.judge(account).equity + random.randint(1, 5_000 * USDC), bull)
    held = {name: house.position(taker, name)[0] for name in sizes}
    if tight:
        take(house, taker, room_after(house, account, taker) - random.randint(-10 * USDC, 1_000 * USDC), bull)
    room = max(0, room_after(house, account, taker))
    before = house.snapshot(account)
    margin, loss = margin_math.judge(before), liquidation_math.loss(before)
    needs = {leg.instrument: margin_math.maintenance(leg, abs(leg.size), SIZE_SCALE) for leg in before.legs}
    funds = {i: engine.fundOf(i).insurance for i in range(len(NAMES))}
    heir = max(needs, key=lambda i: (needs[i], -i))
    reward = min(USDC, funds[heir])
    left, due = loss, {}
    for leg in before.legs:
        i, size, own = leg.instrument, abs(leg.size), held[NAMES[leg.instrument]]
        part = left if leg is before.legs[-1] else needs[i] * loss // margin.maintenance
        left -= part
        insurance = min(part, funds[i] - (reward if i == heir else 0))
        netted = min(abs(own), size) if own * leg.size < 0 else 0
        by_taker = min((part - insurance) * netted // size, room)
        room -= by_taker
        due[i] = insurance, by_taker, part - insurance - by_taker
    receipt = liquidation.absorb(account, taker, sender=liquidator)
    insured, taken, shared = map(sum, zip(*due.values()))
    assert tuple(event(receipt, "Absorbed").absorption) == (loss, insured, taken, shared, reward)
    told = {e.instrument: (e.amount, e.long) for e in receipt.events_named("LossShared")}
    assert told == {
        leg.instrument: (due[leg.instrument][2], leg.size < 0) for leg in before.legs if due[leg.instrument][2]
    }
    owed = {e.instrument: e.owed for e in receipt.events_named("LossShared")}
    for i, (insurance, _, _) in due.items():
        assert engine.fundOf(i).insurance - funds[i] + insurance + (reward if i == heir else 0) in (0, 1), "LIQ-5"
    assert engine.badDebt() == sum(owed.values())
    after = house.judge(account)
    assert after.equity == 0 and house.snapshot(account).legs == ()


def room_after(house, account, taker):
    """E − M of the taker once it has all of the account's positions, at mid."""
    snapshot, given = house.snapshot(taker), {leg.instrument: leg for leg in house.snapshot(account).legs}
    room = margin_math.judge(snapshot).equity
    sizes = {leg.instrument: (leg, leg.size) for leg in given.values()}
    for leg in snapshot.legs:
        sizes[leg.instrument] = leg, leg.size + (given[leg.instrument].size if leg.instrument in given else 0)
    return room - sum(margin_math.maintenance(leg, abs(size), SIZE_SCALE) for leg, size in sizes.values())


@pytest.mark.parametrize("held", [-10, -4])
def test_absorb_is_paid_next_by_the_taker_on_what_nets_its_own(
    house, engine, liquidation, liquidator, stranger, broke, held
):
    """At the bankruptcy price: 100 of 664 is insured, the taker pays its part of the rest, its side the rest of that."""
    house.insure("ETH", 101 * USDC, stranger)
    taker, bull = house.open(liquidator, 50_000 * USDC), house.open(stranger, 50_000 * USDC)
    house.trade(taker, bull, {"ETH": held})
    cash, worth = house.cash(house.account(liquidator)), house.judge(taker).equity
    part = 564 * USDC * -held // 10
    due = charged(house, 0, 564 * USDC - part)
    receipt = liquidation.absorb(broke, taker, sender=liquidator)
    told = event(receipt, "Absorbed").absorption
    assert tuple(told) == (664 * USDC, 100 * USDC, part, 564 * USDC - part, USDC)
    assert engine.badDebt() == 564 * USDC - part - due
    market = engine.market(0)
    owed = -(-market.indexShort * abs(held) * UNIT // 10**18)
    assert cash >= 0 and house.judge(taker).equity == worth - part + USDC - owed, "the taker is one of its side, too"


def test_absorb_takes_no_more_of_the_taker_than_leaves_it_at_its_line(
    house, engine, liquidation, liquidator, stranger, broke
):
    """E ≥ M after the transfer, to the unit: twelve short become two, whose maintenance is 210."""
    taker, bull = house.open(liquidator, 5_000 * USDC), house.open(stranger, 50_000 * USDC)
    house.trade(taker, bull, {"ETH": -12})
    less = house.judge(taker).equity - 210 * USDC - 300 * USDC
    entries = [(taker, -less), (bull, less)]
    engine.seize(taker, [], entries, [], [], sender=house.liquidator)
    due = charged(house, 0, 364 * USDC)
    told = event(liquidation.absorb(broke, taker, sender=liquidator), "Absorbed").absorption
    assert (told.taker, told.shared) == (300 * USDC, 364 * USDC)
    assert house.judge(taker).maintenance == 210 * USDC
    assert 0 < due < 364 * USDC and engine.badDebt() == 364 * USDC - due


def test_absorb_charges_the_side_on_the_open_interest_before_the_transfer(
    house, engine, liquidation, lp, keeper, trader
):
    """The pool is the other side of all of it: it pays on every unit, also on those that the transfer nets."""
    house.provide(lp, 6_200 * USDC)
    account = house.open(trader, 1_900 * USDC)
    engine.setOperator(account, house.pool, MAY_TRADE, sender=trader)
    house.pool.trade(account, 0, 10 * UNIT, 2**256 - 1, 2**256 - 1, sender=trader)
    house.reprice("ETH", 1_650)
    tranche = house.pool.tranche(0)
    loss, before = -house.judge(account).equity, house.judge(tranche)
    told = event(liquidation.absorb(account, 0, sender=keeper), "Absorbed").absorption
    assert (told.loss, told.taker, told.shared) == (loss, loss, 0), (
        "it nets all, and has the equity: the loss ends there"
    )
    assert abs(house.judge(tranche).equity - (before.equity - loss)) <= 1


def test_absorb_rewards_twenty_an_hour(house, chain, liquidation, liquidator, taker, stranger, trader, short):
    """A floor for who cleans up, out of the fund; whoever also made the mess has little of it."""
    house.insure("ETH", 100_000 * USDC, stranger)
    accounts = [house.open(trader, 400 * USDC, sub) for sub in range(1, 23)]
    for account in accounts:
        house.trade(account, short, {"ETH": 2})
    house.reprice("ETH", 1_780)
    chain.set_next_time(chain.now // 3_600 * 3_600 + 3_600)
    rewards = [
        event(liquidation.absorb(a, taker, sender=liquidator), "Absorbed").absorption.reward for a in accounts[:21]
    ]
    assert rewards == [USDC] * 20 + [0]
    chain.set_next_time(chain.now // 3_600 * 3_600 + 3_600)
    assert event(liquidation.absorb(accounts[21], taker, sender=liquidator), "Absorbed").absorption.reward == USDC
