"""Set-up, the compiler command and the local chain, as far as they can be tried in seconds."""

import json
import os
import signal
import socket
import subprocess
from pathlib import Path

import brownie_hooks
import pytest

from plimsoll.chain import anvil as anvil_module
from plimsoll.chain.anvil import Anvil
from plimsoll.errors import AnvilDied, AnvilMissing, PortTaken
from plimsoll.toolchain import find, setup

SOLC_JS = Path(setup.__file__).with_name("solc.js")
LIBRARY = "pragma solidity 0.8.30; library Rate { function rate() internal pure returns (uint256) { return %d; } }"
CONTRACT = """pragma solidity 0.8.30;
import {Rate} from "@lib/Rate.sol";
contract Sender { function who() external view returns (address, uint256) { return (msg.sender, Rate.rate()); } }"""


def solc(folder, content=CONTRACT, others=()):
    settings = {
        "remappings": ["@lib=lib"],
        "outputSelection": {"*": {"*": ["evm.bytecode.object"], "": ["ast"]}},
    }
    sources = {name: {"content": source} for name, source in [*others, ("Sender.sol", content)]}
    text = json.dumps({"language": "Solidity", "sources": sources, "settings": settings})
    done = subprocess.run(
        ["node", SOLC_JS, "--standard-json", "--allow-paths", "lib"],
        input=text, capture_output=True, text=True, check=True, cwd=folder,
        env={**os.environ, "PLIMSOLL_SOLC_CACHE": str(folder / "cache")},
    )  # fmt: skip
    return json.loads(done.stdout)


def bytecode(output):
    return output["contracts"]["Sender.sol"]["Sender"]["evm"]["bytecode"]["object"]


def ids_of(node):
    if isinstance(node, dict):
        yield from (v for k, v in node.items() if k in ("id", "referencedDeclaration") and v is not None)
    if isinstance(node, (dict, list)):
        for child in node.values() if isinstance(node, dict) else node:
            yield from ids_of(child)


@pytest.fixture
def library(tmp_path):
    file = tmp_path / "lib" / "Rate.sol"
    file.parent.mkdir()
    file.write_text(LIBRARY % 1)
    return file


# The compiler command


def test_solc_import_from_disk_compiles_and_numbers_builtins_negative(tmp_path, library):
    output = solc(tmp_path)
    assert bytecode(output)
    ids = set(ids_of(output["sources"]["Sender.sol"]["ast"]))
    assert -15 in ids, "msg is built-in declaration -15"
    assert max(ids) < 2**31


def test_solc_cache_is_used_until_an_imported_file_changes(tmp_path, library):
    first = solc(tmp_path)
    (kept,) = (tmp_path / "cache").glob("*.json.gz")
    written = kept.stat().st_mtime_ns
    assert solc(tmp_path) == first
    assert kept.stat().st_mtime_ns == written
    library.write_text(LIBRARY % 2)
    assert bytecode(solc(tmp_path)) != bytecode(first)
    kept.write_bytes(b"cut short")
    library.write_text(LIBRARY % 1)
    assert solc(tmp_path) == first


def test_solc_cache_is_used_whatever_the_order_of_sources(tmp_path, library):
    others = [("A.sol", LIBRARY % 1), ("B.sol", LIBRARY % 2)]
    assert solc(tmp_path, others=others) == solc(tmp_path, others=others[::-1])
    assert len(list((tmp_path / "cache").glob("*.json.gz"))) == 1


@pytest.mark.parametrize(
    ("imported", "problem"),
    [("@lib/Absent.sol", "File not found"), ("{outside}", "outside of allowed directories"), ("@lib/Rate.sol", None)],
)
def test_solc_errors_are_reported_and_not_kept(tmp_path, library, imported, problem):
    (tmp_path / "Outside.sol").write_text(LIBRARY % 3)
    inside = tmp_path / "inside"
    inside.mkdir()
    library.parent.rename(inside / "lib")
    output = solc(inside, CONTRACT.replace("@lib/Rate.sol", imported.format(outside=tmp_path / "Outside.sol")))
    errors = [error["message"] for error in output.get("errors", []) if error["severity"] == "error"]
    assert (problem in errors[0]) if problem else not errors
    assert bool(list((inside / "cache").glob("*.json.gz"))) == (problem is None)


def test_solc_version_is_the_locked_one(tmp_path):
    said = subprocess.check_output([setup.ROOT / ".solc" / setup.solc_name(), "--version"], text=True)
    assert f"Version: {setup.locked_version('solc')}+commit." in said


# Finding programs


@pytest.fixture
def path_of(tmp_path, monkeypatch):
    """Makes PATH a folder with just these commands, each a shell script."""

    def make(**scripts):
        for name, script in scripts.items():
            file = tmp_path / name.replace("_", ".")
            file.write_text(f"#!/bin/sh\n{script}\n")
            file.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))

    return make


