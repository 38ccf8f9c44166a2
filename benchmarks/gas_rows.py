"""The rows of the gas table: a stage that every row starts from, and what each row does on it.

A row prepares what it needs, sends the transaction that it is about, and answers its gas. It raises Unmeasured when that
transaction did something else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from plimsoll.chain.deployment import Deployment
from plimsoll.chain.node import Chain, Contract
from plimsoll.chain.packages import RealFeed
from plimsoll.chain.receipt import Receipt
from plimsoll.types import DAY, SIZE_UNIT, USDC, WAD, CollateralSpec, FeedSpec, InstrumentSpec, TokenSpec, World

START = 1_583_971_200
BASE, ZERO_BYTE, OTHER_BYTE = 21_000, 4, 16
PRICE, ENDLESS = 2_000, 2**256 - 1
UNBOUNDED = {"min_price": WAD // 10**8, "max_price": 2**128 * WAD}  # as Chainlink's present aggregators state
WORLD = World(
    start=START,
    feeds=(FeedSpec("ETH", PRICE * WAD, **UNBOUNDED),),
    instruments=(InstrumentSpec("ETH-PERP", "ETH", insurance=1_000_000 * USDC),),
    collaterals=(CollateralSpec(TokenSpec("WETH", 18), "ETH"),),
)
LARGE, SMALL = 10 * SIZE_UNIT, 7 * SIZE_UNIT // 10  # in part; whole, since what is left would be below the minimum
THIN_E6 = 107_000  # what a trader about to be liquidated deposits, of the notional
BELOW_LINE, BELOW_ZERO = PRICE * 934 // 1_000, PRICE * 88 // 100


class Unmeasured(Exception):
    """The transaction did something else than what its row is about."""


def expect(what: str, happened: bool) -> None:
    if not happened:
        raise Unmeasured(f"this did not happen: {what}")


class Stage:
    """A deployed protocol, a funded pool, markets with longs and shorts, a keeper who has earned before, and a trader
    with tokens in his wallet. `sub` is one of the trader's accounts. Prices are whole. real: behind Chainlink's proxies lie
    Chainlink's aggregators."""

    def __init__(self, chain: Chain, world: World = WORLD, real: bool = False) -> None:
        self.real = {spec.name: _real_feed(chain, spec) for spec in world.feeds} if real else {}
        given = {f"proxy {name}": feed.proxy.address for name, feed in self.real.items()}
        self.chain, self.protocol = chain, Deployment.deploy(chain, world, given=given)
        self.engine, self.pool, self.usdc = self.protocol.engine, self.protocol.pool, self.protocol.settlement
        self.liquidation, self.lens = self.protocol.liquidation, self.protocol.lens
        self.trader, self.keeper, self.lp, self.bull, self.bear = chain.accounts[4:9]
        for who in (self.trader, self.keeper, self.lp, self.bull, self.bear):
            self._fill_wallet(who)
        self.pool.deposit(10_000_000 * USDC, self.lp, sender=self.lp)
        self.deposit(0, 1_000 * USDC, self.keeper)
        for coin in world.collaterals:
            self.deposit(1, 10 * WAD, self.bull, self.protocol.tokens[coin.name])
        for instrument, spec in enumerate(world.instruments):
            self.pool.allocate(instrument, sender=self.lp)
            for who, size in ((self.bull, 300 * SIZE_UNIT), (self.bear, -100 * SIZE_UNIT)):
                self.fund(0, 200_000 * USDC, who)
                self.trade(0, size, who, instrument)
            self.move_price(PRICE, spec.feed)

    def _fill_wallet(self, who: str) -> None:
        for token in self.protocol.tokens.values():
            token.mint(who, 10**9 * 10 ** token.decimals(), sender=self.protocol.roles.deployer)
            for spender in (self.engine, self.pool):
                token.approve(spender, ENDLESS, sender=who)

    def account(self, sub: int, who: str | None = None) -> int:
        return self.protocol.account(who or self.trader, sub)

    def size(self, sub: int) -> int:
        return self.engine.position(self.account(sub), 0).size

    def deposit(self, sub: int, amount: int, who: str | None = None, token: Contract | None = None) -> Receipt:
        who = who or self.trader
        return self.engine.deposit(self.account(sub, who), token or self.usdc, amount, 0, sender=who)

    def authorise(self, sub: int, who: str | None = None) -> Receipt:
        return self.engine.setOperator(self.account(sub, who), self.pool, 1, sender=who or self.trader)

    def fund(self, sub: int, amount: int, who: str | None = None) -> None:
        self.deposit(sub, amount, who)
        self.authorise(sub, who)

    def trade(self, sub: int, size: int, who: str | None = None, instrument: int = 0) -> Receipt:
        limit = PRICE * WAD * (11 if size > 0 else 5) // 10
        account, deadline = self.account(sub, who), self.chain.now + 600
        return self.pool.trade(account, instrument, size, limit, deadline, sender=who or self.trader)

    def withdraw(self, sub: int, amount: int) -> Receipt:
        return self.engine.withdraw(self.account(sub), self.usdc, amount, self.trader, 0, sender=self.trader)

    def move_price(self, price: int, feed: str = "ETH") -> None:
        if feed in self.real:
            self.real[feed].answer(price * 10 ** self.protocol.world.feed(feed).decimals)
        else:
            self.protocol.set_price(feed, price * WAD)

    def open_thin(self, size: int, subs: Iterable[int] = (0,)) -> None:
        """Accounts that `BELOW_LINE` makes liquidatable, and `BELOW_ZERO` insolvent."""
        for sub in subs:
            self.fund(sub, abs(size) * PRICE * USDC // SIZE_UNIT * THIN_E6 // 10**6)
            self.trade(sub, size)

    def item(self, sub: int) -> tuple[int, ...]:
        """All that is due, to the pool, whatever the nonce."""
        return self.account(sub), 0, WAD, 0, ENDLESS

    def liquidate(self, sub: int, whole: bool) -> int:
        receipt = self.liquidation.liquidate(self.item(sub), sender=self.keeper)
        expect("closed whole" if whole else "closed in part", (self.size(sub) == 0) == whole)
        return receipt.gas_used

    def liquidate_many(self, count: int, size: int, whole: bool) -> int:
        """Gas for each, rounded up."""
        self.open_thin(size, range(count))
        self.move_price(BELOW_LINE)
        items = [self.item(sub) for sub in range(count)]
        receipt = self.liquidation.liquidateMany(items, sender=self.keeper)
        expect(f"{count} accounts liquidated", len(receipt.events_named("Liquidated")) == count)
        expect("all closed alike", all((self.size(sub) == 0) == whole for sub in range(count)))
        return -(-receipt.gas_used // count)

    def look(self, contract: Contract, fn: str, *args: Any) -> int:
        """What a view costs its caller, once that has reached the contract."""
        data = contract.encode(fn, *args)
        return self.chain.send(contract.address, data, self.keeper).gas_used - intrinsic(data)


def _real_feed(chain: Chain, spec: FeedSpec) -> RealFeed:
    """Its bounds are those of `UNBOUNDED`."""
    return RealFeed.deploy(chain, f"{spec.name} / USD", PRICE * 10**spec.decimals, low=1, high=2**128, decimals=spec.decimals)


def intrinsic(data: str) -> int:
    """What a transaction costs before it does anything."""
    return BASE + sum(OTHER_BYTE if byte else ZERO_BYTE for byte in bytes.fromhex(data[2:]))


# The rows ----------------------------------------------------------------------------------------------------------

Row = Callable[[Stage], int]
ROWS: dict[str, Row] = {}


def row(name: str) -> Callable[[Row], Row]:
    def enter(measured: Row) -> Row:
        ROWS[name] = measured
        return measured

    return enter


@row("deposit, first")
def _(stage: Stage) -> int:
    return stage.deposit(0, 10_000 * USDC).gas_used


@row("deposit, again")
def _(stage: Stage) -> int:
    stage.deposit(0, 10_000 * USDC)
    return stage.deposit(0, 10_000 * USDC).gas_used


@row("open")
def _(stage: Stage) -> int:
    stage.fund(0, 10_000 * USDC)
    return stage.trade(0, LARGE).gas_used


def _trade_again(size: int) -> Row:
    def measured(stage: Stage) -> int:
        stage.fund(0, 10_000 * USDC)
        stage.trade(0, LARGE)
        gas = stage.trade(0, size).gas_used
        expect("the position is what is due", stage.size(0) == LARGE + size)
        return gas

    return measured


row("increase")(_trade_again(LARGE // 2))
row("reduce")(_trade_again(-LARGE // 2))
row("close")(_trade_again(-LARGE))


@row("withdraw, position open")
def _(stage: Stage) -> int:
    stage.fund(0, 10_000 * USDC)
    stage.trade(0, LARGE)
    return stage.withdraw(0, 1_000 * USDC).gas_used


@row("withdraw, flat")
def _(stage: Stage) -> int:
    stage.deposit(0, 10_000 * USDC)
    return stage.withdraw(0, 1_000 * USDC).gas_used


@row("liquidate, whole")
def _(stage: Stage) -> int:
    stage.open_thin(SMALL)
    stage.move_price(BELOW_LINE)
    return stage.liquidate(0, whole=True)


@row("liquidate, partial")
def _(stage: Stage) -> int:
    stage.open_thin(LARGE)
    stage.move_price(BELOW_LINE)
    return stage.liquidate(0, whole=False)


row("liquidate, batch of 10, each")(lambda stage: stage.liquidate_many(10, SMALL, whole=True))
row("liquidate, batch of 100, each")(lambda stage: stage.liquidate_many(100, SMALL, whole=True))


@row("health view")
def _(stage: Stage) -> int:
    stage.open_thin(LARGE)
    return stage.look(stage.lens, "liquidatable", [stage.account(0)])


# Further rows, without a budget


@row("report view, everything about an account")
def _(stage: Stage) -> int:
    stage.open_thin(LARGE)
    return stage.look(stage.lens, "reports", [stage.account(0)])


@row("authorise the pool, once an account")
def _(stage: Stage) -> int:
    return stage.authorise(0).gas_used


@row("open, bringing the pool back to balance")
def _(stage: Stage) -> int:
    stage.fund(0, 10_000 * USDC)
    return stage.trade(0, -LARGE).gas_used


@row("liquidate, whole, the pool adding risk")
def _(stage: Stage) -> int:
    stage.open_thin(-SMALL)
    stage.move_price(2 * PRICE - BELOW_LINE)
    return stage.liquidate(0, whole=True)


row("liquidate, batch of 100 in part, each")(lambda stage: stage.liquidate_many(100, LARGE, whole=False))


@row("absorb")
def _(stage: Stage) -> int:
    stage.open_thin(LARGE)
    stage.move_price(BELOW_ZERO)
    return stage.liquidation.absorb(stage.account(0), 0, sender=stage.keeper).gas_used


@row("deposit collateral, first")
def _(stage: Stage) -> int:
    return stage.deposit(0, 2 * WAD, token=stage.protocol.tokens["WETH"]).gas_used


def in_debt(stage: Stage) -> int:
    """Debt 2,500 above 0.9 of a collateral of 2,700."""
    stage.deposit(0, 2 * WAD, token=stage.protocol.tokens["WETH"])
    stage.authorise(0)
    stage.trade(0, 5 * SIZE_UNIT)
    stage.move_price(PRICE * 3 // 4)
    return stage.account(0)


@row("start an auction")
def _(stage: Stage) -> int:
    return stage.protocol.auctions.startAuction(in_debt(stage), sender=stage.keeper).gas_used


@row("buy collateral")
def _(stage: Stage) -> int:
    account, auctions = in_debt(stage), stage.protocol.auctions
    auctions.startAuction(account, sender=stage.keeper)
    return auctions.buyCollateral(account, 0, WAD // 10, ENDLESS, b"", sender=stage.keeper).gas_used


@row("pool deposit")
def _(stage: Stage) -> int:
    return stage.pool.deposit(10_000 * USDC, stage.lp, sender=stage.lp).gas_used


@row("pool redeem")
def _(stage: Stage) -> int:
    shares = stage.pool.balanceOf(stage.lp) // 10
    stage.pool.requestRedeem(shares, sender=stage.lp)
    stage.chain.advance(DAY)
    stage.protocol.refresh()
    return stage.pool.redeem(shares // 2, stage.lp, stage.lp, sender=stage.lp).gas_used
