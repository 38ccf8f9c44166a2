"""Random lives of the whole house: every verb, any amount, prices that jump and feeds that fall silent, accounts moved to
their line. After each step the ledger must balance, events must tell all of it, and no refusal is ever a panic.

A refusal is as good an answer as any, if it is one of the protocol's own and changes nothing. PLIMSOLL_LIVES is how many
lives are tried.
"""

import os
from random import Random

import pytest

from plimsoll import margin_math
from plimsoll.errors import Reverted
from plimsoll.fixed_point import WAD
from plimsoll.fuzz.accounts import magnitude
from plimsoll.model import liquidation_math
from tests.helpers import reverts
from tests.stateful.books import Books, Standing
from tests.unit.liquidation_engine.sinking import assert_health
from tests.world import COINS, FEEDS, MAX, MAY_TRADE, UNIT, USDC, engine, house, item  # noqa: F401

STEPS = 140
MOST_GAS = 3_000_000  # of any act, however many accounts there are
LIVES = int(os.environ.get("PLIMSOLL_LIVES", 5))
MARKETS = ("ETH", "BTC", "SOL", "FUND")
COIN_NAMES = ("WETH", "WBTC", "WSOL", "BAR")
# Errors of the protocol, and of tokens. Anything else is a bug.
REFUSALS = {
    *("NotLiquidatable", "Insolvent", "NotInsolvent", "TakerRefused", "FractionTooSmall", "TakerIsAccount"),
    *("NotForSale", "NoAuction", "AuctionRunning", "AuctionDue", "NotFirst", "NothingHeld", "InvalidAmount"),
    *("BackstopAccepts", "NotOpen", "NotEligible", "NotHeld", "MarketFrozen", "TrancheUnsound", "NothingOwed"),
    *("InsufficientMargin", "DebtTooLarge", "HealthWorsened", "BelowMinimum", "CapExceeded", "InsufficientCash"),
    *("InsufficientCollateral", "SameAccount", "ZeroAmount", "InvalidPrice", "SkewTooLarge", "EstateOpen"),
    *("NothingToAllocate", "ERC4626ExceededMaxDeposit", "NothingInEscrow", "InstrumentReduceOnly", "DifferentOwners"),
}


