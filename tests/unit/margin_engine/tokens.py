"""Tokens that no standard world has, listed as collateral."""

from tests.world import COINS


def list_token(house, token, decimals):
    """As the next collateral, at the price of gold. Answers its id."""
    coin = house.engine.collateralCount()
    gold = [feed for _, feed in COINS.values()].index("GOLD")
    config = (token, 100_000, 500_000, gold, decimals, 10**30, 10**30)
    house.parameters.setCollateral(coin, config, sender=house.timelock)
    return coin
