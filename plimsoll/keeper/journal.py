"""What happened, one JSON object a line; and the command that is called when a person should look.

    {"at": "2026-01-01T00:00:00.000Z", "what": "sent", "nonce": 7, …}

An alert is such a line too. Its command gets the line on its standard input, is never waited for, and is not called again for
the same reason within ten minutes.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import time
from collections import Counter, deque
from datetime import datetime, timezone
from typing import Any, TextIO

from plimsoll.errors import KeeperError

SECONDS_BETWEEN_ALERTS = 600.0
LINES_KEPT = 12
QUIET = ("round",)  # written, but not shown


class Journal:
    """file: where lines go; None for nowhere. command: of alerts. Raises KeeperError where the command cannot be read."""

    def __init__(self, file: TextIO | None, command: str | None = None) -> None:
        self._file, self._alerted = file, dict[str, float]()
        self.last: deque[dict[str, Any]] = deque(maxlen=LINES_KEPT)
        self.counts: Counter[str] = Counter()
        self._calls: list[subprocess.Popen[bytes]] = []
        try:
            self._command = shlex.split(command) if command else []
        except ValueError as problem:
            raise KeeperError(f"--on-alert {command!r} is no command: {problem}") from None

    def note(self, what: str, **facts: Any) -> None:
        """Addresses and accounts are hex, money is in units."""
        now = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = {"at": now, "what": what, **facts}
        self.counts[what] += 1
        if what not in QUIET:
            self.last.append(line)
        if self._file is not None:
            self._file.write(json.dumps(line) + "\n")
            self._file.flush()

    def alert(self, reason: str, **facts: Any) -> None:
        """Something that a person should look at."""
        now = time.monotonic()
        if now - self._alerted.get(reason, -SECONDS_BETWEEN_ALERTS) < SECONDS_BETWEEN_ALERTS:
            return
        self._alerted[reason] = now
        self.note("alert", reason=reason, **facts)
        if self._command:
            self._call(json.dumps(self.last[-1]))

    def _call(self, line: str) -> None:
        self._calls = [call for call in self._calls if call.poll() is None]
        try:
            call = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        except OSError as problem:
            self.note("no alert", command=self._command[0], problem=str(problem))
            return
        self._calls.append(call)
        assert call.stdin is not None
        try:
            call.stdin.write(line.encode())
            call.stdin.close()
        except OSError:  # it ended before it read
            pass


def hexed(account: int) -> str:
    """An account as it is written: 0x and 64 digits."""
    return f"0x{account:064x}"
