"""A margin engine by itself: whoever it obeys is a plain address, so that a test may say what they would never say."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from plimsoll.chain.node import Chain, Contract
from tests.world import DAY, HOUR, MAX, MAY_TRADE, UNIT, USDC, ZERO

NO_FEED = 255


@dataclass
class Bare:
    """owner lists, liquidates and sells; the pool is an address of its own. Feed 0 is ETH, feed 1 the settlement token's."""

    chain: Chain
    engine: Contract
    venue: Contract
    escrow: Contract
    oracle: Contract
    usdc: Contract
    eth: Contract
    dollar: Contract
    sequencer: Contract
    owners: dict[int, str] = field(default_factory=dict)

    def list(self, owner: str, instrument: int = 0) -> None:
        self.engine.setInstrument(instrument, *instrument_terms(), sender=owner)

    def open(self, actor: str, cash: int, sub: int = 0) -> int:
        account = int(actor, 16) << 96 | sub
        self.owners[account] = actor
        self.usdc.mint(actor, cash)
        self.usdc.approve(self.engine, MAX, sender=actor)
        self.engine.deposit(account, self.usdc, cash, 0, sender=actor)
        self.engine.setOperator(account, self.venue, MAY_TRADE, sender=actor)
        return account

    def trade(self, taker: int, maker: int, units: int, price: int = 2_000) -> Any:
        return self.venue.trade(taker, maker, [(0, units * UNIT)], [-units * price * USDC], [0])


def setup(bare: Any, liquidation: str, pool: str, parameters: str, **changed: Any) -> dict[str, Any]:
    """IMarginTypes.Setup"""
    terms = {
        "settlement": bare.usdc,
        "escrow": bare.escrow,
        "oracle": bare.oracle,
        "liquidationEngine": liquidation,
        "auctionHouse": liquidation,
        "pool": pool,
        "parameters": parameters,
        "debtLimitE6": 900_000,
        "openDebtLimitE6": 800_000,
        "settlementFeed": 1,
        "depegLimitE6": 50_000,
    }
    return terms | changed


def extension_of(chain: Chain, terms: dict[str, Any]) -> Contract:
    """The second and the third part of an engine."""
    return chain.deploy("MarginEngineExtension", terms, chain.deploy("MarginEngineListing", terms))


def instrument_terms(feed: int = 0) -> tuple[tuple, tuple, tuple]:
    """6 % maintenance, 9 % initial, whatever the size; no funding."""
    risk = (60_000, 0, 10**15, 5 * USDC, 15_000, feed, 1_500_000, True, False)
    return risk, (10**15, 10**15, 1_000_000, 0, 1_000 * USDC), (10**15, 0, 0, 200_000, 100_000)


def bare_engine(chain: Chain, owner: str, pool: str, depeg_e6: int = 0, decimals: int = 6) -> Bare:
    feeds = [
        chain.deploy("MockAggregator", 8, name, answer * 10**8) for name, answer in (("E", 2_000), ("D", 1), ("S", 0))
    ]
    chain.advance(2 * HOUR)
    oracle = chain.deploy("PriceOracle", owner, feeds[2], HOUR)
    for feed in feeds[:2]:
        oracle.addFeed((feed, 7 * DAY, HOUR, 20_000, 10, 10**16, ZERO, 0, 0), sender=owner)
    bare = Bare(
        chain=chain,
        engine=None,
        venue=None,
        escrow=chain.deploy("Escrow"),
        oracle=oracle,
        usdc=chain.deploy("MockToken", "USD Coin", "USDC", decimals),
        eth=feeds[0],
        dollar=feeds[1],
        sequencer=feeds[2],
    )
    terms = setup(bare, owner, pool, owner, settlementFeed=1 if depeg_e6 else NO_FEED, depegLimitE6=depeg_e6)
    made = chain.deploy("MarginEngine", terms, extension_of(chain, terms))
    bare.engine = chain.at("IMarginEngine", made)
    bare.venue = chain.deploy("MockVenue", made)
    return bare
