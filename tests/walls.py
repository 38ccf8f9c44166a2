"""Who may import whom, read off the sources and not left to memory.

    Solidity                may import                                          Python              may import
    interfaces/             interfaces                                          core modules        core modules
    contracts/libraries/    libraries, interfaces (types only)                  model, chain        core; itself
    contracts/base/         base, libraries, interfaces, OpenZeppelin           scenarios, risk,
    contracts/, periphery/  base, libraries, interfaces, OpenZeppelin             keeper            core; each other
    contracts/mocks/        anything; nothing imports a mock                    toolchain           core; itself
    tests/proofs/           anything but examples
    examples/contracts/     each other                                          properties          core; itself
    benchmarks/foundry/     anything                                            fuzz                core, model, scenarios
                                                                                deploy              core, chain, scenarios
    A concrete contract never imports another.                                  cli, fuzzing, …     all of plimsoll
                                                                                everything else     all but scripts

Core modules are fixed_point, margin_math, funding_math, interest_math, types, state, errors, venue, invariants. Nothing imports scripts; plimsoll imports no tests; a
package that knows chains (web3, brownie, …) is imported by plimsoll.chain alone within plimsoll.

Each check takes a path within the project and the text there, and yields sentences that name what is wrong.
"""

from __future__ import annotations

import ast
import os
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

CORE = {"fixed_point", "margin_math", "funding_math", "interest_math", "types", "state", "errors", "venue", "invariants"}
PLAYERS = {"scenarios", "risk", "keeper"}
PYTHON_MAY = {
    **{name: CORE for name in CORE},
    **{name: CORE | PLAYERS for name in PLAYERS},
    **{name: CORE | {name} for name in ("model", "chain", "toolchain", "properties")},
    "fuzz": CORE | {"fuzz", "model", "scenarios"},
    "deploy": CORE | {"deploy", "chain", "scenarios"},
}
KNOWS_A_CHAIN = {"web3", "brownie", "eth_abi", "eth_account", "eth_utils", "hexbytes", "rlp", "pyrevm"}

SOLIDITY_MAY = {
    "interface": {"interface"},
    "library": {"library", "interface"},
    "base": {"base", "library", "interface", "openzeppelin"},
    "contract": {"base", "library", "interface", "openzeppelin"},
    "mock": {"mock", "contract", "base", "library", "interface", "openzeppelin"},
    "example": {"example"},
    "proof": {"proof", "mock", "contract", "base", "library", "interface", "openzeppelin"},
    "benchmark": {"benchmark", "mock", "contract", "base", "library", "interface", "openzeppelin"},
}

LINES = {".sol": 450, ".py": 350}
LINES_OF_TEST, LINES_OF_SCRIPT = 500, 60
ELSEWHERE = {".git", ".venv", ".solc", ".tools", "node_modules", "build", "reports", "__pycache__"}

COMMENT_OR_TEXT = re.compile(r'//[^\n]*|/\*.*?\*/|("(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\')', re.DOTALL)
IMPORT = re.compile(r'(?:^|[;}])\s*import\b[^;"\']*["\']([^"\']+)["\'][^;]*(?=;)')
UNIT = re.compile(r"(abstract\s+contract|contract|interface|library)\s+(\w+)")
BLOCK = re.compile(r"\{[^{}]*\}")


def breaches(root: Path) -> list[str]:
    """All that is wrong in a project."""
    found = []
    for path in files(root):
        name, text = path.relative_to(root).as_posix(), path.read_text()
        found += size_breaches(name, text)
        found += solidity_breaches(name, text) if path.suffix == ".sol" else python_breaches(name, text)
    return found


def files(root: Path) -> Iterator[Path]:
    """Every Python and Solidity file of the project itself."""
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(set(folders) - ELSEWHERE)
        yield from (Path(folder, name) for name in sorted(names) if Path(name).suffix in LINES)


def size_breaches(path: str, text: str) -> Iterator[str]:
    suffix, lines = Path(path).suffix, len(text.splitlines())
    ceiling = {"tests": LINES_OF_TEST, "scripts": LINES_OF_SCRIPT}.get(path.split("/")[0], LINES[suffix])
    if lines > ceiling:
        yield f"{path} has {lines} lines, the ceiling is {ceiling}"


