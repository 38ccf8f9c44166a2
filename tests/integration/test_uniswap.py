"""The pools that other tests sell in are Uniswap's own, and at the price that they were asked for."""

import pytest

from plimsoll.chain import artifacts
from plimsoll.errors import ArtifactMissing
from plimsoll.fixed_point import WAD
from tests.helpers import reverts
from tests.uniswap import FEE_E6, PRICE_LIMITS, Q96, Uniswap, proceeds, uniswap_artifact

USDC = 10**6
PRICE = 2_000


@pytest.fixture(scope="module")
def uniswap(chain):
    return Uniswap.deploy(chain)


@pytest.fixture(scope="module", params=["base is token0", "base is token1"])
def pair(request, chain):
    """A WETH and a USDC, in either order of their addresses."""
    due = request.param == "base is token0"
    quote = chain.deploy("MockToken", "USD Coin", "USDC", 6)
    while True:
        base = chain.deploy("MockToken", "Wrapped Ether", "WETH", 18)
        if Uniswap.is_first(base, quote) == due:
            return base, quote


@pytest.fixture
def pool(uniswap, pair):
    return uniswap.pool(*pair, PRICE * WAD, depth=1_000)


def price_of(pool, base):
    """Of one whole base token, in quote tokens, as the pool shows it."""
    raw = (pool.slot0().sqrtPriceX96 / Q96) ** 2
    return (raw if pool.token0() == base.address else 1 / raw) * 10**12


def test_pool_is_the_factorys_and_at_its_price(uniswap, pair, pool):
    base, quote = pair
    assert uniswap.factory.getPool(base, quote, FEE_E6) == pool.address
    assert {pool.token0(), pool.token1()} == {base.address, quote.address}
    assert price_of(pool, base) == pytest.approx(PRICE, rel=1e-9)
    assert base.balanceOf(pool) == pytest.approx(1_000 * WAD, rel=1e-9)
    assert quote.balanceOf(pool) == pytest.approx(1_000 * PRICE * USDC, rel=1e-9)


def test_sale_of_either_token_brings_what_a_constant_product_says(uniswap, pair, pool, trader):
    base, quote = pair
    for token, other, amount in ((base, quote, 10 * WAD), (quote, base, 30_000 * USDC)):
        due = proceeds(pool, token, other, amount)
        had, lay = other.balanceOf(trader), token.balanceOf(pool)
        uniswap.sell(pool, token, amount, to=trader)
        got = other.balanceOf(trader) - had
        assert got == pytest.approx(due, rel=1e-4) and token.balanceOf(pool) == lay + amount
    assert price_of(pool, base) == pytest.approx(PRICE * (1 - 0.02 + 0.03), rel=2e-3)


def test_sale_in_a_fresh_pool_is_exact_to_the_rounding(uniswap, pair, pool, trader):
    base, quote = pair
    due = proceeds(pool, base, quote, WAD)
    uniswap.sell(pool, base, WAD, to=trader)
    assert due - 2 <= quote.balanceOf(trader) <= due + 1
    assert quote.balanceOf(trader) == pytest.approx(PRICE * USDC, rel=0.005)


def test_narrow_pool_takes_only_what_its_range_holds(uniswap, pair, trader):
    base, quote = pair
    pool = uniswap.pool(*pair, PRICE * WAD, depth=1_000, ticks=120)
    first = Uniswap.is_first(base, quote)
    uniswap.sell(pool, base, 1_000 * WAD, to=trader)
    assert 5 * WAD < base.balanceOf(pool) < 30 * WAD, "about 1.2 % of a thousand to either side"
    assert pool.slot0().sqrtPriceX96 == PRICE_LIMITS[first]


def test_second_pool_of_a_pair_is_refused_by_uniswap_itself(uniswap, pair, pool):
    with reverts("NoReason"):
        uniswap.pool(*pair, PRICE * WAD, depth=1)


def test_artifact_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ArtifactMissing, match="Nothing is not compiled"):
        artifacts.read(tmp_path / "Nothing.json")
    assert uniswap_artifact("UniswapV3Factory").code_bytes == 24_535
