"""Each invariant holds on a sound protocol, and is proved able to fail: broken in one place, it says so with its id."""

from dataclasses import replace

import pytest

from plimsoll.errors import Reverted
from plimsoll.invariants import INVARIANTS, Observation, violations
from plimsoll.state import EscrowState, Position
from plimsoll.types import ENGINE, USDC, WAD, Account, Outcome
from plimsoll.venue import Probe
from tests.model.fake_venue import FakeVenue
from tests.model.stated_world import loaded

ANN, BOB, POOL = Account("ann"), Account("bob"), Account("pool", 1)


@pytest.fixture
def venue(tmp_path):
    """Two traders against the pool, one of them with collateral."""
    venue = FakeVenue(loaded(tmp_path).world)
    venue.give("paula", "USDC", 10**12)
    venue.provide("paula", 10**12)
    venue.allocate("paula", "ETH")
    for account, size in ((ANN, 200 * 10**9), (BOB, -50 * 10**9)):
        venue.give(account.actor, "USDC", 10_000 * USDC)
        venue.deposit(account.actor, account, "USDC", 10_000 * USDC)
        venue.trade(account, "ETH", size)
    venue.give("ann", "WETH", 10**18)
    venue.deposit("ann", ANN, "WETH", 10**18)
    return venue


def seen(venue, **changes):
    state = venue.state()
    accounts = [account for account in state.accounts if account.actor != "pool"]
    sound = Observation(venue.world, state, state, probes=venue.probe(accounts), settlements=10)
    return replace(sound, **changes)


def with_account(state, account, **changes):
    return replace(state, accounts={**state.accounts, account: replace(state.accounts[account], **changes)})


def with_market(state, **changes):
    return replace(state, markets={"ETH": replace(state.markets["ETH"], **changes)})


def with_escrow(state, token, balance, total, credit):
    return replace(state, escrow={**state.escrow, token: EscrowState(balance, total, {ENGINE: credit})})


def ids(found):
    return [line.split()[0] for line in found]


def test_sound_protocol_violates_nothing(venue):
    assert violations(seen(venue)) == ()


def test_ids_are_unique_and_statements_are_there():
    assert len({invariant.id for invariant in INVARIANTS}) == len(INVARIANTS) == 6
    assert all(invariant.statement for invariant in INVARIANTS)


def test_esc_1_escrow_below_its_credits(venue):
    state = venue.state()
    held = state.escrow["USDC"].balance
    found = violations(seen(venue, after=with_escrow(state, "USDC", held - 1, held, held)))
    assert ids(found) == ["ESC-1"] and f"holds {held - 1} USDC but owes {held}" in found[0]


def test_esc_1_credit_that_no_module_has(venue):
    state = venue.state()
    held = state.escrow["USDC"].balance
    assert ids(violations(seen(venue, after=with_escrow(state, "USDC", held + 5, held + 5, held)))) == ["ESC-1"]


def test_esc_1_collateral_that_its_owner_has_not(venue):
    state = venue.state()
    found = violations(seen(venue, after=with_escrow(state, "WETH", 10**18, 10**18 - 1, 10**18 - 1)))
    assert ids(found) == ["ESC-1"] and "accounts own 1000000000000000000 WETH" in found[0]


def test_led_1_sizes_that_do_not_match(venue):
    state = venue.state()
    bob = state.accounts[BOB].positions["ETH"]
    after = with_account(state, BOB, positions={"ETH": replace(bob, size=bob.size - 1)})
    found = violations(seen(venue, after=after))
    assert ids(found) == ["LED-1"] and "ETH: Σ size is -1" in found[0]


def test_led_1_open_interest_that_is_not_the_longs(venue):
    state = venue.state()
    interest = state.markets["ETH"].open_interest
    found = violations(seen(venue, after=with_market(state, open_interest=interest + 1)))
    assert ids(found) == ["LED-1"] and f"open interest is {interest + 1}, the longs hold {interest}" in found[0]


@pytest.mark.parametrize("cash", [1, 10**6])
def test_led_2_money_from_nowhere(venue, cash):
    state = venue.state()
    after = with_account(state, ANN, cash=state.accounts[ANN].cash + cash)
    found = violations(seen(venue, after=after))
    assert ids(found) == ["LED-2"] and f"by {cash}" in found[0]


