"""The rules of a life: what traders and providers do, and the edges of what they may: the most that is accepted, and one unit
more."""

from __future__ import annotations

from collections.abc import Callable

from plimsoll.errors import Reverted
from plimsoll.fuzz.lines import EDGES
from plimsoll.fuzz.market import Market, rule
from plimsoll.types import HOUR, SIZE_UNIT, USDC, WAD, Account
from plimsoll.venue import Call

UNITS = {"WETH": 10**18, "WBTC": 10**8}


class Trading(Market):
    # Accounts and trades -------------------------------------------------------------------------------------------

    @rule(6)
    def deposit(self) -> None:
        account, amount = self.trader(), self.part(self.rng.choice((1_000, 20_000)) * USDC)
        payer = self.rng.choice((account.actor, account.actor, "stranger"))
        if self.rng.random() < 0.9:
            self.venue.give(payer, "USDC", amount)
        self.venue.deposit(payer, account, "USDC", amount, self.rng.choice((0, 0, 0, WAD)))

    @rule(8)
    def deposit_coin(self) -> None:
        account, token = self.trader(), self.rng.choice(tuple(UNITS))
        amount = self.part(UNITS[token] * self.rng.choice((20, 20, 20, 450)) // (20 if token == "WBTC" else 1))
        payer = self.rng.choice((account.actor,) * 5 + ("stranger",))
        self.venue.give(payer, token, amount)
        self.venue.deposit(payer, account, token, amount)

    @rule(6)
    def withdraw(self) -> None:
        account = self.trader()
        state = self.state_of(account)
        cash = max(0, state.cash) if state else 0
        self.venue.withdraw(account, "USDC", self.part(cash), self.rng.choice((0, 0, cash)))

    @rule(4)
    def withdraw_coin(self) -> None:
        account = self.trader()
        state, token = self.state_of(account), self.rng.choice(tuple(UNITS))
        if state and state.collateral and self.rng.random() < 0.9:
            token = self.rng.choice(list(state.collateral))
        self.venue.withdraw(account, token, self.part(state.collateral.get(token, 0) if state else 0))

    @rule(4)
    def move_cash(self) -> None:
        source, target = self.trader(), self.trader()
        if self.rng.random() < 0.8:
            target = Account(source.actor, self.rng.choice((0, 1, 7)))
        state = self.state_of(source)
        self.venue.move_cash(source, target, self.part(max(0, state.cash) if state else 0))

    @rule(5)
    def settle(self) -> None:
        self.venue.settle("stranger", self.someone())

    @rule(24)
    def trade(self) -> None:
        account, name = self.trader(), self.instrument()
        mid = self.prices[self.venue.world.instrument(name).feed]
        state = self.state_of(account)
        equity = state.margin.equity if state and state.margin else 0
        notional = max(equity, 100 * USDC) * self.rng.choice((1, 2, 5, 8, 8, 9, 10, 12, 60)) + self.rng.randrange(USDC)
        size = self.rng.choice((-1, 1)) * (notional * WAD * SIZE_UNIT // USDC // mid + self.rng.randrange(3))
        limit = self.rng.choice((None,) * 7 + (mid,))
        self.venue.trade(account, name, size, limit, self.rng.choice((None,) * 20 + (self.venue.now - 1,)))

    @rule(6)
    def close(self) -> None:
        held = [
            (account, name, position.size)
            for account, state in self.venue.state().accounts.items()
            for name, position in state.positions.items()
            if account.actor != "pool"
        ]
        if held:
            account, name, size = self.rng.choice(held)
            some = self.part(abs(size)) * (-1 if size > 0 else 1)
            self.venue.trade(account, name, -size if self.rng.random() < 0.6 else some)

    # Edges ---------------------------------------------------------------------------------------------------------

    @rule(6)
    def edge_of_trade(self) -> None:
        account, name, side = self.trader(), self.instrument(), self.rng.choice((-1, 1))
        self.edge(4_000 * SIZE_UNIT, lambda size: (Call("trade", (account, name, side * size)),))

    @rule(5)
    def edge_of_withdrawal(self) -> None:
        account = self.trader()
        state = self.state_of(account)
        token = self.rng.choice(["USDC", *state.collateral] if state else ["USDC"])
        self.edge(2**70, lambda amount: (Call("withdraw", (account, token, amount)),))

    @rule(3)
    def edge_of_deposit(self) -> None:
        account, token = self.trader(), self.rng.choice(tuple(UNITS))
        give, deposit = ("give", (account.actor, token)), ("deposit", (account.actor, account, token))
        self.edge(2**70, lambda amount: tuple(Call(verb, (*args, amount)) for verb, args in (give, deposit)))

    def edge(self, refused: int, calls: Callable[[int], tuple[Call, ...]]) -> None:
        """Says the most that the model accepts below what it refuses, or one more; and notes whose line that is."""
        most = self.most(refused, lambda amount: not isinstance(self.model.imagine(*calls(amount)), Reverted))
        if most == 0:
            return
        beyond = self.model.imagine(*calls(most + 1))
        line = EDGES.get(beyond.name) if isinstance(beyond, Reverted) else None
        amount = most + self.rng.choice((0, 0, 1))
        if line and amount == most:
            self.venue.reach.lines[line] += 1
        for call in calls(amount):
            self.venue.say(call)

    def most(self, beyond: int, holds: Callable[[int], bool]) -> int:
        """The most below `beyond` for which it holds, where it holds for all smaller ones; 0 for none."""
        found = 0
        while beyond - found > 1:
            half = (found + beyond) // 2
            found, beyond = (half, beyond) if holds(half) else (found, half)
        return found

    # The pool ------------------------------------------------------------------------------------------------------

    @rule(3)
    def provide(self) -> None:
        actor, amount = self.rng.choice(("lp", "lou")), self.part(100_000 * USDC)
        self.venue.give(actor, "USDC", amount)
        self.venue.provide(actor, amount)

    @rule(3)
    def request_redeem(self) -> None:
        actor = self.rng.choice(("lp", "lou"))
        self.venue.request_redeem(actor, self.part(self.venue.state().pool.shares.get(actor, 0)) // 3)

    @rule(4)
    def redeem(self) -> None:
        actor = self.rng.choice(("lp", "lou"))
        if self.rng.random() < 0.6:
            self.wait_for(self.rng.choice((HOUR, HOUR, 2 * HOUR)))
        self.venue.redeem(actor, self.part(self.venue.state().pool.shares.get(actor, 0)) // self.rng.choice((1, 3, 9)))

    @rule(8)
    def allocate(self) -> None:
        self.venue.allocate("stranger", self.instrument())

    @rule(1)
    def fund(self) -> None:
        amount = self.part(1_000 * USDC)
        self.venue.give("stranger", "USDC", amount)
        self.venue.fund("stranger", self.instrument(), amount)
