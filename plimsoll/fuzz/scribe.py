"""Plays a life on the model and writes it down: each call, the answer that is due, and what was reached by it. The invariants are
checked around every liquidation and every fourth call. Views go to the model and are not written down.

    scribe = Scribe(model)
    scribe.deposit("ada", Account("ada"), "USDC", 10**9)     # as on a venue; Reverted is raised
    scribe.calls, scribe.due
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from plimsoll import invariants
from plimsoll.errors import Reverted
from plimsoll.fuzz.reach import Reach
from plimsoll.invariants import Observation
from plimsoll.model.venue import ModelVenue
from plimsoll.state import State
from plimsoll.types import WAD, Account, World
from plimsoll.venue import VERBS, VIEWS, WORLD, Call, Venue

MAY_HAPPEN = VERBS - WORLD - {"trespass"}
JUDGED_EVERY, PROBED_EVERY = 4, 16  # calls: to read the state is dearer than a verb, and to probe every account much more
_SIGNATURES = {name: inspect.signature(getattr(Venue, name)) for name in Venue.__abstractmethods__ if name != "now"}


class Scribe:
    """broken: what the invariants say, once one does not hold. judged_every: around how many calls they are asked."""

    def __init__(self, model: ModelVenue, judged_every: int = JUDGED_EVERY) -> None:
        self.model, self.reach, self._judged_every = model, Reach(), judged_every
        self.calls: list[Call] = []
        self.due: list[Any] = []
        self.broken: tuple[str, ...] = ()
        self._state: State | None = None
        self._settlements = 0

    @property
    def world(self) -> World:
        return self.model.world

    @property
    def now(self) -> int:
        return self.model.now

    def state(self) -> State:
        """The model's, at the present; not written down."""
        if self._state is None:
            self._state = self.model.state()
        return self._state

    def __getattr__(self, verb: str) -> Callable[..., Any]:
        if verb in VIEWS:
            view: Callable[..., Any] = getattr(self.model, verb)
            return view
        if verb not in _SIGNATURES:
            raise AttributeError(verb)
        return lambda *args, **named: self.say(_whole(verb, args, named))

    def say(self, call: Call) -> Any:
        """Raises Reverted where the model refuses."""
        call = _whole(call.verb, call.args, {})
        judged = len(self.calls) % self._judged_every == 0
        before = self.state() if judged or call.verb == "liquidate" else None
        answer = call.on(self.model)
        self._state = None
        self.calls.append(call)
        self.due.append(answer)
        self.reach.note(call, answer, before, self.world)
        if isinstance(answer, Reverted):
            raise answer
        if call.verb not in WORLD:
            self._settlements += 2 * len(self.world.instruments) + 16
        if before is not None and call.verb != "advance_to":
            self._judge(call, answer, before)
        return answer

    def _judge(self, call: Call, answer: Any, before: State) -> None:
        after = self.state()
        probed = len(self.calls) % PROBED_EVERY == 1
        seen = Observation(
            world=self.world,
            before=before,
            after=after,
            verb=_name(call),
            account=next((arg for arg in call.args if isinstance(arg, Account)), None),
            answer=answer,
            probes=self.model.probe(tuple(after.accounts)) if probed else {},
            settlements=self._settlements,
        )
        self.broken = self.broken or invariants.violations(seen)


def _whole(verb: str, args: Sequence[Any], named: Mapping[str, Any]) -> Call:
    """Every argument in its place, the defaults too."""
    bound = _SIGNATURES[verb].bind(None, *args, **named)
    bound.apply_defaults()
    return Call(verb, bound.args[1:])


def _name(call: Call) -> str:
    """The verb as invariants know it: a liquidation that was told to close less is a bite."""
    if call.verb == "liquidate" and call.args[3] < WAD:
        return "bite"
    return "" if call.verb in WORLD - {"set_price"} else call.verb


def replay(model: ModelVenue, calls: Sequence[Call], judged_every: int = JUDGED_EVERY) -> Scribe:
    """Some calls said anew. What cannot be said at all (time that runs backwards) is left out."""
    scribe = Scribe(model, judged_every)
    for call in calls:
        try:
            scribe.say(call)
        except Reverted:
            continue
        except ValueError:
            scribe._state = None
    return scribe