def test_led_2_money_that_is_nobodys_beyond_the_dust(venue):
    state = venue.state()
    dust = 10 + sum(len(account.positions) for account in state.accounts.values())
    for missing, expected in ((dust, []), (dust + 1, ["LED-2"])):
        after = with_account(state, ANN, cash=state.accounts[ANN].cash - missing)
        assert ids(violations(seen(venue, after=after))) == expected


def test_led_2_counts_unsettled_charges_against_the_payer(venue):
    """What longs owe, shorts receive; what only one side has is nobody's, or from nowhere."""
    state = venue.state()
    owed = 10**18 // (200 * 10**9)  # one settlement unit for the 200 of ann
    assert ids(violations(seen(venue, after=with_market(state, index_short=-1_000 * owed)))) == ["LED-2"]
    assert violations(seen(venue, after=with_market(state, index_long=1_000 * owed, index_short=-1_000 * owed))) == ()


def test_led_3_price_that_makes_money(venue):
    state = venue.state()
    margin = state.accounts[ANN].margin
    after = with_account(state, ANN, margin=replace(margin, profit=margin.profit + 100))
    calm = seen(venue, after=after, probes={})
    assert violations(calm) == ()
    found = violations(replace(calm, verb="set_price"))
    assert ids(found) == ["LED-3"] and "by 100" in found[0]


def test_led_3_holds_over_a_real_move(venue):
    before = venue.state()
    venue.set_price("ETH", 190 * WAD + 1)
    assert violations(seen(venue, before=before, verb="set_price")) == ()


@pytest.mark.parametrize(
    "probe, message",
    [
        (Probe(None, Reverted("NotInsolvent", (0, 0))), "but liquidate answers success"),
        (Probe(Reverted("Unauthorized", ("0x",)), Reverted("NotInsolvent", (0, 0))), "liquidate answers Unauthorized"),
        (
            Probe(Reverted("NotLiquidatable", (0, 1, 2)), Reverted("NotInsolvent", (0, 0))),
            "liquidate says NotLiquidatable(0, 1, 2)",
        ),
    ],
)
def test_liq_1_healthy_account_that_can_be_touched(venue, probe, message):
    found = violations(seen(venue, probes={ANN: probe}))
    assert ids(found) == ["LIQ-1"] and message in found[0]


def test_liq_1_healthy_account_that_can_be_absorbed(venue):
    sound = venue.probe([ANN])[ANN]
    found = violations(seen(venue, probes={ANN: sound._replace(absorb=None)}))
    assert ids(found) == ["LIQ-1"] and "absorb answers success" in found[0]


def test_liq_1_account_without_a_price_that_can_be_touched(venue):
    state = with_account(venue.state(), ANN, margin=None, fault="Stale")
    refused = Reverted("InvalidPrice", (0,))
    assert violations(seen(venue, after=state, probes={ANN: Probe(refused, refused)})) == ()
    assert ids(violations(seen(venue, after=state, probes={ANN: Probe(None, refused)}))) == ["LIQ-1"]


def outcome(equity, maintenance, fraction=WAD // 2):
    return Outcome(fraction, 0, 0, 0, 0, 0, equity, maintenance)


def liquidated(venue, answer, **margin):
    state = venue.state()
    held = state.accounts[ANN].margin
    after = with_account(state, ANN, margin=replace(held, **margin))
    return violations(seen(venue, after=after, probes={}, verb="liquidate", account=ANN, answer=answer))


def test_liq_2_each_way_to_fail(venue):
    assert liquidated(venue, outcome(90, 100), equity=60, maintenance=50) == ()
    cases = [
        (outcome(100, 100), dict(equity=120, maintenance=100), "was liquidated at E = 100 ≥ M = 100"),
        (outcome(90, 100), dict(equity=-1, maintenance=0), "left with E' = -1"),
        (outcome(90, 100), dict(equity=44, maintenance=50), "E/M fell from 90/100 to 44/50"),
        (outcome(90, 100), dict(equity=49, maintenance=50), "still below its line"),
        (outcome(90, 100, WAD), dict(equity=60, maintenance=50), "was closed whole but still holds"),
    ]
    for answer, margin, message in cases:
        found = liquidated(venue, answer, **margin)
        assert ids(found) == ["LIQ-2"] and message in found[0]


def test_position_of_the_pool_counts_as_anyones(venue):
    state = venue.state()
    after = with_account(state, POOL, positions={"ETH": Position(0, 0, 0)})
    assert "LED-1" in ids(violations(seen(venue, after=after)))
