"""Runs properties on an adapter for some seconds.

    report = check(adapter, seconds=10)
    assert report.held, report

The seeds of a batch depend on `seed`, the property and the number of the batch alone: who runs the same seconds again
meets the same cases as far as the machine comes, and the same counterexample.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from plimsoll.properties.adapter import MarginAdapter
from plimsoll.properties.aim import Bench
from plimsoll.properties.laws import ALL, Lines, Property
from plimsoll.properties.shrink import shrink, smallest_failure

SMALLEST_BATCH, LARGEST_BATCH = 4, 64
SHARE_TO_SHRINK = 0.25  # of all seconds, for one counterexample
OWN_EVERY = 4  # one batch in so many is aimed at the contract's own line


@dataclass
class Finding:
    """What became of one property. trials: questions asked. hits: those at the line. seconds: spent on it.

    missing: what the adapter does not state and the property needs. counterexample: a few lines, the smallest found.
    """

    law: Property
    missing: str = ""
    batches: int = 0
    trials: int = 0
    hits: int = 0
    seconds: float = 0.0
    counterexample: Lines = field(default_factory=list)

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
    """Every property gets batches in turn until the time is over, and one at the least; one that failed is shrunk at once
    and asked no more. progress: called after each batch.
    """
    bench = Bench(adapter)
    report = Report([Finding(law, law.missing(bench)) for law in properties], seed)
    started = time.monotonic()
    while open_ := [finding for finding in report.findings if not finding.missing and not finding.counterexample]:
        for finding in open_:
            if finding.batches and time.monotonic() - started > seconds:
                return report
            _batch(bench, finding, seed, seconds * SHARE_TO_SHRINK)
            report.seconds = time.monotonic() - started
            progress(report)
    return report


def _batch(bench: Bench, finding: Finding, seed: int, seconds_to_shrink: float) -> None:
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
        first = smallest_failure(bench, law, seeds)
        # Trials that only fail in company are shown as they were found.
        finding.counterexample = shrink(bench, law, first, seconds_to_shrink).lines if first else next(filter(None, failures))
    finding.seconds += time.monotonic() - started
