"""A public chain, played by an Anvil that mines when it is told: nothing is sent twice, nothing is lost, no key is shown."""

import json
import pickle
import traceback
from threading import Timer

import pytest
from eth_account import Account

from plimsoll.chain import wallet as wallets
from plimsoll.chain.anvil import Anvil
from plimsoll.chain.live import GWEI, Letter, LiveChain, Pending, Policy
from plimsoll.chain.patient import PatientRpc
from plimsoll.chain.rpc import Rpc
from plimsoll.chain.wallet import Wallet
from plimsoll.errors import DeployError, NodeDead, NodeRefused, NotMined, WalletError
from tests.helpers import reverts
from tests.integration.providers import Provider

KEY = "0x" + "c0ffee" * 10 + "abcd"
AT_ONCE = Policy(confirmations=1, deadline=5, resend=0.3, lag=0.2)
SOMEBODY = "0x" + "ab" * 20


@pytest.fixture(scope="module")
def anvil():
    with Anvil(chain_id=11155111) as anvil:
        yield anvil


@pytest.fixture
def live(anvil):
    """A chain with a wallet of its own, ether in it, mining at once."""
    chain = LiveChain(Rpc(anvil), Wallet.from_key(KEY), AT_ONCE)
    here = chain.snapshot()
    anvil.rpc("anvil_setBalance", chain.wallet.address, hex(10**20))
    yield chain
    anvil.rpc("evm_setAutomine", True)
    chain.revert(here)


class Notes(list):
    """What is under way, as it was noted. at: what to do when so many were noted."""

    def __init__(self, **at):
        super().__init__()
        self._at = {int(key.removeprefix("on")): act for key, act in at.items()}

    def __call__(self, pending):
        self.append(pending)
        if len(self) in self._at:
            self._at[len(self)]()


def gift(value=1):
    return Letter(SOMEBODY, "0x", value)


def received(live):
    return live.balance(SOMEBODY)


def test_carry_notes_before_it_sends_and_answers_when_it_is_final(live):
    before = []
    notes = Notes(on1=lambda: before.append(live.used_nonces("pending")))
    receipt = live.carry(gift(7), note=notes)
    assert receipt.ok and received(live) == 7
    assert before == [0] and notes == [Pending(0, notes[0].fee, notes[0].tip, (receipt.hash,))]


def test_contracts_are_spoken_to_as_on_any_chain(live):
    token = live.deploy("MockToken", "USD Coin", "USDC", 6)
    assert token.mint(live.wallet.address, 5, sender=live.wallet.address).event("Transfer").value == 5
    assert token.balanceOf(live.wallet.address) == 5 and live.used_nonces() == 2


def test_confirmations_are_waited_for(live, anvil):
    live.policy = Policy(confirmations=3, deadline=1, resend=9)
    with pytest.raises(NotMined, match="goes on from there"):
        live.carry(gift(), note=(notes := Notes()))
    anvil.rpc("anvil_mine", "0x2")
    assert live.carry(gift(), notes[-1]).ok
    assert received(live) == 1


def test_refusal_before_sending_says_why_and_uses_no_nonce(live):
    token = live.deploy("MockToken", "USD Coin", "USDC", 6)
    with reverts("ERC20InsufficientBalance", live.wallet.address, 0, 5):
        token.transfer(SOMEBODY, 5)
    token.mint(live.wallet.address, 5)
    assert live.used_nonces() == 2


def test_refusal_when_it_is_mined_says_why(live, anvil):
    token = live.deploy("MockToken", "USD Coin", "USDC", 6)
    with reverts("ERC20InsufficientBalance", live.wallet.address, 0, 5):
        live.carry(Letter(token.address, token.encode("transfer", SOMEBODY, 5), gas=100_000))
    assert live.used_nonces() == 2


def test_dropped_transaction_is_sent_again(live, anvil):
    anvil.rpc("evm_setAutomine", False)

    def drop():
        anvil.rpc("anvil_dropAllTransactions")
        anvil.rpc("evm_setAutomine", True)

    notes = Notes(on2=drop)
    assert live.carry(gift(), note=notes).ok
    assert {pending.nonce for pending in notes} == {0} and received(live) == 1


