"""The contracts as a Venue: every verb is a real transaction on a local chain, every answer is read off its events.

    with Anvil(timestamp=world.start - 30 * DAY) as anvil:
        venue = ChainVenue(Chain(anvil), world)

Time is the venue's alone: every block is given its second, and all verbs between two `advance_to` happen in the same
one. On a chain whose clock is past `world.start` the venue keeps the difference to itself (`shift`); only the numbers
inside a Reverted are then the chain's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from plimsoll.chain.actors import MAX_UINT, Actors
from plimsoll.chain.deployment import Deployment
from plimsoll.chain.feeds import Feeds
from plimsoll.chain.governance import Governance
from plimsoll.chain.node import CallItem, Chain, Contract, Event, Receipt
from plimsoll.chain.state import ACCOUNTS_A_CALL, Reading, StateReader
from plimsoll.errors import Reverted
from plimsoll.state import State
from plimsoll.types import POOL, WAD, Absorption, Account, FeedFault, Fill, Offer, Outcome, Purchase, World
from plimsoll.venue import Probe

MAY_TRADE = 1
THE_POOL = 0  # as taker of a liquidation
ANY_NONCE = 2**256 - 1
STRANGER = "0x" + "57" * 20  # who probes


class ChainVenue(Governance):
    """deployment: where the contracts are already; else they are deployed. It must be of this world and untouched."""

    def __init__(self, chain: Chain, world: World, deployment: Deployment | None = None) -> None:
        self.chain, self.world = chain, world
        self.deployment = made = deployment or Deployment.deploy(chain, world)
        self.actors = Actors(chain, made)
        built_at = chain.now
        self.shift = max(0, built_at - world.start)
        self._time = world.start  # of the next verb
        self._mined = built_at - self.shift  # of the latest block
        self._known = {Account(POOL, i): made.account(made.pool, i) for i in range(len(world.instruments) + 1)}
        self._holders: dict[str, str] = {}
        self._probes: dict[Account, tuple[CallItem, CallItem]] = {}
        self._reader = StateReader(made, self.shift)
        self._reading: Reading | None = None
        self._feeds = Feeds(made, self._send)
        for spec in world.feeds:
            self.set_price(spec.name, spec.price)

    # Sending and looking -------------------------------------------------------------------------------------------

    def _send(self, contract: Contract, fn: str, *args: Any, sender: str) -> Receipt:
        """One transaction in a block of its own at the time of this verb. Raises Reverted."""
        data = contract.encode(fn, *args)
        self.chain.set_next_time(self._time + self.shift)
        self._mined, self._reading = self._time, None
        return self.chain.send(contract.address, data, sender)

    def _look(self) -> None:
        """Views see the time of the latest block: it must be the present."""
        if self._mined != self._time:
            self.chain.set_next_time(self._time + self.shift)
            self.chain.rpc("evm_mine")
            self._mined, self._reading = self._time, None

    def _ask(self, items: Iterable[CallItem]) -> list[Any]:
        """The values of views at the present; a Reverted in the place of one that reverts."""
        self._look()
        return self.chain.batch(items, errors="return")

    def _once(self, sender: str, contract: Contract, fn: str, *args: Any) -> None:
        """What a wallet sends the first time only."""
        if self.actors.first_time(sender, contract, fn, *args):
            self._send(contract, fn, *args, sender=sender)

    def _approve(self, actor: str, token: Contract, spender: Contract) -> None:
        self._once(self.actors[actor], token, "approve", spender, MAX_UINT)

    # Names ---------------------------------------------------------------------------------------------------------

    def account_id(self, account: Account) -> int:
        if account not in self._known:
            self._known[account] = self.deployment.account(self.actors[account.actor], account.sub)
            self._reading = None
        return self._known[account]

    def accounts(self) -> tuple[Account, ...]:
        return tuple(self._known)

    def _taker(self, account: Account | None) -> int:
        return THE_POOL if account is None else self.account_id(account)

    # Time, prices, faucets -----------------------------------------------------------------------------------------

    @property
    def now(self) -> int:
        return self._time

    def advance_to(self, time: int) -> None:
        if time < self._time:
            raise ValueError(f"time runs forward: it is {self._time}, {time} is past")
        self._time = time

    def set_price(self, feed: str, price: int) -> None:
        self._feeds.answer(feed, price, self._time + self.shift)

    def break_feed(self, feed: str, fault: FeedFault) -> None:
        self._feeds.break_(feed, fault, self._time + self.shift)

    def mend_feed(self, feed: str) -> None:
        self._feeds.mend(feed)

    def give(self, actor: str, token: str, amount: int) -> None:
        owner = self.deployment.roles.deployer
        self._send(self.deployment.tokens[token], "mint", self.actors[actor], amount, sender=owner)

    def wallet(self, actor: str, token: str) -> int:
        [balance] = self._ask([self.deployment.tokens[token].call_item("balanceOf", self.actors[actor])])
        return int(balance)

    # Accounts ------------------------------------------------------------------------------------------------------

    def deposit(self, payer: str, account: Account, token: str, amount: int, min_ratio: int = 0) -> int:
        made, contract = self.deployment, self.deployment.tokens[token]
        self._approve(payer, contract, made.engine)
        args = (self.account_id(account), contract, amount, min_ratio)
        return int(self._send(made.engine, "deposit", *args, sender=self.actors[payer]).event("Deposited").amount)

    def withdraw(self, account: Account, token: str, amount: int, min_out: int = 0) -> int:
        made, owner = self.deployment, self.actors[account.actor]
        args = (self.account_id(account), made.tokens[token], amount, owner, min_out)
        return int(self._send(made.engine, "withdraw", *args, sender=owner).event("Withdrawn").paid)

    def move_cash(self, source: Account, target: Account, amount: int) -> None:
        args = (self.account_id(source), self.account_id(target), amount)
        self._send(self.deployment.engine, "moveCash", *args, sender=self.actors[source.actor])

    def settle(self, caller: str, account: Account) -> None:
        self._send(self.deployment.engine, "settle", self.account_id(account), sender=self.actors[caller])

    # Trading against the pool --------------------------------------------------------------------------------------

    def trade(
        self, account: Account, instrument: str, size: int, limit_price: int | None = None, deadline: int | None = None
    ) -> Fill:
        made, owner, number = self.deployment, self.actors[account.actor], self.account_id(account)
        self._once(owner, made.engine, "setOperator", number, made.pool, MAY_TRADE)
        limit = limit_price if limit_price is not None else MAX_UINT if size > 0 else 0
        last = (self._time if deadline is None else deadline) + self.shift
        receipt = self._send(made.pool, "trade", number, made.instruments[instrument], size, limit, last, sender=owner)
        traded = _told_by(made.pool, receipt, "Traded")
        return Fill(traded.quote, traded.fee)

    # The liquidity pool --------------------------------------------------------------------------------------------

    def provide(self, actor: str, amount: int) -> int:
        pool, address = self.deployment.pool, self.actors[actor]
        self._approve(actor, self.deployment.settlement, pool)
        self._holders[actor] = address
        return int(self._send(pool, "deposit", amount, address, sender=address).event("Deposit").shares)

    def request_redeem(self, actor: str, shares: int) -> int:
        receipt = self._send(self.deployment.pool, "requestRedeem", shares, sender=self.actors[actor])
        return int(receipt.event("RedeemRequested").maturesAt - self.shift)

    def redeem(self, actor: str, shares: int) -> int:
        address = self.actors[actor]
        receipt = self._send(self.deployment.pool, "redeem", shares, address, address, sender=address)
        return int(receipt.event("Withdraw").assets)

    def allocate(self, caller: str, instrument: str) -> int:
        made = self.deployment
        receipt = self._send(made.pool, "allocate", made.instruments[instrument], sender=self.actors[caller])
        return int(receipt.event("Allocated").amount)

    def fund(self, payer: str, instrument: str, amount: int) -> int:
        made = self.deployment
        self._approve(payer, made.settlement, made.engine)
        receipt = self._send(made.engine, "fund", made.instruments[instrument], amount, sender=self.actors[payer])
        return int(receipt.event("Pulled").amount)

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
        item = self._item(account, taker, max_fraction, min_fraction, nonce)
        return Outcome(*self._as_keeper(keeper, "liquidate", item).event("Liquidated").outcome)

    def liquidate_many(self, keeper: str, items: Sequence[tuple[Account, Account | None, int]]) -> int:
        batch = [self._item(*item) for item in items]
        return len(batch) - len(self._as_keeper(keeper, "liquidateMany", batch).events_named("Skipped"))

    def _item(
        self,
        account: Account,
        taker: Account | None = None,
        max_fraction: int = WAD,
        min_fraction: int = 0,
        nonce: int | None = None,
    ) -> tuple[int, ...]:
        """ILiquidationEngine.Item"""
        seen = ANY_NONCE if nonce is None else nonce
        return self.account_id(account), self._taker(taker), max_fraction, min_fraction, seen

    def absorb(self, keeper: str, account: Account, taker: Account | None = None) -> Absorption:
        told = self._as_keeper(keeper, "absorb", self.account_id(account), self._taker(taker)).event("Absorbed")
        return Absorption(*told.absorption)

    def report_refusal(self, caller: str, account: Account) -> None:
        self._as_keeper(caller, "reportRefusal", self.account_id(account))

    def deleverage(self, keeper: str, account: Account, instrument: str, counterparties: Sequence[Account]) -> int:
        ids = sorted(self.account_id(counterparty) for counterparty in counterparties)
        args = (self.account_id(account), self.deployment.instruments[instrument], ids)
        return int(self._as_keeper(keeper, "deleverage", *args).event("Deleveraged").closed)

    def unfreeze(self, caller: str, instrument: str) -> None:
        made = self.deployment
        self._send(made.pool, "unfreeze", made.instruments[instrument], sender=self.actors[caller])

    def drain(self, caller: str, instrument: str) -> int:
        made = self.deployment
        [before] = self._ask([made.engine.call_item("badDebt")])
        receipt = self._send(made.engine, "drain", made.instruments[instrument], sender=self.actors[caller])
        told = receipt.events_named("BadDebtUpdated")
        return before - told[-1].badDebt if told else 0

    # Auctions ------------------------------------------------------------------------------------------------------

    def start_auction(self, caller: str, account: Account) -> None:
        self._send(self.deployment.auctions, "startAuction", self.account_id(account), sender=self.actors[caller])

    def stop_auction(self, caller: str, account: Account) -> None:
        self._send(self.deployment.auctions, "stopAuction", self.account_id(account), sender=self.actors[caller])

    def set_sale_order(self, account: Account, collaterals: Sequence[str]) -> None:
        made = self.deployment
        order = [made.collaterals[name] for name in collaterals]
        self._send(made.auctions, "setSaleOrder", self.account_id(account), order, sender=self.actors[account.actor])

    def buy_collateral(
        self, buyer: str, account: Account, collateral: str, amount: int, max_price: int | None = None
    ) -> Purchase:
        made = self.deployment
        self._approve(buyer, made.settlement, made.engine)
        most = MAX_UINT if max_price is None else max_price
        args = (self.account_id(account), made.collaterals[collateral], amount, most, b"")
        sold = self._send(made.auctions, "buyCollateral", *args, sender=self.actors[buyer]).event("CollateralSold")
        return Purchase(sold.amount, sold.payment)

    # Dead feeds ----------------------------------------------------------------------------------------------------

    def observe(self, caller: str, feed: str) -> None:
        self._send(self.deployment.oracle, "observe", self._feed_id(feed), sender=self.actors[caller])

    def halt(self, caller: str, feed: str) -> None:
        args = (self._feed_id(feed), self._feeds.last_valid_round(feed))
        self._send(self.deployment.oracle, "halt", *args, sender=self.actors[caller])

    def _feed_id(self, feed: str) -> int:
        return list(self.deployment.proxies).index(feed)

    def settle_halted(self, caller: str, instrument: str, long: Account, short: Account) -> int:
        made = self.deployment
        args = (made.instruments[instrument], self.account_id(long), self.account_id(short))
        return int(self._send(made.engine, "settleHalted", *args, sender=self.actors[caller]).event("HaltedSettled").size)

    def _as_keeper(self, keeper: str, fn: str, *args: Any) -> Receipt:
        """The keeper's own account, where rewards go, is one that a verb has named."""
        self.account_id(Account(keeper))
        return self._send(self.deployment.liquidation, fn, *args, sender=self.actors[keeper])

    # Views ---------------------------------------------------------------------------------------------------------

    def state(self) -> State:
        return self._read().state

    def _read(self) -> Reading:
        """One batch; none at all while nothing has happened since the last."""
        self._look()
        if self._reading is None:
            self._reading = self._reader.read(self._time, self._known, self._holders)
        return self._reading

    def liquidatable(self) -> tuple[Account, ...]:
        reports = self._read().reports
        below = [account for account, report in reports.items() if report.standing.liquidatable]
        named: list[bool] = []
        for some in _chunks(below):
            named += self.deployment.lens.liquidatable([self._known[account] for account in some])
        return tuple(account for account, is_named in zip(below, named) if is_named)

    def probe(self, accounts: Sequence[Account]) -> Mapping[Account, Probe]:
        items = [item for account in accounts for item in self._probe_items(account)]
        answers = [answer if isinstance(answer, Reverted) else None for answer in self._ask(items)]
        return {account: Probe(*answers[2 * i : 2 * i + 2]) for i, account in enumerate(accounts)}

    def _probe_items(self, account: Account) -> tuple[CallItem, CallItem]:
        if account not in self._probes:
            number, liquidation = self.account_id(account), self.deployment.liquidation
            self._probes[account] = (
                liquidation.call_item("liquidate", self._item(account), sender=STRANGER),
                liquidation.call_item("absorb", number, THE_POOL, sender=STRANGER),
            )
        return self._probes[account]

    def liquidation_price(self, account: Account, instrument: str) -> int | None:
        self._look()
        made = self.deployment
        found = made.lens.liquidationPrice(self.account_id(account), made.instruments[instrument])
        mid = self.state().feeds[self.world.instrument(instrument).feed].mid
        ends = [end for end, there in ((found.below, found.hasBelow), (found.above, found.hasAbove)) if there]
        return min(ends, key=lambda end: abs(end - mid), default=None)

    def for_sale(self) -> Mapping[Account, Offer | None]:
        reports = self._read().reports
        selling = [account for account, report in reports.items() if report.coins and report.standing.forSale]
        asked = [self.deployment.auctions.call_item("offer", self._known[account]) for account in selling]
        names = list(self.deployment.collaterals)
        offers: dict[Account, Offer | None] = {}
        for account, answer in zip(selling, self.chain.batch(asked, errors="return")):
            if not isinstance(answer, Reverted):
                offers[account] = Offer(names[answer.collateral], answer.price, answer.most)
            elif answer.name == "NoAuction":
                offers[account] = None
        return offers


def _told_by(contract: Contract, receipt: Receipt, name: str) -> Event:
    """The contract's own event of this name, where another contract has one too."""
    return next(event for event in receipt.events_named(name) if event.address == contract.address)


def _chunks(accounts: Sequence[Account]) -> Iterable[Sequence[Account]]:
    return (accounts[i : i + ACCOUNTS_A_CALL] for i in range(0, len(accounts), ACCOUNTS_A_CALL))


