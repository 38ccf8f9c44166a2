"""A check on the terminal: a line for each property while it runs, the counterexamples at the end."""

from __future__ import annotations

from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from plimsoll.properties.checking import Finding, Report

COLORS = {"held": "green", "failed": "bold red", "blind": "yellow", "not asked": "dim"}


class Screen:
    """Use as a context manager around check(…, progress=screen.show)."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._live = Live(console=console, transient=True, auto_refresh=False)

    def __enter__(self) -> Screen:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def show(self, report: Report) -> None:
        if self.console.is_terminal:
            self._live.update(table(report), refresh=True)


def table(report: Report) -> Table:
    """What became of each property."""
    made = Table(box=None, pad_edge=False)
    for head, side in (("property", "left"), ("", "left"), ("trials", "right"), ("at the line", "right")):
        made.add_column(head, justify=side)  # type: ignore[arg-type]
    for finding in report.findings:
        counted = ("", "") if finding.missing else (f"{finding.trials:,}", f"{finding.hits:,}")
        verdict = f"needs {finding.missing}" if finding.missing else finding.verdict
        made.add_row(finding.law.name, Text(verdict, COLORS[finding.verdict]), *counted)
    return made


def conclude(console: Console, report: Report) -> None:
    """The table, each counterexample in a few lines, and one line that says how it ended."""
    console.print(Group(table(report)))
    for finding in report.findings:
        if finding.counterexample:
            _explain(console, finding)
    failed, blind = (sum(f.verdict == verdict for f in report.findings) for verdict in ("failed", "blind"))
    if blind and not failed:
        console.print("\nA property that was never asked at the line proves nothing: widen the ranges or give it more time.")
    said = f"{failed} failed" if failed else "nothing failed"
    console.print(f"\n{said} in {report.seconds:.1f} s, seed {report.seed}", highlight=False)


def _explain(console: Console, finding: Finding) -> None:
    console.print(f"\n[bold red]{finding.law.name}[/]: {escape(finding.law.says)}. Not so:", soft_wrap=True)
    for line in finding.counterexample:
        console.print(f"    {escape(line)}", soft_wrap=True, highlight=False)
