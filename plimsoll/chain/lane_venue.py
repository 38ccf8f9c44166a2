"""The contracts in the fast lane: a whole life is said at once, and what each verb of it answered comes back together.

    venue = LaneVenue(chain, world)                      # a chain of its own, as for ChainVenue
    answers = venue.play([Call("provide", ("lp", 10**12)), Call("trade", (account, "ETH", 5)), Call("state")])

Every play starts from the world's beginning and leaves nothing behind. What a verb sends and how its answer is read off the
receipt is ChainVenue's own code, gone through twice: first to write down the steps, whose outcome is not known yet, then to
read what the lane made of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from plimsoll.chain.actors import Actors
from plimsoll.chain.deployment import Deployment
from plimsoll.chain.lane import AnvilLane, Done, Lane, Step
from plimsoll.chain.node import CallItem, Chain, Contract
from plimsoll.chain.receipt import Receipt
from plimsoll.chain.venue import STRANGER, ChainVenue
from plimsoll.errors import Reverted
from plimsoll.state import State
from plimsoll.types import World
from plimsoll.venue import Call


class _NotYet(Exception):
    """The step is written down; its outcome is not known."""


class LaneVenue(ChainVenue):
    """lane: by default Anvil's. Verbs, `wallet` and `state` may be played; other views ask more than once."""

    def __init__(
        self, chain: Chain, world: World, deployment: Deployment | None = None, lane: Lane | None = None
    ) -> None:
        self._born = False
        super().__init__(chain, world, deployment)
        self._born = True
        self.lane = lane or AnvilLane(chain, share_blocks=True)
        self._beginning = dict(self._known), self._feeds, self._time
        self._steps: list[Step] | None = None  # where they are written down; None while outcomes are read
        self._outcomes: Iterator[Done] = iter(())

    def play(self, calls: Sequence[Call]) -> list[Any]:
        """The answer of each call; a Reverted, as the model would say it, where it was refused."""
        self._rewind()
        steps: list[Step] = []
        self._steps = steps
        for call in calls:
            try:
                call.on(self)
            except _NotYet:
                pass
        self._rewind()
        self._steps, self._outcomes = None, iter(self.lane.play(steps).done)
        return [plain(call.on(self), self.deployment) for call in calls]

    def address_of(self, actor: str) -> int:
        """Of an actor, as a number."""
        return int(_Addresses(self.chain, self.deployment)[actor], 16)

    def _rewind(self) -> None:
        known, feeds, self._time = self._beginning
        self._known, self._holders = dict(known), {}
        self._feeds = feeds.fresh(self._free)
        self.actors = _Addresses(self.chain, self.deployment)

    # Sending and looking -------------------------------------------------------------------------------------------

    def _send(self, contract: Contract, fn: str, *args: Any, sender: str) -> Receipt:
        if not self._born:
            return super()._send(contract, fn, *args, sender=sender)
        if self._steps is None:
            return next(self._outcomes).told()
        self._write(contract.address, contract.encode(fn, *args), sender)
        raise _NotYet

    def _free(self, contract: Contract, fn: str, *args: Any, sender: str) -> None:
        """What is never refused and answers nothing."""
        try:
            self._send(contract, fn, *args, sender=sender)
        except _NotYet:
            pass

    def _ask(self, items: Iterable[CallItem]) -> list[Any]:
        items = list(items)
        if self._steps is None:
            return [next(self._outcomes).value(item) for item in items]
        for item in items:
            self._write(item.contract.address, item.request["data"], STRANGER)
        return [None] * len(items)

    def _write(self, to: str, data: str, sender: str) -> None:
        assert self._steps is not None
        self._steps.append(Step(to, data, sender, self._time + self.shift))

    # Verbs that send more than once --------------------------------------------------------------------------------

    def _once(self, sender: str, contract: Contract, fn: str, *args: Any) -> None:
        if self.actors.first_time(sender, contract, fn, *args):
            self._free(contract, fn, *args, sender=sender)

    def state(self) -> State:
        values = self._ask(self._reader.questions(self._known, self._holders).values())
        if self._steps is not None:
            raise _NotYet
        questions = self._reader.questions(self._known, self._holders)
        return self._reader.reading(self._time, self._known, self._holders, dict(zip(questions, values))).state


class _Addresses(Actors):
    """A lane lets anybody speak, and takes no gas money."""

    def _invite(self, address: str) -> None:
        return None


def plain(answer: Any, made: Deployment) -> Any:
    """An answer as the model gives it: in the arguments of a refusal an address is a number, and a token its name."""
    if not isinstance(answer, Reverted):
        return answer
    tokens = {int(token.address, 16): name for name, token in made.tokens.items()}

    def word(value: Any) -> Any:
        if isinstance(value, str) and value.startswith("0x"):
            return tokens.get(int(value, 16), int(value, 16))
        return tuple(map(word, value)) if isinstance(value, (tuple, list)) else value

    return Reverted(answer.name, tuple(map(word, answer.args)), answer.names, answer.hint)
