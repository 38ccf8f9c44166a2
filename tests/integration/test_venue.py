"""The seam on real contracts: a life from deposit to withdrawal, every verb, every invariant after each of them.

The world: ETH at 2,000 and BTC at 40,000, lo and hi 2 % off; maintenance 6 %, penalty 1.5 %, no slopes that matter.
"""

from dataclasses import replace

import pytest

from plimsoll.chain.anvil import Anvil
from plimsoll.chain.node import Chain
from plimsoll.chain.venue import ChainVenue
from plimsoll.margin_math import Margin
from plimsoll.types import DAY, ENGINE, HOUR, POOL, USDC, WAD, Account, FeedFault
from tests.helpers import reverts
from tests.integration.venues import ADA, BEN, KIM, START, SUPPLY, UNIT, WBTC, WETH, world_of


def margin_of(venue, account):
    return venue.state().accounts[account].margin


# The world as it is found ------------------------------------------------------------------------------------------


def test_new_venue_is_empty_insured_and_at_its_start(empty):
    state = empty.state()
    assert empty.now == state.time == START
    assert empty.accounts() == tuple(state.accounts) == (Account(POOL, 0), Account(POOL, 1), Account(POOL, 2))
    assert all(not a.cash and not a.positions and a.margin == Margin(*[0] * 8) for a in state.accounts.values())
    assert [market.insurance for market in state.markets.values()] == [50_000 * USDC] * 2
    assert state.pool == replace(state.pool, equity_mid=0, total_shares=0, share_price=WAD)
    eth = state.feeds["ETH"]
    assert (eth.lo, eth.mid, eth.hi, eth.fault, eth.updated_at) == (1_960 * WAD, 2_000 * WAD, 2_040 * WAD, "", START)
    assert state.escrow["USDC"].credit == {ENGINE: 100_000 * USDC}
    assert state.bad_debt == 0


def test_account_ids_are_owner_and_sub(venue):
    main, bet = venue.account_id(ADA), venue.account_id(Account("ada", 7))
    assert bet == main + 7 and main % 2**96 == 0
    assert venue.account_id(BEN) >> 96 != main >> 96
    assert venue.account_id(Account(POOL, 1)) == venue.deployment.pool.tranche(0)
    assert Account("ada", 7) in venue.accounts() and Account("ada", 7) in venue.state().accounts


def test_time_moves_only_when_it_is_told_to(venue):
    for _ in range(3):
        venue.give("ada", "WETH", 1)
    assert venue.now == venue.state().time == START
    venue.advance_to(START + HOUR)
    assert venue.state().time == venue.now == START + HOUR  # views see the present before any verb
    venue.set_price("ETH", 2_000 * WAD)
    assert venue.state().feeds["ETH"].updated_at == START + HOUR
    with pytest.raises(ValueError, match="time runs forward"):
        venue.advance_to(START + HOUR - 1)


def test_state_is_one_request_and_none_while_nothing_happens(venue, monkeypatch):
    asked = []
    batch = venue.chain.rpc.batch
    monkeypatch.setattr(venue.chain.rpc, "batch", lambda requests: asked.append(len(requests)) or batch(requests))
    venue.give("ada", "USDC", 1)
    asked.clear()
    venue.state()
    assert venue.state() is venue.state() and asked == []
    venue.advance_to(START + 1)
    venue.state()
    assert len(asked) == 1


def test_state_is_what_the_contracts_say(venue):
    venue.trade(ADA, "ETH", 10 * UNIT)
    made, number, state = venue.deployment, venue.account_id(ADA), venue.state()
    report = made.lens.reports([number])[0]
    ada = state.accounts[ADA]
    assert ada.cash == made.engine.accountState(number).cash
    held = made.engine.position(number, 0)
    assert ada.positions == {"ETH": state.accounts[ADA].positions["ETH"]}
    assert (ada.positions["ETH"].size, ada.positions["ETH"].quote) == (held.size, held.quote)
    assert ada.margin == Margin(*report.standing.margin) and ada.margin.initial > ada.margin.maintenance > 0
    assert state.pool.equity_mid == made.pool.equity().mid
    assert state.markets["ETH"].open_interest == 10 * UNIT
    assert state.skew(venue.world, "ETH") == 10 * UNIT


