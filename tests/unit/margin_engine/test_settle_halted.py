"""A dead feed traps nobody: halted, reduced only, and settled for good at its stand-in."""

import pytest

from plimsoll import margin_math
from plimsoll.fixed_point import WAD
from tests.helpers import event, reverts
from tests.world import DAY, HOUR, MAX, UNIT, USDC

SOL, SOL_FEED = 2, 2

@pytest.fixture
def oracle(house):
    return house.protocol.oracle


@pytest.fixture
def bull(house, trader, short):
    """A thousand SOL bought at 20, when the feed answers for the last time: 22."""
    account = house.open(trader, 100_000 * USDC)
    house.trade(account, short, {"SOL": 1_000})
    house.reprice("SOL", 22)
    return account


def kill(house, oracle):
    """The feed goes stale, is seen to be, and the grace passes; the other feeds answer on."""
    house.chain.advance(9 * DAY)
    refresh(house)
    oracle.observe(SOL_FEED)
    house.chain.advance(6 * HOUR + 2)


def refresh(house):
    for name, feed in house.protocol.feeds.items():
        if name != "SOL":
            feed.push(feed.latestRoundData()[1])


def last_round(house):
    """As the proxy numbers it, in its first phase."""
    return 1 << 64 | house.protocol.feeds["SOL"].latestRound()


def halt(house, oracle):
    kill(house, oracle)
    oracle.halt(SOL_FEED, last_round(house))


def finish(house, oracle):
    halt(house, oracle)
    house.chain.advance(DAY)
    refresh(house)


def test_settle_halted_closes_both_sides_at_the_stand_in(house, engine, oracle, bull, short, stranger):
    finish(house, oracle)
    cash = house.cash(bull), house.cash(short)
    receipt = engine.settleHalted(SOL, bull, short, sender=stranger)
    event(receipt, "HaltedSettled", instrument=SOL, long=bull, short=short, size=1_000 * UNIT, price=22 * WAD)
    assert house.position(bull, "SOL") == house.position(short, "SOL") == (0, 0)
    assert (house.cash(bull), house.cash(short)) == (cash[0] + 2_000 * USDC, cash[1] - 2_000 * USDC)
    assert engine.market(SOL).openInterest == 0


def test_settle_halted_of_unequal_sizes_leaves_the_rest(house, engine, oracle, bull, short, other_trader, maker):
    other = house.open(other_trader, 100_000 * USDC)
    house.reprice("SOL", 22)
    house.trade(other, short, {"SOL": 500})
    finish(house, oracle)
    assert event(engine.settleHalted(SOL, other, short), "HaltedSettled").size == 500 * UNIT
    assert house.position(short, "SOL")[0] == -1_000 * UNIT
    engine.settleHalted(SOL, bull, short)
    assert engine.market(SOL).openInterest == 0


def test_settle_halted_before_the_halt_is_final_reverts(house, engine, oracle, bull, short):
    with reverts("HaltNotFinal", SOL_FEED):
        engine.settleHalted(SOL, bull, short)
    halt(house, oracle)
    refresh(house)
    with reverts("HaltNotFinal", SOL_FEED):
        engine.settleHalted(SOL, bull, short)
    house.chain.set_next_time(oracle.haltOf(SOL_FEED).haltedAt + DAY - 1)
    with reverts("HaltNotFinal", SOL_FEED):
        engine.settleHalted(SOL, bull, short)
    house.chain.set_next_time(oracle.haltOf(SOL_FEED).haltedAt + DAY)
    engine.settleHalted(SOL, bull, short)


def test_settle_halted_of_the_wrong_sides_reverts(house, engine, oracle, bull, short):
    finish(house, oracle)
    for pair in ((short, bull), (bull, bull), (bull, house.account(house.owner(bull), 9))):
        with reverts("NothingToSettle", SOL, *pair):
            engine.settleHalted(SOL, *pair)


def test_settle_halted_of_an_unknown_instrument_reverts(engine, bull, short):
    with reverts("UnknownInstrument", 60):
        engine.settleHalted(60, bull, short)


def test_settle_halted_of_an_account_below_zero_waits_for_its_loss_to_be_paid(
    house, engine, oracle, trader, short, liquidator
):
    """Else its loss would be the pool's, which earned nothing by it. Nobody's margin takes the position: the other side does."""
    account = house.open(trader, 2_400 * USDC, 3)
    house.trade(account, short, {"SOL": 1_000})
    house.reprice("SOL", 16)
    house.insure("SOL", 10_000 * USDC, liquidator)
    finish(house, oracle)
    equity = house.judge(account).equity
    assert equity < 0
    with reverts("AccountInsolvent", account, equity):
        engine.settleHalted(SOL, account, short)
    house.liquidation.reportRefusal(account)
    house.chain.advance(601)
    refresh(house)
    house.liquidation.deleverage(account, SOL, [short], sender=liquidator)
    assert house.judge(account).equity >= 0 and engine.market(SOL).openInterest == 0


