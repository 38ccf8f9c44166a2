"""The house in which the unit tests of the margin engine, its parameters and the liquidation engine live.

Seventeen instruments and nine collaterals, one more of each than an account may hold; feeds and tokens of many decimals;
no funding but in "FUND", no interest, no fees but those a test names: numbers stay round, and time changes nothing unless
a test says so. Trades go through a venue that fills at whatever it is told. `judge` is the executable specification's
verdict on an account as the engine shows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pytest

from plimsoll import margin_math
from plimsoll.chain.deployment import Deployment, Roles
from plimsoll.chain.node import Chain, Contract, Receipt
from plimsoll.fixed_point import WAD, mul_div_down
from plimsoll.margin_math import Coin, Leg, Margin, Snapshot
from plimsoll.model import liquidation_math
from plimsoll.types import CollateralSpec, DebtSpec, FeedSpec, InstrumentSpec, MarketSpec, TokenSpec, World

USDC = 10**6
UNIT = 10**9
MAX = 2**256 - 1
NO_INSTRUMENT = 2**64 - 1  # of a loss that no side owes
DAY = 86_400
HOUR = 3_600
MAY_TRADE, MAY_WITHDRAW = 1, 2
NO_INSTRUMENT = 2**64 - 1
ZERO = "0x" + "00" * 20
SIZE_SCALE = 10**21
SUPPLY = 5_000_000 * USDC  # what the provider puts into the pool

FEEDS = {"ETH": (2_000, 8), "BTC": (40_000, 8), "SOL": (20, 18), "GOLD": (1_800, 0), "MEME": (1, 3)}
COINS = {
    "WETH": (18, "ETH"),
    "WBTC": (8, "BTC"),
    "WSOL": (9, "SOL"),
    "BAR": (0, "GOLD"),
    "MEME": (6, "MEME"),
    "STETH": (12, "ETH"),
    "TBTC": (18, "BTC"),
    "GRAM": (3, "GOLD"),
    "DOG": (2, "MEME"),
}
NAMES = ("ETH", "BTC", "SOL", "GOLD", "MEME", "FUND", *(f"ETH{i}" for i in range(6, 17)))


def the_world(start: int) -> World:
    quiet = {"max_velocity_e8": 0, "max_rate_e8": 0, "slope_e6": 0}
    loud = {"scale": 1_000, "slope_e6": 0}

    def instrument(i: int, name: str) -> InstrumentSpec:
        feed = name if name in FEEDS else "ETH"
        market = MarketSpec(0, 0, 0, 300_000 if i < 2 else 100_000 if name == "FUND" else 0)
        return InstrumentSpec(name, feed, market=market, **(loud if name == "FUND" else quiet))

    return World(
        start=start,
        feeds=tuple(
            FeedSpec(name, price * WAD, decimals, heartbeat=7 * DAY, grace=DAY)
            for name, (price, decimals) in FEEDS.items()
        ),
        instruments=tuple(instrument(i, name) for i, name in enumerate(NAMES)),
        collaterals=tuple(
            CollateralSpec(TokenSpec(name, decimals), feed, depth=10_000) for name, (decimals, feed) in COINS.items()
        ),
        debt=DebtSpec(interest_e9=0),
    )


@dataclass(frozen=True)
class House:
    """The protocol, a venue, and short words for what tests do with them."""

    protocol: Deployment
    venue: Contract

    @property
    def chain(self) -> Chain:
        return self.protocol.chain

    @property
    def engine(self) -> Contract:
        return self.protocol.engine

    @property
    def liquidation(self) -> Contract:
        return self.protocol.liquidation

    @property
    def parameters(self) -> Contract:
        return self.protocol.parameters

    @property
    def pool(self) -> Contract:
        return self.protocol.pool

    @property
    def usdc(self) -> Contract:
        return self.protocol.settlement

    @cached_property
    def timelock(self) -> str:
        """Whoever owns everything, ready to send."""
        return self.chain.impersonate(self.protocol.timelock)

    @cached_property
    def liquidator(self) -> str:
        """The liquidation engine itself, ready to send."""
        return self.chain.impersonate(self.liquidation)

    @cached_property
    def parameters_sender(self) -> str:
        """The Parameters contract itself, ready to send."""
        return self.chain.impersonate(self.parameters)

    @cached_property
    def auctioneer(self) -> str:
        """The auction house itself, ready to send."""
        return self.chain.impersonate(self.protocol.auctions)

    # accounts and money

    def account(self, owner: str, sub: int = 0) -> int:
        return self.protocol.account(owner, sub)

    def owner(self, account: int) -> str:
        return f"0x{account >> 96:040x}"

    def token(self, name: str) -> Contract:
        return self.protocol.tokens[name]

    def id(self, name: str) -> int:
        return NAMES.index(name)

    def coin_id(self, name: str) -> int:
        return list(COINS).index(name)

    def give(self, actor: str, token: str, amount: int) -> None:
        """Mints, and the engine may take it."""
        self.token(token).mint(actor, amount)
        self.token(token).approve(self.engine, MAX, sender=actor)

    def deposit(self, account: int, amount: int, token: str = "USDC", sender: str | None = None) -> Receipt:
        """From the owner's hands, unless another sender is named."""
        sender = sender or self.owner(account)
        self.give(sender, token, amount)
        return self.engine.deposit(account, self.token(token), amount, 0, sender=sender)

    def open(self, owner: str, cash: int = 0, sub: int = 0, **coins: int) -> int:
        """An account that the venue may trade for, with cash and coins in it (all in the tokens' own units)."""
        account = self.account(owner, sub)
        self.engine.setOperator(account, self.venue, MAY_TRADE, sender=owner)
        for token, amount in {"USDC": cash, **coins}.items():
            if amount:
                self.deposit(account, amount, token)
        return account

    def cash(self, account: int) -> int:
        return self.engine.accountState(account).cash

    def position(self, account: int, name: str) -> tuple[int, int]:
        held = self.engine.position(account, self.id(name))
        return held.size, held.quote

    def insure(self, name: str, amount: int, payer: str) -> None:
        self.give(payer, "USDC", amount)
        self.engine.fund(self.id(name), amount, sender=payer)

    def owe(self, account: int, amount: int, instrument: int = NO_INSTRUMENT, long: bool = False, mid: int = 0) -> Receipt:
        """A loss of `amount` that nobody pays: the account has it as cash, and one side (or none) owes it."""
        loss = (instrument, long, amount, mid)
        return self.engine.seize(account, [], [(account, amount)], [], [loss], sender=self.liquidator)

    def provide(self, provider: str, amount: int = SUPPLY) -> None:
        """The pool backs ETH, BTC and FUND."""
        self.give(provider, "USDC", amount)
        self.usdc.approve(self.pool, amount, sender=provider)
        self.pool.deposit(amount, provider, sender=provider)
        for name in ("ETH", "BTC", "FUND"):
            self.pool.allocate(self.id(name), sender=provider)

    # prices and trades

    def mid(self, name: str) -> int:
        """WAD"""
        feed = name if name in FEEDS else "ETH"
        return self.protocol.feeds[feed].latestRoundData()[1] * 10 ** (18 - FEEDS[feed][1])

    def reprice(self, feed: str, price: float) -> None:
        """In settlement units of one whole unit, e.g. 1_999.5."""
        self.protocol.feeds[feed].push(round(price * 10 ** FEEDS[feed][1]))

    def at_mid(self, name: str, size: int) -> int:
        """The taker's change of quote for a fill at mid."""
        return mul_div_down(-size, self.mid(name), SIZE_SCALE)

    def trade(
        self,
        taker: int,
        maker: int,
        sizes: Mapping[str, float],
        quotes: list[int] | None = None,
        fees: list[int] | None = None,
    ) -> Receipt:
        """sizes: whole units by instrument, + for what the taker buys. At mid and without fees unless they are named."""
        fills = [(self.id(name), round(units * UNIT)) for name, units in sizes.items()]
        if quotes is None:
            quotes = [self.at_mid(name, round(units * UNIT)) for name, units in sizes.items()]
        return self.venue.trade(taker, maker, fills, quotes, fees or [0] * len(fills), sender=self.chain.accounts[0])

    # verdicts

    def snapshot(self, account: int) -> Snapshot:
        """The account as the engine shows it, in the model's words."""
        shown = self.engine.load(account, 0, [], False).snapshot
        legs = tuple(Leg(*leg) for leg in shown.legs)
        coins = tuple(Coin(*coin) for coin in shown.coins)
        return Snapshot(shown.account, shown.cash, shown.interest, shown.sizeScale, legs, coins)

    def judge(self, account: int, adding: bool = False) -> Margin:
        return margin_math.judge(self.snapshot(account), adding)

    @cached_property
    def terms(self) -> liquidation_math.Terms:
        """Of the liquidation engine."""
        spec = self.protocol.world.liquidation
        return liquidation_math.Terms(
            spec.target, spec.keeper_share_e6, spec.keeper_floor, spec.keeper_cap, spec.taker_share_e6
        )

    def bring_equity(self, account: int, equity: int) -> None:
        """Anyone tops the account up until its equity is this. It must be at most that now."""
        short = equity - self.judge(account).equity
        assert short >= 0, f"equity is {-short} too high already"
        if short:
            self.deposit(account, short, sender=self.chain.accounts[9])


def item(account: int, taker: int = 0, most: int = WAD, least: int = 0, nonce: int = MAX) -> tuple[int, ...]:
    """ILiquidationEngine.Item: to the pool, all that is due, whatever the nonce, unless something else is named."""
    return account, taker, most, least, nonce


@pytest.fixture(scope="session")
def house(chain, owner, guardian, treasury) -> House:
    protocol = Deployment.deploy(chain, the_world(chain.now), Roles(owner, owner, guardian, treasury))
    return House(protocol, chain.deploy("MockVenue", protocol.engine))


@pytest.fixture(scope="session")
def engine(house) -> Any:
    return house.engine


@pytest.fixture
def long(house, trader) -> int:
    """The trader's account, 100,000 in cash: to buy with."""
    return house.open(trader, 100_000 * USDC)


@pytest.fixture
def short(house, maker) -> int:
    """The maker's account, ten million in cash: it takes the other side of everything."""
    return house.open(maker, 10_000_000 * USDC)
