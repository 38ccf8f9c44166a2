"""What an absorbed account leaves: its coins are for sale, and pay back first who paid its loss, and only then its owner."""

import pytest

from plimsoll.fixed_point import WAD
from tests.helpers import event, reverts
from tests.world import MAX, USDC

NO_INSTRUMENT = 2**64 - 1


@pytest.fixture
def buyer(house, liquidator):
    house.give(liquidator, "USDC", 1_000_000 * USDC)
    return liquidator


@pytest.fixture
def dead(house, trader, short):
    """Ten WETH, counted for 17,980 at 2,000, behind 2,500 SOL that lost 20,000: E < 0."""
    account = house.open(trader, WETH=10 * WAD)
    house.trade(account, short, {"SOL": 2_500})
    house.reprice("SOL", 12)
    assert house.judge(account).equity == (17_980 - 20_000) * USDC
    return account


@pytest.fixture
def estate(house, liquidation, liquidator, taker, dead):
    """The same after absorb: nobody insured, so all of it is bad debt. Answers (account, forgiven)."""
    loss = -house.judge(dead).equity
    receipt = liquidation.absorb(dead, taker, sender=liquidator)
    event(receipt, "EstateOpened", account=dead, forgiven=loss, instrument=house.id("SOL"))
    return dead, loss


def test_estate_is_shown(house, engine, estate, trader):
    account, loss = estate
    assert tuple(engine.estateOf(account)) == (loss, house.id("SOL"))
    assert tuple(engine.estateOf(house.account(trader, 9))) == (0, 0)


def test_estate_is_opened_by_the_liquidation_engine_alone(engine, trader, long, house):
    for sender in (trader, house.timelock):
        with reverts("Unauthorized", sender):
            engine.openEstate(long, 1, 0, sender=sender)


def test_estate_of_an_account_without_coins_is_none(house, engine, liquidation, liquidator, taker, broke):
    receipt = liquidation.absorb(broke, taker, sender=liquidator)
    assert receipt.events_named("EstateOpened") == []
    house.deposit(broke, 7)
    assert house.cash(broke) == 7


def test_estate_keeps_its_coins_until_who_paid_is_paid(house, engine, trader, estate):
    account, loss = estate
    for amount in (1, 10 * WAD):
        with reverts("EstateOpen", account, loss):
            engine.withdraw(account, house.token("WETH"), amount, trader, 0, sender=trader)


def test_estate_that_the_owner_repays_gives_its_coins_back(house, engine, trader, estate):
    account, loss = estate
    house.deposit(account, -house.cash(account))
    with reverts("EstateOpen", account, loss):
        engine.withdraw(account, house.token("WETH"), 1, trader, 0, sender=trader)
    house.deposit(account, loss - 1)
    with reverts("EstateOpen", account, 1):
        engine.withdraw(account, house.token("WETH"), 1, trader, 0, sender=trader)
    house.deposit(account, 5)
    assert (house.cash(account), engine.badDebt(), engine.estateOf(account).forgiven) == (4, 0, 0)
    engine.withdraw(account, house.token("WETH"), 10 * WAD, trader, 0, sender=trader)


