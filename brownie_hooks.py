"""Brownie imports this file whenever it loads the project, before it compiles or connects.

So `brownie …`, `pytest` and every xdist worker find the project's compiler and chain without variables to export and
without a change to the user's ~/.brownie. The development network is defined here, not looked up there: an older
Brownie left Ganache under that name, which has no transient storage. Brownie attaches to whatever answers on the port
of a development network; a port that answers is not ours, so every process takes a free one.
"""

import os
import socket
import sys
from pathlib import Path

from brownie._config import CONFIG

ROOT = Path(__file__).resolve().parent
SOLC_FOLDER = ROOT / ".solc"
TOOLS = ROOT / ".venv" / "bin"
WITH_TRACES = {"-C", "--coverage", "-I", "--interactive", "-R", "--revert-tb"}
FIRST_PORT, PORTS_EACH, PROCESSES = 20_000, 10, 1_000


def free_port() -> int:
    """A port of 127.0.0.1 on which nothing listens.

    Each process starts at its own place, below the ports that systems give to outgoing connections, so that workers
    started together do not choose the same one.
    """
    first = FIRST_PORT + os.getpid() % PROCESSES * PORTS_EACH
    for port in range(first, FIRST_PORT + 2 * PORTS_EACH * PROCESSES):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError("no free port between 20000 and 40000: stop some local servers and try again")


def development_network() -> dict:
    # Brownie adds the number of the xdist worker to the port; the free port is the one after that addition.
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    # Pruned: otherwise Anvil writes the state of every block to the user's home and leaves it there when Brownie kills it.
    return {
        "name": "Anvil",
        "id": "development",
        "cmd": "anvil --prune-history",
        "host": "http://127.0.0.1",
        "cmd_settings": {"port": free_port() - worker, "steps_tracing": wants_traces()},
    }


def wants_traces() -> bool:
    """Whether traces, call traces and coverage are asked for: Anvil must then keep every step of every transaction."""
    if CONFIG.argv["cli"] in ("console", "run") or not WITH_TRACES.isdisjoint(sys.argv):
        os.environ["PLIMSOLL_TRACES"] = "1"  # xdist workers do not see the command line, but inherit this
    return "PLIMSOLL_TRACES" in os.environ


os.environ["SOLCX_BINARY_PATH"] = str(SOLC_FOLDER)
os.environ["PATH"] = f"{TOOLS}{os.pathsep}{os.environ.get('PATH', '')}"
CONFIG.networks["development"] = development_network()
