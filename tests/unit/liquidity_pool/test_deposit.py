import pytest
from hypothesis import given, settings, strategies as st

from tests.helpers import event, isolated, reverts
from tests.unit.liquidity_pool.terms import BTC, ETH, USDC, shares_for

ROOM = 2**79 - 1  # what the cash of an account can hold


def test_deposit_first_mints_a_million_shares_a_unit(rich, pool, engine, usdc, world, lp, maker):
    receipt = pool.deposit(123 * USDC, maker, sender=lp)
    assert pool.balanceOf(maker) == pool.totalSupply() == 123 * USDC * 10**6
    event(receipt, "Deposit", sender=lp, owner=maker, assets=123 * USDC, shares=123 * USDC * 10**6)
    assert engine.accountState(pool.idle()).cash == usdc.balanceOf(world.escrow) == 123 * USDC
    assert usdc.balanceOf(pool) == 0
    assert pool.decimals() == 12


def test_deposit_is_priced_at_equity_at_its_better_prices(trade, pool, lp):
    trade(40)
    low, mid, high = pool.equity()
    assert low < mid < high
    due = shares_for(1_000 * USDC, high, pool.totalSupply())
    assert pool.previewDeposit(1_000 * USDC) == pool.simulate("deposit", 1_000 * USDC, lp, sender=lp) == due
    before = pool.balanceOf(lp)
    pool.deposit(1_000 * USDC, lp, sender=lp)
    assert pool.balanceOf(lp) - before == due


def test_deposit_for_fewer_shares_than_accepted_reverts(trade, pool, lp):
    trade(40)
    due = pool.previewDeposit(USDC)
    with reverts("BeyondLimit", due, due + 1):
        pool.deposit(USDC, lp, due + 1, sender=lp)
    pool.deposit(USDC, lp, due, sender=lp)


def test_deposit_of_nothing_reverts(stocked, pool, lp):
    with reverts("NoShares", 0):
        pool.deposit(0, lp, sender=lp)


def test_deposit_too_small_for_a_share_takes_nothing(world, rich, pool, lp, stranger):
    """One unit is in the pool, and somebody has made it worth 10¹³."""
    pool.deposit(1, stranger, sender=stranger)
    world.engine.deposit(pool.idle(), world.usdc, 10**13, 0, sender=stranger)
    with reverts("NoShares", 1):
        pool.deposit(1, lp, sender=lp)


def test_deposit_while_a_price_is_invalid_reverts_with_the_reason(world, trade, pool, lp):
    trade(1)
    world.eth.setMode(1)
    assert pool.maxDeposit(lp) == pool.maxMint(lp) == 0
    for attempt in (lambda: pool.deposit(1, lp, sender=lp), lambda: pool.previewDeposit(1)):
        with reverts("InvalidPrice"):
            attempt()


def test_deposit_while_the_sequencer_is_down_reverts_with_the_reason(world, trade, pool, lp):
    trade(1)
    world.sequencer.push(1)
    assert pool.maxDeposit(lp) == 0
    with reverts("InvalidPrice"):
        pool.deposit(1, lp, sender=lp)


@pytest.mark.parametrize("answer", [94_999_999, 105_000_001])
def test_deposit_while_the_settlement_token_is_off_its_peg_reverts(world, stocked, pool, lp, answer):
    world.dollar.push(answer)
    assert pool.maxDeposit(lp) == pool.maxMint(lp) == 0
    with reverts("Depegged", answer * 10**10):
        pool.deposit(1, lp, sender=lp)
    world.dollar.setMode(1)
    assert pool.maxDeposit(lp) == pool.maxMint(lp) == 0
    with reverts("InvalidPrice"):
        pool.deposit(1, lp, sender=lp)


@pytest.mark.parametrize("answer", [95_000_000, 105_000_000])
def test_deposit_on_the_edge_of_the_peg_is_taken(world, stocked, pool, lp, answer):
    world.dollar.push(answer)
    pool.deposit(USDC, lp, sender=lp)


