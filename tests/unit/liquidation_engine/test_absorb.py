import pytest

from plimsoll import margin_math
from plimsoll.fixed_point import WAD
from plimsoll.model import liquidation_math
from tests.helpers import event, reverts
from tests.unit.liquidation_engine.sinking import charged
from tests.world import MAY_TRADE, UNIT, USDC


def test_absorb_closes_all_and_records_what_nobody_pays(house, engine, liquidation, liquidator, taker, broke):
    cash, paid = house.cash(taker), charged(house, 0, 664 * USDC)
    assert paid == 131_250_000, "¼ · 6 % · ½ · 1,750 for each of ten"
    receipt = liquidation.absorb(broke, taker, sender=liquidator)
    told = event(receipt, "Absorbed", account=broke, taker=taker, keeper=liquidator).absorption
    assert tuple(told) == (664 * USDC, 0, 0, 664 * USDC, 0)
    event(receipt, "Seized", account=broke, transfers=1)
    event(receipt, "LossShared", instrument=0, long=False, amount=664 * USDC, charged=paid, owed=664 * USDC - paid)
    event(receipt, "BadDebtUpdated", badDebt=664 * USDC - paid)
    assert house.snapshot(broke)[1:] == (0, 0, 10**21, (), ())
    assert house.position(taker, "ETH") == (10 * UNIT, -17_500 * USDC)
    assert house.cash(taker) == cash, "no reward, no penalty"
    assert engine.badDebt() == engine.deficitOf(0, False).owed == 664 * USDC - paid


def test_absorb_returns_its_outcome(house, liquidation, liquidator, taker, broke, stranger):
    house.insure("ETH", 600 * USDC, stranger)
    done = liquidation.simulate("absorb", broke, taker, sender=liquidator)
    assert tuple(done) == (664 * USDC, 599 * USDC, 0, 65 * USDC, 1 * USDC)


@pytest.mark.parametrize("insured", [0, 1, 663 * USDC, 664 * USDC, 10_000 * USDC])
def test_absorb_is_paid_by_the_instruments_fund_first(
    house, engine, liquidation, liquidator, taker, broke, stranger, insured
):
    """LIQ-5: insurance ≥ 0, and other instruments' funds are untouched."""
    house.insure("BTC", 5_000 * USDC, stranger)
    if insured:
        house.insure("ETH", insured, stranger)
    receipt = liquidation.absorb(broke, taker, sender=liquidator)
    reward = min(insured, USDC)
    paid = min(insured - reward, 664 * USDC)
    told = event(receipt, "Absorbed").absorption
    assert tuple(told) == (664 * USDC, paid, 0, 664 * USDC - paid, reward)
    assert engine.fundOf(0).insurance == insured - paid - reward
    assert engine.fundOf(1).insurance == 5_000 * USDC
    assert engine.badDebt() == max(0, 664 * USDC - paid - 131_250_000)


def test_absorb_leaves_the_treasurys_fees_alone(house, engine, liquidation, liquidator, taker, broke, short, stranger):
    house.trade(house.open(stranger, 10_000 * USDC), short, {"ETH": 1}, fees=[1_000 * USDC])
    charged_by = charged(house, 0, 465 * USDC)
    liquidation.absorb(broke, taker, sender=liquidator)
    assert (engine.fundOf(0).treasury, engine.fundOf(0).insurance) == (100 * USDC, 0)
    assert engine.badDebt() == (664 - 199) * USDC - charged_by


