"""The fast lane equals mining: 300 mixed operations of the real protocol, mined and played at once, to the unit of gas."""

from collections import Counter

import pytest

from plimsoll.chain.lane import AnvilLane, MinedLane, Step, step
from plimsoll.chain.pyrevm_lane import INSTALLED, PyrevmLane
from plimsoll.chain.state import StateReader
from plimsoll.errors import Reverted
from plimsoll.types import Account
from tests.helpers import plain, reverts
from tests.sequences import Sequence, ready

OPERATIONS = 300
SEEDS = (1, 2, 3)
needs_pyrevm = pytest.mark.skipif(not INSTALLED, reason="pyrevm is an optional extra")


@pytest.fixture(scope="module")
def setup(protocol, trader, maker, other_trader, lp, keeper):
    return ready(protocol, [trader, maker, other_trader], lp, keeper)


@pytest.fixture(scope="module")
def echo(chain):
    return chain.deploy("Echo")


def comparable(value):
    return str(value) if isinstance(value, Reverted) else plain(value)


def assert_same(mined, played):
    for number, (due, done) in enumerate(zip(mined.done, played.done, strict=True)):
        assert due.facts() == done.facts(), f"step {number}: {due.error or due.receipt} / {done.error or done.receipt}"
        assert str(due.error) == str(done.error)
        assert str(due.receipt.events) == str(done.receipt.events)
    assert [*map(comparable, mined.values)] == [*map(comparable, played.values)]


# The real protocol -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_lane_equals_mined_transactions(chain, setup, seed):
    """Status, gas, time, revert bytes, events, and all that can be read at the end."""
    steps, views = Sequence(setup, seed).steps(OPERATIONS), setup.views()
    before = chain.height, chain.now, [*map(comparable, chain.batch(views.values(), errors="return"))]
    mined = MinedLane(chain).play(steps, views.values())
    played, sharing = (lane.play(steps, views.values()) for lane in (AnvilLane(chain), AnvilLane(chain, True)))
    assert_same(mined, played)
    assert_same(mined, sharing)
    assert [done.receipt.block for done in mined.done] == [done.receipt.block for done in played.done]
    assert (chain.height, chain.now, [*map(comparable, chain.batch(views.values(), errors="return"))]) == before


@needs_pyrevm
@pytest.mark.parametrize("seed", SEEDS)
def test_pyrevm_equals_mined_transactions_in_all_but_gas(chain, setup, seed):
    steps, views = Sequence(setup, seed).steps(OPERATIONS), setup.views()
    mined, lane = MinedLane(chain).play(steps, views.values()), PyrevmLane(chain)
    for _ in range(2):
        played = lane.play(steps, views.values())
        for due, done in zip(mined.done, played.done, strict=True):
            assert due.facts()[2:] == done.facts()[2:] and str(due.error) == str(done.error)
            assert done.ok == due.ok and done.receipt.gas_used <= due.receipt.gas_used
        assert [*map(comparable, mined.values)] == [*map(comparable, played.values)]


def test_sequences_are_mixed(chain, setup):
    """What the equality is worth: many verbs went through, and many errors came up."""
    went, refused = Counter(), Counter()
    for seed in SEEDS:
        for done in AnvilLane(chain, True).play(Sequence(setup, seed).steps(OPERATIONS)).done:
            went.update({event.name for event in done.receipt.events})
            refused.update([done.error.name] if done.error else [])
    verbs = {"Deposited", "Withdrawn", "Traded", "Liquidated", "CashMoved", "Pulled", "Allocated", "Absorbed"}
    assert verbs <= set(went), verbs - set(went)
    assert len(refused) >= 15 and sum(refused.values()) >= 200, refused
    assert went["Traded"] >= 30 and went["Liquidated"] >= 3, went


def test_whole_state_is_read_at_the_end_of_a_lane(chain, setup):
    made, people = setup.made, setup.people
    accounts = {Account(who): made.account(who) for who in people[:-1]}
    accounts |= {Account("pool", i): made.account(made.pool, i) for i in range(3)}
    holders = {"lp": people[-1]}
    reader, steps = StateReader(made, 0), Sequence(setup, 7).steps(40)
    questions = reader.questions(accounts, holders)
    states = []
    for lane in (MinedLane(chain), AnvilLane(chain)):
        answers = dict(zip(questions, lane.play(steps, questions.values()).values))
        states.append(reader.reading(steps[-1].time, accounts, holders, answers).state)
    assert states[0] == states[1]
    assert states[0] != reader.read(chain.now, accounts, holders).state


