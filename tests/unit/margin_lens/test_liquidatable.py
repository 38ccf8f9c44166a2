"""The keepers' list: exactly the accounts with E < M, at prices that liquidation accepts."""

from random import Random

import pytest
from hypothesis import settings

from plimsoll import margin_math
from plimsoll.types import SIZE_UNIT, USDC, WAD
from tests.helpers import isolated, reverts
from tests.unit.margin_lens.portfolios import BTC, ETH, MAX, stand_in

POOL = 0
ROUNDS = settings.default.max_examples // 5


@pytest.fixture
def at_the_line(stage, trader):
    """E = M, to the unit: the trader's cash is what is missing."""
    stage.deposit(trader, "USDC", 50_000 * USDC)
    stage.trade(ETH, 100 * SIZE_UNIT)
    stage.trade(BTC, -3 * SIZE_UNIT)
    stage.to_the_line(0)
    return stage


def liquidate(stage):
    return stage.now(stage.protocol.liquidation, "liquidate", (stage.account, POOL, WAD, 0, MAX), sender=stage.maker)


def test_liquidatable_at_the_line_is_false(at_the_line):
    stage, margin = at_the_line, at_the_line.margin()
    assert stage.lens.liquidatable([stage.account]) == [False]
    assert not stage.standing().liquidatable and stage.standing().health == WAD
    with reverts("NotLiquidatable", stage.account, margin.equity, margin.maintenance):
        liquidate(stage)


def test_liquidatable_one_unit_below_the_line_is_true(at_the_line):
    stage = at_the_line
    stage.take(1)
    assert stage.lens.liquidatable([stage.account]) == [True]
    assert stage.standing().liquidatable and stage.standing().health < WAD
    assert liquidate(stage).event("Liquidated").account == stage.account


def test_liquidatable_one_unit_above_the_line_is_false(at_the_line):
    at_the_line.take(-1)
    assert at_the_line.lens.liquidatable([at_the_line.account]) == [False]


def test_liquidatable_below_zero_is_true_only_with_a_position(stage, trader):
    """Without one there is nothing to liquidate: its debt is for sale, or absorbed."""
    stage.deposit(trader, "USDC", 10_000 * USDC)
    stage.trade(ETH, 40 * SIZE_UNIT)
    stage.answer("ETH", 1_000 * WAD)
    assert stage.standing().margin.equity < 0
    assert stage.lens.liquidatable([stage.account]) == [True]
    stage.protocol.liquidation.absorb(stage.account, POOL, sender=stage.maker)
    stage.take(1)
    assert stage.standing().margin.equity < 0 and stage.standing().forSale
    assert stage.lens.liquidatable([stage.account]) == [False]


def test_liquidatable_without_a_price_is_false_and_spoils_no_other(at_the_line, trader):
    """The other account is judged by another feed."""
    stage = at_the_line
    stage.take(1)
    healthy = stage.protocol.account(trader, 1)
    asked = [healthy, stage.account, stage.other, stage.account]
    assert stage.lens.liquidatable(asked) == [False, True, False, True]
    assert stage.lens.liquidatable([]) == []
    stage.protocol.feeds["BTC"].setMode(1, sender=stage.protocol.roles.deployer)
    assert stage.lens.liquidatable(asked) == [False] * 4
    with reverts("InvalidPrice"):
        liquidate(stage)


def test_liquidatable_while_the_sequencer_is_down_is_false(at_the_line, owner):
    stage = at_the_line
    stage.take(1)
    sequencer = stage.chain.deploy("MockAggregator", 8, "sequencer", 1)
    stand_in(stage.chain, stage.protocol.oracle, "PriceOracle", owner, sequencer, 3_600)
    assert stage.lens.liquidatable([stage.account]) == [False]
    assert stage.standing().liquidatable  # the rule alone
    with reverts("InvalidPrice"):
        liquidate(stage)


def test_liquidatable_of_random_accounts_is_below_the_line_to_the_unit(stage, seed):
    """E = M − 1, M and M + 1, over random books."""
    tried = 0
    for i in range(ROUNDS):
        with isolated(stage.chain):
            stage.populate(Random(f"{seed}/{i}"))
            if stage.margin().maintenance == 0:
                continue
            for gap in (-1, 0, 1):
                stage.to_the_line(gap)
                margin = stage.margin()
                assert margin.equity - margin.maintenance == gap
                others = [stage.other, stage.pool.tranche(ETH)]
                due = [gap < 0, *(margin_math.liquidatable(stage.margin(account)) for account in others)]
                assert stage.lens.liquidatable([stage.account, *others]) == due
                assert margin_math.liquidatable(margin) is (gap < 0)
            tried += 1
    assert tried > ROUNDS // 2
