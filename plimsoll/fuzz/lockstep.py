"""A life on the contracts, beside what the model said is due: the first difference, in the answer of a call or in the state
that is left at the end.

    finding = differs(bench, scribe.calls)       # None where there is none
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from plimsoll.errors import Reverted
from plimsoll.fuzz.scribe import JUDGED_EVERY, Scribe, replay
from plimsoll.fuzz.threshold import Judge
from plimsoll.model.venue import ModelVenue
from plimsoll.state import leaves
from plimsoll.types import World
from plimsoll.venue import Call

STATE = Call("state")


@dataclass(frozen=True)
class Bench:
    """Where lives are compared. model: a new one, born as the contracts were; play: the contracts' answers to some calls, from
    the beginning of the world; nothing stays. judge: the libraries' verdicts, as threshold.py asks for them."""

    world: World
    model: Callable[[], ModelVenue]
    play: Callable[[Sequence[Call]], list[Any]]
    judge: Judge


class Finding(NamedTuple):
    """calls: up to the one that went wrong, which is the last. due, found: what the model and the contracts answered to it (of
    the state: only what differs, by path). broken: the invariants that the specification itself breaks; then nothing was
    played."""

    calls: tuple[Call, ...]
    due: Any = None
    found: Any = None
    broken: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.broken:
            return "; ".join(self.broken)
        return f"{_said(self.calls[-1])}: the contracts answer {_word(self.found)}, due is {_word(self.due)}"


def compare(bench: Bench, scribe: Scribe) -> Finding | None:
    """Plays what was written down."""
    if scribe.broken:
        return Finding(tuple(scribe.calls), broken=scribe.broken)
    calls = (*scribe.calls, STATE)
    answers = bench.play(calls)
    for number, (due, found) in enumerate(zip((*scribe.due, scribe.model.state()), answers)):
        if not same(due, found):
            if number == len(calls) - 1:
                due, found = differences(due, found)
            return Finding(calls[: number + 1], due, found)
    return None


def differs(bench: Bench, calls: Sequence[Call], judged_every: int = JUDGED_EVERY) -> Finding | None:
    """Says calls anew on both."""
    return compare(bench, replay(bench.model(), calls, judged_every))


def same(due: Any, found: Any) -> bool:
    """Refusals are the same where name and arguments are."""
    if isinstance(due, Reverted) and isinstance(found, Reverted):
        return (due.name, due.args) == (found.name, found.args)
    return bool(due == found)


def differences(due: Any, found: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """What differs in two readings, by path: "accounts.ada.cash"."""
    mine, theirs = leaves(due), leaves(found)
    paths = [path for path in {**mine, **theirs} if mine.get(path) != theirs.get(path)]
    return {path: mine.get(path) for path in paths}, {path: theirs.get(path) for path in paths}


def _said(call: Call) -> str:
    return f"{call.verb}({', '.join(str(arg) for arg in call.args if arg is not None)})"


def _word(answer: Any) -> str:
    return f"the refusal {answer}" if isinstance(answer, Reverted) else str(answer)
