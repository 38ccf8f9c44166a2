"""The house of tests/world.py with its pool and an account below its line; the venue of venues.py."""

import pytest

from tests.integration.venues import deployment, empty, venue  # noqa: F401
from tests.world import USDC, engine, house, long, short  # noqa: F401


@pytest.fixture
def pool(house, lp):  # noqa: F811
    """Five million behind ETH, BTC and FUND."""
    house.provide(lp)
    return house.pool


@pytest.fixture
def weak(house, trader, short):  # noqa: F811
    """Ten ETH bought at 2,000 with 1,836; at 1,900 equity 836, maintenance 1,140."""
    account = house.open(trader, 1_836 * USDC)
    house.trade(account, short, {"ETH": 10})
    house.reprice("ETH", 1_900)
    return account
