"""Random lives of the whole protocol on any venue: who does what is drawn, and now and then aimed at a line."""

from __future__ import annotations

from dataclasses import replace

from plimsoll.chain.standard import standard_world
from plimsoll.errors import Reverted
from plimsoll.types import (
    DAY,
    HALT_DELAY,
    HALT_GRACE,
    HOUR,
    SIZE_UNIT,
    USDC,
    WAD,
    Account,
    DebtSpec,
    FeedFault,
    FeedSpec,
    GuardSpec,
    PoolSpec,
)

START = 1_583_971_200  # 2020-03-12
TRADERS = tuple(Account(name) for name in ("ada", "ben", "cid", "dot")) + (Account("ada", 1), Account("ben", 7))
KEEPERS = ("kim", "kay")
UNITS = {"WETH": 10**18, "WBTC": 10**8}


def small_world(start=START):
    """The standard world, cramped: a small pool with strong funding, little insurance, feeds that go stale, a guard."""
    world = standard_world(start)
    feeds = tuple(replace(feed, heartbeat=HOUR, grace=10 * 60) for feed in world.feeds)
    small = dict(max_velocity_e8=900_000_000, max_rate_e8=900_000_000, insurance=2_000 * USDC, cap_value=4_000_000 * USDC)
    small |= dict(cap_units=3_000, oi_threshold_e6=100_000, reaction_time=60)
    eth, btc = (replace(spec, **small) for spec in world.instruments)
    return replace(
        world,
        feeds=(*feeds, FeedSpec("USD", WAD, heartbeat=DAY, grace=HOUR)),
        instruments=(replace(eth, scale=2_000, depth=2_000), replace(btc, scale=120, depth=100)),
        collaterals=tuple(replace(spec, cap=400, depth=spec.depth // 100) for spec in world.collaterals),
        pool=PoolSpec(delay=HOUR),
        debt=DebtSpec(interest_e9=900_000_000),
        guard=GuardSpec("USD"),
    )


def live(venue, rng, steps):
    """So many verbs; a refusal is an answer like any other."""
    life = Life(venue, rng)
    life.begin()
    for _ in range(steps):
        draw = rng.choices(list(life.draws), list(life.draws.values()))[0]
        try:
            getattr(life, draw)()
        except Reverted:
            pass
        venue.look()


class Life:
    draws = {
        "wait": 10,
        "answer": 22,
        "crash": 4,
        "aim": 8,
        "break_or_mend": 3,
        "deposit": 6,
        "deposit_coin": 8,
        "withdraw": 6,
        "withdraw_coin": 4,
        "move_cash": 4,
        "settle": 5,
        "trade": 24,
        "close": 6,
        "provide": 3,
        "request_redeem": 3,
        "redeem": 4,
        "allocate": 8,
        "fund": 1,
        "liquidate": 14,
        "bite": 5,
        "batch": 4,
        "absorb": 10,
        "auction": 8,
        "buy": 10,
        "stop_auction": 2,
        "sale_order": 2,
        "report": 6,
        "deleverage": 10,
        "unfreeze": 2,
        "drain": 5,
        "observe": 3,
        "halt": 3,
        "settle_halted": 3,
    }

    def __init__(self, venue, rng):
        self.venue, self.rng = venue, rng
        self.prices = {spec.name: spec.price for spec in venue.world.feeds}
        self.broken = set()

    def begin(self):
        supply = self.rng.choice((60_000, 300_000, 2_000_000)) * USDC
        self.venue.give("lp", "USDC", supply)
        self.venue.provide("lp", supply)
        for name in self.instruments:
            self.venue.allocate("lp", name)
        for account in TRADERS[:4]:
            amount = self.rng.choice((3_000, 20_000)) * USDC
            self.venue.give(account.actor, "USDC", amount)
            self.venue.deposit(account.actor, account, "USDC", amount)

    # Drawing -------------------------------------------------------------------------------------------------------

    @property
    def instruments(self):
        return [spec.name for spec in self.venue.world.instruments]

    def trader(self):
        return self.rng.choice(TRADERS)

    def someone(self):
        return self.rng.choice(self.venue.model.accounts())

    def sinking(self):
        """An account below its line, mostly; any otherwise."""
        named = self.venue.model.liquidatable()
        return self.rng.choice(named) if named and self.rng.random() < 0.9 else self.someone()

    def indebted(self):
        named = list(self.venue.model.for_sale())
        return self.rng.choice(named) if named and self.rng.random() < 0.9 else self.trader()

    def instrument(self):
        return self.rng.choice(self.instruments)

    def keeper(self):
        return self.rng.choice(KEEPERS)

    def part(self, whole):
        """Some, all, one more than all, or nothing of it."""
        return self.rng.choice((whole, whole + 1, 0, 1, *(self.rng.randrange(whole + 1) for _ in range(6))))

    def state_of(self, account):
        return self.venue.model.state().accounts.get(account)

    # The world -----------------------------------------------------------------------------------------------------

    def wait(self):
        spans = (1, 60, 600, 1_800, HOUR, HOUR + 1, 4_200, 4_201, 4 * HOUR, HALT_GRACE, HALT_DELAY, 3 * DAY)
        weights = (6, 6, 8, 6, 4, 2, 2, 1, 1, 1, 1, 1)
        self.venue.advance_to(self.venue.now + self.rng.choices(spans, weights)[0])
        if self.rng.random() < 0.9:
            for feed in self.prices:
                self.venue.set_price(feed, self.prices[feed])

    def answer(self, reach=0.03):
        feed = self.rng.choice(("ETH", "ETH", "BTC", "USD"))
        reach = 0.015 if feed == "USD" else reach
        moved = self.prices[feed] * int(10**6 * (1 + self.rng.uniform(-reach, reach))) // 10**6
        if feed == "USD" and abs(moved - WAD) > WAD // 25:
            moved = WAD
        self.tell(feed, moved)

    def crash(self):
        self.answer(0.25)

    def aim(self):
        """To the very line of somebody, or a unit of the feed beside it."""
        model, account, name = self.venue.model, self.trader(), self.instrument()
        feed = self.venue.world.instrument(name).feed
        self.venue.account_id(account)
        line = self.venue.liquidation_price(account, name)
        if line is not None and model.state().feeds[feed].mid // 2 < line < model.state().feeds[feed].mid * 2:
            self.tell(feed, line + self.rng.choice((-1, 0, 0, 1)) * 10**10)

    def tell(self, feed, price):
        self.prices[feed] = price
        self.venue.set_price(feed, price)

    def break_or_mend(self):
        feed = self.rng.choice(tuple(self.prices))
        if self.broken and self.rng.random() < 0.7:
            feed = self.rng.choice(sorted(self.broken))
            self.broken.discard(feed)
            self.venue.mend_feed(feed)
        else:
            self.broken.add(feed)
            self.venue.break_feed(feed, self.rng.choice(list(FeedFault)))

    # Accounts ------------------------------------------------------------------------------------------------------

    def deposit(self):
        account, amount = self.trader(), self.part(5_000 * USDC)
        payer = self.rng.choice((account.actor, account.actor, "stranger"))
        if self.rng.random() < 0.9:
            self.venue.give(payer, "USDC", amount)
        self.venue.deposit(payer, account, "USDC", amount, self.rng.choice((0, 0, 0, WAD)))

    def deposit_coin(self):
        account, token = self.trader(), self.rng.choice(tuple(UNITS))
        amount = self.part(UNITS[token] * (20 if token == "WETH" else 1))
        payer = self.rng.choice((account.actor,) * 5 + ("stranger",))
        self.venue.give(payer, token, amount)
        self.venue.deposit(payer, account, token, amount)

    def withdraw(self):
        account = self.trader()
        state = self.state_of(account)
        cash = max(0, state.cash) if state else 0
        self.venue.withdraw(account, "USDC", self.part(cash), self.rng.choice((0, 0, cash)))

    def withdraw_coin(self):
        account = self.trader()
        state, token = self.state_of(account), self.rng.choice(tuple(UNITS))
        if state and state.collateral and self.rng.random() < 0.9:
            token = self.rng.choice(list(state.collateral))
        self.venue.withdraw(account, token, self.part(state.collateral.get(token, 0) if state else 0))

    def move_cash(self):
        source, target = self.trader(), self.trader()
        if self.rng.random() < 0.8:
            target = Account(source.actor, self.rng.choice((0, 1, 7)))
        state = self.state_of(source)
        self.venue.move_cash(source, target, self.part(max(0, state.cash) if state else 0))

    def settle(self):
        self.venue.settle("stranger", self.someone())

    # Trading -------------------------------------------------------------------------------------------------------

    def trade(self):
        account, name = self.trader(), self.instrument()
        mid = self.prices[self.venue.world.instrument(name).feed]
        notional = self.rng.choice((1_200, 10_000, 50_000, 120_000, 600_000)) * USDC
        size = self.rng.choice((-1, 1)) * (notional * WAD * SIZE_UNIT // USDC // mid + self.rng.randrange(3))
        limit = self.rng.choice((None, None, None, mid))
        self.venue.trade(account, name, size, limit, self.venue.now - self.rng.choice((0,) * 20 + (1,)))

    def close(self):
        held = [
            (account, name, position.size)
            for account, state in self.venue.model.state().accounts.items()
            for name, position in state.positions.items()
            if account.actor != "pool"
        ]
        if held:
            account, name, size = self.rng.choice(held)
            self.venue.trade(account, name, -size if self.rng.random() < 0.6 else self.part(abs(size)) * (-1 if size > 0 else 1))

    # The pool ------------------------------------------------------------------------------------------------------

    def provide(self):
        actor, amount = self.rng.choice(("lp", "lou")), self.part(100_000 * USDC)
        self.venue.give(actor, "USDC", amount)
        self.venue.provide(actor, amount)

    def request_redeem(self):
        actor = self.rng.choice(("lp", "lou"))
        self.venue.request_redeem(actor, self.part(self.venue.model.state().pool.shares.get(actor, 0)) // 3)

    def redeem(self):
        actor = self.rng.choice(("lp", "lou"))
        self.venue.redeem(actor, self.part(self.venue.model.state().pool.shares.get(actor, 0)) // self.rng.choice((1, 3, 9)))

    def allocate(self):
        self.venue.allocate("stranger", self.instrument())

    def fund(self):
        amount = self.part(1_000 * USDC)
        self.venue.give("stranger", "USDC", amount)
        self.venue.fund("stranger", self.instrument(), amount)

    # Below the line ------------------------------------------------------------------------------------------------

    def taker(self, keeper):
        return self.rng.choice((None,) * 6 + (Account(keeper), Account(keeper), self.trader()))

    def capital(self, keeper):
        if self.rng.random() < 0.5:
            self.venue.give(keeper, "USDC", 20_000 * USDC)
            self.venue.deposit(keeper, Account(keeper), "USDC", 20_000 * USDC)

    def liquidate(self):
        keeper = self.keeper()
        self.venue.liquidate(keeper, self.sinking(), self.taker(keeper))

    def bite(self):
        keeper = self.keeper()
        self.capital(keeper)
        fraction = self.rng.choice((0, 1, WAD // 100, WAD // 10, WAD // 3, self.rng.randrange(WAD)))
        least = self.rng.choice((0, 0, fraction, WAD))
        self.venue.liquidate(keeper, self.sinking(), self.taker(keeper), fraction, least, self.rng.choice((None, None, 3)))

    def batch(self):
        keeper = self.keeper()
        items = [(self.sinking(), self.taker(keeper), WAD) for _ in range(self.rng.randrange(4))]
        self.venue.liquidate_many(keeper, items)

    def absorb(self):
        keeper = self.keeper()
        self.venue.absorb(keeper, self.sinking() if self.rng.random() < 0.7 else self.indebted(), self.taker(keeper))

    def auction(self):
        self.venue.start_auction("stranger", self.indebted())

    def stop_auction(self):
        self.venue.stop_auction("stranger", self.indebted())

    def sale_order(self):
        order = self.rng.choice((["WBTC"], ["WETH"], [], ["WBTC", "WETH"], ["WETH"] * 9))
        self.venue.set_sale_order(self.trader(), order)

    def buy(self):
        account = self.indebted()
        offer = self.venue.model.for_sale().get(account)
        token = offer.collateral if offer and self.rng.random() < 0.9 else self.rng.choice(tuple(UNITS))
        self.venue.give("buyer", "USDC", 50_000 * USDC)
        amount = self.part(offer.most) if offer else 10
        self.venue.buy_collateral("buyer", account, token, amount, self.rng.choice((None, None, None, offer and offer.price - 1)))

    def report(self):
        self.venue.report_refusal(self.keeper(), self.sinking())

    def deleverage(self):
        account, accounts = self.sinking(), self.venue.model.state().accounts
        names = list(accounts[account].positions) if account in accounts else []
        name = self.rng.choice(names) if names and self.rng.random() < 0.95 else self.instrument()
        size = accounts[account].positions[name].size if name in names else 1
        against = [
            other
            for other, state in accounts.items()
            if name in state.positions and (state.positions[name].size > 0) != (size > 0)
        ]
        chosen = self.rng.sample(against, min(len(against), self.rng.randrange(1, 4))) or [self.trader()]
        self.venue.deleverage(self.keeper(), account, name, chosen)

    def unfreeze(self):
        self.venue.unfreeze("stranger", self.instrument())

    def drain(self):
        self.venue.drain("stranger", self.instrument())

    # Dead feeds ----------------------------------------------------------------------------------------------------

    def feed(self):
        return self.rng.choice(sorted(self.broken) if self.broken and self.rng.random() < 0.9 else tuple(self.prices))

    def observe(self):
        self.venue.observe("stranger", self.feed())

    def halt(self):
        self.venue.halt("stranger", self.feed())

    def settle_halted(self):
        name, accounts = self.instrument(), self.venue.model.state().accounts
        sides = [[], []]
        for account, state in accounts.items():
            if name in state.positions:
                sides[state.positions[name].size < 0].append(account)
        long, short = (self.rng.choice(side) if side else self.trader() for side in sides)
        self.venue.settle_halted("stranger", name, long, short)
