import pytest

from plimsoll.fixed_point import WAD
from plimsoll.model import ledger_math
from tests.helpers import event, reverts
from tests.world import DAY, MAX, MAY_TRADE, MAY_WITHDRAW, UNIT, USDC


def test_trade_is_posted_to_both_sides_and_told(house, engine, long, short):
    receipt = house.trade(long, short, {"ETH": 10})
    assert house.position(long, "ETH") == (10 * UNIT, -20_000 * USDC)
    assert house.position(short, "ETH") == (-10 * UNIT, 20_000 * USDC), "LED-1"
    assert engine.accountState(long).instruments == engine.accountState(short).instruments == 1
    event(receipt, "Traded", venue=house.venue, taker=long, maker=short, fee=0)
    told = {e.account: (e.instrument, e.size, e.quote) for e in receipt.events_named("PositionUpdated")}
    assert told == {long: (0, 10 * UNIT, -20_000 * USDC), short: (0, -10 * UNIT, 20_000 * USDC)}
    assert {e.account for e in receipt.events_named("AccountUpdated")} == {long, short}


def test_trade_of_many_instruments_at_once_fills_each(house, engine, long, short):
    house.trade(long, short, {"ETH": 3, "BTC": -1, "SOL": 500})
    assert house.position(long, "BTC") == (-UNIT, 40_000 * USDC)
    assert house.position(short, "SOL") == (-500 * UNIT, 10_000 * USDC)
    assert engine.accountState(long).instruments == 0b111


def test_trade_returns_the_quotes_and_the_sum_of_fees(house, long, short):
    fills, quotes, fees = [(0, UNIT), (1, UNIT)], [-2_000 * USDC, -40_000 * USDC], [5, 8]
    assert tuple(house.venue.simulate("trade", long, short, fills, quotes, fees)) == (quotes, 13)


def test_trade_shows_the_venue_prices_and_the_makers_position(house, long, short):
    house.trade(long, short, {"ETH": 10})
    fills = [(1, -UNIT), (0, 2 * UNIT)]
    with reverts("Asked") as asked:
        house.venue.look(long, short, fills, house.venue, b"")
    taker, maker, orders = asked.error.args
    assert (taker, maker) == (long, short)
    btc, eth = map(tuple, orders)
    assert eth == (0, 2 * UNIT, 1_960 * WAD, 2_000 * WAD, 2_040 * WAD, -10 * UNIT, 10**6 * UNIT)
    assert btc == (1, -UNIT, 39_200 * WAD, 40_000 * WAD, 40_800 * WAD, 0, 10**6 * UNIT)


def test_trade_is_opaque_while_it_runs(house, engine, long, short):
    """No read-only reentrancy: a venue that looks back sees no half-done account, and can change nothing."""
    for attack in (engine.encode("load", long, 0, [], False), engine.encode("settle", long)):
        with reverts("Looked") as looked:
            house.venue.look(long, short, [(0, UNIT)], engine, attack)
        assert looked.error.args[0] is False


# Ledger -----------------------------------------------------------------------------------------------------------


def test_trade_that_adds_keeps_the_sum_of_quotes(house, long, short):
    house.trade(long, short, {"ETH": 10})
    house.reprice("ETH", 2_100)
    house.trade(long, short, {"ETH": 5})
    assert house.position(long, "ETH") == (15 * UNIT, -20_000 * USDC - 10_500 * USDC)


@pytest.mark.parametrize("part", [1, 3, 7, 9.487654321, 10])
def test_trade_that_reduces_realises_its_share(house, long, short, part):
    house.trade(long, short, {"ETH": 10}, [-20_000_000_001])
    house.reprice("ETH", 2_345.67)
    cash = [house.cash(a) for a in (long, short)]
    delta, quote = -round(part * UNIT), house.at_mid("ETH", -round(part * UNIT))
    house.trade(long, short, {"ETH": -part})
    for account, before, side in ((long, cash[0], 1), (short, cash[1], -1)):
        due = ledger_math.fill(side * 10 * UNIT, side * -20_000_000_001, side * delta, side * quote)
        assert (*house.position(account, "ETH"), house.cash(account) - before) == due
    if part == 10:
        assert house.engine.accountState(long).instruments == 0


