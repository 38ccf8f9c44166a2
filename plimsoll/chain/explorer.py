"""What an explorer asks for to show a contract's sources: standard JSON input and constructor arguments, by Etherscan's v2.

    standard_input("contracts/Escrow.sol")            # compiles anywhere to the very code of `make setup`, metadata included
    Explorer(chain_id, key).submit(...)
"""

from __future__ import annotations

import json
import posixpath
import re
import time
import urllib.parse
import urllib.request
from functools import lru_cache
from typing import Any

from plimsoll.chain.artifacts import BUILD
from plimsoll.chain.sources import ROOT, settings
from plimsoll.errors import DeployError

API = "https://api.etherscan.io/v2/api"
IMPORT = re.compile(r'^\s*import\b[^;"\']*["\']([^"\']+)["\']', re.MULTILINE)
SECONDS_TO_VERIFY, SECONDS_BETWEEN = 120.0, 5.0
DONE = ("pass", "already verified")


def compiler_version() -> str:
    """As the compiler says it: 0.8.30+commit.73712a01. Raises ArtifactMissing's cause, OSError, before anything is compiled."""
    return str(json.loads((BUILD / "contracts" / "Escrow.json").read_text())["compiler"]["version"])


def source_of(contract: str) -> str:
    """The path of its source within the project."""
    return str(json.loads((BUILD / "contracts" / f"{contract}.json").read_text())["sourcePath"])


def standard_input(source: str) -> dict[str, Any]:
    """The source, all that it imports, and the compiler's settings, as standard JSON."""
    chosen = {**settings(), "outputSelection": {"*": {"*": ["abi", "evm.bytecode", "evm.deployedBytecode", "metadata"]}}}
    sources = {path: {"content": (ROOT / path).read_text()} for path in sorted(_closure(source))}
    return {"language": "Solidity", "sources": sources, "settings": chosen}


def _closure(source: str) -> set[str]:
    found, todo = set[str](), [source]
    while todo:
        path = todo.pop()
        if path not in found:
            found.add(path)
            todo += [_resolved(path, target) for target in IMPORT.findall((ROOT / path).read_text())]
    return found


def _resolved(path: str, target: str) -> str:
    """Where an import leads, within the project."""
    if target.startswith("."):
        return posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
    for prefix, place in _remappings():
        if target.startswith(prefix):
            return place + target[len(prefix) :]
    return target


@lru_cache(maxsize=None)
def _remappings() -> tuple[tuple[str, str], ...]:
    return tuple((word.split("=")[0], word.split("=")[1]) for word in settings()["remappings"])


class Explorer:
    """key: of Etherscan's, for all of its chains. api: another address of the same interface."""

    def __init__(self, chain_id: int, key: str, api: str = API) -> None:
        self._url, self._key = f"{api}?chainid={chain_id}", key

    def submit(self, address: str, contract: str, arguments: str) -> str:
        """What the explorer says of a contract's sources in the end. arguments: of its constructor, hex. Raises DeployError."""
        source = source_of(contract)
        ticket = self._ask(
            action="verifysourcecode",
            codeformat="solidity-standard-json-input",
            sourceCode=json.dumps(standard_input(source)),
            contractaddress=address,
            contractname=f"{source}:{contract}",
            compilerversion=f"v{compiler_version()}",
            constructorArguements=arguments.removeprefix("0x"),  # spelled as the explorer spells it
        )
        deadline = time.monotonic() + SECONDS_TO_VERIFY
        while not any(word in ticket.lower() for word in DONE) and time.monotonic() < deadline:
            said = self._ask(action="checkverifystatus", guid=ticket)
            if "pending" not in said.lower() and "queue" not in said.lower():
                return said
            time.sleep(SECONDS_BETWEEN)
        return ticket

    def _ask(self, **fields: str) -> str:
        body = urllib.parse.urlencode({"module": "contract", "apikey": self._key, **fields}).encode()
        try:
            with urllib.request.urlopen(self._url, body, timeout=60) as reply:
                answer = json.load(reply)
            return str(answer["result"])
        except (OSError, ValueError, KeyError) as problem:
            raise DeployError(f"the explorer does not answer as it should ({type(problem).__name__}): try again later") from None
