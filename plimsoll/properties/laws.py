"""The properties of a threshold: what must hold of any margin contract, whatever its rule.

A Property turns aimed seeds into trials (a few cases and an age of the price) and says of each trial whether it fails, in
a few lines. Nothing here is particular to Plimsoll; a property of your own is one more subclass.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from plimsoll.properties.adapter import Case, Outcome
from plimsoll.properties.aim import Bench, Crossing, Seed

Lines = list[str]


class Trial(NamedTuple):
    """One question. age: of the price, in seconds. hit: it lies on the line itself, or is the first case below it where
    only liquidatable accounts are asked about."""

    cases: tuple[Case, ...]
    hit: bool
    age: int = 0


class Property(ABC):
    """name: how it is chosen. says: a sentence. own: its seeds are aimed at the contract's own line, never the rule's."""

    name: str
    says: str
    own = False

    def missing(self, bench: Bench) -> str:
        """What the adapter does not state and the property needs; empty when it can be asked."""
        return ""

    @abstractmethod
    def trials(self, bench: Bench, seeds: Sequence[Seed]) -> list[Trial]:
        """The questions that these seeds lead to."""

    @abstractmethod
    def failures(self, bench: Bench, trials: Sequence[Trial]) -> list[Lines | None]:
        """For each trial None, or what is wrong, in a few lines."""


def crossed(bench: Bench, seeds: Sequence[Seed]) -> Iterator[tuple[Seed, Crossing]]:
    """The seeds that cross their line."""
    for seed, crossing in zip(seeds, bench.crossings(seeds)):
        if crossing is not None:
            yield seed, crossing


def near(bench: Bench, seeds: Sequence[Seed]) -> list[Trial]:
    """All cases around the lines of these seeds."""
    return [
        Trial((case,), bench.at_the_line(crossing, case))
        for _, crossing in crossed(bench, seeds)
        for case in bench.around(crossing)
    ]


def below(bench: Bench, seeds: Sequence[Seed]) -> list[Trial]:
    """The liquidatable ones of them."""
    cases = {case: case == crossing.sunk for _, crossing in crossed(bench, seeds) for case in bench.around(crossing)}
    return [Trial((case,), hit) for (case, hit), sunk in zip(cases.items(), bench.judge(list(cases))) if sunk]


def word(verdict: bool | None) -> str:
    return {True: "liquidatable", False: "safe", None: "refused"}[verdict]


class ExactBoundary(Property):
    name = "exact_boundary"
    says = "liquidatable exactly when equity is below maintenance, by your rule"

    def missing(self, bench: Bench) -> str:
        return "" if bench.has_rule else "a rule"

    def trials(self, bench: Bench, seeds: Sequence[Seed]) -> list[Trial]:
        return near(bench, seeds)

    def failures(self, bench: Bench, trials: Sequence[Trial]) -> list[Lines | None]:
        return [self._failure(bench, t.cases[0], v) for t, v in zip(trials, bench.judge([t.cases[0] for t in trials]))]

    @staticmethod
    def _failure(bench: Bench, case: Case, verdict: bool | None) -> Lines | None:
        margin = bench.rule(case)
        if verdict is None or verdict is margin.liquidatable:
            return None
        return [
            str(case),
            f"the rule: equity {margin.equity}, maintenance {margin.maintenance}: {word(margin.liquidatable)}",
            f"the contract: {word(verdict)}",
        ]


class VerdictFollowsRatio(Property):
    name = "verdict_follows_ratio"
    says = "the verdict is what the contract's own equity and maintenance say"
    own = True

    def missing(self, bench: Bench) -> str:
        reported = bench.adapter.margins([bench.any_case()])
        return "" if reported != [None] else "margins"

    def trials(self, bench: Bench, seeds: Sequence[Seed]) -> list[Trial]:
        return near(bench, seeds)

    def failures(self, bench: Bench, trials: Sequence[Trial]) -> list[Lines | None]:
        cases = [trial.cases[0] for trial in trials]
        rows = zip(cases, bench.judge(cases), bench.adapter.margins(cases))
        return [
            [str(case), f"it reports equity {said.equity}, maintenance {said.maintenance}", f"and is {word(verdict)}"]
            if said is not None and verdict is not None and verdict is not said.liquidatable
            else None
            for case, verdict, said in rows
        ]


class Monotone(Property):
    """An account that is liquidatable stays so when its collateral, its price or its size moves further against it."""

    def __init__(self, knob: str) -> None:
        self.knob, self.name = knob, f"monotone_in_{knob}"
        worse = {"collateral": "less collateral", "price": "a worse price", "size": "a larger size"}[knob]
        self.says = f"{worse} never saves an account that is liquidatable"

    def trials(self, bench: Bench, seeds: Sequence[Seed]) -> list[Trial]:
        return [
            Trial((case, worse), case == crossing.sunk)
            for seed, crossing in crossed(bench, seeds)
            for case in (crossing.sunk, *bench.beyond(crossing))
            for worse in self._worse(bench, case, seed.delta)
        ]

    def _worse(self, bench: Bench, case: Case, delta: int) -> Iterator[Case]:
        """The next two steps against it, one of any magnitude, and three anywhere on the way to the end of the range."""
        # Rounding may tip an account that stands on its line: it must fall by more than that.
        start = case if self.knob == "collateral" else bench.moved(case, "collateral", -bench.adapter.rounding)
        upwards = bench.sinks_upwards(case, self.knob)
        room = bench.room(case, self.knob, upwards)
        if start is None or room == 0:
            return
        anywhere = (1 + delta * factor % room for factor in (1, 10**9 + 7, 10**12 + 39))
        for steps in dict.fromkeys((1, min(2, room), min(delta, room), *anywhere)):
            if (moved := bench.moved(start, self.knob, steps if upwards else -steps)) is not None:
                yield moved

    def failures(self, bench: Bench, trials: Sequence[Trial]) -> list[Lines | None]:
        return [
            [f"{case}: {word(verdict)}" for case, verdict in zip(trial.cases, answer)] if answer == [True, False] else None
            for trial, answer in zip(trials, answers(bench, trials))
        ]


class StaleRefused(Property):
    name = "stale_price_refused"
    says = "liquidates up to the oldest price allowed, to the second, and never beyond"
    own = True

    def missing(self, bench: Bench) -> str:
        return "" if bench.adapter.max_price_age is not None else "max_price_age"

    def trials(self, bench: Bench, seeds: Sequence[Seed]) -> list[Trial]:
        oldest = bench.adapter.max_price_age or 0
        ages = [max(0, oldest + shift) for shift in (-2, -1, 0, 1, 2)]
        return [
            Trial(trial.cases, age in (oldest, oldest + 1), age)
            for seed, trial in zip(seeds, below(bench, seeds))
            for age in sorted({*ages, oldest + 1 + seed.delta % 86_400})
        ]

    def failures(self, bench: Bench, trials: Sequence[Trial]) -> list[Lines | None]:
        oldest = bench.adapter.max_price_age or 0
        fresh = outcomes(bench, [trial._replace(age=0) for trial in trials])
        return [
            [str(trial.cases[0]), f"price {trial.age} s old, the oldest allowed is {oldest} s", self._did(outcome)]
            if at_once is not None and (outcome is not None) is not (trial.age <= oldest)
            else None
            for trial, at_once, outcome in zip(trials, fresh, outcomes(bench, trials))
        ]

    @staticmethod
    def _did(outcome: Outcome | None) -> str:
        return "it is not liquidated" if outcome is None else "it is liquidated"


class LiquidatesExactly(Property):
    name = "liquidates_exactly_those"
    says = "liquidate goes through for those that is_liquidatable names, and for no others"
    own = True

    def trials(self, bench: Bench, seeds: Sequence[Seed]) -> list[Trial]:
        return near(bench, seeds)

    def failures(self, bench: Bench, trials: Sequence[Trial]) -> list[Lines | None]:
        verdicts = bench.judge([trial.cases[0] for trial in trials])
        return [
            [f"{trial.cases[0]}: {word(verdict)}", f"liquidate {'refuses it' if outcome is None else 'goes through'}"]
            if verdict is not None and verdict is (outcome is None)
            else None
            for trial, verdict, outcome in zip(trials, verdicts, outcomes(bench, trials))
        ]


class Restores(Property):
    name = "liquidation_restores"
    says = "after a liquidation the account is closed or above its line"
    own = True

    def trials(self, bench: Bench, seeds: Sequence[Seed]) -> list[Trial]:
        return below(bench, seeds)

    def failures(self, bench: Bench, trials: Sequence[Trial]) -> list[Lines | None]:
        return [
            [str(trial.cases[0]), "it is liquidated", "it is liquidatable still"]
            if outcome is not None and outcome.liquidatable
            else None
            for trial, outcome in zip(trials, outcomes(bench, trials))
        ]


class SeizedIsDeducted(Property):
    name = "seized_is_deducted"
    says = "what the liquidator receives leaves the account"
    own = True

    def trials(self, bench: Bench, seeds: Sequence[Seed]) -> list[Trial]:
        return below(bench, seeds)

    def failures(self, bench: Bench, trials: Sequence[Trial]) -> list[Lines | None]:
        return [
            self._failure(trial.cases[0], outcome) if outcome is not None else None
            for trial, outcome in zip(trials, outcomes(bench, trials))
        ]

    @staticmethod
    def _failure(case: Case, done: Outcome) -> Lines | None:
        left = done.before + done.realised - done.after
        if 0 <= done.seized <= left:
            return None
        had = f"it had {done.before}, closing brought {done.realised}, it has {done.after}"
        return [str(case), had, f"{left} left it, the liquidator received {done.seized}"]


class NoGainBySplitting(Property):
    name = "no_gain_by_splitting"
    says = "two safe accounts are safe as one: an owner gains nothing by splitting"
    own = True  # a rounding shows on the contract's own line only

    def trials(self, bench: Bench, seeds: Sequence[Seed]) -> list[Trial]:
        halves = [half for seed in seeds for half in self._parts(bench, seed)]
        lines = bench.crossings(halves)
        found = []
        for one, other in zip(lines[::2], lines[1::2]):
            if one is not None and other is not None:
                parts = one.safe, other.safe  # each with the least collateral that keeps it
                found.append(Trial((self._whole(*parts), *parts), True))
        limit = bench.adapter.collateral.high
        return [trial for trial in found if trial.cases[0].collateral <= limit]

    @staticmethod
    def _parts(bench: Bench, seed: Seed) -> Iterator[Seed]:
        allowed = bench.adapter.size
        whole, sign = abs(seed.case.size), 1 if seed.case.size > 0 else -1
        room = (whole - 2 * allowed.low) // allowed.step
        if room >= 0:
            part = allowed.low + seed.delta % (room + 1) * allowed.step
            for size in (part, whole - part):
                yield seed._replace(case=seed.case._replace(size=sign * size), knob="collateral")

    @staticmethod
    def _whole(one: Case, other: Case) -> Case:
        return one._replace(collateral=one.collateral + other.collateral, size=one.size + other.size)

    def failures(self, bench: Bench, trials: Sequence[Trial]) -> list[Lines | None]:
        return [
            [f"{case}: {word(verdict)}" for case, verdict in zip(trial.cases, answer)]
            if answer == [True, False, False]
            else None
            for trial, answer in zip(trials, answers(bench, trials))
        ]


def answers(bench: Bench, trials: Sequence[Trial]) -> list[list[bool | None]]:
    """The contract's verdicts on all cases of each trial."""
    verdicts = iter(bench.judge([case for trial in trials for case in trial.cases]))
    return [[next(verdicts) for _ in trial.cases] for trial in trials]


def outcomes(bench: Bench, trials: Sequence[Trial]) -> list[Outcome | None]:
    """What liquidating the first case of each trial does, at the trial's age of the price."""
    found: dict[tuple[Case, int], Outcome | None] = {}
    asked: Iterable[tuple[Case, int]] = dict.fromkeys((trial.cases[0], trial.age) for trial in trials)
    for age in sorted({age for _, age in asked}):
        cases = [case for case, its in asked if its == age]
        found |= zip(((case, age) for case in cases), bench.adapter.liquidate_all(cases, age))
    return [found[trial.cases[0], trial.age] for trial in trials]


ALL: tuple[Property, ...] = (
    ExactBoundary(),
    VerdictFollowsRatio(),
    *map(Monotone, ("collateral", "price", "size")),
    StaleRefused(),
    LiquidatesExactly(),
    Restores(),
    SeizedIsDeducted(),
    NoGainBySplitting(),
)
