"""Where an L2's sequencer is watched: nobody is liquidated, nothing sold, before its grace is over, however low the price."""

import pytest

from plimsoll.fixed_point import WAD
from tests.helpers import reverts
from tests.unit.margin_engine.bare import bare_engine
from tests.world import HOUR, USDC, item

DOWN, GRACE = 10, 11  # IPriceOracle.Fault


@pytest.fixture
def weak(chain, owner, lp, trader, maker):
    """A liquidation engine that looks at a margin engine of its own, and an account below its line there."""
    bare = bare_engine(chain, owner, lp)
    bare.list(owner)
    account, other = bare.open(trader, 1_836 * USDC), bare.open(maker, 100_000 * USDC)
    bare.trade(account, other, 10)
    bare.eth.push(1_900 * 10**8)
    terms = (1_150_000 * 10**12, 300_000, USDC, 1_000 * USDC, 300_000)
    liquidation = chain.deploy("LiquidationEngine", bare.engine, lp, *terms)
    return bare, liquidation, chain.deploy("AuctionHouse", bare.engine), account


def test_liquidation_while_the_sequencer_is_down_reverts(weak):
    bare, liquidation, auctions, account = weak
    assert liquidation.preview(account, WAD).outcome.fraction > 0
    bare.sequencer.push(1)
    for call in (
        lambda: liquidation.preview(account, WAD),
        lambda: liquidation.liquidate(item(account, 0, WAD)),
        lambda: liquidation.absorb(account, 0),
        lambda: auctions.startAuction(account),
        lambda: auctions.offer(account),
    ):
        with reverts("InvalidPrice", 0, DOWN, 1, 0):
            call()


def test_liquidation_waits_for_the_sequencers_grace(chain, weak):
    bare, liquidation, _, account = weak
    bare.sequencer.push(1)
    back = bare.sequencer.push(0).timestamp
    chain.set_next_time(back + HOUR - 1)
    with reverts("InvalidPrice", 0, GRACE, back, back - 1):
        liquidation.liquidate(item(account, 0, WAD))
    chain.set_next_time(back + HOUR)
    chain.mine()
    assert liquidation.preview(account, WAD).outcome.fraction > 0
