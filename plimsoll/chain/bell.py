"""Rings when there is a new block: by WebSocket where a node has one, else after a pause. Only a wake-up: what a block holds is
asked for over HTTP, so a message that is lost, late or wrong costs a pause."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable

from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
SECONDS_OF_SILENCE = 60.0  # then the connection is made anew


class Bell:
    """url: ws:// or wss://; None only ever pauses. told: called with what went wrong, once a trouble."""

    def __init__(self, url: str | None = None, told: Callable[[str], None] = lambda words: None) -> None:
        self._url, self._told, self._rung, self._over = url, told, threading.Event(), threading.Event()
        self.heard = 0
        if url is not None:
            threading.Thread(target=self._listen, name="bell", daemon=True).start()

    def ring(self) -> None:
        self._rung.set()

    def wait(self, seconds: float) -> None:
        """Returns when it rang since the last call, or after so many seconds."""
        self._rung.wait(seconds)
        self._rung.clear()

    def close(self) -> None:
        self._over.set()

    def _listen(self) -> None:
        pause = FIRST_PAUSE
        while not self._over.is_set():
            before = self.heard
            try:
                self._hear()
            except (OSError, WebSocketException, ValueError) as problem:
                if self.heard > before:
                    pause = FIRST_PAUSE
                if pause == FIRST_PAUSE:
                    self._told(f"the WebSocket is away ({type(problem).__name__}): polling meanwhile")
            self._over.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _hear(self) -> None:
        assert self._url is not None
        with connect(self._url, open_timeout=10, close_timeout=1) as socket:
            socket.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": ["newHeads"]}))
            while not self._over.is_set():
                message = json.loads(socket.recv(timeout=SECONDS_OF_SILENCE))
                if message.get("method") == "eth_subscription":
                    self.heard += 1
                    self.ring()
