"""A small venue in memory, for tests of what plays on a venue: a matched ledger with the margin rule in its simplest
form (no slopes, no funding, no interest; losses that insurance cannot pay are bad debt at once). `tamper` breaks it on
purpose, so that an invariant can be seen to fail. `refuses`: accounts whose positions the pool does not take, and the
largest fraction of them that it does."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from plimsoll.margin_math import Margin
from plimsoll.errors import Reverted
from plimsoll.fixed_point import mul_div_down, mul_div_up
from plimsoll.state import AccountState, EscrowState, FeedState, MarketState, PoolState, Position, State
from plimsoll.types import (
    ENGINE,
    HALT_DELAY,
    POOL,
    USDC,
    WAD,
    Absorption,
    Account,
    FeedFault,
    Fill,
    Outcome,
    World,
)
from plimsoll.venue import Probe, Venue
from tests.model.fake_rescues import VALUE, Rescues

LEAST_BITE = 1_000 * USDC


class FakeVenue(Rescues, Venue):
    def __init__(self, world: World) -> None:
        self.world, self._now = world, world.start
        self.prices = {feed.name: feed.price for feed in world.feeds}
        self.updated = {feed.name: world.start for feed in world.feeds}
        self.broken: dict[str, FeedFault] = {}
        self.cash: dict[Account, int] = defaultdict(int)
        self.held: dict[Account, dict[str, tuple[int, int]]] = defaultdict(dict)
        self.coins: dict[Account, dict[str, int]] = defaultdict(dict)
        self.wallets: dict[tuple[str, str], int] = defaultdict(int)
        self.insurance = {spec.name: spec.insurance for spec in world.instruments}
        self.shares: dict[str, int] = {}
        self.owed = {(spec.name, long): 0 for spec in world.instruments for long in (True, False)}
        self.auctions: dict[Account, int] = {}
        self.orders: dict[Account, Sequence[str]] = {}
        self.refuses: dict[Account, int] = {}
        self.reported: dict[Account, int] = {}
        self.invalid_since: dict[str, int] = {}
        self.halted: dict[str, int] = {}
        self.tamper: Callable[[State], State] = lambda state: state
        self._known = [Account(POOL, i) for i in range(len(world.instruments) + 1)]
        self.escrowed = sum(self.insurance.values())

    # Names, time, prices -------------------------------------------------------------------------------------------

    def account_id(self, account: Account) -> int:
        if account not in self._known:
            self._known.append(account)
        return self._known.index(account)

    def accounts(self) -> tuple[Account, ...]:
        return tuple(self._known)

    @property
    def now(self) -> int:
        return self._now

    def advance_to(self, time: int) -> None:
        if time < self._now:
            raise ValueError("time runs forward")
        self._now = time

    def set_price(self, feed: str, price: int) -> None:
        self.prices[feed], self.updated[feed] = price, self._now

    def break_feed(self, feed: str, fault: FeedFault) -> None:
        self.broken[feed] = fault

    def mend_feed(self, feed: str) -> None:
        self.broken.pop(feed, None)

    def give(self, actor: str, token: str, amount: int) -> None:
        self.wallets[actor, token] += amount

    def wallet(self, actor: str, token: str) -> int:
        return self.wallets[actor, token]

    def _fault(self, feed: str) -> str:
        return "" if feed in self.halted else self._own_fault(feed)

    def _own_fault(self, feed: str) -> str:
        spec = self.world.feed(feed)
        if feed in self.broken:
            return self.broken[feed].value
        return "Stale" if self._now > self.updated[feed] + spec.heartbeat + spec.grace else ""

    # Accounts ------------------------------------------------------------------------------------------------------

    def deposit(self, payer: str, account: Account, token: str, amount: int, min_ratio: int = 0) -> int:
        self.account_id(account)
        self.wallets[payer, token] -= amount
        if token == self.world.settlement.name:
            self.cash[account] += amount
            self.escrowed += amount
        else:
            self.coins[account][token] = self.coins[account].get(token, 0) + amount
        return amount

    def withdraw(self, account: Account, token: str, amount: int, min_out: int = 0) -> int:
        margin = self._judged(account)
        if token == self.world.settlement.name:
            have, need = min(margin.cash + margin.collateral, margin.equity) - amount, margin.initial
            if have < need:
                raise Reverted("InsufficientMargin", (self.account_id(account), have, need))
            paid = self._pay_out(amount)
            self.cash[account] -= amount
        else:
            paid = amount
            self.coins[account][token] -= amount
        self.wallets[account.actor, token] += paid
        return paid

    def _pay_out(self, amount: int) -> int:
        """While bad debt is recorded, what is paid is short of it by the haircut."""
        free, debt = self.escrowed - sum(self.insurance.values()), self.bad_debt
        paid = mul_div_down(amount, free, free + debt)
        self.escrowed -= paid
        for side in self.owed:
            part = min(self.owed[side], amount - paid - (debt - self.bad_debt))
            self.owed[side] -= part
        return paid

    def move_cash(self, source: Account, target: Account, amount: int) -> None:
        self.account_id(target)
        self.cash[source] -= amount
        self.cash[target] += amount

    def settle(self, caller: str, account: Account) -> None:
        self.account_id(account)

    def trade(
        self, account: Account, instrument: str, size: int, limit_price: int | None = None, deadline: int | None = None
    ) -> Fill:
        if size == 0:
            raise Reverted("ZeroSize", (0,))
        self.account_id(account)
        spec = self.world.instrument(instrument)
        mid = self._mid(spec.feed)
        worse = 10**6 + (1 if size > 0 else -1) * spec.market.spread_e6
        value = mul_div_up(abs(size), mid * worse, VALUE * 10**6)
        quote = -value if size > 0 else value
        fee = mul_div_up(value, spec.market.taker_fee_e6, 10**6)
        before = (dict(self.held[account]), self.cash[account])
        adds = abs(self.held[account].get(instrument, (0, 0))[0] + size) > abs(
            self.held[account].get(instrument, (0, 0))[0]
        )
        self._move(account, instrument, size, quote)
        self.cash[account] -= fee
        margin = self._judged(account)
        if adds and min(margin.cash + margin.collateral, margin.equity) < margin.initial:
            self.held[account], self.cash[account] = before
            raise Reverted("InsufficientMargin", (self.account_id(account), margin.equity, margin.initial))
        self._move(self.world.tranche(instrument), instrument, -size, -quote)
        self.insurance[instrument] += fee
        return Fill(quote, fee)

    def _move(self, account: Account, instrument: str, size: int, quote: int) -> None:
        """Adds to a position; what is closed is realised into cash."""
        old, owed = self.held[account].get(instrument, (0, 0))
        new, total = old + size, owed + quote
        if new == 0:
            self.cash[account] += total
            self.held[account].pop(instrument, None)
        elif abs(new) < abs(old):
            kept = mul_div_up(owed, new, old) if old > 0 else mul_div_up(owed, -new, -old)
            self.cash[account] += total - kept
            self.held[account][instrument] = (new, kept)
        else:
            self.held[account][instrument] = (new, total)

    # The pool ------------------------------------------------------------------------------------------------------

    def provide(self, actor: str, amount: int) -> int:
        self.wallets[actor, self.world.settlement.name] -= amount
        self.cash[Account(POOL)] += amount
        self.escrowed += amount
        self.shares[actor] = self.shares.get(actor, 0) + amount
        return amount

    def request_redeem(self, actor: str, shares: int) -> int:
        return self._now + self.world.pool.delay

    def redeem(self, actor: str, shares: int) -> int:
        self.shares[actor] -= shares
        self.cash[Account(POOL)] -= shares
        return self._pay_out(shares)

    def allocate(self, caller: str, instrument: str) -> int:
        amount = self.cash[Account(POOL)] // len(self.world.instruments)
        self.move_cash(Account(POOL), self.world.tranche(instrument), amount)
        return amount

    def fund(self, payer: str, instrument: str, amount: int) -> int:
        self.wallets[payer, self.world.settlement.name] -= amount
        self.insurance[instrument] += amount
        self.escrowed += amount
        self._pay_debt(instrument)
        return amount

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
        self.account_id(Account(keeper))
        refusal = self._probe(account).liquidate
        if refusal and not (refusal.name == "TakerRefused" and max_fraction <= self.refuses[account]):
            raise refusal
        margin = self._judged(account)
        fraction = min(self._due(margin), max_fraction)
        if fraction < self._due(margin) and mul_div_down(margin.notional, fraction, WAD) < LEAST_BITE:
            raise Reverted("FractionTooSmall", (fraction, mul_div_down(margin.notional, fraction, WAD), LEAST_BITE))
        self._close(account, fraction)
        penalty = mul_div_down(margin.penalty, fraction, WAD)
        self.cash[account] -= penalty
        self.cash[Account(keeper)] += penalty
        closed = mul_div_up(margin.notional, fraction, WAD)
        return Outcome(fraction, penalty, penalty, 0, 0, 0, closed, margin.equity, margin.maintenance)

    def _due(self, margin: Margin) -> int:
        """The fraction that brings health back to its target."""
        goal = margin.maintenance * self.world.liquidation.target
        if margin.penalty >= margin.equity:
            return WAD
        fraction = mul_div_up(goal - margin.equity * WAD, WAD, goal - margin.penalty * WAD)
        return fraction if mul_div_down(margin.notional, WAD - fraction, WAD) >= LEAST_BITE else WAD

    def _close(self, account: Account, fraction: int) -> None:
        for name, (size, _) in list(self.held[account].items()):
            closed = mul_div_up(abs(size), fraction, WAD) * (-1 if size > 0 else 1)
            quote = -mul_div_down(closed, self._mid(self.world.instrument(name).feed), VALUE)
            self._move(account, name, closed, quote)
            self._move(self.world.tranche(name), name, -closed, -quote)

    def liquidate_many(self, keeper: str, items: Sequence[tuple[Account, Account | None, int]]) -> int:
        return sum(bool(self.liquidate(keeper, account)) for account, _, _ in items)

    def absorb(self, keeper: str, account: Account, taker: Account | None = None) -> Absorption:
        refusal = self._probe(account).absorb
        if refusal:
            raise refusal
        loss, held = -self._judged(account).equity, dict(self.held[account])
        self.cash[account] += loss
        if not held:
            self.cash[Account(POOL)] -= loss
            return Absorption(loss, 0, loss, 0, 0)
        first = next(iter(held))
        paid = min(loss, self.insurance[first])
        self._close(account, WAD)
        self.insurance[first] -= paid
        self.owed[first, held[first][0] < 0] += loss - paid
        return Absorption(loss, paid, 0, loss - paid, 0)

    @property
    def bad_debt(self) -> int:
        return sum(self.owed.values())

    # Views ---------------------------------------------------------------------------------------------------------

    def state(self) -> State:
        names = [token.name for token in (self.world.settlement, *(c.token for c in self.world.collaterals))]
        escrow = {}
        for name in names:
            total = self.escrowed if name == names[0] else sum(held.get(name, 0) for held in self.coins.values())
            escrow[name] = EscrowState(total, {ENGINE: total})
        equity = sum(self._judged(account).equity for account in self._known if account.actor == POOL)
        total = sum(self.shares.values())
        pool = PoolState(equity, equity, equity, total, equity * WAD // total if total else None, dict(self.shares))
        return self.tamper(
            State(
                self._now,
                {account: self._account(account) for account in self._known},
                {spec.name: self._market(spec.name) for spec in self.world.instruments},
                {name: self._feed(name) for name in self.prices},
                escrow,
                pool,
                self.bad_debt,
            )
        )

    def _account(self, account: Account) -> AccountState:
        fault = self._invalid(account)
        state = AccountState(
            self.cash[account],
            {name: Position(size, quote, 0) for name, (size, quote) in self.held[account].items()},
            {name: amount for name, amount in self.coins[account].items() if amount},
            None,
            fault,
        )
        return state if fault else replace(state, margin=self._judged(account))

    def _feed(self, name: str) -> FeedState:
        price, fault = self.prices[name], self._fault(name)
        mid = 0 if fault else price
        return FeedState(mid, mid, mid, fault, self.updated[name], self.halted.get(name, 0))

    def _market(self, name: str) -> MarketState:
        sizes = [held[name][0] for held in self.held.values() if name in held]
        longs = sum(size for size in sizes if size > 0)
        quotes = [sum(held[name][1] for held in self.held.values() if name in held and (held[name][0] > 0) == long)
                  for long in (True, False)]  # fmt: skip
        owed = [self.owed[name, long] for long in (True, False)]
        return MarketState(longs, 0, 0, *quotes, 0, self._now, self.insurance[name], 0, *owed)

    def liquidatable(self) -> tuple[Account, ...]:
        return tuple(account for account in self._known if not self._invalid(account) and self._sinks(account))

    def probe(self, accounts: Sequence[Account]) -> Mapping[Account, Probe]:
        return {account: self._probe(account) for account in accounts}

    def _probe(self, account: Account) -> Probe:
        fault = self._invalid(account)
        if fault:
            return Probe(Reverted("InvalidPrice", (0, fault)), Reverted("InvalidPrice", (0, fault)))
        margin, number = self._judged(account), self.account_id(account)
        waiting = [feed for feed in self._feeds_of(account) if self._now < self.halted.get(feed, 0) + HALT_DELAY]
        if any(feed in self.halted for feed in waiting):
            return Probe(Reverted("HaltNotFinal", (0,)), Reverted("HaltNotFinal", (0,)))
        liquidate = (
            None if self._sinks(account) else Reverted("NotLiquidatable", (number, margin.equity, margin.maintenance))
        )
        if liquidate is None and margin.equity < 0:
            liquidate = Reverted("Insolvent", (number, margin.equity))
        absorb = None if margin.equity < 0 else Reverted("NotInsolvent", (number, margin.equity))
        if account in self.refuses:
            refused = Reverted("TakerRefused", (number, 0, 0))
            liquidate, absorb = liquidate or refused, absorb or refused
        return Probe(liquidate, absorb)

    def liquidation_price(self, account: Account, instrument: str) -> int | None:
        return None

    def _sinks(self, account: Account) -> bool:
        margin = self._judged(account)
        return margin.maintenance > 0 and margin.equity < margin.maintenance

    def _invalid(self, account: Account) -> str:
        return next((fault for feed in self._feeds_of(account) if (fault := self._fault(feed))), "")

    def _feeds_of(self, account: Account) -> list[str]:
        feeds = {self.world.instrument(name).feed for name in self.held[account]}
        return sorted(feeds | {self.world.collateral(name).feed for name in self.coins[account]})

    def _mid(self, feed: str) -> int:
        if self._fault(feed):
            raise Reverted("InvalidPrice", (feed, self._fault(feed)))
        return self.prices[feed]

    def _worth(self, token: str, amount: int) -> int:
        spec = self.world.collateral(token)
        whole = amount * self.prices[spec.feed] * (10**6 - spec.haircut_e6)
        return mul_div_down(whole, 1, 10**spec.token.decimals * WAD)

    def _judged(self, account: Account) -> Margin:
        profit = notional = maintenance = initial = penalty = 0
        for name, (size, quote) in self.held[account].items():
            spec = self.world.instrument(name)
            mid = self.prices[spec.feed]
            worth = mul_div_up(abs(size), mid, VALUE)
            profit += mul_div_down(size, mid, VALUE) + quote
            notional += worth
            maintenance += max(mul_div_up(worth, spec.base_e6, 10**6), spec.floor)
            initial += mul_div_up(worth, spec.base_e6 * spec.initial_multiple_e6, 10**12)
            penalty += mul_div_up(worth, spec.penalty_e6, 10**6)
        collateral = sum(self._worth(name, amount) for name, amount in self.coins[account].items())
        cash = self.cash[account]
        equity = cash + collateral + profit
        penalty = min(penalty, max(equity, 0))
        return Margin(cash, collateral, profit, equity, notional, maintenance, initial, penalty)
