"""Rehearsals: what the chain itself says to each account below its line, before anything is sent.

An account is tried as our own taker would take it, then as the pool would; where the pool refuses the whole, a bite. A
rehearsal that is refused hides no other. What no rehearsal lets pass is `Stuck`, with the contract's reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from plimsoll.errors import Reverted
from plimsoll.fixed_point import div_down
from plimsoll.keeper.decide import ANY_NONCE, Case, Deed, Standing, Terms, liquidation
from plimsoll.keeper.port import Call, Port
from plimsoll.types import WAD

THE_POOL = 0
BITES = tuple(div_down(WAD, 2**halvings) for halvings in (1, 2, 3, 4))
REFUSALS = ("TakerRefused", "TakerIsAccount")  # the pool takes no more, or it is the pool's own account
GONE = ("NotLiquidatable", "NotInsolvent", "Insolvent")  # somebody was faster, or the price came back


class Stuck(NamedTuple):
    """An account below its line that nobody can unload now. reason: the contract's."""

    standing: Standing
    reason: Reverted


def rehearse(port: Port, standings: Sequence[Standing], own: int | None) -> tuple[list[Case], list[Stuck]]:
    """own: our account that takes positions, or None. Raises NodeDead, NodeRefused."""
    takers = [THE_POOL] if own is None else [own, THE_POOL]
    tries = [Case(standing, taker, WAD, 0) for standing in standings for taker in takers if taker != standing.account]
    passed, refused = _try(port, tries)
    biting = [
        Case(standing, THE_POOL, bite, 0)
        for standing in standings
        if standing.account not in passed and standing.equity >= 0 and refused[standing.account].name == "TakerRefused"
        for bite in BITES
    ]
    bites, _ = _try(port, biting)
    cases = [*passed.values(), *bites.values()]
    done = {case.account for case in cases}
    stuck = [Stuck(standing, refused[standing.account]) for standing in standings if standing.account not in done]
    return cases, [one for one in stuck if one.reason.name not in GONE]


def _try(port: Port, tries: Sequence[Case]) -> tuple[dict[int, Case], dict[int, Reverted]]:
    """Per account the first that pays as well as any; and the refusal of the last."""
    passed: dict[int, Case] = {}
    refused: dict[int, Reverted] = {}
    for case, answer in zip(tries, port.ask([_call(case) for case in tries]) if tries else []):
        if isinstance(answer, Reverted):
            refused[case.account] = answer
            continue
        paying = replace(case, reward=_reward(case, answer))
        if case.account not in passed or paying.reward > passed[case.account].reward:
            passed[case.account] = paying
    return passed, refused


def _call(case: Case) -> Call:
    if case.standing.equity < 0:
        return Call("liquidation", "absorb", (case.account, case.taker))
    return Call("liquidation", "liquidate", ((case.account, case.taker, case.fraction, 0, ANY_NONCE),))


def _reward(case: Case, answer: Any) -> int:
    """Ours: the keeper's, and the taker's where that is us."""
    if case.standing.equity < 0:
        return int(answer.reward)
    return int(answer.keeperReward + (answer.takerReward if case.taker != THE_POOL else 0))


def fit(port: Port, deed: Deed, cases: Sequence[Case], terms: Terms) -> Deed | None:
    """The longest beginning of a batch that is done in full when it is rehearsed as a whole: one account may leave no room for the
    next. None where not even the first is."""
    kept = list(cases)
    while kept:
        trial = liquidation(kept, terms)
        [done] = port.ask([trial.call], gas=trial.gas)
        if done == len(kept):
            return trial
        if isinstance(done, Reverted) or done == 0:
            kept = kept[: len(kept) // 2]
        else:
            kept = kept[: min(done, len(kept) - 1)]
    return None
