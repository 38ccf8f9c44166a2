"""A mutant's bytecode: only its own source is in memory, all else is read from the tree, and nothing is written into it.

Artifacts carry no metadata: two of them are the same program exactly where their bytecode is equal.
"""

from __future__ import annotations

import json
import os
import posixpath
import queue
import subprocess
from functools import lru_cache
from pathlib import Path
from typing import Any

from plimsoll.chain.artifacts import BUILD, FOLDERS, MAX_CODE_BYTES
from plimsoll.chain.sources import settings, solc
from plimsoll.errors import ArtifactMissing, NotCompiled

ROOT = Path(__file__).resolve().parents[2]
BARE = {"appendCBOR": False, "bytecodeHash": "none"}
OUTPUTS = ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"]

Artifacts = dict[str, dict[str, Any]]  # name → what Brownie's file of it says, as far as anybody reads it


class DoesNotCompile(Exception):
    """The compiler refuses the mutant, or the chain would for its size: it is no mutant."""


@lru_cache(maxsize=None)
def syntax_trees() -> dict[str, dict]:
    """Of every contract of the project, by file."""
    files = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "contracts").rglob("*.sol"))
    return parsed({file: _source(file) for file in files})


def parsed(sources: dict[str, str]) -> dict[str, dict]:
    output = solc(_question(sources, {"*": {"": ["ast"]}}))
    refuse(output)
    return {file: output["sources"][file]["ast"] for file in sources}


@lru_cache(maxsize=None)
def dependants(file: str) -> tuple[str, ...]:
    """The files whose contracts can be deployed and hold code of this one, mocks aside."""
    trees = syntax_trees()
    reached, more = {file}, True
    while more:
        above = {name for name, tree in trees.items() if reached & imports(name, tree)} - reached
        reached, more = reached | above, bool(above)
    return tuple(sorted(name for name in reached if is_deployed(trees[name]) and "/mocks/" not in name))


def imports(name: str, tree: dict) -> set[str]:
    found = (node["file"] for node in tree["nodes"] if node["nodeType"] == "ImportDirective")
    return {posixpath.normpath(posixpath.join(posixpath.dirname(name), path)) for path in found}


def is_deployed(tree: dict) -> bool:
    units = [node for node in tree["nodes"] if node["nodeType"] == "ContractDefinition"]
    return any(unit["contractKind"] == "contract" and not unit["abstract"] for unit in units)


class Compiler:
    """Compiles mutants, from several threads at a time, each by a process of its own that stays warm until `close`."""

    def __init__(self) -> None:
        self._idle: queue.SimpleQueue[subprocess.Popen[str]] = queue.SimpleQueue()
        self._all: list[subprocess.Popen[str]] = []

    def compiled(self, file: str, text: str, units: tuple[str, ...]) -> Artifacts:
        """The contracts of `units` where `file` says `text`. Raises DoesNotCompile, and NotCompiled where the compiler died."""
        sources = {unit: _source(unit) for unit in units if unit != file} | {file: text}
        names = {unit: Path(unit).stem for unit in units}
        output = self._answer(_question(sources, {unit: {name: OUTPUTS} for unit, name in names.items()}))
        refuse(output)
        return {name: _artifact(output["contracts"][unit][name]) for unit, name in names.items()}

    def _answer(self, question: dict) -> dict:
        try:
            process = self._idle.get_nowait()
        except queue.Empty:
            process = self._start()
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(json.dumps(question) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except OSError as problem:
            raise NotCompiled("the compiler", f"{problem}") from None
        if not line:
            raise NotCompiled("the compiler", f"it ended with {process.wait()}")
        self._idle.put(process)
        return json.loads(line)

    def _start(self) -> subprocess.Popen[str]:
        command = ["node", str(Path(__file__).with_name("compiler.js")), str(ROOT)]
        try:
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")
        except OSError as problem:
            raise NotCompiled("the compiler", f"{problem}. Run `make setup`") from None
        self._all.append(process)
        return process

    def close(self) -> None:
        for process in self._all:
            process.kill()
            process.communicate()


def _source(file: str) -> str:
    return (ROOT / file).read_text(encoding="utf-8")


def _question(sources: dict[str, str], outputs: dict) -> dict:
    contents = {name: {"content": text} for name, text in sources.items()}
    how = {**settings(), "viaIR": False, "metadata": BARE, "outputSelection": outputs}  # the same program, five times as soon
    return {"language": "Solidity", "sources": contents, "settings": how}


def refuse(output: dict) -> None:
    wrong = [error for error in output.get("errors", []) if error["severity"] == "error"]
    if wrong:
        raise DoesNotCompile(wrong[0]["formattedMessage"])


def _artifact(made: dict) -> dict[str, Any]:
    evm = made["evm"]
    code, deployed = evm["bytecode"]["object"], evm["deployedBytecode"]["object"]
    if len(deployed) // 2 > MAX_CODE_BYTES:
        raise DoesNotCompile(f"{len(deployed) // 2} bytes of code, the chain allows {MAX_CODE_BYTES}")
    return {"abi": made["abi"], "bytecode": code, "deployedBytecode": deployed}


# The folder that the tests load their artifacts from ------------------------------------------------------------------


def slim_build(folder: Path) -> Path:
    """A copy of the project's build with only what tests read of it. Raises ArtifactMissing."""
    for part in FOLDERS:
        (folder / part).mkdir(parents=True)
        for path in (BUILD / part).rglob("*.json"):
            made = json.loads(path.read_text())
            kept = {key: made[key] for key in ("abi", "bytecode", "deployedBytecode") if key in made}
            place = folder / path.relative_to(BUILD)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(json.dumps(kept))
    if not (folder / "contracts" / "MathHarness.json").is_file():
        raise ArtifactMissing("MathHarness", str(BUILD))
    return folder


def build_with(changed: Artifacts, base: Path, folder: Path) -> Path:
    """The build of `base` with some contracts changed."""
    for path in base.rglob("*.json"):
        place = folder / path.relative_to(base)
        place.parent.mkdir(parents=True, exist_ok=True)
        if path.parent.name == "contracts" and path.stem in changed:
            place.write_text(json.dumps(changed[path.stem]))
        else:
            os.link(path, place)
    return folder
