"""The model as a Venue: the protocol without a chain, equal to the contracts to the last unit.

    venue = ModelVenue(world)

Names become ids here, and every verb is one attempt: it happens, or nothing has changed. What the verbs do is in protocol.py
and the files beside it. (A world that the contracts would refuse to list is not refused here.)

In the arguments of a `Reverted` an address is a number and a token its name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any, TypeVar

from plimsoll.errors import Reverted
from plimsoll.model import auctions, deleveraging, liquidation, losses, oracle, parameters, pool, protocol, views
from plimsoll.model.house import Birth, House, account_of
from plimsoll.model.liquidation import Item
from plimsoll.state import State
from plimsoll.types import POOL, WAD, Absorption, Account, FeedFault, Fill, Offer, Outcome, Purchase, World
from plimsoll.venue import Call, Probe, Venue

T = TypeVar("T")
STRANGER = 1  # the address of whoever probes


def address_of_name(name: str) -> int:
    return int.from_bytes(sha256(f"actor {name}".encode()).digest()[-20:], "big")


class ModelVenue(Venue):
    """address_of: an actor's address (who compares with a chain gives the chain's). birth: when the markets were listed and
    since when debts bear interest; at the start of the world by default."""

    def __init__(
        self, world: World, address_of: Callable[[str], int] = address_of_name, birth: Birth | None = None
    ) -> None:
        self.world, self._address_of = world, address_of
        self.house = House(world, address_of, birth or Birth((world.start,) * len(world.instruments), world.start))
        self._known = {Account(POOL, i): self.house.idle | i for i in range(len(world.instruments) + 1)}
        self._holders: dict[str, int] = {}
        self._broken: dict[str, FeedFault] = {}
        for spec in world.feeds:
            self.set_price(spec.name, spec.price)

    # Names ---------------------------------------------------------------------------------------------------------

    def account_id(self, account: Account) -> int:
        if account not in self._known:
            self._known[account] = account_of(self._address_of(account.actor)) | account.sub
        return self._known[account]

    def accounts(self) -> tuple[Account, ...]:
        return tuple(self._known)

    def _taker(self, account: Account | None) -> int | None:
        return None if account is None else self.account_id(account)

    def _keeper(self, name: str) -> int:
        """The keeper's own account, where rewards go, is one that a verb has named."""
        self.account_id(Account(name))
        return self._address_of(name)

    def _instrument(self, name: str) -> int:
        return [spec.name for spec in self.world.instruments].index(name)

    def _collateral(self, name: str) -> int:
        return [spec.name for spec in self.world.collaterals].index(name)

    def _feed(self, name: str) -> int:
        return self.house.feeds.index(name)

    def _do(self, verb: Callable[..., T], *args: object) -> T:
        """One verb: it happens or leaves nothing behind."""
        with self.house.attempt():
            return verb(self.house, *args)

    def imagine(self, *calls: Call) -> Any:
        """The answer to the last of some calls, a refusal included; nothing is done. (Not for advance_to.)"""
        known, holders = dict(self._known), dict(self._holders)
        try:
            with self.house.attempt(keep=False):
                return [call.on(self) for call in calls][-1]
        finally:
            self._known, self._holders = known, holders

    # Time, prices, faucets -----------------------------------------------------------------------------------------

    @property
    def now(self) -> int:
        return self.house.now

    def advance_to(self, time: int) -> None:
        if time < self.house.now:
            raise ValueError(f"time runs forward: it is {self.house.now}, {time} is past")
        self.house.now = time

    def set_price(self, feed: str, price: int) -> None:
        oracle.tell(self.house, self._feed(feed), price)
        if feed in self._broken:
            oracle.lie(self.house, self._feed(feed), self._broken[feed])

    def break_feed(self, feed: str, fault: FeedFault) -> None:
        self._broken[feed] = fault
        oracle.lie(self.house, self._feed(feed), fault)

    def mend_feed(self, feed: str) -> None:
        self._broken.pop(feed, None)
        self.house.storage.lies.pop(self._feed(feed), None)

    def give(self, actor: str, token: str, amount: int) -> None:
        key = self._address_of(actor), token
        self.house.storage.balances[key] = self.house.storage.balances.get(key, 0) + amount

    def wallet(self, actor: str, token: str) -> int:
        return self.house.storage.balances.get((self._address_of(actor), token), 0)

    # Accounts ------------------------------------------------------------------------------------------------------

    def deposit(self, payer: str, account: Account, token: str, amount: int, min_ratio: int = 0) -> int:
        number = self.account_id(account)
        return self._do(protocol.deposit, self._address_of(payer), number, token, amount, min_ratio)

    def withdraw(self, account: Account, token: str, amount: int, min_out: int = 0) -> int:
        owner = self._address_of(account.actor)
        return self._do(protocol.withdraw, self.account_id(account), token, amount, owner, min_out)

    def move_cash(self, source: Account, target: Account, amount: int) -> None:
        self._do(protocol.move_cash, self.account_id(source), self.account_id(target), amount)

    def settle(self, caller: str, account: Account) -> None:
        self._do(protocol.settle, self.account_id(account))

    # Trading against the pool --------------------------------------------------------------------------------------

    def trade(
        self, account: Account, instrument: str, size: int, limit_price: int | None = None, deadline: int | None = None
    ) -> Fill:
        number, last = self.account_id(account), self.now if deadline is None else deadline
        return self._do(protocol.trade, number, self._instrument(instrument), size, limit_price, last)

    # The liquidity pool --------------------------------------------------------------------------------------------

    def provide(self, actor: str, amount: int) -> int:
        self._holders[actor] = self._address_of(actor)
        return self._do(pool.provide, self._address_of(actor), amount)

    def request_redeem(self, actor: str, shares: int) -> int:
        return self._do(pool.request_redeem, self._address_of(actor), shares)

    def redeem(self, actor: str, shares: int) -> int:
        return self._do(pool.redeem, self._address_of(actor), shares)

    def allocate(self, caller: str, instrument: str) -> int:
        return self._do(pool.allocate, self._instrument(instrument))

    def fund(self, payer: str, instrument: str, amount: int) -> int:
        return self._do(protocol.fund, self._address_of(payer), self._instrument(instrument), amount)

    # Liquidation ---------------------------------------------------------------------------------------------------

    def liquidate(
        self,
        keeper: str,
        account: Account,
        taker: Account | None = None,
        max_fraction: int = WAD,
        min_fraction: int = 0,
        nonce: int | None = None,
    ) -> Outcome:
        item = Item(self.account_id(account), self._taker(taker), max_fraction, min_fraction, nonce)
        return self._do(liquidation.liquidate, self._keeper(keeper), item)

    def liquidate_many(self, keeper: str, items: Sequence[tuple[Account, Account | None, int]]) -> int:
        batch = [Item(self.account_id(account), self._taker(taker), most) for account, taker, most in items]
        return self._do(liquidation.liquidate_many, self._keeper(keeper), batch)

    def absorb(self, keeper: str, account: Account, taker: Account | None = None) -> Absorption:
        number, by = self.account_id(account), self._taker(taker)
        return self._do(losses.absorb, self._keeper(keeper), number, by)

    def report_refusal(self, caller: str, account: Account) -> None:
        number = self.account_id(account)
        self._do(deleveraging.report_refusal, self._keeper(caller), number)

    def deleverage(self, keeper: str, account: Account, instrument: str, counterparties: Sequence[Account]) -> int:
        ids = sorted(self.account_id(counterparty) for counterparty in counterparties)
        number = self.account_id(account)
        return self._do(deleveraging.deleverage, self._keeper(keeper), number, self._instrument(instrument), ids)

    def unfreeze(self, caller: str, instrument: str) -> None:
        self._do(pool.unfreeze, self._instrument(instrument))

    def drain(self, caller: str, instrument: str) -> int:
        return self._do(protocol.drain, self._instrument(instrument))

    # Auctions ------------------------------------------------------------------------------------------------------

    def start_auction(self, caller: str, account: Account) -> None:
        self._do(auctions.start_auction, self.account_id(account))

    def stop_auction(self, caller: str, account: Account) -> None:
        self._do(auctions.stop_auction, self.account_id(account))

    def set_sale_order(self, account: Account, collaterals: Sequence[str]) -> None:
        order = tuple(self._collateral(name) for name in collaterals)
        self._do(auctions.set_sale_order, self.account_id(account), order)

    def buy_collateral(
        self, buyer: str, account: Account, collateral: str, amount: int, max_price: int | None = None
    ) -> Purchase:
        number, coin = self.account_id(account), self._collateral(collateral)
        return self._do(auctions.buy_collateral, self._address_of(buyer), number, coin, amount, max_price)

    # Dead feeds ----------------------------------------------------------------------------------------------------

    def observe(self, caller: str, feed: str) -> None:
        self._do(oracle.observe, self._feed(feed))

    def halt(self, caller: str, feed: str) -> None:
        self._do(oracle.halt, self._feed(feed))

    def settle_halted(self, caller: str, instrument: str, long: Account, short: Account) -> int:
        args = self._instrument(instrument), self.account_id(long), self.account_id(short)
        return self._do(protocol.settle_halted, *args)

    # Parameters ----------------------------------------------------------------------------------------------------

    def set_instrument(
        self,
        caller: str,
        instrument: str,
        base_e6: int,
        initial_multiple_e6: int,
        cap_units: int,
        cap_value: int,
        reduce_only: bool,
    ) -> int:
        spec, number = self.world.instrument(instrument), self._instrument(instrument)
        spec = replace(spec, base_e6=base_e6, initial_multiple_e6=initial_multiple_e6)
        spec = replace(spec, cap_units=cap_units, cap_value=cap_value)
        return self._do(parameters.set_instrument, self._address_of(caller), number, spec, reduce_only)

    def apply_instrument(self, caller: str, instrument: str) -> None:
        self._do(parameters.apply_instrument, self._instrument(instrument))

    def set_interest(self, caller: str, rate_e9: int) -> None:
        self._do(parameters.set_interest, self._address_of(caller), rate_e9)

    def restrict(self, caller: str, instrument: str) -> None:
        self._do(parameters.restrict, self._address_of(caller), self._instrument(instrument))

    def lower_caps(self, caller: str, instrument: str, cap_units: int, cap_value: int) -> None:
        number = self._instrument(instrument)
        self._do(parameters.lower_caps, self._address_of(caller), number, cap_units, cap_value)

    def lower_collateral_cap(self, caller: str, collateral: str, cap: int) -> None:
        self._do(parameters.lower_collateral_cap, self._address_of(caller), self._collateral(collateral), cap)

    def trespass(self, thief: str, deed: str, account: Account) -> None:
        self._do(parameters.trespass, self._address_of(thief), deed, self.account_id(account))

    # Views ---------------------------------------------------------------------------------------------------------

    def state(self) -> State:
        return views.state(self.house, self._known, self._holders)

    def liquidatable(self) -> tuple[Account, ...]:
        return tuple(account for account, number in self._known.items() if views.is_liquidatable(self.house, number))

    def probe(self, accounts: Sequence[Account]) -> Mapping[Account, Probe]:
        return {account: self._probe(self.account_id(account)) for account in accounts}

    def _probe(self, number: int) -> Probe:
        return Probe(
            self._tried(liquidation.liquidate, STRANGER, Item(number)),
            self._tried(losses.absorb, STRANGER, number, None),
        )

    def _tried(self, verb: Callable[..., object], *args: object) -> Reverted | None:
        try:
            with self.house.attempt(keep=False):
                verb(self.house, *args)
        except Reverted as refusal:
            return refusal
        return None

    def liquidation_price(self, account: Account, instrument: str) -> int | None:
        return views.liquidation_price(self.house, self.account_id(account), self._instrument(instrument))

    def for_sale(self) -> Mapping[Account, Offer | None]:
        offers: dict[Account, Offer | None] = {}
        for account, number in self._known.items():
            if not views.is_for_sale(self.house, number):
                continue
            try:
                sale = auctions.offer(self.house, number)
                offers[account] = Offer(self.world.collaterals[sale.coin.collateral].name, sale.price, sale.most)
            except Reverted as refusal:
                if refusal.name == "NoAuction":
                    offers[account] = None
        return offers
