"""From what the chain has to what the network file says, through the timelock.

Whoever wants another parameter writes it into the network file. What then differs is one operation of the timelock each: the
governor announces it, and after the delay anyone executes it; what moves maintenance or a haircut then waits its notice until
anyone applies it. What is due next is decided from the chain alone, so the same command is run again until nothing differs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from plimsoll.chain.abi import BadData
from plimsoll.chain.deployment import NO_PREDECESSOR, Deployment
from plimsoll.chain.live import Letter
from plimsoll.chain.node import Contract
from plimsoll.chain.recipe import OWNED, Act
from plimsoll.deploy.check import Row, fact_rows
from plimsoll.errors import Refused

APPLIES = {"setInstrument": ("applyInstrument", "pendingRisk"), "setCollateral": ("applyCollateral", "pendingCollateral")}
AT_ONCE = ("initialMultipleE6", "reduceOnly", "cap")  # fields that wait no notice


@dataclass(frozen=True)
class Change:
    """One thing that differs. rows: how. todo: the next thing to do for it. letter: with which transaction; None while it
    waits, until `ready` (unix seconds). governor: only he may send it."""

    act: Act
    rows: tuple[Row, ...]
    todo: str
    letter: Letter | None
    ready: int = 0
    governor: bool = False


def changes(made: Deployment) -> list[Change]:
    """All that differs and the timelock can change, in the order in which it is to be done.

    Raises Refused where the file wants a mock that nobody deployed.
    """
    found = []
    for act in made.recipe.acts():
        if act.part in OWNED and act.fn != "transferOwnership" and act.proof:
            answers = made.ask(list(act.proof))
            if not all(fact.holds(answer) for fact, answer in zip(act.proof, answers)):
                rows = [row for fact, answer in zip(act.proof, answers) for row in fact_rows(fact, answer) if not row.right]
                found.append(_change(made, act, tuple(rows)))
    if found:
        _require_code(made)
    return found


def _require_code(made: Deployment) -> None:
    pieces = [*made.tokens.values(), *made.proxies.values()]
    missing = [f"nothing lies at {piece.address}: deploy it, and write its address into the file" for piece in pieces if not _lies(piece)]
    if missing:
        raise Refused(*missing)


def _lies(contract: Contract) -> bool:
    try:
        contract.decimals()
    except BadData:
        return False
    return True


def _change(made: Deployment, act: Act, rows: tuple[Row, ...]) -> Change:
    target, timelock = made.contract(act.part), made.timelock
    data = target.encode(act.fn, *act.args)
    for number in count():  # the same change may be made again, after another: each time it is another operation
        operation = (target.address, 0, data, NO_PREDECESSOR, number.to_bytes(32, "big"))
        identity = timelock.hashOperation(*operation)
        if not timelock.isOperationDone(identity):
            break
    if timelock.isOperationReady(identity):
        return Change(act, rows, "execute", Letter(timelock.address, timelock.encode("execute", *operation)))
    if timelock.isOperationPending(identity):
        return Change(act, rows, "wait for the delay", None, timelock.getTimestamp(identity))
    if number and (applied := _notice(made, act, rows)):
        return applied
    announced = timelock.encode("schedule", *operation, timelock.getMinDelay())
    return Change(act, rows, "announce", Letter(timelock.address, announced), governor=True)


def _notice(made: Deployment, act: Act, rows: tuple[Row, ...]) -> Change | None:
    """Where the timelock has spoken and the notice runs, or is over."""
    if act.fn not in APPLIES:
        return None
    apply, pending = APPLIES[act.fn]
    identity, wanted = act.args[0], act.args[1].get("risk", act.args[1])
    there, since = made.parameters.fn(pending)(identity)
    fields = {name for name in wanted if name not in AT_ONCE}
    if not since or any(str(getattr(there, name)).lower() != str(wanted[name]).lower() for name in fields):
        return None
    if since > made.chain.now:
        return Change(act, rows, "wait for the notice", None, since)
    return Change(act, rows, "apply", Letter(made.parameters.address, made.parameters.encode(apply, identity)))


def restrictions(made: Deployment, names: list[str]) -> Iterator[tuple[str, Letter]]:
    """(instrument, the guardian's transaction that makes it reduce-only), of those that are not yet.

    Raises Refused for a name that is none.
    """
    unknown = [name for name in names if name not in made.instruments]
    if unknown:
        raise Refused(f"there is no instrument {', '.join(unknown)}; there are: {', '.join(made.instruments)}")
    for name in names or made.instruments:
        number = made.instruments[name]
        if not made.engine.instrumentConfig(number)[0].reduceOnly:
            yield name, Letter(made.parameters.address, made.parameters.encode("restrict", number))
