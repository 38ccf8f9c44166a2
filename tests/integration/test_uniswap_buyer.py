"""A keeper with empty hands sells a sunken account's collateral in a real pool of Uniswap V3."""

import pytest

from plimsoll import margin_math
from plimsoll.errors import Reverted
from plimsoll.fixed_point import WAD
from tests.helpers import event, reverts
from tests.uniswap import Uniswap, proceeds
from tests.world import MAX, USDC, ZERO

WETH = 0
LOT = 2 * WAD
PRICE = 1_450  # of one WETH, in the oracle and in the pool


@pytest.fixture(scope="module")
def uniswap(chain):
    return Uniswap.deploy(chain)


@pytest.fixture(scope="module")
def buyer(chain, house):
    return chain.deploy("UniswapBuyer", house.protocol.auctions)


@pytest.fixture
def weth(house):
    return house.token("WETH")


@pytest.fixture
def owing(house, trader, short):
    """Cash −12,000 behind ten WETH at 1,450: the debt is above λ of what they count for, and their auction begins."""
    account = house.open(trader, WETH=10 * WAD)
    house.trade(account, short, {"SOL": 1_000}, [-32_000 * USDC])
    house.trade(account, short, {"SOL": -1_000})
    house.reprice("ETH", PRICE)
    margin = house.judge(account)
    assert margin.equity > 0 and margin_math.debt(margin) * 10 > margin.collateral * 9
    house.protocol.auctions.startAuction(account)
    return account


@pytest.fixture
def cheap(chain, owing):
    """The same forty minutes later: the discount is all that it will be, and a view says what the next block does."""
    chain.advance(40 * 60)
    return owing


@pytest.fixture
def pool(uniswap, house, weth):
    return uniswap.pool(weth, house.usdc, PRICE * WAD, depth=10_000)


@pytest.fixture
def due(house, cheap, liquidator):
    """What the auction asks of somebody with money for the lot."""
    house.give(liquidator, "USDC", 10_000 * USDC)
    bought, payment = house.protocol.auctions.simulate("buyCollateral", cheap, WETH, LOT, MAX, b"", sender=liquidator)
    _, price, _ = house.protocol.auctions.offer(cheap)
    assert bought == LOT and 0 <= payment - LOT * price * USDC // (WAD * WAD) <= 1
    return payment


def empty(house, *holders):
    tokens = house.usdc, house.token("WETH")
    return all(token.balanceOf(holder) == 0 for token in tokens for holder in holders)


def test_buy_with_empty_hands_pays_the_auction_and_keeps_the_rest(house, buyer, cheap, due, pool, weth, keeper):
    assert empty(house, buyer, keeper)
    brings = proceeds(pool, weth, house.usdc, LOT)
    cash, lay = house.cash(cheap), weth.balanceOf(pool)
    receipt = buyer.buy(cheap, WETH, LOT, MAX, pool, 0, sender=keeper)
    told = event(receipt, "BoughtAndSold", account=cheap, collateral=WETH, keeper=keeper, pool=pool, amount=LOT)
    event(receipt, "CollateralSold", account=cheap, token=weth, buyer=buyer, amount=LOT, payment=told.payment)
    assert told.payment == due and abs(told.profit - (brings - due)) <= 2
    assert house.usdc.balanceOf(keeper) == told.profit > 200 * USDC, "the discount less Uniswap's fee"
    assert house.cash(cheap) == cash + due
    assert weth.balanceOf(pool) == lay + LOT, "all of it was sold"
    assert empty(house, buyer) and weth.balanceOf(keeper) == 0
    assert house.usdc.allowance(buyer, house.engine) == 0 == weth.allowance(buyer, pool)


def test_buy_returns_what_it_then_does(buyer, cheap, pool, keeper):
    foreseen = buyer.simulate("buy", cheap, WETH, LOT, MAX, pool, 0, sender=keeper)
    told = buyer.buy(cheap, WETH, LOT, MAX, pool, 0, sender=keeper).event("BoughtAndSold")
    assert foreseen == (told.amount, told.payment, told.profit)


def test_buy_of_more_than_is_for_sale_sells_what_is_bought(house, buyer, cheap, pool, weth, keeper):
    _, _, most = house.protocol.auctions.offer(cheap)
    lay = weth.balanceOf(pool)
    told = buyer.buy(cheap, WETH, MAX, MAX, pool, 0, sender=keeper).event("BoughtAndSold")
    assert told.amount == most == weth.balanceOf(pool) - lay
    assert empty(house, buyer) and house.usdc.balanceOf(keeper) == told.profit > 0


