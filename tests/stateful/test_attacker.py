"""LIQ-4: at a fixed price, and from E ≥ 0, whoever is trader, keeper, taker and liquidity provider at once gains nothing, in
whatever order.

An attacker owns accounts, some of them brought below their line, one with a debt for sale, and most of the pool's shares.
Others hold positions, shares and the insurance. Then time and prices stand still, and the attacker acts. What is not the
attacker's may never shrink: the others' accounts, the funds, and the others' part of the pool.

PLIMSOLL_HISTORIES is how many histories are tried.
"""

import os
from random import Random

import pytest

from plimsoll import margin_math
from plimsoll.errors import Reverted
from plimsoll.fixed_point import WAD, mul_div_down
from plimsoll.fuzz.accounts import magnitude
from tests.helpers import isolated
from tests.unit.liquidation_engine.sinking import Sinking
from tests.world import COINS, FEEDS, MAX, MAY_TRADE, UNIT, USDC, engine, house  # noqa: F401

HISTORIES = int(os.environ.get("PLIMSOLL_HISTORIES", 80))
ACTS = 12
PARTS = 2  # of the histories, for as many workers
MARKETS = ("ETH", "BTC")
DUST = 4  # an act rounds this many units, at the most, the attacker's way


class Attack:
    """The stage is set by the constructor; each act is one transaction in the same second."""

    def __init__(self, house, seed, attacker, other, lp):  # noqa: F811
        self.house, self.random = house, Random(seed)
        self.attacker, self.lp = attacker, lp
        self.others = [house.open(other, 3_000_000 * USDC), house.account(house.protocol.roles.treasury)]
        house.provide(lp, 1_000_000 * USDC)
        house.provide(attacker, self.random.choice((1, 1_000_000, 9_000_000)) * USDC)
        for name in MARKETS:
            house.insure(name, magnitude(self.random, 50_000 * USDC, 1), lp)
        sinking = Sinking(house, attacker, self.others[0])
        coins = self.random.choice(({}, {"WETH": 2 * WAD}, {"WBTC": 10**7}))
        self.mine = [
            sinking.account({"ETH": self.random.choice((3, 20, -15)), "BTC": self.random.choice((-1, 1))}, coins, 1),
            sinking.account({self.random.choice(MARKETS): self.random.choice((2, -2, 30))}, None, 2),
            self.indebted(3),
            house.open(attacker, 1_000_000 * USDC, 4),
        ]
        for account in self.mine:
            house.engine.setOperator(account, house.pool, MAY_TRADE, sender=attacker)
        house.give(attacker, "USDC", 5_000_000 * USDC)
        house.usdc.approve(house.pool, MAX, sender=attacker)
        house.pool.requestRedeem(house.pool.balanceOf(attacker) // 2, sender=attacker)
        house.chain.advance(house.pool.DELAY() + 1)
        house.protocol.refresh()
        self.sink()
        self.now = house.chain.now
        self.done = []

    def indebted(self, sub):
        """A thousand SOL behind a loss that its owner realised, with a debt for sale as often as not."""
        house = self.house  # noqa: F811
        account = house.open(self.attacker, 0, sub, WSOL=1_000 * 10**9)
        lost = self.random.choice((10_000, 12_400, 12_400)) * USDC
        house.trade(account, self.others[0], {"GOLD": 10}, [-18_000 * USDC - lost])
        house.trade(account, self.others[0], {"GOLD": -10})
        house.reprice("SOL", self.random.choice((17, 16.8)))
        return account

    def sink(self):
        """A price step by step, so that no account of the attacker's falls through zero."""
        feed, direction = self.random.choice(MARKETS), self.random.choice((0.99, 1.01))
        for _ in range(self.random.randint(0, 30)):
            price = self.house.mid(feed) / WAD
            self.house.reprice(feed, price * direction)
            if min(self.house.judge(account).equity for account in self.mine) < 0:
                self.house.reprice(feed, price)
                break
            if self.random.random() < 0.3 and any(map(self.sinks, self.mine)):
                break
        if self.random.random() < 0.8:
            try:
                self.house.protocol.auctions.startAuction(self.mine[2], sender=self.attacker)
                self.house.chain.advance(self.random.randint(0, 2_000))
                self.house.protocol.refresh()
            except Reverted as refused:
                assert refused.name == "NotForSale", refused

    def sinks(self, account):
        return margin_math.liquidatable(self.house.judge(account))

    # what is not the attacker's

    def theirs(self):
        house = self.house  # noqa: F811
        total = sum(self.worth(account) for account in self.others)
        total += sum(sum(house.engine.fundOf(i)) for i in range(6))
        supply, shares = house.pool.totalSupply() + 10**6, house.pool.balanceOf(self.lp) + 10**6
        pool = [house.pool.idle(), *(house.pool.tranche(house.id(name)) for name in (*MARKETS, "FUND"))]
        return total + mul_div_down(sum(max(0, self.worth(account)) for account in pool), shares, supply)

    def worth(self, account):
        """With collateral at mid: what would be there if all were closed now."""
        snapshot = self.house.snapshot(account)
        margin = margin_math.judge(snapshot)
        return margin.cash + margin.profit + sum(coin.amount * coin.mid * WAD // coin.scale for coin in snapshot.coins)

    # acts

    def act(self):
        verbs = {
            **{self.trade: 4, self.pool_trade: 6, self.liquidate: 8, self.buy: 4, self.move: 3, self.withdraw: 3},
            **{self.deposit: 2, self.donate: 2, self.provide: 2, self.redeem: 2, self.allocate: 2, self.settle: 1},
            **{self.absorb: 2, self.fund: 1, self.report: 1, self.batch: 2},
        }
        verb = self.random.choices(list(verbs), list(verbs.values()))[0]
        self.house.chain.set_next_time(self.now)
        try:
            verb()
        except Reverted as refused:
            self.done.append(f"{verb.__name__} {refused.name}")
            return 0
        self.done.append(verb.__name__)
        return 1

    def account(self):
        return self.random.choice(self.mine)

    def size(self, name, account):
        held = self.house.position(account, name)[0]
        return self.random.choice((-held, -held // 2, magnitude(self.random, 60 * UNIT, 1), -magnitude(self.random, 60 * UNIT, 1)))

    def trade(self):
        """Between accounts of the attacker's own, at any price."""
        taker, maker = self.random.sample(self.mine, 2)
        name = self.random.choice(MARKETS)
        size = self.size(name, taker) or UNIT
        quote = self.house.at_mid(name, size) * self.random.choice((10, 10, 9, 11, 0, 20)) // 10
        self.house.venue.trade(taker, maker, [(self.house.id(name), size)], [quote], [0], sender=self.attacker)

    def pool_trade(self):
        account, name = self.account(), self.random.choice(MARKETS)
        size = self.size(name, account)
        limit = MAX if size > 0 else 0
        self.house.pool.trade(account, self.house.id(name), size, limit, MAX, sender=self.attacker)

    def item(self):
        most = self.random.choice((WAD, WAD, magnitude(self.random, WAD, 1)))
        return self.account(), self.random.choice((0, 0, *self.mine)), most, 0, MAX

    def liquidate(self):
        self.house.liquidation.liquidate(self.item(), sender=self.attacker)

    def batch(self):
        self.house.liquidation.liquidateMany([self.item() for _ in range(4)], sender=self.attacker)

    def absorb(self):
        self.house.liquidation.absorb(self.account(), self.random.choice((0, *self.mine)), sender=self.attacker)

    def report(self):
        self.house.liquidation.reportRefusal(self.account(), sender=self.attacker)

    def buy(self):
        amount = magnitude(self.random, 10**12, 1)
        self.house.protocol.auctions.buyCollateral(self.mine[2], self.house.coin_id("WSOL"), amount, MAX, b"", sender=self.attacker)

    def move(self):
        source, target = self.random.sample(self.mine, 2)
        amount = magnitude(self.random, max(1, self.house.cash(source)), 1)
        self.house.engine.moveCash(source, target, amount, sender=self.attacker)

    def withdraw(self):
        account = self.account()
        amount = self.random.choice((self.house.cash(account), magnitude(self.random, 10**12, 1)))
        self.house.engine.withdraw(account, self.house.usdc, max(0, amount), self.attacker, 0, sender=self.attacker)

    def deposit(self):
        self.house.engine.deposit(self.account(), self.house.usdc, magnitude(self.random, 10**11, 1), 0, sender=self.attacker)

    def donate(self):
        """To a tranche, to idle cash, or tokens to a contract that credits none."""
        amount, pool = magnitude(self.random, 10**11, 1), self.house.pool
        if self.random.random() < 0.3:
            self.house.usdc.transfer(self.random.choice((pool, self.house.protocol.escrow)), amount, sender=self.attacker)
            return
        target = self.random.choice((pool.idle(), pool.tranche(0), pool.tranche(1)))
        self.house.engine.deposit(target, self.house.usdc, amount, 0, sender=self.attacker)

    def provide(self):
        self.house.pool.deposit(magnitude(self.random, 10**12, 1), self.attacker, sender=self.attacker)

    def redeem(self):
        most = self.house.pool.maxRedeem(self.attacker)
        shares = self.random.choice((most, magnitude(self.random, max(1, most), 1)))
        self.house.pool.redeem(shares, self.attacker, self.attacker, sender=self.attacker)

    def allocate(self):
        self.house.pool.allocate(self.house.id(self.random.choice(MARKETS)), sender=self.attacker)

    def settle(self):
        self.house.engine.settle(self.random.choice((*self.mine, *self.others)), sender=self.attacker)

    def fund(self):
        self.house.engine.fund(self.random.randrange(2), magnitude(self.random, 10**9, 1), sender=self.attacker)


def play(house, seed, attacker, other, lp):  # noqa: F811
    """One history; answers what was done in it."""
    attack = Attack(house, seed, attacker, other, lp)
    theirs = attack.theirs()
    for _ in range(ACTS):
        attack.act()
        now = attack.theirs()
        assert now >= theirs - DUST, f"LIQ-4: history {seed}: others lost {theirs - now} by {attack.done}"
        theirs = min(theirs, now) if now < theirs else now
    return attack.done


@pytest.mark.parametrize("part", range(PARTS))
def test_attacker_on_every_side_gains_nothing_at_a_fixed_price(house, trader, maker, lp, part):  # noqa: F811
    done = []
    for seed in range(part, HISTORIES, PARTS):
        with isolated(house.chain):
            done += play(house, seed, trader, maker, lp)
    happened = {act for act in done if " " not in act}
    if HISTORIES >= 40:
        assert happened >= {"trade", "pool_trade", "liquidate", "buy", "move", "withdraw", "donate", "redeem"}, happened
