"""How a scenario is played: in what order, what the keeper does, and how a run ends."""

import pytest

from plimsoll.errors import AnvilDied, Reverted, ScenarioError
from plimsoll.invariants import INVARIANTS
from plimsoll.scenarios import acts, keeper, liquidation, summary
from plimsoll.scenarios.runner import Watch, play, timeline
from plimsoll.types import WAD, Account
from tests.model.fake_venue import FakeVenue
from tests.model.stated_world import SMALL, loaded


def played(folder, text=SMALL, venue_of=FakeVenue, watch=None):
    scenario = loaded(folder, text)
    return play(scenario, venue_of(scenario.world), watch)


def test_small_scenario_holds(tmp_path):
    run = played(tmp_path)
    assert run.held and run.finished and run.failures == []
    assert len(run.states) == len(run.events) + 1
    assert run.checks == len(INVARIANTS) * len(run.events)
    assert {str(item.account) for item in run.liquidations()} == {"ann", "cat"}


def test_moments_are_in_the_order_of_time_and_feeds_answer_first(tmp_path):
    text = SMALL.replace("+1h30m", "+30m").replace("delay: 30s", "delay: 30s, heartbeat: 10m")
    moments = timeline(loaded(tmp_path, text))
    assert [moment.time for moment in moments] == sorted(moment.time for moment in moments)
    assert sum(isinstance(moment.act, acts.Answer) for moment in moments) > 20


def test_keeper_acts_after_each_answer(tmp_path):
    run = played(tmp_path)
    for event, state in zip(run.events, run.states[1:]):
        follower = run.events[event.step] if event.step < len(run.events) else None
        if event.act.verb == "set_price" and follower and not follower.by_keeper:
            margins = [held.margin for held in state.accounts.values()]
            assert all(not m.maintenance or m.equity >= m.maintenance for m in margins)


def test_keeper_buys_no_more_than_the_debt(tmp_path):
    bought = [event for event in played(tmp_path).events if event.act.verb == "buy_collateral"]
    assert bought and all(event.act.amount > 0 and event.refused is None for event in bought)


def test_keeper_gives_up_what_it_is_refused_until_the_next_answer(tmp_path):
    class Stubborn(FakeVenue):
        def liquidate(self, *arguments, **named):
            raise Reverted("TakerRefused", (1, 2, 3))

    run = played(tmp_path, venue_of=Stubborn)
    refused = [event for event in run.events if event.refused and event.by_keeper and event.act.verb == "liquidate"]
    answers = sum(event.act.verb == "set_price" for event in run.events)
    assert 0 < len(refused) <= 2 * answers
    assert run.violation is None


def test_step_that_is_refused_unforeseen_is_a_failure(tmp_path):
    text = SMALL.replace("    close: ETH\n", "    trade: {ETH: -5000}\n")
    run = played(tmp_path, text)
    assert not run.held and "Bob takes his profit" in run.failures[0]
    assert "was refused: InsufficientMargin(" in run.failures[0]


@pytest.mark.parametrize(
    "fails, failure",
    [("InsufficientMargin", None), ("ZeroSize", "should have been refused with ZeroSize, and was refused with Insuff")],
)
def test_step_that_must_fail(tmp_path, fails, failure):
    text = SMALL.replace("    close: ETH\n", f"    trade: {{ETH: -5000}}\n    fails: {fails}\n")
    failures = played(tmp_path, text).failures
    assert failures == [] if failure is None else failure in failures[0]


def test_step_that_must_fail_and_does_not_is_a_failure(tmp_path):
    run = played(tmp_path, SMALL.replace("    close: ETH\n", "    close: ETH\n    fails: ZeroSize\n"))
    assert "should have been refused with ZeroSize, and was not" in run.failures[0]