def test_halted_instrument_is_only_reduced_and_not_quoted_by_the_pool(house, engine, oracle, bull, short, trader):
    halt(house, oracle)
    refresh(house)
    with reverts("InstrumentHalted", SOL):
        house.trade(bull, short, {"SOL": 1})
    house.trade(bull, short, {"SOL": -400}, [400 * 22 * USDC])
    assert house.position(bull, "SOL")[0] == 600 * UNIT


def test_halted_feed_liquidates_at_the_stand_in_once_that_is_final(house, oracle, trader, short, liquidator):
    """No dead feed shields an account for ever; and none liquidates on a price that may still be undone."""
    account = house.open(trader, 2_400 * USDC, 3)
    house.trade(account, short, {"SOL": 1_000, "GOLD": 1})
    house.reprice("SOL", 18.5)
    taker = house.open(liquidator, 100_000 * USDC)
    kill(house, oracle)
    item = (account, taker, WAD, 0, MAX)
    with reverts("InvalidPrice"):
        house.liquidation.liquidate(item, sender=liquidator)
    oracle.halt(SOL_FEED, last_round(house))
    refresh(house)
    with reverts("HaltNotFinal", SOL_FEED):
        house.liquidation.liquidate(item, sender=liquidator)
    house.chain.advance(DAY)
    refresh(house)
    assert margin_math.liquidatable(house.judge(account))
    with reverts("TakerRefused"):  # nobody opens on a stand-in: a taker's own initial margin has no end
        house.liquidation.liquidate(item, sender=liquidator)
    house.engine.settleHalted(SOL, account, short)
    assert not margin_math.liquidatable(house.judge(account))


def test_halted_collateral_backs_no_new_risk_and_no_withdrawal(house, engine, oracle, trader, short):
    """LUNA after its feed died: whatever it counts for while it is wound down, nothing is borrowed against it."""
    account = house.open(trader, 1_000 * USDC, WSOL=1_000 * 10**9)
    house.trade(account, short, {"GOLD": 2})
    halt(house, oracle)
    refresh(house)
    assert house.judge(account).collateral > 0 == house.judge(account, adding=True).collateral
    for _ in range(2):
        with reverts("HaltNotFinal", SOL_FEED):
            house.trade(account, short, {"GOLD": 20})
        with reverts("HaltNotFinal", SOL_FEED):
            engine.withdraw(account, house.usdc, USDC, trader, 0, sender=trader)
        house.trade(account, short, {"GOLD": -0.1})
    house.chain.advance(DAY)
    refresh(house)
    with reverts("InsufficientMargin"):
        house.trade(account, short, {"GOLD": 20})
    engine.withdraw(account, house.usdc, USDC, trader, 0, sender=trader)
    with reverts("InsufficientMargin"):
        engine.withdraw(account, house.usdc, 900 * USDC, trader, 0, sender=trader)


def test_halted_collateral_counts_less_every_second_until_nothing_within_a_day(house, engine, oracle, trader):
    account = house.open(trader, 0, WSOL=100 * 10**9)
    plain = house.snapshot(account).coins[0]
    halt(house, oracle)
    halted = oracle.haltOf(SOL_FEED).haltedAt
    for elapsed in (1, HOUR, DAY // 2, DAY - 1, DAY, 2 * DAY):
        house.chain.set_next_time(halted + elapsed)
        house.chain.rpc("evm_mine")
        coin = house.snapshot(account).coins[0]
        expected = margin_math.ramp(plain, elapsed)
        assert (coin.haircut, coin.max_haircut) == (expected.haircut, expected.max_haircut)
    assert house.judge(account).collateral == 0
    engine.withdraw(account, house.token("WSOL"), 100 * 10**9, trader, 0, sender=trader)


def test_feed_that_recovers_in_time_prices_again(house, engine, oracle, bull, short):
    halt(house, oracle)
    house.reprice("SOL", 25)
    refresh(house)
    assert house.snapshot(bull).legs[0].mid == 22 * WAD, "a halt ends when somebody sees the feed well"
    oracle.observe(SOL_FEED)
    assert house.snapshot(bull).legs[0].mid == 25 * WAD
    house.trade(bull, short, {"SOL": 1})


def test_instrument_on_a_feed_halted_for_good_keeps_it_until_all_is_settled(house, engine, oracle, bull, short):
    """One price for all who held it: a new feed waits."""
    finish(house, oracle)
    risk, limits, funding = (part._asdict() for part in engine.instrumentConfig(SOL))
    with reverts("FeedInUse", SOL, 1_000 * UNIT):
        engine.setInstrument(SOL, risk | {"feed": 0}, limits, funding, sender=house.parameters_sender)
    engine.settleHalted(SOL, bull, short)
    engine.setInstrument(SOL, risk | {"feed": 0}, limits, funding, sender=house.parameters_sender)


def test_bad_debt_in_a_halted_instrument_can_still_be_drained(house, engine, oracle, bull, short):
    """The side that won pays at the stand-in's cap."""
    losses = [(SOL, False, 5_000 * USDC, 22 * WAD)]
    engine.seize(bull, [], [(bull, 5_000 * USDC)], [], losses, sender=house.liquidator)
    owed = engine.deficitOf(SOL, False).owed
    assert owed > 0
    halt(house, oracle)
    refresh(house)
    engine.drain(SOL)
    assert engine.deficitOf(SOL, False).owed < owed
