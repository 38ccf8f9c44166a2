"""Each invariant holds on a sound protocol, and is proved able to fail: broken in one place, it says so with its id."""

from dataclasses import replace

import pytest

from plimsoll.errors import Reverted
from plimsoll.invariants import INVARIANTS, Observation, violations
from plimsoll.state import EscrowState, Position
from plimsoll.types import DAY, ENGINE, USDC, WAD, Absorption, Account, Outcome
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


def with_escrow(state, token, balance, credit):
    return replace(state, escrow={**state.escrow, token: EscrowState(balance, {ENGINE: credit})})


def ids(found):
    return [line.split()[0] for line in found]


def test_sound_protocol_violates_nothing(venue):
    assert violations(seen(venue)) == ()


def test_ids_are_unique_and_statements_are_there():
    assert len({invariant.id for invariant in INVARIANTS}) == len(INVARIANTS) == 10
    assert all(invariant.statement for invariant in INVARIANTS)


def test_esc_1_escrow_below_its_credits(venue):
    state = venue.state()
    held = state.escrow["USDC"].balance
    found = violations(seen(venue, after=with_escrow(state, "USDC", held - 1, held)))
    assert ids(found) == ["ESC-1"] and f"holds {held - 1} USDC but owes" in found[0] and str(held) in found[0]


def test_esc_1_collateral_that_its_owner_has_not(venue):
    state = venue.state()
    found = violations(seen(venue, after=with_escrow(state, "WETH", 10**18, 10**18 - 1)))
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
    alone = with_market(state, index_short=-1_000 * owed)
    assert ids(violations(seen(venue, before=alone, after=alone))) == ["LED-2"]
    both = with_market(state, index_long=1_000 * owed, index_short=-1_000 * owed)
    assert violations(seen(venue, before=both, after=both)) == ()


def test_led_3_price_that_makes_money(venue):
    state = venue.state()
    margin = state.accounts[ANN].margin
    after = with_account(state, ANN, margin=margin._replace(profit=margin.profit + 100))
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
    return Outcome(fraction, 0, 0, 0, 0, 0, 0, equity, maintenance)


def liquidated(venue, answer, **margin):
    state = venue.state()
    held = state.accounts[ANN].margin
    after = with_account(state, ANN, margin=held._replace(**margin))
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


def test_liq_1_position_whose_halt_may_be_undone(venue):
    feeds = venue.state().feeds
    halted = replace(venue.state(), feeds={"ETH": replace(feeds["ETH"], halted_at=venue.now - 60)})
    waits = Reverted("HaltNotFinal", (0,))
    assert violations(seen(venue, before=halted, after=halted, probes={ANN: Probe(waits, waits)})) == ()
    found = violations(seen(venue, before=halted, after=halted, probes={ANN: Probe(None, waits)}))
    assert ids(found) == ["LIQ-1"] and "answers success and HaltNotFinal" in found[0]
    final = replace(halted, feeds={"ETH": replace(feeds["ETH"], halted_at=venue.now - DAY)})
    assert violations(seen(venue, before=final, after=final)) == ()
    assert ids(violations(seen(venue, before=final, after=final, probes={ANN: Probe(waits, waits)}))) == ["LIQ-1"]


def test_liq_2_bite_need_not_heal_but_may_not_hurt(venue):
    for margin, expected in ((dict(equity=46, maintenance=50), []), (dict(equity=44, maintenance=50), ["LIQ-2"])):
        state = venue.state()
        after = with_account(state, ANN, margin=state.accounts[ANN].margin._replace(**margin))
        bite = seen(venue, after=after, probes={}, verb="bite", account=ANN, answer=outcome(90, 100))
        assert ids(violations(bite)) == expected