# Solidity


def solidity_breaches(path: str, text: str) -> Iterator[str]:
    zone = solidity_zone(path)
    code = COMMENT_OR_TEXT.sub(lambda match: match[1] or " ", text)
    for target in IMPORT.findall(code):
        there = imported_zone(path, target)
        if there not in SOLIDITY_MAY[zone]:
            yield f"{path} ({zone}) imports {target} ({there})"
    yield from _form_breaches(path, zone, _top_level(code))


def solidity_zone(path: str) -> str:
    outer = {"interfaces/": "interface", "examples/contracts/": "example"}
    outer |= {"benchmarks/foundry/": "benchmark", "tests/proofs/": "proof"}
    for folder, zone in outer.items():
        if path.startswith(folder):
            return zone
    folders = {"libraries": "library", "mocks": "mock", "base": "base"}
    return folders.get(path.split("/")[1], "contract") if path.startswith("contracts/") else "outside"


def imported_zone(path: str, target: str) -> str:
    """What an import reaches. OpenZeppelin's utils are libraries, Chainlink's interfaces interfaces, for all."""
    if target.startswith("@openzeppelin/contracts/utils/math/"):
        return "library"
    if target.startswith("@openzeppelin/"):
        return "openzeppelin"
    if target.startswith("@chainlink/") and "/interfaces/" in target:
        return "interface"
    if target.startswith("."):
        return solidity_zone(posixpath.normpath(posixpath.join(posixpath.dirname(path), target)))
    return "outside"


def _top_level(code: str) -> list[str]:
    """The statements outside all braces: imports and texts are gone, each block has become a semicolon."""
    code = COMMENT_OR_TEXT.sub("''", IMPORT.sub("", code))
    while BLOCK.search(code):
        code = BLOCK.sub(";", code)
    return [" ".join(statement.split()) for statement in code.split(";") if statement.strip()]


def _form_breaches(path: str, zone: str, statements: list[str]) -> Iterator[str]:
    units = []
    for statement in statements:
        unit = UNIT.match(statement)
        if unit:
            units.append(unit)
        elif not statement.startswith("pragma "):
            yield f"{path} has this at file level, which Brownie does not see change: {statement[:60]}"
    if zone != "proof" and [unit[2] for unit in units] != [Path(path).stem]:  # a file of lemmas has a contract for each
        yield f"{path} holds {[unit[2] for unit in units]}, not exactly {Path(path).stem}"
    due = {"interface": "interface", "library": "library", "base": "abstract contract", "contract": "contract"}
    for unit in units:
        kind = " ".join(unit[1].split())
        if kind != due.get(zone, kind):
            yield f"{path} holds a {kind}, which does not belong there"


# Python


def python_breaches(path: str, text: str) -> Iterator[str]:
    parts = Path(path).with_suffix("").parts
    for module in imports(path, text):
        top, *rest = module.split(".")
        if top == "scripts":
            yield f"{path} imports {module}: scripts are run, never imported"
        if parts[0] != "plimsoll":
            continue
        if top == "tests":
            yield f"{path} imports {module}: the library does not know its tests"
        here = parts[1] if len(parts) > 1 else ""
        if top in KNOWS_A_CHAIN and here != "chain":
            yield f"{path} imports {module}: only plimsoll.chain knows a chain"
        if top == "plimsoll" and rest and here in PYTHON_MAY and rest[0] not in PYTHON_MAY[here]:
            yield f"{path} imports {module}: {here} may import {', '.join(sorted(PYTHON_MAY[here]))} only"


def imports(path: str, text: str) -> Iterator[str]:
    """The full names of all modules that a file imports, wherever in it; `from plimsoll import types` counts as
    plimsoll.types."""
    package = list(Path(path).parent.parts)
    for node in ast.walk(ast.parse(text, path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join(above + ([node.module] if node.module else []))
            yield from ([base] if "." in base else [f"{base}.{alias.name}" for alias in node.names])
