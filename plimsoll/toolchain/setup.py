"""`make setup`: everything the project needs, inside the project folder, each part only when it is out of date.

    .venv           Python packages of requirements.txt
    node_modules    compiler, Anvil, OpenZeppelin, Chainlink; for tests and rehearsals Uniswap, Chainlink's older package (it
                    has bytecode), WETH: exactly as package-lock.json says (without what chainlink-2021 calls optional)
    .solc           the compiler as the executable that Brownie looks for; Anvil and forge on the bin of .venv
    build           compiled contracts

A part is done when its stamp holds the hash of all it was made from. The stamp is written last, so a part that was
interrupted has none and is made again. `python3 -m plimsoll.toolchain.setup` from the project folder does the same.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable, Iterator, List, Sequence, Union  # an old Python cannot read list[str]

from plimsoll.toolchain.find import find_npm, find_python, output_of

ROOT = Path(__file__).resolve().parents[2]
LOG = ROOT / ".setup.log"
LINES_OF_ERROR = 15
TOOLS = ("anvil", "forge")
MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def main() -> None:
    try:
        with only_one_setup():
            for part in parts():
                part.bring_up_to_date()
    except KeyboardInterrupt:
        sys.exit("\nset-up interrupted. What is unfinished is made again by the next make.")


def parts() -> "List[Part]":
    sources = sorted(str(p.relative_to(ROOT)) for d in ("contracts", "interfaces") for p in (ROOT / d).rglob("*.sol"))
    return [
        Part("Python packages", ".venv", ["requirements.txt"], ["bin/python", "bin/brownie"], make_venv),
        Part("compiler, Anvil and Solidity libraries", "node_modules", ["package-lock.json"],
             ["solc/soljson.js", "@openzeppelin/contracts", "@uniswap/v3-core", "chainlink-2021/abi", package_of("anvil")], make_node_modules),
        Part("tools made known to Brownie", ".solc", ["requirements.txt", "package-lock.json"],
             [solc_name(), "../.venv/bin/anvil"], make_tools),
        Part("contracts compiled", "build", ["brownie-config.yaml", "package-lock.json"] + sources, [], compile_all),
    ]


class Part:
    """One folder made by set-up: `inputs` decide whether it is out of date, `proofs` whether it is still whole."""

    def __init__(
        self, title: str, folder: str, inputs: List[str], proofs: List[str], make: Callable[[], None]
    ) -> None:
        self.title, self.folder, self.proofs, self.make = title, ROOT / folder, proofs, make
        self.stamp = self.folder / ".plimsoll-stamp"
        self.key = hash_of(inputs + ["plimsoll/toolchain/setup.py"])

    def is_up_to_date(self) -> bool:
        stamped = self.stamp.exists() and self.stamp.read_text() == self.key
        return stamped and all((self.folder / proof).exists() for proof in self.proofs)

    def bring_up_to_date(self) -> None:
        if self.is_up_to_date():
            return
        started = time.time()
        print(f"set-up: {self.title} …", flush=True)
        self.make()
        self.folder.mkdir(exist_ok=True)
        self.stamp.write_text(self.key)
        print(f"set-up: {self.title}: done in {time.time() - started:.0f} s", flush=True)


def hash_of(names: List[str]) -> str:
    """Of names and contents, and of the place, because a virtual environment does not survive a move."""
    digest = hashlib.sha256(str(ROOT).encode())
    for name in names:
        digest.update(name.encode() + b"\0" + (ROOT / name).read_bytes() + b"\0")
    return digest.hexdigest()


@contextlib.contextmanager
def only_one_setup() -> Iterator[None]:
    """The kernel lets go of the lock when all who hold it have ended, however they end: set-up and the step it runs."""
    with (ROOT / ".setup.lock").open("w") as lock:
        os.set_inheritable(lock.fileno(), True)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print("set-up: another set-up of this folder is running, waiting for it …", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def run(command: Sequence[Union[str, Path]], advice: str, **variables: str) -> None:
    """Runs a long step with its output in a log; on failure shows the telling lines of it and what to do."""
    with LOG.open("w") as log:
        done = subprocess.run(
            [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            cwd=str(ROOT), env=dict(os.environ, **variables), close_fds=False,  # the step inherits the lock
        )
    if done.returncode != 0:
        words = [Path(str(command[0])).name] + [str(word) for word in command[1:3]]
        said = telling_lines(LOG.read_text(errors="replace"))
        sys.exit(f"{said}\n\nset-up stopped: `{' '.join(words)} …` failed; all it said is in {LOG.name}.\n{advice}")


def telling_lines(output: str) -> str:
    """pip and npm mark their errors, and npm ends with a page of usage; of others the last lines tell."""
    lines = [line for line in re.sub(r"\x1b\[[0-9;]*m", "", output).splitlines() if line.strip()]
    marked = [line for line in lines if re.match(r"ERROR|WARNING: Retrying|npm (error|ERR!) \S", line)]
    return "\n".join(marked[:LINES_OF_ERROR] or lines[-LINES_OF_ERROR:])


def make_venv() -> None:
    find_npm()  # better now than after a minute of pip
    venv = ROOT / ".venv"
    if venv.is_symlink() or venv.exists() and not looks_like_venv(venv):
        sys.exit(".venv is there, but it is no virtual environment of this project. Move it away and run make again.")
    if venv.exists() and not is_whole(venv):
        print("set-up: .venv is unfinished or was moved: making it again", flush=True)
        shutil.rmtree(str(venv))
    if not venv.exists():
        run([find_python(), "-m", "venv", venv], "Is the disk full, or this folder read-only?")
    run([venv / "bin/python", "-m", "pip", "install", "-r", "requirements.txt"],
        "Check that pip reaches its package index, then run make again: what was downloaded is kept.",
        BROWNIE_NOCOMPILE="1", PIP_DISABLE_PIP_VERSION_CHECK="1")


def looks_like_venv(folder: Path) -> bool:
    names = set(os.listdir(str(folder)))
    return not names or bool(names & {"pyvenv.cfg", "bin", "lib"})


def is_whole(venv: Path) -> bool:
    """Finished once, made in this place (its commands name their Python by full path), and that Python still runs."""
    command = venv / "bin/brownie"
    if not (venv / ".plimsoll-stamp").exists() or not command.exists() or str(venv) not in command.read_text():
        return False
    return output_of([str(venv / "bin/python"), "-m", "pip", "-V"]) is not None


def make_node_modules() -> None:
    advice = "Check that npm reaches its registry, then run make again: what was downloaded is kept."
    npm = find_npm()
    run([npm, "ci", "--include=dev", "--ignore-scripts", "--no-audit", "--no-fund"], advice)
    if not (ROOT / "node_modules" / package_of("anvil")).exists():
        # npm cannot lock a package that it may not install; only Linux on x64 is in the lock.
        names = [package_of(tool) + "@" + locked_version(f"@foundry-rs/{tool}-linux-amd64") for tool in TOOLS]
        run([npm, "install", "--include=dev", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund"] + names,
            "Foundry publishes Anvil for Linux and macOS on x64 and arm64; on Windows use WSL. " + advice)


def make_tools() -> None:
    tools = ROOT / ".venv/bin"
    for tool in TOOLS:
        # The native file: the npm wrappers exit 0 whatever happened.
        link(tools / tool, Path("../../node_modules", package_of(tool), "bin", tool))
    solc = ROOT / ".solc" / solc_name()
    solc.parent.mkdir(exist_ok=True)
    node = output_of(["node", "-p", "process.execPath"])
    solc.write_text(f'#!/bin/sh\nexec "{node}" "{ROOT}/plimsoll/toolchain/solc.js" "$@"\n')
    solc.chmod(0o755)
    # Python of .venv finds plimsoll from wherever it is started.
    site = output_of([str(tools / "python"), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"])
    assert site is not None, "the Python of .venv ran a moment ago"
    Path(site, "plimsoll.pth").write_text(str(ROOT) + "\n")
    run([solc, "--version"], "The compiler does not start: is Node.js whole?")
    run([tools / "anvil", "--version"], "Anvil does not run on this system: see above what it lacks.")


def compile_all() -> None:
    sources = sorted((ROOT / "contracts").rglob("*.sol"))
    if not sources:
        return
    run([ROOT / ".venv/bin/brownie", "compile", "--all"], "The environment is ready; the contracts do not compile.")
    # Brownie passes over a file in which it sees no contract, for example for want of a closing brace.
    left_out = [file for file in sources if not (ROOT / "build/contracts" / (file.stem + ".json")).exists()]
    if left_out:
        names = ", ".join(str(file.relative_to(ROOT)) for file in left_out)
        sys.exit(f"Not compiled: {names}. Is there a contract in it, named like the file, with all its braces closed?")


def link(place: Path, target: Path) -> None:
    if place.is_symlink() or place.exists():
        place.unlink()
    place.symlink_to(target)


def package_of(tool: str) -> str:
    system, machine = platform.system().lower(), platform.machine().lower()
    return f"@foundry-rs/{tool}-{system}-{MACHINES.get(machine, machine)}"


def solc_name() -> str:
    return "solc-v" + locked_version("solc")


def locked_version(package: str) -> str:
    lock = json.loads((ROOT / "package-lock.json").read_text())
    return str(lock["packages"]["node_modules/" + package]["version"])


if __name__ == "__main__":
    main()