def test_absorb_splits_the_loss_by_maintenance(house, engine, liquidation, liquidator, taker, sinking, stranger):
    """LIQ-5: each instrument's fund pays its share and never another's."""
    account = sinking.account({"ETH": 40, "BTC": 1, "SOL": -500})
    sinking.sink(account, "ETH")
    house.reprice("ETH", house.mid("ETH") / WAD * 0.8)
    for name, amount in (("ETH", 10**9), ("BTC", 10**6), ("SOL", 10**12), ("GOLD", 77)):
        house.insure(name, amount, stranger)
    snapshot = house.snapshot(account)
    margin, loss = margin_math.judge(snapshot), liquidation_math.loss(snapshot)
    assert margin.equity < 0
    parts = [margin_math.maintenance(leg, leg.size, 10**21) * loss // margin.maintenance for leg in snapshot.legs[:-1]]
    parts.append(loss - sum(parts))
    due = [min(part, fund) for part, fund in zip(parts, (10**9 - USDC, 10**6, 10**12))]
    receipt = liquidation.absorb(account, taker, sender=liquidator)
    told = event(receipt, "Absorbed").absorption
    assert tuple(told) == (loss, sum(due), 0, loss - sum(due), USDC), "the reward is the fund's of the largest maintenance"
    left = [10**9 - USDC - due[0], 10**6 - due[1], 10**12 - due[2], 77]
    assert [engine.fundOf(i).insurance for i in range(4)] == left
    shared = {e.instrument: (e.long, e.amount) for e in receipt.events_named("LossShared")}
    expected = {i: (leg.size < 0, part - paid) for i, (leg, part, paid) in enumerate(zip(snapshot.legs, parts, due))}
    assert shared == {i: share for i, share in expected.items() if share[1]}
    assert house.cash(account) == 0


def test_absorb_of_a_solvent_account_reverts(house, liquidation, liquidator, taker, weak, short):
    """LIQ-1"""
    for account, equity in ((weak, 836 * USDC), (short, 10_001_000 * USDC), (taker, 1_000_000 * USDC)):
        with reverts("NotInsolvent", account, equity):
            liquidation.absorb(account, 0, sender=liquidator)


def test_absorb_of_equity_zero_reverts(house, liquidation, liquidator, taker, broke):
    house.bring_equity(broke, 0)
    with reverts("NotInsolvent", broke, 0):
        liquidation.absorb(broke, taker, sender=liquidator)


def test_absorb_twice_reverts(house, liquidation, liquidator, taker, broke):
    liquidation.absorb(broke, taker, sender=liquidator)
    with reverts("NotInsolvent", broke, 0):
        liquidation.absorb(broke, taker, sender=liquidator)


def test_absorb_one_unit_below_zero_is_done(house, engine, liquidation, liquidator, taker, broke):
    house.bring_equity(broke, -1)
    told = event(liquidation.absorb(broke, taker, sender=liquidator), "Absorbed").absorption
    assert tuple(told) == (1, 0, 0, 1, 0)
    assert engine.badDebt() == 0, "the side that won pays it at once"


def test_absorb_into_wrong_takers_reverts(house, engine, liquidation, liquidator, stranger, taker, broke):
    with reverts("TakerIsAccount", broke):
        liquidation.absorb(broke, broke, sender=liquidator)
    with reverts("UnauthorizedTaker", taker, stranger):
        liquidation.absorb(broke, taker, sender=stranger)
    poor = house.open(stranger, 1_000 * USDC)
    with reverts("TakerRefused", poor, 1_000 * USDC, 1_606_500_000):
        liquidation.absorb(broke, poor, sender=stranger)
    engine.setOperator(taker, stranger, MAY_TRADE, sender=liquidator)
    liquidation.absorb(broke, taker, sender=stranger)


def test_absorb_into_the_pool_needs_no_capital(house, engine, liquidation, pool, keeper, broke):
    liquidation.absorb(broke, 0, sender=keeper)
    assert engine.position(house.pool.tranche(0), 0).size == 10 * UNIT
    assert house.cash(house.account(keeper)) == 0


def test_absorb_into_the_opposite_side_asks_no_margin(house, liquidation, lp, keeper, trader, engine, short):
    """The pool holds the other side of the account: absorbing it only reduces, so it works however thin the pool is."""
    house.provide(lp, 6_200 * USDC)
    account = house.open(trader, 1_900 * USDC)
    engine.setOperator(account, house.pool, MAY_TRADE, sender=trader)
    house.pool.trade(account, 0, 10 * UNIT, 2**256 - 1, 2**256 - 1, sender=trader)
    house.reprice("ETH", 1_700)
    liquidation.absorb(account, 0, sender=keeper)
    assert house.snapshot(account).legs == ()
    assert engine.position(house.pool.tranche(0), 0).size == 0


def test_absorb_is_conserved(house, engine, liquidation, pool, keeper, broke, short, stranger):
    """LED-2: cash, quotes and funds, less what is recorded as bad debt."""
    house.insure("ETH", 100 * USDC, stranger)
    accounts = (broke, short, house.pool.tranche(0), house.pool.idle(), house.account(keeper))

    def total():
        return (
            sum(m.cash + m.profit for m in map(house.judge, accounts)) + engine.fundOf(0).insurance - engine.badDebt()
        )

    before = total()
    liquidation.absorb(broke, 0, sender=keeper)
    assert before - 2 <= total() <= before


def test_absorb_leaves_collateral_that_covers_the_debt_exactly(house, liquidation, liquidator, taker, trader, short):
    account = house.open(trader, WETH=4 * WAD)
    house.trade(account, short, {"SOL": 2_500})
    house.reprice("SOL", 16)
    house.reprice("ETH", 2_000)
    margin = house.judge(account)
    assert margin.profit == -10_000 * USDC and margin.equity < 0
    liquidation.absorb(account, taker, sender=liquidator)
    after = house.judge(account)
    assert (after.equity, after.cash) == (0, -margin.collateral)
    assert margin_math.debt(after) == after.collateral == margin.collateral


# No instrument left: the pool earned the interest, the pool pays ---------------------------------------------------


@pytest.fixture
def flat(house, trader, short):
    """Cash −6,000 behind one WETH, whose price then falls to 5,000 and on: no position, and more debt than collateral."""
    account = house.open(trader, WETH=5 * WAD)
    house.trade(account, short, {"SOL": 1_000}, [-26_000 * USDC])
    house.trade(account, short, {"SOL": -1_000})
    assert house.cash(account) == -6_000 * USDC
    house.reprice("ETH", 1_000)
    return account


def test_absorb_of_a_flat_account_is_paid_by_the_pools_idle_cash(house, engine, liquidation, pool, keeper, flat):
    margin = house.judge(flat)
    idle = house.cash(house.pool.idle())
    house.insure("ETH", 10_000 * USDC, keeper)
    receipt = liquidation.absorb(flat, 0, sender=keeper)
    loss = 6_000 * USDC - margin.collateral
    assert tuple(event(receipt, "Absorbed").absorption) == (loss, 0, loss, 0, 0)
    assert house.cash(house.pool.idle()) == idle - loss
    assert engine.fundOf(0).insurance == 10_000 * USDC, "no instrument, no fund of an instrument"
    assert house.cash(flat) == -margin.collateral


def test_absorb_of_a_flat_account_beyond_the_idle_cash_records_the_rest(house, engine, liquidation, lp, keeper, flat):
    loss = -house.judge(flat).equity
    house.give(lp, "USDC", 500 * USDC)
    house.usdc.approve(house.pool, 500 * USDC, sender=lp)
    house.pool.deposit(500 * USDC, lp, sender=lp)
    receipt = liquidation.absorb(flat, 0, sender=keeper)
    assert tuple(event(receipt, "Absorbed").absorption) == (loss, 0, 500 * USDC, loss - 500 * USDC, 0)
    assert house.cash(house.pool.idle()) == 0
    assert engine.badDebt() == loss - 500 * USDC


def test_absorb_of_a_flat_account_without_collateral_ends_at_zero(
    house, engine, liquidation, liquidator, keeper, flat, pool
):
    """Its coins were sold for less than it owed: what is left is a debt and nothing else, and even that ends."""
    house.give(liquidator, "USDC", 10_000 * USDC)
    coins = engine.collateralOf(flat, 0)
    auctions = house.protocol.auctions
    auctions.startAuction(flat, sender=liquidator)
    house.chain.advance(30 * 60)
    auctions.buyCollateral(flat, 0, coins, 2**255, b"", sender=liquidator)
    debt = -house.cash(flat)
    assert debt > 0 and house.snapshot(flat).coins == ()
    receipt = liquidation.absorb(flat, 0, sender=keeper)
    assert tuple(event(receipt, "Absorbed").absorption) == (debt, 0, debt, 0, 0)
    assert engine.accountState(flat)[:1] == (0,)


def test_absorb_tells_every_account_whose_cash_it_moved(house, engine, liquidation, lp, keeper, trader):
    """EVT-1: the pool realises a profit by taking the position back; events alone must rebuild its cash."""
    house.provide(lp)
    account = house.open(trader, 20_000 * USDC)
    engine.setOperator(account, house.pool, MAY_TRADE, sender=trader)
    house.pool.trade(account, 0, 100 * UNIT, 2**256 - 1, 2**256 - 1, sender=trader)
    house.reprice("ETH", 1_700)
    tranche = house.pool.tranche(0)
    before = house.cash(tranche)
    receipt = liquidation.absorb(account, 0, sender=keeper)
    assert house.cash(tranche) != before
    told = {e.account: e.cash for e in receipt.events_named("AccountUpdated")}
    assert told.keys() >= {account, tranche} and told == {a: house.cash(a) for a in told}, "EVT-1"
