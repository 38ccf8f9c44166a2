"""What is not urgent, at real contracts: a pool that refuses, markets that are wound down, bad debt."""

import io

import pytest

from plimsoll.chain.deployment import Deployment
from plimsoll.chain.lookout import Lookout
from plimsoll.chain.node import Chain
from plimsoll.chain.standard import POOL_SUPPLY, standard_world
from plimsoll.chain.wallet import Wallet
from plimsoll.keeper.act import Options
from plimsoll.keeper.journal import Journal
from plimsoll.keeper.run import Keeper
from plimsoll.keeper.send import Manners
from plimsoll.keeper.store import Store
from plimsoll.soaking import LastingAnvil
from plimsoll.types import DAY, DELEVERAGE_DELAY, HALT_DELAY, HALT_GRACE, HOUR, USDC, WAD

KEY = "0x" + "c0ffee" * 10 + "abcd"


class Market:
    """A pool without money, and two who trade with each other: who is long sinks when the price falls."""

    def __init__(self, anvil, folder, cash, units=10):
        self.chain = Chain(anvil)
        self.made = made = Deployment.deploy(self.chain, standard_world(self.chain.now))
        self.venue = self.chain.deploy("MockVenue", made.engine)
        self.long, self.short = (self.open(sender, money) for sender, money in zip(self.chain.accounts[6:8], (cash, 100_000)))
        size, quote = units * 10**9, units * 2_000 * USDC
        self.venue.trade(self.long, self.short, [(0, size)], [-quote], [0], sender=self.chain.accounts[0])
        wallet = Wallet.from_key(KEY)
        anvil.rpc("anvil_setBalance", wallet.address, hex(10**19))
        port = Lookout(anvil.url, made.lens.address, wallet)
        self.log = io.StringIO()
        options = Options(upkeep=10 * USDC, chores=0, manners=Manners(confirmations=1))
        self.keeper = Keeper(port, Store(f"sqlite:///{folder}/keeper.db", port.identity), options, Journal(self.log))

    def open(self, owner, cash):
        made, account = self.made, self.made.account(owner)
        made.give(owner, "USDC", cash * USDC)
        made.settlement.approve(made.engine, cash * USDC, sender=owner)
        made.engine.deposit(account, made.settlement, cash * USDC, 0, sender=owner)
        made.engine.setOperator(account, self.venue, 1, sender=owner)
        return account

    def later(self, seconds):
        self.chain.advance(seconds)

    def rounds(self, count=3):
        for _ in range(count):
            self.keeper.round()
            self.chain.mine()

    def size(self, account):
        return self.made.engine.position(account, 0).size


@pytest.fixture
def anvil():
    with LastingAnvil("--gas-limit", "30000000") as anvil:
        yield anvil


def test_refusal_is_reported_and_the_account_deleveraged_when_that_is_open(anvil, tmp_path):
    market = Market(anvil, tmp_path, cash=3_000)
    market.made.set_price("ETH", 1_800 * WAD)
    market.rounds()
    assert market.made.liquidation.deleverageWindow(market.long).from_ > 0 and market.size(market.long) == 10 * 10**9
    assert '"reason": "stuck"' in market.log.getvalue()
    market.later(DELEVERAGE_DELAY)
    market.rounds()
    assert 0 <= market.size(market.long) < 10 * 10**9 and market.made.pool.isFrozen(0)
    assert market.made.lens.liquidatable([market.long]) == [False]


def test_loss_that_nobody_paid_is_drained_hour_by_hour(anvil, tmp_path):
    market = Market(anvil, tmp_path, cash=30_000, units=100)
    market.made.provide(market.chain.accounts[5], POOL_SUPPLY)
    market.made.set_price("ETH", 500 * WAD)
    market.rounds()
    assert market.size(market.long) == 0
    owed = [market.made.engine.badDebt()]
    for _ in range(2):
        market.later(HOUR)
        market.rounds()
        owed.append(market.made.engine.badDebt())
    assert owed[0] > owed[1] > owed[2]


def test_positions_on_a_feed_that_is_halted_for_good_are_settled(anvil, tmp_path):
    market = Market(anvil, tmp_path, cash=3_000)
    market.later(8 * DAY + 60)
    market.rounds()
    market.later(HALT_GRACE + 60)
    market.rounds()
    assert market.made.oracle.haltOf(0).haltedAt > 0
    market.later(HALT_DELAY + 60)
    market.rounds()
    assert market.size(market.long) == market.size(market.short) == 0
