"""Starts a local chain: one Anvil process of our own, on a port of its own, gone without trace when stopped.

    with Anvil(accounts=30, timestamp=1_583_971_200) as anvil:
        web3 = Web3(Web3.HTTPProvider(anvil.url))

The kernel chooses the port while Anvil binds it (`--port 0`) and Anvil's own log says which: there is no moment in which
another node could answer in its place, and nothing that was running before is used or ended.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from plimsoll.errors import AnvilDied, AnvilMissing, PortTaken

ANVIL = Path(__file__).resolve().parents[2] / ".venv" / "bin" / "anvil"
SECONDS_TO_START, SECONDS_TO_STOP = 30, 5
LINES_OF_LOG = 12
PR_SET_PDEATHSIG = 1  # linux/prctl.h
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


class Anvil:
    """A chain at `url`. Use it as a context manager, or `start()` and `stop()` it.

    accounts: unlocked, with 10,000 ether each. timestamp: of the genesis block, in seconds. port: 0 takes a free one; any
    other is taken only if nobody answers there (`PortTaken`). flags: further flags of the anvil command.
    """

    HISTORY: tuple[str, ...] = ("--prune-history",)  # states of old blocks would fill the disk

    def __init__(
        self,
        *flags: str,
        accounts: int = 20,
        chain_id: int = 31337,
        hardfork: str = "cancun",
        timestamp: int | None = None,
        port: int = 0,
    ) -> None:
        self.port = port
        self._flags = ["--accounts", accounts, "--chain-id", chain_id, "--hardfork", hardfork, *flags]
        self._flags += [] if timestamp is None else ["--timestamp", timestamp]
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: Path | None = None
        self._last_words = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Anvil:
        """Returns once our own process answers. Raises AnvilMissing, PortTaken or AnvilDied."""
        if self.port and _answers(self.port):
            raise PortTaken(self.port)
        self._folder = Path(tempfile.mkdtemp(prefix="plimsoll-anvil-"))
        atexit.register(self.stop)
        try:
            self._process = self._launch()
            self.port = self._wait_for_port()
            self.rpc("anvil_setLoggingEnabled", False)  # the log would grow by a line per request
        except BaseException:
            self.stop()
            raise
        return self

    def _launch(self) -> subprocess.Popen[bytes]:
        # No base fee: a transaction may state a gas price of 0. A folder for state: the default in the home is never
        # emptied. No size limit: a batch may be large.
        flags = ["--port", self.port, "--block-base-fee-per-gas", 0, "--cache-path", self._folder]
        flags += ["--no-request-size-limit", *self.HISTORY, *self._flags]
        with self._log.open("wb") as log:
            try:
                # A session of its own: Ctrl-C reaches us alone, and we stop Anvil after our own clean-up.
                return subprocess.Popen(
                    [str(ANVIL), *map(str, flags)],
                    stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
                    preexec_fn=die_with_parent,
                )  # fmt: skip
            except OSError as error:
                raise AnvilMissing(str(ANVIL), str(error.strerror)) from error

    def _wait_for_port(self) -> int:
        deadline = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < deadline:
            text = self._log.read_text(errors="replace")
            if found := re.search(r"Listening on 127\.0\.0\.1:(\d+)", text):
                return int(found[1])
            if not self.alive():
                if self.port and "in use" in text:
                    raise PortTaken(self.port)
                self.check()
            time.sleep(0.01)
        raise AnvilDied(None, f"it said nothing for {SECONDS_TO_START} s")

    def rpc(self, method: str, *params: Any) -> Any:
        """The result of one JSON-RPC call. Raises AnvilDied when the process is gone, ValueError on an error reply."""
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        request = urllib.request.Request(self.url, body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=30) as reply:
                answer = json.load(reply)
        except OSError:
            time.sleep(0.05)  # a dying process closes its socket a moment before it can be waited for
            self.check()
            raise
        if "error" in answer:
            raise ValueError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def check(self) -> None:
        """Raises AnvilDied, with its exit code and last words, unless the process runs."""
        if not self.alive():
            raise AnvilDied(self._process.returncode if self._process else None, self._tail())

    def stop(self) -> None:
        """Ends our own child and removes its files. Does nothing the second time."""
        atexit.unregister(self.stop)
        if self.alive():
            assert self._process is not None
            self._process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(SECONDS_TO_STOP)
            self._process.kill()
            self._process.wait()
        if self._folder is not None:
            self._last_words = self._tail()
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    @property
    def _log(self) -> Path:
        assert self._folder is not None
        return self._folder / "log"

    def _tail(self) -> str:
        if self._folder is None or not self._log.exists():
            return self._last_words
        said = self._log.read_text(errors="replace").split("Listening on", 1)[-1].strip()
        return "\n".join(said.splitlines()[-LINES_OF_LOG:])

    def __enter__(self) -> Anvil:
        return self.start()

    def __exit__(self, *exception: object) -> None:
        self.stop()


def die_with_parent() -> None:
    """Whoever is killed leaves no chain behind (where the system is Linux; elsewhere only who ends by himself)."""
    if _LIBC is not None:
        _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
