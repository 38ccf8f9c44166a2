"""What everybody shares: prices with their age, markets, bad debt. Read at one block, in one request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from plimsoll.errors import NodeRefused, Reverted
from plimsoll.keeper.port import Call, Port
from plimsoll.types import FAULTS


@dataclass(frozen=True)
class Feed:
    """mid: WAD, 0 while `fault` says why there is none. updated_at, stale_at: when its answer was written, and the first second
    at which that is too old. invalid_since, halted_at: 0 unless on record."""

    id: int
    name: str
    mid: int
    fault: str
    updated_at: int
    stale_at: int
    invalid_since: int
    halted_at: int


@dataclass(frozen=True)
class Instrument:
    """open_interest: size units. quote_long, quote_short: Σ quote of a side. owed: bad debt of its sides, settlement units."""

    id: int
    feed: int
    open_interest: int
    quote_long: int
    quote_short: int
    owed: int
    frozen: bool


@dataclass(frozen=True)
class Market:
    """time: of the block it was read at. bad_debt: settlement units."""

    time: int
    feeds: tuple[Feed, ...]
    instruments: tuple[Instrument, ...]
    bad_debt: int

    @property
    def mids(self) -> tuple[int, ...]:
        return tuple(feed.mid for feed in self.feeds)


class MarketReader:
    """names: of the feeds."""

    def __init__(self, port: Port, names: Sequence[str]) -> None:
        self._port, self._names = port, tuple(names)

    def read(self, block: str, time: int) -> Market:
        """At a block (its hash) and its time. Raises NodeDead, NodeRefused."""
        feeds = range(len(self._names))
        [count, bad_debt] = values(self._port, [Call("engine", "instrumentCount"), Call("engine", "badDebt")], block)
        asked = [Call("oracle", view, (feed, *more)) for feed in feeds for view, more in _OF_A_FEED]
        asked += [Call("engine", "market", (i,)) for i in range(count)] + [Call("engine", "instrumentConfig", (i,)) for i in range(count)]
        asked += [Call("engine", "deficitOf", (i, side)) for i in range(count) for side in (True, False)]
        asked += [Call("pool", "isFrozen", (i,)) for i in range(count)]
        told = values(self._port, asked, block)
        cut = len(_OF_A_FEED) * len(feeds)
        shared, markets = told[:cut], told[cut:]
        return Market(
            time,
            tuple(self._feed(feed, *shared[3 * feed : 3 * feed + 3]) for feed in feeds),
            tuple(_instrument(i, count, markets) for i in range(count)),
            bad_debt,
        )

    def _feed(self, feed: int, peeked: Any, freshness: Any, halt: Any) -> Feed:
        fault = FAULTS[peeked.fault] if peeked.fault else ""
        stands = freshness.updatedAt, freshness.staleAt, halt.invalidSince, halt.haltedAt
        return Feed(feed, self._names[feed], peeked.price.mid, fault, *stands)


_OF_A_FEED: tuple[tuple[str, tuple[bool, ...]], ...] = (("peek", (True,)), ("freshness", ()), ("haltOf", ()))


def _instrument(i: int, count: int, told: Sequence[Any]) -> Instrument:
    market, config = told[i], told[count + i]
    owed = told[2 * count + 2 * i].owed + told[2 * count + 2 * i + 1].owed
    quotes = market.quoteLong, market.quoteShort
    return Instrument(i, config.risk.feed, market.openInterest, *quotes, owed, told[4 * count + i])


def values(port: Port, calls: Sequence[Call], block: str | None = None) -> list[Any]:
    """Answers none of which may be a refusal. Raises NodeRefused where one is."""
    answers = port.ask(calls, block)
    for call, answer in zip(calls, answers):
        if isinstance(answer, Reverted):
            raise NodeRefused("eth_call", f"{call.part}.{call.fn} answers {answer}")
    return answers
