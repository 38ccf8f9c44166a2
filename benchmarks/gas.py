"""Gas of every verb: ours, our budget, the best of our peers.

    python benchmarks/gas.py              measure and print
    python benchmarks/gas.py --accept     and make the figures those that tests/unit/test_gas.py compares with

Measured as the peers were (benchmarks/peers.json): real transactions on an Anvil of our own, base 21,000 + calldata −
refunds, each in a block of its own, so all state is cold; one perpetual market in which others have traded; settlement
tokens as collateral; infinite allowances; a feed behind a proxy; the pool as counterparty and as taker. A view is a
transaction less its base and calldata. Every row starts from the same state, so rows do not depend on each other; nothing
is random and no clock is read, so figures repeat to the unit. What is over budget is shown, not punished: the exit code is
1 only when a row could not be measured.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plimsoll.chain.anvil import Anvil
from plimsoll.chain.deployment import Deployment
from plimsoll.chain.node import Chain, Contract
from plimsoll.chain.receipt import Receipt
from plimsoll.errors import PlimsollError
from plimsoll.types import DAY, SIZE_UNIT, USDC, WAD, CollateralSpec, FeedSpec, InstrumentSpec, TokenSpec, World

HERE = Path(__file__).resolve().parent
COMMITTED, PEERS = HERE / "gas.json", HERE / "peers.json"
HARDFORK = "prague"  # as for the peers
START = 1_583_971_200
BASE, ZERO_BYTE, OTHER_BYTE, COLD_CALL = 21_000, 4, 16, 2_600
MAX_CODE_BYTES = 24_576  # EIP-170
ALLOWED_GROWTH_PERCENT = 1
CONTRACTS = {
    "MarginEngine": "engine",
    "MarginEngineExtension": "extension",
    "LiquidationEngine": "liquidation",
    "LiquidityPool": "pool",
    "Escrow": "escrow",
    "PriceOracle": "oracle",
    "Parameters": "parameters",
    "Timelock": "timelock",
    "MarginLens": "lens",
}

PRICE, ENDLESS = 2_000, 2**256 - 1
WORLD = World(
    start=START,
    feeds=(FeedSpec("ETH", PRICE * WAD),),
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
    """A deployed protocol, a funded pool, a market with longs and shorts, a keeper who has earned before, and a trader
    with tokens in his wallet. `sub` is one of the trader's accounts."""

    def __init__(self, chain: Chain) -> None:
        self.chain, self.protocol = chain, Deployment.deploy(chain, WORLD)
        self.engine, self.pool, self.usdc = self.protocol.engine, self.protocol.pool, self.protocol.settlement
        self.liquidation, self.lens = self.protocol.liquidation, self.protocol.lens
        self.trader, self.keeper, self.lp, self.bull, self.bear = chain.accounts[4:9]
        for who in (self.trader, self.keeper, self.lp, self.bull, self.bear):
            self._fill_wallet(who)
        self.pool.deposit(10_000_000 * USDC, self.lp, sender=self.lp)
        self.pool.allocate(0, sender=self.lp)
        self.deposit(0, 1_000 * USDC, self.keeper)
        for who, size in ((self.bull, 300 * SIZE_UNIT), (self.bear, -100 * SIZE_UNIT)):
            self.fund(0, 200_000 * USDC, who)
            self.trade(0, size, who)
        self.move_price(PRICE)

    def _fill_wallet(self, who: str) -> None:
        for token in (self.usdc, self.protocol.tokens["WETH"]):
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

    def trade(self, sub: int, size: int, who: str | None = None) -> Receipt:
        limit = PRICE * WAD * (11 if size > 0 else 5) // 10
        account, deadline = self.account(sub, who), self.chain.now + 600
        return self.pool.trade(account, 0, size, limit, deadline, sender=who or self.trader)

    def withdraw(self, sub: int, amount: int) -> Receipt:
        return self.engine.withdraw(self.account(sub), self.usdc, amount, self.trader, 0, sender=self.trader)

    def move_price(self, price: int) -> None:
        self.protocol.set_price("ETH", price * WAD)

    def open_thin(self, size: int, subs: Iterable[int] = (0,)) -> None:
        """Accounts that `BELOW_LINE` makes liquidatable, and `BELOW_ZERO` insolvent."""
        for sub in subs:
            self.fund(sub, abs(size) * PRICE * USDC // SIZE_UNIT * THIN_E6 // 10**6)
            self.trade(sub, size)

    def liquidate(self, sub: int, whole: bool) -> int:
        receipt = self.liquidation.liquidate(self.account(sub), 0, WAD, sender=self.keeper)
        expect("closed whole" if whole else "closed in part", (self.size(sub) == 0) == whole)
        return receipt.gas_used

    def liquidate_many(self, count: int, size: int, whole: bool) -> int:
        """Gas for each, rounded up."""
        self.open_thin(size, range(count))
        self.move_price(BELOW_LINE)
        items = [(self.account(sub), 0, WAD) for sub in range(count)]
        receipt = self.liquidation.liquidateMany(items, sender=self.keeper)
        expect(f"{count} accounts liquidated", len(receipt.events_named("Liquidated")) == count)
        expect("all closed alike", all((self.size(sub) == 0) == whole for sub in range(count)))
        return -(-receipt.gas_used // count)

    def look(self, contract: Contract, fn: str, *args: Any) -> int:
        """What a view costs its caller, once that has reached the contract."""
        data = contract.encode(fn, *args)
        return self.chain.send(contract.address, data, self.keeper).gas_used - intrinsic(data)


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


@row("open a short that brings the pool back to balance")
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


@row("buy collateral")
def _(stage: Stage) -> int:
    stage.deposit(0, 2 * WAD, token=stage.protocol.tokens["WETH"])
    stage.authorise(0)
    stage.trade(0, 5 * SIZE_UNIT)
    stage.move_price(PRICE * 3 // 4)  # debt 2,500 above 0.9 of a collateral of 2,700
    call = (stage.account(0), 0, WAD // 2, 1_000 * USDC)
    return stage.liquidation.buyCollateral(*call, sender=stage.keeper).gas_used


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


# Measuring ---------------------------------------------------------------------------------------------------------


@dataclass
class Figures:
    """gas: by row. unmeasured: row → why. contracts: name → bytes of code, gas of deployment. price_read: a feed, cold."""

    gas: dict[str, int] = field(default_factory=dict)
    unmeasured: dict[str, str] = field(default_factory=dict)
    contracts: dict[str, dict[str, int]] = field(default_factory=dict)
    price_read: int = 0


def measure() -> Figures:
    figures = Figures()
    with Anvil(hardfork=HARDFORK, timestamp=START) as anvil:
        chain = Chain(anvil)
        stage = Stage(chain)
        for name, attribute in CONTRACTS.items():
            figures.contracts[name] = _deployed(chain, getattr(stage.protocol, attribute))
        proxy = stage.protocol.proxies["ETH"]
        figures.price_read = COLD_CALL + stage.look(proxy, "latestRoundData")
        for name, measured in ROWS.items():
            snapshot = chain.snapshot()
            try:
                figures.gas[name] = measured(stage)
            except (PlimsollError, Unmeasured) as problem:
                figures.unmeasured[name] = f"{type(problem).__name__}: {problem}"
            chain.revert(snapshot)
    return figures


def _deployed(chain: Chain, contract: Contract) -> dict[str, int]:
    code = chain.rpc("eth_getCode", contract.address, "latest")
    return {"bytes": len(code) // 2 - 1, "deployment": contract.receipt.gas_used}


def grown(committed: dict[str, int], measured: dict[str, int]) -> list[str]:
    """A sentence for each row that has grown by more than is allowed, or that only one of the two has."""
    found = []
    for name in {**committed, **measured}:
        if name not in measured or name not in committed:
            found.append(f"{name}: {'measured' if name in measured else 'committed'} only")
        elif measured[name] * 100 > committed[name] * (100 + ALLOWED_GROWTH_PERCENT):
            found.append(f"{name}: {_change(committed[name], measured[name])}")
    return found


def _change(committed: int, measured: int) -> str:
    percent = 100 * (measured - committed) / committed
    return f"{measured:,} gas, {measured - committed:+,} ({percent:+.2f} %) on the committed {committed:,}"


# Telling -----------------------------------------------------------------------------------------------------------


def best_perp(peers: dict, name: str) -> tuple[str, int] | None:
    """The cheapest perpetual exchange of a row, and its gas: of both transactions where it takes two."""
    figures = peers["rows"].get(name, {})
    totals = {peer: sum(figures[peer]) * 1_000 for peer in peers["perps"] if peer in figures}
    return min(totals.items(), key=lambda item: item[1]) if totals else None


def table(figures: Figures, peers: dict) -> list[str]:
    lines = [f"{'gas':<50}{'ours':>10}{'budget':>10}{'ratio':>8}   {'best perp peer':<13}{'gas':>10}{'ratio':>8}"]
    for name in ROWS:
        ours, best = figures.gas.get(name), best_perp(peers, name)
        budget = peers["rows"].get(name, {}).get("budget")
        line = f"{name:<50}{'–' if ours is None else f'{ours:,}':>10}"
        line += _beside(ours, budget and budget * 1_000)
        lines.append(f"{line}   {best[0]:<13}{_beside(ours, best[1])}" if best else line)
    return lines


def _beside(ours: int | None, other: int | None) -> str:
    if other is None:
        return f"{'–':>10}{'–':>8}"
    return f"{other:>10,}{'–' if ours is None else f'{ours / other:.2f}':>8}"


def sizes(figures: Figures) -> list[str]:
    lines = [f"{'contract':<50}{'bytes':>10}{'left':>10}   {'gas of deployment':>21}"]
    for name, found in figures.contracts.items():
        left = MAX_CODE_BYTES - found["bytes"]
        lines.append(f"{name:<50}{found['bytes']:>10,}{left:>10,}   {found['deployment']:>21,}")
    total = sum(found["deployment"] for found in figures.contracts.values())
    return [*lines, f"{'in all':<50}{'':>20}   {total:>21,}"]


def report(figures: Figures, committed: dict[str, int], peers: dict) -> Iterable[str]:
    yield from table(figures, peers)
    over = [name for name, gas in figures.gas.items() if gas > peers["rows"].get(name, {}).get("budget", gas) * 1_000]
    yield ""
    yield f"over budget: {len(over)} of {len(peers['rows'])} rows" + (f" ({'; '.join(over)})" if over else "")
    yield f"a price read, proxy → aggregator, cold: {figures.price_read:,} gas (13,540 in the peers' figures)"
    yield ""
    yield from sizes(figures)
    changed = [name for name, gas in figures.gas.items() if committed.get(name, gas) != gas]
    if changed:
        yield ""
        yield "other than committed in benchmarks/gas.json:"
        yield from (f"  {name}: {_change(committed[name], figures.gas[name])}" for name in changed)
    for name, why in figures.unmeasured.items():
        yield f"NOT MEASURED: {name}: {why}"


def read_committed() -> dict[str, int]:
    return json.loads(COMMITTED.read_text())["gas"] if COMMITTED.exists() else {}


def accept(figures: Figures) -> None:
    what = {"gas": figures.gas, "contracts": figures.contracts, "price_read": figures.price_read}
    COMMITTED.write_text(json.dumps(what, indent=2) + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(description="Gas of every verb beside its budget and its best peer.")
    parser.add_argument("--accept", action="store_true", help="make these the committed figures")
    arguments = parser.parse_args()
    figures = measure()
    print("\n".join(report(figures, read_committed(), json.loads(PEERS.read_text()))))
    if figures.unmeasured:
        print("some rows could not be measured: nothing is accepted", file=sys.stderr)
        return 1
    if arguments.accept:
        accept(figures)
        print(f"\naccepted: {COMMITTED.relative_to(HERE.parent)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
