"""A real Uniswap V3 on the chain of a test: the factory's own bytecode, out of its npm package.

    uniswap = Uniswap.deploy(chain)
    pool = uniswap.pool(weth, usdc, 2_000 * WAD, depth=10_000)       # at 2,000 usdc, 10,000 weth on their side
    uniswap.sell(pool, weth, 10**18, to=trader)                       # by somebody else, with tokens out of thin air

Tokens are MockTokens. A pool of full range is a constant product of its two reserves: `proceeds` says what a sale brings.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt
from pathlib import Path

from plimsoll.chain import artifacts
from plimsoll.chain.artifacts import Artifact
from plimsoll.chain.node import Chain, Contract
from plimsoll.fixed_point import WAD

PACKAGE = Path(__file__).resolve().parents[1] / "node_modules" / "@uniswap" / "v3-core" / "artifacts" / "contracts"
FEE_E6 = 3_000
TICK_SPACING = 60
ALL_TICKS = 887_272 // TICK_SPACING * TICK_SPACING
Q96 = 2**96
PRICE_LIMITS = {True: 4_295_128_740, False: 1_461_446_703_485_210_103_287_273_052_203_988_822_378_723_970_341}


def uniswap_artifact(name: str) -> Artifact:
    return artifacts.read(PACKAGE / f"{name}.sol" / f"{name}.json")


@dataclass(frozen=True)
class Uniswap:
    """maker: a UniswapMaker, all of the liquidity and all of the other traders."""

    chain: Chain
    factory: Contract
    maker: Contract

    @classmethod
    def deploy(cls, chain: Chain) -> Uniswap:
        factory = chain.deploy(uniswap_artifact("UniswapV3Factory"))
        return cls(chain, factory, chain.deploy("UniswapMaker", factory))

    def pool(self, base: Contract, quote: Contract, price: int, depth: int, ticks: int = ALL_TICKS) -> Contract:
        """A new pool at 0.3 %.

        price: WAD, whole quote tokens of one whole base token. depth: whole base tokens in the pool, were it of full range.
        ticks: the liquidity lies so far to both sides of the price, 0.01 % each, rounded down to the pool's spacing.
        """
        units = 10 ** base.decimals(), price * 10 ** quote.decimals() // WAD  # worth the same
        in_order = self.is_first(base, quote)
        amount0, amount1 = units if in_order else units[::-1]
        root = isqrt((amount1 << 192) // amount0)
        receipt = self.maker.make(base, quote, FEE_E6, root)
        pool = self.chain.at(uniswap_artifact("UniswapV3Pool"), receipt.event("PoolMade").pool)
        tick = pool.slot0().tick if ticks < ALL_TICKS else 0
        low, high = ((tick + way * ticks) // TICK_SPACING * TICK_SPACING for way in (-1, 1))
        reserve = depth * units[0]
        self.maker.provide(pool, low, high, reserve * root // Q96 if in_order else reserve * Q96 // root)
        return pool

    def sell(self, pool: Contract, token: Contract, amount: int, to: str) -> None:
        zero_for_one = pool.token0() == token.address
        self.maker.sell(pool, zero_for_one, amount, PRICE_LIMITS[zero_for_one], to)

    @staticmethod
    def is_first(base: Contract, quote: Contract) -> bool:
        """Whether base is the pool's token0."""
        return int(base.address, 16) < int(quote.address, 16)


def proceeds(pool: Contract, token: Contract, other: Contract, amount: int) -> int:
    """What a sale of `amount` of `token` brings in a fresh pool of full range: x · y is the same afterwards, less the fee."""
    sold = amount * (10**6 - FEE_E6) // 10**6
    into, out_of = token.balanceOf(pool), other.balanceOf(pool)
    return out_of * sold // (into + sold)
