"""When the backstop refuses: reported, waited for, and matched against those who gain most, no more than is needed."""

from random import Random

import pytest

from plimsoll import margin_math
from plimsoll.fixed_point import WAD
from plimsoll.model import liquidation_math
from tests.helpers import event, isolated, reverts
from tests.unit.liquidation_engine.sinking import charged, portfolio
from tests.world import SIZE_SCALE, UNIT, USDC

DELAY = 600
ETH = 0


@pytest.fixture
def bull(house, stranger):
    return house.open(stranger, 100_000 * USDC, 7)


@pytest.fixture
def winner(house, other_trader, bull):
    """Short five ETH since 2,050: more profit a unit than the maker, who sold at 2,000."""
    account = house.open(other_trader, 50_000 * USDC)
    house.trade(account, bull, {"ETH": -5}, [5 * 2_050 * USDC])
    return account


@pytest.fixture
def refused(house, liquidation, weak, winner):
    """The weak account, which no pool takes (nobody has put money into it), reported and due."""
    liquidation.reportRefusal(weak)
    house.chain.advance(DELAY)
    house.protocol.refresh()
    return weak


def planned(house, account):
    """What a liquidation would close of its first leg, and what one of that leg alone may cost."""
    snapshot = house.snapshot(account)
    margin, leg = house.judge(account), snapshot.legs[0]
    fraction = liquidation_math.fraction(margin, margin.penalty, house.terms.target)
    return liquidation_math.closing(leg, fraction, snapshot.size_scale)


# Deleveraging ------------------------------------------------------------------------------------------------------


def test_deleverage_before_its_delay_and_after_its_window_reverts(house, chain, liquidation, weak, winner, short):
    with reverts("NotOpen", weak, 0, 0):
        liquidation.deleverage(weak, ETH, [short])
    liquidation.reportRefusal(weak)
    window = tuple(liquidation.deleverageWindow(weak))
    chain.set_next_time(window[0] - 1)
    with reverts("NotOpen", weak, *window):
        liquidation.deleverage(weak, ETH, [winner])
    chain.set_next_time(window[0])
    liquidation.deleverage(weak, ETH, [winner])
    chain.set_next_time(window[1])
    with reverts("NotOpen", weak, *window):
        liquidation.deleverage(weak, ETH, [winner])


def test_deleverage_closes_against_the_winner_at_mid_and_no_more_than_is_needed(
    house, engine, liquidation, keeper, refused, winner, short
):
    before, due = house.judge(refused), planned(house, refused)
    assert due < 5 * UNIT
    cash, insurance, held = house.judge(winner), engine.fundOf(ETH).insurance, house.position(winner, "ETH")[0]
    receipt = liquidation.deleverage(refused, ETH, [winner], sender=keeper)
    told = event(receipt, "Deleveraged", account=refused, instrument=ETH, keeper=keeper, closed=due).outcome
    assert house.position(refused, "ETH")[0] == 10 * UNIT - due
    assert house.position(winner, "ETH")[0] == held + due
    assert told.penalty == told.keeperReward + told.takerReward + told.insurance > 0 == told.premium
    assert 0 <= house.judge(winner).equity - cash.equity - told.takerReward + 1 <= 2, "at mid, and paid as a taker"
    assert house.cash(house.account(keeper)) == told.keeperReward
    assert engine.fundOf(ETH).insurance == insurance + told.insurance
    after = house.judge(refused)
    assert after.equity * before.maintenance >= before.equity * after.maintenance, "LIQ-2"
    assert not margin_math.liquidatable(after)


def test_deleverage_freezes_the_pools_market(house, liquidation, refused, winner):
    liquidation.deleverage(refused, ETH, [winner])
    assert house.pool.isFrozen(ETH) and not house.pool.isFrozen(1)


def test_deleverage_once_the_pool_takes_it_reverts(house, liquidation, lp, refused, winner):
    """Capital came within the delay."""
    house.provide(lp)
    with reverts("BackstopAccepts", refused):
        liquidation.deleverage(refused, ETH, [winner])


def test_deleverage_of_an_account_that_recovered_reverts(house, liquidation, refused, winner):
    house.reprice("ETH", 2_000)
    with reverts("NotLiquidatable"):
        liquidation.deleverage(refused, ETH, [winner])


def test_deleverage_of_those_below_their_sides_average_reverts(house, liquidation, refused, winner, short, maker):
    """q · OI ≥ Q · |s|: the maker, who sold at 2,000, gains less a unit than the side that holds the winner."""
    with reverts("NotEligible", short, ETH):
        liquidation.deleverage(refused, ETH, [short])


