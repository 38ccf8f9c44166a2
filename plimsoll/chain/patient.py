"""JSON-RPC to a provider that others use too: it limits the rate, restarts, and forgets; one waits and asks again."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from plimsoll.chain.rpc import Rpc
from plimsoll.errors import NodeDead, NodeRefused

SECONDS_OF_PATIENCE = 120.0
FIRST_WAIT, LONGEST_WAIT = 0.5, 16.0
BRISK_WAITS, BRISK_SECONDS = (0.05, 0.2), 2.0
LIMITED = {429, -32005, -32097}  # HTTP: too many requests; JSON-RPC: limit exceeded, and as some providers number it
AWAY = {502, 503, 504}
# The second line: one of the provider's nodes is a block behind the other.
PASSING_WORDS = ("rate limit", "too many requests", "request limit", "compute units", "exceeded its throughput",
                 "header not found", "block not found", "unknown block", "blockoutofrange")  # fmt: skip


class PatientRpc(Rpc):
    """One node of a provider. Every request may be sent twice: a signed transaction is the same transaction.

    patience: seconds for which a request is repeated. told: called with what is waited for, once a request.
    """

    def __init__(self, node: Any, patience: float = SECONDS_OF_PATIENCE, told: Callable[[str], None] = print) -> None:
        super().__init__(node)
        self._patience, self._told = patience, told

    def __call__(self, method: str, *params: Any) -> Any:
        """As Rpc's, once the provider lets us. Raises NodeRefused or NodeDead when patience is at its end."""
        deadline, wait = time.monotonic() + self._patience, FIRST_WAIT
        while True:
            try:
                return super().__call__(method, *params)
            except (NodeRefused, NodeDead) as problem:
                if not is_passing(problem) or time.monotonic() + wait > deadline:
                    raise
                if wait == FIRST_WAIT:
                    self._told(f"waiting for {self.name}: {_reason(problem)}")
            time.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT)

    def batch(self, requests: Sequence[tuple[str, tuple[Any, ...]]]) -> list[dict[str, Any]]:
        """One by one: providers differ in how many they take at once, and in what they do about the rest."""
        return [self._reply(method, params) for method, params in requests]

    def _reply(self, method: str, params: tuple[Any, ...]) -> dict[str, Any]:
        try:
            return {"result": self(method, *params)}
        except NodeRefused as refused:
            if is_passing(refused):
                raise
            return {"error": {"message": refused.reason, "data": refused.data, "code": refused.code}}


class BriskRpc(Rpc):
    """One node for who looks all the time: what failed quickly is asked again at once, a few times, and then said. A transaction
    sent twice is the same transaction."""

    def _post(self, body: Any) -> Any:
        for pause in BRISK_WAITS:
            began = time.monotonic()
            try:
                return super()._post(body)
            except (NodeRefused, NodeDead):
                if time.monotonic() - began > BRISK_SECONDS:
                    raise
            time.sleep(pause)
        return super()._post(body)


def is_passing(problem: Exception) -> bool:
    """Whether the same request may well succeed a little later."""
    if isinstance(problem, NodeDead):
        return True
    if not isinstance(problem, NodeRefused):
        return False
    words = problem.reason.lower()
    return problem.code in LIMITED | AWAY or any(said in words for said in PASSING_WORDS)


def _reason(problem: Exception) -> str:
    return "it does not answer" if isinstance(problem, NodeDead) else "it limits the rate or is away"
