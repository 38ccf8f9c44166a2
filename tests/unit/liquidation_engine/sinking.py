"""Accounts brought below their line by a price, to within a unit of any equity; and what a liquidation must leave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from plimsoll import margin_math
from plimsoll.fixed_point import WAD
from plimsoll.model import liquidation_math, loss_math
from tests.world import COINS, FEEDS, NAMES, SIZE_SCALE, UNIT, USDC, House

# Whole units worth 2,000 to 40,000, so that every position is above its minimum at half its price.
LOTS = {name: {"SOL": 400, "MEME": 5_000}.get(name, 4) for name in NAMES}


@dataclass(frozen=True)
class Sinking:
    house: House
    owner: str
    other: int

    def account(self, sizes: Mapping[str, float], coins: Mapping[str, int] | None = None, sub: int = 0) -> int:
        """Positions and coins, with the cash that opening them needs and not a unit more."""
        house, coins = self.house, coins or {}
        account = house.open(self.owner, 0, sub, **coins)
        plenty = 10**8 * USDC
        house.deposit(account, plenty)
        house.trade(account, self.other, sizes)
        margin = house.judge(account, adding=True)
        limits = margin_math.backing(margin) - margin.initial, margin.collateral * 8 // 10 - margin_math.debt(margin)
        free = min(plenty, limits[0])
        house.engine.withdraw(account, house.usdc, free, self.owner, 0, sender=self.owner)
        return account

    def sink(self, account: int, feed: str, steps: int = 60, step: float = 0.99) -> None:
        """Moves the price of a feed, one step at a time, until the account is below its line."""
        price = self.house.mid(feed) / WAD
        for _ in range(steps):
            margin = self.house.judge(account)
            if margin_math.liquidatable(margin):
                return
            price *= step
            self.house.reprice(feed, price)
        raise AssertionError("it does not sink")


def portfolio(random, legs: int, coins: int) -> tuple[dict[str, float], dict[str, int]]:
    """So many positions, long and short, and so many coins that back a part of them. The first position is long ETH,
    larger than what hedges it: a fall of ETH sinks the account."""
    names = ["ETH", *random.sample(NAMES[1:], legs - 1)]
    sizes = {name: random.choice((-1, 1)) * LOTS[name] * random.choice((0.5, 1, 1.234567891)) for name in names}
    sizes["ETH"] = 25.0 * legs
    held = random.sample(list(COINS), coins)
    worth = {name: 2_500 * legs / max(1, coins) / FEEDS[feed][0] for name, (_, feed) in COINS.items()}
    amounts = {name: max(1, int(worth[name] * random.random() * 10 ** COINS[name][0])) for name in held}
    return {name: round(size * UNIT) / UNIT for name, size in sizes.items()}, amounts


def assert_health(before: margin_math.Snapshot, after: margin_math.Snapshot, outcome, target: int, due: int) -> None:
    """LIQ-2, LIQ-3."""
    was, now = margin_math.judge(before), margin_math.judge(after)
    assert now.equity >= 0, "LIQ-2"
    assert now.equity * was.maintenance >= was.equity * now.maintenance, "LIQ-2"
    if outcome.fraction == due:
        assert now.equity * WAD >= target * now.maintenance, "LIQ-2"
    left = {leg.instrument: abs(leg.size) for leg in after.legs}
    for leg in before.legs:
        closed = abs(leg.size) - left.get(leg.instrument, 0)
        most = -(-abs(leg.size) * outcome.fraction // WAD)
        if closed > most:
            remainder = margin_math.notional(abs(leg.size) - most, leg.mid, SIZE_SCALE)
            held_at_floor = margin_math.requirement(leg, abs(leg.size) - most, SIZE_SCALE) <= leg.floor
            assert closed == abs(leg.size) and (remainder < leg.min_notional or held_at_floor), "LIQ-3"


def planned(house: House, account: int, most: int = WAD, into_pool: bool = False) -> liquidation_math.Plan:
    snapshot = house.snapshot(account)
    tranches = [tranche(house, leg.instrument) for leg in snapshot.legs] if into_pool else ()
    return liquidation_math.plan(snapshot, house.terms, most, tranches)


def tranche(house: House, instrument: int) -> liquidation_math.Tranche:
    """The pool's, before it takes anything."""
    held = house.engine.position(house.pool.tranche(instrument), instrument).size
    return liquidation_math.Tranche(held, house.engine.instrumentConfig(instrument).funding.scale)


def charged(house: House, instrument: int, loss: int) -> int:
    """What the side that won pays of a loss at once, through its index, where nothing was charged this hour."""
    risk, market = house.engine.instrumentConfig(instrument).risk, house.engine.market(instrument)
    mid = house.mid(NAMES[instrument])
    room = loss_math.cap(risk.baseE6, risk.initialMultipleE6, mid, SIZE_SCALE)
    return loss_math.charge(loss, market.openInterest, room).paid
