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


# What each kind of life has more of. (A feed that is dead for long keeps all else still: few lives have one.)
MOODS = {
    "calm": {"wait": 20, "redeem": 8, "request_redeem": 6, "close": 12, "withdraw": 10, "withdraw_coin": 8},
    "falling": {"crash": 4, "trade": 40, "liquidate": 24, "bite": 14, "batch": 8},
    "borrowed": {"crash": 8, "trade": 40, "deposit_coin": 14, "absorb": 24, "auction": 18, "buy": 24},
    "thin": {"crash": 6, "trade": 40, "report": 20, "deleverage": 24, "absorb": 20, "drain": 10, "unfreeze": 4, "wait": 20},
    "dead": {"break_or_mend": 6, "observe": 10, "halt": 14, "settle_halted": 14, "wait": 24},
}
POOLS = {"calm": 2_000_000, "falling": 300_000, "borrowed": 300_000, "thin": 60_000, "dead": 500_000}


def live(venue, rng, steps, mood):
    """So many verbs; a refusal is an answer like any other."""
    life = Life(venue, rng, mood)
    life.begin()
    draws = {**life.draws, **MOODS[mood]}
    for _ in range(steps):
        draw = rng.choices(list(draws), list(draws.values()))[0]
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
        "break_or_mend": 1,
        "deposit": 6,
        "deposit_coin": 8,
        "withdraw": 6,
        "withdraw_coin": 4,
        "move_cash": 4,
        "settle": 5,
        "trade": 24,
        "close": 6,
        "edge_of_trade": 6,
        "edge_of_withdrawal": 5,
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
        "observe": 1,
        "halt": 1,
        "settle_halted": 1,
    }

    def __init__(self, venue, rng, mood):
        self.venue, self.rng, self.mood = venue, rng, mood
        self.prices = {spec.name: spec.price for spec in venue.world.feeds}
        self.broken, self.reported = set(), []

    def begin(self):
        supply = POOLS[self.mood] * USDC
        self.venue.give("lp", "USDC", supply)
        self.venue.provide("lp", supply)
        for name in self.instruments:
            self.venue.allocate("lp", name)
        for account in TRADERS:
            coins = self.rng.random() < (0.8 if self.mood == "borrowed" else 0.3)
            token = self.rng.choice(tuple(UNITS)) if coins else "USDC"
            amount = self.rng.choice((5, 20)) * UNITS[token] // (20 if token == "WBTC" else 1) if coins else 20_000 * USDC
            self.venue.give(account.actor, token, amount)
            self.venue.deposit(account.actor, account, token, amount)

    # Drawing -------------------------------------------------------------------------------------------------------

    @property
    def instruments(self):
        return [spec.name for spec in self.venue.world.instruments]

    def trader(self):
        return self.rng.choice(TRADERS)

    def someone(self):
        return self.rng.choice(self.venue.model.accounts())

    def sinking(self):
        """An account below its line, mostly; where there is none the price first moves until there is."""
        if not self.venue.model.liquidatable() and self.rng.random() < 0.7:
            self.crash()
        return self.one_of(self.venue.model.liquidatable()) or self.someone()

    def indebted(self):
        """An account whose collateral is for sale, mostly."""
        if not self.venue.model.for_sale() and self.rng.random() < 0.7:
            self.crash()
        return self.one_of(self.venue.model.for_sale()) or self.trader()

    def one_of(self, accounts):
        accounts = tuple(accounts)
        return self.rng.choice(accounts) if accounts and self.rng.random() < 0.9 else None

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
        if self.broken and self.mood != "dead" and self.rng.random() < 0.5:
            self.mend()
        if self.rng.random() < 0.9:
            self.refresh()

    def wait_for(self, seconds):
        self.venue.advance_to(self.venue.now + seconds)
        self.refresh()

    def refresh(self):
        """Every feed answers again; a broken one now and then is told nothing: its last round grows old."""
        for feed in self.prices:
            if feed not in self.broken or self.rng.random() < 0.2:
                self.venue.set_price(feed, self.prices[feed])

    def answer(self, reach=0.03):
        feed = self.rng.choice(("ETH", "ETH", "BTC", "USD"))
        reach = 0.015 if feed == "USD" else reach
        moved = self.prices[feed] * int(10**6 * (1 + self.rng.uniform(-reach, reach))) // 10**6
        if feed == "USD" and (abs(moved - WAD) > WAD // 50 or self.rng.random() < 0.7):
            moved = WAD
        self.tell(feed, moved)

    def crash(self):
        """Somebody's line, and some way beyond it."""
        state, model = self.venue.model.state(), self.venue.model
        held = [(account, name) for account, seen in state.accounts.items() for name in seen.positions if seen.margin]
        if not held:
            return self.answer(0.25)
        account, name = self.rng.choice(held)
        feed = self.venue.world.instrument(name).feed
        mid, line = state.feeds[feed].mid, model.liquidation_price(account, name)
        if line is not None and mid // 3 < line < mid * 3:
            beyond = self.rng.choice((0, 1, 3, 6, 10, 20, 40))
            self.tell(feed, line * (100 + (beyond if line > mid else -beyond)) // 100)

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
        if self.broken and self.rng.random() < 0.4:
            return self.mend()
        feed = self.rng.choice(tuple(self.prices))
        self.broken.add(feed)
        self.venue.break_feed(feed, self.rng.choice(list(FeedFault)))

    def mend(self):
        feed = self.rng.choice(sorted(self.broken))
        self.broken.discard(feed)
        self.venue.mend_feed(feed)
        self.venue.set_price(feed, self.prices[feed])

    # Accounts ------------------------------------------------------------------------------------------------------

    def deposit(self):
        account, amount = self.trader(), self.part(self.rng.choice((1_000, 20_000)) * USDC)
        payer = self.rng.choice((account.actor, account.actor, "stranger"))
        if self.rng.random() < 0.9:
            self.venue.give(payer, "USDC", amount)
        self.venue.deposit(payer, account, "USDC", amount, self.rng.choice((0, 0, 0, WAD)))

    def deposit_coin(self):
        account, token = self.trader(), self.rng.choice(tuple(UNITS))
        amount = self.part(UNITS[token] * self.rng.choice((20, 20, 20, 450)) // (20 if token == "WBTC" else 1))
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
        state = self.state_of(account)
        equity = state.margin.equity if state and state.margin else 0
        notional = max(equity, 100 * USDC) * self.rng.choice((1, 2, 5, 8, 8, 9, 10, 12, 60)) + self.rng.randrange(USDC)
        size = self.rng.choice((-1, 1)) * (notional * WAD * SIZE_UNIT // USDC // mid + self.rng.randrange(3))
        limit = self.rng.choice((None,) * 7 + (mid,))
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
            some = self.part(abs(size)) * (-1 if size > 0 else 1)
            self.venue.trade(account, name, -size if self.rng.random() < 0.6 else some)

    # Edges: the most that is accepted, and one unit more ----------------------------------------------------------

    def edge_of_trade(self):
        account, name, side = self.trader(), self.instrument(), self.rng.choice((-1, 1))
        most = self.most(4_000 * SIZE_UNIT, lambda size: self.venue.model.trade(account, name, side * size))
        if most:
            self.venue.trade(account, name, side * (most + self.rng.choice((0, 0, 1))))

    def edge_of_withdrawal(self):
        account = self.trader()
        state = self.state_of(account)
        tokens = ["USDC", *state.collateral] if state else ["USDC"]
        token = self.rng.choice(tokens)
        most = self.most(2**70, lambda amount: self.venue.model.withdraw(account, token, amount))
        if most:
            self.venue.withdraw(account, token, most + self.rng.choice((0, 1, 1)))

    def most(self, refused, act):
        """The model's word: the most that it accepts below what it refuses, 0 for none found."""
        accepted = 0
        while refused - accepted > 1:
            half = (accepted + refused) // 2
            if self.tried(act, half):
                accepted = half
            else:
                refused = half
        return accepted

    def tried(self, act, amount):
        """Whether the model would do it; nothing is done."""
        try:
            with self.venue.model.house.attempt(keep=False):
                act(amount)
        except Reverted:
            return False
        return True

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
        if self.rng.random() < 0.6:
            self.wait_for(self.rng.choice((HOUR, HOUR, 2 * HOUR)))
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
        names = {self.venue.account_id(account): account for account in self.venue.model.accounts()}
        account = self.one_of(names[number] for number in self.venue.model.house.storage.auctions)
        if account and self.rng.random() < 0.7:
            self.venue.give("stranger", "USDC", 200_000 * USDC)
            self.venue.deposit("stranger", account, "USDC", 200_000 * USDC)
        self.venue.stop_auction("stranger", account or self.indebted())

    def sale_order(self):
        order = self.rng.choice((["WBTC"], ["WETH"], [], ["WBTC", "WETH"], ["WETH"] * 9))
        self.venue.set_sale_order(self.trader(), order)

    def buy(self):
        account = self.indebted()
        offer = self.venue.model.for_sale().get(account)
        token = offer.collateral if offer and self.rng.random() < 0.9 else self.rng.choice(tuple(UNITS))
        self.venue.give("buyer", "USDC", 50_000 * USDC)
        amount = self.part(offer.most) if offer else 10
        limit = self.rng.choice((None, None, None, offer and offer.price - 1))
        self.venue.buy_collateral("buyer", account, token, amount, limit)

    def report(self):
        account = self.sinking()
        named = self.venue.model.liquidatable()
        refused = [who for who, probe in self.venue.model.probe(named).items() if "TakerRefused" in map(_name, probe)]
        account = self.one_of(refused) or account
        self.venue.report_refusal(self.keeper(), account)
        self.reported.append(account)

    def deleverage(self):
        if self.reported and self.rng.random() < 0.5:
            self.wait_for(self.rng.choice((599, 600, 600, 700)))
        account = self.one_of(self.reported[-2:]) or self.sinking()
        accounts = self.venue.model.state().accounts
        names = list(accounts[account].positions) if account in accounts else []
        name = self.rng.choice(names) if names and self.rng.random() < 0.95 else self.instrument()
        size = accounts[account].positions[name].size if name in names else 1
        against = [
            other
            for other, state in accounts.items()
            if name in state.positions and (state.positions[name].size > 0) != (size > 0)
        ]
        chosen = self.rng.sample(against, min(len(against), self.rng.randrange(1, 4))) or [self.trader()]
        chosen += self.rng.choice(([],) * 9 + (chosen,))
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
        feed = self.feed()
        if feed in self.broken and self.rng.random() < 0.6:
            self.venue.observe("stranger", feed)
            self.wait_for(self.rng.choice((HALT_GRACE, HALT_GRACE + 1, HALT_GRACE + 2 * HOUR)))
        self.venue.halt("stranger", feed)
        if self.rng.random() < 0.7:
            self.wait_for(self.rng.choice((HOUR, HALT_DELAY - 1, HALT_DELAY)))

    def settle_halted(self):
        state = self.venue.model.state()
        halted = [spec.name for spec in self.venue.world.instruments if state.feeds[spec.feed].halted_at]
        name, accounts = self.one_of(halted) or self.instrument(), state.accounts
        feed = state.feeds[self.venue.world.instrument(name).feed]
        if feed.halted_at and self.rng.random() < 0.8:
            while self.broken - {self.venue.world.instrument(name).feed}:
                self.mend()
            self.wait_for(max(1, feed.halted_at + HALT_DELAY - self.venue.now - self.rng.choice((0, 0, 0, 1))))
        sides = [[], []]
        for account, state in accounts.items():
            if name in state.positions:
                sides[state.positions[name].size < 0].append(account)
        long, short = (self.rng.choice(side) if side else self.trader() for side in sides)
        self.venue.settle_halted("stranger", name, long, short)


def _name(refusal):
    return refusal.name if refusal else ""
