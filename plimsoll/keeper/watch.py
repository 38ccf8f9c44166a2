"""Keeps the store and the book of accounts in step with the chain.

    watch = Watch(port, store)
    news = watch.advance()              # to the head of the chain; raises NodeDead, NodeRefused, Behind, Shifted

Discovery is by events alone: every change of an account tells of it (EVT-1). What an event says is not believed but taken as a
mark: the account is read anew through the lens, at one block, by that block's hash. So an event told twice, or of a block that
is gone, does no harm; one that was not told would, and is looked for: the bloom filter of a block's header says when its
answer lacks something, and a few accounts are read anew each round whether or not anything was told of them.

Blocks are followed by their hashes. When the block of the checkpoint is not on the chain any more, the store unwinds to the
latest one that is, and whoever was touched since is read anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice

from plimsoll.errors import NodeRefused, PlimsollError
from plimsoll.keeper.book import Holding, read
from plimsoll.keeper.port import Head, Port, Told
from plimsoll.keeper.records import WON, Checkpoint
from plimsoll.keeper.store import BLOCKS_KEPT, Store

FIRST_SPAN, MOST_SPAN = 1_000, 50_000  # blocks asked for at once
HEADERS_AT_ONCE = 64
SUSPICIOUS = 9_999  # logs: providers that cut their answers short do so at a round number
KEPT_AT_ONCE = 2_000  # accounts read, and then kept
AUDITED = 64  # accounts read anew each round, in turn
RULES = ("InstrumentApplied", "InstrumentSet", "CollateralApplied", "CollateralSet", "InterestSet", "Restricted", "CapsLowered",
         "CollateralCapLowered", "FeedAdded")  # fmt: skip


class Behind(PlimsollError):
    """The node is behind what it has told before: it lags, or has lost blocks."""


class Shifted(PlimsollError):
    """The chain changed while it was read: look again."""


@dataclass
class News:
    """What an advance brought. events: of the latest blocks; partly: there were others before those, whose marks are all in the
    store. rules: parameters changed. unwound: blocks that were given up, all after block `kept`. mended: accounts that no event had
    told of, and yet had changed."""

    head: Head
    events: list[Told] = field(default_factory=list)
    partly: bool = False
    rules: bool = False
    touched: set[int] = field(default_factory=set)
    unwound: int = 0
    kept: int = 0
    mended: int = 0

    def add(self, events: Sequence[Told]) -> None:
        """A first start may go through millions: only those that can still matter are held on to."""
        recent = [told for told in events if told.block > self.head.number - BLOCKS_KEPT]
        self.partly |= len(recent) < len(events)
        self.rules |= any(told.name in RULES for told in events)
        self.events += recent


class Watch:
    """house: accounts of the pool, which change without an event of their own. book: account → what it holds; loaded from the
    store once."""

    def __init__(self, port: Port, store: Store, first_block: int = 0, house: Sequence[int] = ()) -> None:
        self._port, self._store, self._first = port, store, first_block
        self._house, self._span = tuple(house), FIRST_SPAN
        self.book: dict[int, Holding] = dict(store.accounts())
        self._turn: list[int] = []
        self._news: News | None = None

    @property
    def checkpoint(self) -> Checkpoint:
        return self._store.checkpoint

    def advance(self) -> News:
        """Up to the head of the chain. What was reached before something failed is kept, and is news the next time."""
        head, at = self._port.head(), self._store.checkpoint
        news = self._news = self._news or News(head)
        news.head = head
        if at.hash and (unwound := self._follow(head, at)):
            news.kept = min(news.kept, at.number - unwound) if news.unwound else at.number - unwound
            news.unwound += unwound
        self._events(news)
        if news.events or news.partly or news.unwound:
            self._store.mark(self._house)
        self._read(news)
        self._news = None
        return news

    # Where the chain goes --------------------------------------------------------------------------------------------

    def _follow(self, head: Head, at: Checkpoint) -> int:
        """Unwinds where the checkpoint is not on the chain any more. Returns how many blocks were given up."""
        numbers = [min(head.number, at.number)]
        [there] = self._port.headers(numbers)
        known = self._store.hashes()
        if head.number < at.number:
            far = head.number < min(known, default=0)
            if far or (there is not None and known.get(head.number) == there.hash):
                again = ": if its chain was begun anew, give another store with --store" if far else ""
                raise Behind(f"the node is at block {head.number}, and has told of block {at.number} before{again}")
        elif there is None:
            raise Shifted(f"block {at.number} is gone while it was looked at")
        elif there.hash == at.hash:
            return 0
        ancestor = self._ancestor([number for number in known if number < at.number])
        if ancestor is None:
            self._store.restart(self._first)
            return at.number - self._first + 1
        self._store.unwind(ancestor)
        return at.number - ancestor.number

    def _ancestor(self, numbers: list[int]) -> Checkpoint | None:
        """The latest block of ours that is on the chain."""
        known = self._store.hashes()
        for start in range(0, len(numbers), HEADERS_AT_ONCE):
            some = numbers[start : start + HEADERS_AT_ONCE]
            for number, there in zip(some, self._port.headers(some)):
                if there is not None and there.hash == known[number]:
                    return Checkpoint(number, there.hash)
        return None

    # What it tells -----------------------------------------------------------------------------------------------------

    def _events(self, news: News) -> None:
        """In ranges as large as the node answers; each is kept as soon as it is there."""
        head, at = news.head, self._store.checkpoint
        while at.number < head.number:
            first, last = at.number + 1, min(at.number + self._span, head.number)
            events = self._told(first, last)
            if events is None:
                continue
            at = self._keep(head, at, last, events)
            news.add(events)
            self._span = min(2 * self._span, MOST_SPAN)

    def _told(self, first: int, last: int) -> list[Told] | None:
        """None where the node will not answer for so many blocks: fewer are asked for next."""
        try:
            events = list(self._port.told(first, last))
            if len(events) < SUSPICIOUS or first == last:
                return events
        except NodeRefused:
            if first == last:
                raise
        self._span = max(1, (last - first + 1) // 2)
        return None

    def _keep(self, head: Head, at: Checkpoint, last: int, events: list[Told]) -> Checkpoint:
        """Proves that the events are those of one chain, and keeps them."""
        recent = max(at.number + 1, head.number - BLOCKS_KEPT + 1)
        chain = self._headers(range(min(recent, last), last + 1), at)
        won = {told.block for told in events if told.name in WON}
        for number, header in chain.items():
            if header.told and (number in won or not any(told.block == number for told in events)):
                again = self._port.told(number, number)  # a bloom filter may err, an answer lack some; two seldom lack the same
                events += [told for told in again if told not in events]
        events.sort(key=lambda told: (told.block, told.place))
        for told in events:
            if told.block in chain and chain[told.block].hash != told.block_hash:
                raise Shifted(f"an event is told of a block {told.block} that is not on the chain")
        to = Checkpoint(last, chain[last].hash)
        if last == head.number and to.hash != head.hash:
            raise Shifted(f"block {last} is another one than it was a moment ago")
        times = self._times([told.block for told in events if told.name == "InterestSet"])
        self._store.advance(to, {number: header.hash for number, header in chain.items()}, events, times)
        return to

    def _times(self, blocks: list[int]) -> dict[int, int]:
        """When they were made."""
        headers = self._port.headers(blocks) if blocks else []
        if None in headers:
            raise Shifted(f"blocks {blocks} are gone while they were looked at")
        return {header.number: header.time for header in headers if header is not None}

    def _headers(self, numbers: Iterable[int], at: Checkpoint) -> dict[int, Head]:
        """Of blocks that follow one another, each the parent of the next."""
        found: dict[int, Head] = {}
        rest = iter(numbers)
        while some := list(islice(rest, HEADERS_AT_ONCE)):
            for number, header in zip(some, self._port.headers(some)):
                parent = found[number - 1].hash if number - 1 in found else at.hash if number - 1 == at.number else ""
                if header is None or (parent and header.parent != parent):
                    raise Shifted(f"block {number} does not follow on the one before it")
                found[number] = header
        return found

    # What is stored ------------------------------------------------------------------------------------------------------

    def _read(self, news: News) -> None:
        """Whoever was touched, and a few in turn, at the head."""
        stale = self._store.stale()
        audited = self._audit(set(stale))
        for some in _chunks(stale):
            self._keep_read(news, dict(read(self._port, some, news.head.hash)))
        anew = dict(read(self._port, audited, news.head.hash))
        mended = {account: holding for account, holding in anew.items() if self.book.get(account) != holding}
        news.mended = len(mended)
        self._keep_read(news, mended)

    def _keep_read(self, news: News, held: dict[int, Holding]) -> None:
        self._store.keep(held)
        self.book |= held
        news.touched |= held.keys()

    def _audit(self, stale: set[int]) -> list[int]:
        """The next few accounts, until each had its turn."""
        if not self._turn:
            self._turn = list(self.book)
        some, self._turn = self._turn[:AUDITED], self._turn[AUDITED:]
        return [account for account in some if account not in stale]


def _chunks(accounts: Sequence[int]) -> Iterable[Sequence[int]]:
    return (accounts[at : at + KEPT_AT_ONCE] for at in range(0, len(accounts), KEPT_AT_ONCE))