def test_deleverage_at_exactly_the_average_is_eligible(house, liquidation, weak, short):
    """Alone on its side it is the average."""
    liquidation.reportRefusal(weak)
    house.chain.advance(DELAY)
    house.protocol.refresh()
    liquidation.deleverage(weak, ETH, [short])


def test_deleverage_of_the_same_side_the_flat_or_itself_reverts(house, liquidation, refused, winner, bull, stranger):
    for wrong in (bull, house.account(stranger), refused):
        with reverts("NotEligible", wrong, ETH):
            liquidation.deleverage(refused, ETH, [wrong])


def test_deleverage_of_unsorted_or_repeated_accounts_reverts(house, liquidation, refused, winner, bull, stranger):
    other = house.open(stranger, 50_000 * USDC)
    house.trade(other, bull, {"ETH": -5}, [5 * 2_050 * USDC])
    low, high = sorted((winner, other))
    for pair in ((high, low), (low, low)):
        with reverts("Unsorted", pair[1]):
            liquidation.deleverage(refused, ETH, pair)
    due = planned(house, refused)
    held = [house.position(a, "ETH")[0] for a in (low, high)]
    liquidation.deleverage(refused, ETH, [low, high])
    assert house.position(low, "ETH")[0] == held[0] + due and house.position(high, "ETH")[0] == held[1]


def test_deleverage_takes_the_next_where_the_first_holds_too_little(house, liquidation, refused, winner, bull, stranger):
    small = house.open(stranger, 50_000 * USDC, sub=2**95)
    house.trade(small, bull, {"ETH": -2}, [2 * 2_100 * USDC])
    pair = sorted((small, winner))
    due = planned(house, refused)
    assert event(liquidation.deleverage(refused, ETH, pair), "Deleveraged").closed == due
    moved = {a: house.position(a, "ETH")[0] for a in pair}
    assert all(size <= 0 for size in moved.values()), "nobody is flipped"
    assert sum(moved.values()) == -7 * UNIT + due


def test_deleverage_of_what_is_not_held_or_of_nobody_reverts(liquidation, refused, winner):
    with reverts("NotHeld", refused, 1):
        liquidation.deleverage(refused, 1, [winner])
    with reverts("InvalidAmount"):
        liquidation.deleverage(refused, ETH, [])


def test_deleverage_of_a_leg_that_the_pool_would_take_reverts(house, liquidation, lp, trader, short, winner):
    """ETH is backed, SOL is not: nobody in ETH is closed out for it."""
    house.provide(lp)
    account = house.open(trader, 4_000 * USDC, 9)
    house.trade(account, short, {"ETH": 10, "SOL": 1_000})
    house.reprice("ETH", 1_780)
    liquidation.reportRefusal(account)
    house.chain.advance(DELAY)
    house.protocol.refresh()
    with reverts("BackstopAccepts", account):
        liquidation.deleverage(account, ETH, [winner])
    liquidation.deleverage(account, 2, [short])


