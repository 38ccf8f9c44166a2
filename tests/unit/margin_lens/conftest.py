"""The protocol in the world of portfolios.py, three millions in its pool, and somebody else with money."""

import pytest

from plimsoll.chain.deployment import Deployment, Roles
from plimsoll.types import USDC
from tests.unit.margin_lens.portfolios import POOL_SUPPLY, WORLD, Stage


@pytest.fixture(scope="module")
def stage(chain, accounts, owner, guardian, treasury, lp, trader, maker):
    made = Deployment.deploy(chain, WORLD, Roles(accounts[10], owner, guardian, treasury))
    made.provide(lp, POOL_SUPPLY)
    made = Stage(made, trader, maker)
    for actor in (trader, maker):
        made.engine.setOperator(made.protocol.account(actor), made.pool, 1, sender=actor)
    made.deposit(maker, "USDC", 1_000_000 * USDC)
    return made


@pytest.fixture(scope="module")
def lens(stage):
    return stage.lens