def test_trade_through_zero_is_a_close_and_an_open(house, engine, long, short):
    house.trade(long, short, {"ETH": 10})
    house.reprice("ETH", 2_200)
    cash = house.cash(long)
    house.trade(long, short, {"ETH": -25})
    assert house.position(long, "ETH") == (-15 * UNIT, 33_000 * USDC)
    assert house.position(short, "ETH") == (15 * UNIT, -33_000 * USDC)
    assert house.cash(long) == cash + 2_000 * USDC
    assert engine.market(0).openInterest == 15 * UNIT


def test_trade_moves_open_interest_and_the_sides_quotes(house, engine, long, short, stranger):
    third = house.open(stranger, 100_000 * USDC)
    market = lambda: engine.market(0)  # noqa: E731
    house.trade(long, short, {"ETH": 10})
    assert (market().openInterest, market().quoteLong, market().quoteShort) == (
        10 * UNIT,
        -20_000 * USDC,
        20_000 * USDC,
    )
    house.trade(third, long, {"ETH": 4})  # passed on: nothing new is open
    assert (market().openInterest, market().quoteLong, market().quoteShort) == (
        10 * UNIT,
        -20_000 * USDC,
        20_000 * USDC,
    )
    house.trade(third, short, {"ETH": -4})
    assert (market().openInterest, market().quoteLong, market().quoteShort) == (6 * UNIT, -12_000 * USDC, 12_000 * USDC)
    house.trade(long, short, {"ETH": -6})
    assert (market().openInterest, market().quoteLong, market().quoteShort) == (0, 0, 0)


def test_trade_is_conserved(house, long, short):
    """LED-2, LED-3: whatever is traded at whatever amount, and wherever the price goes."""

    def total():
        return sum(margin.cash + margin.profit for margin in map(house.judge, (long, short)))

    before = total()
    for units, quote, price in (
        (10, -20_001 * USDC, 2_100),
        (-3, 6_300_000_001, 1_999.99),
        (-12, 24 * 10**9 - 7, 2_222),
    ):
        house.trade(long, short, {"ETH": units}, [quote])
        assert abs(total() - before) <= 1
        house.reprice("ETH", price)
        assert abs(total() - before) <= 1, "LED-3"


# Fees -------------------------------------------------------------------------------------------------------------


