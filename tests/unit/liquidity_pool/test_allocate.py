import pytest

from tests.helpers import event, reverts
from tests.unit.liquidity_pool.terms import BTC, ETH, MARKET, MAX, SUPPLY, USDC, market_config

HALF = SUPPLY // 2


@pytest.fixture
def provided(rich, pool, lp):
    """A million, all of it idle."""
    pool.deposit(SUPPLY, lp, sender=lp)


@pytest.fixture
def cash(engine, pool):
    """(idle, ETH's tranche, BTC's)."""

    def read():
        return tuple(engine.accountState(a).cash for a in (pool.idle(), pool.tranche(ETH), pool.tranche(BTC)))

    return read


def test_allocate_by_anyone_tops_up_to_the_weight_and_tells(provided, pool, cash, stranger):
    assert pool.simulate("allocate", ETH, sender=stranger) == HALF
    receipt = pool.allocate(ETH, sender=stranger)
    event(receipt, "Allocated", instrument=ETH, amount=HALF, contributed=HALF)
    assert cash() == (HALF, HALF, 0)
    assert pool.marketConfig(ETH).contributed == HALF
    assert pool.totalAssets() == SUPPLY


def test_allocate_again_has_nothing_to_do(provided, pool):
    pool.allocate(ETH)
    with reverts("NothingToAllocate", ETH):
        pool.allocate(ETH)


def test_allocate_in_an_empty_pool_has_nothing_to_do(pool):
    with reverts("NothingToAllocate", ETH):
        pool.allocate(ETH)


@pytest.mark.parametrize("instrument", [2, 256, MAX])
def test_allocate_to_an_instrument_it_does_not_quote_reverts(pool, instrument):
    with reverts("UnknownMarket", instrument):
        pool.allocate(instrument)


def test_allocate_stops_at_the_cap(provided, pool, cash, owner):
    pool.setMarket(ETH, market_config(cap=1_234 * USDC), sender=owner)
    pool.allocate(ETH)
    assert cash()[1] == 1_234 * USDC


def test_allocate_gives_what_is_idle(provided, pool, cash, owner):
    pool.allocate(BTC)
    pool.setMarket(BTC, market_config(weight=0), sender=owner)
    pool.setMarket(ETH, market_config(weight=1_000_000, cap=2**96 - 1), sender=owner)
    pool.allocate(ETH)
    assert cash() == (0, HALF, HALF)
    pool.allocate(BTC)
    pool.allocate(ETH)
    assert cash() == (0, SUPPLY, 0)


def test_allocate_returns_the_surplus_of_a_lowered_weight(stocked, pool, cash, owner):
    pool.setMarket(ETH, market_config(weight=100_000), sender=owner)
    receipt = pool.allocate(ETH)
    event(receipt, "Allocated", instrument=ETH, amount=-HALF * 4 // 5, contributed=HALF // 5)
    assert cash() == (HALF * 4 // 5, HALF // 5, HALF)


def test_allocate_returns_what_is_above_a_lowered_cap(stocked, pool, cash, owner):
    pool.setMarket(ETH, market_config(cap=HALF // 5), sender=owner)
    pool.allocate(ETH)
    assert cash() == (HALF * 4 // 5, HALF // 5, HALF)


def test_allocate_returns_profit_but_not_while_it_is_unrealised(world, trade, pool, cash, reprice, owner):
    """40 short at 2,000, bought back at 1,000: the tranche has gained 40,000 beside premium, spread and fees."""
    pool.setMarket(ETH, market_config(weight=0), sender=owner)
    trade(40)
    reprice(world.eth, 1_000)
    before = cash()
    pool.allocate(ETH)
    assert cash()[0] - before[0] <= before[1], "MAR-2"
    trade(-40)
    pool.allocate(ETH)
    assert cash()[1] == 0
    assert pool.marketConfig(ETH).contributed < -39_000 * USDC
    assert pool.totalAssets() == sum(cash())


def test_allocate_leaves_a_tranche_its_initial_margin(trade, pool, engine, cash, owner):
    trade(100)
    pool.setMarket(ETH, market_config(weight=0), sender=owner)
    free = cash()[1]
    pool.allocate(ETH)
    # 100 at hi, 9 %
    snapshot = engine.load(pool.tranche(ETH), 0, [], True)[0]
    owned = snapshot.cash + snapshot.legs[0].quote - 100 * 2_000 * USDC
    assert min(snapshot.cash, owned) == 100 * 2_020 * USDC * 9 // 100 and cash()[1] < free
    with reverts("NothingToAllocate", ETH):
        pool.allocate(ETH)


def test_allocate_never_puts_in_more_than_the_cap_net_of_what_came_back(world, trade, pool, lp, reprice):
    """The lifetime loss of a tranche: it loses and is topped up until the cap is used, and then no more."""
    trade(40)
    price = 2_000
    while pool.marketConfig(ETH).contributed < MARKET.cap:
        price += 1_000
        reprice(world.eth, price)
        pool.deposit(SUPPLY, lp, sender=lp)
        pool.allocate(ETH)
    reprice(world.eth, price + 1_000)
    with reverts("NothingToAllocate", ETH):
        pool.allocate(ETH)
    assert pool.marketConfig(ETH).contributed == MARKET.cap


def test_allocate_does_not_send_good_money_after_bad(world, trade, pool, reprice, lp):
    trade(40)
    reprice(world.eth, 2_000 + 2_000 * 7)  # the tranche lost more than half a million
    pool.deposit(SUPPLY, lp, sender=lp)
    with reverts("NothingToAllocate", ETH):
        pool.allocate(ETH)


def test_allocate_while_the_markets_own_price_is_invalid_reverts_with_the_reason(world, trade, pool):
    trade(1)
    world.eth.setMode(1)
    with reverts("InvalidPrice") as refused:
        pool.allocate(ETH)
    assert refused.error.args[0] == 0


def test_allocate_while_another_price_is_invalid_tops_up_and_calls_nothing_back(
    world, trade, pool, cash, lp, owner, stranger
):
    """ORA-1: a dead feed does not starve the other tranche, nor strip it."""
    trade(1)
    trade(-1, BTC)
    world.btc.setMode(1)
    with reverts("NothingToAllocate", ETH):
        pool.allocate(ETH)
    pool.setMarket(ETH, market_config(weight=0), sender=owner)
    with reverts("NothingToAllocate", ETH):
        pool.allocate(ETH)
    pool.setMarket(ETH, market_config(), sender=owner)
    world.engine.deposit(pool.idle(), world.usdc, 2 * SUPPLY, 0, sender=stranger)
    before = cash()
    pool.allocate(ETH)
    assert cash()[1] > before[1]


def test_allocate_in_the_sequencers_grace_tops_up(world, trade, pool, cash, stranger):
    """What a grace is for."""
    trade(1)
    world.sequencer.push(1)
    world.sequencer.push(0)
    world.engine.deposit(pool.idle(), world.usdc, SUPPLY, 0, sender=stranger)
    pool.allocate(ETH)
    assert cash()[1] > HALF


def test_allocate_changes_no_share_price(world, trade, pool, stranger):
    trade(40)
    trade(-3, BTC)
    world.engine.deposit(pool.idle(), world.usdc, SUPPLY // 7, 0, sender=stranger)
    worth = pool.equity()
    pool.allocate(ETH)
    pool.allocate(BTC)
    assert pool.equity() == worth
