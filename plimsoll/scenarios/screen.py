"""A run on the terminal: a bar, a line for each event, and the tables at the end."""

from __future__ import annotations

from pathlib import Path as FilePath

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from plimsoll.invariants import INVARIANTS
from plimsoll.scenarios.reader import utc
from plimsoll.scenarios.record import Event, Run
from plimsoll.scenarios.runner import Watch
from plimsoll.scenarios.scenario import Scenario
from plimsoll.scenarios.summary import AccountRow, account_rows, totals
from plimsoll.scenarios.words import dollars, money, percent, price, ratio, signed
from plimsoll.state import State

WIDTH = 110  # of the accounts' table, whatever the terminal's
_COLORS = {
    "liquidate": "red",
    "bite": "red",
    "absorb": "bold red",
    "deleverage": "bold red",
    "buy_collateral": "yellow",
    "halt": "magenta",
    "silence": "magenta",
    "break_feed": "magenta",
}


class Screen(Watch):
    """Use as a context manager around the run. quiet: neither bar nor lines."""

    def __init__(self, console: Console, quiet: bool = False) -> None:
        self.console, self.quiet = console, quiet
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            disable=quiet,
            transient=True,
        )
        self.task: TaskID | None = None

    def __enter__(self) -> Screen:
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()

    def begin(self, scenario: Scenario, moments: int) -> None:
        self.task = self.progress.add_task("start", total=moments)

    def moment(self, number: int, state: State) -> None:
        if self.task is None:
            return
        feeds = "  ".join(f"{name} {price(feed.mid) if feed.mid else feed.fault}" for name, feed in state.feeds.items())
        self.progress.update(self.task, completed=number, description=f"{_short(state.time)}  {feeds}")

    def event(self, event: Event) -> None:
        if not self.quiet and event.act.verb != "set_price":
            self.console.print(line(event), highlight=False, soft_wrap=True)


def line(event: Event) -> str:
    """One event, with markup: time, who did what, and what came of it."""
    what = escape(event.title)
    if event.refused:
        color = "bold red" if event.unexpected else "cyan"
        return f"[dim]{_short(event.time)}[/]  {what}: [{color}]refused: {escape(str(event.refused))}[/]"
    style = _COLORS.get(event.act.verb)
    text = f"[{style}]{what}[/]" if style else what
    return f"[dim]{_short(event.time)}[/]  {text}" + (f"[dim]: {escape(event.detail)}[/]" if event.detail else "")


def conclude(console: Console, run: Run, page: FilePath, quiet: bool = False) -> None:
    """The tables, the verdict and where the report lies."""
    if not quiet:
        Console(file=console.file, width=max(console.width, WIDTH)).print(accounts_table(account_rows(run)))
        console.print(totals_table(run))
    if run.violation:
        console.print(f"[bold red]An invariant is violated[/] at {escape(str(run.violation))}", soft_wrap=True)
    elif run.interrupted:
        console.print("[bold yellow]Interrupted.[/] The report has the run as far as it came.")
    elif run.failures:
        console.print("[bold red]Not all that was expected came true:[/]")
        for failure in run.failures:
            console.print(f"  {escape(failure)}", soft_wrap=True)
    else:
        judged = ", every expectation came true" if run.scenario.judged else "; expectations not judged: other prices"
        console.print(f"[bold green]Held:[/] every invariant after every step{judged}.")
    console.print(f"Report: {page}", soft_wrap=True)


def accounts_table(rows: list[AccountRow]) -> Table:
    table = Table(
        title="The accounts (settlement tokens; times: partial + whole)",
        title_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    table.add_column("account", no_wrap=True)
    for name in ("deposit", "peak leverage", "liquidated", "health", "times", "penalty", "withdrew", "left", "result"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        first = row.liquidated[0].event.time if row.liquidated else None
        whole = sum(item.whole for item in row.liquidated)
        health = percent(row.first_health, 0) if row.first_health is not None else "below 0" if first else ""
        table.add_row(
            str(row.account),
            dollars(row.deposited),
            f"{ratio(row.peak_leverage, 1)}x",
            _short(first) if first else "never",
            health,
            f"{len(row.liquidated) - whole} + {whole}" if first else "",
            dollars(row.penalty) if row.penalty else "",
            dollars(row.withdrawn) if row.withdrawn else "",
            dollars(row.left),
            signed(dollars(row.result)),
            style=None if first is None else "red" if whole else "yellow",
        )
    return table


def totals_table(run: Run) -> Table:
    found = totals(run)
    table = Table(title="Totals (settlement tokens)", title_justify="left", show_header=False, box=None, padding=(0, 2))
    table.add_column()
    table.add_column(justify="right")
    pool = "no price" if found.pool_result is None else signed(money(found.pool_result))
    for name, value in (
        ("liquidations, partial + whole", f"{found.partial} + {found.whole}"),
        ("positions liquidated", money(found.liquidated_notional)),
        ("penalties", money(found.penalties)),
        ("  to the keeper", money(found.to_keeper)),
        ("  to the pool, the taker, premium included", money(found.to_taker)),
        ("  to insurance", money(found.to_insurance)),
        ("  premium of the pool's quote", money(found.premiums)),
        ("collateral sold at auction", money(found.purchases)),
        ("deleveragings", str(found.deleverages)),
        ("insurance used", money(found.insurance_used)),
        ("losses shared by the other side", money(found.shared)),
        ("bad debt, at most · at the end", f"{money(found.most_bad_debt)} · {money(found.bad_debt)}"),
        ("result of the pool", pool),
        ("invariants × steps", f"{len(INVARIANTS)} × {found.steps} = {found.checks:,} checks"),
        ("played in", f"{run.seconds} s"),
    ):
        table.add_row(name, value)
    return table


def _short(time: int) -> str:
    """ "03-12 10:36"."""
    return utc(time)[5:16]
