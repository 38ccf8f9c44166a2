"""Looks for the programs that set-up needs and says what to install where one is missing or too old."""

import shutil
import subprocess
import sys
from typing import Optional, Sequence

PYTHONS = ("python3.11", "python3.12", "python3.10", "python3", "python")
OLDEST_PYTHON, NEWEST_PYTHON = (3, 10), (3, 12)
OLDEST_NODE = 18


def output_of(command: Sequence[str]) -> Optional[str]:
    """What the command prints, or None where it is missing or fails (pyenv leaves names that only complain)."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, universal_newlines=True)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def find_python() -> str:
    """Path of a Python that fits Brownie and can make virtual environments."""
    seen = []
    without_venv = None
    for name in PYTHONS:
        path = shutil.which(name)
        if path is None:
            continue
        answer = output_of([path, "-c", "import sys; print(sys.version_info[0], sys.version_info[1])"])
        if not answer:
            continue
        version = tuple(int(part) for part in answer.split())
        if not OLDEST_PYTHON <= version <= NEWEST_PYTHON:
            seen.append(f"{name} is {version[0]}.{version[1]}")
        elif output_of([path, "-c", "import ensurepip, venv"]) is None:
            without_venv = without_venv or (name, version)
        else:
            return output_of([path, "-c", "import sys; print(sys.executable)"]) or path
    if without_venv:
        name, (major, minor) = without_venv
        sys.exit(
            f"{name} cannot make virtual environments. Install its venv module "
            f"(Debian, Ubuntu: apt install python{major}.{minor}-venv) and run make again."
        )
    found = ", ".join(seen) or "no other Python either"
    sys.exit(
        f"Python 3.10, 3.11 or 3.12 is needed, and none was found on PATH ({found}).\n"
        "Install one (Debian, Ubuntu: apt install python3.11 python3.11-venv · macOS: brew install python@3.11 · "
        "pyenv: pyenv install 3.11 && pyenv local 3.11) and run make again."
    )


def find_npm() -> str:
    """Path of npm, once a fitting Node is known to be there as well."""
    advice = f"Install Node.js {OLDEST_NODE} or later, with npm (nodejs.org, or apt / brew / nvm), and run make again."
    version = output_of(["node", "--version"])
    if version is None:
        sys.exit("Node.js was not found on PATH: it runs the Solidity compiler. " + advice)
    if int(version.lstrip("v").split(".")[0]) < OLDEST_NODE:
        sys.exit(f"Node.js {version} is too old. {advice}")
    npm = shutil.which("npm")
    if npm is None:
        sys.exit(f"npm was not found on PATH beside Node.js {version}. {advice}")
    return npm
