"""The lines of the protocol, and whether a call met one exactly: on it, and not a unit beside it.

    E = M              an account is judged for liquidation exactly at its maintenance
    min(b + C, E) = I  what a verb demands is just there, or lacks one unit
    φN = E             the whole penalty is exactly the equity: here all is closed
    f = 1              the fraction of a liquidation to the pool reaches the whole account
    cap                open interest or a collateral exactly at its cap
    debt               a debt exactly at its limit, or a unit beyond
    stale              a price judged in the last second of its life, or in the first after it
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from plimsoll.errors import Reverted
from plimsoll.state import State
from plimsoll.types import Account, World
from plimsoll.venue import Call

LINES = ("E = M", "min(b + C, E) = I", "φN = E", "f = 1", "cap", "debt", "stale")
EDGES = {
    "InsufficientMargin": "min(b + C, E) = I",
    "CapExceeded": "cap",
    "CollateralCapExceeded": "cap",
    "DebtTooLarge": "debt",
}
STALE = 7  # IPriceOracle.Fault


def met(call: Call, answer: Any, before: State | None, world: World) -> Iterator[str]:
    """The lines that a call met, by its answer and the state before it. (φN = E and f = 1 are noted where they are aimed at: a
    state does not show the whole penalty of an account that cannot pay it.)"""
    if isinstance(answer, Reverted):
        if answer.name in EDGES and abs(answer.args[1] - answer.args[2]) == 1:
            yield EDGES[answer.name]
        if answer.name == "InvalidPrice" and answer.args[1] == STALE and answer.args[3] - answer.args[2] == 1:
            yield "stale"
    if call.verb == "liquidate" and before is not None:
        yield from _liquidation(call.args[1], before, world)


def _liquidation(account: Account, before: State, world: World) -> Iterator[str]:
    held = before.accounts.get(account)
    if held is None or held.margin is None or not held.positions:
        return
    if held.margin.equity == held.margin.maintenance:
        yield "E = M"
    for name in held.positions:
        spec = world.feed(world.instrument(name).feed)
        if before.time - before.feeds[spec.name].updated_at == spec.heartbeat + spec.grace:
            yield "stale"
