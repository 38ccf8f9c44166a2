"""The live view: who is near the line, prices with their age, what was done, what it brought."""

from __future__ import annotations

import time
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from plimsoll.fixed_point import WAD, mul_div_down
from plimsoll.keeper.run import Keeper
from plimsoll.scenarios.words import money, percent, price, signed

SHOWN = 10
ETHER = 10**18


class Screen:
    """Use it as a context manager; `show` after each round. On no terminal it shows nothing."""

    def __init__(self, keeper: Keeper, console: Console, quiet: bool = False) -> None:
        self._keeper = keeper
        self._live = None if quiet or not console.is_terminal else Live(console=console, auto_refresh=False, screen=False)

    def __enter__(self) -> Screen:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self) -> None:
        if self._live is not None:
            self._live.update(Group(*self.parts()), refresh=True)

    def parts(self) -> list[RenderableType]:
        """What is shown, from top to bottom."""
        return [self._headline(), self._accounts(), self._prices(), self._actions(), self._totals()]

    def _headline(self) -> Text:
        sight, keeper = self._keeper.sight, self._keeper
        if sight.news is None:
            return Text(f"catching up: block {keeper.store.checkpoint.number} … {sight.trouble}", style="yellow")
        age = round(time.monotonic() - sight.good_at)
        words = f"block {sight.news.head.number}, {len(keeper.watch.book):,} accounts, {len(sight.judgement.sinking)} below the line"
        dry = ", dry run: nothing is sent" if keeper.options.dry else ""
        trouble = f"   {sight.trouble} ({age} s)" if sight.trouble else ""
        return Text.assemble((words + dry, "bold"), (trouble, "red"), ("   stopping" if keeper.stopping else "", "yellow"))

    def _accounts(self) -> Table:
        table = _table("account", "equity", "maintenance", "health", "legs", "liquidated at")
        for one in self._keeper.sight.judgement.shown(SHOWN):
            style = "red" if one.equity < one.maintenance else ""
            health = percent(one.depth) if one.maintenance else "-"
            numbers = money(one.equity), money(one.maintenance), health, str(one.legs)
            table.add_row(_short(one.account), *numbers, self._lines(one.account), style=style)
        return table

    def _lines(self, account: int) -> str:
        """The prices, and how far they are."""
        market, found = self._keeper.sight.market, []
        for feed, end in self._keeper.judge.lines(account) if market else ():
            mid = market.feeds[feed].mid if market else 0
            found.append(f"{self._keeper.names[feed]} {price(end)} ({signed(percent(mul_div_down(end - mid, WAD, mid)))})")
        return escape(", ".join(found))

    def _prices(self) -> Table:
        table, market = _table("feed", "price", "age", ""), self._keeper.sight.market
        for feed in market.feeds if market else ():
            age = f"{market.time - feed.updated_at} s of {feed.stale_at - feed.updated_at}" if market and feed.updated_at else "-"
            fault = "halted" if feed.halted_at else feed.fault
            table.add_row(escape(feed.name), price(feed.mid) if feed.mid else "-", age, f"[red]{fault}[/]")
        return table

    def _actions(self) -> Text:
        lines = []
        for line in list(self._keeper.journal.last)[-SHOWN:]:
            facts = ", ".join(f"{key} {_brief(value)}" for key, value in line.items() if key not in ("at", "what"))
            lines.append(f"{line['at'][11:19]}  {line['what']}  {facts}"[:160])
        return Text("\n".join(lines), style="dim")

    def _totals(self) -> Text:
        totals = self._keeper.totals
        ends = ", ".join(f"{count} {end}" for end, count in sorted(totals.ends.items())) or "none"
        gas = f"{totals.gas:,} gas for {totals.paid / ETHER:.6f} ether"
        return Text(f"earned {money(totals.earned)} on {totals.unloaded} accounts; {gas}; transactions: {ends}")


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, justify="left" if column in ("account", "feed", "") else "right")
    return table


def _short(account: int) -> str:
    """Its owner's address, shortened, and the sub-account."""
    owner = f"0x{account >> 96:040x}"
    return f"{owner[:8]}…{owner[-4:]}/{account % 2**96}"


def _brief(value: Any) -> str:
    return f"({len(value)})" if isinstance(value, (list, tuple)) else str(value)[:60]