def test_same_verbs_give_the_same_state_on_any_chain(venue):
    def live(on):
        on.give("ada", "USDC", 10_000 * USDC)
        on.deposit("ada", ADA, "USDC", 10_000 * USDC)
        on.advance_to(START + 90)
        on.set_price("ETH", 1_990 * WAD)
        return on.state()

    states = []
    for begins in (START - 30 * DAY, START + DAY):
        with Anvil(timestamp=begins) as anvil:
            states.append(live(ChainVenue(Chain(anvil), world_of(START))))
    early, late = states
    assert early.accounts == late.accounts and early.feeds == late.feeds and early.time == late.time
    assert early.escrow == late.escrow and early.pool == late.pool


# Accounts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token, unit", [("USDC", USDC), ("WETH", WETH), ("WBTC", WBTC)])
def test_deposit_and_withdraw_move_tokens_of_any_decimals(empty, token, unit):
    empty.give("ada", token, 5 * unit)
    assert empty.deposit("ada", ADA, token, 3 * unit) == 3 * unit
    assert empty.wallet("ada", token) == 2 * unit
    state = empty.state()
    assert (state.accounts[ADA].cash if token == "USDC" else state.accounts[ADA].collateral[token]) == 3 * unit
    assert empty.withdraw(ADA, token, unit) == unit
    assert empty.wallet("ada", token) == 3 * unit
    assert empty.withdraw(ADA, token, 2 * unit) == 2 * unit
    assert empty.state().accounts[ADA].collateral == {} and empty.state().accounts[ADA].cash == 0


def test_anyone_may_top_up_settlement_tokens(venue):
    venue.give("stranger", "USDC", USDC)
    venue.deposit("stranger", ADA, "USDC", USDC)
    assert venue.state().accounts[ADA].cash == 10_001 * USDC


def test_refused_verb_names_its_numbers_and_changes_nothing(venue):
    before = venue.state()
    with reverts("InsufficientCash", venue.account_id(ADA), 10_000 * USDC, 10_001 * USDC):
        venue.withdraw(ADA, "USDC", 10_001 * USDC)
    assert venue.state() == before
    venue.withdraw(ADA, "USDC", 10_000 * USDC)


def test_isolated_bet_gets_its_cash_from_its_owner_alone(venue):
    bet = Account("ada", 1)
    venue.move_cash(ADA, bet, 4_000 * USDC)
    assert [venue.state().accounts[account].cash for account in (ADA, bet)] == [6_000 * USDC, 4_000 * USDC]
    with reverts("DifferentOwners", venue.account_id(ADA), venue.account_id(BEN)):
        venue.move_cash(ADA, BEN, 1)


# Trading -----------------------------------------------------------------------------------------------------------


def test_trade_opens_reduces_and_closes(venue):
    fill = venue.trade(ADA, "ETH", 10 * UNIT)
    assert fill.quote < -20_000 * USDC and fill.fee == 10 * USDC
    assert venue.state().accounts[ADA].positions["ETH"].quote == fill.quote
    venue.trade(ADA, "ETH", -4 * UNIT)
    assert venue.state().accounts[ADA].positions["ETH"].size == 6 * UNIT
    venue.trade(ADA, "ETH", -6 * UNIT)
    ada = venue.state().accounts[ADA]
    assert ada.positions == {} and 9_950 * USDC < ada.cash < 10_000 * USDC
    assert venue.withdraw(ADA, "USDC", ada.cash) == ada.cash


def test_trade_beyond_its_limit_or_after_its_deadline_is_refused(venue):
    with reverts("PriceBeyondLimit"):
        venue.trade(ADA, "ETH", UNIT, limit_price=2_000 * WAD)
    with reverts("PriceBeyondLimit"):
        venue.trade(ADA, "ETH", -UNIT, limit_price=2_000 * WAD)
    venue.advance_to(START + 60)
    with reverts("Expired"):
        venue.trade(ADA, "ETH", UNIT, deadline=START + 59)
    venue.trade(ADA, "ETH", UNIT, limit_price=2_010 * WAD, deadline=START + 60)
    with reverts("ZeroSize", 0):
        venue.trade(ADA, "ETH", 0)


def test_trade_without_margin_is_refused_with_its_numbers(venue):
    with reverts("InsufficientMargin") as refused:
        venue.trade(ADA, "ETH", 60 * UNIT)
    account, have, need = refused.error.args
    assert account == venue.account_id(ADA) and have < need and 10_000 * USDC < need < 12_000 * USDC


def test_settle_moves_the_funding_into_cash(venue):
    venue.trade(ADA, "ETH", 20 * UNIT)
    venue.advance_to(START + HOUR)
    venue.set_price("ETH", 2_000 * WAD)
    venue.settle("stranger", ADA)
    paid = venue.state()
    assert paid.markets["ETH"].time == START + HOUR and paid.markets["ETH"].rate_e8 > 0
    assert paid.accounts[ADA].positions["ETH"].index == paid.markets["ETH"].index_long > 0


