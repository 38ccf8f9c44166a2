"""A previewed trade is the trade that then happens, to the unit; or its refusal, word for word."""

from collections import Counter
from random import Random

import pytest

from hypothesis import settings

from plimsoll.chain import terms
from plimsoll.chain.artifacts import decode_error
from plimsoll.errors import Reverted
from plimsoll.types import SIZE_UNIT, USDC, WAD
from tests.helpers import isolated
from tests.unit.margin_engine.bare import extension_of
from tests.unit.margin_lens.portfolios import (
    BTC,
    ETH,
    ETH_TOO,
    SOL,
    WORLD,
    attempt,
    same_refusal,
    stand_in,
)

ROUNDS = settings.default.max_examples // 5
REVERT = 1  # MockAggregator.Mode


def check(stage, instrument: int, size: int) -> str:
    """Previews, executes, compares. Returns the error's name, or how the trade went."""
    previewed = stage.lens.previewTrade(stage.account, instrument, size)
    done, after = attempt(stage.chain, lambda: stage.trade(instrument, size), stage.standing, lambda: stage.chain.now)
    if isinstance(done, Reverted):
        assert not previewed.ok and same_refusal(previewed.reason, done), (decode_error(previewed.reason), done)
        return done.name
    told = next(event for event in done.events_named("Traded") if event.address == stage.pool.address)
    assert (previewed.ok, previewed.reason) == (True, b""), decode_error(previewed.reason)
    assert (previewed.quote, previewed.fee, previewed.price) == (told.quote, told.fee, told.price)
    assert previewed.afterwards == after[0]
    return "ok"


