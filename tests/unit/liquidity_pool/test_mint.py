from tests.helpers import event, reverts
from tests.unit.liquidity_pool.terms import USDC

SHARES = 1_234_567_890_123_456


def test_mint_takes_what_the_shares_cost_rounded_up(trade, pool, engine, usdc, lp):
    trade(40)
    supply, high = pool.totalSupply(), pool.equity().high
    cost = -(-SHARES * (high + 1) // (supply + 10**6))
    assert pool.previewMint(SHARES) == cost
    had, held, cash = usdc.balanceOf(lp), pool.balanceOf(lp), engine.accountState(pool.idle()).cash
    receipt = pool.mint(SHARES, lp, sender=lp)
    event(receipt, "Deposit", sender=lp, owner=lp, assets=cost, shares=SHARES)
    assert had - usdc.balanceOf(lp) == engine.accountState(pool.idle()).cash - cash == cost
    assert pool.balanceOf(lp) - held == SHARES


def test_mint_of_one_share_costs_a_whole_unit(stocked, pool, usdc, lp):
    had = usdc.balanceOf(lp)
    pool.mint(1, lp, sender=lp)
    assert had - usdc.balanceOf(lp) == 1


def test_mint_beyond_its_limit_reverts(stocked, pool, lp, account, owe):
    most = pool.maxMint(lp)
    assert pool.previewMint(most) <= pool.maxDeposit(lp)
    with reverts("ERC4626ExceededMaxMint", lp, most + 1, most):
        pool.mint(most + 1, lp, sender=lp)
    owe(1, account)
    with reverts("ERC4626ExceededMaxMint", lp, 1, 0):
        pool.mint(1, lp, sender=lp)


def test_mint_for_more_than_accepted_reverts(trade, pool, lp):
    trade(40)
    cost = pool.previewMint(SHARES)
    with reverts("BeyondLimit", cost, cost - 1):
        pool.mint(SHARES, lp, cost - 1, sender=lp)
    pool.mint(SHARES, lp, cost, sender=lp)


def test_mint_of_nothing_reverts(stocked, pool, lp):
    with reverts("NoShares", 0):
        pool.mint(0, lp, sender=lp)


def test_mint_while_a_price_is_invalid_reverts_with_the_reason(world, trade, pool, lp):
    trade(1)
    world.eth.setMode(1)
    with reverts("InvalidPrice"):
        pool.mint(USDC, lp, sender=lp)


def test_mint_while_off_the_peg_reverts(world, stocked, pool, lp):
    world.dollar.push(90_000_000)
    with reverts("Depegged", 9 * 10**17):
        pool.mint(USDC, lp, sender=lp)
