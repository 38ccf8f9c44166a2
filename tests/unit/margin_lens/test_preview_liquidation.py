"""A previewed liquidation is the liquidation that then happens, to the unit; or its refusal, word for word."""

from collections import Counter
from random import Random

import pytest
from hypothesis import settings

from plimsoll.chain.artifacts import decode_error
from plimsoll.errors import Reverted
from plimsoll.types import SIZE_UNIT, USDC, WAD
from tests.helpers import isolated
from tests.unit.margin_lens.portfolios import ETH, ETH_TOO, MAX, SOL, attempt, same_refusal

ROUNDS = settings.default.max_examples // 3
POOL = 0  # as taker


@pytest.fixture
def check(stage, stranger):
    """Previews, executes as a stranger, compares. Returns the error's name, or how much was closed."""

    def do(fraction: int = WAD, account: int | None = None) -> str:
        account = stage.account if account is None else account
        previewed = stage.lens.previewLiquidation(account, fraction)
        liquidation = stage.protocol.liquidation

        def liquidate():
            return stage.now(liquidation, "liquidate", (account, POOL, fraction, 0, MAX), sender=stranger)

        done, after = attempt(stage.chain, liquidate, lambda: stage.standing(account))
        if isinstance(done, Reverted):
            assert not previewed.ok and same_refusal(previewed.reason, done), (decode_error(previewed.reason), done)
            return done.name
        outcome = done.event("Liquidated").outcome
        assert (previewed.ok, previewed.reason) == (True, b""), decode_error(previewed.reason)
        assert previewed.outcome == outcome
        assert previewed.afterwards == after[0]
        return "a bite" if fraction < WAD else "whole" if outcome.fraction == WAD else "part"

    return do


def sink(stage, rng: Random) -> None:
    """Moves one price to a line of the account, or a little beyond it."""
    held = [leg.instrument for leg in stage.snapshot().legs]
    if not held:
        return
    instrument = rng.choice(held)
    line = stage.lens.liquidationPrice(stage.account, instrument)
    ends = [end for end, there in ((line.below, line.hasBelow), (line.above, line.hasAbove)) if there]
    if not ends:
        return
    feed = ("ETH", "ETH", "BTC", "SOL")[instrument]
    now = stage.engine.load(stage.account, 0, [], False)[0]
    mid = next(leg.mid for leg in now.legs if leg.instrument == instrument)
    end = min(ends, key=lambda price: abs(price - mid))
    beyond = rng.choice([0, 0.002, 0.01, 0.03, 0.05]) * (1 if end > mid else -1)
    unit = 10 ** (18 - {"ETH": 8, "BTC": 18, "SOL": 6}[feed])
    stage.answer(feed, int(end * (1 + beyond)) // unit * unit if beyond else end)


def test_preview_liquidation_of_random_books_is_the_liquidation(stage, check, seed):
    seen, legs = Counter(), Counter()
    for i in range(ROUNDS):
        rng = Random(f"{seed}/{i}")
        with isolated(stage.chain):
            stage.populate(rng)
            sink(stage, rng)
            fractions = (WAD, rng.randrange(WAD), rng.randrange(1, 10**15), 0)
            results = [check(fraction) for fraction in fractions]
            seen.update(results)
            if results[0] in ("part", "whole"):
                legs[len(stage.snapshot().legs)] += 1
    print(seen, legs)
    assert {"part", "a bite", "NotLiquidatable", "FractionTooSmall"} <= set(seen), seen
    assert max(legs) > 1, legs


def test_preview_liquidation_of_all_closes_every_leg(stage, check, trader):
    """The penalty would take all that is left: everything goes, and charges and penalty are in the cash that stays."""
    stage.deposit(trader, "USDC", 17_000 * USDC)
    stage.trade(ETH, 40 * SIZE_UNIT)
    stage.trade(SOL, 4_000 * SIZE_UNIT)
    stage.chain.advance(3_600)
    stage.answer("ETH", 1_605 * WAD)
    assert check() == "whole"
    told = stage.lens.previewLiquidation(stage.account, WAD)
    assert told.afterwards.margin.notional == told.afterwards.margin.maintenance == 0
    assert told.outcome.penalty > 0 and not told.afterwards.liquidatable


def test_preview_liquidation_below_zero_is_refused(stage, check, trader):
    stage.deposit(trader, "USDC", 10_000 * USDC)
    stage.trade(ETH, 40 * SIZE_UNIT)
    stage.answer("ETH", 1_000 * WAD)
    assert check() == "Insolvent"


def test_preview_liquidation_of_a_healthy_account_is_refused(stage, check, trader):
    stage.deposit(trader, "USDC", 10_000 * USDC)
    assert check() == "NotLiquidatable"
    stage.trade(ETH, 40 * SIZE_UNIT)
    assert check() == "NotLiquidatable"
    assert check(account=0) == "TakerIsAccount"


def test_preview_liquidation_that_the_pool_cannot_carry_tells_the_outcome(stage, check, trader, maker):
    """The maker's gain is the tranche's loss: it has no margin left for a short position more."""
    stage.deposit(maker, "USDC", 4_000_000 * USDC)
    stage.deposit(trader, "USDC", 115_000 * USDC)
    stage.trade(ETH, -300 * SIZE_UNIT)
    stage.trade(ETH_TOO, -SIZE_UNIT)
    stage.trade(ETH, 2_400 * SIZE_UNIT, maker)
    stage.answer("ETH", 2_300 * WAD)
    assert check() == "TakerRefused"
    told = stage.lens.previewLiquidation(stage.account, WAD)
    assert decode_error(told.reason).values["taker"] == stage.pool.tranche(ETH)
    assert told.outcome.fraction > 0 and told.outcome.penalty > 0
    assert told.afterwards.margin.notional < stage.standing().margin.notional


def test_preview_liquidation_of_the_pools_own_tranche_is_refused(stage, check, maker):
    stage.deposit(maker, "USDC", 4_000_000 * USDC)
    stage.trade(ETH, 2_400 * SIZE_UNIT, maker)
    stage.answer("ETH", 2_100 * WAD)
    line = stage.lens.liquidationPrice(stage.pool.tranche(ETH), ETH)
    stage.answer("ETH", line.above)
    assert check(account=stage.pool.tranche(ETH)) == "TakerIsAccount"
