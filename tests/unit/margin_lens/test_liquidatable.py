"""The keepers' list: exactly the accounts with E < M, at prices that liquidation accepts."""

from random import Random

import pytest

from plimsoll.model import margin_math
from plimsoll.types import SIZE_UNIT, USDC, WAD
from tests.helpers import isolated, reverts
from tests.unit.margin_lens.portfolios import BTC, ETH, stand_in

POOL = 0


@pytest.fixture
def at_the_line(stage, trader):
    """E = M, to the unit: the trader's cash is what is missing."""
    stage.deposit(trader, "USDC", 50_000 * USDC)
    stage.trade(ETH, 100 * SIZE_UNIT)
    stage.trade(BTC, -3 * SIZE_UNIT)
    margin = stage.margin()
    stage.engine.withdraw(stage.account, stage.protocol.settlement, 10_000 * USDC, trader, 0, sender=trader)
    spare = stage.margin().equity - stage.margin().maintenance
    assert 0 < spare < margin.equity
    stage.take(spare)
    assert stage.margin().equity == stage.margin().maintenance
    return stage


def liquidate(stage):
    return stage.now(stage.protocol.liquidation, "liquidate", stage.account, POOL, WAD, sender=stage.maker)


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
    stage.protocol.liquidation.absorb(stage.account, POOL, sender=trader)
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


def test_liquidatable_of_random_accounts_is_the_models(stage, seed):
    below = 0
    for i in range(25):
        with isolated(stage.chain):
            stage.populate(Random(f"{seed}/{i}"))
            accounts = [stage.account, stage.other, stage.pool.tranche(ETH)]
            due = [margin_math.liquidatable(stage.margin(account)) for account in accounts]
            assert stage.lens.liquidatable(accounts) == due
            below += sum(due)
    assert below > 0
