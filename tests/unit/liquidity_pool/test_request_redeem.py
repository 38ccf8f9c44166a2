from tests.helpers import event, reverts
from tests.unit.liquidity_pool.terms import DAY

SHARES = 10**15


def test_request_redeem_moves_the_shares_into_the_pool_and_tells(chain, stocked, pool, lp):
    held = pool.balanceOf(lp)
    receipt = pool.requestRedeem(SHARES, sender=lp)
    assert tuple(pool.request(lp)) == (SHARES, chain.now + DAY)
    assert pool.balanceOf(lp) == held - SHARES and pool.balanceOf(pool) == SHARES
    event(receipt, "RedeemRequested", owner=lp, shares=SHARES, maturesAt=chain.now + DAY)


def test_request_redeem_again_adds_to_it_and_restarts_the_delay_for_the_whole(chain, stocked, pool, lp):
    pool.requestRedeem(SHARES, sender=lp)
    chain.advance(DAY - 10)
    receipt = pool.requestRedeem(1, sender=lp)
    assert tuple(pool.request(lp)) == (SHARES + 1, chain.now + DAY)
    event(receipt, "RedeemRequested", owner=lp, shares=SHARES + 1, maturesAt=chain.now + DAY)


def test_request_redeem_of_a_matured_request_locks_it_again(stocked, pool, lp, mature):
    pool.requestRedeem(SHARES, sender=lp)
    mature()
    assert pool.maxRedeem(lp) == SHARES
    pool.requestRedeem(0, sender=lp)
    assert pool.maxRedeem(lp) == 0


def test_request_redeem_of_more_than_one_has_reverts(stocked, pool, lp):
    held = pool.balanceOf(lp)
    with reverts("ERC20InsufficientBalance", lp, held, held + 1):
        pool.requestRedeem(held + 1, sender=lp)
    pool.requestRedeem(held, sender=lp)
    with reverts("ERC20InsufficientBalance", lp, 0, 1):
        pool.requestRedeem(1, sender=lp)


def test_request_redeem_of_more_than_128_bits_reverts_with_the_number(pool, lp):
    with reverts("SafeCastOverflowedUintDowncast", 128, 2**128):
        pool.requestRedeem(2**128, sender=lp)


def test_request_redeem_locks_the_shares_against_transfers(stocked, pool, lp, stranger):
    pool.requestRedeem(pool.balanceOf(lp), sender=lp)
    with reverts("ERC20InsufficientBalance", lp, 0, 1):
        pool.transfer(stranger, 1, sender=lp)


def test_request_redeem_needs_no_price(world, trade, pool, lp):
    trade(1)
    world.eth.setMode(1)
    pool.requestRedeem(SHARES, sender=lp)


def test_request_redeem_of_somebody_else_is_untouched_by_mine(stocked, pool, lp, stranger, mature):
    """A dust request made for others would restart their delay: there is no such verb, and gifts of shares do not do it."""
    pool.requestRedeem(SHARES, sender=lp)
    due = pool.request(lp)
    pool.deposit(10, stranger, sender=stranger)
    pool.transfer(lp, 1, sender=stranger)
    pool.requestRedeem(1, sender=stranger)
    assert pool.request(lp) == due
