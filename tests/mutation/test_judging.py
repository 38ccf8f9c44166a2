"""A verdict comes from the contracts, never from the machinery that runs the tests."""

import time
from multiprocessing import get_context
from pathlib import Path
from threading import Event, Timer

import pytest

from plimsoll.errors import NotCompiled
from tests.mutation.compiling import ROOT, build_with, dependants, slim_build
from tests.mutation.judging import SAME, BaselineFails, Judge, Stage, Verdict
from tests.mutation.mutants import Mutant
from tests.mutation.operators import Edit
from tests.mutation.under_test import PRELOADED, run_tests

REHEARSED = "tests/mutation/rehearsed.py"
ESCROW = "contracts/Escrow.sol"
NOTHING = {"abi": [], "bytecode": "", "deployedBytecode": ""}


@pytest.fixture(scope="module")
def context():
    made = get_context("forkserver")
    made.set_forkserver_preload(PRELOADED)
    return made


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return slim_build(tmp_path_factory.mktemp("mutants") / "base")


@pytest.fixture
def ends(context, base, tmp_path):
    def ends(test, seconds=60, build=base, stopped=None):
        return run_tests(context, build, (f"{REHEARSED}::{test}",), seconds, tmp_path, stopped or Event())

    return ends


@pytest.mark.parametrize("test", ["test_that_fails", "test_whose_deployment_is_refused"])
def test_failure_names_the_test(ends, test):
    found = ends(test)
    assert (found.outcome, found.by) == ("failed", f"{REHEARSED}::{test}")


def test_run_sees_the_artifacts_it_was_given(ends, base, tmp_path):
    assert ends("test_that_passes").outcome == "passed"
    build = build_with({"Escrow": NOTHING}, base, tmp_path / "build")
    assert ends("test_that_passes", build=build).outcome == "failed"
    assert ends("test_that_passes").outcome == "passed"


def test_run_that_never_ends_is_a_timeout(ends):
    assert ends("test_that_never_ends", seconds=2).outcome == "timeout"


def test_run_that_is_stopped_ends_without_a_verdict(ends):
    stopped = Event()
    Timer(2, stopped.set).start()
    started = time.monotonic()
    assert ends("test_that_never_ends", stopped=stopped).outcome == "broken"
    assert time.monotonic() - started < 30


@pytest.mark.parametrize(
    ("test", "said"),
    [
        ("test_whose_anvil_dies", "AnvilDied"),
        ("test_that_fails_because_its_anvil_died", "ConnectionResetError"),
        ("test_whose_process_is_killed", "ended with -9"),
        ("test_that_is_not_there", "pytest ended with 4"),
    ],
)
def test_failure_of_the_machinery_is_no_failure_of_a_test(ends, test, said):
    found = ends(test)
    assert found.outcome == "broken" and said in found.by


# The judge -----------------------------------------------------------------------------------------------------------


def mutant(before, after):
    source = (ROOT / ESCROW).read_bytes()
    start = source.index(before.encode())
    edit = Edit("by hand", start, start + len(before.encode()), before.encode(), after.encode(), (0, len(source)))
    return Mutant("0", ESCROW, 1, "pull", edit)


@pytest.fixture(scope="module")
def one_judge(tmp_path_factory):
    with Judge(tmp_path_factory.mktemp("judge"), {}) as made:
        yield made


@pytest.fixture
def judge(one_judge):
    """A judge of Escrow whose stages are one of the rehearsed tests each."""

    def judge(*tests):
        stages = tuple(Stage((f"{REHEARSED}::{test}",), seconds=30) for test in tests)
        one_judge.stages, one_judge.runs = {"Escrow": stages}, 0
        return one_judge

    return judge


CHANGE = mutant("if (have < amount)", "if (have <= amount)")


def test_mutant_that_passes_every_stage_survives_and_leaves_nothing(judge):
    before = (ROOT / ESCROW).stat().st_mtime_ns, (ROOT / ESCROW).read_bytes()
    judging = judge("test_that_passes")
    assert judging.judge(CHANGE) == Verdict("survived") and judging.runs == 2, "the contracts as they are, the mutant"
    assert ((ROOT / ESCROW).stat().st_mtime_ns, (ROOT / ESCROW).read_bytes()) == before
    assert [path.name for path in judging.folder.iterdir()] == ["base"]


def test_mutant_of_the_same_bytecode_is_equivalent_and_runs_nothing(judge):
    judging = judge("test_that_never_ends")
    assert judging.judge(mutant("// Cannot wrap", "// Never wraps")) == Verdict("equivalent", SAME)
    assert judging.runs == 0


def test_mutant_that_does_not_compile_is_none(judge):
    verdict = judge("test_that_never_ends").judge(mutant("have - amount", "have - nothing"))
    assert verdict.word == "invalid" and "Undeclared identifier" in verdict.by


def test_broken_machinery_gives_no_verdict(judge, monkeypatch):
    monkeypatch.setattr(Judge, "_prove_baseline", lambda *_: None)
    judging = judge("test_whose_anvil_dies")
    assert judging.judge(CHANGE).word == "broken" and judging.runs == 3, "it was tried again"


def test_compiler_that_dies_gives_no_verdict(judge, monkeypatch):
    judging = judge("test_that_passes")
    monkeypatch.setattr(judging.compiler, "compiled", lambda *_: (_ for _ in ()).throw(NotCompiled("the compiler", "gone")))
    assert judging.judge(CHANGE).word == "broken"


def test_tests_that_fail_without_any_mutation_judge_nobody(judge):
    with pytest.raises(BaselineFails, match="test_that_fails"):
        judge("test_that_fails").judge(CHANGE)


def test_dependants_are_the_contracts_that_hold_the_code():
    names = {Path(file).stem for file in dependants("contracts/base/Losses.sol")}
    assert names == {"LiquidationEngine"}
    assert {"MarginEngine", "MarginEngineExtension"} <= {Path(f).stem for f in dependants("contracts/base/Posting.sol")}
    assert {"LiquidationEngine", "MarginLens"} <= {Path(f).stem for f in dependants("contracts/libraries/MarginMath.sol")}
