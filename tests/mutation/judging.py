"""What kills a mutant: stages of tests, the quickest and the closest first. Who survives them all is judged by the next.

The libraries are first asked through MathHarness alone, which compiles in two seconds; the contracts by their own unit tests.
Then everything that holds the code is compiled, and the random lives of the whole house are played beside the model.
"""

from __future__ import annotations

import re
import shutil
import threading
from collections import Counter
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

from plimsoll.errors import NotCompiled, ToolchainError
from tests.mutation.compiling import ROOT, Artifacts, Compiler, DoesNotCompile, build_with, dependants, slim_build
from tests.mutation.mutants import Mutant
from tests.mutation.under_test import PRELOADED, Finding, run_tests

SAME = "the same bytecode"
ATTEMPTS = 3  # where the machinery fails
HARNESS = ("contracts/mocks/MathHarness.sol",)
LIVES = "tests/differential/test_venues.py::test_random_life_is_the_same_on_both"


@dataclass(frozen=True)
class Stage:
    """tests: files, folders or tests. units: the files to compile; None: all that hold the mutated code. seconds: of the whole
    stage; it is several times what it takes on two busy cores."""

    tests: tuple[str, ...]
    units: tuple[str, ...] | None = None
    seconds: float = 600


def _mathematics(*tests: str) -> tuple[Stage, ...]:
    return Stage(tuple(f"tests/{name}.py" for name in tests), HARNESS), Stage((LIVES,))


def _contract(*units: str) -> tuple[Stage, ...]:
    """Its own unit tests, the lives, and the unit tests of its neighbours."""
    own, *others = (f"tests/unit/{name}" for name in units)
    return Stage((own,)), Stage((LIVES,)), Stage(tuple(others))


ENGINE = _contract("margin_engine", "liquidation_engine", "auction_house", "liquidity_pool", "margin_lens", "parameters")
LIQUIDATION = _contract("liquidation_engine", "margin_engine", "liquidity_pool", "auction_house", "liquidation_upkeep")
ORACLE = _contract("price_oracle", "margin_engine", "liquidation_engine", "parameters")
FUNDING, MARGIN, SALE, SIZE = (f"differential/test_{name}_math" for name in ("funding", "margin", "sale", "liquidation"))
STAGES: dict[str, tuple[Stage, ...]] = {
    "FixedPointMath": _mathematics("unit/fixed_point_math/test_rounding", FUNDING, MARGIN, SALE),
    "FundingMath": _mathematics(FUNDING),
    "LiquidationMath": _mathematics(SALE, SIZE),
    "MarginMath": _mathematics(MARGIN, "differential/test_threshold", SALE, SIZE),
    **dict.fromkeys(("MarginEngine", "MarginEngineExtension", "Ledger", "Posting"), ENGINE),
    **dict.fromkeys(("LiquidationEngine", "Cases", "Losses", "Deleveraging"), LIQUIDATION),
    **dict.fromkeys(("PriceOracle", "FeedRounds"), ORACLE),
    "Escrow": _contract("escrow", "margin_engine", "liquidity_pool", "liquidation_engine"),
}


@dataclass(frozen=True)
class Verdict:
    """killed · timeout (counts as killed) · equivalent (the same bytecode) · survived · invalid (does not compile, is none) ·
    broken (the machinery failed, time and again: no verdict)."""

    word: str
    by: str = ""


class BaselineFails(ToolchainError):
    """The tests already fail on the contracts as they are: no mutant can be judged by them."""


