"""What the lens says of accounts is what the model of the margin rule says of them."""

from random import Random

import pytest
from hypothesis import settings

from plimsoll import margin_math
from plimsoll.chain.artifacts import decode_error
from plimsoll.fixed_point import mul_div_down
from plimsoll.types import WAD
from tests.helpers import isolated, reverts
from tests.unit.margin_lens.portfolios import BTC, ETH, WORLD

ROUNDS = settings.default.max_examples // 3
UNBOUNDED = 2**255 - 1
REVERT = 1  # MockAggregator.Mode


def expected(snapshot: margin_math.Snapshot, forgiven: int = 0) -> dict:
    """The standing that the model says. forgiven: what others paid for it."""
    at_mid, strict = margin_math.judge(snapshot), margin_math.judge(snapshot, adding=True)
    backing, debt = margin_math.backing(strict), margin_math.debt(at_mid)
    return {
        "margin": at_mid._replace(initial=strict.initial),
        "backing": backing,
        "freeMargin": backing - strict.initial,
        "marginRatio": mul_div_down(at_mid.equity, WAD, at_mid.notional) if at_mid.notional else UNBOUNDED,
        "health": mul_div_down(at_mid.equity, WAD, at_mid.maintenance) if at_mid.maintenance else UNBOUNDED,
        "debt": debt,
        "liquidatable": margin_math.liquidatable(at_mid),
        "forgiven": forgiven,
        "forSale": forgiven > 0 or at_mid.equity < 0 or debt * 10**6 > at_mid.collateral * WORLD.debt.limit_e6,
    }


def test_reports_of_random_accounts_are_the_models(stage, seed):
    seen = {"liquidatable": 0, "forSale": 0, "below zero": 0, "positions": 0}
    for i in range(ROUNDS):
        with isolated(stage.chain):
            rng = Random(f"{seed}/{i}")
            stage.populate(rng)
            if rng.random() < 0.5:
                stage.to_the_line(rng.choice([-1, 0, 1, -(10**8), -(10**12)]))
            for account in (stage.account, stage.other, stage.pool.tranche(ETH)):
                report = stage.lens.reports([account])[0]
                stored = stage.engine.accountState(account)
                due = expected(stage.snapshot(account))
                assert (report.account, report.valid, report.fault) == (account, True, b"")
                assert report.state == stored
                assert report.standing._asdict() | {"margin": tuple(report.standing.margin)} == due
                assert report.legs == stage.engine.load(account, 0, [], False)[0].legs
                seen["liquidatable"] += due["liquidatable"]
                seen["forSale"] += due["forSale"]
                seen["below zero"] += due["margin"].equity < 0
                seen["positions"] += len(report.legs)
    print(seen)
    assert min(seen.values()) > 0, seen


def test_reports_of_many_accounts_are_those_of_each(stage, trader, seed):
    stage.populate(Random(seed))
    accounts = [stage.account, stage.other, stage.protocol.account(trader, 7), stage.pool.idle(), stage.account]
    together = stage.lens.reports(accounts)
    assert together == [stage.lens.reports([account])[0] for account in accounts]
    assert stage.lens.reports([]) == []


def test_reports_of_an_account_that_owes(stage, trader):
    """For sale above λ · C, exactly, and below zero."""
    stage.deposit(trader, "WETH", 100 * 10**18)
    margin = stage.margin()
    limit = margin.collateral * WORLD.debt.limit_e6 // 10**6
    for taken, sells in ((limit, False), (1, True), (margin.collateral - limit, True)):
        stage.take(taken)
        standing, due = stage.standing(), expected(stage.snapshot())
        assert standing._asdict() | {"margin": tuple(standing.margin)} == due
        assert standing.forSale is sells
    assert standing.margin.equity == -1


def test_reports_of_an_estate(stage):
    """What others paid for an absorbed account is for sale, whatever its debt."""
    stage.sell_out()
    forgiven = stage.engine.estateOf(stage.account).forgiven
    standing = stage.standing()
    assert standing._asdict() | {"margin": tuple(standing.margin)} == expected(stage.snapshot(), forgiven)
    assert standing.forSale and standing.forgiven == forgiven > 0
    stage.deposit(stage.trader, "USDC", standing.debt + forgiven // 2)
    assert stage.standing().forSale and stage.standing().debt == 0
    assert 0 < stage.standing().forgiven == stage.engine.estateOf(stage.account).forgiven < forgiven
    stage.deposit(stage.trader, "USDC", forgiven)
    assert not stage.standing().forSale


def test_reports_of_an_account_that_nobody_used(stage, stranger):
    account = stage.protocol.account(stranger, 3)
    report = stage.lens.reports([account])[0]
    standing = report.standing
    assert report.valid and set(standing.margin) == {0} and set(report.state) == {0}
    assert (standing.backing, standing.freeMargin, standing.debt) == (0, 0, 0)
    assert standing.marginRatio == standing.health == UNBOUNDED
    assert not standing.liquidatable and not standing.forSale
    assert report.legs == [] and report.coins == []


def test_reports_of_an_account_whose_price_is_invalid_spoil_no_other(stage, trader, maker):
    stage.deposit(trader, "WETH", 10**19)
    stage.trade(2, 10**9, maker)  # BTC
    aggregator = stage.protocol.feeds["ETH"]
    aggregator.setMode(REVERT, sender=stage.protocol.roles.deployer)
    before, bad, after = stage.lens.reports([stage.other, stage.account, stage.other])
    assert before.valid and before == after
    assert not bad.valid and bad.state == stage.engine.accountState(stage.account)
    assert set(bad.standing.margin) == {0} and bad.legs == [] and bad.coins == []
    fault = decode_error(bad.fault)
    assert (fault.name, fault.args) == ("InvalidPrice", (0, 2, 0, 0))  # feed 0: CallFailed
    with reverts("InvalidPrice", 0, 2, 0, 0):
        stage.engine.load(stage.account, 0, [], False)


@pytest.mark.parametrize("view", ["reports", "liquidatable"])
def test_a_view_of_many_accounts_reads_each_price_once(stage, trader, view):
    stage.deposit(trader, "WETH", 10**19)
    stage.trade(BTC, 10**9)
    accounts = [stage.account, stage.other, stage.account, stage.account]
    request = {"to": stage.lens.address, "data": stage.lens.encode(view, accounts)}
    steps = stage.chain.rpc("debug_traceCall", request, "latest", {"disableMemory": True, "disableStorage": True})
    asked = [int(step["stack"][-2], 16) for step in steps["structLogs"] if step["op"] == "STATICCALL"]
    for feed in ("ETH", "BTC"):
        assert asked.count(int(stage.protocol.proxies[feed].address, 16)) == 1
    assert asked.count(int(stage.protocol.oracle.address, 16)) == 1


def test_constructor_with_parts_of_two_protocols_reverts(chain, stage, stranger):
    made = stage.protocol
    with reverts("WrongAddress", stranger, made.liquidation):
        chain.deploy("MarginLens", made.engine, stranger, made.pool)
    with reverts("WrongAddress", stranger, made.pool):
        chain.deploy("MarginLens", made.engine, made.liquidation, stranger)
