"""Gas of wide accounts: several instruments, several collaterals, each with a feed of its own.

Rows as in gas_rows.py, and the order of growth: what one more instrument held, or one more collateral, adds to a verb. The
number of accounts adds nothing: no verb looks at other accounts than those it names (GAS-1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from gas_rows import BELOW_LINE, LARGE, PRICE, SMALL, START, THIN_E6, UNBOUNDED, Stage, expect

from plimsoll.chain.node import Chain
from plimsoll.types import SIZE_UNIT, USDC, WAD, CollateralSpec, FeedSpec, InstrumentSpec, MarketSpec, TokenSpec, World

INSTRUMENTS, COLLATERALS = 16, 8  # the most that an account may hold
INSTRUMENTS_HELD, COLLATERALS_HELD = 4, 3  # of the rows
COIN_PRICE, COIN_WORTH = 100, 90 * USDC  # one is deposited of each; what it counts for, at a haircut of a tenth
TRANSACTION_GAS = 2**24  # EIP-7825: no transaction may ask for more
BATCH = 100
_MARKET = MarketSpec(weight_e6=1_000_000 // INSTRUMENTS)
WORLD = World(
    start=START,
    feeds=(
        *(FeedSpec(f"I{i}", PRICE * WAD, **UNBOUNDED) for i in range(INSTRUMENTS)),
        *(FeedSpec(f"C{i}", COIN_PRICE * WAD, **UNBOUNDED) for i in range(COLLATERALS)),
    ),
    instruments=tuple(InstrumentSpec(f"I{i}-PERP", f"I{i}", insurance=10_000 * USDC, market=_MARKET) for i in range(INSTRUMENTS)),
    collaterals=tuple(CollateralSpec(TokenSpec(f"T{i}", 18), f"C{i}") for i in range(COLLATERALS)),
)


class WideStage(Stage):
    """A stage with every instrument and collateral that an account can hold."""

    def __init__(self, chain: Chain) -> None:
        super().__init__(chain, WORLD)

    def thin(self, sub: int, size: int, legs: int = 1, coins: int = 0) -> None:
        """What so many positions need, in cash, less what so many collaterals count for."""
        self.deposit(sub, legs * size * PRICE * USDC // SIZE_UNIT * THIN_E6 // 10**6 - coins * COIN_WORTH)

    def hold(self, sub: int, coin: int) -> None:
        self.deposit(sub, WAD, token=self.protocol.tokens[f"T{coin}"])

    def open_wide(self, sub: int, size: int) -> None:
        """A thin account."""
        self.authorise(sub)
        self.thin(sub, size, INSTRUMENTS_HELD, COLLATERALS_HELD)
        for coin in range(COLLATERALS_HELD):
            self.hold(sub, coin)
        for instrument in range(INSTRUMENTS_HELD):
            self.trade(sub, size, instrument=instrument)

    def sink(self, instruments: int) -> None:
        """All their prices fall."""
        for instrument in range(instruments):
            self.move_price(BELOW_LINE, f"I{instrument}")


# The rows ----------------------------------------------------------------------------------------------------------

WideRow = Callable[[WideStage], int]
HELD = f"{INSTRUMENTS_HELD}+{COLLATERALS_HELD} held"


def _trade(instrument: int, size: int) -> WideRow:
    def measured(stage: WideStage) -> int:
        stage.open_wide(0, LARGE)
        stage.thin(0, LARGE)
        return stage.trade(0, size, instrument=instrument).gas_used

    return measured


def _liquidate(size: int, whole: bool) -> WideRow:
    def measured(stage: WideStage) -> int:
        stage.open_wide(0, size)
        stage.sink(INSTRUMENTS_HELD)
        gas = stage.liquidate(0, whole)
        left = stage.engine.accountState(stage.account(0)).instruments.bit_count()
        expect("all legs closed alike", left == (0 if whole else INSTRUMENTS_HELD))
        return gas

    return measured


def _batch(size: int) -> Callable[[WideStage], tuple[int, int]]:
    """How many of a hundred items a transaction with the most gas does before it stops; gas for each, rounded up."""

    def measured(stage: WideStage) -> tuple[int, int]:
        for sub in range(BATCH):
            stage.open_wide(sub, size)
        stage.sink(INSTRUMENTS_HELD)
        items = [stage.item(sub) for sub in range(BATCH)]
        receipt = stage.liquidation.liquidateMany(items, sender=stage.keeper, gas=TRANSACTION_GAS)
        done = len(receipt.events_named("Liquidated"))
        expect("an item is done, and none skipped", done > 0 and not receipt.events_named("Skipped"))
        return done, -(-receipt.gas_used // done)

    return measured


WIDE_ROWS: dict[str, WideRow] = {
    f"open a fifth position, {HELD}": _trade(INSTRUMENTS_HELD, LARGE),
    f"increase, {HELD}": _trade(0, LARGE // 2),
    f"liquidate whole, {HELD}": _liquidate(SMALL, whole=True),
    f"liquidate in part, {HELD}": _liquidate(LARGE, whole=False),
}
# A hundred accounts to open: seconds each.
BATCHES = {f"liquidate whole, {HELD}, each": _batch(SMALL), f"liquidate in part, {HELD}, each": _batch(LARGE)}


# Growth ------------------------------------------------------------------------------------------------------------

VERBS = ("open", "withdraw", "liquidate", "health view")


@dataclass(frozen=True)
class Growth:
    """Gas of each verb, by how many are held, ascending."""

    counts: list[int]
    gas: dict[str, list[int]]

    def line(self, verb: str) -> tuple[int, int, int, float]:
        """gas ≈ start + slope · count, by least squares: (start, slope, the furthest from it, that in percent of the most)."""
        counts, gas = np.array(self.counts), np.array(self.gas[verb])
        slope, start = np.polyfit(counts, gas, 1)
        off = np.max(np.abs(gas - (start + slope * counts)))
        return round(start), round(slope), round(off), float(100 * off / np.max(gas))


def by_instruments(stage: WideStage) -> Growth:
    """Of an account that opens one position after another."""
    stage.authorise(0)
    counts, found = list(range(1, INSTRUMENTS + 1)), []
    for count in counts:
        stage.thin(0, LARGE)
        found.append((stage.trade(0, LARGE, instrument=count - 1).gas_used, *_others(stage, count)))
    return _growth(counts, found)


def by_collaterals(stage: WideStage) -> Growth:
    """Of an account that deposits one kind of collateral after another, and opens one position."""
    stage.authorise(0)
    stage.thin(0, LARGE)
    counts, found = list(range(COLLATERALS + 1)), []
    for count in counts:
        if count > 0:
            stage.hold(0, count - 1)
            stage.withdraw(0, COIN_WORTH)
        snapshot = stage.chain.snapshot()
        found.append((stage.trade(0, LARGE).gas_used, *_others(stage, 1)))
        stage.chain.revert(snapshot)
    return _growth(counts, found)


def _others(stage: WideStage, positions: int) -> tuple[int, int, int]:
    """The verbs after `open`."""
    withdrawn = stage.withdraw(0, USDC).gas_used
    viewed = stage.look(stage.lens, "liquidatable", [stage.account(0)])
    snapshot = stage.chain.snapshot()
    stage.sink(positions)
    liquidated = stage.liquidate(0, whole=False)
    stage.chain.revert(snapshot)
    return withdrawn, liquidated, viewed


def _growth(counts: list[int], found: list[tuple[int, ...]]) -> Growth:
    return Growth(counts, {verb: [gas[i] for gas in found] for i, verb in enumerate(VERBS)})


GROWTHS = {"instrument": by_instruments, "collateral": by_collaterals}


def picture(growth: Growth, height: int = 8, width: int = 4) -> Iterator[str]:
    """Gas upwards, how many are held to the right; each verb by its first letter, the last of VERBS where two meet."""
    top = max(max(gas) for gas in growth.gas.values())
    cells = [[" "] * len(growth.counts) for _ in range(height + 1)]
    for verb, gas in growth.gas.items():
        for column, figure in enumerate(gas):
            cells[round(figure * height / top)][column] = verb[0]
    for level in range(height, -1, -1):
        yield f"{top * level // height:>10,} |" + "".join(f"{cell:>{width}}" for cell in cells[level])
    yield f"{'held':>10}  " + "".join(f"{count:>{width}}" for count in growth.counts)