@pytest.mark.parametrize(
    "expectation, failure",
    [
        ("survives: [ann]", "ann was liquidated at"),
        ("not_liquidated: [ann]", "ann was liquidated at"),
        ("liquidated: [bob]", "bob never came below the line"),
        ("wiped_out: [bob]", "bob never came below the line"),
        ("partly_liquidated: [ann]", "ann kept no position"),
        ("partial_liquidations_at_least: 999", "expected at least 999"),
        ("whole_liquidations_at_least: 999", "expected at least 999"),
        ("pool_share_price_at_least: 500%", "expected at least 500.0 %"),
        ("no_liquidation_between: {from: +30m, to: +2h}", "was liquidated at"),
        ("deleveraged: [ann]", "ann never lost size by a deleveraging"),
        ("settled: [ETH]", "ETH was not settled after a halt"),
        ("auctions_at_least: 99", "purchases of collateral: "),
        ("bad_debt_at_least: 1", "bad debt came to 0.00, expected at least 1.00"),
        ("insurance_falls_to: 1", "insurance never fell below 990.31, expected at most 1.00"),
        ("withdrawals_pay_at_most: 99%", "the worst withdrawal paid 100.0 %, expected at most 99.0 %"),
        ("funding_reaches: {ETH: 10%}", "came to 0.0 % a year at most, expected 10.0 %"),
    ],
)
def test_expectation_that_does_not_come_true_is_a_failure(tmp_path, expectation, failure):
    text = SMALL[: SMALL.index("expect:")] + f"expect:\n  {expectation}\n"
    run = played(tmp_path, text)
    assert len(run.failures) == 1 and failure in run.failures[0]
    assert f"expect.{expectation.partition(':')[0]}" in run.failures[0]


def test_debt_of_a_gap_is_expected_by_its_peak_and_its_end_and_docks_withdrawals(tmp_path):
    """The longs lose more than insurance has; bob, who won, withdraws at the haircut. A fund then pays the rest."""
    steps = """steps:
  - {title: Bob closes, at: +1h05m, who: bob, close: ETH}
  - {title: And is paid a part, at: +1h10m, who: bob, withdraw: {USDC: 5000}}
  - {title: Somebody fills the fund, at: +1h20m, who: kim, fund: {ETH: 100000}}
expect:
  bad_debt_at_least: 3000
  bad_debt_at_end_at_most: 0
  insurance_falls_to: 0
  withdrawals_pay_at_most: 99.9%
  wiped_out: [ann]
"""
    text = SMALL[: SMALL.index("steps:")].replace("over: 30m", "over: 2s").replace("provide: 1000000", "provide: 50000")
    run = played(tmp_path, text + steps)
    assert run.held, run.failures or run.violation
    failing = steps.replace("bad_debt_at_end_at_most: 0", "bad_debt_at_most: 0").replace("99.9%", "10%")
    run = played(tmp_path, text + failing)
    assert len(run.failures) == 2 and "the worst withdrawal paid" in run.failures[1]


