"""Whether the code on the chain is the code compiled from these sources; and what an explorer needs to see the same.

A node is asked what each constructor would leave if it ran now, with this commit's bytecode and the arguments that the
network file gives it: that must lie at the address, to the last byte, immutables included. Where only the metadata differs
(the hash of the sources, comments and names included, that the compiler appends) the code is the same and the row says so.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from plimsoll.chain.artifacts import artifact
from plimsoll.chain.create3 import code_hash
from plimsoll.chain.explorer import Explorer, source_of, standard_input
from plimsoll.chain.live import LiveChain
from plimsoll.chain.node import reverted
from plimsoll.chain.recipe import Part, Recipe
from plimsoll.deploy.record import Record
from plimsoll.deploy.steps import FACTORY, FACTORY_ARTIFACT
from plimsoll.errors import NodeRefused

SAME, SAME_BUT = "as compiled", "as compiled but for metadata: the text of the sources has changed since"


def parts(recipe: Recipe) -> list[Part]:
    """All that was deployed, the factory first."""
    return [Part(FACTORY, FACTORY_ARTIFACT, ()), *recipe.parts()]


def verdicts(chain: LiveChain, recipe: Recipe, record: Record) -> Iterator[tuple[str, str, bool]]:
    """(part, what was found, whether it is right)"""
    for part in parts(recipe):
        found = "nothing was recorded"
        if part.name in record.steps:
            found = _verdict(chain, part, record.address(part.name), str(record.steps[part.name]["code_hash"]))
        yield part.name, found, found.startswith(SAME)


def _verdict(chain: LiveChain, part: Part, address: str, recorded: str) -> str:
    there = chain.code(address)
    if there == "0x":
        return "nothing lies there"
    if code_hash(there) != recorded:
        return "not what was there when it was recorded"
    try:
        due = str(chain.rpc("eth_call", {"data": artifact(part.artifact).init_code(part.args, {})}, "latest"))
    except NodeRefused as refused:
        return f"its constructor refuses: {reverted(refused)}"
    if there == due:
        return SAME
    return SAME_BUT if _without_metadata(there) == _without_metadata(due) else "other code"


def _without_metadata(code: str) -> str:
    """The last two bytes are the length of what the compiler appended before them."""
    digits = code.removeprefix("0x")
    appended = 2 * (int(digits[-4:] or "0", 16) + 2)
    return digits[:-appended] if appended <= len(digits) else digits


def write_sources(folder: Path, recipe: Recipe, record: Record) -> None:
    """`<contract>.json`, standard JSON input, once a contract; `arguments.json`: part → address, contract, arguments as hex."""
    folder.mkdir(parents=True, exist_ok=True)
    told = {}
    for part in parts(recipe):
        path = folder / f"{part.artifact}.json"
        path.write_text(json.dumps(standard_input(source_of(part.artifact)), indent=1) + "\n", encoding="utf-8")
        facts = record.steps[part.name]
        told[part.name] = {key: facts[key] for key in ("contract", "address", "encoded_arguments")}
    (folder / "arguments.json").write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


def submit(explorer: Explorer, recipe: Recipe, record: Record) -> Iterator[tuple[str, str]]:
    """(part, what the explorer says of it)"""
    for part in parts(recipe):
        facts = record.steps[part.name]
        yield part.name, explorer.submit(facts["address"], part.artifact, facts["encoded_arguments"])