def sizes(stage, rng: Random, instrument: int) -> list[int]:
    """Dust, a part, the whole, a flip, too much; and the last that is let through on either side, and one more."""
    held = stage.engine.position(stage.account, instrument).size
    some = rng.randrange(1, 10**12)
    found = {1, -1, some, -some, -held, -held // 2, -held * 2, -held + 1, 10**16, -(10**16)}
    for side in (1, -1):
        most = last(lambda n: stage.lens.previewTrade(stage.account, instrument, side * n).ok)
        found |= {side * most, side * (most + 1)}
    return sorted(found - {0})


def last(passes) -> int:
    """Some n that passes where n + 1 does not."""
    good, bad = 0, 2**60
    for probe in (2**30, 2**35, 2**40):
        if passes(probe):
            good = probe
    while bad - good > 1:
        half = (good + bad) // 2
        good, bad = (half, bad) if passes(half) else (good, half)
    return good


def test_preview_trade_of_random_books_is_the_trade(stage, seed):
    seen = Counter()
    for i in range(ROUNDS):
        rng = Random(f"{seed}/{i}")
        with isolated(stage.chain):
            stage.populate(rng)
            instrument = rng.randrange(4)
            seen.update(check(stage, instrument, size) for size in sizes(stage, rng, instrument))
    print(seen)
    due = {"ok", "InsufficientMargin", "BelowMinimum", "SkewTooLarge"}
    assert due <= set(seen), seen
    assert seen["ok"] > ROUNDS, seen


# One refusal after the other ---------------------------------------------------------------------------------------


@pytest.fixture
def funded(stage, trader):
    stage.deposit(trader, "USDC", 100_000 * USDC)
    return stage


def units(count: float) -> int:
    return int(count * SIZE_UNIT)


def refused(stage, name: str, instrument: int = ETH, size: int = units(1)):
    """The preview: refused with this error, as execution is."""
    assert check(stage, instrument, size) == name
    return stage.lens.previewTrade(stage.account, instrument, size)


def break_feed(stage, name: str) -> None:
    stage.protocol.feeds[name].setMode(REVERT, sender=stage.protocol.roles.deployer)


def test_preview_trade_of_an_account_that_has_not_authorised_the_pool_tells_the_numbers(funded, trader):
    due = funded.lens.previewTrade(funded.account, ETH, units(5))
    assert due.ok
    funded.engine.setOperator(funded.account, funded.pool, 0, sender=trader)
    told = refused(funded, "Unauthorized", ETH, units(5))
    assert (told.quote, told.fee, told.price) == (due.quote, due.fee, due.price) != (0, 0, 0)


def test_preview_trade_short_of_margin_tells_the_numbers(funded):
    told = refused(funded, "InsufficientMargin", ETH, units(5_000))
    assert told.quote < 0 < told.fee and told.afterwards.freeMargin < 0
    error = decode_error(told.reason).values
    assert error == {
        "account": funded.account,
        "have": told.afterwards.backing,
        "need": told.afterwards.margin.initial,
    }


@pytest.mark.parametrize("instrument", [4, 64, 256, 2**256 - 1])
def test_preview_trade_of_an_unknown_market(funded, instrument):
    told = refused(funded, "UnknownMarket", instrument)
    assert (told.quote, told.fee, told.price) == (0, 0, 0)


def test_preview_trade_of_nothing(funded):
    refused(funded, "ZeroSize", ETH, 0)


@pytest.mark.parametrize("size", [2**255 - 1, -(2**255)])
def test_preview_trade_of_a_size_beyond_arithmetic(funded, size):
    funded.trade(ETH, units(3))
    assert check(funded, ETH, size) in ("Panic", "SkewTooLarge", "SignedOverflow")


def test_preview_trade_of_the_pool_with_itself(funded):
    chain, pool = funded.chain, funded.pool
    account, insider = pool.tranche(ETH), chain.impersonate(pool)
    done, _ = attempt(chain, lambda: pool.trade(account, ETH, units(1), 2**255, 2**255, sender=insider))
    assert done.name == "SameAccount" and same_refusal(funded.lens.previewTrade(account, ETH, units(1)).reason, done)


def test_preview_trade_without_a_price(funded):
    break_feed(funded, "ETH")
    told = refused(funded, "InvalidPrice")
    assert (told.quote, told.fee) == (0, 0)


def test_preview_trade_of_an_account_with_another_invalid_price(funded):
    """To add is refused before anything else is looked at; to reduce is refused likewise."""
    funded.trade(ETH, units(10))
    break_feed(funded, "ETH")
    refused(funded, "InvalidPrice", BTC, units(1))
    refused(funded, "InvalidPrice", BTC, 1)
    funded.protocol.feeds["ETH"].setMode(0, sender=funded.protocol.roles.deployer)
    funded.trade(BTC, units(1))
    break_feed(funded, "ETH")
    refused(funded, "InvalidPrice", BTC, -units(0.5))


def test_preview_trade_of_a_reduce_only_instrument(funded, guardian):
    funded.trade(ETH, units(10))
    funded.protocol.parameters.restrict(ETH, sender=guardian)
    refused(funded, "InstrumentReduceOnly", ETH, units(1))
    refused(funded, "InstrumentReduceOnly", ETH, -units(11))
    assert check(funded, ETH, -units(4)) == "ok"


@pytest.mark.parametrize("side", [1, -1])
def test_preview_trade_up_to_the_skew_scale(funded, side):
    scale = units(WORLD.instruments[ETH].scale)
    refused(funded, "SkewTooLarge", ETH, side * scale)
    assert check(funded, ETH, side * (scale - 1)) == "CapExceeded"


def test_preview_trade_beyond_the_caps(funded, guardian):
    parameters = funded.protocol.parameters
    cap = WORLD.instruments[ETH].cap_value
    parameters.lowerCaps(ETH, units(10), cap, sender=guardian)
    refused(funded, "CapExceeded", ETH, units(11))
    assert check(funded, ETH, units(10)) == "ok"
    parameters.lowerCaps(ETH, units(10), 19_999 * USDC, sender=guardian)
    refused(funded, "CapExceeded", ETH, units(10))
    assert check(funded, ETH, units(9)) == "ok"


def test_preview_trade_of_an_account_that_owes_too_much(stage, trader):
    """Its losses have eaten most of its collateral: it has the margin, but no leave to owe more."""
    stage.deposit(trader, "WETH", 500 * 10**18)
    stage.trade(BTC, units(115))
    stage.answer("BTC", 15_000 * WAD)
    stage.trade(BTC, -units(115))
    assert stage.engine.accountState(stage.account).cash < 0
    told = refused(stage, "DebtTooLarge", SOL, units(4_000))
    assert told.afterwards.freeMargin > 0 and told.afterwards.debt > 0


def test_preview_trade_of_an_estate_is_refused(stage, trader):
    """Until those who paid for it are paid back."""
    stage.sell_out()
    stage.deposit(trader, "USDC", stage.standing().debt + USDC)  # and what interest it owes by then
    told = refused(stage, "EstateOpen", SOL, units(4_000))
    assert told.quote < 0 < told.afterwards.forgiven
    stage.deposit(trader, "USDC", told.afterwards.forgiven)
    assert check(stage, SOL, units(4_000)) == "ok"


def test_preview_trade_that_reduces_and_leaves_less_than_nothing(funded):
    """With one dollar of equity left, the fee is more than there is."""
    funded.trade(ETH, units(100))
    funded.take(funded.margin().equity - USDC)
    told = refused(funded, "HealthWorsened", ETH, -units(50))
    assert told.quote > 0 and told.afterwards.margin.equity < 0


def test_preview_trade_that_the_pool_cannot_carry(stage, trader):
    """The pool's tranche is refused by the engine as anyone is."""
    stage.deposit(trader, "USDC", 10**7 * USDC)
    told = refused(stage, "InsufficientMargin", SOL, units(390_000))
    assert decode_error(told.reason).values["account"] == stage.pool.tranche(SOL)
    assert told.afterwards.freeMargin > 0


def test_preview_trade_while_the_sequencer_is_down(funded, owner):
    """To reduce needs a fresh price; to add needs the sequencer too."""
    funded.trade(ETH, units(10))
    sequencer = funded.chain.deploy("MockAggregator", 8, "sequencer", 1)
    stand_in(funded.chain, funded.protocol.oracle, "PriceOracle", owner, sequencer, 3_600)
    told = refused(funded, "InvalidPrice", ETH, units(1))
    assert told.quote < 0 and told.afterwards.margin.notional > 0
    assert check(funded, ETH, -units(5)) == "ok"
    assert check(funded, ETH, -units(20)) == "InvalidPrice"


def test_preview_trade_while_the_settlement_token_is_off_its_peg(funded):
    """The first feed stands for the settlement token's: 2,000 is not 1."""
    made = funded.protocol
    names = ("settlement", "escrow", "oracle", "pool", "parameters")
    known = {name: getattr(made, name).address for name in names} | {"liquidationEngine": made.liquidation.address, "auctionHouse": made.auctions.address}
    guarded = terms.setup(WORLD, known) | {"settlementFeed": 0, "depegLimitE6": 10_000}
    funded.trade(ETH_TOO, units(10))
    extension = extension_of(funded.chain, guarded)
    stand_in(funded.chain, funded.engine, "MarginEngine", guarded, extension)
    told = refused(funded, "Depegged", ETH_TOO, units(1))
    assert told.quote < 0
    assert check(funded, ETH_TOO, -units(5)) == "ok"


def test_preview_trade_while_the_pool_takes_no_new_risk(funded):
    """Its tranche refused a liquidation: what brings it toward balance is filled all the same."""
    funded.trade(ETH, units(10))
    insider = funded.chain.impersonate(funded.protocol.liquidation)
    funded.chain.rpc("anvil_setBalance", insider, hex(WAD))
    funded.pool.freeze(ETH, sender=insider)
    told = refused(funded, "MarketFrozen", ETH, units(1))
    assert told.quote < 0 and told.afterwards.margin.notional > 0
    assert check(funded, ETH, -units(10)) == check(funded, ETH, -units(4)) == "ok"
    assert check(funded, ETH, -units(11)) == "MarketFrozen"
    assert check(funded, BTC, units(1)) == "ok"