def test_deleverage_needs_as_much_profit_a_unit_as_the_average_to_the_unit(house, liquidation, refused, winner, bull, stranger):
    """q · OI ≥ Q · |s|: with one unit of quote less than the average it is refused, with it it is taken."""
    market = house.engine.market(ETH)
    edge = house.open(stranger, 50_000 * USDC)
    # Its own fill moves the average too: q·(OI + s) ≥ (Q + q)·s  ⇔  q·OI ≥ Q·s.
    average = -(-market.quoteShort * UNIT // market.openInterest)
    with isolated(house.chain):
        house.trade(edge, bull, {"ETH": -1}, [average - 1])
        with reverts("NotEligible", edge, ETH):
            liquidation.deleverage(refused, ETH, [edge])
    house.trade(edge, bull, {"ETH": -1}, [average])
    assert event(liquidation.deleverage(refused, ETH, [edge]), "Deleveraged").closed == UNIT


def test_deleverage_shares_the_penalty_by_notional(house, engine, liquidation, keeper, refused, winner, bull, stranger):
    """The leg's penalty for the part that closes, less three units a counterparty; what division leaves is the last one's."""
    small = house.open(stranger, 50_000 * USDC, sub=2**95)
    house.trade(small, bull, {"ETH": -2}, [2 * 2_100 * USDC])
    pair = sorted((small, winner))
    before = {account: house.judge(account).equity for account in pair}
    equity, due = house.judge(refused).equity, planned(house, refused)
    told = event(liquidation.deleverage(refused, ETH, pair, sender=keeper), "Deleveraged").outcome
    first = min(due, 5 * UNIT if pair[0] == winner else 2 * UNIT)
    part = dict(zip(pair, (first, due - first)))
    assert told.fraction == due * WAD // (10 * UNIT)
    assert told.penalty == 285 * USDC * told.fraction // WAD - 6
    assert (told.keeperReward, told.takerReward, told.insurance) == liquidation_math.split(told.penalty, house.terms)
    worth = {a: margin_math.notional(size, 1_900 * WAD, SIZE_SCALE) for a, size in part.items()}
    assert told.notional == sum(worth.values())
    share = told.takerReward * worth[pair[0]] // told.notional
    for account, gets in zip(pair, (share, told.takerReward - share)):
        assert -2 <= house.judge(account).equity - before[account] - gets <= 0, "at mid, rounded toward the account"
    assert 0 <= house.judge(refused).equity - (equity - told.penalty) <= 2


def test_deleverage_that_leaves_too_little_to_stand_costs_nothing(house, liquidation, refused, winner, bull):
    """At 1,820 all of it is due, and a thousandth of an ETH is left: worth less than its minimum, it is taken for nothing."""
    house.trade(winner, bull, {"ETH": -4.999}, [4_999 * 2_050 * USDC // 1_000])
    house.reprice("ETH", 1_820)
    equity = house.judge(refused).equity
    assert 0 < equity and planned(house, refused) == 10 * UNIT
    told = event(liquidation.deleverage(refused, ETH, [winner]), "Deleveraged")
    assert told.closed == 10 * UNIT - UNIT // 1_000 == 10 * UNIT - house.position(refused, "ETH")[0]
    assert told.outcome.penalty == told.outcome.keeperReward == told.outcome.insurance == 0
    assert 0 <= house.judge(refused).equity - equity <= 2


def test_deleverage_of_a_short_is_matched_with_longs(house, engine, liquidation, trader, other_trader, long, keeper):
    account = house.open(trader, 1_836 * USDC, sub=3)
    house.trade(account, long, {"ETH": -10})
    early, late = house.open(other_trader, 50_000 * USDC), house.open(other_trader, 50_000 * USDC, sub=1)
    house.trade(early, late, {"ETH": 6}, [-6 * 1_950 * USDC])
    house.trade(late, long, {"ETH": 12})
    house.reprice("ETH", 2_070)
    liquidation.reportRefusal(account)
    house.chain.advance(DELAY)
    house.protocol.refresh()
    with reverts("NotEligible", late, ETH):
        liquidation.deleverage(account, ETH, [late])
    before, due = house.judge(account), planned(house, account)
    liquidation.deleverage(account, ETH, [early], sender=keeper)
    assert house.position(account, "ETH")[0] == -10 * UNIT + due
    assert house.position(early, "ETH")[0] == 6 * UNIT - due >= 0
    after = house.judge(account)
    assert after.equity * before.maintenance >= before.equity * after.maintenance, "LIQ-2"


def test_deleverage_against_a_single_grain_closes_a_grain(house, engine, liquidation, trader, other_trader, long):
    """Whoever holds the least there is is on that side as well: here a long, bought for nothing."""
    account = house.open(trader, 1_836 * USDC, sub=3)
    house.trade(account, long, {"ETH": -10})
    tiny = house.account(other_trader, 1)
    engine.seize(long, [(ETH, tiny, -1, 0, 2_000 * WAD)], [], [], [], sender=house.liquidator)
    house.reprice("ETH", 2_070)
    liquidation.reportRefusal(account)
    house.chain.advance(DELAY)
    house.protocol.refresh()
    assert event(liquidation.deleverage(account, ETH, [tiny]), "Deleveraged").closed == 1
    assert (house.position(tiny, "ETH")[0], house.position(account, "ETH")[0]) == (0, 1 - 10 * UNIT)


def test_deleverage_of_the_pools_own_tranche_spares_no_backstop(house, engine, liquidation, lp, trader):
    """It is one more account: where it sinks itself, those who win from it are matched with it."""
    house.provide(lp, 20_000 * USDC)
    account = house.open(trader, 100_000 * USDC)
    engine.setOperator(account, house.pool, 1, sender=trader)
    house.pool.trade(account, ETH, 30 * UNIT, 2**256 - 1, 2**256 - 1, sender=trader)
    house.reprice("ETH", 2_100)
    tranche = house.pool.tranche(ETH)
    liquidation.reportRefusal(tranche)
    house.chain.advance(DELAY)
    house.protocol.refresh()
    before, due = house.judge(tranche), planned(house, tranche)
    liquidation.deleverage(tranche, ETH, [account])
    assert house.position(tranche, "ETH")[0] == -30 * UNIT + due == -house.position(account, "ETH")[0]
    after = house.judge(tranche)
    assert after.equity * before.maintenance >= before.equity * after.maintenance, "LIQ-2"


def test_deleverage_again_closes_no_more_once_it_is_healthy(house, liquidation, refused, winner):
    liquidation.deleverage(refused, ETH, [winner])
    margin = house.judge(refused)
    with reverts("NotLiquidatable", refused, margin.equity, margin.maintenance):
        liquidation.deleverage(refused, ETH, [winner])


@pytest.mark.parametrize("seed", range(20))
def test_deleverage_of_a_portfolio_never_lowers_health(house, engine, liquidation, sinking, keeper, other_trader, short, seed):
    """LIQ-2, LIQ-3, LED-2: leg after leg, against one to three winners of any size, from E ≥ 0 or E < 0."""
    random = Random(seed)
    legs = random.randint(1, 4)
    sizes, coins = portfolio(random, legs, random.randint(0, 2))
    account = sinking.account(sizes, coins)
    winners = {}
    for name in sizes:
        winners[name] = [house.open(other_trader, 10**7 * USDC, sub) for sub in random.sample(range(99), random.randint(1, 3))]
        for winner in winners[name]:
            units = -sizes[name] * random.choice((0.5, 1, 1.7))
            # Better than the others by 2 %.
            quote = house.at_mid(name, round(units * UNIT)) + abs(house.at_mid(name, round(units * UNIT))) // 50
            house.trade(winner, short, {name: round(units * UNIT) / UNIT}, [quote])
    sinking.sink(account, "ETH")
    if random.random() < 0.4:
        less = house.judge(account).equity + random.randint(1, 3_000 * USDC)
        engine.seize(account, [], [(account, -less), (short, less)], [], [], sender=house.liquidator)
    liquidation.reportRefusal(account)
    house.chain.advance(DELAY)
    house.protocol.refresh()
    everybody = {account, short, house.account(keeper), *(w for some in winners.values() for w in some)}

    def total():
        """Σ cash + Σ quote − Σ charges + funds − B."""
        shown = [house.snapshot(account) for account in everybody]
        ours = sum(s.cash + sum(leg.quote - leg.charge for leg in s.legs) for s in shown)
        return ours + sum(engine.fundOf(house.id(name)).insurance for name in sizes) - engine.badDebt()

    for name in sizes:
        before, worth = house.judge(account), total()
        if not margin_math.liquidatable(before):
            break
        chosen = [winner for winner in sorted(winners[name]) if gains(house, winner, name)]
        if not chosen:
            continue
        held = {winner: house.position(winner, name)[0] for winner in chosen}
        size, solvent = house.position(account, name)[0], before.equity >= 0
        leg = next(leg for leg in house.snapshot(account).legs if leg.instrument == house.id(name))
        f = liquidation_math.fraction(before, before.penalty, house.terms.target) if solvent else WAD
        due = min(liquidation_math.closing(leg, f, SIZE_SCALE), sum(map(abs, held.values())))
        told = event(liquidation.deleverage(account, house.id(name), chosen, sender=keeper), "Deleveraged")
        assert told.closed == due, "LIQ-3"
        assert abs(house.position(account, name)[0]) == abs(size) - due
        for winner, was in held.items():
            now = house.position(winner, name)[0]
            assert abs(now) <= abs(was) and now * was >= 0, "nobody is flipped"
        after = house.judge(account)
        if solvent:
            assert after.equity * before.maintenance >= before.equity * after.maintenance, "LIQ-2"
        else:
            assert after.equity >= before.equity
        assert worth - len(everybody) <= total() <= worth, "LED-2"


def gains(house, account, name):
    """q · OI ≥ Q · |s| of its side."""
    market, (size, quote) = house.engine.market(house.id(name)), house.position(account, name)
    side = market.quoteLong if size > 0 else market.quoteShort
    return quote * market.openInterest >= side * abs(size)


# Below zero --------------------------------------------------------------------------------------------------------


@pytest.fixture
def lost(house, liquidation, weak, winner):
    """The same at 1,750: equity −664, and no pool to absorb it."""
    house.reprice("ETH", 1_750)
    liquidation.reportRefusal(weak)
    house.chain.advance(DELAY)
    house.protocol.refresh()
    return weak


@pytest.mark.parametrize("insured", [0, 100])
def test_deleverage_below_zero_is_at_the_bankruptcy_price(house, engine, liquidation, stranger, lost, winner, insured):
    """Half of the position, half of the loss: the fund first (and the reward out of it), then who takes it."""
    if insured:
        house.insure("ETH", insured * USDC, stranger)
    worth = house.judge(winner).equity
    receipt = liquidation.deleverage(lost, ETH, [winner])
    assert event(receipt, "Deleveraged").closed == 5 * UNIT
    paid = max(0, insured * USDC - USDC)
    assert engine.fundOf(ETH).insurance == 0
    assert abs(house.judge(winner).equity - (worth - (332 * USDC - paid))) <= 1
    assert abs(house.judge(lost).equity + 332 * USDC) <= 1, "half is left to absorb"
    assert engine.badDebt() == 0
    assert house.judge(winner).equity >= house.judge(winner).maintenance


def test_deleverage_below_zero_shares_one_fund_among_all_who_take(house, engine, liquidation, stranger, lost, winner, bull):
    """Each takes its part of the loss; the fund, less the reward, pays the first of them and what is left of it the next."""
    small = house.open(stranger, 50_000 * USDC, sub=2**95)
    house.trade(small, bull, {"ETH": -2}, [2 * 2_100 * USDC])
    house.insure("ETH", 150 * USDC, stranger)
    parts = {winner: -house.judge(lost).equity * 5 // 10, small: -house.judge(lost).equity * 2 // 10}
    worth = {account: house.judge(account).equity for account in parts}
    receipt = liquidation.deleverage(lost, ETH, sorted(parts))
    assert event(receipt, "Deleveraged").closed == 7 * UNIT
    fund = 149 * USDC
    for account in sorted(parts):
        insured = min(fund, parts[account])
        assert abs(house.judge(account).equity - (worth[account] - (parts[account] - insured))) <= 2
        fund -= insured
    assert (fund, engine.fundOf(ETH).insurance, engine.badDebt()) == (0, 0, 0)


def test_deleverage_below_zero_takes_no_more_than_keeps_the_other_sound(
    house, engine, liquidation, lost, winner, other_trader
):
    """It keeps E ≥ M; the rest of the part is its side's."""
    margin = house.judge(winner)
    room = margin.equity - 100 * USDC  # its position goes whole: no maintenance is left
    house.engine.seize(
        winner, [], [(winner, -room), (house.account(other_trader, 9), room)], [], [], sender=house.liquidator
    )
    due = charged(house, ETH, 232 * USDC)
    receipt = liquidation.deleverage(lost, ETH, [winner])
    told = event(receipt, "LossShared", instrument=ETH, long=False)
    assert (told.amount, told.charged) == (232 * USDC, due)
    left = house.judge(winner)
    assert left.equity <= 0 and left.maintenance == 0, "the index charges it as one of its side, for what it held"
    assert engine.deficitOf(ETH, False).owed == 232 * USDC - due


def test_deleverage_below_zero_of_all_leaves_equity_zero(house, liquidation, lost, winner, bull):
    """Leg by leg there is a way out without any pool."""
    house.trade(winner, bull, {"ETH": -6}, [6 * 2_050 * USDC])
    liquidation.deleverage(lost, ETH, [winner])
    assert house.snapshot(lost).legs == () and 0 <= house.judge(lost).equity <= 1


def test_deleverage_below_zero_leaves_those_alone_whom_it_no_longer_needs(house, liquidation, stranger, lost, winner, bull):
    """The first of them takes the whole leg."""
    second = house.open(stranger, 50_000 * USDC, sub=2**95)
    house.trade(second, bull, {"ETH": -11}, [11 * 2_050 * USDC])
    house.trade(winner, bull, {"ETH": -6}, [6 * 2_050 * USDC])
    first, spared = sorted((winner, second))
    worth = house.judge(spared).equity
    assert event(liquidation.deleverage(lost, ETH, [first, spared]), "Deleveraged").closed == 10 * UNIT
    assert [house.position(account, "ETH")[0] for account in (first, spared)] == [-UNIT, -11 * UNIT]
    assert house.judge(spared).equity == worth