# The lane itself ---------------------------------------------------------------------------------------------------


@pytest.fixture(params=[MinedLane, AnvilLane, pytest.param(PyrevmLane, marks=needs_pyrevm)])
def lane(chain, request):
    return request.param(chain)


def test_step_is_told_as_a_transaction_is(lane, echo, trader):
    book = (trader, b"\1", [(1, -2)], [True, False], "title")
    steps = [step(echo, "say", book, 5, sender=trader, value=3), step(echo, "fail", 0, echo, sender=trader)]
    said, failed = lane.play(steps).done
    receipt = said.told()
    assert (receipt.event("Said").amount, receipt.event("Said").address) == (5, echo.address)
    assert said.ok and said.error is None and said.revert == b"" and len(receipt.hash) == 66
    with reverts("Refused", trader, -5, 7, (1, -2)):
        failed.told()
    assert not failed.ok and failed.receipt.events == [] and failed.revert[4:]
    assert echo.said() == 0


def test_steps_see_each_other_and_their_time(lane, chain, echo, trader):
    book, start = (trader, b"", [(7, 8)], [True, False], ""), chain.now
    say = step(echo, "say", book, 1, sender=trader, time=start + 100)
    later = say._replace(time=None)
    views = [echo.call_item(name) for name in ("said", "last", "time")]
    played = lane.play([say, later, later._replace(time=start + 250)], [*views, echo.call_item("look", 0)])
    assert [done.receipt.timestamp - start for done in played.done] == [100, 100, 250]
    assert [done.receipt.block - chain.height for done in played.done] == [1, 2, 3]
    assert played.values[:3] == [3, (7, 8), start + 250]
    assert played.values[3].name == "Refused"


def test_views_alone_see_the_present(lane, chain, echo):
    views = [echo.call_item("time"), *(echo.call_item("pick", i, 1) for i in range(3_000))]
    assert lane.play([], views).values == [chain.now, *range(1, 3_001)]
    assert lane.play([]) == ([], [])


def test_value_of_a_step_is_what_it_returned(chain, echo, trader):
    book, items = (trader, b"", [(1, 1)], [True, False], ""), [echo.call_item("pick", 4, 2), echo.call_item("fail", 1, echo)]
    steps = [step(echo, "say", book, 1, sender=trader), *(Step(echo.address, item.request["data"], trader) for item in items)]
    _, picked, failed = AnvilLane(chain).play(steps).done
    assert picked.value(items[0]) == echo.pick(4, 2)
    assert failed.value(items[1]).name == "Plain"


def test_gas_limit_of_a_step_is_its_own(lane, echo, trader):
    [done] = lane.play([step(echo, "fail", 5, echo, sender=trader, gas=100_000)]).done
    assert done.receipt.gas_used == 100_000 and "100000 gas" in done.error.hint


def test_state_is_overridden_for_one_play(lane, chain, echo, trader):
    code = chain.rpc("eth_getCode", echo.address, "latest")
    there = chain.at("Echo", "0x" + "ec" * 20)
    state = {there.address: {"code": code, "stateDiff": {"0x" + "00" * 32: "0x" + "07".rjust(64, "0")}}}
    book = (trader, b"", [(1, 1)], [True, False], "")
    played = lane.play([step(there, "say", book, 1, sender=trader)], [there.call_item("said")], state)
    assert played.done[0].ok and played.values == [8]
    assert chain.rpc("eth_getCode", there.address, "latest") == "0x"


def test_view_that_changes_state_is_refused(lane, echo, trader):
    with pytest.raises(TypeError, match="make it a step"):
        lane.play([], [echo.call_item("fail", 1, echo)])


def test_time_that_runs_backwards_is_refused(lane, chain, echo, trader):
    steps = [step(echo, "fail", 1, echo, sender=trader, time=chain.now + seconds) for seconds in (5, 4)]
    with pytest.raises(ValueError, match="step 1"):
        lane.play(steps)