def test_transaction_that_waits_is_sent_again_at_the_same_nonce_with_a_higher_fee(live, anvil):
    anvil.rpc("evm_setAutomine", False)
    notes = Notes(on3=lambda: anvil.rpc("evm_setAutomine", True))
    receipt = live.carry(gift(), note=notes)
    assert receipt.ok and received(live) == 1 and live.used_nonces() == 1
    assert {pending.nonce for pending in notes} == {0}
    for lower, higher in zip(notes, notes[1:]):
        assert higher.fee * 8 >= lower.fee * 9 and higher.tip * 8 >= lower.tip * 9
        assert set(lower.hashes) < set(higher.hashes)


def test_replacement_that_the_node_finds_underpriced_is_raised_at_once(live, anvil):
    """Somebody resumes with an older, lower price than what waits at this nonce."""
    anvil.rpc("evm_setAutomine", False)
    live.policy = Policy(confirmations=1, deadline=0.2, resend=9)
    with pytest.raises(NotMined):
        live.carry(gift(), note=(notes := Notes()))
    first = notes[0]
    live.policy = Policy(confirmations=1, deadline=5, resend=9)
    forgotten = Pending(first.nonce, first.fee, first.tip)
    mining = Timer(0.5, lambda: anvil.rpc("evm_mine"))
    again = Notes(on2=mining.start)
    assert live.carry(gift(2), forgotten, again).ok
    assert len(again) == 2 and again[-1].fee > first.fee and received(live) == 2 and live.used_nonces() == 1


def test_nonce_used_by_another_wallet_meanwhile_gives_way_to_the_next(live, anvil):
    anvil.rpc("evm_setAutomine", False)
    other = LiveChain(Rpc(anvil), Wallet.from_key(KEY), Policy(confirmations=1, deadline=5, resend=9))

    def overtake():
        other.rpc("eth_sendRawTransaction", other.signed(gift(100), Pending(0, 90 * GWEI, 90 * GWEI), 21_000)[0])
        anvil.rpc("evm_setAutomine", True)

    notes = Notes(on2=overtake)
    assert live.carry(gift(1), note=notes).ok
    assert notes[-1].nonce == 1 and received(live) == 101 and live.used_nonces() == 2


def test_run_that_died_before_it_sent_sends_at_the_nonce_that_it_noted(live):
    class Died(BaseException):
        pass

    def die():
        raise Died

    notes = Notes(on1=die)
    with pytest.raises(Died):
        live.carry(gift(), note=notes)
    assert received(live) == 0
    assert live.carry(gift(), notes[0]).hash == notes[0].hashes[0] and received(live) == 1


def test_run_that_died_after_it_sent_finds_what_it_sent(live):
    receipt = live.carry(gift(), note=(notes := Notes()))
    again = live.carry(gift(), notes[-1], more := Notes())
    assert again.hash == receipt.hash and not more and received(live) == 1


def test_sender_without_means_is_told_so(live, anvil):
    anvil.rpc("anvil_setBalance", live.wallet.address, hex(10))
    with pytest.raises(DeployError, match="cannot pay"):
        live.carry(Letter(SOMEBODY, "0x", 1, gas=21_000))


def test_only_the_wallets_own_account_is_signed_for(live, anvil):
    with pytest.raises(WalletError, match="no key of"):
        live.send(SOMEBODY, sender=SOMEBODY)
    with pytest.raises(WalletError, match="read only"):
        LiveChain(Rpc(anvil), None, AT_ONCE).send(SOMEBODY)


# A provider that limits ---------------------------------------------------------------------------------------------


def error(code, message):
    return 200, json.dumps({"jsonrpc": "2.0", "id": 1, "error": {"code": code, "message": message}}).encode()


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr("plimsoll.chain.patient.FIRST_WAIT", 0.01)


@pytest.mark.parametrize("answer", [(429, b"slow down"), error(-32005, "limit exceeded"), (503, b""), error(-32000, "rate limit hit"), error(-32000, "header not found")])
def test_provider_that_limits_the_rate_is_waited_for(anvil, quick, answer):
    told = []
    with Provider(anvil.url, [answer] * 3) as provider:
        rpc = PatientRpc(provider.url, told=told.append)
        assert rpc("eth_chainId") == hex(11155111) and provider.asked == 4
    assert len(told) == 1 and "limits the rate" in told[0]


def test_whole_transaction_through_a_provider_that_limits(anvil, live, quick):
    answers = [(429, b""), (200, None), error(-32005, "limit exceeded")] * 5
    with Provider(anvil.url, answers) as provider:
        chain = LiveChain(PatientRpc(provider.url, told=lambda words: None), live.wallet, AT_ONCE)
        assert chain.carry(gift()).ok
    assert not answers and received(live) == 1


