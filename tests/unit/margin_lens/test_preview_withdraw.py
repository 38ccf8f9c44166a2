"""A previewed withdrawal is the withdrawal that then happens, to the unit; or its refusal, word for word."""

from collections import Counter
from random import Random

import pytest
from hypothesis import settings

from plimsoll.chain.artifacts import decode_error
from plimsoll.errors import Reverted
from plimsoll.types import SIZE_UNIT, USDC, WAD
from tests.helpers import isolated, reverts
from tests.unit.margin_lens.portfolios import BTC, ETH, WHOLE, attempt, same_refusal, stand_in
from tests.world import NO_INSTRUMENT

ROUNDS = settings.default.max_examples // 4
REVERT = 1  # MockAggregator.Mode
TOKENS = ("USDC", *WHOLE)


def check(stage, token: str, amount: int) -> str:
    """Previews, executes, compares. Returns the error's name, or "ok"."""
    contract = stage.protocol.tokens[token]
    previewed = stage.lens.previewWithdraw(stage.account, contract, amount)
    held = contract.balanceOf(stage.trader)

    def withdraw():
        return stage.now(
            stage.engine, "withdraw", stage.account, contract, amount, stage.trader, 0, sender=stage.trader
        )

    views = (lambda: contract.balanceOf(stage.trader), lambda: stage.lens.reports([stage.account])[0])
    done, after = attempt(stage.chain, withdraw, *views)
    if isinstance(done, Reverted):
        assert not previewed.ok and same_refusal(previewed.reason, done), (decode_error(previewed.reason), done)
        return done.name
    balance, report = after
    assert (previewed.ok, previewed.reason) == (True, b""), decode_error(previewed.reason)
    told = done.event("Withdrawn")
    assert (previewed.taken, previewed.paid) == (told.amount, told.paid) and told.paid == balance - held
    if previewed.judged:
        assert report.valid and previewed.afterwards == report.standing
    return "ok"


def most(stage, token: str) -> int:
    return stage.lens.maxWithdraw(stage.account, stage.protocol.tokens[token])


def cut(stage, token: str, amount: int) -> int:
    """What leaves the account where escrow holds less than is asked for."""
    return stage.lens.previewWithdraw(stage.account, stage.protocol.tokens[token], amount).taken


def owe(stage, amount: int) -> None:
    """Records bad debt, which somebody has as cash."""
    insider = stage.chain.impersonate(stage.protocol.liquidation)
    stage.chain.rpc("anvil_setBalance", insider, hex(WAD))
    stage.engine.seize(
        stage.other, [], [(stage.other, amount)], [], [(NO_INSTRUMENT, False, amount, 0)], sender=insider
    )


def test_preview_withdraw_of_random_books_is_the_withdrawal(stage, seed):
    """maxWithdraw is let through, one unit more is not: except that rounding hides a unit of a collateral."""
    seen = Counter()
    for i in range(ROUNDS):
        rng = Random(f"{seed}/{i}")
        with isolated(stage.chain):
            stage.populate(rng)
            if rng.random() < 0.3:
                owe(stage, rng.randrange(1, 10**12))
            assert stage.lens.reports([stage.account])[0].valid
            for token in TOKENS:
                top = most(stage, token)
                amounts = {top, top + 1, 2 * top, rng.randrange(1, 10**12), rng.randrange(1, top + 2)} - {0}
                seen.update(check(stage, token, amount) for amount in amounts)
                assert top == 0 or stage.lens.previewWithdraw(stage.account, stage.protocol.tokens[token], top).judged
                assert top == 0 or check(stage, token, top) == "ok"
                assert check(stage, token, top + 1) != "ok" or cut(stage, token, top + 1) == top
                seen["all but nothing"] += top > 0 and stage.engine.accountState(stage.account).instruments > 0
    print(seen)
    due = {"ok", "InsufficientMargin", "InsufficientCash", "InsufficientCollateral", "all but nothing"}
    assert due <= set(seen), seen


# One refusal after the other ---------------------------------------------------------------------------------------


@pytest.fixture
def funded(stage, trader):
    stage.deposit(trader, "USDC", 100_000 * USDC)
    stage.deposit(trader, "WETH", 50 * 10**18)
    return stage


