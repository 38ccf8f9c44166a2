"""Everything read back from the chain: expected, found, right or wrong. It can be asked at any time, without a key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from plimsoll.chain.live import LiveChain
from plimsoll.chain.receipt import Receipt
from plimsoll.chain.recipe import ADMIN_ROLE, Fact
from plimsoll.chain.terms import role
from plimsoll.deploy.survey import look
from plimsoll.deploy.network import Network
from plimsoll.deploy.plan import check_chain, first_block
from plimsoll.deploy.record import Record
from plimsoll.deploy.steps import deployment_of, recipe_of, step_names
from plimsoll.deploy.verify import SAME, verdicts

AS_STATED = "as in the file"
ROLES = {role(name): name for name in ("PROPOSER_ROLE", "CANCELLER_ROLE", "EXECUTOR_ROLE")} | {ADMIN_ROLE: "DEFAULT_ADMIN_ROLE"}


class Row(NamedTuple):
    """One thing that was checked."""

    what: str
    expected: str
    found: str
    right: bool


def check(chain: LiveChain, network: Network, record: Record) -> list[Row]:
    """Raises Refused on another chain, RecordError before there is anything to check."""
    check_chain(chain, network)
    deployment = deployment_of(chain, network, record)
    rows = list(_record(chain, network, record))
    rows += _interest(chain, network, record)
    given = recipe_of(network, record)
    rows += [Row(f"code of {name}", SAME, found, right) for name, found, right in verdicts(chain, given, record)]
    rows += [Row("feeds and tokens", AS_STATED, reason, False) for reason in look(chain, network).reasons]
    recipe = deployment.recipe
    facts = [*recipe.links(), *recipe.powers(), *recipe.settings()]
    for fact, value in zip(facts, deployment.ask(facts)):
        rows += fact_rows(fact, value)
    return rows


def _record(chain: LiveChain, network: Network, record: Record) -> Iterator[Row]:
    names = [] if record.complete else step_names(network, record.roles)
    left = [name for name in names if name not in record.steps]
    yield Row("steps left to do", "none", ", ".join(left) or "none", not left)
    yield _equal("chain's first block", record.genesis, first_block(chain))


def _interest(chain: LiveChain, network: Network, record: Record) -> Iterator[Row]:
    """No view shows it: its transaction does. (What the timelock set later is in the events of Parameters.)"""
    transaction = record.steps.get("set the interest", {}).get("transaction")
    if transaction is not None:
        raw = chain.rpc("eth_getTransactionReceipt", transaction)
        found = str(Receipt(chain.rpc, raw).event("InterestSet").rateE9) if raw else "no such transaction"
        yield _equal("interest (e9) as it was set at deployment", str(network.world.debt.interest_e9), found)


def fact_rows(fact: Fact, value: Any) -> Iterator[Row]:
    """A struct has a row for each of its fields."""
    what = f"{fact.part}.{fact.view}({', '.join(map(_word, fact.args))})"
    if isinstance(value, Exception):
        yield Row(what, _word(fact.due), str(value), False)
        return
    found = fact.found(value)
    for name, due, there in _fields("", fact.due, found):
        yield Row(what + name, _word(due), _word(there), _word(due).lower() == _word(there).lower())


def _fields(name: str, due: Any, found: Any) -> Iterator[tuple[str, Any, Any]]:
    """(path, expected, found) of all that is in a value."""
    if isinstance(due, dict):
        for (key, inner), there in zip(due.items(), found):
            yield from _fields(f"{name}.{key}", inner, there)
    elif isinstance(due, tuple):
        for inner, there in zip(due, found):
            yield from _fields(name, inner, there)
    else:
        yield name, due, found


def _equal(what: str, due: str, found: str) -> Row:
    return Row(what, due, found, due == found)


def _word(value: Any) -> str:
    return ROLES.get(value, "0x" + value.hex()) if isinstance(value, bytes) else str(value)
