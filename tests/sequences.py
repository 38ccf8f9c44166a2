"""Sequences of mixed transactions of the real protocol, drawn blindly: what a lane must play as if it were mined.

    setup = ready(protocol, traders, lp, keeper)            # mined once: money, approvals, the pool, collateral
    steps = Sequence(setup, seed).steps(300)

Nothing is looked at while drawing, so a good part is refused: that is meant. Time runs on by seconds, minutes and hours,
prices walk far enough to sink accounts, and feeds fall silent or revert for a while.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from plimsoll.chain.deployment import Deployment
from plimsoll.chain.lane import Step, step
from plimsoll.chain.node import CallItem, Contract
from plimsoll.chain.state import StateReader
from plimsoll.types import USDC, Account

MAX = 2**256 - 1
UNIT = 10**9
MAY_TRADE = 1
HONEST, REVERTS = 0, 1  # MockAggregator.Mode
BOOK = {"ETH": 2_000 * 10**8, "BTC": 40_000 * 10**8}  # answers of the feeds at first
COINS = {"WETH": 10**18, "WBTC": 10**8}


@dataclass(frozen=True)
class Setup:
    """accounts: ids of the traders' accounts and the keeper's. people: addresses of the traders, then of the lp."""

    made: Deployment
    accounts: list[int]
    people: list[str]
    keeper: str

    def views(self) -> dict[Any, CallItem]:
        """All that can be read of the protocol, by the reader's own keys."""
        made, owners = self.made, [*self.people[:-1], self.keeper]
        accounts = {Account(owner): made.account(owner) for owner in owners}
        accounts |= {Account("pool", i): made.account(made.pool, i) for i in range(len(made.instruments) + 1)}
        questions = StateReader(made, 0).questions(accounts, {person: person for person in self.people})
        for name, token in made.tokens.items():
            questions |= {("wallet", name, who): token.call_item("balanceOf", who) for who in (*owners, self.people[-1])}
        return questions


def ready(made: Deployment, traders: list[str], lp: str, keeper: str) -> Setup:
    """Mines what every sequence starts from; the pool has its provider already."""
    owner, engine, usdc = made.roles.deployer, made.engine, made.settlement
    for who in (*traders, lp, keeper):
        made.give(who, "USDC", 1_000_000 * USDC)
        for spender in (engine, made.pool):
            usdc.approve(spender, MAX, sender=who)
    for who in traders:
        account = made.account(who)
        engine.setOperator(account, made.pool, MAY_TRADE, sender=who)
        engine.deposit(account, usdc, 6_000 * USDC, 0, sender=who)
        for name, whole in COINS.items():
            made.tokens[name].mint(who, 20 * whole, sender=owner)
            made.tokens[name].approve(engine, MAX, sender=who)
    return Setup(made, [made.account(who) for who in (*traders, keeper)], [*traders, lp], keeper)


