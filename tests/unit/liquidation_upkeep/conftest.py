"""The house, its pool as the taker of everything, an upkeep whose beneficiary is the treasury, and accounts that sink."""

import pytest

from plimsoll.chain.node import Contract
from tests.world import USDC, engine, house, long, short  # noqa: F401


@pytest.fixture(scope="package")
def upkeep(chain, house, treasury) -> Contract:  # noqa: F811
    return chain.deploy("LiquidationUpkeep", house.protocol.lens, treasury)


@pytest.fixture
def own(house, upkeep) -> int:  # noqa: F811
    """The upkeep's account, in which its rewards land."""
    return house.account(upkeep)


@pytest.fixture
def pool(house, lp):  # noqa: F811
    """Five million behind ETH, BTC and FUND."""
    house.provide(lp)
    return house.pool


@pytest.fixture
def crowd(house, trader, short):  # noqa: F811
    """Ten ETH bought at 2,000, now 1,900. By sub: 1 and 2 weak, 3 insolvent, 4 healthy; 5 has no position."""
    accounts = [
        house.open(trader, cash * USDC, sub) for sub, cash in ((1, 1_836), (2, 1_900), (3, 1_836), (4, 50_000), (5, 7))
    ]
    for account in accounts[:4]:
        house.trade(account, short, {"ETH": 10})
    house.reprice("ETH", 1_900)
    lost = 900 * USDC
    house.engine.seize(accounts[2], [], [(accounts[2], -lost), (short, lost)], [], [], sender=house.liquidator)
    assert house.judge(accounts[2]).equity == -64 * USDC
    return accounts