class Life:
    """The actors, and what they may do. Each method is one step; it answers its receipts."""

    def __init__(self, house, seed, actors):  # noqa: F811
        self.house, self.random = house, Random(seed)
        self.lp, self.liquidator, *self.traders = actors
        house.provide(self.lp)
        self.taker = house.open(self.liquidator, 2_000_000 * USDC)
        self.mine = [house.open(owner, 0, sub) for owner in self.traders for sub in (0, 1)]
        pool = [house.pool.idle(), *(house.pool.tranche(i) for i in range(6))]
        self.accounts = [self.taker, *self.mine, *pool, house.account(house.protocol.roles.treasury)]
        house.insure("ETH", 300 * USDC, self.lp)
        for account in self.mine:
            house.engine.setOperator(account, house.pool, MAY_TRADE, sender=house.owner(account))
            house.deposit(account, self.random.randint(1_000, 80_000) * USDC)
        self.books = Books(pool[0], house.usdc.address.lower())
        self.reported = []
        self.done = {}

    def instruments(self):
        return [self.house.id(name) for name in MARKETS]

    def standing(self):
        coins = [self.house.coin_id(name) for name in COIN_NAMES]
        return Standing.of(self.house, self.accounts, self.instruments(), coins)

    def account(self):
        return self.random.choice(self.mine)

    def step(self):
        """One act. A refusal must be one of the protocol's own."""
        acts = {
            **{self.deposit: 8, self.deposit_coin: 4, self.withdraw: 5, self.withdraw_coin: 3, self.move_cash: 2},
            **{self.trade: 14, self.pool_trade: 12, self.close: 4, self.reprice: 10, self.wait: 6, self.settle: 3},
            **{self.liquidate: 8, self.aim: 10, self.absorb: 6, self.buy: 6, self.auction: 4, self.fund: 1, self.claim: 2},
            **{self.allocate: 2, self.deleverage: 4, self.report: 3, self.drain: 4, self.unfreeze: 1},
            **{self.dead_feed: 1, self.govern: 1},
        }
        act = self.random.choices(list(acts), list(acts.values()))[0]
        try:
            receipts = [receipt for receipt in act() or () if receipt is not None]
        except Reverted as refused:
            assert refused.name in REFUSALS, f"{act.__name__}: {refused}"
            self.count(f"{act.__name__} {refused.name}")
            return
        self.count(act.__name__)
        for receipt in receipts:
            assert receipt.gas_used < MOST_GAS, "GAS-1"
            self.books.read(receipt)

    def count(self, what):
        self.done[what] = self.done.get(what, 0) + 1

    # money

    def deposit(self):
        account = self.account()
        return [self.house.deposit(account, magnitude(self.random, 60_000 * USDC, 1), sender=self.house.owner(account))]

    def deposit_coin(self):
        name = self.random.choice(COIN_NAMES)
        decimals, feed = COINS[name]
        worth = magnitude(self.random, 40_000, 1)
        return [self.house.deposit(self.account(), max(1, worth * 10**decimals // FEEDS[feed][0]), name)]

    def withdraw(self):
        account, engine = self.account(), self.house.engine  # noqa: F811
        held, before = self.house.cash(account), self.equity(account)
        amount = self.random.choice((held, held // 2, magnitude(self.random, max(1, held), 1), 1))
        owner = self.house.owner(account)
        indebted, ratio = engine.badDebt() > 0, engine.claims()
        receipt = engine.withdraw(account, self.house.usdc, max(0, amount), owner, 0, sender=owner)
        if indebted:
            (have, owed), (left, claimed) = ratio, engine.claims()
            assert 0 <= left * owed - have * claimed < owed, "LIQ-6"
            self.count("withdrawn at the haircut")
        self.assert_sound(account, before)
        return [receipt]

    def withdraw_coin(self):
        account, name = self.account(), self.random.choice(COIN_NAMES)
        held, before = self.house.engine.collateralOf(account, self.house.coin_id(name)), self.equity(account)
        amount, owner = self.random.choice((held, held // 3, 1)), self.house.owner(account)
        receipt = self.house.engine.withdraw(account, self.house.token(name), amount, owner, 0, sender=owner)
        self.assert_sound(account, before)
        return [receipt]

    def move_cash(self):
        account = self.account()
        amount, owner = magnitude(self.random, max(1, self.house.cash(account))), self.house.owner(account)
        return [self.house.engine.moveCash(account, account ^ 1, amount, sender=owner)]

    def fund(self):
        amount = magnitude(self.random, 1_000 * USDC, 1)
        self.house.give(self.lp, "USDC", amount)
        return [self.house.engine.fund(self.random.choice(self.instruments()), amount, sender=self.lp)]

    def claim(self):
        return [self.house.engine.claimFees(self.random.choice(self.instruments()))]

    def allocate(self):
        return [self.house.pool.allocate(self.house.id(self.random.choice(("ETH", "BTC", "FUND"))))]

    # trades

    def lots(self, name, *accounts):
        """Up to a little more than the margin of each account carries."""
        margins = [self.house.judge(account, adding=True) for account in accounts]
        free = min(margin_math.backing(margin) - margin.initial for margin in margins)
        worth = max(1_100, free * self.random.choice((2, 8, 9, 10, 11)) // USDC) * self.random.choice((-1, 1))
        return worth * UNIT * WAD // self.house.mid(name)

    def trade(self):
        """Two of them, at mid or up to 3 % off it, with a fee now and then."""
        taker, maker = self.random.sample(self.mine, 2)
        names = self.random.sample(MARKETS, self.random.choice((1, 1, 2)))
        sizes = [self.lots(name, taker, maker) // len(names) for name in names]
        off = self.random.choice((0, 0, self.random.randint(-30_000, 30_000)))
        quotes = [self.house.at_mid(name, size) * (10**6 + off) // 10**6 for name, size in zip(names, sizes)]
        fees = [self.random.choice((0, magnitude(self.random, 10**8))) for _ in names]
        before = self.equity(taker), self.equity(maker)
        fills = [(self.house.id(name), size) for name, size in zip(names, sizes)]
        receipt = self.house.venue.trade(taker, maker, fills, quotes, fees)
        self.assert_sound(taker, before[0])
        self.assert_sound(maker, before[1])
        return [receipt]

    def pool_trade(self):
        account, name = self.account(), self.random.choice(("ETH", "BTC", "FUND"))
        size = self.lots(name, account)
        return [self.pooled(account, name, size)]

    def pooled(self, account, name, size):
        before, limit = self.equity(account), MAX if size > 0 else 0
        receipt = self.house.pool.trade(
            account, self.house.id(name), size, limit, MAX, sender=self.house.owner(account)
        )
        self.assert_sound(account, before)
        return receipt

    def close(self):
        """A whole position, with the pool."""
        account, name = self.account(), self.random.choice(("ETH", "BTC", "FUND"))
        size = self.house.position(account, name)[0]
        return [self.pooled(account, name, -size)] if size else None

    def equity(self, account):
        try:
            return self.house.judge(account).equity
        except Reverted:
            return None

    def assert_sound(self, account, before):
        """MAR-1: no voluntary act leaves E' < min(E, 0)."""
        after = self.equity(account)
        if None not in (before, after):
            assert after >= min(before, 0) - 2, "MAR-1"  # a second of funding

    # the world

    def reprice(self):
        feed = self.random.choice(("ETH", "ETH", "BTC", "SOL", "GOLD"))
        now = self.house.mid(feed) / WAD
        factor = 1 + self.random.choice((0.002, 0.01, 0.05, 0.2)) * self.random.uniform(-1, 1)
        before = self.sum_of_claims() if self.random.random() < 0.2 else None
        self.house.chain.set_next_time(self.house.chain.now)
        self.house.reprice(feed, max(now * factor, FEEDS[feed][0] / 20))
        if before is not None:
            assert abs(self.sum_of_claims() - before) <= 2 * len(self.books.positions), "LED-3"

    def sum_of_claims(self):
        """Σ (b + U)"""
        margins = map(self.house.judge, self.accounts)
        return sum(margin.cash + margin.profit for margin in margins)

    def govern(self):
        """ADM-1: whatever is announced or tightened, nobody who was healthy is liquidatable for it."""
        parameters, i = self.house.parameters, self.house.id(self.random.choice(MARKETS))
        before = self.house.protocol.lens.liquidatable(self.mine)
        self.house.chain.set_next_time(self.house.chain.now)
        if self.random.random() < 0.5:
            limits = self.house.engine.instrumentConfig(i).limits
            caps = limits.capUnits * 9 // 10, limits.capValue * 9 // 10
            receipt = parameters.lowerCaps(i, *caps, sender=self.house.protocol.roles.guardian)
        else:
            parts = self.house.engine.instrumentConfig(i)
            config = dict(zip(("risk", "limits", "funding"), (part._asdict() for part in parts)))
            config["risk"] |= {"baseE6": min(10**6, 2 * config["risk"]["baseE6"])}
            config |= {"maxMoveE6": 20_000, "reactionTime": 600}
            receipt = parameters.setInstrument(i, config, sender=self.house.timelock)
        assert self.house.protocol.lens.liquidatable(self.mine) == before, "ADM-1"
        return [receipt]

    def wait(self):
        self.house.chain.advance(magnitude(self.random, 4 * 86_400, 1))
        self.house.protocol.refresh()

    def dead_feed(self):
        """One step is tried while a feed is dead."""
        name = self.random.choice(("ETH", "SOL", "GOLD"))
        feed, number = self.house.protocol.feeds[name], list(FEEDS).index(name)
        holding = [a for a in self.mine if self.depends(a, number)]
        feed.setMode(1)
        try:
            assert not any(self.house.protocol.lens.liquidatable(holding)), "ORA-1"
            for account in holding:
                with reverts("InvalidPrice"):
                    self.house.liquidation.simulate("liquidate", item(account), sender=self.liquidator)
            return self.random.choice(
                (self.deposit, self.close, self.liquidate, self.withdraw, self.absorb, self.settle)
            )()
        finally:
            feed.setMode(0)

    def depends(self, account, feed):
        snapshot = self.house.snapshot(account)
        return any(part.feed == feed for part in (*snapshot.legs, *snapshot.coins))

    def settle(self):
        return [self.house.engine.settle(self.random.choice(self.accounts))]

    # the sinking

    def aim(self):
        """Brings an account to its line by a price of one of its positions, then liquidates it or sees it refused."""
        held = [account for account in self.mine if self.house.engine.accountState(account).instruments]
        if not held:
            return None
        account = self.random.choice(held)
        snapshot = self.house.snapshot(account)
        leg = self.random.choice(snapshot.legs)
        feed = list(FEEDS)[leg.feed]
        safe, sinking = leg.mid, leg.mid * (50 if leg.size > 0 else 200) // 100
        if not self.sinks(snapshot, leg.feed, sinking) or self.sinks(snapshot, leg.feed, safe):
            return None
        while abs(safe - sinking) > leg.mid // 10**8 + 1:
            half = (safe + sinking) // 2
            safe, sinking = (safe, half) if self.sinks(snapshot, leg.feed, half) else (half, sinking)
        self.house.reprice(feed, self.random.choice((safe, sinking, sinking)) / WAD)
        return self.liquidate(account)

    def sinks(self, snapshot, feed, mid):
        def moved(items):
            return tuple(item._replace(mid=mid) if item.feed == feed else item for item in items)

        there = snapshot._replace(legs=moved(snapshot.legs), coins=moved(snapshot.coins))
        return margin_math.liquidatable(margin_math.judge(there))

    def liquidate(self, account=None):
        account = account or self.account()
        most = self.random.choice((WAD, WAD, self.random.randrange(WAD)))
        snapshot = self.house.snapshot(account)
        before = margin_math.judge(snapshot)
        taker = self.random.choice((0, self.taker))
        ask = self.asked(snapshot) if taker == 0 else 0
        self.house.chain.set_next_time(self.house.chain.now)  # no second of funding or interest in between
        try:
            receipt = self.house.liquidation.liquidate(item(account, taker, most), sender=self.liquidator)
        except Reverted as refused:
            healthy = before.equity >= before.maintenance
            assert not healthy or refused.name in ("NotLiquidatable", "InvalidPrice"), f"LIQ-1: {refused}"
            raise
        left = self.house.snapshot(account)
        assert before.equity < before.maintenance, "LIQ-1"
        outcome = receipt.event("Liquidated").outcome
        whole = min(before.equity, before.penalty + ask)
        due = liquidation_math.fraction(before, whole, self.house.terms.target)
        assert_health(snapshot, left, outcome, self.house.terms.target, due)
        self.count("liquidated in part" if left.legs else "liquidated whole")
        self.count("with a premium") if outcome.premium else None
        return [receipt]

    def asked(self, snapshot):
        """What the pool asks beyond mid for all of it."""
        tranches = [
            liquidation_math.Tranche(
                self.house.engine.position(self.house.pool.tranche(leg.instrument), leg.instrument).size,
                self.house.engine.instrumentConfig(leg.instrument).funding.scale,
            )
            for leg in snapshot.legs
        ]
        return liquidation_math.asked(snapshot, [abs(leg.size) for leg in snapshot.legs], tranches)

    def absorb(self):
        candidates = [account for account in self.mine if (self.equity(account) or 0) < 0]
        account = self.random.choice(candidates or self.mine)
        return [self.house.liquidation.absorb(account, self.random.choice((0, self.taker)), sender=self.liquidator)]

    def buy(self):
        coins = [
            (a, n) for a in self.mine for n in COIN_NAMES if self.house.engine.collateralOf(a, self.house.coin_id(n))
        ]
        if not coins:
            return None
        account, name = self.random.choice(coins)
        held = self.house.engine.collateralOf(account, self.house.coin_id(name))
        amount = self.random.choice((held, magnitude(self.random, held, 1)))
        self.house.give(self.liquidator, "USDC", 10**6 * USDC)
        before, solvent = self.owned(account), (self.equity(account) or 0) >= 0
        auctions, wanted = self.house.protocol.auctions, self.house.coin_id(name)
        receipt = auctions.buyCollateral(account, wanted, amount, MAX, b"", sender=self.liquidator)
        self.count("sold")
        after = self.owned(account)
        if None not in (before, after):
            held = self.house.engine.accountState(account).instruments
            assert (not solvent and not held) or after >= before - 2, "no sale lowers equity"  # a second of interest
        return [receipt]

    def owned(self, account):
        """Equity less what an estate owes to who paid for it: what it repays, it owes no more."""
        equity = self.equity(account)
        return None if equity is None else equity - self.house.engine.estateOf(account).forgiven

    def auction(self):
        auctions = self.house.protocol.auctions
        coins = [a for a in self.mine if self.house.engine.accountState(a).collaterals]
        if not coins:
            return None
        verb = self.random.choice((auctions.startAuction, auctions.startAuction, auctions.stopAuction))
        return [verb(self.random.choice(coins), sender=self.liquidator)]

    # when the backstop refuses, and when nobody paid

    def sinking(self):
        margins = {a: self.house.judge(a) for a in self.mine}
        return [a for a, margin in margins.items() if margin_math.liquidatable(margin)]

    def report(self):
        account = self.random.choice(self.sinking() or self.mine)
        receipt = self.house.liquidation.reportRefusal(account, sender=self.liquidator)
        self.reported.append(account)
        if self.random.random() < 0.7:
            self.house.chain.advance(self.random.randint(550, 900))
            self.house.protocol.refresh()
        return [receipt]

    def deleverage(self):
        account = self.random.choice([a for a in self.sinking() if a in self.reported] or self.reported or self.mine)
        held = [name for name in MARKETS if self.house.position(account, name)[0]]
        name = self.random.choice(held or MARKETS)
        size = self.house.position(account, name)[0]
        others = [a for a in self.accounts if self.house.position(a, name)[0] * size < 0]
        chosen = sorted(self.random.sample(others, min(len(others), self.random.choice((1, 1, 2)))))
        before = margin_math.judge(self.house.snapshot(account))
        self.house.chain.set_next_time(self.house.chain.now)
        receipt = self.house.liquidation.deleverage(account, self.house.id(name), chosen, sender=self.liquidator)
        after = margin_math.judge(self.house.snapshot(account))
        assert before.equity < before.maintenance, "LIQ-1"
        if before.equity < 0:  # its loss falls with the position, in proportion
            assert after.equity >= before.equity, "LIQ-5"
        else:
            assert after.equity * before.maintenance >= before.equity * after.maintenance, "LIQ-2"
        return [receipt]

    def drain(self):
        return [self.house.engine.drain(self.random.choice(self.instruments()))]

    def unfreeze(self):
        return [self.house.pool.unfreeze(self.house.id(self.random.choice(("ETH", "BTC"))))]


@pytest.mark.parametrize("seed", range(LIVES))
def test_ledger_balances_through_a_random_life(house, lp, liquidator, trader, maker, other_trader, seed):  # noqa: F811
    house.parameters.setInterest(10**8, sender=house.timelock)
    life = Life(house, seed, (lp, liquidator, trader, maker, other_trader))
    start = life.standing()
    books = life.books
    books.cash.update({account: state.cash for account, state in start.accounts.items()})
    books.funds.update({i: tuple(fund) for i, fund in start.funds.items()})
    books.positions.update({key: tuple(held) for key, held in start.positions.items()})
    for _ in range(STEPS):
        life.step()
        now = life.standing()
        now.check(books.settlements + 8)
        now.check_books(house, books)
    assert sum(life.done.get(act, 0) for act in ("trade", "pool_trade", "aim")) > 8, life.done