@pytest.mark.parametrize(
    ("scripts", "words"),
    [
        ({}, "no other Python"),
        ({"python3": "echo 3 8"}, "python3 is 3.8"),
        ({"python3": "echo 3 13", "python3_11": "exit 127"}, "python3 is 3.13"),
        ({"python3_11": 'case "$2" in *ensurepip*) exit 1;; *) echo 3 11;; esac'}, "apt install python3.11-venv"),
    ],
)
def test_find_python_unfit_says_what_to_install(path_of, scripts, words):
    path_of(**scripts)
    with pytest.raises(SystemExit, match=words):
        find.find_python()


@pytest.mark.parametrize(
    ("scripts", "words"),
    [
        ({}, "Node.js was not found"),
        ({"node": "echo v16.20.0", "npm": ""}, "v16.20.0 is too old"),
        ({"node": "echo v20.1.0"}, "npm was not found"),
    ],
)
def test_find_npm_unfit_says_what_to_install(path_of, scripts, words):
    path_of(**scripts)
    with pytest.raises(SystemExit, match=words):
        find.find_npm()


# Half-made environments


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An empty project folder whose long steps are noted, not run."""
    steps = []
    monkeypatch.setattr(setup, "ROOT", tmp_path)
    monkeypatch.setattr(setup, "find_python", lambda: "python3")
    monkeypatch.setattr(setup, "find_npm", lambda: "npm")
    monkeypatch.setattr(setup, "run", lambda command, advice, **variables: steps.append(str(command[1:3][-1])))
    return tmp_path, steps


def test_part_is_made_until_stamped_and_whole(project, monkeypatch):
    folder, _ = project
    for name in ("requirements.txt", "plimsoll/toolchain/setup.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("1")
    made = []

    def part():
        return setup.Part("a part", "made", ["requirements.txt"], ["proof"], lambda: made.append(1))

    def bring():
        part().bring_up_to_date()
        (folder / "made" / "proof").touch()
        return len(made)

    assert [bring(), bring()] == [1, 1]
    (folder / "requirements.txt").write_text("2")
    assert [bring(), bring()] == [2, 2]
    (folder / "made" / "proof").unlink()
    assert bring() == 3
    (folder / "made" / ".plimsoll-stamp").unlink()
    assert bring() == 4


def test_venv_unfinished_is_made_again(project, capsys):
    folder, steps = project
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / ".venv" / "leftover").touch()
    setup.make_venv()
    assert steps == ["venv", "pip"]
    assert not (folder / ".venv" / "leftover").exists()
    assert "unfinished" in capsys.readouterr().out


def test_venv_that_is_something_else_is_left_alone(project):
    folder, _ = project
    (folder / ".venv").mkdir()
    (folder / ".venv" / "thesis.txt").touch()
    with pytest.raises(SystemExit, match="Move it away"):
        setup.make_venv()
    assert (folder / ".venv" / "thesis.txt").exists()


def test_failing_step_shows_its_error_and_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(setup, "ROOT", tmp_path)
    monkeypatch.setattr(setup, "LOG", tmp_path / "log")
    with pytest.raises(SystemExit, match=r"(?s)^npm error no such host\n\n.*Check the network"):
        setup.run(["sh", "-c", "echo fine; echo npm error no such host; exit 3"], "Check the network.")


# The local chain


def test_anvil_beside_another_takes_its_own_port_and_leaves_nothing():
    with Anvil(accounts=3, chain_id=7) as first, Anvil(timestamp=1_584_000_000) as second:
        assert first.port != second.port
        assert int(first.rpc("eth_chainId"), 16) == 7
        assert len(first.rpc("eth_accounts")) == 3
        assert int(second.rpc("eth_getBlockByNumber", "latest", False)["timestamp"], 16) == 1_584_000_000
        folder = first._folder
    assert not first.alive()
    assert not folder.exists()
    first.stop()


def test_anvil_on_a_taken_port_refuses():
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        with pytest.raises(PortTaken, match="taken by another program"):
            Anvil(port=stranger.getsockname()[1]).start()


def test_anvil_dying_midway_is_named_with_its_exit_code():
    with Anvil() as chain:
        chain.check()
        os.kill(chain._process.pid, signal.SIGKILL)
        with pytest.raises(AnvilDied) as died:
            chain.rpc("eth_blockNumber")
        assert died.value.exit_code == -signal.SIGKILL
        with pytest.raises(AnvilDied):
            chain.check()


def test_anvil_with_a_wrong_flag_says_what_anvil_said():
    with pytest.raises(AnvilDied, match="unexpected argument '--nonsense'"):
        Anvil("--nonsense").start()


def test_anvil_missing_says_to_run_setup(monkeypatch, tmp_path):
    monkeypatch.setattr(anvil_module, "ANVIL", tmp_path / "anvil")
    with pytest.raises(AnvilMissing, match="make setup"):
        Anvil().start()


def test_brownie_port_taken_is_passed_over():
    first = brownie_hooks.free_port()
    with socket.create_server(("127.0.0.1", first)):
        assert brownie_hooks.free_port() > first
