"""The keeper: look, judge, rehearse, decide, send, and again.

    keeper = Keeper(port, store, Options(), journal)
    keeper.run(bell.wait)               # until `keeper.stopping`; then until what is under way has ended

Each round is a chain of small steps, any of which may fail with the node's error: then nothing that was done is lost, the round
is given up, and the next one comes after a pause that doubles. How the chain is followed is in watch.py; who is below the line
in judge.py; what is done about it in act.py, decided purely in decide.py; what happens to a transaction in send.py.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from plimsoll.errors import NodeDead, NodeRefused, RiskError, StoreError
from plimsoll.keeper.act import Hands, Options
from plimsoll.keeper.journal import Journal
from plimsoll.keeper.judge import Judge, Judgement
from plimsoll.keeper.market import Market, read_market, read_terms, values
from plimsoll.keeper.port import Call, Head, Port
from plimsoll.keeper.records import WON, Trip, Win, win_of
from plimsoll.keeper.store import Store
from plimsoll.keeper.watch import Behind, News, Shifted, Watch
from plimsoll.risk.terms import Terms

TROUBLE = (NodeDead, NodeRefused, Behind, Shifted, RiskError, StoreError)
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 4.0
SECONDS_TO_END = 180.0  # what is under way when we are told to stop
SECONDS_TO_WORRY, SECONDS_WITHOUT_BLOCK = 60.0, 300.0

Wait = Callable[[float], None]


@dataclass
class Sight:
    """What the keeper saw last, for whoever looks at it."""

    market: Market | None = None
    news: News | None = None
    judgement: Judgement = Judgement()
    took: float = 0.0  # seconds, the latest round
    good_at: float = 0.0  # monotonic; block_at: when the latest block was first seen
    block_at: float = 0.0
    trouble: str = ""


@dataclass
class Totals:
    """earned: settlement units, by the events that are on the chain now. paid: wei, for what was mined. gas: units."""

    earned: int = 0
    unloaded: int = 0
    paid: int = 0
    gas: int = 0
    ends: Counter[str] = field(default_factory=Counter)

    def add(self, wins: Iterable[Win], trips: Iterable[Trip]) -> None:
        """wins: our own. trips: whose end is known."""
        for win in wins:
            self.earned, self.unloaded = self.earned + win.reward, self.unloaded + 1
        for trip in trips:
            self.paid, self.gas = self.paid + trip.paid, self.gas + trip.gas_used
            self.ends[trip.end] += 1


class Keeper:
    """Raises NodeDead, NodeRefused where the node cannot be asked who is who."""

    def __init__(self, port: Port, store: Store, options: Options, journal: Journal) -> None:
        self.port, self.store, self.options, self.journal = port, store, options, journal
        item_gas, decimals, instruments, pool, debt_limit = values(port, [
            Call("liquidation", "ITEM_GAS"), Call("engine", "SETTLEMENT_DECIMALS"), Call("engine", "instrumentCount"),
            Call("lens", "POOL"), Call("engine", "DEBT_LIMIT_E6"),
        ])  # fmt: skip
        self._idle = int(pool, 16) << 96
        self.unit, self.names = 10**decimals, tuple(port.names())
        self.watch = Watch(port, store, options.first_block, [self._idle + sub for sub in range(instruments + 1)])
        self.judge = Judge(debt_limit)
        self.judge.put(self.watch.book)
        self.judge.set_rates(store.rates())
        self.hands = Hands(port, store, options, journal, self.unit, item_gas)
        self.hands.sender.reopen(store.checkpoint.number)  # killed between the two halves of an unwinding
        self.sight = Sight(good_at=time.monotonic(), block_at=time.monotonic())
        self._terms: Terms | None = None
        self._done = ""  # the block about which all was done
        self._count()
        self.stopping = False

    # The loop --------------------------------------------------------------------------------------------------------

    def run(self, wait: Wait, shown: Callable[[], None] = lambda: None) -> None:
        """wait: for at most so many seconds, less when a block comes or it is time to stop. shown: called after each round."""
        pause, ends, sender = FIRST_PAUSE, 0.0, self.hands.sender
        for trip in sender.open:
            self.journal.note("found under way", nonce=trip.nonce, doing=trip.what, hashes=trip.hashes)
        while True:
            if self.stopping:
                ends = ends or time.monotonic() + SECONDS_TO_END
                if not sender.open or time.monotonic() > ends:
                    self.journal.note("stopped", under_way=len(sender.open), block=self.store.checkpoint.number)
                    return
            try:
                self.round()
            except TROUBLE as problem:
                self._trouble(problem)
                shown()
                wait(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
                continue
            except Exception as problem:
                self.journal.alert("died", problem=repr(problem)[:300])
                raise
            pause, self.sight.good_at, self.sight.trouble = FIRST_PAUSE, time.monotonic(), ""
            shown()
            wait(min(self.options.pause, FIRST_PAUSE) if sender.open else self.options.pause)

    def _trouble(self, problem: Exception) -> None:
        self.sight.trouble = f"{type(problem).__name__}: {problem}"
        self.journal.note("trouble", kind=type(problem).__name__, problem=str(problem)[:300])
        if isinstance(problem, RiskError):
            self._terms = None
        silent = time.monotonic() - self.sight.good_at
        if silent > SECONDS_TO_WORRY:
            self.journal.alert("blind", seconds=round(silent), problem=str(problem)[:300])

    def round(self) -> None:
        """Once. Raises NodeDead, NodeRefused, Behind, Shifted, RiskError."""
        started = time.monotonic()
        news = self.watch.advance()
        self._note(news)
        if self.sight.news is None or news.head.hash != self.sight.news.head.hash:
            self.sight.block_at = time.monotonic()
        elif (silent := time.monotonic() - self.sight.block_at) > SECONDS_WITHOUT_BLOCK:
            self.journal.alert("no new block", seconds=round(silent), block=news.head.number)
        self.sight.news = news
        if news.head.hash != self._done or news.touched:
            self.look(news.head)
        self._carry()
        if news.head.hash == self._done and not news.touched:
            return
        assert self.sight.market is not None
        if not self.stopping:
            self.hands.act(self.sight.judgement, self.sight.market, news, self.watch.book)
        self._done, self.sight.took = news.head.hash, time.monotonic() - started

    def look(self, head: Head) -> None:
        """Everybody judged at a block. Raises as `round`."""
        if self._terms is None:
            self._terms = read_terms(self.port, head.hash)
        tranches = [self._idle + 1 + i for i in range(len(self._terms.instruments))]
        market = read_market(self.port, self._terms, self.names, tranches, head.hash, head.time)
        over = self.hands.passed_over(head.number)
        judgement = self.judge.look(self.port, market, self._terms, head.hash, over)
        self.sight.market, self.sight.judgement = market, judgement
        if judgement.wrong:
            self.journal.alert("misjudged", accounts=[f"{account:#x}" for account in judgement.wrong], block=head.number)
            self.store.mark(judgement.wrong)

    def _carry(self) -> None:
        """What is under way. A transaction that the node will not have does not keep us from sending others."""
        try:
            for trip in self.hands.sender.advance(self.store.checkpoint.number, self._wanted):
                self.totals.add([], [self.hands.ended(trip)])
        except NodeRefused as problem:
            self.journal.note("trouble", kind="NodeRefused", problem=str(problem)[:300])

    def _wanted(self, trip: Trip) -> bool:
        """Whether one of its accounts is still below its line, as far as we know."""
        return not trip.accounts or not self.sight.judgement.sinking.isdisjoint(trip.accounts)

    # What was seen ---------------------------------------------------------------------------------------------------

    def _note(self, news: News) -> None:
        self.judge.put({account: self.watch.book[account] for account in news.touched})
        for trip in self.hands.sender.reopen(news.kept) if news.unwound else []:
            self.journal.note("unmined", nonce=trip.nonce, doing=trip.what, block=trip.block)
        if news.unwound or news.partly:
            self._count()
        else:
            self.totals.add([win_of(told) for told in news.events if told.name in WON and self.hands.is_mine(told)], [])
        if news.unwound or news.rules:
            self._terms = None
            self.judge.set_rates(self.store.rates())
        if news.unwound:
            self.journal.note("reorganisation", blocks=news.unwound, head=news.head.number)
        if news.mended:
            self.journal.note("mended", accounts=news.mended)
        self.hands.note(news.events, news.head.number)

    def _count(self) -> None:
        """What was earned and paid, by the store."""
        self.totals = Totals()
        self.totals.add(self.store.wins(self.port.address), [trip for trip in self.store.trips() if trip.end])
