"""plimsoll.chain.node against a real node: the ground on which every other test of the contracts stands."""

from dataclasses import dataclass

import pytest
from web3 import Web3

from plimsoll.chain.abi import BadData
from plimsoll.chain.anvil import Anvil
from plimsoll.chain.node import Chain
from plimsoll.errors import AnvilDied, ArtifactMissing, NodeDead, NodeRefused
from tests.helpers import event, isolated, reverts

SIZE = -(2**79)


@dataclass
class Leg:
    feed: int
    size: int


@pytest.fixture(scope="module")
def echo(chain):
    return chain.deploy("Echo")


@pytest.fixture
def book(trader):
    return {"owner": trader, "note": "0x0102", "legs": [(1, -2), Leg(3, SIZE)], "flags": [True, False], "title": "hé"}


def test_struct_goes_in_as_dict_dataclass_or_tuple_and_comes_back_with_names(echo, book, trader):
    back = echo.echo(book)
    assert back == (trader, b"\1\2", [(1, -2), (3, SIZE)], [True, False], "hé")
    assert type(back).__name__ == "Book" and back.legs[1].size == SIZE and back.owner == trader
    assert echo.echo(back) == back


def test_results_have_the_names_of_solidity(echo, book):
    result = echo.all([book, book], b"\1" * 32, 7)
    assert result._fields == ("same", "back", "negated")
    assert (len(result.same), result.back, result.negated) == (2, b"\1" * 32, -7)
    assert echo.all([], "0x" + "01" * 32, -7).same == []


def test_overloads_by_number_of_arguments_or_by_signature(echo, trader):
    assert echo.pick(4, 5) == 9
    assert echo.fn("pick(uint256)")(4) == 4
    assert echo.fn("pick(address)")(echo) == echo.address
    assert echo.encode("pick(address)", trader) != echo.encode("pick(uint256)", int(trader, 16))
    with pytest.raises(AttributeError, match=r"pick\(uint256\), pick\(address\)"):
        echo.pick(4)


def test_transaction_tells_gas_time_and_events(chain, echo, book, trader):
    before = chain.now
    receipt = echo.say(book, 5, sender=trader, value=3)
    said = event(receipt, "Said", **{"from": trader, "amount": 5})
    assert said.book.legs[0].size == -2 and said.address == echo.address
    assert len(said.topic) == 32  # an indexed string is its hash
    assert (receipt.timestamp, receipt.block) == (before + 1, chain.height) and 21_000 < receipt.gas_used < 200_000
    assert (echo.said(), echo.last()) == (1, (1, -2))
    assert int(chain.rpc("eth_getBalance", echo.address, "latest"), 16) == 3
    with pytest.raises(LookupError, match="0 events Nothing"):
        receipt.event("Nothing")


def test_simulate_returns_and_changes_nothing(echo, book):
    assert echo.simulate("say", book, 5) == 1 and echo.said() == 0
    with reverts("Plain"):
        echo.simulate("fail", 1, echo)


@pytest.mark.parametrize(
    "how, name, values",
    [(1, "Plain", {}), (2, "Error", {"message": "a text"}), (3, "Panic", {"code": 0x12}), (4, "NoReason", {})],
)
def test_failure_is_named_in_a_transaction_and_in_a_call(echo, how, name, values):
    for attempt in (echo.fail, lambda *args: echo.simulate("fail", *args)):
        with reverts(name, *values.values()) as refused:
            attempt(how, echo)
        assert refused.error.values == values
    assert echo.said() == 0


def test_custom_error_carries_its_numbers(echo, trader):
    for how, account in ((0, trader), (6, echo)):  # 6: the error comes up from an inner call
        with reverts("Refused", account, -5, 7, (1, -2)) as refused:
            echo.fail(how, echo, sender=trader)
    assert refused.error.values["leg"].size == -2
    assert str(refused.error) == f"Refused(account={echo.address}, have=-5, need=7, leg=Leg(feed=1, size=-2))"
    with reverts("Refused", trader, -5, 7, (1, -2)):
        echo.look(0, sender=trader)


def test_out_of_gas_says_so(echo):
    with reverts("NoReason") as refused:
        echo.fail(5, echo, gas=100_000)
    assert "100000 gas" in refused.error.hint


def test_batch_answers_in_order_and_may_return_errors(chain, echo):
    items = [echo.call_item("look", how) for how in (1, 0, 2)] + [echo.call_item("pick", i, 1) for i in range(2_500)]
    first, failure, second, *sums = chain.batch(items, errors="return")
    assert (first, failure.name, second) == (0, "Refused", 0) and sums == list(range(1, 2_501))
    with reverts("Refused"):
        chain.batch(items)
    with pytest.raises(ValueError):
        chain.batch(items, errors="ignore")


