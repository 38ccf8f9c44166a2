"""Runs properties on an adapter for some seconds.

    report = check(adapter, seconds=10)
    assert report.held, report

The seeds of a batch depend on `seed`, the property and the number of the batch alone: who runs the same seconds again
meets the same cases as far as the machine comes, and the same counterexample.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from plimsoll.properties.adapter import MarginAdapter
from plimsoll.properties.aim import Bench
from plimsoll.properties.laws import ALL, Lines, Property
from plimsoll.properties.shrink import Failure, shrink, smallest_failure

SMALLEST_BATCH, LARGEST_BATCH = 4, 64
SHARE_TO_SEARCH = 0.66  # of the seconds, once something has failed
OWN_EVERY = 4  # one batch in so many is aimed at the contract's own line


@dataclass
class Finding:
    """What became of one property. trials: questions asked. hits: those at the line. seconds: spent on it.

    missing: what the adapter does not state and the property needs. counterexample: a few lines, the smallest found.
    first: the failure from which it was shrunk.
    """

    law: Property
    missing: str = ""
    batches: int = 0
    trials: int = 0
    hits: int = 0
    seconds: float = 0.0
    counterexample: Lines = field(default_factory=list)
    first: Failure | None = None

    @property
    def verdict(self) -> str:
        """failed · not asked · blind: nothing was ever asked at the line, which proves nothing · held"""
        if self.counterexample:
            return "failed"
        if self.missing:
            return "not asked"
        return "held" if self.hits else "blind"


@dataclass
class Report:
    """findings: one per property, in the order asked."""

    findings: list[Finding]
    seed: int
    seconds: float = 0.0

    @property
    def held(self) -> bool:
        """Nothing failed, and everything that was asked was asked at the line as well."""
        return all(finding.verdict in ("held", "not asked") for finding in self.findings)

    @property
    def failed(self) -> dict[str, Lines]:
        """The counterexamples by the name of their property."""
        return {f.law.name: f.counterexample for f in self.findings if f.counterexample}

    def __str__(self) -> str:
        return "\n".join(line for finding in self.findings for line in self._lines(finding))

    @staticmethod
    def _lines(finding: Finding) -> Lines:
        asked = f"needs {finding.missing}" if finding.missing else f"{finding.trials} trials, {finding.hits} at the line"
        head = f"{finding.law.name}: {finding.verdict} ({asked})"
        return [head, *(f"    {line}" for line in finding.counterexample)]


def check(
    adapter: MarginAdapter,
    properties: Sequence[Property] = ALL,
    seconds: float = 10,
    seed: int = 0,
    progress: Callable[[Report], None] = lambda report: None,
) -> Report:
    """Every property gets batches in turn, one at the least; one that failed is asked no more. What failed is shrunk in the
    last third of the time. progress: called after each batch.
    """
    bench = Bench(adapter)
    report = Report([Finding(law, law.missing(bench)) for law in properties], seed)
    started = time.monotonic()
    for finding in _turns(report, started, seconds):
        _batch(bench, finding, seed)
        report.seconds = time.monotonic() - started
        progress(report)
    failed = [finding for finding in report.findings if finding.first]
    for left, finding in zip(range(len(failed), 0, -1), failed):
        assert finding.first is not None
        time_left = started + seconds - time.monotonic()
        finding.counterexample = shrink(bench, finding.law, finding.first, time_left / left).lines
        progress(report)
    report.seconds = time.monotonic() - started
    return report


def _turns(report: Report, started: float, seconds: float) -> Iterator[Finding]:
    """Who is asked next, until all have failed or the time is over."""
    while open_ := [finding for finding in report.findings if finding.verdict in ("held", "blind")]:
        for finding in open_:
            share = SHARE_TO_SEARCH if report.failed else 1
            if finding.batches and time.monotonic() - started > seconds * share:
                return
            yield finding


def _batch(bench: Bench, finding: Finding, seed: int) -> None:
    started, law, number = time.monotonic(), finding.law, finding.batches
    random = Random(f"{seed}/{law.name}/{number}")
    own = law.own or number % OWN_EVERY == OWN_EVERY - 1
    seeds = [bench.draw(random, own) for _ in range(min(LARGEST_BATCH, SMALLEST_BATCH << number))]
    trials = law.trials(bench, seeds)
    failures = law.failures(bench, trials)
    finding.batches += 1
    finding.trials += len(trials)
    finding.hits += sum(trial.hit for trial in trials)
    if any(failures):
        finding.first = smallest_failure(bench, law, seeds)
        # What fails only in company is shown as it was found.
        finding.counterexample = finding.first.lines if finding.first else next(filter(None, failures))
    finding.seconds += time.monotonic() - started
