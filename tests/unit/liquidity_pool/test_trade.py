import pytest

from tests.helpers import plain, reverts
from tests.unit.liquidity_pool.terms import BTC, DAY, ETH, MARKET, MAX, UNIT, USDC, expected, instrument


def held(engine, account, instrument=ETH):
    position = engine.position(account, instrument)
    return position.size, position.quote


@pytest.mark.parametrize("units", [1, -1, 123.456789, -123.456789])
def test_trade_fills_both_accounts_at_the_quote(trade, pool, engine, account, units):
    quote, fee, price = expected(units, 0)
    cash = engine.accountState(account).cash
    receipt = trade(units)
    assert held(engine, account) == (int(units * UNIT), quote)
    assert held(engine, pool.tranche(ETH)) == (-int(units * UNIT), -quote), "LED-1"
    assert cash - engine.accountState(account).cash == fee
    # By address: the engine tells a Traded of its own.
    [traded] = [e for e in receipt.events_named("Traded") if plain(e.address) == plain(pool)]
    assert traded.args == {
        "account": account, "instrument": ETH, "size": int(units * UNIT), "quote": quote, "fee": fee, "price": price
    }  # fmt: skip


def test_trade_returns_what_it_does(stocked, pool, account, trader):
    quote, fee, _ = expected(7, 0)
    assert tuple(pool.simulate("trade", account, ETH, 7 * UNIT, MAX, MAX, sender=trader)) == (quote, fee)


def test_trade_back_toward_balance_pays_no_premium_and_the_makers_fee(trade, pool, engine, account):
    trade(40)
    before = held(engine, account)[1]
    cash = engine.accountState(account).cash
    trade(-40)
    quote = 40 * 2_000 * 999 * USDC // 1_000
    assert expected(-40, -40)[:2] == (quote, 40 * 2_000 * MARKET.maker)
    assert engine.accountState(account).cash == cash + before + quote - 40 * 2_000 * MARKET.maker


def test_trade_through_balance_pays_for_what_is_beyond(trade, engine, account):
    trade(40)
    quote, fee, _ = expected(-100, -40)
    cash, owed = engine.accountState(account).cash, held(engine, account)[1]
    trade(-100)
    state = engine.accountState(account)
    assert state.cash + held(engine, account)[1] == cash + owed + quote - fee


