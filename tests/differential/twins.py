"""Two venues played as one: the contracts and the model, compared after every verb to the last unit.

Equal must be: the answer or the error, its name and arguments; the whole State; and every view that is asked for. An address is
compared as a number, a token by its name.
"""

from __future__ import annotations

from typing import Any

from plimsoll.chain.deployment import Deployment
from plimsoll.chain.node import Chain
from plimsoll.chain.venue import ChainVenue
from plimsoll.errors import Reverted
from plimsoll.model.house import Birth
from plimsoll.model.venue import ModelVenue
from plimsoll.types import DAY, World
from tests.differential.inside import differences

VIEWS = {"state", "probe", "liquidatable", "for_sale", "liquidation_price", "wallet", "accounts", "account_id"}
FREE = {"advance_to", "set_price", "break_feed", "mend_feed", "give"}  # what the world does: never refused
TIME_TO_BUILD = 30 * DAY


class Twins:
    """Passes every verb to both. said: verb → how often it happened; refused: error → how often."""

    def __init__(self, chain: ChainVenue, model: ModelVenue) -> None:
        self.chain, self.model, self.world = chain, model, chain.world
        self.said: dict[str, int] = {}
        self.refused: dict[str, int] = {}
        self._tokens = {int(token.address, 16): name for name, token in chain.deployment.tokens.items()}
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
            if verb not in VIEWS | FREE:
                count, key = (self.refused, found.name) if isinstance(found, Reverted) else (self.said, verb)
                count[key] = count.get(key, 0) + 1
            if verb not in VIEWS:
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
        if found == due:
            return
        seen, meant = self._plain(found), self._plain(due)
        assert seen == meant, f"{what}: the contracts say {_difference(seen, meant)}"

    def _plain(self, value: Any) -> Any:
        """Refusals as their name and arguments, addresses as numbers, tokens as names; the rest part by part."""
        if isinstance(value, Reverted):
            return value.name, tuple(map(self._plain, value.args))
        if isinstance(value, str) and value.startswith("0x"):
            number = int(value, 16)
            return self._tokens.get(number, number)
        if hasattr(value, "__dataclass_fields__"):
            return {name: self._plain(getattr(value, name)) for name in value.__dataclass_fields__}
        if isinstance(value, dict):
            return {key: self._plain(part) for key, part in value.items()}
        return tuple(map(self._plain, value)) if isinstance(value, (tuple, list)) else value


def _difference(found: Any, due: Any, path: str = "") -> str:
    """The first parts that differ."""
    if isinstance(found, dict) and isinstance(due, dict) and found.keys() == due.keys():
        parts = [_difference(found[key], due[key], f"{path}.{key}") for key in found if found[key] != due[key]]
        return "; ".join(parts[:8])
    return f"{path} {found}, the model {due}"


def born(chain: Chain, world: World, made: Deployment, birth: Birth) -> Twins:
    venue = ChainVenue(chain, world, made)
    assert venue.shift == 0
    return Twins(venue, ModelVenue(world, lambda name: int(venue.actors[name], 16), birth))
