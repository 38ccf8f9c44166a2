"""`govern` and `pause`: the chain follows the network file through the timelock, and nobody goes around it."""

import pytest

from plimsoll import cli
from plimsoll.chain.wallet import KEY
from plimsoll.types import DAY
from tests.integration.deployed import deployed

STRANGERS_KEY = "0x" + "bad0" * 16


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    with deployed(tmp_path_factory.mktemp("deployed")) as found:
        yield found


@pytest.fixture
def staged(made, monkeypatch):
    staged, _ = made
    here, text = staged.chain.snapshot(), staged.file.read_text()
    for name, value in staged.environment().items():
        monkeypatch.setenv(name, value)
    yield staged
    staged.file.write_text(text)
    staged.chain.revert(here)


@pytest.fixture
def run(made, staged, capsys):
    def running(command, *arguments):
        words = [command, str(staged.file), *arguments, "--records", str(made[1].path.parent)]
        code = cli.main(words if command == "check" else [*words, "--confirmations", "1"])
        said = capsys.readouterr()
        return code, said.out + said.err

    return running


@pytest.fixture
def write(staged):
    def writing(old, new):
        text = staged.file.read_text()
        assert old in text
        staged.file.write_text(text.replace(old, new, 1))

    return writing


def later(staged, seconds):
    staged.chain.advance(seconds)
    for feed in staged.feeds.values():
        feed.answer(feed.proxy.latestRoundData()[1])


def nonce(staged):
    return int(staged.chain.rpc("eth_getTransactionCount", staged.wallet.address, "latest"), 16)


def test_nothing_is_done_where_nothing_differs(run, staged):
    before = nonce(staged)
    code, said = run("govern", "--yes")
    assert code == cli.HELD and "nothing is to be done" in said and nonce(staged) == before


def test_what_moves_maintenance_is_announced_executed_and_applied_each_in_its_time(run, staged, write):
    write("depth: 20000,", "depth: 20000, base: 8%,")
    for todo, wait in (("announce", "wait for the delay until"), ("execute", "wait for the notice until"), ("apply", None)):
        code, said = run("govern", "--yes")
        assert code == cli.HELD and f"list the instrument ETH: {todo}" in said and "baseE6: 60000 → 80000" in said
        if wait:
            assert f"list the instrument ETH: {wait} 20" in run("govern", "--yes")[1]
            later(staged, 3 * DAY)
    assert run("check")[0] == cli.HELD


def test_market_of_the_pool_changes_when_it_is_executed_and_back_and_forth_again(run, staged, write):
    """The second time it is the same call, and another operation."""
    for old, new in ((0.5, 0.6), (0.6, 0.5), (0.5, 0.6)):
        write(f"spread: {old}%", f"spread: {new}%")
        assert "open the pool's market ETH: announce" in run("govern", "--yes")[1]
        later(staged, 3 * DAY)
        assert "execute: open the pool's market ETH: 0x" in run("govern", "--yes")[1]
        assert run("check")[0] == cli.HELD


def test_collateral_waits_its_notice_and_its_cap_does_not(run, staged, write):
    write("cap: 100000", "haircut: 12%, cap: 90000")
    run("govern", "--yes")
    later(staged, 3 * DAY)
    assert "execute: list the collateral WETH" in run("govern", "--yes")[1]
    said = run("govern", "--yes")[1]
    assert "wait for the notice" in said and "haircutE6: 100000 → 120000" in said and "cap:" not in said
    later(staged, 3 * DAY)
    assert run("govern", "--yes")[0] == cli.HELD and run("check")[0] == cli.HELD


def test_only_the_governor_announces_and_anyone_executes(run, staged, write, monkeypatch):
    write("spread: 0.5%", "spread: 0.6%")
    stranger(staged, monkeypatch)
    code, said = run("govern", "--yes")
    assert code == cli.BAD_INPUT and f"only the governor {staged.wallet.address} announces" in said
    monkeypatch.setenv(KEY, staged.environment()[KEY])
    run("govern", "--yes")
    later(staged, 3 * DAY)
    stranger(staged, monkeypatch)
    assert "execute: open the pool's market ETH: 0x" in run("govern", "--yes")[1]


def stranger(staged, monkeypatch):
    from plimsoll.chain.wallet import Wallet

    staged.chain.rpc("anvil_setBalance", Wallet.from_key(STRANGERS_KEY).address, hex(10**18))
    monkeypatch.setenv(KEY, STRANGERS_KEY)


def test_change_is_shown_and_no_sends_nothing(run, staged, write, monkeypatch):
    write("spread: 0.5%", "spread: 0.6%")
    before = nonce(staged)
    monkeypatch.setattr("builtins.input", lambda *prompt: "n")
    code, said = run("govern")
    assert code == cli.FAILED and "spreadE6: 5000 → 6000" in said and "Nothing was sent." in said and nonce(staged) == before


def test_token_that_is_not_there_is_refused(run, staged, write):
    write("collaterals:\n", f"collaterals:\n  NEW: {{token: 0x{'12' * 20}, decimals: 18, feed: ETH}}\n")
    code, said = run("govern", "--yes")
    assert code == cli.BAD_INPUT and f"nothing lies at 0x{'12' * 20}" in said


def test_guardian_pauses_what_is_named_or_all(run, staged):
    assert "make ETH reduce-only: 0x" in run("pause", "ETH", "--yes")[1]
    assert "engine.instrumentConfig(0).reduceOnly" in run("check")[1]
    code, said = run("pause", "--yes")
    assert code == cli.HELD and "make BTC reduce-only: 0x" in said and "make ETH" not in said
    assert "reduce-only already" in run("pause", "--yes")[1]


def test_pause_by_another_or_of_nothing_is_refused(run, staged, monkeypatch):
    code, said = run("pause", "DOGE", "--yes")
    assert code == cli.BAD_INPUT and "there is no instrument DOGE; there are: ETH, BTC" in said
    stranger(staged, monkeypatch)
    code, said = run("pause", "--yes")
    assert code == cli.BAD_INPUT and f"only the guardian {staged.wallet.address} pauses" in said
