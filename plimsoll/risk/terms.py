"""What judges every account: the terms of a deployment, which change rarely, and the marks of one moment.

    terms = Terms(6, (Instrument(feed=0, …), …), (Collateral(feed=1, …), …))       # by id
    marks = Marks.at(time, terms, {0: Price(2_000 * WAD)}, markets, interest)      # this block, or one that might come

All are plain numbers that a reader of a chain has: `of` takes the answers of the engine's instrumentConfig, collateralConfig and
market and of the oracle's feedConfig; prices are the oracle's peek(feed, true). The index of interest is in no view: Interest() and the chain's InterestSet events, in their order,
each `interest = interest.set(rateE9, its block's time)`, give it. Prices may be supposed ones, and the time that of the next block.

Units: as in plimsoll.types; `…_e6` millionths.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from plimsoll import funding_math, margin_math
from plimsoll.errors import RiskError
from plimsoll.funding_math import Funding
from plimsoll.interest_math import Interest

MILLIONTH = 10**12  # WAD in a millionth

__all__ = ["Collateral", "Feed", "Funding", "Instrument", "Interest", "Market", "Marks", "Price", "Terms"]


class Instrument(NamedTuple):
    """depth: size units. floor: settlement units. funding: (scale, maxVelocityE8, maxRateE8)."""

    feed: int
    base_e6: int
    slope_e6: int
    depth: int
    floor: int
    penalty_e6: int
    funding: Funding

    @classmethod
    def of(cls, told: Any) -> Instrument:
        """IMarginEngine.instrumentConfig"""
        risk, funding = told.risk, Funding(told.funding.scale, told.funding.maxVelocityE8, told.funding.maxRateE8)
        return cls(risk.feed, risk.baseE6, risk.slopeE6, risk.depth, risk.floor, risk.penaltyE6, funding)


class Collateral(NamedTuple):
    """depth: the token's units."""

    feed: int
    haircut_e6: int
    max_haircut_e6: int
    depth: int
    decimals: int

    @classmethod
    def of(cls, told: Any) -> Collateral:
        """IMarginEngine.collateralConfig"""
        return cls(told.feed, told.haircutE6, told.maxHaircutE6, told.depth, told.decimals)


class Feed(NamedTuple):
    """Bounds in the feed's decimals. Only liquidation prices ask for it."""

    decimals: int
    min_answer: int
    max_answer: int

    @classmethod
    def of(cls, told: Any) -> Feed:
        """IPriceOracle.feedConfig"""
        return cls(told.decimals, told.config.minAnswer, told.config.maxAnswer)


class Terms(NamedTuple):
    """By id. decimals: of the settlement token."""

    decimals: int
    instruments: Sequence[Instrument]
    collaterals: Sequence[Collateral] = ()
    feeds: Sequence[Feed] = ()

    @property
    def size_scale(self) -> int:
        return margin_math.size_scale(self.decimals)


class Price(NamedTuple):
    """WAD. halted_at: not 0 where it is the stand-in of a halted feed."""

    mid: int
    halted_at: int = 0


class Market(NamedTuple):
    """As stored at `time`. rate_e8: a year. skew: the opposite of what the pool's tranche holds in it, size units."""

    index_long: int
    index_short: int
    rate_e8: int
    time: int
    skew: int

    @classmethod
    def of(cls, told: Any, tranche_size: int) -> Market:
        """IMarginEngine.market, and the size of the position that the pool's tranche has in the instrument."""
        return cls(told.indexLong, told.indexShort, told.rateE8, told.time, -tranche_size)


class Marks(NamedTuple):
    """One moment. prices: by feed; one without a price, or with a stand-in that is not final, is left out, and while the sequencer
    is down or within its grace all are: whoever holds anything on it is not judged. indices: (long, short) by instrument."""

    time: int
    prices: Mapping[int, Price]
    indices: Sequence[tuple[int, int]]
    interest_index: int

    @classmethod
    def at(
        cls, time: int, terms: Terms, prices: Mapping[int, Price], markets: Sequence[Market], interest: Interest
    ) -> Marks:
        """With funding and interest brought to `time`. Raises RiskError where a market is from later, or is missing."""
        if len(markets) != len(terms.instruments):
            raise RiskError(f"{len(markets)} markets of {len(terms.instruments)} instruments: read both at one block")
        indices = [_accrued(time, terms, i, prices, market) for i, market in enumerate(markets)]
        return cls(time, prices, indices, interest.at(time))


def _accrued(time: int, terms: Terms, i: int, prices: Mapping[int, Price], market: Market) -> tuple[int, int]:
    if market.time > time:
        raise RiskError(f"instrument {i} was touched at {market.time}, {time} is before that: read the markets of its block")
    instrument = terms.instruments[i]
    stored = funding_math.Market(market.index_long, market.index_short, market.rate_e8, market.time)
    if instrument.feed not in prices:
        return stored.index_long, stored.index_short  # nobody in it is judged
    mid = prices[instrument.feed].mid
    now = funding_math.accrue(stored, instrument.funding, market.skew, mid, terms.size_scale, time)
    return now.index_long, now.index_short
