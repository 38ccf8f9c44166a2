"""Everything read back from the chain: expected, found, right or wrong. It can be asked at any time, without a key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from plimsoll.chain.abi import as_address
from plimsoll.chain.create3 import code_hash
from plimsoll.chain.live import LiveChain
from plimsoll.chain.recipe import Fact
from plimsoll.deploy.survey import look
from plimsoll.deploy.network import Network
from plimsoll.deploy.plan import check_chain, first_block
from plimsoll.deploy.record import Record, fingerprint
from plimsoll.deploy.steps import deployment_of, step_names


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
    rows += _code(chain, record)
    rows += [_feeds(reason) for reason in look(chain, network).reasons] or [Row("feeds and tokens", "as in the file", "as in the file", True)]
    recipe = deployment.recipe
    facts = [*recipe.links(), *recipe.powers(), *recipe.settings()]
    rows += [_fact(fact, found) for fact, found in zip(facts, deployment.ask(facts))]
    return rows


def _record(chain: LiveChain, network: Network, record: Record) -> Iterator[Row]:
    left = [name for name in step_names(network, record.roles) if name not in record.steps]
    yield Row("steps left to do", "none", ", ".join(left) or "none", not left)
    yield _equal("chain's first block", record.genesis, first_block(chain))
    yield _equal("network file", record.fingerprint[:16], fingerprint(network, record.roles)[:16])


def _code(chain: LiveChain, record: Record) -> Iterator[Row]:
    """What lies where the record says, and whether it is still what was there after its deployment."""
    for name, facts in record.steps.items():
        if "address" in facts:
            code = chain.code(facts["address"])
            found = "nothing" if code == "0x" else code_hash(code)
            yield Row(f"code of {name}", facts["code_hash"], found, found == facts["code_hash"])


def _feeds(reason: str) -> Row:
    return Row("feeds and tokens", "as in the file", reason, False)


def _fact(fact: Fact, value: Any) -> Row:
    what = f"{fact.part}.{fact.view}({', '.join(_word(arg) for arg in fact.args)})"
    if isinstance(value, Exception):
        return Row(what, _word(fact.due), str(value), False)
    if fact.holds(value):
        return Row(what, _word(fact.due), _word(fact.due), True)
    return Row(what, _word(fact.due), _word(fact.found(value)), False)


def _equal(what: str, due: str, found: str) -> Row:
    return Row(what, due, found, due == found)


def _word(value: Any) -> str:
    """A value as a person reads it: structs as field=value."""
    if isinstance(value, dict):
        return " ".join(f"{key}={_word(field)}" for key, field in value.items())
    if hasattr(value, "_asdict"):
        return _word(value._asdict())
    if isinstance(value, (tuple, list)):
        return " · ".join(map(_word, value))
    if isinstance(value, bytes):
        return "0x" + value.hex()[:8] + "…"
    if isinstance(value, str) and as_address(value):
        return value
    return str(value)


def all_right(rows: Sequence[Row]) -> bool:
    return all(row.right for row in rows)
