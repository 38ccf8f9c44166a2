"""Contracts that Brownie does not compile: the files of a folder outside contracts/, by the project's own compiler.

    found = compile_folder(Path("examples/contracts"))       # artifacts by name
    chain.deploy(found["ExampleMargin"])

The compiler keeps its outputs (plimsoll/toolchain/solc.js), so only the first time after a change takes seconds. Settings
are those of brownie-config.yaml: optimiser, IR, EVM, remappings; the version is the lock's.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from plimsoll.chain.artifacts import Artifact
from plimsoll.errors import NotCompiled

ROOT = Path(__file__).resolve().parents[2]
OUTPUTS = ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"]


@lru_cache(maxsize=None)
def compile_folder(folder: Path) -> dict[str, Artifact]:
    """Every contract of the *.sol files of a folder within the project or beside it. Raises NotCompiled."""
    folder = folder.resolve()
    base = ROOT if folder.is_relative_to(ROOT) else folder
    files = sorted(folder.glob("*.sol"))
    if not files:
        raise NotCompiled(str(folder), "there is no .sol file")
    sources = {path.relative_to(base).as_posix(): {"content": path.read_text()} for path in files}
    output = solc({"language": "Solidity", "sources": sources, "settings": settings()})
    _refuse_errors(output, str(folder))
    named = [pair for name in sources for pair in output["contracts"].get(name, {}).items()]
    return {name: _artifact(name, made) for name, made in named}


def storage_layouts(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """By contract of contracts/: where the compiler puts its storage, as standard JSON has it (storage, types).

    Raises NotCompiled.
    """
    files = {f"contracts/{name}.sol": name for name in names}
    sources = {file: {"content": (ROOT / file).read_text()} for file in files}
    chosen = settings() | {"outputSelection": {"*": {"*": ["storageLayout"]}}}
    output = solc({"language": "Solidity", "sources": sources, "settings": chosen})
    _refuse_errors(output, "contracts")
    return {name: output["contracts"][file][name]["storageLayout"] for file, name in files.items()}


def settings() -> dict[str, Any]:
    """Those of brownie-config.yaml, as the compiler's standard JSON wants them; ABI and bytecode are asked for."""
    compiler = yaml.safe_load((ROOT / "brownie-config.yaml").read_text())["compiler"]
    return {
        "optimizer": compiler["solc"]["optimizer"],
        "viaIR": compiler["solc"]["viaIR"],
        "evmVersion": compiler["evm_version"],
        "remappings": compiler["solc"].get("remappings", []),
        "outputSelection": {"*": {"*": OUTPUTS}},
    }


def solc(question: dict[str, Any]) -> dict[str, Any]:
    """What the compiler answers to standard JSON, its complaints about the sources included.

    Raises NotCompiled where there is no answer.
    """
    compilers = sorted((ROOT / ".solc").glob("solc-v*"))
    if not compilers:
        raise NotCompiled("the compiler", "it is not set up. Run `make setup`")
    command = [str(compilers[-1]), "--standard-json", "--base-path", str(ROOT)]
    try:
        done = subprocess.run(command, input=json.dumps(question), capture_output=True, text=True, cwd=ROOT)
    except OSError as problem:
        raise NotCompiled("the compiler", f"{problem}. Run `make setup`") from None
    if done.returncode:
        raise NotCompiled("the compiler", done.stderr.strip())
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _refuse_errors(output: dict[str, Any], what: str) -> None:
    if wrong := [e["formattedMessage"] for e in output.get("errors", []) if e["severity"] == "error"]:
        raise NotCompiled(what, "\n".join(wrong))


def _artifact(name: str, made: dict[str, Any]) -> Artifact:
    evm = made["evm"]
    return Artifact(name, made["abi"], evm["bytecode"]["object"], len(evm["deployedBytecode"]["object"]) // 2)
