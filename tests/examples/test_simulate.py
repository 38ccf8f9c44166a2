"""What the example adapters stand on: simulated transactions equal mined ones; sources outside contracts/ compile."""

import pytest

from examples.adapter import CONTRACTS
from plimsoll.chain.simulate import Block, packed, simulate
from plimsoll.chain.sources import compile_folder
from plimsoll.errors import NotCompiled, Reverted


@pytest.fixture
def margin(chain):
    return chain.deploy(compile_folder(CONTRACTS)["ExampleMargin"])


def test_simulated_transactions_equal_mined_ones_and_leave_nothing(chain, margin, trader, liquidator):
    item = margin.call_item
    acts = [item("post", 10**8), item("open", 10**5, -(10**9), sender=trader), item("post", 2 * 10**8)]
    late = [item("liquidate", trader, sender=liquidator)]
    on_time = [item("equity", trader), *late, item("accounts", trader), item("liquidate", trader, sender=liquidator)]
    (*_, nothing), (equity, seized, account, again), (too_old,) = simulate(
        chain, [Block(acts, 1), Block(on_time, 61), Block(late, 62)]
    )
    assert nothing is None and isinstance(again, Reverted) and isinstance(too_old, Reverted)
    assert margin.accounts(trader).size == 0 and margin.price() == 0

    margin.post(10**8)
    margin.open(10**5, -(10**9), sender=trader)
    margin.post(2 * 10**8)
    chain.set_next_time(chain.now + 60)
    assert (margin.equity(trader), margin.simulate("liquidate", trader, sender=liquidator)) == (equity, seized)
    margin.liquidate(trader, sender=liquidator)
    assert margin.accounts(trader) == account


def test_blocks_beyond_one_request_each_have_their_values(chain, margin):
    blocks = [Block([margin.call_item("post", i), margin.call_item("price")], 1 + i) for i in range(501)]
    assert [price for _, price in simulate(chain, blocks)] == list(range(501))


def test_packed_call_is_the_encoded_one(margin, trader):
    assert packed(margin, "open", 5, -7, sender=trader).request["data"] == margin.encode("open", 5, -7)
    assert packed(margin, "accounts", trader).request == margin.call_item("accounts", trader).request


def test_source_that_does_not_compile_is_said_with_its_line(tmp_path):
    (tmp_path / "Bad.sol").write_text("pragma solidity 0.8.30; contract Bad { uint x = true; }")
    with pytest.raises(NotCompiled, match="Bad.sol:1:"):
        compile_folder(tmp_path)


def test_folder_without_sources_is_said(tmp_path):
    with pytest.raises(NotCompiled, match="no .sol file"):
        compile_folder(tmp_path / "none")
