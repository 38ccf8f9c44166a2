import pytest
from hypothesis import given, settings, strategies as st

from tests.helpers import event, isolated, reverts
from tests.unit.liquidity_pool.terms import BTC, DAY, ETH, HOUR, SUPPLY, USDC, assets_for

PART = SUPPLY * 10**6 // 10  # shares


@pytest.fixture
def requested(world, stocked, lp, mature):
    """A matured request for a tenth of the pool."""
    world.pool.requestRedeem(PART, sender=lp)
    mature()


def test_redeem_pays_the_owner_burns_the_shares_and_tells(requested, pool, engine, usdc, lp):
    had, supply, cash = usdc.balanceOf(lp), pool.totalSupply(), pool.totalAssets()
    receipt = pool.redeem(PART, lp, lp, sender=lp)
    paid = SUPPLY // 10
    event(receipt, "Withdraw", sender=lp, receiver=lp, owner=lp, assets=paid, shares=PART)
    assert usdc.balanceOf(lp) - had == paid == cash - pool.totalAssets()
    assert supply - pool.totalSupply() == PART and pool.balanceOf(pool) == 0
    assert pool.request(lp).shares == 0


def test_redeem_in_parts_leaves_the_rest_matured(requested, pool, lp, stranger):
    pool.redeem(PART - 10**9, stranger, lp, sender=lp)
    assert pool.request(lp).shares == pool.maxRedeem(lp) == 10**9
    pool.redeem(10**9, stranger, lp, sender=lp)


def test_redeem_before_it_is_due_reverts(chain, stocked, pool, lp):
    due = pool.requestRedeem(PART, sender=lp).event("RedeemRequested").maturesAt
    chain.set_next_time(due - 1)
    with reverts("ERC4626ExceededMaxRedeem", lp, PART, 0):
        pool.redeem(PART, lp, lp, sender=lp)
    pool.redeem(PART, lp, lp, sender=lp)
    assert chain.now == due


def test_redeem_of_shares_that_were_not_requested_reverts(requested, pool, lp):
    with reverts("ERC4626ExceededMaxRedeem", lp, PART + 1, PART):
        pool.redeem(PART + 1, lp, lp, sender=lp)


def test_redeem_of_less_than_a_unit_reverts(requested, pool, lp):
    with reverts("ZeroAmount"):
        pool.redeem(999_999, lp, lp, sender=lp)


def test_redeem_is_priced_at_equity_at_its_worse_prices(trade, pool, usdc, lp, mature):
    trade(40)
    pool.requestRedeem(PART, sender=lp)
    mature()
    low, mid, high = pool.equity()
    due = assets_for(PART, low, pool.totalSupply())
    assert low < mid and pool.previewRedeem(PART) == due == pool.maxWithdraw(lp)
    had = usdc.balanceOf(lp)
    pool.redeem(PART, lp, lp, sender=lp)
    assert usdc.balanceOf(lp) - had == due


def test_redeem_is_priced_when_it_is_executed(world, trade, pool, usdc, lp, mature, reprice):
    trade(40)
    pool.requestRedeem(PART, sender=lp)
    mature()
    reprice(world.eth, 2_500)
    due = assets_for(PART, pool.equity().low, pool.totalSupply())
    assert due < SUPPLY // 10
    had = usdc.balanceOf(lp)
    pool.redeem(PART, lp, lp, sender=lp)
    assert usdc.balanceOf(lp) - had == due


