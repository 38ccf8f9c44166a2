"""A small venue in memory, for tests of what plays on a venue: a matched ledger with the margin rule in its simplest
form (no slopes, no funding, no interest). `tamper` breaks it on purpose, so that an invariant can be seen to fail."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from plimsoll.errors import Reverted
from plimsoll.fixed_point import mul_div_down, mul_div_up
from plimsoll.state import AccountState, EscrowState, FeedState, Margin, MarketState, PoolState, Position, State
from plimsoll.types import ENGINE, POOL, SIZE_UNIT, USDC, WAD, Absorption, Account, FeedFault, Fill, Outcome, World
from plimsoll.venue import Probe, Venue

VALUE = SIZE_UNIT * WAD // USDC  # size · price / VALUE = settlement units


class FakeVenue(Venue):
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
        self.bad_debt = 0
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
            self.cash[account] -= amount
            self.escrowed -= amount
        else:
            self.coins[account][token] -= amount
        self.wallets[account.actor, token] += amount
        return amount

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
        self.escrowed -= shares
        return shares

    def allocate(self, caller: str, instrument: str) -> int:
        amount = self.cash[Account(POOL)] // len(self.world.instruments)
        self.move_cash(Account(POOL), self.world.tranche(instrument), amount)
        return amount

    def fund(self, payer: str, instrument: str, amount: int) -> int:
        self.insurance[instrument] += amount
        self.escrowed += amount
        return amount

    # Liquidation ---------------------------------------------------------------------------------------------------

    def liquidate(
        self, keeper: str, account: Account, taker: Account | None = None, max_fraction: int = WAD
    ) -> Outcome:
        self.account_id(Account(keeper))
        refusal = self.probe([account])[account].liquidate
        if refusal:
            raise refusal
        margin, target = self._judged(account), self.world.liquidation.target
        goal = margin.maintenance * target
        fraction = WAD
        if margin.penalty < margin.equity:
            fraction = mul_div_up(goal - margin.equity * WAD, WAD, goal - margin.penalty * WAD)
        if mul_div_down(margin.notional, WAD - fraction, WAD) < 1_000 * USDC:
            fraction = WAD
        self._close(account, fraction)
        penalty = mul_div_down(margin.penalty, fraction, WAD)
        self.cash[account] -= penalty
        self.cash[Account(keeper)] += penalty
        closed = mul_div_up(margin.notional, fraction, WAD)
        return Outcome(fraction, penalty, penalty, 0, 0, closed, margin.equity, margin.maintenance)

    def _close(self, account: Account, fraction: int) -> None:
        for name, (size, _) in list(self.held[account].items()):
            closed = mul_div_up(abs(size), fraction, WAD) * (-1 if size > 0 else 1)
            quote = -mul_div_down(closed, self._mid(self.world.instrument(name).feed), VALUE)
            self._move(account, name, closed, quote)
            self._move(self.world.tranche(name), name, -closed, -quote)

    def liquidate_many(self, keeper: str, items: Sequence[tuple[Account, Account | None, int]]) -> int:
        return sum(bool(self.liquidate(keeper, account)) for account, _, _ in items)

    def absorb(self, keeper: str, account: Account, taker: Account | None = None) -> Absorption:
        refusal = self.probe([account])[account].absorb
        if refusal:
            raise refusal
        loss = -self._judged(account).equity
        first = next(iter(self.held[account]))
        paid = min(loss, self.insurance[first])
        self._close(account, WAD)
        self.cash[account] += loss
        self.insurance[first] -= paid
        self.bad_debt += loss - paid
        return Absorption(loss, paid, loss - paid)

    def buy_collateral(
        self, buyer: str, account: Account, collateral: str, amount: int, max_payment: int | None = None
    ) -> int:
        payment = self._worth(collateral, amount)
        self.coins[account][collateral] -= amount
        self.cash[account] += payment
        self.escrowed += payment
        return payment

    # Views ---------------------------------------------------------------------------------------------------------

    def state(self) -> State:
        names = [token.name for token in (self.world.settlement, *(c.token for c in self.world.collaterals))]
        escrow = {}
        for name in names:
            total = self.escrowed if name == names[0] else sum(held.get(name, 0) for held in self.coins.values())
            escrow[name] = EscrowState(total, total, {ENGINE: total})
        equity = sum(self._judged(account).equity for account in self._known if account.actor == POOL)
        total = sum(self.shares.values())
        pool = PoolState(equity, equity, equity, total, equity * WAD // total if total else None, dict(self.shares))
        return self.tamper(
            State(
                self._now,
                {account: self._account(account) for account in self._known},
                {spec.name: self._market(spec.name) for spec in self.world.instruments},
                {name: FeedState(p, p, p, self._fault(name), self.updated[name]) for name, p in self.prices.items()},
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

    def _market(self, name: str) -> MarketState:
        sizes = [held[name][0] for held in self.held.values() if name in held]
        longs = sum(size for size in sizes if size > 0)
        return MarketState(longs, 0, 0, 0, 0, 0, self._now, self.insurance[name], 0)

    def liquidatable(self) -> tuple[Account, ...]:
        return tuple(account for account in self._known if not self._invalid(account) and self._sinks(account))

    def probe(self, accounts: Sequence[Account]) -> Mapping[Account, Probe]:
        return {account: self._probe(account) for account in accounts}

    def _probe(self, account: Account) -> Probe:
        fault = self._invalid(account)
        if fault:
            return Probe(Reverted("InvalidPrice", (0, fault)), Reverted("InvalidPrice", (0, fault)))
        margin, number = self._judged(account), self.account_id(account)
        liquidate = (
            None if self._sinks(account) else Reverted("NotLiquidatable", (number, margin.equity, margin.maintenance))
        )
        if liquidate is None and margin.equity < 0:
            liquidate = Reverted("Insolvent", (number, margin.equity))
        absorb = None if margin.equity < 0 and self.held[account] else Reverted("NotInsolvent", (number, margin.equity))
        return Probe(liquidate, absorb)

    def liquidation_price(self, account: Account, instrument: str) -> int | None:
        return None

    def debt_for_sale(self) -> Mapping[Account, int]:
        debts = {}
        for account in self._known:
            margin = self._judged(account)
            debt = -(margin.cash + margin.profit)
            if debt > mul_div_down(margin.collateral, self.world.debt.limit_e6, 10**6) and self.coins[account]:
                debts[account] = debt
        return debts

    def _sinks(self, account: Account) -> bool:
        margin = self._judged(account)
        return margin.maintenance > 0 and margin.equity < margin.maintenance

    def _invalid(self, account: Account) -> str:
        feeds = {self.world.instrument(name).feed for name in self.held[account]}
        feeds |= {self.world.collateral(name).feed for name in self.coins[account]}
        return next((fault for feed in sorted(feeds) if (fault := self._fault(feed))), "")

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