class Sequence:
    """Steps drawn from a seed."""

    def __init__(self, setup: Setup, seed: int) -> None:
        self.setup, self.made, self.random = setup, setup.made, Random(seed)
        self.time = setup.made.chain.now
        self.answers, self.broken = dict(BOOK), ""
        self.acts = {
            **{self.deposit: 5, self.deposit_coin: 3, self.withdraw: 4, self.trade: 14, self.price: 14, self.liquidate: 10},
            **{self.batch: 2, self.absorb: 2, self.move: 2, self.settle: 2, self.fund: 1, self.mode: 1, self.provide: 2},
            **{self.request: 1, self.redeem: 2, self.allocate: 2, self.auction: 2, self.buy: 2, self.mint: 1},
        }

    def steps(self, count: int) -> list[Step]:
        return [self.one() for _ in range(count)]

    def one(self) -> Step:
        self.time += self.random.choice((0, 0, 0, 1, 12, 60, 600, 5_000))
        if self.broken and self.random.random() < 0.2:
            return self.mode()
        return self.random.choices(list(self.acts), list(self.acts.values()))[0]()

    def send(self, contract: Contract, fn: str, *args: Any, sender: str) -> Step:
        return step(contract, fn, *args, sender=sender, time=self.time)

    def trader(self) -> tuple[str, int]:
        who = self.random.choice(self.setup.people[:-1])
        return who, self.made.account(who)

    def money(self, most: int) -> int:
        """Zero at times, and of any magnitude."""
        return self.random.choice((0, *(self.random.randrange(1, part) for part in (most, most, most // 10, most // 100))))

    # What people do ------------------------------------------------------------------------------------------------

    def deposit(self) -> Step:
        who, account = self.trader()
        return self.send(self.made.engine, "deposit", account, self.made.settlement, self.money(1_000 * USDC), 0, sender=who)

    def deposit_coin(self) -> Step:
        who, account = self.trader()
        name = self.random.choice(list(COINS))
        return self.send(
            self.made.engine, "deposit", account, self.made.tokens[name], self.money(COINS[name] // 10), 0, sender=who
        )

    def withdraw(self) -> Step:
        who, account = self.trader()
        token = self.random.choice(list(self.made.tokens.values()))
        amount = self.money(2_000 * USDC)
        return self.send(self.made.engine, "withdraw", account, token, amount, who, 0, sender=who)

    def move(self) -> Step:
        who, account = self.trader()
        target = self.random.choice(self.setup.accounts)
        return self.send(self.made.engine, "moveCash", account, target, self.money(2_000 * USDC), sender=who)

    def settle(self) -> Step:
        return self.send(self.made.engine, "settle", self.random.choice(self.setup.accounts), sender=self.setup.keeper)

    def trade(self) -> Step:
        who, account = self.trader()
        instrument = self.random.choice((0,) * 6 + (1,) * 5 + (2,))
        size = self.random.choice((1, -1)) * self.random.randrange(1, 30 * UNIT if instrument == 0 else 3 * UNIT // 2)
        easy = MAX if size > 0 else 0
        limit = self.random.choice((easy, easy, easy, 2_000 * 10**18))
        last = self.time - self.random.choice((0, 0, 0, 0, 0, 1))
        return self.send(self.made.pool, "trade", account, instrument, size, limit, last, sender=who)

    def fund(self) -> Step:
        who, _ = self.trader()
        return self.send(self.made.engine, "fund", self.random.randrange(2), self.money(1_000 * USDC), sender=who)

    def mint(self) -> Step:
        who, _ = self.trader()
        return self.send(self.made.settlement, "mint", who, self.money(10_000 * USDC), sender=who)

    def provide(self) -> Step:
        lp = self.setup.people[-1]
        return self.send(self.made.pool, "deposit", self.money(100_000 * USDC), lp, sender=lp)

    def request(self) -> Step:
        return self.send(self.made.pool, "requestRedeem", self.money(10**16), sender=self.setup.people[-1])

    def redeem(self) -> Step:
        lp = self.setup.people[-1]
        return self.send(self.made.pool, "redeem", self.money(10**15), lp, lp, sender=lp)

    def allocate(self) -> Step:
        return self.send(self.made.pool, "allocate", self.random.randrange(3), sender=self.setup.keeper)

    # What keepers do -----------------------------------------------------------------------------------------------

    def item(self) -> tuple[int, int, int, int, int]:
        _, account = self.trader()
        return account, self.random.choice((0,) * 12 + tuple(self.setup.accounts)), 10**18, 0, MAX

    def liquidate(self) -> Step:
        return self.send(self.made.liquidation, "liquidate", self.item(), sender=self.setup.keeper)

    def batch(self) -> Step:
        items = [self.item() for _ in range(3)]
        return self.send(self.made.liquidation, "liquidateMany", items, sender=self.setup.keeper)

    def absorb(self) -> Step:
        return self.send(self.made.liquidation, "absorb", self.trader()[1], 0, sender=self.setup.keeper)

    def auction(self) -> Step:
        return self.send(self.made.auctions, "startAuction", self.trader()[1], sender=self.setup.keeper)

    def buy(self) -> Step:
        args = (self.trader()[1], self.random.randrange(2), self.money(10**18), MAX, b"")
        return self.send(self.made.auctions, "buyCollateral", *args, sender=self.setup.keeper)

    # What feeds do -------------------------------------------------------------------------------------------------

    def price(self) -> Step:
        name = self.random.choice(list(self.answers))
        low, high = BOOK[name] // 2, BOOK[name] * 2
        moved = self.answers[name] * self.random.choice((92, 96, 99, 100, 101, 104, 108)) // 100
        self.answers[name] = min(high, max(low, moved))
        return self.send(self.made.feeds[name], "push", self.answers[name], sender=self.made.roles.deployer)

    def mode(self) -> Step:
        """One feed breaks, or is mended."""
        name, mode = (self.broken, HONEST) if self.broken else (self.random.choice(list(self.answers)), REVERTS)
        self.broken = "" if self.broken else name
        return self.send(self.made.feeds[name], "setMode", mode, sender=self.made.roles.deployer)
