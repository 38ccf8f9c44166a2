"""What a node answers is in full or an error: never a part, never a zero. And blocks that are heard of by WebSocket."""

import json
import time
from contextlib import contextmanager

import pytest

from plimsoll.chain.anvil import Anvil
from plimsoll.chain.bell import Bell
from plimsoll.chain.deployment import Deployment
from plimsoll.chain.faulty import Faults, Faulty
from plimsoll.chain.lookout import Lookout
from plimsoll.chain.node import Chain
from plimsoll.chain.standard import standard_world
from plimsoll.chain.wallet import Wallet
from plimsoll.errors import NodeDead, NodeRefused, WalletError
from plimsoll.keeper.port import Call
from plimsoll.types import USDC
from tests.integration.providers import Provider

KEY = "0x" + "c0ffee" * 10 + "abcd"


@pytest.fixture(scope="module")
def anvil():
    with Anvil() as anvil:
        yield anvil


@pytest.fixture(scope="module")
def made(anvil):
    made = Deployment.deploy(Chain(anvil), standard_world())
    owner = made.chain.accounts[5]
    made.give(owner, "USDC", 10 * USDC)
    made.settlement.approve(made.engine, 10 * USDC, sender=owner)
    made.engine.deposit(made.account(owner, 3), made.settlement, 10 * USDC, 0, sender=owner)
    return made


@contextmanager
def answering(made, anvil, *bodies):
    """A lookout whose node answers these first (a body thrice: it is asked again), once it was made."""
    answers = []
    provider = Provider(anvil.url, answers)
    with provider:
        lookout = Lookout(provider.url, made.lens.address)
        lookout.identity  # asked once
        answers += [(200, json.dumps(body).encode()) for body in bodies]
        yield lookout


@pytest.fixture
def lookout(made, anvil):
    return Lookout(anvil.url, made.lens.address)


def test_everything_is_read_off_the_lens(lookout, made):
    assert {name: part.address for name, part in lookout.parts.items()} == {
        "lens": made.lens.address, "engine": made.engine.address, "liquidation": made.liquidation.address, "pool": made.pool.address,
        "oracle": made.oracle.address, "auctions": made.auctions.address, "parameters": made.parameters.address,
        "settlement": made.settlement.address,
    }  # fmt: skip
    assert lookout.names() == ["ETH / USD", "BTC / USD"] and lookout.identity["chain"] == "31337"


def test_events_name_whom_they_touched(lookout, made):
    account = made.account(made.chain.accounts[5], 3)
    told = [one for one in lookout.told(0, lookout.head().number) if account in one.accounts]
    assert {one.name for one in told} == {"Deposited", "AccountUpdated"}
    [header] = lookout.headers([told[0].block])
    assert header.told and header.hash == told[0].block_hash and lookout.headers([10**6]) == [None]
    assert lookout.sender(told[0].transaction) == made.chain.accounts[5]


@pytest.mark.parametrize(
    "body", [{"jsonrpc": "2.0", "id": 1}, {"id": 1, "result": None}, {"id": 1, "result": {"number": "0x1"}}, {"id": 1, "result": "0x"}, "?", [], 5]
)
def test_answer_that_makes_no_sense_is_an_error(made, anvil, body):
    with answering(made, anvil, body, body, body) as lookout:
        with pytest.raises(NodeRefused):
            lookout.head()


@pytest.mark.parametrize("result", ["0x", "0x01", "nonsense", None, {}, "0x" + "ff" * 64])
def test_view_that_is_answered_with_less_is_an_error_and_no_zero(made, anvil, result):
    with answering(made, anvil, [{"id": 0, "result": result}]) as lookout:
        with pytest.raises(NodeRefused):
            lookout.ask([Call("lens", "holdings", ((1 << 96,),))])


def test_batch_of_which_a_reply_is_missing_is_an_error(made, anvil):
    with answering(made, anvil, [{"id": 1, "result": "0x" + "00" * 32}]) as lookout:
        with pytest.raises(NodeRefused, match="answers 1 of 2 requests"):
            lookout.ask([Call("engine", "badDebt"), Call("engine", "instrumentCount")])


