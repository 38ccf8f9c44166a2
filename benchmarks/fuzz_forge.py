"""Native forge on the project of benchmarks/foundry: as many processes as cores, since it fuzzes one test on one of them.

    compile_tests()
    fuzz("testFuzz_uniform", seconds=5, seed=1)       # Rate(cases, seconds)
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import NamedTuple

from plimsoll.chain.artifacts import Artifact

ROOT = Path(__file__).resolve().parents[1]
FORGE, SOLC = ROOT / ".venv/bin/forge", ROOT / ".solc"
MADE = ROOT / "build/foundry"
CORES = 2
UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "µs": 1e-6, "ns": 1e-9}
ENDLESS = 2**31 - 1


class ForgeFailed(Exception):
    """forge is missing, does not compile, or found what it should not."""


class Rate(NamedTuple):
    """hits: cases exactly at the line, where they were counted."""

    cases: int
    seconds: float
    hits: int = 0

    @property
    def per_second(self) -> float:
        return self.cases / self.seconds


def installed() -> bool:
    return FORGE.exists()


def compile_tests() -> None:
    """So that no later run compiles. Raises ForgeFailed."""
    if not installed():
        raise ForgeFailed("forge is not installed: run `make setup`")
    _finish([_start("build", "--quiet")])


def made_by_forge(name: str) -> Artifact:
    """A contract of the benchmark."""
    made = json.loads((MADE / f"out/{name}.sol/{name}.json").read_text())
    code, deployed = (made[key]["object"].removeprefix("0x") for key in ("bytecode", "deployedBytecode"))
    return Artifact(name, made["abi"], code, len(deployed) // 2)


def fuzz(test: str, seconds: int, seed: int, **variables: str) -> Rate:
    """On every core at once, each with a seed of its own. The time is what forge says: starting and compiling do not count.
    variables: of the environment, for the test. Raises ForgeFailed."""
    kind = "INVARIANT" if test.startswith("invariant") else "FUZZ"
    limits = {f"FOUNDRY_{kind}_TIMEOUT": str(seconds), f"FOUNDRY_{kind}_RUNS": str(ENDLESS)}
    started = [_start("test", *_one(test, seed + core), **limits, **variables) for core in range(CORES)]
    found = [_told(said) for said in _finish(started)]
    return Rate(sum(one.cases for one in found), max(one.seconds for one in found))


def hits(test: str, runs: int, seed: int) -> Rate:
    """The same test once more, not timed: how many of its cases lie exactly at the line."""
    lines = MADE / f"hits-{os.getpid()}"
    lines.unlink(missing_ok=True)
    limits = {"FOUNDRY_FUZZ_RUNS": str(runs), "HITS": str(lines.relative_to(ROOT))}
    [said] = _finish([_start("test", *_one(test, seed), **limits)])
    count = len(lines.read_text().splitlines()) if lines.exists() else 0
    lines.unlink(missing_ok=True)
    return _told(said)._replace(hits=count)


def _one(test: str, seed: int) -> tuple[str, ...]:
    return "--json", "--match-test", rf"^{test}\(", "--fuzz-seed", str(seed), "--threads", "1"


def _start(command: str, *words: str, **variables: str) -> subprocess.Popen[str]:
    """From the project's folder, with the project's compiler. A session of its own, as every Anvil has one: Linux shares the
    cores out by session."""
    solc = max(SOLC.glob("solc-v*"), default=SOLC)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("FOUNDRY_", "DAPP_", "HITS"))}
    kept |= {"FOUNDRY_CONFIG": str(ROOT / "benchmarks/foundry/foundry.toml"), **variables}
    return subprocess.Popen(
        [str(FORGE), command, "--root", str(ROOT), "--use", str(solc), *words],
        **{"cwd": ROOT, "env": kept, "stdin": subprocess.DEVNULL, "text": True},
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "start_new_session": True},
    )


def _finish(started: list[subprocess.Popen[str]]) -> list[str]:
    """What each said, when all have ended. Raises ForgeFailed; then, or when interrupted, none is left running."""
    try:
        said = [process.communicate() for process in started]
    finally:
        for process in started:
            process.kill()
    for process, (out, error) in zip(started, said):
        if process.returncode:
            raise ForgeFailed(_reason(out) or f"{out}\n{error}".strip())
    return [out for out, _ in said]


def _reason(out: str) -> str:
    """Of a test that failed; nothing where there was none."""
    try:
        return "; ".join(f"{name}: {test['reason']}" for name, test in _tests(out).items())
    except (ValueError, KeyError):
        return ""


def _tests(out: str) -> dict[str, dict]:
    return {name: test for suite in json.loads(out).values() for name, test in suite["test_results"].items()}


def _told(said: str) -> Rate:
    """What one process did. Raises ForgeFailed where it did nothing, or all of it was refused."""
    try:
        [test] = _tests(said).values()
        [kind] = test["kind"].values()
        cases, refused = _cases(kind), kind.get("reverts", 0)
    except (ValueError, KeyError):
        raise ForgeFailed(said) from None
    if refused >= cases:
        raise ForgeFailed(f"all of {cases} calls were refused: {kind}")
    return Rate(cases, duration(test["duration"]))


def _cases(kind: dict) -> int:
    """Runs of a property; calls of an invariant, those of a sequence that the time cut short included."""
    return sum(verb["calls"] for verb in kind["metrics"].values()) if "metrics" in kind else kind["runs"]


def duration(text: str) -> float:
    """Seconds of "3s 13ms 777µs 641ns"."""
    return sum(int(number) * UNITS[unit] for number, unit in re.findall(r"(\d+)([a-zµ]+)", text))
