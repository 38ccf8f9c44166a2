"""A campaign on the terminal: what was done, how fast, what it reached; at the end, what was found."""

from __future__ import annotations

import time
from collections.abc import Iterable

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from plimsoll.fuzz.campaign import Result
from plimsoll.fuzz.life import Life
from plimsoll.fuzz.lines import LINES
from plimsoll.fuzz.reach import REACHABLE
from plimsoll.fuzz.scribe import MAY_HAPPEN


class Screen:
    """Use as a context manager around run(…, watch=screen.show)."""

    def __init__(self, console: Console, jobs: int) -> None:
        self.console, self.jobs, self.started = console, jobs, time.monotonic()
        self._live = Live(console=console, transient=True, auto_refresh=False)

    def __enter__(self) -> Screen:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started

    def show(self, result: Result) -> None:
        if self.console.is_terminal:
            self._live.update(table(result, self.seconds), refresh=True)


def table(result: Result, seconds: float) -> Table:
    """Done and reached so far."""
    reach = result.reach
    made = Table(box=None, pad_edge=False, show_header=False)
    made.add_row("time", f"{int(seconds) // 60}:{int(seconds) % 60:02}")
    made.add_row("lives", f"{result.lives:,} of {result.steps:,} calls, {result.steps / max(seconds, 1):,.0f} a second")
    made.add_row("accounts at a line", f"{result.cases:,} verdicts, {result.cases / max(seconds, 1):,.0f} a second")
    exact = ", ".join(f"{kind} {count:,}" for kind, count in sorted(result.hits.items()))
    made.add_row("exactly on it", exact or "none yet")
    made.add_row("lines met in lives", ", ".join(f"{line} {reach.lines[line]:,}" for line in LINES))
    made.add_row("rules drawn", f"{len(reach.rules)} of {len(Life.rules())}")
    verbs = MAY_HAPPEN & set(reach.verbs)
    made.add_row("verbs that happened", f"{len(verbs)} of {len(MAY_HAPPEN)}{_missing(MAY_HAPPEN, verbs)}")
    errors = [name for name in REACHABLE if name in reach.errors]
    made.add_row("errors that were due", f"{len(errors)} of {len(REACHABLE)}{_missing(REACHABLE, reach.errors)}")
    return made


def _missing(all_: Iterable[str], reached: Iterable[str]) -> str:
    left = sorted(set(all_) - set(reached))
    return f" (not yet: {', '.join(left)})" if 0 < len(left) <= 12 else ""


def conclude(console: Console, result: Result, seconds: float, seed: int, saved: list[str]) -> None:
    """The table, each finding, and one line that says how it ended."""
    console.print(table(result, seconds))
    for (task, finding), file in zip(result.findings, saved):
        console.print(f"\n[bold red]found[/] in life {task.number} of seed {seed}:", highlight=False)
        console.print(f"    {escape(str(finding))}", soft_wrap=True, highlight=False)
        console.print(f"    replay: python -m plimsoll scenario run {file}", soft_wrap=True, highlight=False)
    for task, miss in result.misses:
        console.print(f"\n[bold red]found[/] in accounts {task.number} of seed {seed}:", highlight=False)
        console.print(f"    {escape(miss)}", soft_wrap=True, highlight=False)
        again = f"python -m plimsoll fuzz --seed {seed} --only threshold --task {task.number}"
        console.print(f"    see it again: {again}", soft_wrap=True, highlight=False)
    said = "nothing was found" if result.held else f"{len(result.findings) + len(result.misses)} found"
    console.print(f"\n{said} in {seconds:.0f} s, seed {seed}", highlight=False)
