"""What everybody shares: the rules, which change rarely; prices with their age, markets, bad debt. Each read at one block, in one
request; what the risk engine needs of it is in its own words (plimsoll.risk.terms)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from plimsoll.errors import NodeRefused, Reverted
from plimsoll.keeper.port import Call, Port
from plimsoll.risk import terms as risk
from plimsoll.types import FAULTS

OF_A_SEQUENCER = ("SequencerDown", "SequencerGrace")


@dataclass(frozen=True)
class Feed:
    """mid: WAD, 0 while `fault` says why there is none. updated_at, stale_at: when its answer was written, and the first second
    at which that is too old. invalid_since, halted_at: 0 unless on record. final: its halt will not be undone."""

    id: int
    name: str
    mid: int
    fault: str
    updated_at: int
    stale_at: int
    invalid_since: int
    halted_at: int
    final: bool

    @property
    def ill(self) -> bool:
        """Of itself: that the sequencer is down is no feed's fault."""
        return bool(self.fault) and self.fault not in OF_A_SEQUENCER


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
    market: risk.Market


@dataclass(frozen=True)
class Market:
    """time: of the block it was read at. bad_debt: settlement units."""

    time: int
    feeds: tuple[Feed, ...]
    instruments: tuple[Instrument, ...]
    bad_debt: int

    def marks(self, time: int, terms: risk.Terms, interest: risk.Interest) -> risk.Marks:
        """At a time from its own on, at its prices."""
        judging = [feed for feed in self.feeds if feed.mid and not feed.fault and (not feed.halted_at or feed.final)]
        prices = {feed.id: risk.Price(feed.mid, feed.halted_at) for feed in judging}
        return risk.Marks.at(time, terms, prices, [one.market for one in self.instruments], interest)


def read_terms(port: Port, block: str) -> risk.Terms:
    """What is listed at a block (its hash). Raises NodeDead, NodeRefused."""
    counts = [("engine", "instrumentCount"), ("engine", "collateralCount"), ("oracle", "feedCount"), ("engine", "SETTLEMENT_DECIMALS")]
    instruments, collaterals, feeds, decimals = values(port, [Call(*count) for count in counts], block)
    told = values(
        port,
        [Call("engine", "instrumentConfig", (i,)) for i in range(instruments)]
        + [Call("engine", "collateralConfig", (i,)) for i in range(collaterals)]
        + [Call("oracle", "feedConfig", (i,)) for i in range(feeds)],
        block,
    )
    listed, coins, sources = told[:instruments], told[instruments : instruments + collaterals], told[instruments + collaterals :]
    return risk.Terms(
        decimals,
        tuple(_listed(one.risk, one.funding) for one in listed),
        tuple(risk.Collateral(one.feed, one.haircutE6, one.maxHaircutE6, one.depth, one.decimals) for one in coins),
        tuple(risk.Feed(one.decimals, one.config.minAnswer, one.config.maxAnswer) for one in sources),
    )


def _listed(told: Any, funding: Any) -> risk.Instrument:
    terms = told.feed, told.baseE6, told.slopeE6, told.depth, told.floor, told.penaltyE6
    return risk.Instrument(*terms, risk.Funding(funding.scale, funding.maxVelocityE8, funding.maxRateE8))


# One moment ----------------------------------------------------------------------------------------------------------

_OF_A_FEED: Mapping[str, tuple[bool, ...]] = {"peek": (True,), "freshness": (), "haltOf": (), "isFinal": ()}
_OF_AN_INSTRUMENT: Sequence[tuple[str, str, tuple[bool, ...]]] = (
    ("engine", "market", ()),
    ("engine", "deficitOf", (True,)),
    ("engine", "deficitOf", (False,)),
    ("pool", "isFrozen", ()),
)


def read_market(port: Port, terms: risk.Terms, names: Sequence[str], tranches: Sequence[int], block: str, time: int) -> Market:
    """At a block (its hash) and its time. names: of the feeds. tranches: the pool's account by instrument.

    Raises NodeDead, NodeRefused.
    """
    feeds, instruments = range(len(names)), range(len(terms.instruments))
    asked = [Call("engine", "badDebt")]
    asked += [Call("oracle", view, (feed, *more)) for feed in feeds for view, more in _OF_A_FEED.items()]
    asked += [Call(part, view, (i, *more)) for i in instruments for part, view, more in _OF_AN_INSTRUMENT]
    asked += [Call("engine", "position", (tranches[i], i)) for i in instruments]
    bad_debt, *told = values(port, asked, block)
    width, wide = len(_OF_A_FEED), len(_OF_AN_INSTRUMENT)
    cut, end = width * len(feeds), width * len(feeds) + wide * len(instruments)
    return Market(
        time,
        tuple(_feed(feed, names[feed], *told[width * feed : width * (feed + 1)]) for feed in feeds),
        tuple(
            _instrument(i, terms.instruments[i].feed, told[cut + wide * i : cut + wide * (i + 1)], told[end + i]) for i in instruments
        ),
        bad_debt,
    )


def _feed(feed: int, name: str, peeked: Any, freshness: Any, halt: Any, final: bool) -> Feed:
    fault = FAULTS[peeked.fault] if peeked.fault else ""
    return Feed(feed, name, peeked.price.mid, fault, freshness.updatedAt, freshness.staleAt, halt.invalidSince, halt.haltedAt, final)


def _instrument(i: int, feed: int, told: Sequence[Any], tranche: Any) -> Instrument:
    market, owed_long, owed_short, frozen = told
    stands = risk.Market(market.indexLong, market.indexShort, market.rateE8, market.time, -tranche.size)
    owed = owed_long.owed + owed_short.owed
    return Instrument(i, feed, market.openInterest, market.quoteLong, market.quoteShort, owed, frozen, stands)


def values(port: Port, calls: Sequence[Call], block: str | None = None) -> list[Any]:
    """Answers none of which may be a refusal. Raises NodeRefused where one is."""
    answers = port.ask(calls, block)
    for call, answer in zip(calls, answers):
        if isinstance(answer, Reverted):
            raise NodeRefused("eth_call", f"{call.part}.{call.fn} answers {answer}")
    return answers