@dataclass
class Judge:
    """Judges mutants, from several threads at a time. folder: an empty one, whose owner removes it."""

    folder: Path
    stages: dict[str, tuple[Stage, ...]] = field(default_factory=lambda: STAGES)
    _locks: dict[object, threading.Lock] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _plain: dict[object, Artifacts] = field(default_factory=dict)
    _sound: set[tuple[str, ...]] = field(default_factory=set)
    runs: int = 0

    def __post_init__(self) -> None:
        self.stopped = threading.Event()
        self.compiler = Compiler()
        self.context = get_context("forkserver")
        self.context.set_forkserver_preload(PRELOADED)
        self.base = slim_build(self.folder / "base")
        self.kills: Counter[tuple[str, str, str]] = Counter()  # file, function, file of tests

    def __enter__(self) -> Judge:
        return self

    def __exit__(self, *_: object) -> None:
        self.compiler.close()

    def judge(self, mutant: Mutant) -> Verdict:
        """Raises BaselineFails."""
        try:
            return self._judge(mutant)
        except NotCompiled as problem:
            return Verdict("broken", str(problem))

    def _judge(self, mutant: Mutant) -> Verdict:
        same = True
        for stage in self.stages[Path(mutant.file).stem]:
            try:
                changed = self.changed(mutant, stage)
            except DoesNotCompile as problem:
                return Verdict("invalid", str(problem).splitlines()[0])
            same = same and not changed
            if changed:
                self._prove_baseline(mutant, stage)
                finding = self.find(changed, self._ordered(mutant, stage), stage.seconds)
                if finding.outcome != "passed":
                    return self._noted(mutant, finding)
            elif same and stage.units is None:
                return Verdict("equivalent", SAME)
        return Verdict("survived")

    def changed(self, mutant: Mutant, stage: Stage) -> Artifacts:
        """The contracts in which the mutant makes a difference."""
        units = stage.units or dependants(mutant.file)
        plain = self._unmutated(mutant.file, units)
        made = self.compiler.compiled(mutant.file, mutant.text, units)
        return {name: artifact for name, artifact in made.items() if artifact != plain[name]}

    def _noted(self, mutant: Mutant, finding: Finding) -> Verdict:
        if finding.outcome == "failed":
            with self._lock:
                self.kills[mutant.file, mutant.unit, finding.by.split("::")[0]] += 1
        word = {"failed": "killed"}.get(finding.outcome, finding.outcome)
        return Verdict(word, finding.by)

    def _ordered(self, mutant: Mutant, stage: Stage) -> tuple[str, ...]:
        """The stage's tests file by file, first those that already killed mutants of the same function, then its namesakes."""
        files: list[str] = []
        for name in stage.tests:
            found = sorted((ROOT / name).glob("test_*.py")) if (ROOT / name).is_dir() else []
            files += [path.relative_to(ROOT).as_posix() for path in found] or [name]
        with self._lock:
            kills = {name: self.kills[mutant.file, mutant.unit, name] for name in files}
        words = set(re.findall("[a-z]+", re.sub("[A-Z]", lambda m: "_" + m[0].lower(), mutant.unit)))

        def rank(name: str) -> tuple[int, int]:
            return -kills[name], -len(words & set(re.findall("[a-z]+", Path(name).stem)))

        return tuple(sorted(files, key=rank))

    def _unmutated(self, file: str, units: tuple[str, ...]) -> Artifacts:
        with self._lock_of((file, units)):
            if (file, units) not in self._plain:
                text = (ROOT / file).read_text()
                self._plain[file, units] = self.compiler.compiled(file, text, units)
            return self._plain[file, units]

    def _prove_baseline(self, mutant: Mutant, stage: Stage) -> None:
        """Before its first use: the stage passes on the contracts as they are, compiled as the mutants are."""
        with self._lock_of(stage.tests):
            if stage.tests in self._sound:
                return
            plain = self._unmutated(mutant.file, stage.units or dependants(mutant.file))
            finding = self.find(plain, stage.tests, stage.seconds)
            if finding.outcome != "passed":
                raise BaselineFails(f"without any mutation: {finding.outcome} {finding.by}. Put that right first.")
            self._sound.add(stage.tests)

    def _lock_of(self, key: object) -> threading.Lock:
        with self._lock:
            return self._locks.setdefault(key, threading.Lock())

    def find(self, changed: Artifacts, tests: tuple[str, ...], seconds: float) -> Finding:
        """A failure of the machinery is tried again."""
        finding = Finding("broken", "never tried")
        for _ in range(ATTEMPTS):
            with self._lock:
                self.runs += 1
                folder = self.folder / f"run{self.runs}"
            try:
                folder.mkdir()
                build = build_with(changed, self.base, folder / "build")
                finding = run_tests(self.context, build, tests, seconds, folder, self.stopped)
            finally:
                shutil.rmtree(folder, ignore_errors=True)
            if finding.outcome != "broken" or self.stopped.is_set():
                break
        return finding
