"""A mutant's bytecode: only its own source is in memory, all else is read from the tree, and nothing is written into it.

Artifacts carry no metadata: two of them are the same program exactly where their bytecode is equal.
"""

from __future__ import annotations

import json
import os
import posixpath
from functools import lru_cache
from pathlib import Path
from typing import Any

from plimsoll.chain.artifacts import BUILD, FOLDERS, MAX_CODE_BYTES
from plimsoll.chain.sources import settings, solc
from plimsoll.errors import ArtifactMissing

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
    return parsed({file: (ROOT / file).read_text() for file in files})


def parsed(sources: dict[str, str]) -> dict[str, dict]:
    output = _asked(sources, {"*": {"": ["ast"]}})
    return {file: output["sources"][file]["ast"] for file in sources}


@lru_cache(maxsize=None)
def dependants(file: str) -> tuple[str, ...]:
    """The files whose contracts can be deployed and hold code of this one."""
    trees = syntax_trees()
    reached, more = {file}, True
    while more:
        above = {name for name, tree in trees.items() if reached & imports(name, tree)} - reached
        reached, more = reached | above, bool(above)
    return tuple(sorted(name for name in reached if is_deployed(trees[name])))


def imports(name: str, tree: dict) -> set[str]:
    found = (node["file"] for node in tree["nodes"] if node["nodeType"] == "ImportDirective")
    return {posixpath.normpath(posixpath.join(posixpath.dirname(name), path)) for path in found}


def is_deployed(tree: dict) -> bool:
    units = [node for node in tree["nodes"] if node["nodeType"] == "ContractDefinition"]
    return any(unit["contractKind"] == "contract" and not unit["abstract"] for unit in units)


def compiled(file: str, text: str, units: tuple[str, ...], cache: Path) -> Artifacts:
    """The contracts of `units` where `file` says `text`. Raises DoesNotCompile, and NotCompiled where the compiler died."""
    sources = {unit: (ROOT / unit).read_text() for unit in units} | {file: text}
    names = {unit: Path(unit).stem for unit in units}
    output = _asked(sources, {unit: {name: OUTPUTS} for unit, name in names.items()}, PLIMSOLL_SOLC_CACHE=str(cache))
    return {name: _artifact(output["contracts"][unit][name]) for unit, name in names.items()}


def _asked(sources: dict[str, str], outputs: dict, **variables: str) -> dict:
    contents = {name: {"content": text} for name, text in sources.items()}
    how = {**settings(), "metadata": BARE, "outputSelection": outputs}
    output = solc({"language": "Solidity", "sources": contents, "settings": how}, **variables)
    wrong = [error for error in output.get("errors", []) if error["severity"] == "error"]
    if wrong:
        raise DoesNotCompile(wrong[0]["formattedMessage"])
    return output


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
