"""Our transactions: one sender, one nonce after another, none sent before it is written down.

    sender = Sender(port, store, Manners())
    trip = sender.send(deed)            # signed, written down, sent
    for trip in sender.advance(): …     # those whose end is known since the last call

A trip keeps its nonce until that nonce is used up, so whatever is sent again (it was dropped, priced too low, forgotten when
somebody was killed) can happen once only. Sent again it offers at least an eighth more; when it is no longer wanted, a transfer
of nothing to ourselves takes its nonce instead, so that what comes after it is not held up.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from plimsoll.errors import NodeDead, NodeRefused
from plimsoll.fixed_point import mul_div_up
from plimsoll.keeper.decide import Deed
from plimsoll.keeper.port import Port, Receipt
from plimsoll.keeper.records import Trip
from plimsoll.keeper.store import Store

RAISE_E3 = 1_125  # what nodes ask of a replacement
GAS_OF_NOTHING = 21_000
GWEI = 10**9


@dataclass(frozen=True)
class Manners:
    """confirmations: blocks that hold a transaction, its own included, until its end is known. resend: seconds after which one
    is sent again with a higher fee. give_up: seconds after which its nonce is taken back. lag: seconds that a node may be behind
    its own word. most_fee: wei per gas, never offered more."""

    confirmations: int = 2
    resend: float = 24.0
    give_up: float = 240.0
    lag: float = 12.0
    most_fee: int = 500 * GWEI


@dataclass
class Clock:
    """What is known of a trip in this run only, in seconds of the monotonic clock. seen: the block in which it was seen."""

    begun: float
    sent: float | None = None
    taken: float | None = None
    seen: int = 0


class Sender:
    def __init__(self, port: Port, store: Store, manners: Manners = Manners(), now: Callable[[], float] = time.monotonic) -> None:
        self._port, self._store, self.manners, self._now = port, store, manners, now
        self.open: list[Trip] = store.trips(under_way=True)
        self._clocks = {trip.id: Clock(now()) for trip in self.open}
        self._free = max((trip.nonce + 1 for trip in store.trips() if trip.mined), default=0)  # nonces below it are used up
        self.replaced = 0
        self.poor = False

    @property
    def busy(self) -> set[int]:
        """Accounts that a trip is about."""
        return {account for trip in self.open for account in trip.accounts}

    def send(self, deed: Deed) -> Trip:
        """Raises WalletError without a key. Where the node cannot be reached the trip is under way all the same."""
        base, tip = self._port.fees()
        fee = min(2 * base + tip, self.manners.most_fee)
        to, data = self._port.encode(deed.call)
        nonce = max([self._free, self._port.nonce(), *(trip.nonce + 1 for trip in self.open)])
        given = 0 if deed.reward else deed.cost
        drawn = Trip(0, nonce, deed.what, deed.accounts, to, data, deed.gas, fee, min(tip, fee), at=int(time.time()), given=given)
        trip = self._signed(drawn)
        trip = self._store.begin(trip)
        self.open.append(trip)
        self._clocks[trip.id] = Clock(self._now())
        try:
            self._publish(trip)
        except (NodeDead, NodeRefused):
            pass  # advance sends it again
        return trip

    def advance(self, height: int, wanted: Callable[[Trip], bool] = lambda trip: True) -> list[Trip]:
        """Whatever is to be done for each; returns those whose end is known now. height: the latest block whose events are known.
        wanted: whether one that is still not in a block is to be sent again as it is. Raises NodeDead, NodeRefused, when all that
        could be done is done."""
        if not self.open:
            return []
        used = self._port.nonce()
        hashes = [one for trip in self.open for one in trip.hashes]
        receipts = dict(zip(hashes, self._port.receipts(hashes)))
        ended: list[Trip] = []
        problem: NodeRefused | None = None
        for trip in list(self.open):
            mined = next(((i, found) for i, one in enumerate(trip.hashes) if (found := receipts[one]) is not None), None)
            try:
                end = self._end(trip, mined, height, used, wanted)
            except NodeRefused as refused:  # this one; the others are carried on
                problem, end = refused, None
            if end is not None:
                self._close(end)
                ended.append(end)
        if problem is not None and not ended:
            raise problem
        return ended

    def _end(
        self, trip: Trip, mined: tuple[int, Receipt] | None, height: int, used: int, wanted: Callable[[Trip], bool]
    ) -> Trip | None:
        clock, now = self._clocks[trip.id], self._now()
        if mined is not None:
            version, receipt = mined
            clock.taken, clock.seen = None, receipt.block
            if height - receipt.block + 1 < self.manners.confirmations:
                return None
            end = "done" if receipt.ok else "refused"
            if version >= trip.versions >= 0:
                end = "withdrawn"
            return replace(trip, end=end, block=receipt.block, gas_used=receipt.gas_used, paid=receipt.paid)
        clock.seen = 0
        if used > trip.nonce:
            clock.taken = now if clock.taken is None else clock.taken
            return replace(trip, end="taken") if now - clock.taken >= self.manners.lag else None
        clock.taken = None
        if clock.sent is None or now - clock.sent >= self.manners.resend:
            self._again(trip, wanted(trip) and now - clock.begun <= self.manners.give_up, raised=clock.sent is not None)
        return None

    def _again(self, trip: Trip, wanted: bool, raised: bool) -> None:
        """The same transaction, after a while for a higher fee; when it is not wanted any more, one of its nonce that does nothing."""
        if not wanted and trip.versions < 0:
            trip = replace(trip, to=self._port.address, data="0x", gas=GAS_OF_NOTHING, versions=len(trip.hashes))
            raised = True
        if raised:
            trip = self._raised(trip)
        if self._publish(trip) == "underpriced":
            self._publish(self._raised(trip))

    def _raised(self, trip: Trip) -> Trip:
        """Signed anew for more, and written down."""
        base, tip = self._port.fees()
        higher = max(_raised(trip.fee), 2 * base + tip)
        fee = min(higher, max(self.manners.most_fee, trip.fee))
        raised = self._signed(replace(trip, fee=fee, tip=min(max(_raised(trip.tip), tip), fee)))
        self._store.save(raised)
        self.open[[one.id for one in self.open].index(trip.id)] = raised
        self.replaced += 1
        return raised

    def _signed(self, trip: Trip) -> Trip:
        raw, transaction = self._port.sign(trip.nonce, trip.to, trip.data, trip.gas, trip.fee, trip.tip)
        hashes = trip.hashes if transaction in trip.hashes else (*trip.hashes, transaction)
        return replace(trip, raw=raw, hashes=hashes)

    def _publish(self, trip: Trip) -> str:
        word = self._port.publish(trip.raw)
        self.poor = word == "poor"
        if word != "underpriced":
            self._clocks[trip.id].sent = self._now()
        return word

    def reopen(self, kept: int) -> list[Trip]:
        """Blocks after this one are not on the chain any more: what ended in them has not ended. Returns those trips."""
        lost = [trip for trip in self._store.trips() if trip.block > kept]
        for trip in lost:
            again = replace(trip, end="", block=0, gas_used=0, paid=0)
            self._store.save(again)
            self.open.append(again)
            self._clocks[trip.id] = Clock(self._now())
        self.open.sort(key=lambda trip: trip.nonce)
        self._free = min([self._free, *(trip.nonce for trip in lost)])
        return lost

    def _close(self, trip: Trip) -> None:
        self._store.save(trip)
        if trip.mined:
            self._free = max(self._free, trip.nonce + 1)
        self.open = [one for one in self.open if one.id != trip.id]
        del self._clocks[trip.id]

    def landed(self, trip: Trip) -> bool:
        """Seen in a block, though its end is not known yet."""
        return trip.id not in self._clocks or self._clocks[trip.id].seen > 0


def _raised(price: int) -> int:
    return mul_div_up(price, RAISE_E3, 1_000) + 1
