"""The rounding lemmas of tests/proofs/lemmas, one contract each, proved by the model checker inside solc (BMC, z3).

A lemma calls the functions of the libraries. What it does not reach is blanked before solc sees it, since solc would encode all of
it and take minutes; what is left is the libraries' own, to the letter. A lemma does not count as proved if it still is with
`false` in the place of what it asserts: no input gets that far.
"""

import json
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from plimsoll.toolchain.analysers import SOLC, variables
from plimsoll.toolchain.setup import ROOT

FOLDER = ROOT / "tests/proofs/lemmas"
REMAPPINGS = ["@openzeppelin=node_modules/@openzeppelin"]
CHECKER = {
    "engine": "bmc", "solvers": ["z3"], "targets": ["assert"], "showProvedSafe": True, "showUnproved": True,
    "divModNoSlacks": True,  # a quotient is then the same term wherever it occurs
    "timeout": 0,  # ours is the only one: solc's own counts something else than time
}  # fmt: skip
DOUBT = 20.0  # seconds in which `false` is to be refuted; some inputs are hard to find
PROVED, REFUTED, UNKNOWN = "proved", "refuted", "unknown"
SAFE, UNSAFE = "Assertion violation check is safe", "Assertion violation happens here"

Node = dict[str, Any]
Sources = dict[str, str]


class Lemma(NamedTuple):
    """title: its @notice. asserts: how many it makes. sources: all that solc needs, by path; doubted: with `false` in them."""

    name: str
    title: str
    asserts: int
    sources: Sources
    doubted: Sources


class Verdict(NamedTuple):
    """said: what the prover said where it is not proved. seconds: that it took."""

    name: str
    title: str
    result: str
    said: str
    seconds: float


def lemmas(file: Path) -> list[Lemma]:
    """Those of one file inside the project. Exits with solc's errors where it does not compile."""
    name = str(file.relative_to(ROOT))
    answer = _solc({name: file.read_text()}, {"engine": "none"})
    trees = {path: source["ast"] for path, source in answer["sources"].items()}
    contracts = [node for node in trees[name]["nodes"] if node["nodeType"] == "ContractDefinition"]
    return [_lemma(name, contract, contracts, trees) for contract in contracts]


def prove(lemma: Lemma, seconds: float) -> Verdict:
    """Unknown where the checker is not done in `seconds`, or loses its way, or says nothing."""
    started = time.monotonic()
    result, said = _check(lemma.sources, lemma.asserts, seconds)
    if result == PROVED and _check(lemma.doubted, lemma.asserts, DOUBT)[0] == PROVED:
        result, said = UNKNOWN, "no input reaches its assertions"
    return Verdict(lemma.name, lemma.title, result, said, time.monotonic() - started)


def _check(sources: Sources, asserts: int, seconds: float) -> tuple[str, str]:
    try:
        told = [error["formattedMessage"] for error in _solc(sources, CHECKER, seconds).get("errors", [])]
    except subprocess.TimeoutExpired:
        return UNKNOWN, f"not done in {seconds:.0f} s"
    if any(UNSAFE in words for words in told):
        return REFUTED, "\n".join(words for words in told if UNSAFE in words)
    return (PROVED, "") if sum(SAFE in words for words in told) == asserts else (UNKNOWN, "\n".join(told))


def _lemma(file: str, contract: Node, all_of_file: list[Node], trees: dict[str, Node]) -> Lemma:
    functions = {node["id"]: node for tree in trees.values() for node in _nodes(tree, "FunctionDefinition")}
    reached = _reached(contract, functions)
    unwanted = [node for key, node in functions.items() if key not in reached and node.get("body")]
    unwanted += [other for other in all_of_file if other is not contract]
    texts = {path: bytearray((ROOT / path).read_bytes()) for path in trees}
    paths = {tree["src"].split(":")[2]: path for path, tree in trees.items()}
    for node in unwanted:
        for part in filter(None, (node, node.get("documentation"))):
            _write(texts[paths[part["src"].split(":")[2]]], part, b"")
    sources = {path: text.decode() for path, text in texts.items()}
    asserts = [call for call in _nodes(contract, "FunctionCall") if call["expression"].get("name") == "assert"]
    for call in asserts:
        _write(texts[file], call["arguments"][0], b"false")
    title = re.sub(r"^@notice\s+", "", " ".join(contract["documentation"]["text"].split()))
    return Lemma(contract["name"], title, len(asserts), sources, {**sources, file: texts[file].decode()})


def _write(text: bytearray, node: Node, word: bytes) -> None:
    """Puts the word in the place of the node, and moves nothing else."""
    start, length, _ = map(int, node["src"].split(":"))
    text[start : start + length] = word.ljust(length)


def _reached(contract: Node, functions: dict[int, Node]) -> set[int]:
    """The functions of the contract and all that they call."""
    reached, waiting = set(), [contract]
    while waiting:
        for node in _nodes(waiting.pop()):
            key = node["id"] if node["nodeType"] == "FunctionDefinition" else node.get("referencedDeclaration", 0)
            if key in functions and key not in reached:
                reached.add(key)
                waiting.append(functions[key])
    return reached


def _nodes(tree: Any, kind: str = "") -> Iterator[Node]:
    if isinstance(tree, dict):
        if "nodeType" in tree and kind in ("", tree["nodeType"]):
            yield tree
        tree = list(tree.values())
    for part in tree if isinstance(tree, list) else ():
        yield from _nodes(part, kind)


def _solc(sources: Sources, checker: dict[str, Any], seconds: float | None = None) -> dict[str, Any]:
    settings = {"remappings": REMAPPINGS, "outputSelection": {"*": {"": ["ast"]}}, "modelChecker": checker}
    contents = {path: {"content": text} for path, text in sources.items()}
    question = json.dumps({"language": "Solidity", "sources": contents, "settings": settings})
    with TemporaryDirectory() as folder:  # proved each time, not taken from the compiler's cache
        done = subprocess.run(
            [str(SOLC), "--standard-json"], input=question, capture_output=True, text=True, cwd=ROOT, timeout=seconds,
            env=variables(PLIMSOLL_SOLC_CACHE=folder),
        )  # fmt: skip
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    answer: dict[str, Any] = json.loads(done.stdout)
    if wrong := [error["formattedMessage"] for error in answer.get("errors", []) if error["severity"] == "error"]:
        raise SystemExit("\n".join(wrong))
    return answer