def break_feed(stage, name: str) -> None:
    stage.protocol.feeds[name].setMode(REVERT, sender=stage.protocol.roles.deployer)


def test_preview_withdraw_of_nothing(funded):
    assert check(funded, "USDC", 0) == check(funded, "WETH", 0) == "ZeroAmount"


def test_preview_withdraw_of_an_unknown_token(funded, chain, trader):
    token = chain.deploy("MockToken", "Nobody's", "NO", 18)
    told = funded.lens.previewWithdraw(funded.account, token, 1)
    with reverts("UnknownToken", token):
        funded.engine.withdraw(funded.account, token, 1, trader, 0, sender=trader)
    assert decode_error(told.reason).name == "UnknownToken"
    with reverts("UnknownToken", token):
        funded.lens.maxWithdraw(funded.account, token)


@pytest.mark.parametrize("amount", [2**255 - 1, 2**255, 2**256 - 1])
def test_preview_withdraw_of_an_amount_beyond_arithmetic(funded, amount):
    assert check(funded, "USDC", amount) in ("InsufficientCash", "SafeCastOverflowedUintToInt")
    assert check(funded, "WETH", amount) == "InsufficientCollateral"
    owe(funded, 10**9)
    assert check(funded, "USDC", amount) in ("InsufficientCash", "SafeCastOverflowedUintToInt")


