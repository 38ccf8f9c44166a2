"""The world of these tests, random accounts in it, and what is compared.

Four perpetuals on three feeds (two share ETH's), feeds of 6, 8 and 18 decimals, collateral on the same feeds, funding that
moves, requirements and haircuts that grow. Nothing is round.
"""

from random import Random

from plimsoll import margin_math
from plimsoll.chain.artifacts import decode_error
from plimsoll.chain.node import Chain
from plimsoll.errors import Reverted
from plimsoll.types import (
    DAY,
    SIZE_UNIT,
    USDC,
    WAD,
    CollateralSpec,
    FeedSpec,
    InstrumentSpec,
    LiquidationSpec,
    MarketSpec,
    TokenSpec,
    World,
)
from tests.helpers import isolated, plain

MAX = 2**256 - 1
ETH, ETH_TOO, BTC, SOL = range(4)
UNIT_PRICE = {ETH: 2_000, ETH_TOO: 2_000, BTC: 20_000, SOL: 25}
SPREADS = {"deviation_e6": 5_000, "heartbeat": 7 * DAY, "grace": DAY}
LIQUIDATION = LiquidationSpec(keeper_floor=1_200_000)
POOL_SUPPLY = 3_000_000 * USDC


def perpetual(name: str, feed: str, price: int, **terms) -> InstrumentSpec:
    """Room for about 20 million at its price."""
    most = 20_000_000 // price
    market = MarketSpec(spread_e6=300, taker_fee_e6=517, maker_fee_e6=211, weight_e6=240_000)
    sizes = {"depth": most // 2, "cap_units": most, "scale": 2 * most}
    crowding = {"oi_threshold_e6": 20_000, "oi_slope_e6": 2_000_000}
    return InstrumentSpec(name, feed, **{**sizes, **crowding, **terms}, market=market, insurance=1_000 * USDC)


WORLD = World(
    start=1_767_225_600,
    feeds=(
        FeedSpec("ETH", 2_000 * WAD, decimals=8, **SPREADS),
        FeedSpec("BTC", 20_000 * WAD, decimals=18, **SPREADS),
        FeedSpec("SOL", 25 * WAD, decimals=6, **SPREADS),
    ),
    instruments=(
        perpetual("ETH", "ETH", 2_000),
        perpetual("ETH too", "ETH", 2_000, base_e6=90_000, slope_e6=130_000, penalty_e6=11_111),
        perpetual("BTC", "BTC", 20_000, floor=301 * USDC, base_e6=70_001),
        perpetual("SOL", "SOL", 25, initial_multiple_e6=1_300_001, min_notional=77 * USDC * 1_000),
    ),
    collaterals=(
        CollateralSpec(TokenSpec("WETH", 18), "ETH", depth=3_001, haircut_e6=70_000),
        CollateralSpec(TokenSpec("WBTC", 8), "BTC", depth=301, haircut_e6=50_000, max_haircut_e6=520_000),
        CollateralSpec(TokenSpec("SOLT", 9), "SOL", depth=70_001, haircut_e6=150_000),
    ),
    liquidation=LIQUIDATION,
)
WHOLE = {"WETH": 10**18, "WBTC": 10**8, "SOLT": 10**9}


class Stage:
    """A deployment of WORLD, and what a test does on it in one line. Every transaction is in the second of the last look."""

    def __init__(self, protocol, trader: str, maker: str) -> None:
        self.protocol, self.chain = protocol, protocol.chain
        self.engine, self.pool, self.lens = protocol.engine, protocol.pool, protocol.lens
        self.trader, self.maker = trader, maker
        self.account, self.other = protocol.account(trader), protocol.account(maker)

    def now(self, contract, fn: str, *args, sender=None):
        """Sends in the second that views see now."""
        self.chain.set_next_time(self.chain.now)
        return getattr(contract, fn)(*args, sender=sender)

    def deposit(self, owner: str, token: str, amount: int, account: int | None = None) -> None:
        self.protocol.give(owner, token, amount)
        contract = self.protocol.tokens[token]
        contract.approve(self.engine, MAX, sender=owner)
        self.engine.deposit(account or self.protocol.account(owner), contract, amount, 0, sender=owner)

    def trade(self, instrument: int, size: int, owner: str | None = None):
        owner = owner or self.trader
        limit = MAX if size > 0 else 0
        return self.now(self.pool, "trade", self.protocol.account(owner), instrument, size, limit, MAX, sender=owner)

    def reprice(self, feed: str, factor: float) -> None:
        """The feed answers about factor times its last answer: any unit of its own decimals."""
        aggregator = self.protocol.feeds[feed]
        answer = int(aggregator.latestRoundData()[1] * factor)
        aggregator.push(max(answer, 1), sender=self.protocol.roles.deployer)

    def answer(self, feed: str, price: int):
        """The feed answers this price (WAD) in the second that views see now."""
        unit = 10 ** (18 - WORLD.feed(feed).decimals)
        assert price % unit == 0
        return self.now(self.protocol.feeds[feed], "push", price // unit, sender=self.protocol.roles.deployer)

    def take(self, amount: int) -> None:
        """Moves cash of the account to somebody else, as only the liquidation engine may, in this second."""
        insider = self.chain.impersonate(self.protocol.liquidation)
        self.chain.rpc("anvil_setBalance", insider, hex(WAD))
        entries = [(self.account, -amount), (self.other, amount)]
        self.now(self.engine, "seize", self.account, [], entries, [], [], sender=insider)

    def sell_out(self) -> None:
        """Makes an estate of the account: a fall takes all it has and more, it is absorbed, and its WETH is left."""
        self.deposit(self.trader, "WETH", 100 * 10**18)
        self.deposit(self.trader, "USDC", 10_000 * USDC)
        self.trade(BTC, 60 * SIZE_UNIT)
        self.answer("BTC", 16_000 * WAD)
        self.now(self.protocol.liquidation, "absorb", self.account, 0, sender=self.maker)
        assert self.engine.estateOf(self.account).forgiven > 0

    def to_the_line(self, gap: int) -> None:
        """Leaves the account with E = M + gap, to the unit."""
        margin = self.margin()
        self.take(margin.equity - margin.maintenance - gap)

    def standing(self, account: int | None = None):
        report = self.lens.reports([account or self.account])[0]
        assert report.valid, decode_error(report.fault)
        return report.standing

    def snapshot(self, account: int | None = None) -> margin_math.Snapshot:
        """The account as the engine loads it, as the model's."""
        return model_snapshot(self.engine.load(account or self.account, 0, [], False)[0])

    def margin(self, account: int | None = None) -> margin_math.Margin:
        return margin_math.judge(self.snapshot(account))

    def populate(self, rng: Random) -> None:
        """A random book: collateral, positions of both sides, others in the market, realised losses, days of funding,
        prices that moved."""
        cash = rng.choice([0, 0, rng.randrange(1, 10**9), rng.randrange(10**9, 10**12)])
        if cash:
            self.deposit(self.trader, "USDC", cash)
        for token in rng.sample(sorted(WHOLE), rng.randrange(4)):
            worth = rng.randrange(1_000, 600_000) * WAD // WORLD.feed(WORLD.collateral(token).feed).price
            self.deposit(self.trader, token, worth * WHOLE[token] + rng.randrange(WHOLE[token]))
        for _ in range(2):
            self.trade_somehow(rng, self.maker, 1_000_000 * USDC)
        for _ in range(rng.randrange(8)):
            capital = max(self.standing().backing, 10**8)
            self.trade_somehow(rng, self.trader, capital * 12)
            if rng.random() < 0.4:
                self.drift(rng, 0.05)
        self.drift(rng, rng.choice([0, 0.02, 0.1, 0.3]))

    def trade_somehow(self, rng: Random, owner: str, most: int) -> None:
        """As much of something as is let through, up to about `most` (settlement units)."""
        instrument, side = rng.randrange(4), rng.choice([-1, 1])
        units = rng.randrange(1, max(most * SIZE_UNIT // (UNIT_PRICE[instrument] * USDC), 2))
        for _ in range(4):
            try:
                self.trade(instrument, side * units, owner)
                return
            except Reverted:
                units = units // 2 + 1

    def drift(self, rng: Random, most: float) -> None:
        """Time passes, prices move by `most` of theirs at the most."""
        self.chain.advance(rng.choice([0, 1, 3_600, rng.randrange(DAY)]))
        for feed in ("ETH", "BTC", "SOL"):
            if most and rng.random() < 0.7:
                self.reprice(feed, rng.uniform(1 - most, 1 + most))


def stand_in(chain: Chain, contract, name: str, *args) -> None:
    """From now on `contract` is the code of another deployment with these arguments, on its own storage."""
    other = chain.deploy(name, *args)
    chain.rpc("anvil_setCode", contract.address, chain.rpc("eth_getCode", other.address, "latest"))


def model_snapshot(loaded) -> margin_math.Snapshot:
    """The model's, from the struct."""
    legs = tuple(margin_math.Leg(*leg) for leg in loaded.legs)
    coins = tuple(margin_math.Coin(*coin) for coin in loaded.coins)
    return margin_math.Snapshot(loaded.account, loaded.cash, loaded.interest, loaded.sizeScale, legs, coins)


def attempt(chain: Chain, verb, *views):
    """(what the verb returns or the Reverted, the views' answers after it where it did not), undone."""
    with isolated(chain):
        try:
            done = verb()
        except Reverted as reverted:
            return reverted, ()
        return done, tuple(view() for view in views)


def same_refusal(reason: bytes, reverted: Reverted) -> bool:
    """The preview's revert data is the error that execution gave."""
    told = decode_error(reason)
    return (told.name, plain(told.args)) == (reverted.name, plain(reverted.args))