def test_liq_2_deleveraging_never_hurts_nor_turns_anyone(venue):
    state = venue.state()
    margin, bob = state.accounts[ANN].margin, state.accounts[BOB].positions["ETH"]
    deleveraged = seen(venue, probes={}, verb="deleverage", account=ANN, answer=1)
    assert violations(deleveraged) == ()
    worse = with_account(state, ANN, margin=margin._replace(equity=margin.equity // 2))
    assert ids(violations(replace(deleveraged, after=worse))) == ["LIQ-2"]
    turned = with_account(state, BOB, positions={"ETH": replace(bob, size=-bob.size)})
    assert any("was deleveraged from" in line for line in violations(replace(deleveraged, after=turned)))


def absorbed(venue, paid=Absorption(100, 60, 0, 40, 0), before=None, **market):
    """ann, a long, lost 100; by default her instrument's insurance paid 60 and the shorts owe 40."""
    state = before or venue.state()
    stated = dict(insurance=state.markets["ETH"].insurance - paid.insurance - paid.reward, owed_short=paid.shared)
    after = replace(with_market(state, **{**stated, **market}), bad_debt=paid.shared)
    found = violations(seen(venue, before=state, after=after, probes={}, verb="absorb", account=ANN, answer=paid))
    return [line for line in found if not line.startswith("LED-2")]  # the money is not told here


def test_liq_5_each_way_to_fail(venue):
    insurance = venue.state().markets["ETH"].insurance
    assert absorbed(venue) == []
    assert absorbed(venue, insurance=insurance - 59) == []  # a unit that a rounded-up index brought too much
    cases = [
        (dict(paid=Absorption(100, 60, 0, 39, 0)), "a loss is paid once"),
        (dict(insurance=insurance - 61), "took 61 from insurance, not 60"),
        (dict(insurance=insurance - 58), "took 58 from insurance, not 60"),
        (dict(owed_short=0, owed_long=40), "its own side owes 40 after 0"),
        (dict(owed_short=41), "sides owe 41, more than the bad debt of 40"),
        (dict(index_long=1), "the index of its own side moved from 0 to 1"),
    ]
    for changes, message in cases:
        found = absorbed(venue, **changes)
        assert ids(found) == ["LIQ-5"] and message in found[0]
    assert absorbed(venue, index_short=10**6) == []
    flat = with_account(venue.state(), ANN, positions={})
    assert "was touched, where nothing was held" in absorbed(venue, before=flat)[-1]
    below = with_market(venue.state(), insurance=-1)
    assert "insurance is -1 < 0" in violations(seen(venue, before=below, after=below))[-1]


def test_liq_6_withdrawal_that_pays_another_ratio(venue):
    def state(settlement, bad_debt):
        found = venue.state()
        insurance = found.markets["ETH"].insurance
        held = settlement + insurance
        return replace(with_escrow(found, "USDC", held, held), bad_debt=bad_debt)

    def judged(after, verb="withdraw", before=state(900, 100)):
        found = violations(seen(venue, before=before, after=after, probes={}, verb=verb))
        return [line for line in found if line.startswith("LIQ-6")]

    assert judged(state(810, 90)) == []  # 100 of 1,000: 90 are paid
    assert judged(state(861, 95), before=state(900, 100)) == []  # 44 · 0.9 = 39.6: 39 are paid, 5 of bad debt relieved
    assert judged(state(809, 90)) and judged(state(820, 90)) and judged(state(800, 100))
    assert judged(state(800, 100), verb="deposit") == [] and judged(state(800, 0), before=state(900, 0)) == []


def test_fun_1_each_way_to_fail(venue):
    state = venue.state()
    late = venue.world.instrument("ETH")
    later = dict(time=state.time + 60)
    cases = [
        (dict(index_long=5, index_short=-6, **later), "a unit received 1 more than a unit paid"),
        (dict(index_long=7, index_short=-5, **later), "a unit paid 2 more than a unit received"),
        (dict(index_long=5, index_short=-5), "was charged twice for the same second"),
        (dict(rate_e8=late.max_rate_e8 + 1), "beyond ±"),
    ]
    for changes, message in cases:
        found = [line for line in violations(seen(venue, after=with_market(state, **changes))) if "LED-2" not in line]
        assert ids(found) == ["FUN-1"] and message in found[0]
    fair = with_market(state, index_long=6, index_short=-5, rate_e8=-late.max_rate_e8, **later)
    assert violations(seen(venue, after=fair)) == ()
    shared = with_market(state, index_long=7, index_short=-5)
    assert violations(seen(venue, after=shared, verb="drain")) == ()


def test_adm_1_change_that_was_not_announced(venue):
    state, margin = venue.state(), venue.state().accounts[ANN].margin
    worse = with_account(state, ANN, margin=margin._replace(maintenance=margin.equity + 1))
    found = violations(seen(venue, after=worse, verb="set_instrument", probes={}))
    assert ids(found) == ["ADM-1"] and f"now E = {margin.equity} < M = {margin.equity + 1}" in found[0]
    assert violations(seen(venue, after=worse, verb="apply_instrument", probes={})) == ()


def test_position_of_the_pool_counts_as_anyones(venue):
    state = venue.state()
    after = with_account(state, POOL, positions={"ETH": Position(0, 0, 0)})
    assert "LED-1" in ids(violations(seen(venue, after=after)))