def test_patience_ends_and_an_error_of_its_own_is_not_waited_for(anvil, quick):
    with Provider(anvil.url, [(429, b"slow down")] * 99) as provider:
        with pytest.raises(NodeRefused, match="429") as refused:
            PatientRpc(provider.url, patience=0.05, told=lambda words: None)("eth_chainId")
        assert "secret-token" not in str(refused.value)
    with Provider(anvil.url, [error(-32602, "invalid argument")]) as provider:
        with pytest.raises(NodeRefused, match="invalid argument"):
            PatientRpc(provider.url)("eth_chainId")
        assert provider.asked == 1


def test_dead_node_is_named_without_the_token_in_its_url(quick):
    with pytest.raises(NodeDead) as dead:
        PatientRpc("http://127.0.0.1:9/v3/secret-token", patience=0.02, told=lambda words: None)("eth_chainId")
    assert "127.0.0.1:9" in str(dead.value) and "secret-token" not in str(dead.value)


# Keys ---------------------------------------------------------------------------------------------------------------


def shows_no_key(error):
    said = "".join(traceback.format_exception(error)) + repr(error)
    return KEY[2:] not in said and KEY[2:20] not in said and "hunter2" not in said


@pytest.mark.parametrize("key", [KEY[:-1], KEY + "00", KEY[:-1] + "x", "0x" + "00" * 32, "0x" + "ff" * 32])
def test_wrong_key_is_refused_without_being_shown(monkeypatch, key):
    monkeypatch.setenv(wallets.KEY, key)
    with pytest.raises(WalletError, match="is no private key") as wrong:
        Wallet.from_environment()
    assert shows_no_key(wrong.value)


def test_wallet_shows_its_address_alone():
    wallet = Wallet.from_key(KEY)
    assert repr(wallet) == f"<Wallet {Account.from_key(KEY).address}>" and KEY[2:] not in str(vars(wallet))
    with pytest.raises(TypeError):
        pickle.dumps(wallet)


def test_no_key_at_all_says_where_one_goes(monkeypatch):
    monkeypatch.delenv(wallets.KEY, raising=False)
    with pytest.raises(WalletError, match="--account"):
        Wallet.from_environment()


@pytest.fixture
def keystore(tmp_path):
    """A folder with the account "me", its password hunter2."""
    quick = Account.encrypt(KEY, "hunter2", kdf="pbkdf2", iterations=2)
    (tmp_path / "me.json").write_text(json.dumps(quick))
    return tmp_path


def test_keystore_opens_with_a_password_from_a_file(keystore, monkeypatch, tmp_path):
    (tmp_path / "password").write_text("hunter2\n")
    monkeypatch.setenv(wallets.PASSWORD_FILE, str(tmp_path / "password"))
    assert Wallet.from_keystore("me", keystore).address == Account.from_key(KEY).address


def test_keystore_asks_for_its_password(keystore, monkeypatch):
    monkeypatch.delenv(wallets.PASSWORD_FILE, raising=False)
    asked = []
    monkeypatch.setattr("getpass.getpass", lambda prompt: asked.append(prompt) or "hunter2")
    assert Wallet.from_keystore("me", keystore).address == Account.from_key(KEY).address
    assert asked == ["password of the keystore account me: "]


@pytest.mark.parametrize(
    "spoil, said",
    [
        (lambda folder: (folder / "password").write_text("hunter3"), "a wrong password"),
        (lambda folder: (folder / "password").write_text(""), "a wrong password"),
        (lambda folder: (folder / "password").unlink(), "cannot be read"),
        (lambda folder: (folder / "me.json").write_text("{"), "damaged"),
        (lambda folder: (folder / "me.json").rename(folder / "you.json"), r"known: you\)"),
    ],
)
def test_keystore_that_does_not_open_says_why_and_shows_nothing(keystore, monkeypatch, spoil, said):
    (keystore / "password").write_text("hunter2")
    monkeypatch.setenv(wallets.PASSWORD_FILE, str(keystore / "password"))
    spoil(keystore)
    with pytest.raises(WalletError, match=said) as wrong:
        Wallet.from_keystore("me", keystore)
    assert shows_no_key(wrong.value)