def test_deposit_while_bad_debt_is_recorded_reverts(stocked, pool, lp, account, owe):
    owe(1, account)
    assert pool.maxDeposit(lp) == pool.maxMint(lp) == 0
    with reverts("ERC4626ExceededMaxDeposit", lp, 5, 0):
        pool.deposit(5, lp, sender=lp)


def test_deposit_into_a_pool_that_lost_everything_reverts(world, trade, pool, lp, reprice):
    """Whoever came first would own the newcomer's money."""
    trade(40, ETH)
    trade(4, BTC)
    reprice(world.eth, 90_000)
    reprice(world.btc, 900_000)
    assert tuple(pool.equity()) == (0, 0, 0) and pool.totalSupply() > 0
    assert pool.maxDeposit(lp) == pool.maxMint(lp) == 0
    with reverts("ERC4626ExceededMaxDeposit", lp, USDC, 0):
        pool.deposit(USDC, lp, sender=lp)


def test_deposit_limit_is_what_the_idle_account_can_hold(rich, pool, usdc, lp):
    usdc.mint(lp, 2**80)
    assert pool.maxDeposit(lp) == ROOM
    with reverts("ERC4626ExceededMaxDeposit", lp, ROOM + 1, ROOM):
        pool.deposit(ROOM + 1, lp, sender=lp)
    pool.deposit(ROOM - 1, lp, sender=lp)
    assert pool.maxDeposit(lp) == 1
    pool.deposit(1, lp, sender=lp)


def test_deposit_without_approval_reverts_and_changes_nothing(stocked, pool, usdc, lp):
    usdc.approve(pool, 4, sender=lp)
    with reverts("ERC20InsufficientAllowance", pool, 4, 5):
        pool.deposit(5, lp, sender=lp)


# Attacks -----------------------------------------------------------------------------------------------------------


@given(st.integers(1, 10**6), st.integers(0, 10**14), st.integers(1, 10**12), st.booleans())
@settings(max_examples=40)
def test_deposit_first_depositor_and_donor_gain_nothing(world, rich, lp, stranger, first, gift, victim, to_tranche):
    """POOL-1: what the stranger owns after the victim's deposit is less than what it brought."""
    pool, engine = world.pool, world.engine
    with isolated(world.chain):
        pool.deposit(first, stranger, sender=stranger)
        if gift:
            account = pool.tranche(ETH) if to_tranche else pool.idle()
            engine.deposit(account, world.usdc, gift, 0, sender=stranger)
        worth_before = pool.convertToAssets(10**12)
        if pool.previewDeposit(victim) == 0:
            return
        pool.deposit(victim, lp, sender=lp)
        assert pool.convertToAssets(10**12) >= worth_before, "POOL-1"
        assert pool.previewRedeem(pool.balanceOf(stranger)) <= first + gift, "POOL-1"
        # What the victim lost is less than one share, and the stranger paid more than that for it.
        loss = victim - pool.previewRedeem(pool.balanceOf(lp))
        assert loss <= 1 + (first + gift) // 10**6


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 10**11)), min_size=1, max_size=6))
@settings(max_examples=20)
def test_deposits_and_mints_never_lower_the_share_price(world, trade, lp, calls):
    """POOL-1, at each of the prices a share has; positions are open, so the three differ."""
    pool = world.pool
    with isolated(world.chain):
        trade(40)
        trade(-3, BTC)
        before = prices(pool)
        for mints, amount in calls:
            pool.fn("mint" if mints else "deposit")(amount * 10**6 if mints else amount, lp, sender=lp)
            now = prices(pool)
            assert all(n[0] * b[1] >= b[0] * n[1] for n, b in zip(now, before)), "POOL-1"
            before = now


def prices(pool):
    supply = pool.totalSupply() + 10**6
    return [(worth + 1, supply) for worth in pool.equity()]


def test_deposit_and_leave_at_once_is_impossible(stocked, pool, lp, stranger):
    pool.deposit(USDC, stranger, sender=stranger)
    shares = pool.balanceOf(stranger)
    with reverts("ERC4626ExceededMaxRedeem", stranger, shares, 0):
        pool.redeem(shares, stranger, stranger, sender=stranger)
