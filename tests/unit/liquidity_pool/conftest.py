"""Every contract, a pool with a million in it, and a trader."""

from types import SimpleNamespace

import pytest

from tests.unit.liquidity_pool.terms import BTC, DAY, ETH, HOUR, MAX, SUPPLY, UNIT, USDC, WAD, instrument, market_config
from tests.world import NO_INSTRUMENT


@pytest.fixture(scope="module")
def world(chain, owner, guardian, accounts):
    """Every contract, deployed once for a file. The sequencer and the settlement token's own feed are up."""

    def feed(name, answer):
        return chain.deploy("MockAggregator", 8, name, answer)

    made = SimpleNamespace(
        chain=chain,
        usdc=chain.deploy("ReentrantToken", "USD Coin", "USDC", 6),  # plain until it is armed
        sequencer=feed("sequencer", 0),
        eth=feed("ETH / USD", 2_000 * 10**8),
        btc=feed("BTC / USD", 20_000 * 10**8),
        dollar=feed("USDC / USD", 10**8),
        escrow=chain.deploy("Escrow"),
    )
    chain.advance(2 * HOUR)
    made.oracle = chain.deploy("PriceOracle", owner, made.sequencer, HOUR)
    for aggregator in (made.eth, made.btc, made.dollar):
        zero = "0x" + "00" * 20
        made.oracle.addFeed((aggregator, 2 * DAY, HOUR, 10_000, 10**3, 10**16, zero, 0, 0), sender=owner)
    deploy_protocol(made, owner, guardian)
    for i in (ETH, BTC):
        made.parameters.setInstrument(i, instrument(i), sender=owner)
        made.pool.setMarket(i, market_config(), sender=owner)
    return made


def deploy_protocol(made, owner, guardian):
    """They know each other: their addresses are known before they are there. (Not through Deployment: this world has a
    sequencer, a feed of the settlement token, and a settlement token that can be told to call back.)"""
    chain = made.chain
    engine, pool, parameters = (chain.next_address(offset=i) for i in (4, 5, 6))
    terms = (1_150_000 * 10**12, 300_000, USDC, 1_000 * USDC, 300_000)
    made.liquidation = chain.deploy("LiquidationEngine", engine, pool, *terms)
    made.auctions = chain.deploy("AuctionHouse", engine)
    known = (made.usdc, made.escrow, made.oracle, made.liquidation, made.auctions, pool, parameters)
    setup = (*known, 900_000, 800_000, 2, 50_000)
    extension = chain.deploy("MarginEngineExtension", setup, chain.deploy("MarginEngineListing", setup))
    chain.deploy("MarginEngine", setup, extension)
    made.engine = chain.at("IMarginEngine", engine)
    made.pool = chain.deploy("LiquidityPool", engine, owner, DAY, "Plimsoll pool", "PLP")
    made.parameters = chain.deploy("Parameters", engine, owner, guardian)


@pytest.fixture(scope="module")
def pool(world):
    return world.pool


@pytest.fixture(scope="module")
def engine(world):
    return world.engine


@pytest.fixture(scope="module")
def usdc(world):
    return world.usdc


@pytest.fixture
def rich(world, lp, trader, maker, stranger):
    """Everybody has money, and the engine's and the pool's leave to take it."""
    for actor in (lp, trader, maker, stranger):
        world.usdc.mint(actor, 10**9 * USDC)
        world.usdc.approve(world.pool, MAX, sender=actor)
        world.usdc.approve(world.engine, MAX, sender=actor)


@pytest.fixture
def stocked(world, rich, lp):
    """A million from the lp, half behind each market."""
    world.pool.deposit(SUPPLY, lp, sender=lp)
    world.pool.allocate(ETH, sender=lp)
    world.pool.allocate(BTC, sender=lp)


@pytest.fixture
def account(world, rich, trader):
    """The trader's account: 100,000, and the pool may trade for it."""
    account = int(trader, 16) << 96
    world.engine.deposit(account, world.usdc, 100_000 * USDC, 0, sender=trader)
    world.engine.setOperator(account, world.pool, 1, sender=trader)
    return account


@pytest.fixture
def trade(world, account, stocked, trader):
    """Trades whole units against the pool at any price."""

    def do(units, instrument=ETH):
        limit = MAX if units > 0 else 0
        return world.pool.trade(account, instrument, int(units * UNIT), limit, MAX, sender=trader)

    return do


@pytest.fixture
def reprice(world):
    """A feed answers anew, in whole dollars."""

    def do(feed, price):
        feed.push(int(price * 10**8))

    return do


@pytest.fixture
def mature(world):
    """A day passes, and every feed answers as before."""

    def do(seconds=DAY):
        world.chain.advance(seconds)
        for feed in (world.eth, world.btc, world.dollar):
            feed.push(feed.latestRoundData()[1])

    return do


@pytest.fixture
def owe(world):
    """Records bad debt: the amount is in the stranger's account and in no token."""

    def do(amount, account):
        insider = world.chain.impersonate(world.liquidation)
        world.chain.rpc("anvil_setBalance", insider, hex(WAD))
        world.engine.seize(account, [], [(account, amount)], [], [(NO_INSTRUMENT, False, amount, 0)], sender=insider)

    return do
