"""Cases at the line. Cases drawn at random never lie on it, so each is aimed: one of its numbers (the knob) is solved for
the two neighbouring values between which the verdict changes, and both are tried with the two steps before and after.

The verdict that is solved for is your rule's where you state it, and every fourth time the contract's own: where the two
disagree, both lines are visited.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import NamedTuple

from plimsoll.properties.adapter import Case, Margin, MarginAdapter, Range

KNOBS = ("collateral", "price", "size")
STEPS_AROUND, STEPS_NEAR = 2, 8

Ends = tuple[int, int]  # the safe one first, in steps from the knob's lowest value

Verdicts = Callable[[Sequence[Case]], list[bool | None]]


class Seed(NamedTuple):
    """A case to be aimed. delta: a distance in steps, or a part, for the properties that need a second number. own:
    aimed at the contract's own line."""

    case: Case
    knob: str
    delta: int
    own: bool


class Crossing(NamedTuple):
    """Two neighbours on the knob: the last safe case and the first liquidatable one."""

    safe: Case
    sunk: Case
    knob: str


class Bench:
    """An adapter on which properties are tried."""

    def __init__(self, adapter: MarginAdapter) -> None:
        self.adapter = adapter
        self.has_rule = adapter.rule(self.any_case()) is not None

    def any_case(self) -> Case:
        """A case that may be asked about: the smallest position with the most collateral."""
        a = self.adapter
        return Case(a.collateral.high, a.size.low, a.price.low, a.price.low)

    def judge(self, cases: Sequence[Case]) -> list[bool | None]:
        """The contract's verdicts, each case asked once."""
        unique = list(dict.fromkeys(cases))
        verdicts = dict(zip(unique, self.adapter.are_liquidatable(unique) if unique else []))
        return [verdicts[case] for case in cases]

    def rule(self, case: Case) -> Margin:
        margin = self.adapter.rule(case)
        assert margin is not None, "the adapter states no rule"
        return margin

    def by_rule(self, cases: Sequence[Case]) -> list[bool | None]:
        return [self.rule(case).liquidatable for case in cases]

    def verdicts(self, own: bool) -> Verdicts:
        return self.judge if own or not self.has_rule else self.by_rule

    def range_of(self, knob: str) -> Range:
        allowed: Range = getattr(self.adapter, knob)
        return allowed

    # drawing ------------------------------------------------------------------------------------------------------

    def draw(self, random: Random, own: bool) -> Seed:
        """A case whose numbers are of any magnitude, and what is to be solved in it."""
        price = self._magnitude(random, self.adapter.price)
        entry = price if random.random() < 0.5 else self.adapter.price.place(price * random.uniform(0.5, 1.5))
        size = self._magnitude(random, self.adapter.size)
        size *= random.choice((1, -1)) if self.adapter.shorts else 1
        case = Case(self._magnitude(random, self.adapter.collateral), size, entry, price)
        # Collateral is solved most often: it is counted one for one, so the line itself is met.
        knob = random.choice(("collateral", "collateral", "price", "size"))
        return Seed(case, knob, _power(random, 1, 10**18), own)

    @staticmethod
    def _magnitude(random: Random, allowed: Range) -> int:
        return allowed.place(_power(random, max(1, allowed.low), allowed.high))

    # moving -------------------------------------------------------------------------------------------------------

    def with_knob(self, case: Case, knob: str, value: int) -> Case:
        """The case with another value of one number; of the size its absolute value."""
        if knob == "size" and case.size < 0:
            value = -value
        return case._replace(**{knob: value})

    def moved(self, case: Case, knob: str, steps: int) -> Case | None:
        """The case some steps further on the knob, or None beyond its range."""
        allowed = self.range_of(knob)
        value = abs(getattr(case, knob)) + steps * allowed.step
        return self.with_knob(case, knob, value) if allowed.low <= value <= allowed.high else None

    def room(self, case: Case, knob: str, upwards: bool) -> int:
        """How many steps the knob can go that way."""
        allowed = self.range_of(knob)
        value: int = abs(getattr(case, knob))
        return (allowed.high - value if upwards else value - allowed.low) // allowed.step

    def sinks_upwards(self, case: Case, knob: str) -> bool:
        """Whether a larger value of this number brings the account nearer to liquidation."""
        return knob == "size" or (knob == "price" and case.size < 0)

    # aiming -------------------------------------------------------------------------------------------------------

    def crossings(self, seeds: Sequence[Seed]) -> list[Crossing | None]:
        """For each seed where it crosses its line, or None where it does not: all are halved at the same time."""
        found: list[Crossing | None] = [None] * len(seeds)
        for own in (False, True):
            some = [i for i, seed in enumerate(seeds) if seed.own is own]
            chosen = [seeds[i] for i in some]
            ends = [self._ends(seed) for seed in chosen]
            if own and self.has_rule:
                ends = self._near_the_rule(chosen, ends)
            for i, crossing in zip(some, self._halve(chosen, ends, self.verdicts(own))):
                found[i] = crossing
        return found

    def _halve(self, seeds: Sequence[Seed], ends: list[Ends], verdicts: Verdicts) -> list[Crossing | None]:
        crosses = self._separate(seeds, ends, verdicts)
        while open_ := [i for i, (safe, sunk) in enumerate(ends) if crosses[i] and abs(safe - sunk) > 1]:
            halves = [sum(ends[i]) // 2 for i in open_]
            asked = verdicts([self._at(seeds[i], half) for i, half in zip(open_, halves)])
            for i, half, verdict in zip(open_, halves, asked):
                crosses[i] = verdict is not None
                ends[i] = (ends[i][0], half) if verdict else (half, ends[i][1])
        return [
            Crossing(self._at(seed, safe), self._at(seed, sunk), seed.knob) if crosses[i] else None
            for i, (seed, (safe, sunk)) in enumerate(zip(seeds, ends))
        ]

    def _separate(self, seeds: Sequence[Seed], ends: list[Ends], verdicts: Verdicts) -> list[bool]:
        """Whether the first end is safe and the second is not."""
        sides = verdicts([self._at(seed, end) for seed, pair in zip(seeds, ends) for end in pair])
        return [sides[2 * i] is False and sides[2 * i + 1] is True for i in range(len(seeds))]

    def _near_the_rule(self, seeds: Sequence[Seed], ends: list[Ends]) -> list[Ends]:
        """Closer ends where the contract's own line lies near the rule's: a contract answers more slowly than a rule."""
        close = list(ends)
        for i, crossing in enumerate(self._halve(seeds, list(ends), self.by_rule)):
            if crossing is not None:
                low, high = sorted(ends[i])
                middle = self._steps(crossing.knob, abs(getattr(crossing.safe, crossing.knob)))
                near = max(low, middle - STEPS_NEAR), min(high, middle + STEPS_NEAR)
                close[i] = near if ends[i][0] == low else near[::-1]
        right = self._separate(seeds, close, self.judge)
        return [pair if fits else far for pair, far, fits in zip(close, ends, right)]

    def _ends(self, seed: Seed) -> Ends:
        """The ends of the knob in steps from its lowest value: the one that should be safe, then the other."""
        far = self._steps(seed.knob, self.range_of(seed.knob).high)
        return (0, far) if self.sinks_upwards(seed.case, seed.knob) else (far, 0)

    def _steps(self, knob: str, value: int) -> int:
        allowed = self.range_of(knob)
        return (value - allowed.low) // allowed.step

    def _at(self, seed: Seed, steps: int) -> Case:
        allowed = self.range_of(seed.knob)
        return self.with_knob(seed.case, seed.knob, allowed.low + steps * allowed.step)

    def around(self, crossing: Crossing) -> list[Case]:
        """Both neighbours, and two steps further on either side."""
        shifts = range(-STEPS_AROUND, STEPS_AROUND + 1)
        near = [self.moved(case, crossing.knob, shift) for case in crossing[:2] for shift in shifts]
        return list(dict.fromkeys(case for case in near if case is not None))

    def beyond(self, crossing: Crossing) -> list[Case]:
        """The next case below the line, where the range has one."""
        upwards = self.sinks_upwards(crossing.sunk, crossing.knob)
        case = self.moved(crossing.sunk, crossing.knob, 1 if upwards else -1)
        return [] if case is None else [case]

    def at_the_line(self, crossing: Crossing, case: Case) -> bool:
        """Equity equals maintenance by the rule; without a rule, one of the two between which the verdict changes."""
        return self.rule(case).at_the_line if self.has_rule else case in crossing[:2]


def _power(random: Random, low: int, high: int) -> int:
    """Every magnitude as likely as any other."""
    bits = random.uniform(low.bit_length() - 1, high.bit_length())
    return max(low, min(high, int(2**bits)))