def test_trade_fees_are_split_between_the_tranche_the_insurance_and_the_treasury(trade, pool, engine):
    cash = engine.accountState(pool.tranche(ETH)).cash
    _, fee, _ = expected(10, 0)
    trade(10)
    fund = engine.fundOf(ETH)
    assert (fund.insurance, fund.treasury) == (fee // 5, fee // 10)
    assert engine.accountState(pool.tranche(ETH)).cash - cash == fee - fee // 5 - fee // 10


def test_trade_of_one_instrument_leaves_the_other_tranche_alone(trade, pool, engine):
    state = engine.accountState(pool.tranche(BTC))
    trade(10)
    assert engine.accountState(pool.tranche(BTC)) == state


# Refused -----------------------------------------------------------------------------------------------------------


def test_trade_after_its_deadline_reverts(chain, stocked, pool, account, trader):
    now = chain.now
    with reverts("Expired", now, now + 1):
        pool.trade(account, ETH, UNIT, MAX, now, sender=trader)
    pool.trade(account, ETH, UNIT, MAX, chain.now + 1, sender=trader)


@pytest.mark.parametrize("instrument", [2, 64, 256, MAX])
def test_trade_of_an_instrument_it_does_not_quote_reverts(stocked, pool, account, trader, instrument):
    with reverts("UnknownMarket", instrument):
        pool.trade(account, instrument, UNIT, MAX, MAX, sender=trader)


def test_trade_by_a_stranger_reverts(stocked, pool, account, stranger):
    with reverts("NotTrader", account, stranger):
        pool.trade(account, ETH, UNIT, MAX, MAX, sender=stranger)


def test_trade_by_an_operator_needs_bit_0(stocked, pool, engine, account, trader, stranger):
    engine.setOperator(account, stranger, 2, sender=trader)
    with reverts("NotTrader", account, stranger):
        pool.trade(account, ETH, UNIT, MAX, MAX, sender=stranger)
    engine.setOperator(account, stranger, 1, sender=trader)
    pool.trade(account, ETH, UNIT, MAX, MAX, sender=stranger)


def test_trade_for_an_account_that_did_not_authorise_the_pool_reverts(stocked, pool, engine, account, trader):
    engine.setOperator(account, pool, 0, sender=trader)
    with reverts("Unauthorized", pool):
        pool.trade(account, ETH, UNIT, MAX, MAX, sender=trader)


def test_trade_for_the_pools_own_account_reverts(stocked, pool, account, trader):
    with reverts("NotTrader", pool.idle(), trader):
        pool.trade(pool.idle(), ETH, UNIT, MAX, MAX, sender=trader)


def test_trade_of_size_zero_reverts(stocked, pool, account, trader):
    with reverts("ZeroSize", ETH):
        pool.trade(account, ETH, 0, MAX, MAX, sender=trader)


@pytest.mark.parametrize("size", [2**255 - 1, 1 - 2**255, 2**80, -(2**80)])
def test_trade_of_an_absurd_size_reverts(stocked, pool, account, trader, size):
    with reverts("SkewTooLarge", ETH, abs(size), MARKET.scale):
        pool.trade(account, ETH, size, 0 if size < 0 else MAX, MAX, sender=trader)


@pytest.mark.parametrize("side", [1, -1])
def test_trade_at_the_limit_is_filled_and_one_beyond_reverts(stocked, pool, account, trader, side):
    _, _, price = expected(side * 77, 0)
    better = price - side
    with reverts("PriceBeyondLimit", price, better):
        pool.trade(account, ETH, side * 77 * UNIT, better, MAX, sender=trader)
    pool.trade(account, ETH, side * 77 * UNIT, price, MAX, sender=trader)


def test_trade_limit_does_not_count_the_fee(stocked, pool, account, trader):
    quote, fee, price = expected(1, 0)
    assert fee > 0 and price * UNIT // 10**21 == -quote
    pool.trade(account, ETH, UNIT, price, MAX, sender=trader)


@pytest.mark.parametrize("side", [1, -1])
def test_trade_may_bring_the_skew_to_one_below_the_scale(world, stocked, pool, account, trader, side):
    world.engine.deposit(account, world.usdc, 10**7 * USDC, 0, sender=trader)
    world.engine.deposit(pool.tranche(ETH), world.usdc, 10**7 * USDC, 0, sender=trader)
    limit = MAX if side > 0 else 0
    with reverts("SkewTooLarge", ETH, MARKET.scale, MARKET.scale):
        pool.trade(account, ETH, side * MARKET.scale, limit, MAX, sender=trader)
    pool.trade(account, ETH, side * (MARKET.scale - 1), limit, MAX, sender=trader)
    with reverts("SkewTooLarge", ETH, MARKET.scale, MARKET.scale):
        pool.trade(account, ETH, side, limit, MAX, sender=trader)
    pool.trade(account, ETH, -side * 2 * UNIT, MAX - limit, MAX, sender=trader)


def test_trade_may_narrow_a_skew_beyond_a_lowered_scale(world, trade, owner):
    trade(20)
    world.parameters.setInstrument(ETH, instrument(ETH, scale=10 * UNIT), sender=owner)
    with reverts("SkewTooLarge", ETH, 21 * UNIT, 10 * UNIT):
        trade(1)
    trade(-5)


def test_trade_beyond_the_traders_margin_reverts_with_the_engines_error(trade, account):
    with reverts("InsufficientMargin") as refused:
        trade(600)
    assert refused.error.args[0] == account


def test_trade_beyond_the_tranches_margin_reverts_with_the_engines_error(world, trade, account, pool, trader):
    """Half a million backs BTC: at 9 % of 20,000 each it carries less than 300."""
    world.engine.deposit(account, world.usdc, 10**8 * USDC, 0, sender=trader)
    trade(250, BTC)
    with reverts("InsufficientMargin") as refused:
        trade(50, BTC)
    assert refused.error.args[0] == pool.tranche(BTC)


def test_trade_while_the_price_is_invalid_reverts_with_the_reason(trade, chain):
    chain.advance(3 * DAY)
    with reverts("InvalidPrice"):
        trade(1)


def test_trade_while_another_market_has_no_price_goes_on(world, trade):
    """ORA-1: a dead feed stays in its tranche."""
    world.btc.setMode(1)
    trade(1)
