"""JSON-RPC to one node, over one connection that stays open.

web3's own path through its middleware costs a millisecond a request; this costs a fifth of it, and one POST carries a
whole batch. Providers without an HTTP address (IPC) are asked through web3, one request at a time.
"""

from __future__ import annotations

import http.client
import json
import select
import socket
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from plimsoll.errors import NodeDead, NodeRefused

SECONDS_TO_ANSWER = 300
REQUESTS_PER_POST = 2_000
HEADERS = {"Content-Type": "application/json"}


class Rpc:
    """One node. node: a Web3 object, a URL, or anything with `.url` (our Anvil, whose `.check()` explains its death).

    seconds: for which an answer is waited for. per_post: requests that travel together. Not for several threads at once.
    """

    def __init__(self, node: Any, seconds: float = SECONDS_TO_ANSWER, per_post: int = REQUESTS_PER_POST) -> None:
        self._node, self._seconds, self._per_post = node, seconds, per_post
        provider = getattr(node, "provider", None)
        self.url = str(getattr(provider, "endpoint_uri", None) or getattr(node, "url", node))
        self._provider = None if self.url.startswith("http") else provider
        self._connection: http.client.HTTPConnection | None = None
        if self._provider is None and not self.url.startswith("http"):
            raise TypeError(f"{node!r} is neither a connected Web3 object nor an http URL")

    def __call__(self, method: str, *params: Any) -> Any:
        """The result of one request.

        Raises NodeRefused for an error reply (data: the revert data of a call), NodeDead when nobody answers.
        """
        return result_of(method, self._ask({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}))

    @property
    def name(self) -> str:
        """The URL without its path, which with most providers is a key."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")

    def batch(self, requests: Sequence[tuple[str, tuple[Any, ...]]]) -> list[dict[str, Any]]:
        """The replies, in order, each with "result" or "error". Raises NodeRefused unless each request has its own."""
        replies: list[dict[str, Any]] = []
        for start in range(0, len(requests), self._per_post):
            bodies = [
                {"jsonrpc": "2.0", "id": i, "method": method, "params": params}
                for i, (method, params) in enumerate(requests[start : start + self._per_post])
            ]
            if self._provider is not None:
                replies += map(self._ask, bodies)
                continue
            replies += self._matched(bodies, self._post(bodies))
        return replies

    def _matched(self, bodies: list[dict[str, Any]], answer: Any) -> list[dict[str, Any]]:
        """To each request its reply, whatever their order."""
        if isinstance(answer, dict):
            result_of("batch", answer)
        given = answer if isinstance(answer, list) else []
        replies = {reply.get("id"): reply for reply in given if isinstance(reply, dict)}
        found = [replies[body["id"]] for body in bodies if body["id"] in replies]
        if len(found) < len(bodies):
            raise NodeRefused("batch", f"{self.name} answers {len(found)} of {len(bodies)} requests")
        return found

    def _ask(self, body: dict[str, Any]) -> Any:
        if self._provider is None:
            return self._post(body)
        try:
            return self._provider.make_request(body["method"], body["params"])
        except OSError as problem:
            raise self._dead(problem) from None

    def _post(self, body: Any) -> Any:
        try:
            connection = self._connected()
            connection.request("POST", self._path, json.dumps(body), HEADERS)
            response = connection.getresponse()
            text = response.read()
        except (OSError, http.client.HTTPException) as problem:
            self._connection = None
            raise self._dead(problem) from None
        if response.status != http.client.OK:
            words = f"{self.name} answers {response.status} {response.reason}: {text[:200]!r}"
            raise NodeRefused("POST", words, code=response.status)
        try:
            return json.loads(text)
        except ValueError:
            raise NodeRefused("POST", f"{self.name} answers what is not JSON: {text[:200]!r}") from None

    def _connected(self) -> http.client.HTTPConnection:
        """The open connection; a new one at first, and when the node has closed an idle one."""
        if self._connection is not None and self._connection.sock is not None:
            if not select.select([self._connection.sock], [], [], 0)[0]:
                return self._connection
            self._connection.close()
        parts = urlsplit(self.url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._connection = kind(parts.hostname or "", parts.port, timeout=self._seconds)
        self._connection.connect()
        self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._connection

    def _dead(self, problem: Exception) -> Exception:
        check: Any = getattr(self._node, "check", None)
        for _ in range(20 if check else 0):  # a dying process closes its socket a moment before it is gone
            check()
            time.sleep(0.05)
        return NodeDead(self.name, f"{type(problem).__name__}: {problem}")


def result_of(method: str, reply: Mapping[str, Any]) -> Any:
    """The result of a reply. Raises NodeRefused for an error, and for what is neither."""
    if not isinstance(reply, Mapping) or not ("result" in reply or "error" in reply):
        raise NodeRefused(method, f"the node answers neither a result nor an error: {str(reply)[:200]}")
    if "error" not in reply:
        return reply["result"]
    error = reply["error"]
    if not isinstance(error, dict):
        raise NodeRefused(method, str(error))
    raise NodeRefused(method, error.get("message", ""), error.get("data"), error.get("code", 0))


def as_int(number: int | str) -> int:
    """A number of a reply: most are hex, a few plain."""
    return number if isinstance(number, int) else int(number, 16)
