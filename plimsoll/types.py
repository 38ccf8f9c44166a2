"""The words of the protocol as Python data: the world a venue is built from, and what its verbs answer. (What it is asked
for is in state.py.)

Units, unless a field says otherwise:
- cash, quote, value, fee: settlement-token units (USDC: 1e-6), signed where owed
- token amount: the token's own units
- price, ratio, fraction: WAD (1e18); a price is the settlement value of one whole unit
- size: 1e-9 of one whole unit of the underlying, + is long
- `…_e6`, `…_e8`, `…_e9`: millionths, hundred-millionths, billionths; rates are per year
- time: unix seconds

Every number is an int; a float never enters.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

WAD = 10**18
SIZE_UNIT = 10**9  # size units in one whole unit of the underlying
USDC = 10**6
HOUR = 3_600
DAY = 86_400

# Constants of the contracts, seconds.
DELEVERAGE_DELAY = 10 * 60  # from a reported refusal until deleveraging opens
DELEVERAGE_WINDOW = DAY  # for which it stays open
LOSS_EPOCH = HOUR  # in which a side is charged a bounded part of a loss
HALT_GRACE = 6 * HOUR  # for which a feed must have been invalid, and one second more, before it may be halted
HALT_DELAY = DAY  # from a halt until it is final
NOTICE = 3 * DAY  # of a change that moves maintenance

POOL = "pool"  # the actor who owns the pool's accounts: sub 0 is idle cash, sub i + 1 backs instrument i
OWNER, GUARDIAN = "owner", "guardian"  # the actors who may change parameters: the timelock, and who only tightens
ENGINE = "engine"  # the escrow module of the margin engine


class Account(NamedTuple):
    """A margin account: an actor by name and one of its sub-accounts (0 … 2^96 − 1)."""

    actor: str
    sub: int = 0

    def __str__(self) -> str:
        return self.actor if self.sub == 0 else f"{self.actor}/{self.sub}"


# The world: what a venue is built from -----------------------------------------------------------------------------


class FeedFault(Enum):
    """How a feed can misbehave by what it answers. (A feed that only stops answering goes stale by itself.)"""

    REVERTS = "reverts"
    ZERO = "zero"
    NEGATIVE = "negative"
    OUT_OF_BOUNDS = "out_of_bounds"
    NEVER_UPDATED = "never_updated"
    FROM_THE_FUTURE = "from_the_future"
    INCOMPLETE_ROUND = "incomplete_round"


# IPriceOracle.Fault in its order: why a price is refused.
FAULTS = (
    *("None", "UnknownFeed", "CallFailed", "NotPositive", "OutOfBounds", "NeverUpdated", "FromTheFuture", "Stale"),
    *("IncompleteRound", "TooLarge", "SequencerDown", "SequencerGrace", "SecondaryFailed", "Deviates"),
)


@dataclass(frozen=True)
class FeedSpec:
    """A price feed. It answers when the price has moved by `deviation_e6` since its last answer (`delay` seconds
    later), and in any case every `heartbeat` seconds. lo and hi lie `max(deviation_e6, spread_e6)` off its answer."""

    name: str
    price: int
    decimals: int = 8
    deviation_e6: int = 20_000
    delay: int = 30
    heartbeat: int = HOUR
    grace: int = 10 * 60
    spread_e6: int = 0
    min_price: int = WAD // 1_000
    max_price: int = 10_000_000 * WAD

    @property
    def half_spread_e6(self) -> int:
        return max(self.deviation_e6, self.spread_e6)


@dataclass(frozen=True)
class TokenSpec:
    name: str
    decimals: int


@dataclass(frozen=True)
class CollateralSpec:
    """A token that counts as collateral. depth, cap: whole tokens; haircut = min(max, h₀ + amount / depth)."""

    token: TokenSpec
    feed: str
    haircut_e6: int = 100_000
    max_haircut_e6: int = 500_000
    depth: int = 1_000_000
    cap: int = 1_000_000

    @property
    def name(self) -> str:
        return self.token.name


@dataclass(frozen=True)
class MarketSpec:
    """How the pool quotes one instrument. weight_e6: share of its equity behind it; cap: settlement units."""

    spread_e6: int = 500
    taker_fee_e6: int = 500
    maker_fee_e6: int = 200
    weight_e6: int = 500_000
    cap: int = 1_000_000_000 * USDC


@dataclass(frozen=True)
class InstrumentSpec:
    """A perpetual. depth, cap_units, scale: whole units of the underlying; floor, cap_value, min_notional, insurance:
    settlement units.

    The defaults keep the listing rule: base ≥ feed spread + max_move + funding over reaction_time + penalty,
    penalty ≤ base / 2, floor ≥ 2 · keeper floor, min_notional · penalty · (1 − 1 / target) ≥ keeper floor.
    """

    name: str
    feed: str
    base_e6: int = 60_000
    slope_e6: int = 10_000
    depth: int = 50_000
    floor: int = 5 * USDC
    penalty_e6: int = 15_000
    initial_multiple_e6: int = 1_500_000
    cap_units: int = 1_000_000
    cap_value: int = 1_000_000_000 * USDC
    oi_threshold_e6: int = 800_000
    oi_slope_e6: int = 1_000_000
    min_notional: int = 1_000 * USDC
    scale: int = 1_000_000
    max_velocity_e8: int = 300_000_000
    max_rate_e8: int = 300_000_000
    insurance_share_e6: int = 200_000
    treasury_share_e6: int = 100_000
    max_move_e6: int = 20_000
    reaction_time: int = 10 * 60
    insurance: int = 0  # put into the instrument's fund before the first step
    market: MarketSpec = field(default_factory=MarketSpec)


@dataclass(frozen=True)
class PoolSpec:
    """delay: seconds from a request to redeem until it matures."""

    delay: int = DAY


@dataclass(frozen=True)
class LiquidationSpec:
    """target: health after a liquidation, WAD. Of the penalty the keeper gets its share (never less than the floor nor
    more than the cap, settlement units), the taker its share, the insurance fund the rest."""

    target: int = 1_150_000_000_000_000_000
    keeper_share_e6: int = 300_000
    keeper_floor: int = 1 * USDC
    keeper_cap: int = 1_000 * USDC
    taker_share_e6: int = 300_000


@dataclass(frozen=True)
class DebtSpec:
    """limit_e6 is λ (collateral is for sale above it), open_limit_e6 λ₀ (no new risk above it)."""

    limit_e6: int = 900_000
    open_limit_e6: int = 800_000
    interest_e9: int = 50_000_000


@dataclass(frozen=True)
class GuardSpec:
    """The depeg guard: outside 1 ± limit of the settlement token's own feed no risk is added and the pool takes no deposit."""

    feed: str
    limit_e6: int = 20_000


