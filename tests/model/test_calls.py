"""Calls of the seam in a scenario file: read in exact units, played as they are, and refused with line and field where they are none."""

from dataclasses import replace

import pytest

from plimsoll.errors import ScenarioError, ScenarioFileError
from plimsoll.fuzz.life import small_world
from plimsoll.model.venue import ModelVenue
from plimsoll.scenarios import runner, writer
from plimsoll.scenarios.calls import Say
from plimsoll.types import Account, TokenSpec
from plimsoll.venue import Call
from tests.model.stated_world import SMALL, line_of, loaded

TITLE = "  - title: Bob takes his profit\n"


def with_call(step):
    return SMALL.replace(TITLE, f"  - {{title: a call, at: +1h, {step}}}\n{TITLE}")


def said(folder, step):
    return next(step.act for step in loaded(folder, with_call(step)).steps if isinstance(step.act, Say))


def test_call_is_read_with_its_defaults(tmp_path):
    act = said(tmp_path, "say: liquidate, with: {keeper: kim, account: ann/2}")
    assert act.call == Call("liquidate", ("kim", Account("ann", 2), None, 10**18, 0, None))
    assert (act.verb, act.about, act.answers) == ("liquidate", Account("ann", 2), "")
    assert said(tmp_path, "say: liquidate, with: {keeper: kim, account: ann, max_fraction: 5}").verb == "bite"


def test_call_is_played_and_its_answer_compared(tmp_path):
    right = 'say: fund, with: {payer: ann, instrument: ETH, amount: 5}, fails: ERC20InsufficientBalance, answers: "ann, 0, 5"'
    assert runner.play(loaded(tmp_path, with_call(right)), ModelVenue(loaded(tmp_path).world)).failures == []
    wrong = right.replace("0, 5", "0, 6")
    [failure] = runner.play(loaded(tmp_path, with_call(wrong)), ModelVenue(loaded(tmp_path).world)).failures
    assert "answers ann, 0, 5, due is ann, 0, 6" in failure


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("say: dance", 'unknown verb of the seam "dance"'),
        ("say: advance_to, with: {time: 5}", "unknown verb"),
        ("say: deposit, with: {payer: ann}", 'the field "account" is missing'),
        ("say: deposit, with: {payer: ann, account: ann, token: DAI, amount: 1}", 'unknown token "DAI"'),
        ("say: trade, with: {account: ann, instrument: SOL, size: 1}", 'unknown instrument "SOL"'),
        ("say: set_price, with: {feed: SOL, price: 1}", 'unknown feed "SOL"'),
        ("say: lower_collateral_cap, with: {caller: ann, collateral: DAI, cap: 1}", 'unknown collateral "DAI"'),
        ("say: set_sale_order, with: {account: ann, collaterals: [DAI]}", 'unknown collateral "DAI"'),
        ("say: trespass, with: {thief: bob, deed: dance, account: ann}", 'unknown deed "dance"'),
        ("say: settle, with: {caller: ann, account: pool/9}", "expected an account"),
        ("say: trade, with: {account: ann, instrument: ETH, size: 0.5}", "expected a whole number"),
        ("say: restrict, with: {caller: ann, instrument: ETH, by: 1}", "unknown field"),
        ("settle: ann, who: ann, answers: 5", 'goes with the verb "say" alone'),
    ],
)
def test_wrong_call_names_its_line(tmp_path, step, message):
    text = with_call(step)
    with pytest.raises(ScenarioFileError, match=message) as wrong:
        loaded(tmp_path, text)
    assert wrong.value.line == line_of(text, "a call")


def test_number_that_no_contract_takes_is_a_clear_error(tmp_path):
    scenario = loaded(tmp_path, with_call("say: fund, with: {payer: ann, instrument: ETH, amount: 5}"))

    class Chain(ModelVenue):
        def fund(self, payer, instrument, amount):
            raise TypeError("fund(uint256,uint256): uint256 amount: out of range")

    with pytest.raises(ScenarioError, match="fund.*out of range"):
        runner.play(scenario, Chain(scenario.world))


def test_world_that_a_file_cannot_state_is_not_written():
    world = small_world()
    for unwritable in (replace(world, sequencer_grace=3_600), replace(world, settlement=TokenSpec("DAI", 18))):
        with pytest.raises(ValueError, match="cannot be stated"):
            writer.text("a title", "a test", unwritable, [])