def test_estate_repays_bad_debt_then_the_fund_then_its_owner(
    house, engine, liquidation, liquidator, taker, stranger, dead, buyer
):
    """SOL's fund held 500 of the loss; its coins then rise, and all are sold."""
    house.insure("SOL", 500 * USDC, stranger)
    loss = -house.judge(dead).equity
    liquidation.absorb(dead, taker, sender=liquidator)
    assert (engine.badDebt(), engine.fundOf(2).insurance) == (loss - 500 * USDC, 0)
    house.reprice("ETH", 4_100)
    debt, left = -house.cash(dead), house.engine.collateralOf(dead, 0)
    payment = liquidation.simulate("buyCollateral", dead, 0, left // 2, MAX, sender=buyer)
    receipt = liquidation.buyCollateral(dead, 0, left // 2, MAX, sender=buyer)
    event(receipt, "EstateRepaid", account=dead, amount=payment - debt, left=loss - (payment - debt))
    assert 0 < payment - debt < loss - 500 * USDC, "the first of it is bad debt's"
    assert (house.cash(dead), engine.badDebt(), engine.fundOf(2).insurance) == (
        0,
        loss - 500 * USDC - (payment - debt),
        0,
    )
    house.deposit(dead, engine.badDebt() + 200 * USDC, sender=stranger)
    assert (engine.badDebt(), engine.fundOf(2).insurance) == (0, 200 * USDC)
    house.deposit(dead, 1_000 * USDC, sender=stranger)
    assert (house.cash(dead), engine.fundOf(2).insurance) == (700 * USDC, 500 * USDC)


def test_estate_is_for_sale_while_anybody_is_owed(house, engine, liquidation, estate, buyer):
    """Its debt repaid by a rise of its coins' price to far below λ · C, but not what others paid for it."""
    account, loss = estate
    house.reprice("ETH", 10_000)
    debt = -house.cash(account)
    unit = 10_000 * (10**6 - 101_000)
    with reverts("MoreThanTheDebt", account, 89_900 * USDC, debt + loss):
        liquidation.buyCollateral(account, 0, 10 * WAD, MAX, sender=buyer)
    amount = (debt + loss) * WAD // unit
    liquidation.buyCollateral(account, 0, amount, MAX, sender=buyer)
    assert engine.badDebt() <= 1


def test_estate_whose_coins_are_all_sold_is_wound_up(house, engine, liquidation, trader, estate, buyer):
    account, loss = estate
    liquidation.buyCollateral(account, 0, 10 * WAD, MAX, sender=buyer)
    assert tuple(engine.estateOf(account)) == (0, 0)
    assert engine.badDebt() in (loss, loss - 1)
    house.deposit(account, 100 * USDC)
    assert house.cash(account) >= 100 * USDC - 1, "what was not covered is forgiven for ever"


def test_estate_adds_no_risk(house, engine, trader, stranger, short, estate):
    """Its coins rise: what they are worth beyond the debt is owed to who paid the loss. The owner may not trade it away to an
    account of his own."""
    account, loss = estate
    house.reprice("ETH", 8_000)
    sibling = house.open(trader, 100_000 * USDC, sub=1)
    with reverts("EstateOpen", account, loss):
        house.trade(account, sibling, {"SOL": 1_000}, [-40_000 * USDC])
    with reverts("EstateOpen", account, loss):
        house.trade(sibling, account, {"SOL": 1_000}, [-1])


def test_estate_of_a_flat_account_repays_the_pool(house, engine, liquidation, pool, keeper, trader, short, buyer):
    account = house.open(trader, WETH=5 * WAD)
    house.trade(account, short, {"SOL": 1_000}, [-26_000 * USDC])
    house.trade(account, short, {"SOL": -1_000})
    house.reprice("ETH", 1_000)
    loss = -house.judge(account).equity
    receipt = liquidation.absorb(account, 0, sender=keeper)
    event(receipt, "EstateOpened", account=account, forgiven=loss, instrument=NO_INSTRUMENT)
    idle = house.cash(pool.idle())
    house.deposit(account, -house.cash(account) + 100, sender=buyer)
    assert house.cash(pool.idle()) == idle + 100
    assert engine.estateOf(account).forgiven == loss - 100


def test_estate_absorbed_again_adds_up(house, engine, liquidation, keeper, pool, estate):
    """The coins fall on: what is then lacking is the pool's, and owed too."""
    account, loss = estate
    house.reprice("ETH", 1_500)
    more = -house.judge(account).equity
    receipt = liquidation.absorb(account, 0, sender=keeper)
    event(receipt, "EstateOpened", account=account, forgiven=loss + more, instrument=NO_INSTRUMENT)
    assert house.judge(account).equity == 0


def test_estate_is_not_escaped_by_interest_or_settling(house, engine, trader, stranger, estate):
    account, loss = estate
    house.parameters.setInterest(10**9, sender=house.timelock)
    house.chain.advance(86_400)
    engine.settle(account, sender=stranger)
    assert engine.estateOf(account).forgiven == loss
    assert house.judge(account).equity < 0


def test_estate_takes_no_positions(house, liquidation, trader, maker, short, estate):
    """Named as the taker of a liquidation it would add risk on coins that are owed to others."""
    account, loss = estate
    house.reprice("ETH", 8_000)
    weak = house.open(maker, 1_836 * USDC, sub=4)
    house.trade(weak, short, {"BTC": 0.5})
    house.reprice("BTC", 38_000)
    with reverts("EstateOpen", account, loss):
        liquidation.liquidate(weak, account, WAD, sender=trader)
