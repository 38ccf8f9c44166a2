"""Random lives of the whole protocol: who does what is drawn, and now and then aimed at a line.

    scribe = Scribe(ModelVenue(small_world()))
    life = Life(scribe, Random("seed"), "falling")
    life.begin()
    life.live(120)                    # so many rules

The same rules are drawn by a pseudo-random generator (campaigns) or by Hypothesis (the state machine of the tests).
"""

from __future__ import annotations

from typing import Any

from plimsoll.errors import Reverted
from plimsoll.fuzz.governing import Governing
from plimsoll.fuzz.market import TRADERS
from plimsoll.fuzz.trading import UNITS
from plimsoll.types import (
    DAY,
    HOUR,
    USDC,
    WAD,
    CollateralSpec,
    DebtSpec,
    FeedSpec,
    GuardSpec,
    InstrumentSpec,
    MarketSpec,
    PoolSpec,
    TokenSpec,
    World,
)

START = 1_583_971_200  # 2020-03-12

# What each kind of life has more of. (A feed that is dead for long keeps all else still: few lives have one.)
MOODS: dict[str, dict[str, int]] = {
    "calm": {"wait": 20, "redeem": 8, "request_redeem": 6, "close": 12, "withdraw": 10, "withdraw_coin": 8},
    "falling": {"crash": 4, "trade": 40, "liquidate": 24, "bite": 14, "batch": 8},
    "borrowed": {"crash": 8, "trade": 40, "deposit_coin": 14, "absorb": 24, "auction": 18, "buy": 24},
    "thin": {"crash": 6, "trade": 40, "report": 20, "deleverage": 24, "absorb": 20, "drain": 10, "unfreeze": 4, "wait": 20},
    "dead": {"break_or_mend": 6, "observe": 10, "halt": 14, "settle_halted": 14, "wait": 24},
}
POOLS = {"calm": 2_000_000, "falling": 300_000, "borrowed": 300_000, "thin": 60_000, "dead": 500_000}


def small_world(start: int = START) -> World:
    """Two instruments, two collaterals, cramped: a small pool with strong funding, little insurance, feeds that go stale, a
    guard."""
    feed = dict(heartbeat=HOUR, grace=10 * 60)
    market = MarketSpec(weight_e6=500_000, cap=10_000_000 * USDC)
    common: dict[str, Any] = dict(max_velocity_e8=900_000_000, max_rate_e8=900_000_000, insurance=2_000 * USDC, market=market)
    common |= dict(cap_value=4_000_000 * USDC, cap_units=3_000, oi_threshold_e6=100_000, reaction_time=60)
    return World(
        start=start,
        feeds=(
            FeedSpec("ETH", 2_000 * WAD, **feed),
            FeedSpec("BTC", 40_000 * WAD, **feed),
            FeedSpec("USD", WAD, heartbeat=DAY, grace=HOUR),
        ),
        instruments=(
            InstrumentSpec("ETH", "ETH", scale=2_000, depth=2_000, **common),
            InstrumentSpec("BTC", "BTC", scale=120, depth=100, **common),
        ),
        collaterals=(
            CollateralSpec(TokenSpec("WETH", 18), "ETH", depth=500, cap=400),
            CollateralSpec(TokenSpec("WBTC", 8), "BTC", depth=25, cap=400),
        ),
        pool=PoolSpec(delay=HOUR),
        debt=DebtSpec(interest_e9=900_000_000),
        guard=GuardSpec("USD"),
    )


class Life(Governing):
    """One life."""

    @classmethod
    def rules(cls) -> dict[str, int]:
        """The weight of each rule, by name."""
        found = {name: getattr(getattr(cls, name), "weight", 0) for name in dir(cls)}
        return {name: weight for name, weight in found.items() if weight}

    def begin(self) -> None:
        """A provider fills the pool, and every trader enters."""
        supply = POOLS[self.mood] * USDC
        self.venue.give("lp", "USDC", supply)
        self.venue.provide("lp", supply)
        for name in self.instruments:
            self.venue.allocate("lp", name)
        for account in TRADERS:
            coins = self.rng.random() < (0.8 if self.mood == "borrowed" else 0.3)
            token = self.rng.choice(tuple(UNITS)) if coins else "USDC"
            amount = self.rng.choice((5, 20)) * UNITS[token] // (20 if token == "WBTC" else 1) if coins else 20_000 * USDC
            self.venue.give(account.actor, token, amount)
            self.venue.deposit(account.actor, account, token, amount)

    def live(self, rules: int) -> None:
        """So many rules, or until an invariant does not hold."""
        weights = {**self.rules(), **MOODS[self.mood]}
        for _ in range(rules):
            self.do(self.rng.choices(list(weights), list(weights.values()))[0])
            if self.venue.broken:
                return

    def do(self, name: str) -> None:
        """One rule; what the protocol refuses is noted and no matter."""
        self.venue.reach.rules[name] += 1
        try:
            getattr(self, name)()
        except Reverted:
            pass