def test_whale_is_bitten_and_deleveraged(tmp_path):
    class Small(FakeVenue):
        def __init__(self, world):
            super().__init__(world)
            self.refuses = {Account("ann"): WAD // 8}

    text = SMALL.replace("bob: {role: trader, about: Short 2x, deposit: {USDC: 10000}, open: {ETH: -2x}}",
                         "bob: {role: trader, deposit: {USDC: 50000}, open: {ETH: -2x}}")  # fmt: skip
    text = text.replace("delay: 30s}", "delay: 30s, heartbeat: 5m}")
    text = text[: text.index("steps:")] + "expect:\n  deleveraged: [ann, bob]\n  not_liquidated: [bob]\n"
    run = played(tmp_path, text, Small)
    assert run.held, run.failures or run.violation
    verbs = [event.act.verb for event in run.events if event.by_keeper and not event.refused]
    assert verbs.count("bite") > 2 and "report_refusal" in verbs and "deleverage" in verbs
    rows = {str(row.account): row for row in summary.account_rows(run)}
    assert rows["bob"].deleveraged and "deleveraged" in rows["bob"].fate and "partial" in rows["ann"].fate


def test_violation_ends_the_run_with_step_and_numbers(tmp_path):
    class Leaky(FakeVenue):
        def liquidate(self, who, account, *rest, **named):
            self.cash[Account(who)] += 10**6
            return super().liquidate(who, account, *rest, **named)

    run = played(tmp_path, venue_of=Leaky)
    assert run.violation is not None and not run.held
    assert run.events[-1].act.verb == "liquidate" and run.violation.step == len(run.events)
    assert run.violation.violations[0].startswith("LED-2 violated: claims of ")
    assert "step" in str(run.violation) and "kim" not in str(run.violation)
    assert len(run.states) == len(run.events) + 1


class StopAt(Watch):
    def __init__(self, error, number):
        self.error, self.number = error, number

    def moment(self, number, state):
        if number == self.number:
            raise self.error


def test_ctrl_c_keeps_the_run_so_far(tmp_path):
    run = played(tmp_path, watch=StopAt(KeyboardInterrupt(), 10))
    assert run.interrupted and run.violation is None and len(run.events) >= 10
    assert run.failures == []  # a part cannot be judged


def test_dying_chain_hands_over_the_run_so_far(tmp_path):
    with pytest.raises(AnvilDied) as caught:
        played(tmp_path, watch=StopAt(AnvilDied(-9, ""), 10))
    assert len(caught.value.run.events) >= 10


def test_withdrawing_all_asks_for_less_until_the_margin_rule_agrees(tmp_path):
    text = SMALL.replace("    close: ETH\n", "    withdraw: {USDC: all}\n").replace("+1h30m", "+10m")
    run = played(tmp_path, text)
    event = next(event for event in run.events if event.act.verb == "withdraw")
    margin = run.states[event.step].accounts[Account("bob")].margin
    assert event.answer > 0 and min(margin.cash, margin.equity) == margin.initial


def test_silent_feed_is_not_traded_on(tmp_path):
    text = SMALL.replace("steps:\n", "steps:\n  - {title: The feed stops, at: +35m, stop: ETH}\n")
    text = text.replace("delay: 30s}", "delay: 30s, heartbeat: 5m, grace: 1m}").replace(
        "    close: ETH\n", "    close: ETH\n    fails: InvalidPrice\n"
    )
    text = text[: text.index("expect:")] + "expect:\n  no_liquidation_between: {from: +45m, to: +2h}\n"
    run = played(tmp_path, text)
    assert run.held, run.failures
    assert run.states[-1].feeds["ETH"].fault == "Stale"


def test_purchase_is_rounded_below_the_debt(tmp_path):
    scenario = loaded(tmp_path)
    venue = FakeVenue(scenario.world)
    cat = Account("cat")
    venue.give("cat", "WETH", 50 * 10**18)
    venue.deposit("cat", cat, "WETH", 50 * 10**18)
    venue.cash[cat] = -8_500 * 10**6
    assert list(keeper.due(venue, venue.state(), scenario)) == [liquidation.StartAuction("kim", cat)]
    venue.start_auction("kim", cat)
    assert list(keeper.due(venue, venue.state(), scenario)) == []  # not worth its while yet
    venue.advance_to(venue.now + 10 * 60)
    (act,) = keeper.due(venue, venue.state(), scenario)
    purchase = act.perform(venue)
    assert purchase.bought == act.amount and 8_499 * 10**6 < purchase.payment <= 8_500 * 10**6


def test_run_is_the_same_twice(tmp_path):
    first, second = played(tmp_path), played(tmp_path)
    assert [(e.time, e.title, e.detail) for e in first.events] == [(e.time, e.title, e.detail) for e in second.events]
    assert first.states == second.states


def test_scenario_without_an_end_is_refused_before_it_is_played(tmp_path):
    text = SMALL.replace("delay: 30s", "delay: 30s, heartbeat: 1m").replace("length: 2h", "length: 30d")
    with pytest.raises(ScenarioError, match="more than 10,000 answers.*state an `end`"):
        timeline(loaded(tmp_path, text))
    assert timeline(loaded(tmp_path, text.replace("world:", "end: +2h\nworld:", 1)))
