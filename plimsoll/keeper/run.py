"""The keeper: look, judge, rehearse, decide, send, and again.

    keeper = Keeper(port, store, Options(), journal)
    keeper.run(bell.wait)               # until `keeper.stopping`; then until what is under way has ended

Each round is a chain of small steps, any of which may fail with the node's error: then nothing that was done is lost, the round
is given up, and the next one comes after a pause that doubles. What is decided is in decide.py, purely; what happens to a
transaction in send.py; how the chain is followed in watch.py.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from plimsoll.errors import NodeDead, NodeRefused
from plimsoll.fixed_point import div_down
from plimsoll.keeper import cases, judge
from plimsoll.keeper.decide import MOST_GAS, Case, Deed, Plan, Rivals, Standing, Terms, plan, worthwhile
from plimsoll.keeper.chores import Chores
from plimsoll.keeper.journal import Journal, hexed
from plimsoll.keeper.market import Market, MarketReader, values
from plimsoll.keeper.port import Call, Port, Told
from plimsoll.keeper.send import Manners, Sender
from plimsoll.keeper.store import Store, Trip
from plimsoll.keeper.watch import Behind, News, Shifted, Watch

TROUBLE = (NodeDead, NodeRefused, Behind, Shifted)
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 4.0
SECONDS_TO_END = 180.0  # what is under way when we are told to stop
REHEARSED = 320  # accounts a round
FIRST_PART_GAS = 27_000  # until it was seen what one costs
MOST_AT_ONCE, LOOKUPS, MOST_STRIKES = 4, 8, 10
SECONDS_TO_WORRY = 60.0
WON = ("Liquidated", "Absorbed")

Wait = Callable[[float], None]


@dataclass(frozen=True)
class Options:
    """own: our account that takes positions, or None: the pool does. ether: the feed that says what gas is worth, None where
    gas counts as free. least_profit, upkeep, budget: settlement units (decide.Terms; budget: for collateral at auction).
    dry: decide, and send nothing. first_block: where events begin. chores: seconds between rounds of what is not urgent."""

    own: int | None = None
    ether: int | None = None
    least_profit: int = 0
    upkeep: int = 0
    budget: int = 0
    dry: bool = False
    first_block: int = 0
    pause: float = 1.0
    chores: float = 12.0
    manners: Manners = Manners()


@dataclass
class Sight:
    """What the keeper saw last, for whoever looks at it."""

    market: Market | None = None
    news: News | None = None
    below: list[Standing] = field(default_factory=list)
    near: list[Standing] = field(default_factory=list)  # nearest to the line first
    unpaid: tuple[int, ...] = ()
    gas_price: int = 0
    took: float = 0.0  # seconds, the latest round
    good_at: float = 0.0  # monotonic
    trouble: str = ""


@dataclass
class Totals:
    """earned: settlement units, by the events that are on the chain now. paid: wei, for what was mined. gas: units."""

    earned: int = 0
    unloaded: int = 0
    paid: int = 0
    gas: int = 0
    ends: Counter[str] = field(default_factory=Counter)


class Keeper:
    def __init__(self, port: Port, store: Store, options: Options, journal: Journal) -> None:
        self.port, self.store, self.options, self.journal = port, store, options, journal
        [self._item_gas, decimals, instruments] = values(port, [
            Call("liquidation", "ITEM_GAS"), Call("engine", "SETTLEMENT_DECIMALS"), Call("engine", "instrumentCount"),
        ])  # fmt: skip
        pool = int(values(port, [Call("lens", "POOL")])[0], 16) << 96
        self.unit, self.names = 10**decimals, tuple(port.names())
        self.watch = Watch(port, store, options.first_block, [pool + sub for sub in range(instruments + 1)])
        self.sender = Sender(port, store, options.manners)
        self.sender.reopen(store.checkpoint.number)  # killed between the two halves of an unwinding
        self.markets = MarketReader(port, self.names)
        self.chores = Chores(port, self.unit, options.budget)
        self.rivals = Rivals(port.address)
        self.sight = Sight(good_at=time.monotonic())
        self.totals = Totals()
        self._count()
        for win in store.wins():
            self.rivals.note(win.keeper, win.block)
        self.stopping = False
        self.part_gas, self._ether, self._at_once = FIRST_PART_GAS, 0, 1
        self._parts: dict[int, int] = {}
        self._strikes: dict[int, tuple[int, int]] = {}  # account → (how often it was skipped, not before this block)
        self._said: set[int] = set()
        self._chored = -options.chores
        self._looked_up: set[str] = set()

    # The loop --------------------------------------------------------------------------------------------------------

    def run(self, wait: Wait, shown: Callable[[], None] = lambda: None) -> None:
        """wait: for at most so many seconds, less when a block comes or it is time to stop. shown: called after each round."""
        pause, ends = FIRST_PAUSE, 0.0
        for trip in self.sender.open:
            self.journal.note("found under way", nonce=trip.nonce, doing=trip.what, hashes=trip.hashes)
        while True:
            if self.stopping:
                ends = ends or time.monotonic() + SECONDS_TO_END
                if not self.sender.open or time.monotonic() > ends:
                    self.journal.note("stopped", under_way=len(self.sender.open), block=self.store.checkpoint.number)
                    return
            try:
                self.round()
            except TROUBLE as problem:
                self._trouble(problem)
                shown()
                wait(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
                continue
            pause, self.sight.good_at, self.sight.trouble = FIRST_PAUSE, time.monotonic(), ""
            shown()
            wait(min(self.options.pause, FIRST_PAUSE) if self.sender.open else self.options.pause)

    def _trouble(self, problem: Exception) -> None:
        self.sight.trouble = f"{type(problem).__name__}: {problem}"
        self.journal.note("trouble", kind=type(problem).__name__, problem=str(problem)[:300])
        silent = time.monotonic() - self.sight.good_at
        if silent > SECONDS_TO_WORRY:
            self.journal.alert("blind", seconds=round(silent), problem=str(problem)[:300])

    def round(self) -> None:
        """Once. Raises NodeDead, NodeRefused, Behind, Shifted."""
        started, known = time.monotonic(), self.sight.news.head.hash if self.sight.news else ""
        news = self.watch.advance()
        self._note(news)
        self._carry()
        if news.head.hash == known and not news.touched:
            return
        market = self.markets.read(news.head.hash, news.head.time)
        self.sight.market, self.sight.news = market, news
        self.sight.below = sorted(judge.below(self.port, self.watch.book, news.head.hash), key=lambda one: one.depth)
        if not self.stopping:
            self._act(market, news)
        self.sight.took = time.monotonic() - started

    def _carry(self) -> None:
        """What is under way. A transaction that the node will not have does not keep us from sending others."""
        try:
            for trip in self.sender.advance(self.store.checkpoint.number, self._wanted):
                self._ended(trip)
        except NodeRefused as problem:
            self.journal.note("trouble", kind="NodeRefused", problem=str(problem)[:300])

    # What was seen ---------------------------------------------------------------------------------------------------

    def _count(self) -> None:
        """What was earned and paid, by the store."""
        wins, trips = self.store.wins(self.port.address), self.store.trips()
        self.totals = Totals(sum(win.reward for win in wins), len(wins), sum(t.paid for t in trips), sum(t.gas_used for t in trips))
        self.totals.ends = Counter(trip.end for trip in trips if trip.end)

    def _note(self, news: News) -> None:
        for trip in self.sender.reopen(news.kept) if news.unwound else []:
            self.journal.note("unmined", nonce=trip.nonce, doing=trip.what, block=trip.block)
        if news.unwound or any(told.name in WON for told in news.events):
            self._count()
        if news.unwound:
            self.journal.note("reorganisation", blocks=news.unwound, head=news.head.number)
        if news.mended:
            self.journal.note("mended", accounts=news.mended)
        ours = {one for trip in self.store.trips()[-64:] for one in trip.hashes} if news.events else set()
        for mine, word in ((True, "liquidated"), (False, "liquidated by another")):
            accounts = [hexed(told.args["account"]) for told in news.events if told.name in WON and self._mine(told) == mine]
            if accounts:
                self.journal.note(word, accounts=accounts, head=news.head.number)
        for told in news.events:
            if told.name in WON:
                self.rivals.note(told.args["keeper"], told.block)
                self._strikes.pop(told.args["account"], None)
            elif told.name == "Skipped":
                self._skipped(told, told.transaction in ours)

    def _mine(self, told: Told) -> bool:
        return bool(told.args["keeper"].lower() == self.port.address.lower())

    def _skipped(self, told: Told, ours: bool) -> None:
        """In our batch: not tried again at once. In somebody else's: there is somebody else."""
        account = told.args["account"]
        if ours:
            times = min(self._strikes.get(account, (0, 0))[0] + 1, MOST_STRIKES)
            self._strikes[account] = times, told.block + 2**times
            self.journal.note("skipped", account=hexed(account), reason="0x" + told.args["reason"].hex()[:8], times=times)
        elif told.transaction not in self._looked_up and len(self._looked_up) < LOOKUPS:
            self._looked_up.add(told.transaction)
            if (keeper := self.port.sender(told.transaction)) is not None:
                self.rivals.note(keeper, told.block)

    def _wanted(self, trip: Trip) -> bool:
        """Whether one of its accounts is still below its line, as far as we know."""
        below = {one.account for one in self.sight.below}
        return not trip.accounts or self.sight.market is None or any(account in below for account in trip.accounts)

    def _ended(self, trip: Trip) -> None:
        won = self.store.won(trip.hashes)
        if trip.end == "done" and trip.what.startswith("liquidate"):
            if won == 0:
                trip, self._at_once = Trip(**{**vars(trip), "end": "wasted"}), 1
                self.store.save(trip)
            elif trip.id in self._parts and won == len(trip.accounts):
                seen = div_down(trip.gas_used, self._parts[trip.id])
                self.part_gas = div_down(3 * self.part_gas + seen, 4)
        self._parts.pop(trip.id, None)
        self._count()
        facts = {"nonce": trip.nonce, "doing": trip.what, "won": won, "gas": trip.gas_used, "paid": trip.paid, "block": trip.block}
        self.journal.note(trip.end, **facts)
        if trip.end in ("refused", "taken"):
            self.journal.alert(f"transaction {trip.end}", **facts)

    # What is done ----------------------------------------------------------------------------------------------------

    def terms(self, market: Market, gas_limit: int) -> Terms:
        base, tip = self.port.fees()
        self.sight.gas_price = base + tip
        if self.options.ether is not None:
            self._ether = market.feeds[self.options.ether].mid or self._ether
        most = min(MOST_GAS, gas_limit)
        options = self.options
        return Terms(base + tip, self._ether, self.unit, options.least_profit, options.upkeep, most, self.part_gas, self._item_gas)

    def _act(self, market: Market, news: News) -> None:
        terms = self.terms(market, news.head.gas_limit)
        unlanded = [trip for trip in self.sender.open if not self.sender.landed(trip)]
        busy = {account for trip in unlanded for account in trip.accounts}
        due = [one for one in self.sight.below if one.account not in busy and self._due(one, news.head.number)]
        passed, stuck = cases.rehearse(self.port, due[:REHEARSED], self.options.own) if due else ([], [])
        decided = plan(passed, terms)
        self._tell(decided, stuck)
        self._send_batches(decided, {case.account: case for case in passed}, terms, len(unlanded), news)
        if time.monotonic() - self._chored >= self.options.chores:
            self._chored = time.monotonic()
            for deed in worthwhile(self.chores.find(self.watch.book, market, stuck), terms):
                self._send(deed)

    def _due(self, one: Standing, block: int) -> bool:
        return self._strikes.get(one.account, (0, 0))[1] <= block

    def _send_batches(self, decided: Plan, passed: dict[int, Case], terms: Terms, unlanded: int, news: News) -> None:
        """As many at once as fit a block, once the first of a wave went through: a race is lost with one transaction only."""
        if not decided.deeds:
            self._at_once = 1 if not self.sender.open else self._at_once
            return
        if any(told.name in WON and self._mine(told) for told in news.events):
            used = decided.deeds[0].used
            self._at_once = max(1, min(MOST_AT_ONCE, 1 + div_down(news.head.gas_limit - terms.most_gas, used)))
        room = self._at_once - unlanded
        for deed in self.rivals.share(decided.deeds, news.head.number, room) if room > 0 else []:
            batch = [passed[account] for account in deed.accounts]
            fitting = cases.fit(self.port, deed, batch, terms)
            if fitting is not None and fitting.profit >= terms.least_profit:
                self._send(fitting, sum(case.standing.parts for case in batch if case.account in fitting.accounts))

    def _send(self, deed: Deed, parts: int = 0) -> None:
        facts = {"doing": deed.what, "reward": deed.reward, "cost": deed.cost, "gas": deed.gas}
        if self.options.dry:
            new = set(deed.accounts) - self._said
            if new or not deed.accounts:
                self._said |= new
                self.journal.note("would send", **facts, accounts=[hexed(account) for account in deed.accounts])
            return
        trip = self.sender.send(deed)
        if parts:
            self._parts[trip.id] = parts
        self.journal.note("sent", nonce=trip.nonce, hash=trip.hashes[-1], fee=trip.fee, **facts)
        if self.sender.poor:
            self.journal.alert("no ether", address=self.port.address)

    def _tell(self, decided: Plan, stuck: list[cases.Stuck]) -> None:
        self.sight.unpaid = decided.unpaid
        if decided.unpaid:
            self.journal.alert("rewards below gas", accounts=len(decided.unpaid), first=hexed(decided.unpaid[0]))
        if stuck:
            self.journal.alert("stuck", accounts=len(stuck), first=hexed(stuck[0].standing.account), refusal=str(stuck[0].reason))
        if not self._said <= (below := {one.account for one in self.sight.below}):
            self._said &= below