@dataclass(frozen=True)
class World:
    """All that a venue is built from. Order gives the ids. start: the time of the first verb. sequencer_grace: seconds, on a
    chain with a sequencer."""

    start: int
    feeds: tuple[FeedSpec, ...]
    instruments: tuple[InstrumentSpec, ...]
    collaterals: tuple[CollateralSpec, ...] = ()
    settlement: TokenSpec = TokenSpec("USDC", 6)
    pool: PoolSpec = PoolSpec()
    liquidation: LiquidationSpec = LiquidationSpec()
    debt: DebtSpec = DebtSpec()
    guard: GuardSpec | None = None
    sequencer_grace: int | None = None

    def feed(self, name: str) -> FeedSpec:
        return next(spec for spec in self.feeds if spec.name == name)

    def instrument(self, name: str) -> InstrumentSpec:
        return next(spec for spec in self.instruments if spec.name == name)

    def collateral(self, name: str) -> CollateralSpec:
        return next(spec for spec in self.collaterals if spec.name == name)

    def token(self, name: str) -> TokenSpec:
        """The settlement token or a collateral's."""
        return self.settlement if name == self.settlement.name else self.collateral(name).token

    def tranche(self, instrument: str) -> Account:
        """The pool's account that backs an instrument."""
        return Account(POOL, 1 + [spec.name for spec in self.instruments].index(instrument))


# What verbs answer -------------------------------------------------------------------------------------------------


class Fill(NamedTuple):
    """A trade: the account's change of quote, and the fee it paid on top."""

    quote: int
    fee: int


@dataclass(frozen=True)
class Outcome:
    """A liquidation, as ILiquidationEngine.Outcome. equity, maintenance: before it, at its own second. premium: what the pool
    asked beyond mid for being pushed off balance; keeper + taker + insurance + premium = penalty."""

    fraction: int
    penalty: int
    keeper_reward: int
    taker_reward: int
    insurance: int
    premium: int
    notional: int
    equity: int
    maintenance: int


class Absorption(NamedTuple):
    """An absorbed loss and who paid it: loss = insurance + taker + shared (by the side that won, or recorded as bad debt).
    reward: the absorber's, from insurance, on top."""

    loss: int
    insurance: int
    taker: int
    shared: int
    reward: int


class Purchase(NamedTuple):
    """Collateral bought at auction, token units, and what was paid, settlement units."""

    bought: int
    payment: int


class Offer(NamedTuple):
    """What an account's auction offers now: at which price of one whole token (WAD), and the most of it, token units."""

    collateral: str
    price: int
    most: int
