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
    done = _start("build", "--quiet")
    said = done.communicate()
    if done.returncode:
        raise ForgeFailed("\n".join(said))


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
    try:
        found = [_told(process) for process in started]
    finally:
        for process in started:
            process.kill()
    return Rate(sum(one.cases for one in found), max(one.seconds for one in found))


def hits(test: str, runs: int, seed: int) -> Rate:
    """The same test once more, not timed: how many of its cases lie exactly at the line."""
    lines = MADE / f"hits-{os.getpid()}"
    lines.unlink(missing_ok=True)
    found = _told(_start("test", *_one(test, seed), FOUNDRY_FUZZ_RUNS=str(runs), HITS=str(lines.relative_to(ROOT))))
    count = len(lines.read_text().splitlines()) if lines.exists() else 0
    lines.unlink(missing_ok=True)
    return found._replace(hits=count)


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


def _told(process: subprocess.Popen[str]) -> Rate:
    """What one process did."""
    out, error = process.communicate()
    try:
        [suite] = json.loads(out).values()
        [test] = suite["test_results"].values()
        [kind] = test["kind"].values()
        if test["status"] == "Success" and kind.get("reverts", 0) < kind.get("calls", 1):
            return Rate(kind.get("calls", kind["runs"]), duration(test["duration"]))
        out = json.dumps({key: test[key] for key in ("status", "reason", "counterexample", "kind")})
    except (ValueError, KeyError):
        pass
    raise ForgeFailed(f"{out}\n{error}".strip())


def duration(text: str) -> float:
    """Seconds of "3s 13ms 777µs 641ns"."""
    return sum(int(number) * UNITS[unit] for number, unit in re.findall(r"(\d+)([a-zµ]+)", text))