def test_next_address_foresees_deployments(chain, stranger):
    addresses = [chain.next_address(stranger, offset) for offset in range(2)]
    assert [chain.deploy("Echo", sender=stranger).address for _ in range(2)] == addresses


def test_time_moves_only_when_told(chain, echo):
    start = chain.now
    chain.mine(3)
    assert chain.now == start + 3 and echo.time() == start + 3 and echo.time(block="pending") == start + 4
    chain.advance(3_600)
    assert chain.now == start + 3_603
    chain.set_next_time(start + 10_000)
    assert echo.time(block="pending") == start + 10_000
    assert echo.fn("say")(echo.echo((echo, b"", [], [False, False], "")), 0).timestamp == start + 10_000
    with pytest.raises(NodeRefused):
        chain.set_next_time(start)


def test_snapshot_brings_back_state_and_time(chain, echo, book):
    start = chain.now, chain.height, echo.said()
    with isolated(chain):
        chain.advance(999)
        echo.say(book, 1)
    assert (chain.now, chain.height, echo.said()) == start
    here = chain.snapshot()
    chain.revert(here)
    with pytest.raises(NodeRefused, match="used"):
        chain.revert(here)


def test_impersonated_contract_may_send(chain, echo, book):
    """Anvil remembers impersonations across an undo, and another test's contract may have had this address."""
    chain.rpc("anvil_stopImpersonatingAccount", echo.address)
    with pytest.raises(NodeRefused):
        echo.say(book, 1, sender=echo)
    assert echo.say(book, 1, sender=chain.impersonate(echo)).event("Said")["from"] == echo.address


def test_wrong_use_is_named(chain, echo, book, stranger):
    with pytest.raises(TypeError, match="uint256 how"):
        echo.look(-1)
    with pytest.raises(TypeError, match="takes 1 arguments"):
        echo.look()
    with pytest.raises(TypeError, match="Book has the fields"):
        echo.echo({"owner": stranger})
    with pytest.raises(TypeError, match="is not an address"):
        echo.fn("pick(address)")("0x12")
    with pytest.raises(AttributeError, match="has no function shout. It has: all, echo"):
        echo.shout()
    with pytest.raises(TypeError, match="changes state"):
        echo.say(book, 1, block="latest")
    with pytest.raises(ArtifactMissing, match="make setup"):
        chain.deploy("NoSuchContract")
    with pytest.raises(TypeError, match="interface or abstract"):
        chain.deploy("AggregatorV3Interface")
    with pytest.raises(BadData, match="no contract at this address"):
        chain.at("Echo", stranger).said()


def test_reverts_demands_the_exact_error(echo, trader):
    wrong = [("Plain", ()), ("Refused", (trader, -5, 8, (1, -2))), ("Refused", (trader, -5, 7))]
    for name, args in wrong:
        with pytest.raises(AssertionError, match="is due"), reverts(name, *args):
            echo.fail(0, echo, sender=trader)
    with pytest.raises(AssertionError, match="nothing reverted"), reverts("Refused"):
        echo.said()
    with pytest.raises(ZeroDivisionError), reverts("Refused"):
        1 // 0
    with reverts("Refused", trader.lower(), -5, 7, [1, -2]):
        echo.fail(0, echo, sender=trader)


def test_web3_over_a_socket_and_a_node_that_does_not_wait(tmp_path, monkeypatch):
    socket = tmp_path / "anvil.ipc"
    with Anvil("--ipc", str(socket)):
        chain = Chain(Web3(Web3.IPCProvider(socket)))
        asked = chain.rpc.__call__

        def as_geth(method, *params):
            if method == "eth_sendTransactionSync":
                raise NodeRefused(method, "the method eth_sendTransactionSync does not exist/is not available")
            return asked(method, *params)

        monkeypatch.setattr(chain, "rpc", as_geth)
        echo = chain.deploy("Echo")
        monkeypatch.undo()
        del echo.receipt.raw["blockTimestamp"]
        assert echo.receipt.timestamp == chain.now
        with reverts("Plain"):
            echo.fail(1, echo)
        with reverts("Plain"):
            echo.simulate("fail", 1, echo)
        assert chain.batch([echo.call_item("pick", i, 1) for i in range(3)]) == [1, 2, 3]


def test_time_stands_still_with_zero_seconds_per_block_and_death_is_named():
    with Anvil(accounts=2) as anvil:
        chain = Chain(anvil.url, seconds_per_block=0)
        start = chain.now
        echo = chain.deploy("Echo")
        chain.mine(2)
        assert (chain.now, echo.time(block="pending"), len(chain.accounts)) == (start, start, 2)
        ours = Chain(anvil, seconds_per_block=None)
        assert ours.now == start
    with pytest.raises(NodeDead, match="does not answer"):
        echo.said()
    with pytest.raises(AnvilDied):
        ours.mine()
    with pytest.raises(TypeError, match="neither"):
        Chain("nowhere")
