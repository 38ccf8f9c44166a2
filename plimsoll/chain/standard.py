"""The standard world: what scripts/deploy.py deploys and what tests share that need no world of their own.

Feeds have the longest heartbeat that the oracle lists, so that a test or a console may let days pass; a world in which
staleness matters states its own.
"""

from __future__ import annotations

from plimsoll.types import DAY, USDC, WAD, CollateralSpec, FeedSpec, InstrumentSpec, MarketSpec, TokenSpec, World

START = 1_767_225_600  # 2026-01-01
HEARTBEAT, GRACE = 7 * DAY, DAY
INSURANCE = 50_000 * USDC
POOL_SUPPLY = 2_000_000 * USDC  # what a test's provider puts into the pool


def standard_world(start: int = START) -> World:
    """ETH at 2,000 and BTC at 40,000 as perpetuals, WETH and WBTC as collateral, USDC to settle in."""
    eth = FeedSpec("ETH", 2_000 * WAD, heartbeat=HEARTBEAT, grace=GRACE)
    btc = FeedSpec("BTC", 40_000 * WAD, heartbeat=HEARTBEAT, grace=GRACE)
    market = MarketSpec(weight_e6=500_000, cap=10_000_000 * USDC)
    return World(
        start=start,
        feeds=(eth, btc),
        instruments=(
            InstrumentSpec("ETH", "ETH", depth=20_000, scale=100_000, insurance=INSURANCE, market=market),
            InstrumentSpec("BTC", "BTC", depth=1_000, scale=5_000, insurance=INSURANCE, market=market),
        ),
        collaterals=(
            CollateralSpec(TokenSpec("WETH", 18), "ETH", depth=50_000, cap=100_000),
            CollateralSpec(TokenSpec("WBTC", 8), "BTC", depth=2_500, cap=5_000),
        ),
    )
