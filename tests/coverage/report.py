"""What ran of the contracts outside the mocks, and what never did: statements by the line where they begin, branches both ways."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from plimsoll.toolchain.setup import ROOT
from tests.coverage import compiled
from tests.coverage.compiled import Place

GOAL = 0.98  # of all lines
LEFT_OUT = "contracts/mocks/"
SIMPLE = {"ExpressionStatement", "VariableDeclarationStatement", "Return", "RevertStatement", "EmitStatement", "InlineAssembly",
          "Break", "Continue"}  # fmt: skip
CONDITIONAL = {"IfStatement": "condition", "ForStatement": "condition", "WhileStatement": "condition", "TryStatement": "externalCall"}
FORKS = {"IfStatement", "Conditional", "ForStatement", "WhileStatement"}

Node = dict[str, Any]


class File(NamedTuple):
    """lines: whether all that begins there ran. branches: of each place that forks, how many of its two ways were gone."""

    path: str
    lines: dict[int, bool]
    branches: dict[Place, int]
    texts: list[str]


def tell(seen: Iterable[Path], folder: Path = compiled.BUILD) -> bool:
    """Prints the table and what never ran; whether the goal is met."""
    files = measure(seen, folder)
    print(f"\n{'':44} {'lines':>12} {'':>7} {'branches':>12}")
    for file in files:
        print(_row(file.path, file.lines.values(), file.branches.values()))
    lines = [ran for file in files for ran in file.lines.values()]
    print(_row("all", lines, [ways for file in files for ways in file.branches.values()]))
    for file in files:
        for line, ran in sorted(file.lines.items()):
            if not ran:
                print(f"never ran: {file.path}:{line}: {file.texts[line - 1].strip()}")
    enough = sum(lines) >= GOAL * len(lines)
    print(f"{'' if enough else 'not '}at least {GOAL:.0%} of the lines ran")
    return enough


def measure(seen: Iterable[Path], folder: Path = compiled.BUILD) -> list[File]:
    """seen: what plugin.Seen wrote, of one or more runs."""
    made, ran, ways = _ran(seen, folder)
    trees = json.loads((folder / "trees.json").read_text())["trees"]
    paths = [path for path in sorted(trees) if path.startswith("contracts/") and not path.startswith(LEFT_OUT)]
    files = [_file(path, trees[path], made[path], ran[path], ways) for path in paths]
    return [file for file in files if file.lines]


def _row(name: str, lines: Iterable[bool], branches: Iterable[int]) -> str:
    lines, branches = list(lines), list(branches)
    ran, gone, forks = sum(lines), sum(branches), 2 * len(branches)
    shares = [f"{part:5}/{whole:<5} {part / whole if whole else 1:7.1%}" for part, whole in ((ran, len(lines)), (gone, forks))]
    return f"{name:44} {'  '.join(shares)}"


def _ran(seen: Iterable[Path], folder: Path) -> tuple[Any, Any, Any]:
    """By path: all places that have code, and those that ran; and the ways gone, by place."""
    told = [json.loads(path.read_text()) for path in seen]
    made: dict[str, set[Place]] = defaultdict(set)
    ran: dict[str, set[Place]] = defaultdict(set)
    ways: dict[Place, set[str]] = defaultdict(set)
    for code in compiled.codes(folder):
        for kind, places in (("runtime", code.runtime), ("creation", code.creation)):
            for place in places.values():
                made[place.path].add(place)
            for pcs, gone in (one.get(f"{kind} {code.name}", ((), ())) for one in told):
                for place in (places[int(pc)] for pc in pcs if int(pc) in places):
                    ran[place.path].add(place)
                for pc, way in (one.split() for one in gone):
                    if int(pc) in places:
                        ways[places[int(pc)]].add(way)
    return made, ran, ways


def _file(path: str, tree: Node, made: set[Place], ran: set[Place], ways: dict[Place, set[str]]) -> File:
    text = (ROOT / path).read_bytes()
    starts = [0, *(at + 1 for at, byte in enumerate(text) if byte == 10)]
    lines: dict[int, bool] = {}
    branches: dict[Place, int] = {}
    for function in (node for node in nodes(tree) if node["nodeType"] in ("FunctionDefinition", "ModifierDefinition")):
        for node in nodes(function.get("body")):
            kind, place = node["nodeType"], _place(path, node)
            if kind in FORKS and place in made or node.get("operator") in ("&&", "||") and place in made:
                branches[place] = len(ways[place])
            part = node if kind in SIMPLE else node.get(CONDITIONAL.get(kind, ""))
            if part is not None and _within(_place(path, part), made):
                line = bisect_right(starts, place.start)
                lines[line] = lines.get(line, True) and _within(_place(path, part), ran)
    return File(path, lines, branches, text.decode().splitlines())


def _within(whole: Place, places: set[Place]) -> bool:
    return any(whole.start <= place.start and place.end <= whole.end for place in places)


def _place(path: str, node: Node) -> Place:
    start, length, _ = map(int, node["src"].split(":"))
    return Place(path, start, start + length)


def nodes(tree: Any) -> Iterator[Node]:
    if isinstance(tree, dict):
        if "nodeType" in tree and not tree["nodeType"].startswith("Yul"):
            yield tree
        tree = list(tree.values())
    for part in tree if isinstance(tree, list) else ():
        yield from nodes(part)
