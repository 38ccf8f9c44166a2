"""One run of tests against one build, in a process of its own that starts warm: the fork server has imported everything
before it forks. What it found out is a `Finding`; a failure of the machinery is never taken for a failure of a test.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from dataclasses import asdict, dataclass
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

PRELOADED = [
    "brownie._config",
    "hypothesis",
    "pytest",
    "plimsoll.chain.deployment",
    "plimsoll.chain.venue",
    "plimsoll.model.venue",
    "plimsoll.scenarios.runner",
]
# The machinery, not the contracts: Anvil gone, no port, no artifact, no memory, no disk, a test that does not even load.
INFRASTRUCTURE = {"AnvilDied", "AnvilMissing", "PortTaken", "NodeDead", "ArtifactMissing", "NotCompiled"}
INFRASTRUCTURE |= {"OSError", "MemoryError", "ImportError", "SyntaxError", "KeyboardInterrupt"}
ANVIL_STOPS = 20  # seconds that a run may take to stop its Anvil after its time is up
FLAGS = ["-q", "-x", "--tb=short", "--no-header", "-p", "no:pytest-brownie", "-p", "no:cacheprovider", "-p", "no:xdist"]


@dataclass(frozen=True)
class Finding:
    """passed, failed (by: the test, and what it said), timeout, or broken (by: what broke)."""

    outcome: str
    by: str = ""


def run_tests(
    context: ForkServerContext, build: Path, tests: tuple[str, ...], seconds: float, folder: Path, stopped: threading.Event
) -> Finding:
    """Runs pytest against the artifacts in `build`, until it ends or `stopped` is set. folder: an empty one, for what is
    written meanwhile."""
    report, log = folder / "report.json", folder / "log"
    process = context.Process(target=_child, args=(str(build), tests, seconds, str(report), str(log)))
    process.start()
    _wait_for(process, time.monotonic() + seconds + ANVIL_STOPS, stopped)
    if report.is_file():
        return Finding(**json.loads(report.read_text()))
    said = log.read_text(errors="replace").strip().splitlines()[-3:] if log.is_file() else []
    return Finding("broken", f"the tests' process ended with {process.exitcode}: {' | '.join(said)}")


def _wait_for(process: Any, deadline: float, stopped: threading.Event) -> None:
    """Whoever is to stop is first asked to: its Anvil must stop with it."""
    asked = False
    while process.is_alive() and time.monotonic() < deadline:
        process.join(0.2)
        if stopped.is_set() and process.is_alive() and not asked:
            asked, deadline = True, time.monotonic() + ANVIL_STOPS
            os.kill(process.pid, signal.SIGINT)
    if process.is_alive():
        process.kill()
    process.join()


def _child(build: str, tests: tuple[str, ...], seconds: float, report: str, log: str) -> None:
    with open(log, "w") as out:
        os.dup2(out.fileno(), 1)
        os.dup2(out.fileno(), 2)
    os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = str(Path(report).parent)
    import pytest

    from plimsoll.chain import artifacts

    artifacts.BUILD = Path(build)
    recorder = Recorder()
    signal.signal(signal.SIGALRM, recorder.time_is_up)
    signal.signal(signal.SIGINT, interrupted)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    code = pytest.main([*FLAGS, *tests], plugins=[recorder])
    signal.setitimer(signal.ITIMER_REAL, 0)
    Path(report + ".part").write_text(json.dumps(asdict(recorder.finding(int(code)))))
    os.replace(report + ".part", report)
    sys.exit(0)


def interrupted(*_: Any) -> None:
    """Once: whoever asks again must not disturb the fixtures, which are being torn down."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


class Recorder:
    """A plugin of pytest: what failed first, and why."""

    def __init__(self) -> None:
        self.first: tuple[str, BaseException] | None = None
        self.broken = ""
        self.late = False

    def time_is_up(self, *_: Any) -> None:
        self.late = True
        raise KeyboardInterrupt  # nothing catches it, and the fixtures are torn down: Anvil stops

    def pytest_sessionstart(self) -> None:
        """The first example that fails is enough, and is kept nowhere."""
        import hypothesis

        phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
        usual = hypothesis.settings.get_profile("plimsoll")
        hypothesis.settings.register_profile("mutant", usual, phases=phases, database=None, print_blob=False)
        hypothesis.settings.load_profile("mutant")

    def pytest_exception_interact(self, node: Any, call: Any) -> None:
        if self.first is None:
            self.first = node.nodeid, call.excinfo.value

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            self.broken = f"{report.nodeid} cannot be collected: {str(report.longrepr)[-300:]}"

    def pytest_internalerror(self, excinfo: Any) -> None:
        self.broken = f"pytest itself failed: {excinfo.value!r}"

    def finding(self, code: int) -> Finding:
        if self.broken:
            return Finding("broken", self.broken)
        if self.late:
            return Finding("timeout")
        if code == 0:
            return Finding("passed")
        if code != 1 or self.first is None:
            return Finding("broken", f"pytest ended with {code}")
        test, problem = self.first
        found = next((cause for cause in causes(problem) if is_infrastructure(cause)), None)
        if found is not None:
            return Finding("broken", f"{test}: {type(found).__name__}: {found}")
        return Finding("failed", test)


def causes(problem: BaseException | None) -> list[BaseException]:
    """The exception and all that it was raised from, or while handling."""
    found: list[BaseException] = []
    while problem is not None and problem not in found:
        found.append(problem)
        problem = problem.__cause__ or problem.__context__
    return found


def is_infrastructure(problem: BaseException) -> bool:
    return bool(INFRASTRUCTURE & {kind.__name__ for kind in type(problem).__mro__})
