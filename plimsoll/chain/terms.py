"""A World in the contracts' own words: the one place where the units of `types` become those of the structs.

Each function answers a struct as a dict by the names of its Solidity fields. Whole units of an underlying become size
units (1e-9), whole tokens the token's own units, prices the feed's own decimals; all else is the same on both sides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eth_utils import keccak

from plimsoll.fixed_point import div_down
from plimsoll.types import (
    SIZE_UNIT,
    CollateralSpec,
    FeedSpec,
    InstrumentSpec,
    LiquidationSpec,
    MarketSpec,
    World,
)

Struct = dict[str, Any]

ZERO_ADDRESS = "0x" + "00" * 20
NO_FEED = 255  # Setup.settlementFeed: no depeg guard
PRICE_DECIMALS = 18


def account_id(owner: str, sub: int = 0) -> int:
    """Of a margin account: `uint256(uint160(owner)) << 96 | sub`"""
    return int(owner, 16) << 96 | sub


def role(name: str) -> bytes:
    """Of OpenZeppelin's AccessControl, by the name of its constant."""
    return keccak(text=name)


def answer(spec: FeedSpec, price: int) -> int:
    """A price (WAD) in the decimals of the feed, rounded down. (The oracle lists no feed with more than 18.)"""
    return div_down(price * 10**spec.decimals, 10**PRICE_DECIMALS)


def feed_config(spec: FeedSpec, aggregator: Any) -> Struct:
    """IPriceOracle.FeedConfig"""
    return {
        "aggregator": aggregator,
        "heartbeat": spec.heartbeat,
        "grace": spec.grace,
        "spreadE6": spec.half_spread_e6,
        "minAnswer": answer(spec, spec.min_price),
        "maxAnswer": answer(spec, spec.max_price),
        "secondary": ZERO_ADDRESS,
        "secondaryHeartbeat": 0,
        "maxDeviationE6": 0,
    }


def setup(world: World, addresses: Mapping[str, Any]) -> Struct:
    """IMarginTypes.Setup. addresses: its fields that are addresses."""
    guard = world.guard
    return {
        **addresses,
        "debtLimitE6": world.debt.limit_e6,
        "openDebtLimitE6": world.debt.open_limit_e6,
        "settlementFeed": NO_FEED if guard is None else [spec.name for spec in world.feeds].index(guard.feed),
        "depegLimitE6": 0 if guard is None else guard.limit_e6,
    }


def instrument_config(spec: InstrumentSpec, feed: int) -> Struct:
    """IParameters.InstrumentConfig"""
    return {
        "risk": {
            "baseE6": spec.base_e6,
            "slopeE6": spec.slope_e6,
            "depth": spec.depth * SIZE_UNIT,
            "floor": spec.floor,
            "penaltyE6": spec.penalty_e6,
            "feed": feed,
            "initialMultipleE6": spec.initial_multiple_e6,
            "listed": True,
            "reduceOnly": False,
        },
        "limits": {
            "capUnits": spec.cap_units * SIZE_UNIT,
            "capValue": spec.cap_value,
            "oiThresholdE6": spec.oi_threshold_e6,
            "oiSlopeE6": spec.oi_slope_e6,
            "minNotional": spec.min_notional,
        },
        "funding": {
            "scale": spec.scale * SIZE_UNIT,
            "maxVelocityE8": spec.max_velocity_e8,
            "maxRateE8": spec.max_rate_e8,
            "insuranceShareE6": spec.insurance_share_e6,
            "treasuryShareE6": spec.treasury_share_e6,
        },
        "maxMoveE6": spec.max_move_e6,
        "reactionTime": spec.reaction_time,
    }


def collateral_config(spec: CollateralSpec, token: Any, feed: int) -> Struct:
    """IMarginTypes.Collateral"""
    unit = 10**spec.token.decimals
    return {
        "token": token,
        "haircutE6": spec.haircut_e6,
        "maxHaircutE6": spec.max_haircut_e6,
        "feed": feed,
        "decimals": spec.token.decimals,
        "depth": spec.depth * unit,
        "cap": spec.cap * unit,
    }


def market_config(spec: MarketSpec) -> Struct:
    """ILiquidityPool.MarketConfig"""
    return {
        "spreadE6": spec.spread_e6,
        "takerFeeE6": spec.taker_fee_e6,
        "makerFeeE6": spec.maker_fee_e6,
        "weightE6": spec.weight_e6,
        "cap": spec.cap,
    }


def liquidation_terms(spec: LiquidationSpec) -> tuple[int, ...]:
    """The last arguments of LiquidationEngine's constructor."""
    return spec.target, spec.keeper_share_e6, spec.keeper_floor, spec.keeper_cap, spec.taker_share_e6
