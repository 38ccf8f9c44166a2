"""slither and halmos, in an environment of their own that is made when `make lint` or `make prove` first wants it.

    .tools          slither, halmos: analysers.txt
    .tools/out      what forge compiled for them, by our compiler: foundry.toml
"""

import os
import shutil
import subprocess

from plimsoll.toolchain.find import find_python
from plimsoll.toolchain.setup import ROOT, Part, only_one_setup, run, solc_name

HERE = "plimsoll/toolchain"
TOOLS, OUT, SOLC = ROOT / ".tools", ROOT / ".tools/out", ROOT / ".solc" / solc_name()
SOURCES = ("contracts", "interfaces", "tests/proofs/symbolic")


def bring_up() -> None:
    """Installs and compiles what is not up to date. Exits with a message where that fails."""
    sources = sorted(str(file.relative_to(ROOT)) for folder in SOURCES for file in (ROOT / folder).rglob("*.sol"))
    compiled = [f"{HERE}/foundry.toml", "package-lock.json", *sources]
    with only_one_setup():
        for part in (
            Part("slither and halmos", ".tools", [f"{HERE}/analysers.txt"], ["bin/slither", "bin/halmos"], _install),
            Part("contracts compiled for them", ".tools/out", compiled, ["build-info"], _compile),
        ):
            part.bring_up_to_date()


def start(command: list[str]) -> "subprocess.CompletedProcess[str]":
    """Runs a tool to its end and keeps what it says."""
    return subprocess.run(command, cwd=ROOT, env=variables(), capture_output=True, text=True)


def variables(**more: str) -> dict[str, str]:
    """The environment with .tools first on its PATH, then the native forge of .venv: npm's exits 0 whatever happened."""
    path = os.pathsep.join([str(TOOLS / "bin"), str(ROOT / ".venv/bin"), os.environ.get("PATH", os.defpath)])
    forge = {"FOUNDRY_CONFIG": str(ROOT / HERE / "foundry.toml"), "FOUNDRY_SOLC": str(SOLC)}
    return {**os.environ, "PATH": path, **forge, **more}


def _install() -> None:
    run([find_python(), "-m", "venv", "--clear", TOOLS], "Is the disk full, or this folder read-only?")
    run([TOOLS / "bin/python", "-m", "pip", "install", "-r", f"{HERE}/analysers.txt"],
        "Check that pip reaches its package index, then run make again: what was downloaded is kept.",
        PIP_DISABLE_PIP_VERSION_CHECK="1")


def _compile() -> None:
    shutil.rmtree(OUT, ignore_errors=True)  # slither reads every compilation that it finds there
    run([ROOT / ".venv/bin/forge", "build", "--root", ".", "--force"], "Do they compile with `make test`?", **variables())
