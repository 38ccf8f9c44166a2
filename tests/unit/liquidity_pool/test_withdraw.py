import pytest

from tests.helpers import event, reverts
from tests.unit.liquidity_pool.terms import BTC, SUPPLY, USDC

PART = SUPPLY * 10**6 // 10  # shares


@pytest.fixture
def requested(world, trade, lp, mature):
    """Positions are open, and a matured request for a tenth of the pool."""
    trade(40)
    trade(-3, BTC)
    world.pool.requestRedeem(PART, sender=lp)
    mature()


def test_withdraw_burns_the_shares_that_the_assets_cost_rounded_up(requested, pool, usdc, lp):
    low, supply = pool.equity().low, pool.totalSupply()
    cost = -(-1_000 * USDC * (supply + 10**6) // (low + 1))
    assert pool.previewWithdraw(1_000 * USDC) == cost
    had = usdc.balanceOf(lp)
    receipt = pool.withdraw(1_000 * USDC, lp, lp, sender=lp)
    event(receipt, "Withdraw", sender=lp, receiver=lp, owner=lp, assets=1_000 * USDC, shares=cost)
    assert usdc.balanceOf(lp) - had == 1_000 * USDC
    assert supply - pool.totalSupply() == cost and pool.request(lp).shares == PART - cost


def test_withdraw_as_much_as_it_may_and_one_more_reverts(requested, pool, lp):
    most = pool.maxWithdraw(lp)
    with reverts("ERC4626ExceededMaxWithdraw", lp, most + 1, most):
        pool.withdraw(most + 1, lp, lp, sender=lp)
    pool.withdraw(most, lp, lp, sender=lp)
    assert pool.maxWithdraw(lp) == 0


def test_withdraw_for_more_shares_than_accepted_reverts(requested, pool, lp):
    cost = pool.previewWithdraw(1_000 * USDC)
    with reverts("BeyondLimit", cost, cost - 1):
        pool.withdraw(1_000 * USDC, lp, lp, cost - 1, sender=lp)
    pool.withdraw(1_000 * USDC, lp, lp, cost, sender=lp)


def test_withdraw_while_bad_debt_is_recorded_pays_the_assets_and_burns_more_shares(
    requested, pool, engine, usdc, lp, account, owe
):
    full = pool.previewWithdraw(1_000 * USDC)
    owe(SUPPLY // 2, account)
    cost = pool.previewWithdraw(1_000 * USDC)
    assert cost * engine.payoutRatio() >= full * 10**18
    had = usdc.balanceOf(lp)
    pool.withdraw(1_000 * USDC, lp, lp, sender=lp)
    assert 0 <= usdc.balanceOf(lp) - had - 1_000 * USDC <= 1
    assert pool.request(lp).shares == PART - cost
    most = pool.maxWithdraw(lp)
    pool.withdraw(most, lp, lp, sender=lp)


def test_withdraw_before_it_is_due_reverts(stocked, pool, lp):
    pool.requestRedeem(PART, sender=lp)
    with reverts("ERC4626ExceededMaxWithdraw", lp, 1, 0):
        pool.withdraw(1, lp, lp, sender=lp)


def test_withdraw_of_nothing_reverts(requested, pool, lp):
    with reverts("ZeroAmount"):
        pool.withdraw(0, lp, lp, sender=lp)


def test_withdraw_by_a_stranger_needs_an_allowance(requested, pool, usdc, lp, stranger):
    cost = pool.previewWithdraw(1_000 * USDC)
    for receiver in (lp, stranger):
        with reverts("ERC20InsufficientAllowance", stranger, 0, cost):
            pool.withdraw(1_000 * USDC, receiver, lp, sender=stranger)
    pool.approve(stranger, cost, sender=lp)
    had = usdc.balanceOf(stranger)
    pool.withdraw(1_000 * USDC, stranger, lp, sender=stranger)
    assert usdc.balanceOf(stranger) - had == 1_000 * USDC and pool.allowance(lp, stranger) == 0


def test_withdraw_while_a_price_is_invalid_reverts_with_the_reason(world, requested, pool, lp):
    world.btc.setMode(1)
    with reverts("InvalidPrice") as refused:
        pool.withdraw(1, lp, lp, sender=lp)
    assert refused.error.args[0] == 1
