import pytest

from plimsoll.fixed_point import WAD
from tests.helpers import reverts
from tests.world import USDC

TERMS = {
    "target": 1_150_000 * 10**12,
    "keeperShareE6": 300_000,
    "keeperFloor": USDC,
    "keeperCap": USDC,
    "takerShareE6": 300_000,
}


@pytest.fixture
def deploy(house, chain):
    def do(**changed):
        return chain.deploy("LiquidationEngine", house.engine, house.pool, *(TERMS | changed).values())

    return do


@pytest.mark.parametrize(
    ("fits", "breaks", "error"),
    [
        ({"target": WAD + 1}, {"target": WAD}, ("target", WAD, 15 * 10**17)),
        ({"target": 15 * 10**17}, {"target": 15 * 10**17 + 1}, ("target", 15 * 10**17 + 1, 15 * 10**17)),
        ({"keeperShareE6": 10**6}, {"keeperShareE6": 10**6 + 1}, ("keeperShareE6", 10**6 + 1, 10**6)),
        ({"takerShareE6": 10**6}, {"takerShareE6": 10**6 + 1}, ("takerShareE6", 10**6 + 1, 10**6)),
        ({"keeperFloor": USDC}, {"keeperFloor": USDC + 1}, ("keeperFloor", USDC + 1, USDC)),
    ],
)
def test_constructor_at_a_bound_is_taken_and_beyond_it_reverts(deploy, fits, breaks, error):
    with reverts("InvalidParameter", *error):
        deploy(**breaks)
    deploy(**fits)


def test_constructor_terms_are_shown(house, liquidation):
    shown = (liquidation.TARGET(), liquidation.KEEPER_SHARE_E6(), liquidation.KEEPER_FLOOR(), liquidation.KEEPER_CAP())
    assert (*shown, liquidation.TAKER_SHARE_E6()) == house.terms
    assert (liquidation.ENGINE(), liquidation.POOL()) == (house.engine.address, house.pool.address)
