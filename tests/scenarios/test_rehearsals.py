"""The command as a user meets it: his own CSV, wrong input, Ctrl-C, a chain that dies. Each in a process of its own."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.model.stated_world import SMALL
from tests.model.test_csv_prices import HEAD, ROWS

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 120


def command(*arguments):
    return [sys.executable, "-m", "plimsoll", "scenario", *map(str, arguments)]


def environment():
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "COLUMNS": "200"}


def run(folder, *arguments):
    return subprocess.run(
        command(*arguments), cwd=folder, env=environment(), capture_output=True, text=True, timeout=SECONDS
    )


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "small.yaml").write_text(SMALL)
    return tmp_path


@pytest.fixture
def start(folder):
    """Starts the long scenario and returns once its first event is said: (process, what it said so far)."""
    processes = []

    def starting():
        process = subprocess.Popen(
            command("run", "black_thursday"), cwd=folder, env=environment(), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
            # Whoever started these tests in the background of a script has had Ctrl-C ignored, for all its children.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip
        processes.append(process)
        for line in process.stdout:
            if "deposits USDC" in line:
                return process
        raise AssertionError(f"it ended with {process.wait()} before its first deposit")

    yield starting
    for process in processes:
        process.kill()
        process.wait()


def children(process):
    """The chain's process, while it runs."""
    found = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [int(pid) for pid in found if "anvil" in Path(f"/proc/{pid}/cmdline").read_text()]


def gone(pid):
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if not Path(f"/proc/{pid}").exists():
            return True
        time.sleep(0.05)
    return False


def test_users_own_csv_is_played(folder):
    (folder / "own.csv").write_text("\ufeff" + HEAD + "\n".join(ROWS))
    done = run(folder, "run", "small.yaml", "--prices", "own.csv", "--report", "mine")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "expectations not judged" in done.stdout
    assert (folder / "mine/index.html").is_file()


WRONG = {
    "milliseconds": (["small.yaml", "--prices", "bad.csv"], HEAD + ROWS[0].replace("00,2", "00000,2"), "bad.csv, line 2"),
    "duplicate": (["small.yaml", "--prices", "bad.csv"], HEAD + ROWS[0] + "\n" + ROWS[0], "bad.csv, line 3"),
    "gap": (["small.yaml", "--prices", "bad.csv"], HEAD + "\n".join([*ROWS, "1584003600,1,1,1,1"]), "6 bar(s) missing"),
    "no such file": (["small.yaml", "--prices", "none.csv"], "", "none.csv, line 1: cannot be read"),
    "unknown feed": (["small.yaml", "--prices", "SOL=bad.csv"], "", 'there is no feed "SOL"'),
    "unknown scenario": (["white_friday"], "", "shipped are: black_thursday"),
}


@pytest.mark.parametrize("arguments, text, message", WRONG.values(), ids=WRONG.keys())
def test_wrong_input_is_one_clear_message(folder, arguments, text, message):
    (folder / "bad.csv").write_text(text)
    done = run(folder, "run", *arguments)
    assert done.returncode == 2 and message in done.stderr
    assert "Traceback" not in done.stderr and len(done.stderr.splitlines()) == 1
    assert not (folder / "reports").exists()


def test_unknown_instrument_names_line_and_field(folder):
    (folder / "bad.yaml").write_text(SMALL.replace("open: {ETH: 5x}", "open: {SOL: 5x}"))
    done = run(folder, "run", "bad.yaml")
    assert done.returncode == 2
    assert 'bad.yaml, line 13, actors.ann.open.SOL: unknown instrument "SOL"; expected one of: ETH' in done.stderr


def test_world_against_the_listing_rule_is_refused_by_the_contracts(folder):
    (folder / "bad.yaml").write_text(SMALL.replace("base: 6%", "base: 2%"))
    done = run(folder, "run", "bad.yaml")
    assert done.returncode == 2 and "the protocol refuses this world: InvalidParameter" in done.stderr


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_run_stops_its_chain_and_keeps_its_report(folder, start, how):
    process = start()
    (chain,) = children(process)
    process.send_signal(how)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 130 and "Interrupted." in said and "Traceback" not in said
    assert gone(chain)
    assert "Interrupted." in (folder / "reports/black_thursday/index.html").read_text()


def test_chain_that_dies_is_named_and_the_report_kept(folder, start):
    process = start()
    (chain,) = children(process)
    os.kill(chain, signal.SIGKILL)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 3 and "Anvil ended by itself" in said and "Traceback" not in said
    assert "Interrupted." in (folder / "reports/black_thursday/index.html").read_text()