def test_buy_may_run_twice(house, buyer, cheap, pool, keeper):
    first, second = (buyer.buy(cheap, WETH, WAD, MAX, pool, 0, sender=keeper) for _ in range(2))
    profits = [receipt.event("BoughtAndSold").profit for receipt in (first, second)]
    assert house.usdc.balanceOf(keeper) == sum(profits) and min(profits) > 0


def test_buy_may_run_twice_in_one_transaction(house, chain, buyer, cheap, pool, keeper):
    """By a keeper that is a contract (the fake pool makes any calls, and pays out what it got)."""
    contract = chain.deploy("FakePool", house.usdc)
    for _ in range(2):
        contract.plan(buyer, buyer.encode("buy", cheap, WETH, WAD, MAX, pool, 0))
    told = contract.swap(keeper, False, 0, 0, b"").events_named("BoughtAndSold")
    assert [e.keeper for e in told] == [contract.address] * 2
    assert house.usdc.balanceOf(keeper) == sum(e.profit for e in told) > 0


def test_buy_for_less_than_the_least_profit_reverts_with_both(house, buyer, cheap, pool, keeper):
    profit = buyer.simulate("buy", cheap, WETH, LOT, MAX, pool, 0, sender=keeper).profit
    with reverts("ProfitTooSmall", profit, profit + 1):
        buyer.buy(cheap, WETH, LOT, MAX, pool, profit + 1, sender=keeper)
    assert house.engine.collateralOf(cheap, WETH) == 10 * WAD
    buyer.buy(cheap, WETH, LOT, MAX, pool, profit, sender=keeper)
    assert house.usdc.balanceOf(keeper) == profit


def test_buy_before_there_is_a_discount_would_lose_money(house, buyer, owing, pool, keeper):
    """At mid, and Uniswap keeps 0.3 %."""
    with reverts("ProfitTooSmall") as refused:
        buyer.buy(owing, WETH, LOT, MAX, pool, 0, sender=keeper)
    assert -LOT // WAD * PRICE * USDC // 100 < refused.error.values["profit"] < 0


def test_buy_after_somebody_moved_the_pool_reverts(house, uniswap, buyer, cheap, pool, weth, keeper, stranger):
    """A sandwich cannot take what the keeper named."""
    profit = buyer.simulate("buy", cheap, WETH, LOT, MAX, pool, 0, sender=keeper).profit
    uniswap.sell(pool, weth, 100 * WAD, to=stranger)
    with reverts("ProfitTooSmall"):
        buyer.buy(cheap, WETH, LOT, MAX, pool, profit, sender=keeper)


