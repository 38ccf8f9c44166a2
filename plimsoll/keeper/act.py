"""From who is below the line to transactions: rehearse, decide, send; and what their ends teach.

Griefing costs the griefer: an account is rehearsed alone before it joins a batch, and what its rehearsal promises must pay for its
own gas; one that was skipped in a batch of ours is left alone for twice as many blocks each time, and so are those for whom nothing
can be done while there are more than can be rehearsed, so that no crowd of them hides the others; what earns nothing has an
allowance a day; while other keepers are at the same accounts, or before it is known that none are, only one transaction is under
way.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from plimsoll.fixed_point import div_down, div_up
from plimsoll.keeper import cases
from plimsoll.keeper.book import Holding
from plimsoll.keeper.chores import Chores
from plimsoll.keeper.decide import MOST_GAS, Case, Deed, Plan, Rivals, Terms, liquidation, plan, worthwhile
from plimsoll.keeper.journal import Journal, hexed
from plimsoll.keeper.judge import Judgement
from plimsoll.keeper.market import Market
from plimsoll.keeper.port import Port, Told
from plimsoll.keeper.records import WON, Trip
from plimsoll.keeper.send import Manners, Sender
from plimsoll.keeper.store import Store
from plimsoll.keeper.watch import News
from plimsoll.types import DAY

REHEARSED = 320  # accounts a round
FIRST_PART_GAS = 26_000  # of a part of an account, until it was seen what one costs
MOST_AT_ONCE, FREE_AT_ONCE, LOOKUPS = 4, 20, 8
MOST_STRIKES, MOST_PASSED_OVER = 10, 5  # powers of two: blocks
TRIPS_BACK, TRIPS_PAID_FOR = 256, 5


@dataclass(frozen=True)
class Options:
    """own: our account that takes positions, or None: the pool does. ether: the feed that says what gas is worth, None where
    gas counts as free. least_profit, upkeep, budget: settlement units; of a transaction, a day for what earns nothing, of one
    purchase of collateral. dry: decide, and send nothing. first_block: where events begin. pause: seconds between looks at the chain;
    chores: between rounds of what is not urgent."""

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


class Hands:
    """unit: settlement units of one token. item_gas: as the liquidation engine has it."""

    def __init__(self, port: Port, store: Store, options: Options, journal: Journal, unit: int, item_gas: int) -> None:
        self._port, self._store, self._options, self._journal = port, store, options, journal
        self._unit, self._item_gas = unit, item_gas
        self.sender = Sender(port, store, options.manners)
        self.rivals = Rivals(port.address)
        for win in store.wins():
            self.rivals.note(win.keeper, win.block, won=True)
        self.chores = Chores(port, unit, options.budget)
        self.part_gas, self.gas_price, self.at_once, self.balance = FIRST_PART_GAS, 0, 1, 0
        self.unpaid: tuple[int, ...] = ()
        self.strikes: dict[int, tuple[int, int]] = {}  # account → (how often it was skipped, not before this block)
        self._ether, self._chored = 0, -options.chores
        self._parts: dict[int, int] = {}  # of the accounts of a trip
        self._said: set[tuple[str, int]] = set()  # in a dry run
        self._looked_up: list[str] = []  # of these events: not more than a few

    # What was seen ---------------------------------------------------------------------------------------------------

    def note(self, events: Sequence[Told], head: int) -> None:
        """Who liquidated whom, who was skipped, who else is there."""
        self._looked_up = []
        for mine, word in ((True, "liquidated"), (False, "liquidated by another")):
            accounts = [hexed(told.args["account"]) for told in events if told.name in WON and self.is_mine(told) == mine]
            if accounts:
                self._journal.note(word, accounts=accounts, head=head)
        ours = {one for trip in self._store.trips(latest=TRIPS_BACK) for one in trip.hashes} if events else set()
        for told in events:
            if told.name in WON:
                self.rivals.note(told.args["keeper"], told.block, won=True)
                self.strikes.pop(told.args["account"], None)
            elif told.name == "Skipped":
                self._skipped(told, told.transaction in ours)

    def is_mine(self, told: Told) -> bool:
        return bool(told.args["keeper"].lower() == self._port.address.lower())

    def _skipped(self, told: Told, ours: bool) -> None:
        """In our batch: not tried again at once. In somebody else's: there is somebody else."""
        account = told.args["account"]
        if ours:
            times = self._postpone(account, told.block, MOST_STRIKES)
            self._journal.note("skipped", account=hexed(account), reason="0x" + told.args["reason"].hex()[:8], times=times)
        elif told.transaction not in self._looked_up and len(self._looked_up) < LOOKUPS:
            self._looked_up.append(told.transaction)
            if (keeper := self._port.sender(told.transaction)) is not None:
                self.rivals.note(keeper, told.block, won=False)

    def _postpone(self, account: int, block: int, most: int) -> int:
        times = min(self.strikes.get(account, (0, 0))[0] + 1, most)
        self.strikes[account] = times, block + 2**times
        return times

    def passed_over(self, block: int) -> set[int]:
        """Accounts that are not looked at now: something is under way for them, or they were postponed."""
        unlanded = [trip for trip in self.sender.open if not self.sender.landed(trip)]
        later = {account for account, (_, until) in self.strikes.items() if until > block}
        return later.union(account for trip in unlanded for account in trip.accounts)

    def ended(self, trip: Trip) -> Trip:
        """Its end is known; what was won is in the store. Returns it with its end in full."""
        won, parts = self._store.won(trip.hashes), self._parts.pop(trip.id, 0)
        if trip.end == "done" and trip.what.startswith("liquidate"):
            if won == 0:
                trip, self.at_once = replace(trip, end="wasted"), 1
                self._store.save(trip)
            elif parts and won == len(trip.accounts):
                self.part_gas = div_down(self.part_gas + div_down(trip.gas_used, parts), 2)
        facts = {"nonce": trip.nonce, "doing": trip.what, "won": won, "gas": trip.gas_used, "paid": trip.paid, "block": trip.block}
        self._journal.note(trip.end, **facts)
        if trip.end in ("refused", "taken"):
            self._journal.alert(f"transaction {trip.end}", **facts)
        return trip

    # What is done ----------------------------------------------------------------------------------------------------

    def act(self, judgement: Judgement, market: Market, news: News, book: Mapping[int, Holding]) -> None:
        """Raises NodeDead, NodeRefused; what was sent by then is under way."""
        terms, block = self._terms(market, news.head.gas_limit), news.head.number
        if terms is None:
            return
        unlanded = sum(not self.sender.landed(trip) for trip in self.sender.open)
        over = self.passed_over(block)
        due = [one for one in judgement.below if one.account not in over][:REHEARSED]
        passed, stuck = cases.rehearse(self._port, due, self._options.own) if due else ([], [])
        decided = plan(passed, terms)
        self._tell(decided, stuck, judgement.sinking)
        if len(judgement.sinking) > REHEARSED:
            for account in (*decided.unpaid, *(one.standing.account for one in stuck)):
                self._postpone(account, block, MOST_PASSED_OVER)
        self._send_batches(decided, {case.account: case for case in passed}, terms, unlanded, news)
        if time.monotonic() - self._chored >= self._options.chores:
            self._chored = time.monotonic()
            self._look_into_purse(terms)
            found = self.chores.find(book, market, stuck, judgement.for_sale)
            free = [case for case in passed if case.reward == 0][:FREE_AT_ONCE]
            for deed in worthwhile([*found, *([liquidation(free, terms)] if free else [])], terms):
                self._send(deed)

    def _look_into_purse(self, terms: Terms) -> None:
        self.balance = self._port.balance()
        if self.balance < TRIPS_PAID_FOR * terms.most_gas * self.gas_price and not self._options.dry:
            self._journal.alert("ether runs low", address=self._port.address, wei=self.balance)

    def _terms(self, market: Market, gas_limit: int) -> Terms | None:
        """None while nothing can be sent: gas is dearer than we pay, or nobody knows what it is worth."""
        base, tip = self._port.fees()
        self.gas_price, options = base + tip, self._options
        if self.gas_price > options.manners.most_fee:
            self._journal.alert("gas above --most-fee", price=self.gas_price, most=options.manners.most_fee)
            return None
        if options.ether is not None:
            self._ether = market.feeds[options.ether].mid or self._ether  # a dead feed's last word
            if self._ether == 0:
                self._journal.alert("no price of gas", feed=market.feeds[options.ether].name, fault=market.feeds[options.ether].fault)
                return None
        most, since = div_down(gas_limit, fitting(gas_limit)), int(time.time()) - DAY
        left = options.upkeep - sum(trip.given for trip in self._store.trips(latest=TRIPS_BACK) if trip.at > since)
        return Terms(self.gas_price, self._ether, self._unit, options.least_profit, left, most, self.part_gas, self._item_gas)

    def _send_batches(self, decided: Plan, passed: dict[int, Case], terms: Terms, unlanded: int, news: News) -> None:
        """As many at once as fit a block, once the first of a wave went through: a race is lost with one transaction only."""
        if not decided.deeds:
            self.at_once = 1 if not self.sender.open else self.at_once
            self.rivals.waited = 0
            return
        if any(told.name in WON and self.is_mine(told) for told in news.events):
            self.at_once = min(MOST_AT_ONCE, fitting(news.head.gas_limit))
        room = self.at_once - unlanded
        for deed in self.rivals.share(decided.deeds, news.head.number, room) if room > 0 else []:
            batch = [passed[account] for account in deed.accounts]
            whole = cases.fit(self._port, deed, batch, terms)
            if whole is not None and whole.profit >= terms.least_profit:
                self._send(whole, sum(case.standing.parts for case in batch if case.account in whole.accounts))

    def _send(self, deed: Deed, parts: int = 0) -> None:
        facts = {"doing": deed.what, "reward": deed.reward, "cost": deed.cost, "gas": deed.gas}
        if self._options.dry:
            new = {(deed.call.fn, account) for account in deed.accounts or (0,)} - self._said
            if new:
                self._said |= new
                self._journal.note("would send", **facts, accounts=[hexed(account) for account in deed.accounts])
            return
        trip = self.sender.send(deed)
        if parts:
            self._parts[trip.id] = parts
        self._journal.note("sent", nonce=trip.nonce, hash=trip.hashes[-1], fee=trip.fee, **facts)
        if self.sender.poor:
            self._journal.alert("no ether", address=self._port.address)

    def _tell(self, decided: Plan, stuck: list[cases.Stuck], below: frozenset[int]) -> None:
        self.unpaid = decided.unpaid
        self._said -= {(fn, account) for fn, account in self._said if account and account not in below}
        if decided.unpaid:
            self._journal.alert("rewards below gas", accounts=len(decided.unpaid), first=hexed(decided.unpaid[0]))
        if stuck:
            self._journal.alert("stuck", accounts=len(stuck), first=hexed(stuck[0].standing.account), refusal=str(stuck[0].reason))


def fitting(block_gas: int) -> int:
    """How many transactions of the same size fill a block, each within what one may use."""
    return max(1, div_up(block_gas, MOST_GAS))
