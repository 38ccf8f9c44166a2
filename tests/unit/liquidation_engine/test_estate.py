"""What an absorbed account leaves: its coins are for sale, and pay back first who paid its loss, and only then its owner."""

import pytest

from plimsoll.fixed_point import WAD
from tests.helpers import event, reverts
from tests.unit.liquidation_engine.sinking import charged
from tests.world import MAX, MAY_TRADE, NO_INSTRUMENT, UNIT, USDC, item


@pytest.fixture
def buyer(house, liquidator):
    house.give(liquidator, "USDC", 1_000_000 * USDC)
    return liquidator


@pytest.fixture
def auctions(house):
    return house.protocol.auctions


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
    receipt = house.deposit(account, -house.cash(account))
    assert (house.cash(account), receipt.events_named("EstateRepaid")) == (0, []), "its debt is paid, and nothing beyond"
    with reverts("EstateOpen", account, loss):
        engine.withdraw(account, house.token("WETH"), 1, trader, 0, sender=trader)
    house.deposit(account, loss - 1)
    with reverts("EstateOpen", account, 1):
        engine.withdraw(account, house.token("WETH"), 1, trader, 0, sender=trader)
    house.deposit(account, 5)
    assert (house.cash(account), engine.badDebt(), engine.estateOf(account).forgiven) == (4, 0, 0)
    engine.withdraw(account, house.token("WETH"), 10 * WAD, trader, 0, sender=trader)


def test_estate_repays_bad_debt_then_the_fund_then_its_owner(
    house, engine, auctions, liquidation, liquidator, taker, stranger, dead, buyer
):
    """SOL's fund held 500 of the loss, the other side paid a part at once; its coins then rise, and some are sold."""
    house.insure("SOL", 500 * USDC, stranger)
    loss = -house.judge(dead).equity
    owed = loss - 499 * USDC - charged(house, house.id("SOL"), loss - 499 * USDC)
    liquidation.absorb(dead, taker, sender=liquidator)
    assert (engine.badDebt(), engine.fundOf(2).insurance) == (owed, 0)
    house.reprice("ETH", 4_100)
    auctions.startAuction(dead)
    debt = -house.cash(dead)
    receipt = auctions.buyCollateral(dead, 0, (debt + 600 * USDC) * WAD // (4_100 * USDC), MAX, b"", sender=buyer)
    gained = event(receipt, "CollateralSold").payment - debt
    event(receipt, "EstateRepaid", account=dead, amount=gained, left=loss - gained)
    assert 0 < gained < owed, "the first of it is bad debt's"
    assert (house.cash(dead), engine.badDebt(), engine.fundOf(2).insurance) == (0, owed - gained, 0)
    assert engine.deficitOf(2, False).owed == owed - gained
    house.deposit(dead, owed - gained + 200 * USDC, sender=stranger)
    assert (engine.badDebt(), engine.fundOf(2).insurance) == (0, 200 * USDC)
    rest = loss - owed - 200 * USDC
    house.deposit(dead, 1_000 * USDC, sender=stranger)
    assert (house.cash(dead), engine.fundOf(2).insurance) == (1_000 * USDC - rest, 200 * USDC + rest)


def test_estate_is_for_sale_while_anybody_is_owed(house, engine, auctions, estate, buyer, trader):
    """Its debt is far below λ · C when its coins rise, but not what others paid for it: that much is sold, and no more."""
    account, loss = estate
    house.reprice("ETH", 10_000)
    auctions.startAuction(account)
    debt = -house.cash(account)
    sold = event(auctions.buyCollateral(account, 0, MAX, MAX, b"", sender=buyer), "CollateralSold")
    assert 0 <= sold.payment - (debt + loss) <= 1
    assert engine.badDebt() == engine.estateOf(account).forgiven == 0
    with reverts("NotForSale"):
        auctions.offer(account)
    engine.withdraw(account, house.token("WETH"), 10 * WAD - sold.amount, trader, 0, sender=trader)


def test_estate_whose_coins_are_all_sold_is_wound_up(house, engine, auctions, estate, buyer):
    """At the end of the ramp they bring what they counted for: the debt, and nothing for who paid."""
    account, loss = estate
    owed = engine.badDebt()
    auctions.startAuction(account)
    house.chain.advance(30 * 60)
    sold = event(auctions.buyCollateral(account, 0, MAX, MAX, b"", sender=buyer), "CollateralSold")
    assert sold.amount == 10 * WAD
    assert tuple(engine.estateOf(account)) == (0, 0)
    assert owed - 25 * USDC <= engine.badDebt() <= owed, "h grows with the holding, the discount does not"
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
        liquidation.liquidate(item(weak, account, WAD), sender=trader)


def test_estate_with_a_position_closes_it_with_the_pool_alone(house, engine, pool, trader, short):
    """At a price of its owner's it would hand over what it owes. The pool's price is nobody's, and what is left pays back."""
    account, fund = house.open(trader, 10_000 * USDC), house.id("FUND")
    engine.setOperator(account, pool, MAY_TRADE, sender=trader)
    pool.trade(account, fund, UNIT, MAX, MAX, sender=trader)
    engine.openEstate(account, 6_000 * USDC, fund, sender=house.liquidator)
    for taker, maker, units in ((account, short, -1), (short, account, 1)):
        with reverts("EstateOpen", account, 6_000 * USDC):
            house.trade(taker, maker, {"FUND": units})
    insurance = engine.fundOf(fund).insurance
    receipt = pool.trade(account, fund, -UNIT, 0, MAX, sender=trader)
    event(receipt, "EstateRepaid", account=account, amount=6_000 * USDC, left=0)
    assert engine.fundOf(fund).insurance >= insurance + 6_000 * USDC
