"""Two venues played as one: the contracts and the model, compared after every verb to the last unit.

Equal must be: the answer or the error, its name and arguments; the whole State; and every view that is asked for. An address is
compared as a number, a token by its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plimsoll.chain.deployment import Deployment
from plimsoll.chain.lane_venue import plain
from plimsoll.chain.node import Chain
from plimsoll.chain.venue import ChainVenue
from plimsoll.errors import Reverted
from plimsoll.fuzz import lockstep
from plimsoll.fuzz.lockstep import same
from plimsoll.model.house import Birth
from plimsoll.model.venue import ModelVenue
from plimsoll.types import DAY, World
from plimsoll.venue import VERBS, Probe
from tests.differential.inside import differences

TIME_TO_BUILD = 30 * DAY


class Twins:
    """Passes every verb to both."""

    def __init__(self, chain: ChainVenue, model: ModelVenue) -> None:
        self.chain, self.model, self.world = chain, model, chain.world
        self._compare("start", chain.state(), model.state())

    @property
    def now(self) -> int:
        assert self.chain.now == self.model.now
        return self.chain.now

    def __getattr__(self, verb: str) -> Any:
        def play(*args: Any, **named: Any) -> Any:
            __tracebackhide__ = True
            found, due = (self._answer(getattr(venue, verb), args, named) for venue in (self.chain, self.model))
            what = f"{verb}{args}{named or ''}"
            self._compare(what, found, due)
            if verb in VERBS:
                self._compare(f"state after {what}", self.chain.state(), self.model.state())
            if isinstance(found, Reverted):
                raise found
            return found

        return play

    def look(self) -> None:
        """Every view of the present is the same on both, and so is what they remember beyond it."""
        found = differences(self.chain, self.model)
        assert not found, "\n".join(found)
        self.liquidatable()
        self.for_sale()
        self.probe(self.accounts())

    def _answer(self, method: Any, args: tuple, named: dict) -> Any:
        try:
            return method(*args, **named)
        except Reverted as refusal:
            return refusal

    def _compare(self, what: str, found: Any, due: Any) -> None:
        __tracebackhide__ = True
        found = self._plain(found)
        assert same(self._plain(due), found), f"{what}: due, found: {lockstep.differences(due, found)}"

    def _plain(self, value: Any) -> Any:
        """Refusals by name and arguments, also those inside a probe."""
        if isinstance(value, Mapping):
            return {key: self._plain(part) for key, part in value.items()}
        if isinstance(value, Probe):
            return tuple(refusal and self._plain(refusal) for refusal in value)
        if isinstance(value, Reverted):
            told = plain(value, self.chain.deployment)
            return told.name, told.args
        return value


def born(chain: Chain, world: World, made: Deployment, birth: Birth) -> Twins:
    venue = ChainVenue(chain, world, made)
    assert venue.shift == 0
    return Twins(venue, ModelVenue(world, lambda name: int(venue.actors[name], 16), birth))
