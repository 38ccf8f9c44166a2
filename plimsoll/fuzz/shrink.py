"""Makes a finding small: the fewest calls that still go wrong, with the roundest numbers, as delta debugging does it (Zeller and
Hildebrandt 2002), one greedy pass after another until nothing more falls away.

Whatever goes wrong with fewer calls counts, be it the same difference or another. Each try is one life on model and contracts.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from plimsoll.errors import Reverted
from plimsoll.fuzz.lockstep import STATE, Bench, Finding, differs
from plimsoll.fuzz.scribe import JUDGED_EVERY, Scribe, replay
from plimsoll.types import Account, Outcome
from plimsoll.venue import Call

PAYER, REPAIRS = "stranger", 2
MOST_ARGUMENTS = 8  # of a verb
SECONDS = 90.0  # after which what is small enough is small enough


def shrink(bench: Bench, finding: Finding, seconds: float = SECONDS) -> Finding:
    """A finding of as few calls as were found in the time."""
    return _Shrinking(bench, finding, time.monotonic() + seconds).done()


class _Shrinking:
    def __init__(self, bench: Bench, finding: Finding, end: float) -> None:
        self.bench, self.best, self.end = bench, finding, end
        self.judged_every = 1 if finding.broken else JUDGED_EVERY  # what one step broke is seen around that step alone

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
        tried: Sequence[Call] | None = calls
        for _ in range(REPAIRS + 1):
            if tried is None or time.monotonic() > self.end:
                return False
            found = differs(self.bench, tried, self.judged_every)
            if found is not None:
                self.best = found
                return True
            tried = on_line_again(replay(self.bench.model(), tried))
        return False

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
            for place in range(MOST_ARGUMENTS):
                calls = self.calls
                if number >= len(calls) or calls[number].verb == "advance_to" or place >= len(calls[number].args):
                    break
                args = list(calls[number].args)
                for args[place] in _rounder(args[place]):
                    if self._try([*calls[:number], calls[number]._replace(args=tuple(args)), *calls[number + 1 :]]):
                        break


def on_line_again(scribe: Scribe) -> list[Call] | None:
    """What goes wrong at a line only stops going wrong with the first call less: money is paid to the account of the last call, or
    less of it, so that it stands on that line again. None where it does, or where there is no such line."""
    if not scribe.calls:
        return None
    calls, last, due = list(scribe.calls), scribe.calls[-1], scribe.due[-1]
    account = next((arg for arg in last.args if isinstance(arg, Account)), Account(PAYER))
    if isinstance(due, Outcome):
        gap = due.maintenance - due.equity
    elif isinstance(due, Reverted) and due.name == "InsufficientMargin":
        gap = due.args[2] - due.args[1]
    elif last.verb == "liquidate" and (held := scribe.state().accounts.get(account)) and held.margin:
        gap = held.margin.maintenance - held.margin.equity
    else:
        return None
    paid = [i for i, call in enumerate(calls) if call.verb == "deposit" and call.args[1:3] == (account, "USDC")]
    if gap == 0 or (not paid and gap < 0):
        return None
    if not paid:
        return [*calls[:-1], Call("give", (PAYER, "USDC", gap)), Call("deposit", (PAYER, account, "USDC", gap, 0)), last]
    payer, _, token, amount, least = calls[paid[-1]].args
    calls[paid[-1]] = Call("deposit", (payer, account, token, amount + gap, least))
    return [Call("give", (payer, token, gap)), *calls] if gap > 0 else calls if amount + gap > 0 else None


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
