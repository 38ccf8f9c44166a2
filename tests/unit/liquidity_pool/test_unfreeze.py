import pytest

from tests.helpers import event, reverts
from tests.unit.liquidity_pool.terms import BTC, ETH, HOUR, MAX, SUPPLY, USDC, WAD


@pytest.fixture
def frozen(world, stocked, pool):
    """ETH and BTC, both with half a million behind them."""
    insider = world.chain.impersonate(world.liquidation)
    world.chain.rpc("anvil_setBalance", insider, hex(WAD))
    for instrument in (ETH, BTC):
        pool.freeze(instrument, sender=insider)
    world.chain.advance(HOUR)


def test_unfreeze_by_anyone_of_a_sound_tranche_trades_again(frozen, pool, trade, stranger):
    with reverts("MarketFrozen", ETH):
        trade(1)
    receipt = pool.unfreeze(ETH, sender=stranger)
    event(receipt, "MarketFrozenSet", instrument=ETH, frozen=False)
    assert (pool.isFrozen(ETH), pool.isFrozen(BTC)) == (False, True)
    trade(1)
    with reverts("MarketFrozen", BTC):
        trade(1, BTC)


def test_unfreeze_within_an_hour_of_the_last_deleveraging_reverts(world, frozen, pool, stranger):
    """A tranche may be sound and have refused all the same: a freeze is not undone in the block in which it was made."""
    insider = world.chain.impersonate(world.liquidation)
    pool.freeze(ETH, sender=insider)
    until = world.chain.now + HOUR
    for time in (until - 3_599, until - 1):
        world.chain.set_next_time(time)
        with reverts("FrozenUntil", ETH, until):
            pool.unfreeze(ETH, sender=stranger)
    world.chain.set_next_time(until)
    pool.unfreeze(ETH, sender=stranger)


def test_unfreeze_of_a_tranche_at_its_initial_requirement_reverts_and_one_unit_above_succeeds(
    world, pool, engine, trade, account, frozen, stranger
):
    """The trader is long 300 ETH: the tranche needs 9 % at hi. What it has beyond is taken out, to the unit."""
    engine.deposit(account, world.usdc, 200_000 * USDC, 0, sender=stranger)
    pool.unfreeze(ETH)
    trade(300)
    tranche = pool.tranche(ETH)
    insider = world.chain.impersonate(world.liquidation)
    pool.freeze(ETH, sender=insider)
    world.chain.advance(HOUR)

    def take(amount):
        entries = [(tranche, -amount), (pool.idle(), amount)]
        engine.seize(tranche, [], entries, [], [], sender=insider)

    size, quote, _ = engine.position(tranche, ETH)
    high = -size * 2_020 * USDC // 10**9
    initial, cash = high * 9 // 100, engine.accountState(tranche).cash
    worth = cash + quote + size * 2_000 * USDC // 10**9
    take(min(cash, worth) - initial)
    with reverts("TrancheUnsound", ETH, worth - (min(cash, worth) - initial)):
        pool.unfreeze(ETH, sender=stranger)
    take(-1)
    pool.unfreeze(ETH, sender=stranger)
    assert not pool.isFrozen(ETH)


def test_unfreeze_of_a_tranche_below_zero_says_so(world, pool, frozen, engine, stranger):
    insider = world.chain.impersonate(world.liquidation)
    tranche = pool.tranche(ETH)
    engine.seize(tranche, [], [(tranche, -SUPPLY), (pool.idle(), SUPPLY)], [], [], sender=insider)
    with reverts("TrancheUnsound", ETH, -SUPPLY // 2):
        pool.unfreeze(ETH, sender=stranger)
    pool.unfreeze(BTC, sender=stranger)


def test_unfreeze_after_new_capital_succeeds(world, pool, frozen, engine, stranger, lp):
    """Emptied, and topped up again by whoever asks."""
    insider = world.chain.impersonate(world.liquidation)
    tranche, half = pool.tranche(ETH), SUPPLY // 2
    engine.seize(tranche, [], [(tranche, -half), (int(stranger, 16) << 96, half)], [], [], sender=insider)
    with reverts("TrancheUnsound", ETH, 0):
        pool.unfreeze(ETH, sender=stranger)
    pool.deposit(SUPPLY, lp, sender=lp)
    pool.allocate(ETH, sender=stranger)
    pool.unfreeze(ETH, sender=stranger)
    assert not pool.isFrozen(ETH)


def test_unfreeze_without_a_price_reverts_with_the_reason(world, pool, frozen, trade):
    """Of its own market; another's does not matter."""
    world.eth.setMode(1)
    pool.unfreeze(BTC)
    trade(1, BTC)
    pool.unfreeze(ETH)  # it holds nothing: nothing of it has a price to miss
    world.eth.setMode(0)
    trade(1)
    world.btc.setMode(1)
    pool.unfreeze(ETH)
    world.eth.setMode(1)
    with reverts("InvalidPrice"):
        pool.unfreeze(ETH)


@pytest.mark.parametrize("instrument", [2, 63])
def test_unfreeze_of_a_market_that_is_not_quoted_reverts(pool, frozen, instrument):
    with reverts("TrancheUnsound", instrument, 0):
        pool.unfreeze(instrument)


@pytest.mark.parametrize("instrument", [64, 256, MAX])
def test_unfreeze_of_no_market_reverts(pool, frozen, instrument):
    with reverts("Panic"):
        pool.unfreeze(instrument)