def test_replies_out_of_order_are_put_in_order(made, anvil):
    replies = [{"id": i, "result": f"0x{i:064x}"} for i in (2, 0, 1)]
    with answering(made, anvil, replies) as lookout:
        assert lookout.ask([Call("engine", "badDebt")] * 3) == [0, 1, 2]


def test_logs_of_other_blocks_are_an_error(made, anvil, lookout):
    real = lookout.rpc("eth_getLogs", {"fromBlock": "0x0", "toBlock": "latest", "address": [made.engine.address]})[-1:]
    with answering(made, anvil, {"id": 1, "result": real}) as other:
        with pytest.raises(NodeRefused, match="where 1 to 2 were asked for"):
            other.told(1, 2)


def test_receipt_of_another_transaction_is_an_error(made, anvil, lookout):
    told = lookout.told(0, lookout.head().number)[-1]
    real = lookout.rpc("eth_getTransactionReceipt", told.transaction)
    with answering(made, anvil, [{"id": 0, "result": real}]) as other:
        with pytest.raises(NodeRefused):
            other.receipts(["0x" + "ab" * 32])


def test_what_fails_quickly_is_asked_again_at_once(made, anvil):
    with Provider(anvil.url, [(503, b"busy"), (200, b"<html>")]) as provider:
        assert Lookout(provider.url, made.lens.address).parts["engine"].address == made.engine.address
        assert provider.asked == 4


def test_nobody_there_is_told_without_the_secret_of_the_url():
    with pytest.raises(NodeDead) as dead:
        Lookout("http://127.0.0.1:9/v3/secret", "0x" + "11" * 20)
    assert "secret" not in str(dead.value)


def test_verdicts_of_the_node_on_a_transaction(made, anvil):
    lookout = Lookout(anvil.url, made.lens.address, Wallet.from_key(KEY))
    to = made.engine.address
    assert lookout.publish(lookout.sign(0, to, "0x", 30_000, 10**12, 1)[0]) == "poor"
    anvil.rpc("anvil_setBalance", lookout.address, hex(10**18))
    raw, hash_ = lookout.sign(0, lookout.address, "0x", 30_000, 10**10, 1)
    assert lookout.publish(raw) == "" and lookout.knows(hash_)
    assert lookout.publish(lookout.sign(0, to, "0x", 30_000, 10**11, 1)[0]) == "used"
    [receipt] = lookout.receipts([hash_])
    assert receipt.ok and receipt.paid == receipt.gas_used * 1 == 21_000 and lookout.nonce() == 1


def test_without_a_key_nothing_is_signed(lookout):
    with pytest.raises(WalletError, match="--dry-run"):
        lookout.sign(0, "0x" + "11" * 20, "0x", 1, 1, 1)


def test_bell_rings_when_a_block_comes(anvil):
    bell = Bell(anvil.url.replace("http", "ws"))
    deadline = time.monotonic() + 10
    while bell.heard == 0 and time.monotonic() < deadline:
        anvil.rpc("evm_mine")
        bell.wait(0.1)
    assert bell.heard
    began = time.monotonic()
    bell.wait(0.2)
    anvil.rpc("evm_mine")
    bell.wait(5)
    assert time.monotonic() - began < 4
    bell.close()


def test_bell_without_a_node_says_so_once_and_lets_poll():
    said = []
    bell = Bell("ws://127.0.0.1:9", said.append)
    deadline = time.monotonic() + 5
    while not said and time.monotonic() < deadline:
        time.sleep(0.01)
    began = time.monotonic()
    bell.wait(0.05)
    assert 0.04 < time.monotonic() - began < 2 and len(said) == 1 and "polling meanwhile" in said[0]
    bell.close()


@pytest.mark.parametrize("fault", ["dropped", "cut", "garbled", "refused"])
def test_faulty_node_raises_and_never_answers_otherwise(made, anvil, fault):
    with Faulty(anvil.url) as faulty:
        lookout = Lookout(faulty.url, made.lens.address)
        none = dict.fromkeys(("delayed", "dropped", "cut", "garbled", "refused", "contradicted"), 0)
        faulty.faults = Faults(**{**none, fault: 1_000})
        with pytest.raises((NodeDead, NodeRefused)):
            lookout.head()
        assert faulty.done[fault] == 3
