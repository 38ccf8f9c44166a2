"""The mock feeds of a venue: they answer what they are told, or misbehave in a named way until they are mended."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any

import eth_abi

from plimsoll.chain import terms
from plimsoll.chain.deployment import Deployment
from plimsoll.chain.node import Contract
from plimsoll.types import FeedFault

HONEST, REVERT = 0, 1  # MockAggregator.Mode
A_ROUND = ("uint80", "int256", "uint256", "uint256", "uint80")  # of latestRoundData
END_OF_TIME = 2**63  # seconds
Round = tuple[int, int, int, int, int]  # id, answer, started, updated, answered in


class Feeds:
    """send(contract, fn, *args, sender=) sends one transaction. Times are the chain's. Nobody else tells these feeds anything:
    what they were told last is remembered here."""

    def __init__(self, made: Deployment, send: Callable[..., Any]) -> None:
        self._made, self._send = made, send
        self._broken: dict[str, FeedFault] = {}
        self._phases = {feed: made.proxies[feed].current().id for feed in made.feeds}
        self._told = {feed: _last(contract) for feed, contract in made.feeds.items()}

    def answer(self, feed: str, price: int, time: int) -> None:
        """A new round; a broken feed stays broken and misbehaves about this round."""
        answer = terms.answer(self._made.world.feed(feed), price)
        self._do(feed, "push", answer)
        self._told[feed] = self._told[feed][0] + 1, answer
        if feed in self._broken:
            self._misbehave(feed, time)

    def break_(self, feed: str, fault: FeedFault, time: int) -> None:
        self._broken[feed] = fault
        self._misbehave(feed, time)

    def mend(self, feed: str) -> None:
        self._broken.pop(feed, None)
        self._do(feed, "setMode", HONEST)

    def last_valid_round(self, feed: str) -> int:
        """The id, as the proxy numbers it, of the latest round that the feed was told: it stays readable whatever the feed
        answers meanwhile."""
        return int(self._phases[feed] << 64 | self._told[feed][0])

    def _misbehave(self, feed: str, time: int) -> None:
        fault = self._broken[feed]
        if fault is FeedFault.REVERTS:
            self._do(feed, "setMode", REVERT)
            return
        number, answer = self._told[feed]
        beyond = terms.answer(self._made.world.feed(feed), self._made.world.feed(feed).max_price)
        said = _round(fault, number, answer, time, beyond)
        self._do(feed, "setRaw", eth_abi.encode(A_ROUND, said))

    def fresh(self, send: Callable[..., Any]) -> Feeds:
        """The same feeds as they are now, told by another `send` from here on."""
        other = copy(self)
        other._send, other._broken, other._told = send, dict(self._broken), dict(self._told)
        return other

    def _do(self, feed: str, fn: str, *args: Any) -> None:
        self._send(self._made.feeds[feed], fn, *args, sender=self._made.roles.deployer)


def _last(contract: Contract) -> tuple[int, int]:
    """The latest round that a feed was told, and its answer."""
    number = contract.latestRound()
    return number, contract.getRoundData(number)[1]


def _round(fault: FeedFault, number: int, answer: int, time: int, beyond: int) -> Round:
    """What a feed with this fault says instead of (number, answer, time, time, number)."""
    lies: dict[FeedFault, Round] = {
        FeedFault.ZERO: (number, 0, time, time, number),
        FeedFault.NEGATIVE: (number, -answer, time, time, number),
        FeedFault.OUT_OF_BOUNDS: (number, beyond, time, time, number),
        FeedFault.NEVER_UPDATED: (number, answer, 0, 0, number),
        FeedFault.FROM_THE_FUTURE: (number, answer, time, END_OF_TIME, number),
        FeedFault.INCOMPLETE_ROUND: (number, answer, time, time, number - 1),
    }
    return lies[fault]
