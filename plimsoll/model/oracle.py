"""Prices: a feed's answer becomes a price, or a named fault; and how a dead feed is halted. The counterpart of PriceOracle.sol.

A price needs an answer that is there, positive, inside the feed's bounds by 1 %, not from the future, not older than heartbeat
and grace, and of a complete round. Nothing stands in for it until the feed was invalid for more than six hours and somebody
halts it; and for a day such a halt can still be undone.

(The seam has no word for the sequencer or for secondary feeds: here the first is up and past its grace, the second absent.)

Units: price WAD; an answer has the feed's decimals; time seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from plimsoll.fixed_point import WAD, div_down, mul_div_down, mul_div_up
from plimsoll.margin_math import MOST_PRICE
from plimsoll.model.house import Halt, House, Round, refuse
from plimsoll.types import FAULTS, HALT_DELAY, HALT_GRACE, FeedFault, FeedSpec

MILLION = 10**6
PHASE = 1 << 64  # the upper bits of a round's id
END_OF_TIME = 2**63


class Price(NamedTuple):
    """halted_at: not 0 while it is the stand-in of a halted feed."""

    feed: int
    lo: int
    mid: int
    hi: int
    halted_at: int = 0


Book = Mapping[int, Price]  # feed → what this verb has read already


class Fault(NamedTuple):
    """Why there is no price: a word of FAULTS by its number, and the numbers that say so."""

    kind: int
    found: int = 0
    limit: int = 0


# Reading a price ---------------------------------------------------------------------------------------------------


def complete(house: House, book: Book, feeds: Iterable[int]) -> Book:
    """The book with these feeds in it: what is missing is read now, in the order of the ids. Raises InvalidPrice."""
    missing = sorted(set(feeds) - set(book))
    return {**book, **{feed: price(house, feed) for feed in missing}} if missing else book


def price(house: House, feed: int) -> Price:
    found = peek(house, feed)
    if isinstance(found, Fault):
        refuse("InvalidPrice", feed, *found)
    return found


def peek(house: House, feed: int) -> Price | Fault:
    halt = house.storage.halts.get(feed, Halt())
    if halt.halted_at:
        return Price(feed, 0, halt.price, MOST_PRICE, halt.halted_at)
    mid = live(house, feed)
    if isinstance(mid, Fault):
        return mid
    spread = spec_of(house, feed).half_spread_e6
    lo, hi = mul_div_down(mid, MILLION - spread, MILLION), mul_div_up(mid, MILLION + spread, MILLION)
    return Price(feed, lo, mid, hi)


def live(house: House, feed: int) -> int | Fault:
    """What the feed itself says now, halted or not."""
    spec = spec_of(house, feed)
    return worth(house, feed, latest(house, feed), spec.heartbeat + spec.grace)


def worth(house: House, feed: int, said: Round | None, max_age: int | None = None) -> int | Fault:
    """What a round is worth, WAD, or the first thing that is wrong with it. max_age: None for any."""
    if said is None:
        return fault("CallFailed")
    spec = spec_of(house, feed)
    lower = mul_div_up(answer_of(spec, spec.min_price), 101, 100)
    upper = mul_div_down(answer_of(spec, spec.max_price), 99, 100)
    answer, updated_at = abs(said.answer), said.updated_at
    if said.answer <= 0:
        return fault("NotPositive", answer, 0)
    if answer <= lower or answer >= upper:
        return fault("OutOfBounds", answer, lower if answer <= lower else upper)
    if updated_at == 0:
        return fault("NeverUpdated")
    if updated_at > house.now:
        return fault("FromTheFuture", updated_at, house.now)
    if max_age is not None and house.now - updated_at > max_age:
        return fault("Stale", updated_at, house.now - max_age)
    if said.answered_in < said.id:
        return fault("IncompleteRound", said.answered_in, said.id)
    price_ = answer * 10 ** (18 - spec.decimals)
    return fault("TooLarge", price_, MOST_PRICE) if price_ > MOST_PRICE else price_


def is_final(house: House, feed: int) -> bool:
    """A halt that nothing undoes any more."""
    halt = house.storage.halts.get(feed, Halt())
    return halt.halted_at != 0 and halt.halted_at + HALT_DELAY <= house.now


def require_final(house: House, book: Book) -> None:
    """A stand-in that may still be undone liquidates nobody: so whoever holds anything at one adds no risk either."""
    for found in book.values():
        if found.halted_at and not is_final(house, found.feed):
            refuse("HaltNotFinal", found.feed)


def require_peg(house: House) -> None:
    """The depeg guard, where the world has one."""
    guard = house.world.guard
    if guard is None:
        return
    found = price(house, house.feeds.index(guard.feed))
    if found.halted_at or abs(found.mid - WAD) > guard.limit_e6 * 10**12:
        refuse("Depegged", found.mid)


# Halting a feed ----------------------------------------------------------------------------------------------------


def observe(house: House, feed: int) -> None:
    """Records since when a feed is invalid, or that it is well again (which undoes a halt that is not final)."""
    halts = house.storage.halts
    if is_final(house, feed):
        return
    if not isinstance(live(house, feed), Fault):
        halts.pop(feed, None)
    elif feed not in halts:
        halts[feed] = Halt(invalid_since=house.now)


def halt(house: House, feed: int) -> None:
    """Halts a feed at the last answer that it was told, or replaces the stand-in by a newer one."""
    if feed not in house.storage.halts:
        refuse("NotObserved", feed)
    record = house.storage.halts[feed]
    if is_final(house, feed):
        refuse("HaltIsFinal", feed, record.halted_at + HALT_DELAY)
    mid = live(house, feed)
    if not isinstance(mid, Fault):
        refuse("FeedIsValid", feed, mid)
    price_, time = last_valid(house, feed)
    if not record.halted_at:
        require_grace(house, feed, record, time)
    elif time <= record.round_time:
        refuse("NotNewer", feed, time, record.round_time)
    halted_at = record.halted_at or house.now
    house.storage.halts[feed] = Halt(record.invalid_since, halted_at, price_, time)


def last_valid(house: House, feed: int) -> tuple[int, int]:
    """The last round that the feed was told, valid at whatever age, and when; what it says now is no newer one."""
    named = house.storage.rounds[feed]
    found = worth(house, feed, named)
    if isinstance(found, Fault):
        refuse("InvalidRound", feed, named.id, *found)
    said = latest(house, feed)
    if said is not None and not isinstance(worth(house, feed, said), Fault) and said.updated_at > named.updated_at:
        refuse("NotLastValid", feed, named.id)
    return found, named.updated_at


def require_grace(house: House, feed: int, record: Halt, time: int) -> None:
    """More than six hours since the record, or since the named answer went stale where that is newer."""
    spec = spec_of(house, feed)
    since = record.invalid_since if record.invalid_since >= time else time + spec.heartbeat + spec.grace
    if house.now < since + HALT_GRACE + 1:
        refuse("HaltTooSoon", feed, since, since + HALT_GRACE + 1)


# What feeds say ----------------------------------------------------------------------------------------------------


def latest(house: House, feed: int) -> Round | None:
    """What the feed answers now: its last round, or its lie. None where it reverts."""
    return house.storage.lies[feed] if feed in house.storage.lies else house.storage.rounds[feed]


def tell(house: House, feed: int, price_: int) -> None:
    """The feed is told a price, in a new round."""
    before = house.storage.rounds.get(feed)
    number = before.id + 1 if before else PHASE + 2  # the first was given when the feed was made
    house.storage.rounds[feed] = Round(number, answer_of(spec_of(house, feed), price_), house.now, number)


def lie(house: House, feed: int, how: FeedFault) -> None:
    """From now on the feed says this about its last round."""
    told, spec = house.storage.rounds[feed], spec_of(house, feed)
    told = told._replace(updated_at=house.now)
    lies: dict[FeedFault, Round | None] = {
        FeedFault.REVERTS: None,
        FeedFault.ZERO: told._replace(answer=0),
        FeedFault.NEGATIVE: told._replace(answer=-told.answer),
        FeedFault.OUT_OF_BOUNDS: told._replace(answer=answer_of(spec, spec.max_price)),
        FeedFault.NEVER_UPDATED: told._replace(updated_at=0),
        FeedFault.FROM_THE_FUTURE: told._replace(updated_at=END_OF_TIME),
        FeedFault.INCOMPLETE_ROUND: told._replace(answered_in=told.id - 1),
    }
    house.storage.lies[feed] = lies[how]


def answer_of(spec: FeedSpec, price_: int) -> int:
    """A price in the decimals of the feed, rounded down."""
    return div_down(price_ * 10**spec.decimals, WAD)


def spec_of(house: House, feed: int) -> FeedSpec:
    return house.world.feeds[feed]


def fault(word: str, found: int = 0, limit: int = 0) -> Fault:
    return Fault(FAULTS.index(word), found, limit)
