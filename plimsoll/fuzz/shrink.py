"""Makes a finding small: the fewest calls that still go wrong, with the roundest numbers, as delta debugging does it (Zeller and
Hildebrandt 2002), one greedy pass after another until nothing more falls away.

Whatever goes wrong with fewer calls counts, be it the same difference or another. Each try is one life on model and contracts.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from plimsoll.fuzz.lockstep import STATE, Bench, Finding, differs
from plimsoll.venue import Call

SECONDS = 90.0  # after which what is small enough is small enough


def shrink(bench: Bench, finding: Finding, seconds: float = SECONDS) -> Finding:
    """A finding of as few calls as were found in the time."""
    return _Shrinking(bench, finding, time.monotonic() + seconds).done()


class _Shrinking:
    def __init__(self, bench: Bench, finding: Finding, end: float) -> None:
        self.bench, self.best, self.end = bench, finding, end

    def done(self) -> Finding:
        size = None
        while size != (size := self._size()) and time.monotonic() < self.end:
            self._remove()
            self._gather()
            self._round()
        self._try(entered(self.calls, [spec.name for spec in self.bench.world.instruments]))
        return self.best

    def _size(self) -> tuple[int, int]:
        return len(self.best.calls), sum(len(str(call)) for call in self.best.calls)

    @property
    def calls(self) -> list[Call]:
        return [call for call in self.best.calls if call != STATE]

    def _try(self, calls: Sequence[Call]) -> bool:
        """Whether it still goes wrong; then it is the best so far."""
        if time.monotonic() > self.end:
            return False
        found = differs(self.bench, calls)
        if found is None:
            return False
        self.best = found
        return True

    def _remove(self) -> None:
        """Whole stretches first, single calls at last; from the end, where what went wrong is."""
        length = max(1, len(self.calls) // 2)
        while length:
            at = len(self.calls) - length
            while at >= 0:
                calls = self.calls
                self._try(calls[:at] + calls[at + length :])
                at = min(at, len(self.calls)) - length
            length //= 2

    def _gather(self) -> None:
        """Purses are filled at the beginning, once for each token."""
        purses: dict[tuple[str, str], int] = {}
        for call in self.calls:
            if call.verb == "give":
                actor, token, amount = call.args
                purses[actor, token] = purses.get((actor, token), 0) + amount
        gifts = [Call("give", (*purse, amount)) for purse, amount in purses.items()]
        others = [call for call in self.calls if call.verb != "give"]
        if gifts + others != self.calls:
            self._try(gifts + others)

    def _round(self) -> None:
        """Each number with fewer digits, or nearer to zero."""
        for number in range(len(self.calls)):
            for place in range(len(self.calls[number].args) if number < len(self.calls) else 0):
                calls = self.calls
                if number >= len(calls) or calls[number].verb == "advance_to":
                    break
                for value in _rounder(calls[number].args[place]):
                    args = list(calls[number].args)
                    args[place] = value
                    if self._try([*calls[:number], calls[number]._replace(args=tuple(args)), *calls[number + 1 :]]):
                        break


def entered(calls: Sequence[Call], instruments: Sequence[str]) -> list[Call]:
    """The same calls, but whoever provides or deposits does it at the very beginning, as the actors of a scenario do: with tokens
    of its own, and what is provided is put to work everywhere."""
    purses: dict[tuple[str, str], int] = {}
    first: dict[tuple[object, ...], Call] = {}
    for call in calls:
        if call.verb == "give":
            purses[call.args[:2]] = purses.get(call.args[:2], 0) + call.args[2]
        elif call.verb == "provide":
            first.setdefault(("provide", call.args[0]), call)
        elif call.verb == "deposit" and call.args[0] == call.args[1].actor:
            first.setdefault(("deposit", call.args[1]), call)
    start: list[Call] = []
    for call in sorted(first.values(), key=lambda call: call.verb == "deposit"):
        purse = (call.args[0], "USDC" if call.verb == "provide" else call.args[2])
        amount = call.args[1] if call.verb == "provide" else call.args[3]
        purses[purse] = purses.get(purse, 0) - amount
        start += [Call("give", (*purse, amount)), call]
        start += [Call("allocate", (call.args[0], name)) for name in instruments if call.verb == "provide"]
    wallets = [Call("give", (*purse, amount)) for purse, amount in purses.items() if amount > 0]
    moved = [*start, *wallets]
    return moved + [call for call in calls if call.verb != "give" and call not in moved]


def _rounder(value: object) -> Iterator[int]:
    """Numbers that read better, the best first."""
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) < 10:
        return
    digits = len(str(abs(value)))
    for kept in range(1, digits):
        unit = 10 ** (digits - kept)
        for rounded in (abs(value) // unit * unit, -(-abs(value) // unit) * unit):
            if rounded != abs(value):
                yield rounded if value > 0 else -rounded
        if kept >= 4:
            return
