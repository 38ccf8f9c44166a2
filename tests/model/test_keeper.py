"""What the keeper of a scenario does beyond liquidating: when the pool refuses, when bad debt is owed, when a feed is dead."""

import pytest

from plimsoll.scenarios import keeper
from plimsoll.scenarios.keeper import Memory, due
from plimsoll.scenarios.liquidation import (
    Absorb,
    Bite,
    Deleverage,
    Drain,
    HaltFeed,
    Liquidate,
    Observe,
    ReportRefusal,
    SettleHalted,
)
from plimsoll.types import DAY, DELEVERAGE_DELAY, DELEVERAGE_WINDOW, HALT_DELAY, HALT_GRACE, HOUR, USDC, WAD, Account
from tests.model.fake_venue import FakeVenue
from tests.model.stated_world import loaded

MAX, SUE, SID, LOW = Account("max"), Account("sue"), Account("sid"), Account("low")
POOL = Account("pool", 1)


class House:
    """max is long 400 at 200; sue, sid and low are short, low from 190. `keep` is what is due; `do` does and notes it."""

    def __init__(self, folder):
        self.scenario = loaded(folder)
        self.venue, self.memory = FakeVenue(self.scenario.world), Memory()
        venue = self.venue
        venue.give("paula", "USDC", 10**12)
        venue.provide("paula", 10**12 // 2)
        venue.allocate("paula", "ETH")
        venue.provide("paula", 10**12 // 2)
        for account, size in ((MAX, 400), (SUE, -200), (SID, -100)):
            self.enter(account, size)
        self.price(190)
        self.enter(LOW, -50)
        self.price(200)

    def enter(self, account, size):
        self.venue.give(account.actor, "USDC", 10_000 * USDC)
        self.venue.deposit(account.actor, account, "USDC", 10_000 * USDC)
        self.venue.trade(account, "ETH", size * 10**9)

    def price(self, dollars):
        self.venue.set_price("ETH", dollars * WAD)

    def after(self, seconds):
        self.venue.advance_to(self.venue.now + seconds)

    @property
    def keep(self):
        return list(due(self.venue, self.venue.state(), self.scenario, self.memory))

    def do(self, act):
        before = self.venue.state()
        act.perform(self.venue)
        self.memory.note(act, before, self.venue.state())


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


def test_keeper_liquidates_what_the_pool_takes_and_nothing_else(house):
    assert house.keep == []
    house.price(180)
    assert house.keep == [Liquidate("kim", MAX)]


def test_keeper_bites_off_what_the_pool_takes_and_reports_that_it_takes_no_more(house):
    house.venue.refuses[MAX] = WAD // 8
    house.price(180)
    bite, report = house.keep
    assert (bite, report) == (Bite("kim", MAX), ReportRefusal("kim", MAX))
    assert bite.perform(house.venue).fraction == WAD // 8  # a half and a quarter were refused


def test_bite_that_is_not_worth_a_keepers_while_is_refused(house):
    house.venue.refuses[MAX] = 0
    house.price(180)
    with pytest.raises(Exception, match="TakerRefused|FractionTooSmall"):
        Bite("kim", MAX).perform(house.venue)


def test_keeper_deleverages_only_while_that_is_open(house):
    house.venue.refuses[MAX] = 0
    house.price(180)
    house.do(ReportRefusal("kim", MAX))
    kinds = lambda: [type(act) for act in house.keep]  # noqa: E731
    house.after(DELEVERAGE_DELAY - 1)
    assert kinds() == [Bite]
    house.after(1)
    house.price(180)
    assert kinds() == [Bite, Deleverage]
    house.after(DELEVERAGE_WINDOW - 1)
    house.price(180)
    assert kinds() == [Bite, Deleverage]
    house.after(1)
    house.price(180)
    assert kinds() == [Bite, ReportRefusal]


def test_keeper_deleverages_against_those_who_gain_at_least_the_average(house):
    """The shorts sold for less than 200 on average, but low, who sold at 190, for less than that."""
    house.venue.refuses[MAX] = 0
    house.price(180)
    house.do(ReportRefusal("kim", MAX))
    house.after(DELEVERAGE_DELAY)
    house.price(180)
    act = house.keep[-1]
    assert (act.account, act.instrument) == (MAX, "ETH") and act.against == (SUE, SID, POOL)
    state = house.venue.state()
    sinking = state.accounts[MAX].positions["ETH"]
    assert keeper.eligible(state, SUE, "ETH", state.accounts[SUE].positions["ETH"]) == (MAX,)
    assert LOW not in keeper.eligible(state, MAX, "ETH", sinking)
    house.do(act)
    assert house.venue.state().accounts[MAX].margin.equity > 0 and house.keep == []


def test_sunk_account_that_the_pool_refuses_is_reported_and_not_bitten(house):
    house.venue.refuses[MAX] = 0
    house.price(170)
    assert house.keep == [ReportRefusal("kim", MAX)]
    del house.venue.refuses[MAX]
    assert house.keep == [Absorb("kim", MAX)]


def test_debtor_who_holds_nothing_is_absorbed_when_that_is_worth_a_transaction(house):
    cat = Account("cat")
    house.venue.account_id(cat)
    house.venue.cash[cat] = 1 - USDC
    assert house.keep == []
    house.venue.cash[cat] = -USDC
    assert house.keep == [Absorb("kim", cat)]
    house.do(Absorb("kim", cat))
    assert house.keep == [] and house.venue.cash[cat] == 0


def test_bad_debt_is_drained_once_an_hour(house):
    house.price(150)
    house.do(Absorb("kim", MAX))
    assert house.venue.state().markets["ETH"].owed_short == house.venue.bad_debt > 0
    assert house.keep == []  # this hour has been charged
    house.after(HOUR)
    house.price(150)
    assert house.keep == [Drain("kim", "ETH")]
    house.do(Drain("kim", "ETH"))
    assert house.keep == []
    house.venue.give("kim", "USDC", 10**12)
    house.venue.fund("kim", "ETH", 10**11)
    house.after(HOUR)
    house.price(150)
    assert house.venue.bad_debt == 0 and house.keep == []


def test_dead_feed_is_observed_halted_after_its_grace_and_settled_when_that_is_final(house):
    house.after(2 * HOUR)  # heartbeat and grace are over
    assert house.keep == [Observe("kim", "ETH")]
    house.do(Observe("kim", "ETH"))
    house.after(HALT_GRACE)
    assert house.keep == []
    house.after(1)
    assert house.keep == [HaltFeed("kim", "ETH")]
    house.do(HaltFeed("kim", "ETH"))
    house.after(HALT_DELAY - 1)
    assert house.keep == []
    house.after(1)
    settled = 0
    while house.keep:
        (act,) = house.keep
        assert isinstance(act, SettleHalted)
        house.do(act)
        settled += 1
    assert settled == 4 and house.venue.state().markets["ETH"].open_interest == 0
    assert all(not held.positions for held in house.venue.state().accounts.values())


@pytest.mark.parametrize("halted", [False, True])
def test_feed_that_answers_again_is_observed_well(house, halted):
    house.after(2 * HOUR)
    house.do(Observe("kim", "ETH"))
    if halted:
        house.after(HALT_GRACE + 1)
        house.do(HaltFeed("kim", "ETH"))
    house.after(HOUR)
    house.price(200)
    assert house.keep == [Observe("kim", "ETH")]
    house.do(Observe("kim", "ETH"))
    assert house.keep == [] and house.memory.invalid == {} and house.venue.halted == {}
    house.after(DAY)
    assert house.keep == [Observe("kim", "ETH")]  # a new record begins