def test_trade_fee_is_split_between_maker_insurance_and_treasury(house, engine, long, short):
    fees = [1_000_001, 77]
    cash = [house.cash(long), house.cash(short)]
    receipt = house.trade(long, short, {"ETH": 1, "BTC": 1}, fees=fees)
    kept = 0
    for i, fee in enumerate(fees):
        fund = engine.fundOf(i)
        assert (fund.insurance, fund.treasury) == (fee * 2 // 10, fee // 10)
        kept += fee - fee * 2 // 10 - fee // 10
    assert house.cash(long) == cash[0] - sum(fees)
    assert house.cash(short) == cash[1] + kept
    event(receipt, "Traded", fee=sum(fees))
    assert [e.args for e in receipt.events_named("FundUpdated")] == [
        {"instrument": i, "insurance": fee * 2 // 10, "treasury": fee // 10} for i, fee in enumerate(fees)
    ]


def test_trade_fee_counts_in_the_proof(house, long, short):
    margin_needed = 1_836 * USDC  # 9 % of 10 ETH at 2,040
    spare = house.cash(long) - margin_needed
    with reverts("InsufficientMargin", long, margin_needed - 1, margin_needed):
        house.trade(long, short, {"ETH": 10}, fees=[spare + 1])
    house.trade(long, short, {"ETH": 10}, fees=[spare])


# Refused ----------------------------------------------------------------------------------------------------------


def test_trade_with_itself_reverts(house, long):
    with reverts("SameAccount", long):
        house.trade(long, long, {"ETH": 1})


def test_trade_of_nothing_reverts(house, long, short):
    with reverts("NoOrders"):
        house.trade(long, short, {})


def test_trade_of_size_zero_reverts(house, long, short):
    with reverts("ZeroSize", 1):
        house.trade(long, short, {"ETH": 1, "BTC": 0})


def test_trade_of_one_instrument_twice_reverts(house, long, short):
    with reverts("RepeatedInstrument", 0):
        house.venue.trade(long, short, [(0, UNIT), (1, UNIT), (0, -UNIT)], [0, 0, 0], [0, 0, 0])


@pytest.mark.parametrize("instrument", [17, 63, 64, 255, 256, MAX])
def test_trade_of_an_unlisted_instrument_reverts(house, long, short, instrument):
    with reverts("UnknownInstrument", instrument):
        house.venue.trade(long, short, [(instrument, UNIT)], [0], [0])


@pytest.mark.parametrize(("quotes", "fees", "wrong"), [([], [0], 0), ([0, 0], [0], 2), ([0], [], 0), ([0], [0, 0], 2)])
def test_trade_with_too_many_or_too_few_quotes_reverts(house, long, short, quotes, fees, wrong):
    with reverts("WrongQuotes", wrong, 1):
        house.venue.trade(long, short, [(0, UNIT)], quotes, fees)


@pytest.mark.parametrize("side", ["taker", "maker"])
@pytest.mark.parametrize("bits", [0, MAY_WITHDRAW])
def test_trade_for_an_account_that_gave_no_leave_reverts(house, engine, trader, maker, long, short, side, bits):
    account, owner = (long, trader) if side == "taker" else (short, maker)
    engine.setOperator(account, house.venue, bits, sender=owner)
    with reverts("Unauthorized", house.venue):
        house.trade(long, short, {"ETH": 1})
    engine.setOperator(account, house.venue, MAY_TRADE | MAY_WITHDRAW, sender=owner)
    house.trade(long, short, {"ETH": 1})


def test_trade_by_an_owner_who_is_no_venue_reverts(house, engine, trader, long):
    other = house.open(trader, 100_000 * USDC, sub=1)
    with reverts("NoReason"):
        engine.trade(long, other, [(0, UNIT)], b"", sender=trader)


def test_trade_needs_the_prices_of_both_accounts(house, engine, long, short):
    house.deposit(short, 1, "BAR")
    house.protocol.feeds["GOLD"].setMode(1)
    with reverts("InvalidPrice"):
        house.trade(long, short, {"ETH": 1})
    house.protocol.feeds["GOLD"].setMode(0)
    house.trade(long, short, {"ETH": 1})
    house.chain.advance(9 * DAY)
    for units in (1, -1):
        with reverts("InvalidPrice"):
            house.trade(long, short, {"ETH": units})


# A cast that would lose a bit -------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [2**79, -(2**79) - 1, -(2**200)])
def test_trade_of_more_than_a_position_can_hold_reverts_with_the_number(house, long, short, size):
    with reverts("SafeCastOverflowedIntDowncast", 80, size):
        house.venue.trade(long, short, [(0, size)], [0], [0])


@pytest.mark.parametrize("quote", [2**95, -(2**95) - 1])
def test_trade_at_more_than_a_quote_can_hold_reverts_with_the_number(house, long, short, quote):
    with reverts("SafeCastOverflowedIntDowncast", 96, quote):
        house.venue.trade(long, short, [(0, UNIT)], [quote], [0])


def test_trade_of_the_least_integer_reverts(house, long, short):
    with reverts("Panic"):
        house.venue.trade(long, short, [(0, -(2**255))], [0], [0])
    with reverts("SafeCastOverflowedIntDowncast", 96, -(2**255)):
        house.venue.trade(long, short, [(0, UNIT)], [-(2**255)], [0])
    with reverts("Panic"):
        house.venue.trade(long, short, [(0, UNIT)], [0], [2**255])