def test_preview_withdraw_of_a_flat_account_needs_no_price(funded):
    break_feed(funded, "ETH")
    for token in ("USDC", "WETH"):
        top = most(funded, token)
        assert top == {"USDC": 100_000 * USDC, "WETH": 50 * 10**18}[token]
        assert check(funded, token, top) == check(funded, token, top // 2) == "ok"
        assert not funded.lens.previewWithdraw(funded.account, funded.protocol.tokens[token], top // 3).judged


def test_preview_withdraw_with_a_position_needs_prices(funded):
    funded.trade(BTC, SIZE_UNIT)
    break_feed(funded, "ETH")
    assert check(funded, "USDC", 1) == check(funded, "WETH", 1) == "InvalidPrice"
    with reverts("InvalidPrice", 0, 2, 0, 0):
        most(funded, "USDC")


def test_preview_withdraw_with_a_position_needs_the_sequencer(funded, owner):
    funded.trade(BTC, SIZE_UNIT)
    sequencer = funded.chain.deploy("MockAggregator", 8, "sequencer", 1)
    stand_in(funded.chain, funded.protocol.oracle, "PriceOracle", owner, sequencer, 3_600)
    assert check(funded, "USDC", 1) == check(funded, "WETH", 1) == "InvalidPrice"


def test_preview_withdraw_of_an_account_that_owes_too_much(stage, trader):
    stage.deposit(trader, "WETH", 500 * 10**18)
    stage.trade(BTC, 115 * SIZE_UNIT)
    stage.answer("BTC", 15_000 * WAD)
    stage.trade(BTC, -115 * SIZE_UNIT)
    assert most(stage, "WETH") == most(stage, "USDC") == 0
    assert check(stage, "WETH", 1) == "DebtTooLarge"
    assert check(stage, "USDC", 1) == "InsufficientCash"


def test_preview_withdraw_of_an_estate_is_refused(stage, trader):
    stage.sell_out()
    assert check(stage, "WETH", 1) == "EstateOpen" and most(stage, "WETH") == 0
    assert check(stage, "WETH", 10**21) == "InsufficientCollateral"
    stage.deposit(trader, "USDC", stage.standing().debt + stage.standing().forgiven - USDC)
    assert check(stage, "WETH", 1) == "EstateOpen" and most(stage, "WETH") == 0
    stage.deposit(trader, "USDC", 2 * USDC)
    assert most(stage, "WETH") == 100 * 10**18
    assert check(stage, "WETH", 10**20) == check(stage, "USDC", 1) == "ok"


def test_max_withdraw_of_an_account_with_a_loss_not_realised_stops_at_its_debt(stage, trader):
    """λ₀ · C is reached before the margin is: what it has lost counts as owed."""
    stage.deposit(trader, "WETH", 500 * 10**18)
    stage.deposit(trader, "USDC", 20_000 * USDC)
    stage.trade(BTC, 34 * SIZE_UNIT)
    stage.answer("BTC", 2_000 * WAD)
    top = most(stage, "USDC")
    assert 0 < top < stage.standing().freeMargin
    assert check(stage, "USDC", top) == "ok" and check(stage, "USDC", top + 1) == "DebtTooLarge"


def test_preview_withdraw_while_bad_debt_is_recorded_pays_the_haircut(funded):
    owe(funded, 250_000 * USDC)
    told = funded.lens.previewWithdraw(funded.account, funded.protocol.settlement, 10**10 + 1)
    assert told.ok and 9 * 10**9 < told.paid < 10**10
    assert check(funded, "USDC", 10**10 + 1) == "ok"


@pytest.fixture
def waiting(stage, trader, chain):
    """A thousand million of cash that is a claim on debtors, and the pool's tokens to pay it with."""
    insider = chain.impersonate(stage.protocol.liquidation)
    chain.rpc("anvil_setBalance", insider, hex(WAD))
    claim = 10**9 * USDC
    stage.engine.seize(stage.other, [], [(stage.account, claim), (stage.other, -claim)], [], [], sender=insider)
    return claim


def test_preview_withdraw_of_what_escrow_does_not_hold_is_cut(stage, waiting):
    top = most(stage, "USDC")
    assert top == stage.protocol.escrow.creditOf(stage.engine, 0, stage.protocol.settlement)
    assert check(stage, "USDC", top) == check(stage, "USDC", top + 1) == check(stage, "USDC", waiting) == "ok"
    assert cut(stage, "USDC", top + 1) == cut(stage, "USDC", waiting) == top
    assert check(stage, "USDC", waiting + 1) == "InsufficientCash"


def test_preview_withdraw_while_bad_debt_is_recorded_is_cut_at_the_claims(stage, waiting):
    """Funds are nobody's cash: S + B is what all tokens but theirs, and the bad debt, stand for."""
    owe(stage, 500_000 * USDC)
    settlement, owed = stage.engine.claims()
    assert owed == settlement + 500_000 * USDC and most(stage, "USDC") == owed
    told = stage.lens.previewWithdraw(stage.account, stage.protocol.settlement, waiting)
    assert (told.ok, told.taken, told.paid) == (True, owed, settlement)
    assert check(stage, "USDC", owed) == check(stage, "USDC", owed + 1) == check(stage, "USDC", waiting) == "ok"


def test_preview_withdraw_from_an_empty_escrow_is_refused(stage, waiting):
    top = most(stage, "USDC")
    stage.now(
        stage.engine, "withdraw", stage.account, stage.protocol.settlement, top, stage.trader, 0, sender=stage.trader
    )
    assert most(stage, "USDC") == 0
    assert check(stage, "USDC", 1) == check(stage, "USDC", waiting - top) == "NothingInEscrow"


def test_preview_withdraw_of_less_than_a_unit_pays_is_refused(funded):
    """While bad debt is recorded a single unit is paid nothing."""
    owe(funded, 10**12)
    assert check(funded, "USDC", 1) == "NothingInEscrow" and check(funded, "USDC", 2) == "ok"
    cash = most(funded, "USDC")
    stage, token = funded, funded.protocol.settlement
    stage.now(stage.engine, "withdraw", stage.account, token, cash - 1, stage.trader, 0, sender=stage.trader)
    assert stage.engine.accountState(stage.account).cash == 1 and most(stage, "USDC") == 0


def test_max_withdraw_leaves_the_account_at_its_initial_requirement(funded):
    funded.trade(ETH, 500 * SIZE_UNIT)
    free = funded.standing().freeMargin
    assert most(funded, "USDC") == free > 0
    token = funded.protocol.settlement
    assert funded.lens.previewWithdraw(funded.account, token, free).afterwards.freeMargin == 0
    token = funded.protocol.tokens["WETH"]
    told = funded.lens.previewWithdraw(funded.account, token, most(funded, "WETH"))
    assert told.afterwards.freeMargin >= 0
