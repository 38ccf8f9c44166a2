import pytest

from plimsoll.fixed_point import WAD
from tests.helpers import event, reverts
from tests.world import USDC


@pytest.fixture
def rich(house, trader, short):
    """WETH, WBTC and WSOL behind a debt for sale; their haircuts all 10 %, and more for what is held of each."""
    account = house.open(trader, WETH=4 * WAD, WBTC=10**7, WSOL=100 * 10**9)
    house.trade(account, short, {"GOLD": 10}, [-18_000 * USDC - 8_500 * USDC])
    house.trade(account, short, {"GOLD": -10})
    house.reprice("ETH", 1_000)
    house.protocol.auctions.startAuction(account)
    return account


def test_sale_order_of_the_owner_comes_first(house, auctions, rich, trader):
    ids = [house.coin_id(name) for name in ("WSOL", "WETH")]
    event(auctions.setSaleOrder(rich, ids, sender=trader), "SaleOrderSet", account=rich, collaterals=ids)
    assert auctions.offer(rich).collateral == house.coin_id("WSOL")
    auctions.setSaleOrder(rich, ids[::-1], sender=trader)
    assert auctions.offer(rich).collateral == house.coin_id("WETH")


def test_sale_order_passes_over_what_is_not_held(house, auctions, rich, trader):
    auctions.setSaleOrder(rich, [house.coin_id("BAR"), house.coin_id("WBTC")], sender=trader)
    assert auctions.offer(rich).collateral == house.coin_id("WBTC")


def test_sale_without_an_order_begins_with_the_lowest_haircut(house, auctions, rich, trader):
    """Of equal ones with the lowest id."""
    assert auctions.offer(rich).collateral == house.coin_id("WETH")
    config = house.engine.collateralConfig(house.coin_id("WBTC"))
    cheaper = config._replace(haircutE6=99_999)
    house.engine.setCollateral(house.coin_id("WBTC"), cheaper, sender=house.parameters_sender)
    assert auctions.offer(rich).collateral == house.coin_id("WBTC")


def test_sale_order_is_taken_back_by_an_empty_one(house, auctions, rich, trader):
    auctions.setSaleOrder(rich, [house.coin_id("WSOL")], sender=trader)
    auctions.setSaleOrder(rich, [], sender=trader)
    assert auctions.offer(rich).collateral == house.coin_id("WETH")


def test_sale_order_of_somebody_else_reverts(house, auctions, rich, trader, stranger):
    house.engine.setOperator(rich, stranger, 3, sender=trader)
    with reverts("NotOwner", rich, stranger):
        auctions.setSaleOrder(rich, [0], sender=stranger)


def test_sale_order_of_nine_reverts_and_of_eight_is_kept(house, auctions, rich, trader):
    with reverts("InvalidAmount", 9, 8):
        auctions.setSaleOrder(rich, list(range(9)), sender=trader)
    auctions.setSaleOrder(rich, [8, 7, 6, 5, 4, 3, 1, 0], sender=trader)
    assert auctions.offer(rich).collateral == 1


def test_sale_order_that_names_what_can_never_be_held_is_of_the_rest(house, auctions, rich, trader):
    """Every number a byte can be, between those that are held: none of them is read as another."""
    for wrong in (255, 254, 128, 9):
        for order in ([wrong, 1], [1, wrong], [wrong, wrong, 1, wrong]):
            auctions.setSaleOrder(rich, order, sender=trader)
            assert auctions.offer(rich).collateral == house.coin_id("WBTC") == 1, order
