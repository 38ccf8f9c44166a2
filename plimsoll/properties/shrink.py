"""The smallest counterexample: the numbers of a seed are made smaller and it is aimed anew, as long as something fails."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from plimsoll.properties.adapter import Range
from plimsoll.properties.aim import Bench, Seed
from plimsoll.properties.laws import Lines, Property, Trial

SMALL = 20


class Failure(NamedTuple):
    """A trial that fails, the seed that led to it, and what is wrong."""

    seed: Seed
    trial: Trial
    lines: Lines

    @property
    def weight(self) -> tuple[int, int, int]:
        """Digits to read, those among them before the last zeros, and the sum of all numbers."""
        numbers = [number for case in self.trial.cases for number in case] + [self.trial.age]
        words = [str(number) for number in numbers]
        return sum(map(len, words)), sum(len(word.rstrip("0")) for word in words), sum(map(abs, numbers))


def smallest_failure(bench: Bench, law: Property, seeds: Sequence[Seed]) -> Failure | None:
    """The smallest that these seeds lead to: each is tried by itself, to know which it was."""
    best = None
    for seed in seeds:
        trials = law.trials(bench, [seed])
        for trial, lines in zip(trials, law.failures(bench, trials)):
            found = Failure(seed, trial, lines or [])
            if lines and (best is None or found.weight < best.weight):
                best = found
    return best


def shrink(bench: Bench, law: Property, failure: Failure, seconds: float) -> Failure:
    """As small as it gets: the same every time, unless the contract is so slow that the seconds end it."""
    deadline = time.monotonic() + seconds
    # Aimed by its collateral, which is counted one for one, a case meets its line whatever its other numbers become.
    by_collateral = failure.seed._replace(case=failure.trial.cases[0], knob="collateral")
    better: Failure | None = smallest_failure(bench, law, [by_collateral]) or failure
    while better is not None:
        failure = better
        better = _smaller(bench, law, failure) if time.monotonic() < deadline else None
    return failure


def _smaller(bench: Bench, law: Property, failure: Failure) -> Failure | None:
    """The first candidates that fail with less to read, a handful tried at a time: the boldest come first."""
    candidates = list(dict.fromkeys(_candidates(bench, failure.seed)))
    for start in range(0, len(candidates), 8):
        group = candidates[start : start + 8]
        trials = law.trials(bench, group)
        if not any(law.failures(bench, trials)):
            continue
        found = smallest_failure(bench, law, group)
        if found is not None and found.weight < failure.weight:
            return found
    return None


def _candidates(bench: Bench, seed: Seed) -> Iterator[Seed]:
    case, adapter = seed.case, bench.adapter
    yield seed._replace(case=case._replace(entry=case.price))
    for size in _less(abs(case.size), adapter.size):
        yield seed._replace(case=case._replace(size=size))
        yield seed._replace(case=case._replace(size=size if case.size > 0 else -size))
    for price in _less(case.price, adapter.price):
        yield seed._replace(case=case._replace(price=price, entry=price))
        yield seed._replace(case=case._replace(price=price))
    for divisor in (100, 10, 2):
        price, entry = (adapter.price.place(value // divisor) for value in (case.price, case.entry))
        yield seed._replace(case=case._replace(price=price, entry=entry))
    for entry in _less(case.entry, adapter.price):
        yield seed._replace(case=case._replace(entry=entry))
    for collateral in _less(case.collateral, adapter.collateral):
        yield seed._replace(case=case._replace(collateral=collateral))
    for delta in _less(seed.delta, Range(0, seed.delta)):
        yield seed._replace(delta=delta)
    yield seed._replace(knob="collateral")


def _less(number: int, allowed: Range) -> Iterator[int]:
    """Smaller numbers, the boldest first: the least, those of fewer digits, the rounder ones; of a small one the next."""
    tries = [allowed.low, number // 10**6, number // 100, number // 10, number // 2]
    tries += [number // 10**k * 10**k for k in range(len(str(number)) - 1, 0, -1)]
    tries += [number - allowed.step] if number < SMALL * allowed.step else []
    for value in tries:
        if (smaller := allowed.place(value)) < number:
            yield smaller
