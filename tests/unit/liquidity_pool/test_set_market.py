import pytest

from tests.helpers import event, reverts
from tests.unit.liquidity_pool.terms import BTC, ETH, MAX, market_config


def test_set_market_stores_and_tells(pool, owner):
    config = (1, 2, 3, 4, 5)
    receipt = pool.setMarket(ETH, config, sender=owner)
    assert tuple(event(receipt, "MarketSet", instrument=ETH).config) == config
    assert tuple(pool.marketConfig(ETH).config) == config
    assert pool.marketConfig(ETH).contributed == 0


def test_set_market_by_anyone_but_the_owner_reverts(pool, guardian):
    with reverts("OwnableUnauthorizedAccount", guardian):
        pool.setMarket(ETH, market_config(), sender=guardian)


@pytest.mark.parametrize("instrument", [2, 64, MAX])
def test_set_market_of_an_unknown_instrument_reverts(pool, owner, instrument):
    with reverts("UnknownMarket", instrument):
        pool.setMarket(instrument, market_config(), sender=owner)


@pytest.mark.parametrize(
    "place, name, bound",
    [(0, "spreadE6", 50_000), (1, "takerFeeE6", 50_000), (2, "makerFeeE6", 50_000), (3, "weightE6", 1_000_000)],
)
def test_set_market_beyond_a_bound_reverts_with_both_numbers(pool, owner, place, name, bound):
    pool.setMarket(BTC, market_config(weight=0), sender=owner)
    config = list(market_config())
    config[place] = bound
    pool.setMarket(ETH, tuple(config), sender=owner)
    config[place] = bound + 1
    with reverts("InvalidParameter", name, bound + 1, bound):
        pool.setMarket(ETH, tuple(config), sender=owner)


def test_set_market_whose_weights_sum_to_more_than_one_reverts(pool, owner):
    with reverts("InvalidParameter", "weightE6", 1_000_001, 1_000_000):
        pool.setMarket(ETH, market_config(weight=500_001), sender=owner)