# The pool ----------------------------------------------------------------------------------------------------------


def test_shares_are_requested_wait_and_are_redeemed(venue):
    shares = venue.state().pool.shares["lp"]
    assert shares == venue.state().pool.total_shares == SUPPLY * 10**6
    assert venue.request_redeem("lp", shares // 2) == START + DAY
    assert venue.state().pool.shares["lp"] == shares  # what is requested is still the lp's
    with reverts("ERC4626ExceededMaxRedeem"):
        venue.redeem("lp", shares // 2)
    venue.advance_to(START + DAY)
    for feed, price in (("ETH", 2_000), ("BTC", 40_000)):
        venue.set_price(feed, price * WAD)
    assert venue.redeem("lp", shares // 2) == SUPPLY // 2 == venue.wallet("lp", "USDC")
    assert venue.state().pool.shares["lp"] == shares // 2
    assert venue.state().pool.share_price == WAD


def test_allocate_tops_a_tranche_up_and_refuses_when_there_is_nothing_to_do(venue):
    with reverts("NothingToAllocate", 0):
        venue.allocate("stranger", "ETH")
    venue.give("lp", "USDC", SUPPLY)
    venue.provide("lp", SUPPLY)
    assert venue.allocate("stranger", "ETH") == SUPPLY // 2


def test_fund_insures_an_instrument(venue):
    venue.give("stranger", "USDC", 7)
    assert venue.fund("stranger", "BTC", 7) == 7
    assert venue.state().markets["BTC"].insurance == 50_000 * USDC + 7


# Liquidation -------------------------------------------------------------------------------------------------------


@pytest.fixture
def sinking(venue):
    """ada is long 30 ETH with 10,000 and just below her line; ben is long 5 and far above his."""
    venue.trade(ADA, "ETH", 30 * UNIT)
    venue.trade(BEN, "ETH", 5 * UNIT)
    venue.set_price("ETH", 1_765 * WAD)
    return venue


def test_sinking_account_is_named_liquidated_and_healed(sinking):
    margin = margin_of(sinking, ADA)
    assert 0 <= margin.equity < margin.maintenance
    assert sinking.liquidatable() == (ADA,)
    probes = sinking.probe([ADA, BEN])
    assert probes[ADA].liquidate is None and probes[ADA].absorb.name == "NotInsolvent"
    assert probes[BEN].liquidate.name == "NotLiquidatable" and probes[BEN].absorb.name == "NotInsolvent"
    outcome = sinking.liquidate("kim", ADA)
    assert 0 < outcome.fraction < WAD and (outcome.equity, outcome.maintenance) == (margin.equity, margin.maintenance)
    assert outcome.keeper_reward + outcome.taker_reward + outcome.insurance == outcome.penalty
    state = sinking.state()
    assert state.accounts[KIM].cash == outcome.keeper_reward > 0
    healed = state.accounts[ADA].margin
    assert healed.equity * WAD >= healed.maintenance * sinking.world.liquidation.target
    assert sinking.liquidatable() == ()
    with reverts("NotLiquidatable", sinking.account_id(ADA), healed.equity, healed.maintenance):
        sinking.liquidate("kim", ADA)


def test_liquidation_price_is_where_the_line_is(sinking):
    sinking.set_price("ETH", 2_000 * WAD)
    price = sinking.liquidation_price(ADA, "ETH")
    assert 1_765 * WAD < price < 1_900 * WAD
    assert sinking.liquidation_price(KIM, "ETH") is None
    sinking.set_price("ETH", price + 10**10)
    assert sinking.liquidatable() == ()
    sinking.set_price("ETH", price)
    assert sinking.liquidatable() == (ADA,)


def test_keeper_takes_positions_into_his_own_account(sinking):
    sinking.give("kim", "USDC", 50_000 * USDC)
    sinking.deposit("kim", KIM, "USDC", 50_000 * USDC)
    with reverts("TakerIsAccount", sinking.account_id(ADA)):
        sinking.liquidate("kim", ADA, ADA)
    with reverts("UnauthorizedTaker"):
        sinking.liquidate("kim", ADA, BEN)
    sinking.liquidate("kim", ADA, KIM)
    state = sinking.state()
    assert state.accounts[KIM].positions["ETH"].size + state.accounts[ADA].positions["ETH"].size == 30 * UNIT


def test_bite_closes_less_than_what_is_due(sinking):
    outcome = sinking.liquidate("kim", ADA, max_fraction=WAD // 10)
    assert outcome.fraction == WAD // 10
    with reverts("FractionTooSmall"):
        sinking.liquidate("kim", ADA, max_fraction=1)


def test_batch_skips_what_is_sound_and_goes_on(sinking):
    assert sinking.liquidate_many("kim", [(BEN, None, WAD), (ADA, None, WAD)]) == 1
    assert sinking.liquidatable() == ()
    with reverts("EmptyBatch"):
        sinking.liquidate_many("kim", [])
    assert sinking.liquidate_many("kim", [(BEN, None, WAD), (BEN, None, WAD)]) == 0


def test_gap_through_zero_is_absorbed_and_paid_by_insurance(sinking):
    sinking.set_price("ETH", 1_600 * WAD)
    assert margin_of(sinking, ADA).equity < 0
    assert sinking.liquidatable() == (ADA,)
    assert [refusal and refusal.name for refusal in sinking.probe([ADA])[ADA]] == ["Insolvent", None]
    with reverts("Insolvent"):
        sinking.liquidate("kim", ADA)
    paid = sinking.absorb("kim", ADA)
    assert paid.loss == paid.insurance > 0 and (paid.taker, paid.shared) == (0, 0)
    state = sinking.state()
    assert state.accounts[KIM].cash == paid.reward == USDC
    assert state.markets["ETH"].insurance < 50_000 * USDC - paid.loss + 100 * USDC  # the fees of two trades were added
    assert state.accounts[ADA].positions == {} and state.accounts[ADA].cash == 0
    assert state.bad_debt == 0 and state.markets["BTC"].insurance == 50_000 * USDC


def test_refusal_that_is_none_is_not_recorded(sinking):
    with reverts("BackstopAccepts", sinking.account_id(ADA)):
        sinking.report_refusal("kim", ADA)


# Feeds -------------------------------------------------------------------------------------------------------------

FAULTS = {
    FeedFault.REVERTS: "CallFailed",
    FeedFault.ZERO: "NotPositive",
    FeedFault.NEGATIVE: "NotPositive",
    FeedFault.OUT_OF_BOUNDS: "OutOfBounds",
    FeedFault.NEVER_UPDATED: "NeverUpdated",
    FeedFault.FROM_THE_FUTURE: "FromTheFuture",
    FeedFault.INCOMPLETE_ROUND: "IncompleteRound",
}


@pytest.mark.parametrize("fault", FeedFault)
def test_broken_feed_stops_what_needs_it_and_nothing_else(venue, fault):
    venue.trade(ADA, "ETH", 10 * UNIT)
    venue.trade(BEN, "BTC", UNIT // 10)
    venue.break_feed("ETH", fault)
    venue.advance_to(START + 5)
    venue.set_price("ETH", 1_000 * WAD)  # nobody hears it
    state = venue.state()
    assert state.feeds["ETH"].fault == FAULTS[fault] and state.feeds["ETH"].mid == 0
    assert state.accounts[ADA].margin is None and state.accounts[ADA].fault == "InvalidPrice"
    assert state.accounts[ADA].positions["ETH"].size == 10 * UNIT
    assert state.pool.equity_mid is None and state.pool.share_price is None
    assert state.accounts[BEN].margin is not None and state.feeds["BTC"].fault == ""
    assert venue.liquidatable() == () and venue.for_sale() == {}
    assert {probe.name for probe in venue.probe([ADA])[ADA]} == {"InvalidPrice"}
    for refused in (lambda: venue.trade(ADA, "ETH", -UNIT), lambda: venue.liquidate("kim", ADA)):
        with reverts("InvalidPrice"):
            refused()
    venue.give("ada", "USDC", USDC)
    venue.deposit("ada", ADA, "USDC", USDC)
    venue.trade(BEN, "BTC", UNIT // 10)
    venue.mend_feed("ETH")
    venue.set_price("ETH", 1_990 * WAD)
    assert venue.state().feeds["ETH"].mid == 1_990 * WAD and margin_of(venue, ADA) is not None


def test_silent_feed_goes_stale_by_itself(venue):
    venue.trade(ADA, "ETH", 10 * UNIT)
    venue.advance_to(START + 4_200)
    assert venue.state().feeds["ETH"].fault == ""
    venue.advance_to(START + 4_201)
    assert venue.state().feeds["ETH"].fault == "Stale" and venue.state().feeds["ETH"].updated_at == START
    assert venue.state().accounts[ADA].fault == "InvalidPrice"
