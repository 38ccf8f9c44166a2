"""Which mutants there are, and the seeded sample of them that is judged.

A mutant's id is a hash of its file, of the text of the function that it changes and of the change itself: it stays when lines
move or other functions change, and is another one as soon as its own function says something else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from tests.mutation.compiling import ROOT, syntax_trees
from tests.mutation.operators import Edit, edits

SEED = "20200312"
AIMED = {"relational", "rounding", "extreme"}  # in the libraries these come first
SHOWN = 110

# How many of each file are judged.
QUOTA: Mapping[str, int] = {
    "contracts/libraries/FixedPointMath.sol": 30,
    "contracts/libraries/FundingMath.sol": 30,
    "contracts/libraries/LiquidationMath.sol": 42,
    "contracts/libraries/MarginMath.sol": 48,
    "contracts/MarginEngine.sol": 22,
    "contracts/MarginEngineExtension.sol": 14,
    "contracts/base/Ledger.sol": 14,
    "contracts/base/Posting.sol": 16,
    "contracts/LiquidationEngine.sol": 14,
    "contracts/base/Cases.sol": 14,
    "contracts/base/Losses.sol": 14,
    "contracts/base/Deleveraging.sol": 12,
    "contracts/PriceOracle.sol": 22,
    "contracts/base/FeedRounds.sol": 10,
    "contracts/Escrow.sol": 25,
}


@dataclass(frozen=True)
class Mutant:
    id: str
    file: str
    line: int
    unit: str
    edit: Edit

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}"

    @property
    def before(self) -> str:
        return shown(self.edit.before)

    @property
    def after(self) -> str:
        return shown(self.edit.after)

    @property
    def text(self) -> str:
        """The whole source with the change in it."""
        return self.edit.applied((ROOT / self.file).read_bytes()).decode()


def shown(code: bytes) -> str:
    """On one line, and not too long."""
    line = " ".join(code.decode().split())
    return line if len(line) <= SHOWN else f"{line[: SHOWN // 2]} … {line[-SHOWN // 2 :]}"


def mutants_of(file: str, ast: dict, source: bytes) -> list[Mutant]:
    return [_mutant(file, source, edit) for edit in edits(ast, source)]


def _mutant(file: str, source: bytes, edit: Edit) -> Mutant:
    start, end = edit.unit
    told = (file.encode(), source[start:end], str(edit.start - start).encode(), edit.before, edit.after)
    name = hashlib.sha256(b"\0".join(told)).hexdigest()[:12]
    head = source[start:end].split(b"(", 1)[0].split(b"=", 1)[0].split()
    return Mutant(name, file, source.count(b"\n", 0, edit.start) + 1, (head or [b""])[-1].decode(), edit)


def candidates() -> dict[str, list[Mutant]]:
    """All mutants of every file that has a quota."""
    trees = syntax_trees()
    return {file: mutants_of(file, trees[file], (ROOT / file).read_bytes()) for file in QUOTA}


def ranked(mutants: list[Mutant], file: str) -> list[Mutant]:
    """In the order in which they are drawn: by chance, which depends on the mutant alone."""
    aimed = AIMED if "/libraries/" in file else set()

    def rank(mutant: Mutant) -> tuple[bool, str]:
        return mutant.edit.operator not in aimed, hashlib.sha256(f"{SEED} {mutant.id}".encode()).hexdigest()

    return sorted(mutants, key=rank)
