"""An account that holds all it may, 16 instruments and 8 collaterals, each on a feed of its own: what views of it cost (GAS-1),
and that one instrument more is refused."""

import pytest

from plimsoll.chain.artifacts import decode_error
from plimsoll.chain.deployment import Deployment, Roles
from plimsoll.errors import NodeRefused
from plimsoll.types import (
    DAY,
    SIZE_UNIT,
    USDC,
    WAD,
    CollateralSpec,
    FeedSpec,
    InstrumentSpec,
    MarketSpec,
    TokenSpec,
    World,
)
from tests.helpers import reverts
from tests.unit.margin_lens.portfolios import MAX, Stage

HELD, COINS = 16, 8
MOST_GAS = 10_000_000  # of any view of one account: a node answers 50 million
MARKET = MarketSpec(weight_e6=58_000)
FEEDS = tuple(FeedSpec(f"F{i}", (100 + 7 * i) * WAD, heartbeat=7 * DAY, grace=DAY) for i in range(HELD + 1 + COINS))
WORLD = World(
    start=1_767_225_600,
    feeds=FEEDS,
    instruments=tuple(InstrumentSpec(f"I{i}", f"F{i}", market=MARKET) for i in range(HELD + 1)),
    collaterals=tuple(CollateralSpec(TokenSpec(f"C{i}", 18), f"F{HELD + 1 + i}", depth=10_000) for i in range(COINS)),
)


@pytest.fixture(scope="module")
def wide(chain, accounts, owner, guardian, treasury, lp, trader, maker):
    made = Deployment.deploy(chain, WORLD, Roles(accounts[10], owner, guardian, treasury))
    made.provide(lp, 10_000_000 * USDC)
    stage = Stage(made, trader, maker)
    made.engine.setOperator(stage.account, made.pool, 1, sender=trader)
    for i in range(COINS):
        stage.deposit(trader, f"C{i}", 50 * 10**18)
    stage.deposit(trader, "USDC", 20_000 * USDC)
    for instrument in range(HELD):
        stage.trade(instrument, (-1) ** instrument * 50 * SIZE_UNIT)
    chain.advance(3_600)
    return stage


VIEWS = pytest.mark.parametrize(
    "view, args",
    [
        ("reports", lambda it: ([it.account],)),
        ("liquidatable", lambda it: ([it.account],)),
        ("liquidationPrice", lambda it: (it.account, 15)),
        ("previewTrade", lambda it: (it.account, 0, SIZE_UNIT)),
        ("previewWithdraw", lambda it: (it.account, it.protocol.tokens["C0"], 10**18)),
        ("maxWithdraw", lambda it: (it.account, it.protocol.tokens["C0"])),
        ("maxWithdraw", lambda it: (it.account, it.protocol.settlement)),
        ("previewLiquidation", lambda it: (it.account, WAD)),
    ],
)


def asked(stage: Stage, view: str, args) -> dict[str, str]:
    """The request. What concerns a liquidation is asked of an account that sinks."""
    if view in ("liquidatable", "previewLiquidation"):
        stage.to_the_line(-1)
    return {"to": stage.lens.address, "data": stage.lens.encode(view, *args(stage))}


@VIEWS
def test_gas_of_a_view_of_the_widest_account_is_bounded(wide, view, args):
    request = asked(wide, view, args) | {"gas": hex(MOST_GAS)}
    spent = int(wide.chain.rpc("eth_estimateGas", request, "latest"), 16)
    print(f"{view} {spent:,}")
    assert spent < MOST_GAS


@VIEWS
def test_a_view_with_too_little_gas_reverts_and_never_answers_otherwise(wide, view, args):
    request = asked(wide, view, args)
    due, answers = wide.chain.rpc("eth_call", request, "latest"), 0
    for gas in range(50_000, 8_000_000, 97_501):
        try:
            told = wide.chain.rpc("eth_call", request | {"gas": hex(gas)}, "latest")
        except NodeRefused:
            continue
        assert told == due, f"another answer with {gas} gas"
        answers += 1
    assert answers > 0


def test_preview_trade_of_one_instrument_more_is_refused(wide):
    told = wide.lens.previewTrade(wide.account, HELD, 50 * SIZE_UNIT)
    with reverts("TooManyInstruments", wide.account, HELD):
        wide.trade(HELD, 50 * SIZE_UNIT)
    refusal = decode_error(told.reason)
    assert (refusal.name, refusal.args) == ("TooManyInstruments", (wide.account, HELD))
    assert told.quote < 0
    wide.trade(3, 50 * SIZE_UNIT)  # closes one
    assert wide.lens.previewTrade(wide.account, HELD, 50 * SIZE_UNIT).ok
    wide.trade(HELD, 50 * SIZE_UNIT)


def test_liquidation_price_of_the_widest_account(wide):
    line = wide.lens.liquidationPrice(wide.account, 15)
    assert line.hasAbove and line.above < MAX
