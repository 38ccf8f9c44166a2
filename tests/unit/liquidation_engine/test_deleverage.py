"""When the backstop refuses: reported, waited for, and matched against those who gain most, no more than is needed."""

import pytest

from plimsoll.errors import NodeRefused, Reverted
from plimsoll.model import liquidation_math, margin_math
from tests.helpers import event, reverts
from tests.unit.liquidation_engine.sinking import charged
from tests.world import DAY, MAX, UNIT, USDC

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


# The report --------------------------------------------------------------------------------------------------------


def test_report_refusal_opens_a_window(house, chain, liquidation, weak, stranger):
    receipt = liquidation.reportRefusal(weak, sender=stranger)
    window = chain.now + DELAY, chain.now + DELAY + DAY
    event(receipt, "BackstopRefused", account=weak, **{"from": window[0]}, until=window[1])
    assert tuple(liquidation.deleverageWindow(weak)) == window
    assert house.judge(weak).equity == 836 * USDC, "the rehearsal leaves nothing behind"


def test_report_refusal_of_an_account_that_the_pool_takes_reverts(liquidation, pool, weak):
    with reverts("BackstopAccepts", weak):
        liquidation.reportRefusal(weak)


def test_report_refusal_of_a_healthy_account_reverts(house, liquidation, bull, short):
    house.trade(bull, short, {"ETH": 1})
    margin = house.judge(bull)
    with reverts("NotLiquidatable", bull, margin.equity, margin.maintenance):
        liquidation.reportRefusal(bull)


def test_report_refusal_again_reverts_until_the_window_is_over(house, chain, liquidation, weak):
    """Nobody sets the delay back."""
    liquidation.reportRefusal(weak)
    window = tuple(liquidation.deleverageWindow(weak))
    chain.set_next_time(window[1] - 1)
    with reverts("NotOpen", weak, *window):
        liquidation.reportRefusal(weak)
    chain.set_next_time(window[1])
    liquidation.reportRefusal(weak)
    assert liquidation.deleverageWindow(weak)[0] == window[1] + DELAY


def test_report_refusal_of_the_pools_own_tranche_is_a_refusal(house, engine, liquidation, lp, trader):
    """It cannot take from itself."""
    house.provide(lp, 20_000 * USDC)
    account = house.open(trader, 100_000 * USDC)
    engine.setOperator(account, house.pool, 1, sender=trader)
    house.pool.trade(account, ETH, 30 * UNIT, MAX, MAX, sender=trader)
    house.reprice("ETH", 2_100)
    liquidation.reportRefusal(house.pool.tranche(ETH))


def test_report_refusal_with_too_little_gas_reports_nothing(liquidation, pool, weak):
    """A rehearsal that starves is no refusal."""
    for gas in (200_000, 300_000, 350_000):
        with pytest.raises((Reverted, NodeRefused)):
            liquidation.reportRefusal(weak, gas=gas)
    assert tuple(liquidation.deleverageWindow(weak)) == (0, 0)


def test_rehearse_from_outside_reverts(liquidation, weak, stranger):
    with reverts("OnlyItself", stranger):
        liquidation.rehearse(weak, MAX, sender=stranger)


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
