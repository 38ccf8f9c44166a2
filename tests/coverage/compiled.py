"""The contracts compiled for coverage: without the optimiser, which merges equal blocks, so that each keeps its own place.

A program counter means a place in the sources by the compiler's map. Immutables are filled into the code after it was compiled, but
move nothing; a contract on the chain is known by the hash of its metadata, with which its code ends.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from plimsoll.toolchain.setup import ROOT, hash_of, solc_name

FOLDER = ROOT / "reports/coverage"
BUILD = FOLDER / "build"
TAIL = 2 * 53  # hex digits of the metadata
PUSH1, PUSH32 = 0x60, 0x7F

OUTPUTS = ["abi", *(f"evm.{code}.{what}" for code in ("bytecode", "deployedBytecode") for what in ("object", "sourceMap"))]


class Place(NamedTuple):
    """Bytes of a source file, by its path."""

    path: str
    start: int
    end: int


def build(sources: list[Path], folder: Path = BUILD) -> None:
    """Compiles what is not up to date: artifacts as the chain layer reads them, and trees.json. Exits where solc refuses."""
    names = [path.relative_to(ROOT).as_posix() for path in sources]
    stamp, key = folder / "stamp", hash_of([*names, "tests/coverage/compiled.py"])
    if stamp.exists() and stamp.read_text() == key:
        return
    settings = {
        "optimizer": {"enabled": False}, "evmVersion": "cancun", "outputSelection": {"*": {"*": OUTPUTS, "": ["ast"]}},
        "remappings": ["@openzeppelin=node_modules/@openzeppelin", "@chainlink=node_modules/@chainlink"],
    }  # fmt: skip
    contents = {name: {"content": path.read_text()} for name, path in zip(names, sources)}
    question = json.dumps({"language": "Solidity", "sources": contents, "settings": settings})
    done = subprocess.run([ROOT / ".solc" / solc_name(), "--standard-json"], input=question, capture_output=True, text=True, cwd=ROOT)
    answer = json.loads(done.stdout)
    if wrong := [error["formattedMessage"] for error in answer.get("errors", []) if error["severity"] == "error"]:
        raise SystemExit("\n".join(wrong))
    for path, found in answer["contracts"].items():
        kind = "interfaces" if path.startswith("interfaces/") else "contracts"
        for name, made in found.items():
            _write(folder / kind / f"{name}.json", _artifact(made))
    paths = {source["id"]: path for path, source in answer["sources"].items()}
    _write(folder / "trees.json", {"paths": paths, "trees": {path: s["ast"] for path, s in answer["sources"].items()}})
    stamp.write_text(key)


def _artifact(made: dict[str, Any]) -> dict[str, Any]:
    creation, runtime = made["evm"]["bytecode"], made["evm"]["deployedBytecode"]
    maps = {"sourceMap": creation["sourceMap"], "deployedSourceMap": runtime["sourceMap"]}
    return {"abi": made["abi"], "bytecode": creation["object"], "deployedBytecode": runtime["object"], **maps}


def _write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


class Code:
    """One contract. places: where each program counter comes from; creation: of its constructor."""

    def __init__(self, name: str, made: dict[str, Any], paths: dict[str, str]) -> None:
        self.name, self.tail = name, made["deployedBytecode"][-TAIL:]
        self.runtime = dict(_places(made["deployedBytecode"], made["deployedSourceMap"], paths))
        self.creation = dict(_places(made["bytecode"], made["sourceMap"], paths))


@lru_cache(maxsize=None)
def tails(folder: Path = BUILD) -> dict[str, str]:
    """Names of contracts by the end of their code."""
    made = {path.stem: json.loads(path.read_text()) for path in (folder / "contracts").glob("*.json")}
    return {one["deployedBytecode"][-TAIL:]: name for name, one in made.items() if one["deployedBytecode"]}


def codes(folder: Path = BUILD) -> list[Code]:
    paths = json.loads((folder / "trees.json").read_text())["paths"]
    made = {path.stem: json.loads(path.read_text()) for path in sorted((folder / "contracts").glob("*.json"))}
    return [Code(name, one, paths) for name, one in made.items() if one["deployedBytecode"]]


def _places(code: str, source_map: str, paths: dict[str, str]) -> Iterator[tuple[int, Place]]:
    """By program counter. An entry of the map that is left out repeats the one before."""
    last = ["0", "0", "-1"]
    raw, pc = bytes.fromhex(code.replace("_", "0").replace("$", "0")), 0
    for entry in source_map.split(";"):
        told = entry.split(":")
        last = [new or old for new, old in zip(told[:3] + [""] * (3 - len(told[:3])), last)]
        start, length, source = map(int, last)
        if str(source) in paths:
            yield pc, Place(paths[str(source)], start, start + length)
        op = raw[pc]
        pc += op - PUSH1 + 2 if PUSH1 <= op <= PUSH32 else 1