def test_buy_that_the_pool_cannot_swallow_whole_reverts(house, uniswap, buyer, cheap, weth, keeper):
    shallow = uniswap.pool(weth, house.usdc, PRICE * WAD, depth=100, ticks=120)
    with reverts("NotAllSold") as refused:
        buyer.buy(cheap, WETH, LOT, MAX, shallow, 0, sender=keeper)
    assert 0 < refused.error.values["taken"] < refused.error.values["amount"] == LOT
    buyer.buy(cheap, WETH, refused.error.values["taken"] // 2, MAX, shallow, 0, sender=keeper)


def test_buy_of_a_healthy_account_is_the_auctions_to_refuse(house, buyer, pool, trader, keeper):
    account = house.open(trader, WETH=WAD)
    with reverts("NotForSale"):
        buyer.buy(account, WETH, WAD, MAX, pool, 0, sender=keeper)


def test_buy_in_a_pool_of_another_pair_reverts(house, uniswap, buyer, cheap, weth, keeper):
    """It takes WETH and pays WBTC: nothing for the auction."""
    other = uniswap.pool(weth, house.token("WBTC"), WAD // 28, depth=1_000)
    with pytest.raises(Reverted):
        buyer.buy(cheap, WETH, LOT, MAX, other, 0, sender=keeper)
    assert house.engine.collateralOf(cheap, WETH) == 10 * WAD


def test_buy_without_a_pool_reverts(buyer, cheap, keeper):
    with reverts("NotBuying"):
        buyer.buy(cheap, WETH, LOT, MAX, ZERO, 0, sender=keeper)


def test_buy_hands_the_caller_what_lay_there(house, buyer, cheap, pool, weth, keeper, stranger):
    """A gift neither blocks a purchase nor stays: dust is no weapon."""
    house.usdc.mint(buyer, 5)
    weth.mint(buyer, 1)
    profit = buyer.buy(cheap, WETH, LOT, MAX, pool, 0, sender=keeper).event("BoughtAndSold").profit
    assert house.usdc.balanceOf(keeper) == profit and house.usdc.balanceOf(buyer) == 0
    assert weth.balanceOf(buyer) == 1


# Who may call back ---------------------------------------------------------------------------------------------------


def test_callbacks_called_by_anyone_else_revert(house, buyer, weth, pool, stranger):
    weth.mint(buyer, WAD)
    house.usdc.mint(buyer, USDC)
    with reverts("OnlyMarginEngine", stranger):
        buyer.onCollateral(0, weth, WAD, 0, b"\0" * 32, sender=stranger)
    for caller in (stranger, house.chain.impersonate(pool)):
        with reverts("OnlyPoolInUse", caller, ZERO):
            buyer.uniswapV3SwapCallback(WAD, -1, b"", sender=caller)


def test_collateral_that_it_did_not_ask_for_is_refused(house, buyer, weth):
    with reverts("NotBuying"):
        buyer.onCollateral(0, weth, WAD, 0, b"\0" * 32, sender=house.chain.impersonate(house.engine))


# Fake pools ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def fake(chain, house):
    return chain.deploy("FakePool", house.usdc)


def take(buyer, amount):
    return buyer, buyer.encode("uniswapV3SwapCallback", amount, -1, b"")


def test_fake_pool_that_pays_gets_what_was_bought_and_no_more(house, buyer, cheap, due, fake, weth, keeper):
    """Whoever names it brings the money: the account is paid in full."""
    cash = house.cash(cheap)
    weth.mint(buyer, 3 * WAD)
    house.usdc.mint(fake, due)
    fake.plan(*take(buyer, LOT))
    buyer.buy(cheap, WETH, LOT, MAX, fake, 0, sender=keeper)
    assert weth.balanceOf(fake) == LOT and weth.balanceOf(buyer) == 3 * WAD
    assert house.cash(cheap) == cash + due and house.usdc.balanceOf(keeper) == 0


def test_fake_pool_that_pays_one_unit_short_takes_nothing(house, buyer, cheap, due, fake, keeper):
    house.usdc.mint(fake, due - 1)
    fake.plan(*take(buyer, LOT))
    with reverts("ProfitTooSmall", -1, 0):
        buyer.buy(cheap, WETH, LOT, MAX, fake, 0, sender=keeper)


@pytest.mark.parametrize("amount", [LOT + 1, LOT - 1, 0, -LOT, 2**255 - 1])
def test_fake_pool_that_takes_another_amount_reverts(house, buyer, cheap, fake, weth, keeper, amount):
    house.usdc.mint(fake, 10_000 * USDC)
    weth.mint(buyer, 10 * WAD)
    fake.plan(*take(buyer, amount))
    with reverts("NotAllSold", amount if amount > 0 else -1, LOT):
        buyer.buy(cheap, WETH, LOT, MAX, fake, 0, sender=keeper)


def test_fake_pool_that_takes_twice_or_never_reverts(house, buyer, cheap, fake, weth, keeper):
    house.usdc.mint(fake, 10_000 * USDC)
    weth.mint(buyer, 10 * WAD)
    with reverts("NotAllSold", 0, LOT):
        buyer.buy(cheap, WETH, LOT, MAX, fake, 0, sender=keeper)
    for _ in range(2):
        fake.plan(*take(buyer, LOT))
    with reverts("NotAllSold", LOT, 0):
        buyer.buy(cheap, WETH, LOT, MAX, fake, 0, sender=keeper)


def test_fake_pool_cannot_begin_another_purchase(house, buyer, cheap, fake, pool, keeper):
    house.usdc.mint(fake, 10_000 * USDC)
    for inner in (pool, fake):
        fake.plan(buyer, buyer.encode("buy", cheap, WETH, WAD, MAX, inner, 0))
        with reverts("AlreadyBuying", fake):
            buyer.buy(cheap, WETH, LOT, MAX, fake, 0, sender=keeper)


def test_fake_pool_cannot_play_the_engine(house, buyer, cheap, fake, weth, keeper):
    fake.plan(buyer, buyer.encode("onCollateral", cheap, weth, LOT, 0, b"\0" * 32))
    with reverts("OnlyMarginEngine", fake):
        buyer.buy(cheap, WETH, LOT, MAX, fake, 0, sender=keeper)


def test_fake_pool_finds_the_engine_locked(house, engine, buyer, cheap, fake, keeper):
    """With the collateral gone and the payment not yet there, nobody trades or judges."""
    verbs = (
        engine.encode("deposit", cheap, house.usdc, 1, 0),
        engine.encode("settle", cheap),
        engine.encode("load", cheap, 0, [], False),
    )
    for verb in verbs:
        liar = house.chain.deploy("FakePool", house.usdc)
        liar.plan(engine, verb)
        with reverts("ReentrancyGuardReentrantCall"):
            buyer.buy(cheap, WETH, LOT, MAX, liar, 0, sender=keeper)
