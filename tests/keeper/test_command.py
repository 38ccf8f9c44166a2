"""`python -m plimsoll keeper` as a person or a supervisor runs it: bad input is one line, signals lose nothing, somebody can look."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from urllib.error import HTTPError

import pytest
from rich.console import Console

from plimsoll import cli, keeping
from plimsoll.chain.deployment import Deployment
from plimsoll.chain.lookout import Lookout
from plimsoll.chain.node import Chain
from plimsoll.chain.standard import POOL_SUPPLY, standard_world
from plimsoll.chain.wallet import Wallet
from plimsoll.errors import KeeperError, PortTaken
from plimsoll.keeper.act import Options
from plimsoll.keeper.journal import Journal
from plimsoll.keeper.metrics import MetricsServer
from plimsoll.keeper.run import Keeper
from plimsoll.keeper.screen import Screen
from plimsoll.keeper.store import Store
from plimsoll.soaking import LastingAnvil
from plimsoll.types import USDC, WAD
from tests.integration.deployed import deployed

ROOT = Path(__file__).resolve().parents[2]
KEY = "0x" + "c0ffee" * 10 + "abcd"
SOMEWHERE = "0x" + "11" * 20


@pytest.fixture(scope="module")
def anvil():
    with LastingAnvil() as anvil:
        anvil.rpc("anvil_setBalance", Wallet.from_key(KEY).address, hex(10**19))
        yield anvil


@pytest.fixture(scope="module")
def made(anvil):
    """One account below its line."""
    made = Deployment.deploy(Chain(anvil, seconds_per_block=0), standard_world())
    made.provide(made.chain.accounts[5], POOL_SUPPLY)
    owner = made.chain.accounts[6]
    account = made.account(owner)
    made.give(owner, "USDC", 200 * USDC)
    made.settlement.approve(made.engine, 200 * USDC, sender=owner)
    made.engine.deposit(account, made.settlement, 200 * USDC, 0, sender=owner)
    made.engine.setOperator(account, made.pool, 1, sender=owner)
    made.pool.trade(account, 0, 10**9, 2**255, 2**40, sender=owner)
    made.set_price("ETH", 1_880 * WAD)
    return made


@pytest.fixture
def keeper(anvil, made, tmp_path):
    port = Lookout(anvil.url, made.lens.address)
    store = Store(f"sqlite:///{tmp_path}/keeper.db", port.identity)
    yield Keeper(port, store, Options(dry=True), Journal(None))
    store.close()


def said(capsys, *words):
    code = cli.main(["keeper", "run", *words])
    return code, " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    "words, problem",
    [
        ((), "which deployment? name a network, or give --url and --lens"),
        (("--url", "http://127.0.0.1:9"), "which deployment?"),
        (("sepolia", "--url", "http://127.0.0.1:9"), "not both"),
        (("nowhere",), "there is no such network"),
        (("--url", "ftp://host", "--lens", SOMEWHERE), "--url ftp://host is no http URL"),
        (("--url", "http://127.0.0.1:9", "--lens", "0x12"), "--lens 0x12 is no address"),
    ],
)
def test_wrong_deployment_is_one_clear_line(capsys, words, problem):
    code, text = said(capsys, "--dry-run", *words)
    assert code == 2 and problem in text


@pytest.mark.parametrize(
    "words, problem",
    [
        (("--upkeep", "much"), "--upkeep much is no amount such as 2.50"),
        (("--ether", "DOGE"), "which feed prices gas? name it with --ether (ETH / USD, BTC / USD)"),
        (("--store", "nonsense"), "give another one with --store"),
        (("--on-alert", "'"), "is no command"),
        (("--log", "/no/such/folder/log"), "cannot be written"),
    ],
)
def test_wrong_option_is_one_clear_line(capsys, anvil, made, words, problem, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, text = said(capsys, "--dry-run", "--url", anvil.url, "--lens", made.lens.address, *words)
    assert code == 2 and problem in text


@pytest.mark.parametrize(
    "name, word, problem",
    [
        ("--taker", "-1", "-1: from 0 to 79228162514264337593543950335"),
        ("--batch", "0", "0: from 1 on"),
        ("--metrics", "70000", "70000: from 0 to 65535"),
        ("--confirmations", "0", "0: from 1 on"),
        ("--pause", "nan", "nan: from 0.01 on"),
        ("--resend", "soon", "soon is no number"),
    ],
)
def test_number_out_of_range_is_one_clear_line(capsys, name, word, problem):
    with pytest.raises(SystemExit) as ended:
        cli.main(["keeper", "run", f"{name}={word}"])
    assert ended.value.code == 2 and f"argument {name}: {problem}" in capsys.readouterr().err


def test_address_without_a_lens_is_told(capsys, anvil):
    code, text = said(capsys, "--dry-run", "--url", anvil.url, "--lens", SOMEWHERE)
    assert code == 2 and "there is no MarginLens at" in text


def test_no_key_and_no_dry_run_is_told(capsys, anvil, made, monkeypatch):
    monkeypatch.delenv("PLIMSOLL_PRIVATE_KEY", raising=False)
    code, text = said(capsys, "--url", anvil.url, "--lens", made.lens.address)
    assert code == 2 and "PLIMSOLL_PRIVATE_KEY" in text


def test_dead_node_is_waited_for_and_then_told(capsys, monkeypatch):
    monkeypatch.setattr(keeping, "SECONDS_OF_PATIENCE", 1.5)
    code, text = said(capsys, "--dry-run", "--url", "http://127.0.0.1:9/secret", "--lens", SOMEWHERE)
    assert code == 3 and "waiting for the node" in text and "does not answer" in text and "secret" not in text


def test_busy_port_is_told(capsys, anvil, made, keeper, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken):
            MetricsServer(keeper, port)
        where = ("--store", f"sqlite:///{tmp_path}/other.db", "--metrics", str(port))
        code, text = said(capsys, "--dry-run", "--url", anvil.url, "--lens", made.lens.address, *where)
        assert code == 3 and f"Port {port} is taken" in text


def get(server, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}") as reply:
            return reply.status, reply.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


def test_metrics_and_health(keeper):
    server = MetricsServer(keeper, 0)
    assert get(server, "/healthz")[0] == 503
    keeper.round()
    keeper.sight.good_at = time.monotonic()
    status, text = get(server, "/metrics")
    assert status == 200 and "plimsoll_keeper_below_line 1.0" in text
    assert 'plimsoll_keeper_price{feed="ETH / USD"} 1880.0' in text and 'plimsoll_keeper_events_total{what="would send"} 1.0' in text
    assert get(server, "/healthz")[0] == 200 and get(server, "/")[0] == 404
    keeper.sight.good_at -= 1_000
    status, text = get(server, "/healthz")
    assert status == 503 and json.loads(text)["seconds_since_round"] > 60
    keeper.sight.good_at, keeper.sight.block_at = time.monotonic(), time.monotonic() - 1_000
    assert get(server, "/healthz")[0] == 503
    keeper.round()
    assert keeper.journal.last[-1]["reason"] == "no new block"
    server.close()


def test_screen_shows_accounts_prices_actions_and_totals(keeper):
    console = Console(width=200, record=True, file=open(os.devnull, "w"))
    screen = Screen(keeper, console)
    console.print(*screen.parts())
    assert "catching up" in console.export_text()
    keeper.round()
    console.print(*screen.parts())
    text = console.export_text()
    for words in ("1 below the line", "dry run", "ETH / USD", "1,880.00 (+0.0 %)", "would send", "earned 0.00"):
        assert words in text


def test_alert_calls_its_command_with_the_line_and_not_twice_for_one_reason(tmp_path):
    file = tmp_path / "alerts"
    journal = Journal(None, f"{sys.executable} -c \"import sys; open('{file}', 'a').write(sys.stdin.read() + chr(10))\"")
    for _ in range(3):
        journal.alert("stuck", accounts=2)
    deadline = time.monotonic() + 10
    while not (file.exists() and file.read_text().endswith("\n")) and time.monotonic() < deadline:
        time.sleep(0.01)
    [line] = map(json.loads, file.read_text().splitlines())
    assert line["what"] == "alert" and line["reason"] == "stuck" and line["accounts"] == 2


def test_alert_whose_command_is_missing_is_noted_and_hurts_nobody():
    journal = Journal(None, "/no/such/command now")
    journal.alert("stuck")
    assert journal.last[-1]["what"] == "no alert"
    with pytest.raises(KeeperError, match="is no command"):
        Journal(None, "'")


def test_process_liquidates_logs_and_ends_well_when_it_is_told_to(anvil, made, tmp_path):
    log, url = tmp_path / "log", f"sqlite:///{tmp_path}/keeper.db"
    command = [sys.executable, "-m", "plimsoll", "keeper", "run", "--url", anvil.url, "--lens", made.lens.address, "--store", url]
    command += ["--log", str(log), "--confirmations", "1", "--pause", "0.1", "--metrics", "0", "--upkeep", "0"]
    with subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PLIMSOLL_PRIVATE_KEY": KEY}, stderr=subprocess.PIPE, text=True) as run:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and run.poll() is None and '"done"' not in (log.read_text() if log.exists() else ""):
            time.sleep(0.05)
        run.send_signal(signal.SIGTERM)
        errors = run.communicate(timeout=20)[1]
    assert run.returncode == 0, errors
    told = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["what"] for line in told] == ["started", "sent", "liquidated", "done", "stopped"] and "metrics at http://" in errors
    assert KEY[2:] not in log.read_text() + errors


def test_network_is_run_by_its_name_from_the_block_of_its_engine(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(Keeper, "run", lambda self, wait, shown: seen.append((self, self.round())))
    monkeypatch.chdir(tmp_path)
    with deployed(tmp_path) as (staged, record):
        for name, value in staged.environment().items():
            monkeypatch.setenv(name, value)
        assert cli.main(["keeper", "run", str(staged.file), "--records", str(tmp_path), "--dry-run"]) == 0
    [(keeper, _)] = seen
    assert keeper.options.first_block == record.steps["engine"]["block"] > 0 and keeper.names[0] == "ETH / USD"
    assert keeper.options.ether == 0 and (tmp_path / "keeper-sepolia.db").exists()
    assert keeper.judge.interest.rate == staged.network.world.debt.interest_e9
