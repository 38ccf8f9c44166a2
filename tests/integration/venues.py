"""What the tests of the chain's venue share: the standard world with feeds that go stale, and two accounts in it."""

from dataclasses import replace

import pytest

from plimsoll.chain.deployment import Deployment
from plimsoll.chain.standard import standard_world
from plimsoll.chain.venue import ChainVenue
from plimsoll.types import HOUR, SIZE_UNIT, USDC, Account
from tests.integration.watched import Watched

START = 1_583_971_200  # 2020-03-12
ADA, BEN, KIM, LP = Account("ada"), Account("ben"), Account("kim"), Account("lp")
UNIT = SIZE_UNIT
WETH, WBTC = 10**18, 10**8
SUPPLY = 1_000_000 * USDC


def world_of(start):
    """The standard world with feeds that go stale after an hour and ten minutes."""
    world = standard_world(start)
    return replace(world, feeds=tuple(replace(feed, heartbeat=HOUR, grace=10 * 60) for feed in world.feeds))


@pytest.fixture(scope="module")
def deployment(chain):
    return Deployment.deploy(chain, world_of(START))


@pytest.fixture
def empty(chain, deployment):
    """As a scenario finds it; the chain's clock is years ahead of the world's."""
    return Watched(ChainVenue(chain, deployment.world, deployment))


@pytest.fixture
def venue(empty):
    """A million in the pool, ada and ben with 10,000 in their accounts."""
    empty.give("lp", "USDC", SUPPLY)
    empty.provide("lp", SUPPLY)
    for name in ("ETH", "BTC"):
        empty.allocate("lp", name)
    for account in (ADA, BEN):
        empty.give(account.actor, "USDC", 10_000 * USDC)
        empty.deposit(account.actor, account, "USDC", 10_000 * USDC)
    return empty
