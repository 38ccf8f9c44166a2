"""A run as charts. Here integers become coordinates: nothing flows back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from plimsoll.margin_math import Margin
from plimsoll.scenarios.charts import Chart, Mark, Point, Series, svg
from plimsoll.scenarios.record import Liquidation, Run
from plimsoll.scenarios.summary import AccountRow
from plimsoll.state import MarketState, State
from plimsoll.types import SIZE_UNIT, WAD, Account

BLUE, ORANGE, GREY, RED, GREEN = "#2563a8", "#c2701c", "#9aa3ad", "#b3261e", "#2b7a4b"
COLORS = (BLUE, ORANGE, GREEN, "#7a4fa3", "#8a6d3b", "#5b6770")
RATIO_TOP, RATIO_LEAST_TOP = 60.0, 15.0  # percent: nobody worries above the first; no axis ends below the second


@dataclass(frozen=True)
class Picture:
    """note: how to read it. legend: (colour, name)."""

    title: str
    note: str
    legend: tuple[tuple[str, str], ...]
    svg: str


class Pictures:
    """Charts of one run over one span of time."""

    def __init__(self, run: Run) -> None:
        self.run, self.world = run, run.scenario.world
        self.begin = self.world.start
        self.end = max(run.states[-1].time, run.scenario.end if run.finished else self.begin + 60)
        self.closings = run.liquidations()

    # The market ----------------------------------------------------------------------------------------------------

    def price(self, feed: str) -> Picture:
        """What the market did, what the feed answered, and who was liquidated at which answer."""
        market = [(p.time, p.price / WAD) for p in self.run.scenario.paths[feed] if p.time <= self.end]
        answers = self._points(lambda state: state.feeds[feed].mid / WAD if state.feeds[feed].mid else None)
        instruments = {spec.name for spec in self.world.instruments if spec.feed == feed}
        marks = [mark for item in self.closings if (mark := self._price_mark(item, feed, instruments))]
        series = (
            Series("market", GREY, market, steps=False, thin=True),
            Series("feed", BLUE, answers),
        )
        legend = ((GREY, "market"), (BLUE, "feed's answers"), (RED, "▼ long liquidated"), (GREEN, "▲ short liquidated"))
        note = "Filled marks closed the account whole, hollow ones a part. Gaps: the feed had no valid price."
        return Picture(
            f"{feed}: price and liquidations", note, legend, svg(Chart(series, self.begin, self.end, "$", marks))
        )

    def _price_mark(self, item: Liquidation, feed: str, instruments: set[str]) -> Mark | None:
        before = self.run.states[item.event.step - 1]
        held = before.accounts[item.account].positions
        sizes = [position.size for name, position in held.items() if name in instruments]
        mid = before.feeds[feed].mid
        if not sizes or not mid:
            return None
        short = sizes[0] < 0
        return Mark(
            item.event.time,
            mid / WAD,
            GREEN if short else RED,
            f"{item.account}: {item.event.detail}",
            short,
            item.whole,
        )

    def interest(self, instrument: str) -> Picture:
        """Open interest, and the side that the pool carries."""
        feed = self.world.instrument(instrument).feed

        def value(state: State, units: int) -> float | None:
            mid = state.feeds[feed].mid
            return units / SIZE_UNIT * mid / WAD if mid else None

        series = (
            Series("open interest", BLUE, self._calm_points(lambda s: value(s, s.markets[instrument].open_interest))),
            Series(
                "skew of the traders", ORANGE, self._calm_points(lambda s: value(s, s.skew(self.world, instrument)))
            ),
        )
        chart = Chart(series, self.begin, self.end, "$", height=200)
        note = "Value at the feed's answer. Skew above zero: traders are long on balance and the pool is short."
        return Picture(f"{instrument}: open interest and skew", note, self._legend(series), svg(chart))

    def funding(self) -> Picture:
        series = tuple(
            Series(spec.name, color, self._market_points(spec.name, lambda market: market.rate_e8 / 10**6))
            for spec, color in zip(self.world.instruments, COLORS)
        )
        note = "A year, as last written on the chain. Above zero longs pay shorts."
        chart = Chart(series, self.begin, self.end, "%", height=180)
        return Picture("Funding rate", note, self._legend(series), svg(chart))

    # The house -----------------------------------------------------------------------------------------------------

    def pool(self) -> Picture:
        def equity(state: State) -> float | None:
            return state.pool.equity_mid / 10**6 if state.pool.equity_mid and state.pool.total_shares else None

        series = (Series("pool equity", BLUE, self._calm_points(equity)),)
        return Picture(
            "Pool equity",
            "At mid, all tranches and idle cash.",
            self._legend(series),
            svg(Chart(series, self.begin, self.end, "$", height=180)),
        )

    def insurance(self) -> Picture:
        series = tuple(
            Series(spec.name, color, self._market_points(spec.name, lambda market: market.insurance / 10**6))
            for spec, color in zip(self.world.instruments, COLORS)
        )
        series = (*series, Series("bad debt", RED, self._calm_points(lambda s: s.bad_debt / 10**6), dashed=True))
        note = "Fed by a share of fees and penalties. Bad debt is what a fund could not pay."
        return Picture(
            "Insurance funds and bad debt",
            note,
            self._legend(series),
            svg(Chart(series, self.begin, self.end, "$", height=180)),
        )

    # The accounts --------------------------------------------------------------------------------------------------

    def account(self, row: AccountRow) -> Picture:
        """Its margin ratio above its maintenance line, as far as it held positions with a price."""
        ratio = self._ratio(row.account, lambda m: m.equity)
        line = self._ratio(row.account, lambda m: m.maintenance)
        marks = tuple(self._ratio_mark(item) for item in row.liquidated)
        series = (
            Series("margin ratio", BLUE, ratio),
            Series("maintenance", RED, line, dashed=True, thin=True),
        )
        top = max((value for _, value in ratio if value is not None), default=0.0)
        high = min(max(top * 1.05, RATIO_LEAST_TOP), RATIO_TOP)
        chart = Chart(series, self.begin, self.end, "%", marks, low=0.0, high=high, width=532, height=150, ticks=4)
        return Picture(str(row.account), row.about, (), svg(chart))

    def _ratio(self, account: Account, part: Callable[[Margin], int]) -> list[Point]:
        def value(state: State) -> float | None:
            held = state.accounts.get(account)
            margin = held.margin if held else None
            return part(margin) / margin.notional * 100 if margin and margin.notional else None

        return self._points(value)

    def _ratio_mark(self, item: Liquidation) -> Mark:
        margin = self.run.states[item.event.step - 1].accounts[item.account].margin
        ratio = max(margin.equity, 0) / margin.notional * 100 if margin and margin.notional else 0.0
        return Mark(item.event.time, ratio, RED, item.event.detail, up=True, whole=item.whole)

    # Shared --------------------------------------------------------------------------------------------------------

    def _market_points(self, name: str, value: Callable[[MarketState], float]) -> list[Point]:
        return self._calm_points(lambda state: value(state.markets[name]))

    def _calm_points(self, value: Callable[[State], float | None]) -> list[Point]:
        """The value at the end of each second: a book that is opened, or an account eaten in bites, is one step."""
        points: dict[int, Point] = {point[0]: point for point in self._points(value)}
        return list(points.values())

    def _points(self, value: Callable[[State], float | None]) -> list[Point]:
        """The value after each step; only where it changes, and at the end."""
        points: list[Point] = []
        for state in self.run.states:
            now = value(state)
            if not points or points[-1][1] != now:
                points.append((state.time, now))
        points.append((self.end, points[-1][1]))
        return points

    @staticmethod
    def _legend(series: Iterable[Series]) -> tuple[tuple[str, str], ...]:
        return tuple((item.color, item.name) for item in series)
