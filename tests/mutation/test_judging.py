"""A verdict comes from the contracts, never from the machinery that runs the tests."""

import time
from multiprocessing import get_context
from pathlib import Path
from threading import Event, Timer

import pytest

from tests.mutation.compiling import ROOT, build_with, dependants, slim_build
from tests.mutation.judging import BaselineFails, Judge, Stage, Verdict
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


@pytest.fixture
def judge(tmp_path):
    """A judge of Escrow whose stages are one of the rehearsed tests each."""
    made = []

    def judge(*tests):
        stages = tuple(Stage((f"{REHEARSED}::{test}",), seconds=30) for test in tests)
        made.append(Judge(tmp_path / str(len(made)), {"Escrow": stages}))
        return made[-1]

    yield judge
    for one in made:
        one.compiler.close()


CHANGE = mutant("if (have < amount)", "if (have <= amount)")


def test_mutant_that_passes_every_stage_survives(judge):
    assert judge("test_that_passes").judge(CHANGE) == Verdict("survived")


def test_mutant_of_the_same_bytecode_is_equivalent_and_runs_nothing(judge):
    same = mutant("if (have < amount)", "if (!(have >= amount || amount <= have))")
    assert judge("test_that_never_ends").judge(mutant("// Cannot wrap", "// Never wraps")).word == "equivalent"
    assert judge("test_that_passes").judge(same).word in ("survived", "equivalent")


def test_mutant_that_does_not_compile_is_none(judge):
    assert judge("test_that_never_ends").judge(mutant("have - amount", "have - nothing")).word == "invalid"


def test_broken_machinery_gives_no_verdict(judge):
    tried = judge("test_that_passes")
    tried._prove_baseline = lambda mutant, stage: None
    tried.stages = {"Escrow": (Stage((f"{REHEARSED}::test_whose_anvil_dies",)),)}
    assert tried.judge(CHANGE).word == "broken"
    assert tried._numbers == 3, "it was tried again"


def test_tests_that_fail_without_any_mutation_judge_nobody(judge):
    with pytest.raises(BaselineFails, match="test_that_fails"):
        judge("test_that_fails").judge(CHANGE)


def test_nothing_is_written_into_the_tree(judge):
    before = (ROOT / ESCROW).stat().st_mtime_ns, (ROOT / ESCROW).read_bytes()
    tried = judge("test_that_passes")
    tried.judge(CHANGE)
    assert (((ROOT / ESCROW).stat().st_mtime_ns), (ROOT / ESCROW).read_bytes()) == before
    assert not list(tried.folder.glob("run*")), "each run's folder is removed"


def test_dependants_are_the_contracts_that_hold_the_code():
    names = {Path(file).stem for file in dependants("contracts/base/Losses.sol")}
    assert names == {"LiquidationEngine"}
    assert {"MarginEngine", "MarginEngineExtension"} <= {Path(f).stem for f in dependants("contracts/base/Posting.sol")}
    assert {"LiquidationEngine", "MarginLens"} <= {Path(f).stem for f in dependants("contracts/libraries/MarginMath.sol")}
