"""`python -m plimsoll rehearse`: what `make deploy` and all that follows does on a testnet, on a chain of our own that plays it.

It has the testnet's chain id, blocks at an interval, Chainlink's own proxies and aggregators and the real WETH. The commands
are run as a person runs them. With --kill the deployment is ended by SIGKILL after every step and run again each time.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from plimsoll.deploy.stage import Stage, stage
from plimsoll.deploy.steps import step_names
from plimsoll.errors import DeployError
from plimsoll.scenarios.reader import show
from plimsoll.types import DAY

HELD, FAILED = 0, 1
SECONDS_PER_BLOCK = "0.2"
DELAYS = (3 * DAY + 60, 3 * DAY + 60)  # of the timelock, and of the notice
SECONDS_TO_STEP = 120


def add_rehearse(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=rehearse)
    parser.add_argument("network", nargs="?", default="sepolia", help="which network is played (default: sepolia)")
    parser.add_argument("--kill", action="store_true", help="only the deployment, killed after every step")
    parser.add_argument("--out", type=Path, default=Path("reports/rehearsal"), metavar="DIR", help="where its files go")


def rehearse(options: argparse.Namespace) -> int:
    """Returns the exit code: 0 if all went as it is due."""
    shutil.rmtree(options.out, ignore_errors=True)
    started = time.monotonic()
    with stage(options.network, options.out.resolve(), "--block-time", SECONDS_PER_BLOCK) as staged:
        show = Rehearsal(staged, options.out.resolve(), Console())
        held = show.killed() if options.kill else show.whole()
    show.say(f"rehearsed in {time.monotonic() - started:.0f} s: {'all went as it is due' if held else 'NOT as it is due'}")
    return HELD if held else FAILED


class Rehearsal:
    """records: the folder that plays deployments/."""

    def __init__(self, staged: Stage, folder: Path, console: Console) -> None:
        self._staged, self._console = staged, console
        self._records = folder / "deployments"
        self._environment = {**os.environ, **staged.environment()}

    def say(self, words: str) -> None:
        self._console.print(words, markup=False, highlight=False, soft_wrap=True)

    # The whole way

    def whole(self) -> bool:
        """Deploy, deploy again, check; lend, open, crash, liquidate; change a parameter through the timelock; pause."""
        file, text = self._staged.file, self._staged.file.read_text(encoding="utf-8")
        self._due(self._run("deploy", "--yes") == 0, "the deployment ends and is right")
        before = self._record_file.read_bytes()
        self._due(self._run("deploy", "--yes") == 0 and self._record_file.read_bytes() == before, "a second run changes nothing")
        self._due(self._run("check", quiet=True) == 0, "the check finds all right")
        self._traded()
        file.write_text(text.replace("depth: 20000,", "depth: 20000, base: 8%,", 1), encoding="utf-8")
        self._due(self._run("check", quiet=True) == 1, "another base in the file is seen by the check")
        self._due(self._run("govern", "--yes") == 0, "the change is announced")
        for what, delay in zip(("executed", "applied"), DELAYS):
            self._later(delay)
            self._due(self._run("govern", "--yes") == 0, f"the change is {what} after its time")
        self._due(self._run("check", quiet=True) == 0, "the chain has what the file says")
        self._due(self._run("pause", "ETH", "--yes") == 0, "the guardian pauses")
        self._due(self._run("check", quiet=True) == 1, "which the check sees")
        return True

    def _traded(self) -> None:
        """What a person does at the deployment; one person is everybody."""
        who, eth = self._staged.wallet.address, self._staged.feeds["ETH"]
        for words in (
            ("mint", "USDC", "500000"),
            ("provide", "400000"),
            ("deposit", "USDC", "10000", "--sub", "1"),
            ("open", "ETH", show(9 * 10**4 * 10**8 * 10**9 // eth.proxy.latestRoundData()[1], 9), "--sub", "1"),
        ):
            self._due(self._run(*words, "--yes") == 0, f"{words[0]} is done")
        self._due(self._run("liquidate", who, "--sub", "1", "--yes", quiet=True) == 1, "nobody above his line is liquidated")
        eth.answer(eth.proxy.latestRoundData()[1] * 95 // 100)
        self._due(self._run("liquidate", who, "--sub", "1", "--yes") == 0, "after a crash he is liquidated")
        self._due(self._run("account", "--of", who, "--sub", "1") == 0, "what is left is shown")
        self._due(self._run("status") == 0, "markets and pool are shown")

    def _later(self, seconds: int) -> None:
        """Days pass, and feeds answer meanwhile."""
        rpc = self._staged.anvil.rpc
        rpc("evm_increaseTime", seconds)
        rpc("evm_mine")
        for feed in self._staged.feeds.values():
            feed.answer(feed.proxy.latestRoundData()[1])

    # Killed after every step

    def killed(self) -> bool:
        """Once undisturbed; then, from the same state, with a SIGKILL after each step."""
        rpc = self._staged.anvil.rpc
        here = rpc("evm_snapshot")
        self._due(self._run("deploy", "--yes", "--confirmations", "1", quiet=True) == 0, "an undisturbed deployment ends")
        undisturbed, sent = self._outcome(), self._nonce()
        self._due(bool(rpc("evm_revert", here)), "back to the beginning")
        shutil.rmtree(self._records)
        names = step_names(self._staged.network, self._staged.network.roles_of(self._staged.wallet.address))
        while (done := len(self._steps())) < len(names):
            self._kill_after(done + 1)
            self.say(f"killed when {len(self._steps())} of {len(names)} steps were recorded, under way: {self._under_way()}")
        self._due(self._run("deploy", "--yes", "--confirmations", "1", quiet=True) == 0, "the last run ends")
        self._due(self._outcome() == undisturbed, "the same addresses, arguments and code as undisturbed")
        self._due(self._nonce() == sent == len(names), f"{sent} transactions for {len(names)} steps: none was done twice")
        return True

    def _kill_after(self, steps: int) -> None:
        """SIGKILL as soon as so many steps are recorded."""
        with subprocess.Popen(self._command("deploy", "--yes", "--confirmations", "1"), env=self._environment, stdout=subprocess.DEVNULL) as run:
            deadline = time.monotonic() + SECONDS_TO_STEP
            while run.poll() is None and len(self._steps()) < steps:
                if time.monotonic() > deadline:
                    run.kill()
                    raise DeployError(f"step {steps} was not recorded in {SECONDS_TO_STEP} s")
                time.sleep(0.002)
            run.kill()

    def _outcome(self) -> dict[str, Any]:
        """What must be the same, whatever happened on the way."""
        kept = ("contract", "address", "arguments", "encoded_arguments", "code_hash")
        return {name: {key: step.get(key) for key in kept} for name, step in self._steps().items()}

    def _steps(self) -> dict[str, dict[str, Any]]:
        return dict(self._record().get("steps", {}))

    def _under_way(self) -> str:
        return str(self._record().get("pending", {}).get("step", "nothing"))

    def _record(self) -> dict[str, Any]:
        if not self._record_file.exists():
            return {}
        told: dict[str, Any] = json.loads(self._record_file.read_text(encoding="utf-8"))
        return told

    @property
    def _record_file(self) -> Path:
        return self._records / f"{self._staged.network.name}.json"

    def _nonce(self) -> int:
        return int(self._staged.anvil.rpc("eth_getTransactionCount", self._staged.wallet.address, "latest"), 16)

    # Commands

    def _command(self, verb: str, *arguments: str) -> list[str]:
        command = [sys.executable, "-m", "plimsoll", verb, str(self._staged.file), *arguments]
        return [*command, "--records", str(self._records)]

    def _run(self, *words: str, quiet: bool = False) -> int:
        """As a person would; returns the exit code."""
        self.say(f"\n$ python -m plimsoll {_spoken(words, self._staged.network.name)}")
        done = subprocess.run(self._command(*words), env=self._environment, text=True, stdout=subprocess.PIPE if quiet else None)
        if quiet:
            lines = [line for line in done.stdout.splitlines() if line.endswith(("wrong", "right"))]
            self.say("\n".join([*(line for line in lines if line.endswith("wrong")), *lines[-1:]]))
        return done.returncode

    def _due(self, held: bool, what: str) -> None:
        self.say(f"{'as it is due' if held else 'NOT AS IT IS DUE'}: {what}")
        if not held:
            raise DeployError(f"the rehearsal stops: {what}: this did not come true")


def _spoken(words: Sequence[str], network: str) -> str:
    return " ".join((words[0], network, *words[1:]))