def test_redeem_takes_idle_cash_first(world, requested, pool, engine, lp):
    world.pool.deposit(SUPPLY // 10, lp, sender=lp)
    pool.redeem(PART, lp, lp, sender=lp)
    assert engine.accountState(pool.tranche(ETH)).cash == SUPPLY // 2


def test_redeem_takes_the_rest_from_the_tranches_in_order_and_tells(requested, pool, engine, lp):
    receipt = pool.redeem(PART, lp, lp, sender=lp)
    event(receipt, "Allocated", instrument=ETH, amount=-SUPPLY // 10, contributed=SUPPLY * 4 // 10)
    assert engine.accountState(pool.tranche(ETH)).cash == SUPPLY * 4 // 10
    assert pool.marketConfig(ETH).contributed == SUPPLY * 4 // 10
    assert engine.accountState(pool.idle()).cash == 0


def test_redeem_leaves_every_tranche_its_initial_margin(world, account, trade, pool, engine, lp, mature):
    """Everyone wants out while positions are open: what leaves obeys the same rule as everyone's."""
    world.engine.deposit(account, world.usdc, 10**6 * USDC, 0, sender=lp)
    trade(500)
    trade(-30, BTC)
    everything = pool.balanceOf(lp)
    pool.requestRedeem(everything, sender=lp)
    mature()
    most = pool.maxRedeem(lp)
    assert 0 < most < everything
    with reverts("ERC4626ExceededMaxRedeem", lp, most + 10**6, most):
        pool.redeem(most + 10**6, lp, lp, sender=lp)
    pool.redeem(most, lp, lp, sender=lp)
    insider = world.chain.impersonate(pool)
    for instrument in (ETH, BTC):
        with reverts("InsufficientMargin"):
            engine.moveCash(pool.tranche(instrument), pool.idle(), 2, sender=insider)
    trade(-500)
    trade(30, BTC)
    assert pool.maxRedeem(lp) == everything - most
    pool.redeem(everything - most, lp, lp, sender=lp)
    assert pool.totalSupply() == 0


def test_redeem_below_the_least_accepted_reverts(requested, pool, lp):
    with reverts("BeyondLimit", SUPPLY // 10, SUPPLY // 10 + 1):
        pool.redeem(PART, lp, lp, SUPPLY // 10 + 1, sender=lp)
    pool.redeem(PART, lp, lp, SUPPLY // 10, sender=lp)


# Who may execute ---------------------------------------------------------------------------------------------------


@pytest.fixture
def overdue(requested, mature):
    """Its owner has had another day, and did nothing."""
    mature()


def test_redeem_by_anyone_to_the_owner_is_executed_whole_after_another_delay(overdue, pool, usdc, lp, stranger):
    had = usdc.balanceOf(lp)
    receipt = pool.redeem(PART, lp, lp, sender=stranger)
    event(receipt, "Withdraw", sender=stranger, receiver=lp, owner=lp, assets=SUPPLY // 10, shares=PART)
    assert usdc.balanceOf(lp) - had == SUPPLY // 10


def test_redeem_by_a_stranger_in_the_owners_own_time_needs_an_allowance(chain, requested, pool, lp, stranger):
    chain.set_next_time(pool.request(lp).maturesAt + DAY - 1)
    with reverts("ERC20InsufficientAllowance", stranger, 0, PART):
        pool.redeem(PART, lp, lp, sender=stranger)
    pool.redeem(PART, lp, lp, sender=stranger)


@pytest.mark.parametrize("caller", ["stranger", "lp"])
def test_redeem_of_an_overdue_request_is_paid_at_mid(request, trade, pool, usdc, lp, mature, caller):
    trade(40)
    pool.requestRedeem(PART, sender=lp)
    mature(2 * DAY)
    low, mid, _ = pool.equity()
    due = assets_for(PART, mid, pool.totalSupply())
    assert pool.previewRedeem(PART) < due
    had = usdc.balanceOf(lp)
    event(pool.redeem(PART, lp, lp, sender=request.getfixturevalue(caller)), "Withdraw", assets=due)
    assert usdc.balanceOf(lp) - had == due


def test_redeem_by_a_stranger_of_more_than_can_be_paid_needs_an_allowance(trade, pool, lp, stranger, mature):
    """Everything was requested, and a small position holds back its margin."""
    trade(10)
    pool.requestRedeem(pool.balanceOf(lp), sender=lp)
    mature(2 * DAY)
    most = pool.maxRedeem(lp)
    assert 0 < most < pool.request(lp).shares
    with reverts("ERC20InsufficientAllowance", stranger, 0, most):
        pool.redeem(most, lp, lp, sender=stranger)


def test_redeem_of_an_overdue_request_that_mid_cannot_pay_is_paid_at_the_worse_prices(
    chain, trade, pool, usdc, lp, stranger, mature
):
    """What the tranches release pays the request at low, and not at mid."""
    trade(10)
    with isolated(chain):
        pool.requestRedeem(pool.balanceOf(lp), sender=lp)
        mature()
        payable = pool.maxRedeem(lp)
    pool.requestRedeem(payable, sender=lp)
    mature(2 * DAY)
    assert pool.maxRedeem(lp) == payable
    with reverts("ERC20InsufficientAllowance", stranger, 0, payable):
        pool.redeem(payable, lp, lp, sender=stranger)
    due, had = pool.previewRedeem(payable), usdc.balanceOf(lp)
    pool.redeem(payable, lp, lp, sender=lp)
    assert usdc.balanceOf(lp) - had == due


def test_redeem_by_a_stranger_while_equity_is_uncertain_needs_an_allowance(
    world, trade, account, pool, lp, stranger, mature
):
    world.engine.deposit(account, world.usdc, 10**6 * USDC, 0, sender=lp)
    pool.requestRedeem(PART, sender=lp)
    mature(2 * DAY)
    trade(400)
    low, mid, _ = pool.equity()
    assert (mid - low) * 200 > mid
    with reverts("ERC20InsufficientAllowance", stranger, 0, PART):
        pool.redeem(PART, lp, lp, sender=stranger)
    trade(-200)
    low, mid, _ = pool.equity()
    assert 0 < (mid - low) * 200 < mid
    pool.redeem(PART, lp, lp, sender=stranger)


def test_redeem_by_a_stranger_to_itself_or_in_part_needs_an_allowance(overdue, pool, usdc, lp, stranger):
    for receiver, shares in ((stranger, PART), (lp, PART - 1)):
        with reverts("ERC20InsufficientAllowance", stranger, 0, shares):
            pool.redeem(shares, receiver, lp, sender=stranger)
    pool.approve(stranger, PART, sender=lp)
    had = usdc.balanceOf(stranger)
    pool.redeem(PART - 10**6, stranger, lp, sender=stranger)
    assert usdc.balanceOf(stranger) - had == SUPPLY // 10 - 1
    assert pool.allowance(lp, stranger) == 10**6


def test_redeem_by_a_stranger_before_it_is_due_reverts(stocked, pool, lp, stranger):
    pool.requestRedeem(PART, sender=lp)
    with reverts("ERC4626ExceededMaxRedeem", lp, PART, 0):
        pool.redeem(PART, lp, lp, sender=stranger)


# Bad debt, dead feeds, nothing left --------------------------------------------------------------------------------


def test_redeem_while_bad_debt_is_recorded_pays_the_engines_ratio(requested, pool, engine, usdc, lp, account, owe):
    owe(SUPPLY, account)
    ratio = engine.payoutRatio()
    due = (SUPPLY // 10) * ratio // 10**18
    assert ratio < 10**18 and pool.previewRedeem(PART) == pool.maxWithdraw(lp) == due
    had, owed = usdc.balanceOf(lp), engine.badDebt()
    receipt = pool.redeem(PART, lp, lp, sender=lp)
    paid = usdc.balanceOf(lp) - had
    assert due <= paid <= due + 1
    event(receipt, "Withdraw", assets=due)
    assert owed - engine.badDebt() + paid <= SUPPLY // 10


def test_redeem_while_bad_debt_leaves_nothing_to_pay_reverts(rich, pool, engine, lp, account, mature, owe):
    engine.withdraw(account, pool.asset(), 100_000 * USDC, lp, 0, sender=engine_owner(account))
    pool.deposit(1, lp, sender=lp)
    pool.requestRedeem(10**6, sender=lp)
    mature()
    owe(2 * 10**18, account)
    assert engine.payoutRatio() == 0
    assert pool.maxRedeem(lp) == pool.maxWithdraw(lp) == 0
    with reverts("ERC4626ExceededMaxRedeem", lp, 10**6, 0):
        pool.redeem(10**6, lp, lp, sender=lp)


def engine_owner(account):
    return f"0x{account >> 96:040x}"


@pytest.fixture
def shortage(world, rich, pool, engine, usdc, lp, mature, maker, stranger):
    """All shares have matured, all capital is idle, and nine tenths of its tokens left with who won from a debtor; 300,000
    more are ETH's insurance. Answers how to leave so many tokens in escrow."""
    pool.deposit(SUPPLY, lp, sender=lp)
    pool.requestRedeem(pool.balanceOf(lp), sender=lp)
    mature()
    engine.fund(ETH, 300_000 * USDC, sender=maker)
    insider = world.chain.impersonate(world.liquidation)
    world.chain.rpc("anvil_setBalance", insider, hex(10**18))
    winner, debtor, won = int(stranger, 16) << 96, int(stranger, 16) << 96 | 1, 900_000 * USDC
    engine.seize(debtor, [], [(debtor, -won), (winner, won)], [], [], sender=insider)
    engine.withdraw(winner, usdc, won, stranger, won, sender=stranger)
    assert engine.claims() == (400_000 * USDC, 400_000 * USDC)
    return debtor


def everything(pool, lp):
    """As much as may be redeemed is redeemed; one share more is not. What was paid."""
    shares, had = pool.maxRedeem(lp), pool.previewRedeem(pool.maxRedeem(lp))
    assert pool.maxWithdraw(lp) == had
    with reverts("ERC4626ExceededMaxRedeem", lp, shares + 1, shares):
        pool.redeem(shares + 1, lp, lp, sender=lp)
    return event(pool.redeem(shares, lp, lp, had, sender=lp), "Withdraw").assets


def test_redeem_is_capped_by_the_tokens_in_escrow(shortage, pool, lp):
    """Claims on collateral that nobody has bought yet: what is there may be redeemed, the rest waits for the sales."""
    assert 400_000 * USDC - 1 <= everything(pool, lp) <= 400_000 * USDC
    assert pool.maxWithdraw(lp) <= 1


def test_redeem_while_bad_debt_is_recorded_is_capped_by_the_claims(shortage, pool, engine, lp, owe):
    """What insures an instrument is nobody's cash then: a hundred thousand tokens stand for a hundred and fifty."""
    owe(50_000 * USDC, shortage)
    assert engine.claims() == (100_000 * USDC, 150_000 * USDC)
    assert 100_000 * USDC - 1 <= everything(pool, lp) <= 100_000 * USDC


def test_redeem_by_a_stranger_while_bad_debt_is_recorded_needs_an_allowance(overdue, pool, lp, stranger, account, owe):
    """Nobody can be made to take less than his due."""
    owe(1, account)
    with reverts("ERC20InsufficientAllowance", stranger, 0, PART):
        pool.redeem(PART, lp, lp, sender=stranger)


def test_redeem_while_a_price_is_invalid_reverts_with_the_reason(world, trade, pool, lp, mature):
    trade(1)
    pool.requestRedeem(PART, sender=lp)
    mature()
    world.eth.setMode(1)
    assert pool.maxRedeem(lp) == pool.maxWithdraw(lp) == 0
    for attempt in (lambda: pool.redeem(1, lp, lp, sender=lp), lambda: pool.previewRedeem(1)):
        with reverts("InvalidPrice") as refused:
            attempt()
        assert refused.error.args[0] == 0


def test_redeem_while_the_sequencer_is_down_or_in_its_grace_reverts(world, trade, pool, lp, mature):
    trade(1)
    pool.requestRedeem(PART, sender=lp)
    world.sequencer.push(1)
    mature()
    assert pool.maxRedeem(lp) == 0
    with reverts("InvalidPrice"):
        pool.redeem(PART, lp, lp, sender=lp)
    world.sequencer.push(0)
    assert pool.maxRedeem(lp) == 0
    world.chain.advance(HOUR + 1)
    assert pool.maxRedeem(lp) == PART


def test_redeem_from_a_pool_that_lost_everything_reverts(world, trade, pool, lp, mature, reprice):
    trade(40)
    trade(4, BTC)
    pool.requestRedeem(PART, sender=lp)
    mature()
    reprice(world.eth, 90_000)
    reprice(world.btc, 900_000)
    assert pool.maxRedeem(lp) == pool.maxWithdraw(lp) == 0
    with reverts("ERC4626ExceededMaxRedeem", lp, 1, 0):
        pool.redeem(1, lp, lp, sender=lp)


def test_redeem_of_somebody_who_asked_for_nothing_reverts(stocked, pool, stranger):
    assert pool.maxRedeem(stranger) == pool.maxWithdraw(stranger) == 0
    with reverts("ERC4626ExceededMaxRedeem", stranger, 1, 0):
        pool.redeem(1, stranger, stranger, sender=stranger)


# Attacks -----------------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(1, PART), min_size=1, max_size=5), st.sampled_from((1_800, 2_000, 2_300)))
@settings(max_examples=20)
def test_redeems_never_lower_the_share_price_and_parts_do_no_better(world, trade, lp, mature, reprice, cuts, price):
    pool, usdc = world.pool, world.usdc
    with isolated(world.chain):
        trade(40)
        trade(-3, BTC)
        pool.requestRedeem(PART, sender=lp)
        mature()
        reprice(world.eth, price)
        whole, had = pool.previewRedeem(PART), usdc.balanceOf(lp)
        stops = sorted({*cuts, PART})
        for start, end in zip([0, *stops], stops):
            if pool.previewRedeem(end - start) == 0:
                continue
            before = (pool.equity(), pool.totalSupply() + 10**6)
            pool.redeem(end - start, lp, lp, sender=lp)
            after = (pool.equity(), pool.totalSupply() + 10**6)
            for was, now in zip(before[0], after[0]):
                assert (now + 1) * before[1] >= (was + 1) * after[1], "POOL-1"
        assert usdc.balanceOf(lp) - had <= whole, "MAR-4"


@pytest.mark.parametrize("price", [1_961, 1_980, 2_000, 2_039])
def test_redeem_around_an_oracle_update_inside_its_band_gains_nothing(world, trade, pool, maker, mature, reprice, price):
    """In before an answer that raises the pool's equity, out after it: entry and exit are further apart than that."""
    trade(100)
    bought = pool.simulate("deposit", 100_000 * USDC, maker, sender=maker)
    pool.deposit(100_000 * USDC, maker, sender=maker)
    pool.requestRedeem(bought, sender=maker)
    mature()
    reprice(world.eth, price)
    assert pool.maxWithdraw(maker) <= 100_000 * USDC
