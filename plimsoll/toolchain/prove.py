"""`make prove`: the rounding lemmas by solc's model checker (lemmas.py), escrow, authority and the line by halmos.

Prints a line a lemma: its verdict, the seconds it took, its name and what it says. Fails unless each is proved, and each whose
words begin with "False:" is refuted: they show that the provers look.
"""

import json
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from plimsoll.toolchain import analysers
from plimsoll.toolchain.lemmas import FOLDER, PROVED, REFUTED, UNKNOWN, Verdict, lemmas, prove
from plimsoll.toolchain.setup import ROOT

SECONDS = 600  # for one lemma
FALSE = "False: "


def main() -> None:
    analysers.bring_up()
    verdicts = []
    for verdict in chain(rounding(), symbolic()):
        verdicts.append(verdict)
        print(f"{verdict.result:8} {verdict.seconds:6.1f} s  {verdict.name}: {verdict.title}", flush=True)
        if not as_due(verdict):
            print(verdict.said, flush=True)
    wrong = [verdict.name for verdict in verdicts if not as_due(verdict)]
    print(f"{len(verdicts) - len(wrong)} of {len(verdicts)} as they must be" + "".join(f"\n  not: {name}" for name in wrong))
    sys.exit(1 if wrong else 0)


def as_due(verdict: Verdict) -> bool:
    return verdict.result == (REFUTED if verdict.title.startswith(FALSE) else PROVED)


def rounding() -> Iterator[Verdict]:
    todo = [lemma for file in sorted(FOLDER.glob("*.sol")) for lemma in lemmas(file)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(lambda lemma: prove(lemma, SECONDS), todo)


def symbolic() -> Iterator[Verdict]:
    """Exits with halmos's words where it does not run."""
    with TemporaryDirectory() as folder:
        report = Path(folder, "halmos.json")
        done = analysers.start(
            ["halmos", "--root", ".", "--forge-build-out", str(analysers.OUT.relative_to(ROOT)),
             "--solver-timeout-assertion", f"{SECONDS}s", "--json-output", str(report)]
        )  # fmt: skip
        if not report.exists():
            sys.exit(f"{done.stdout}{done.stderr}\nhalmos failed.")
        results = json.loads(report.read_text())["test_results"]
    for place, found in sorted(results.items()):
        titles = _titles(place)
        for one in found:
            yield Verdict(one["name"].split("(")[0], titles[one["name"]], _result(one), done.stdout, one["time"][0])


def _result(one: dict[str, Any]) -> str:
    """Of halmos: 0 passed, 1 a counterexample; anything else, or a loop cut short, says nothing."""
    if one["num_bounded_loops"]:
        return UNKNOWN
    return {0: PROVED, 1: REFUTED}.get(one["exitcode"], UNKNOWN)


def _titles(place: str) -> dict[str, str]:
    """The @notice of each function of a contract, named `path:contract`, by its signature."""
    path, contract = place.split(":")
    made = json.loads((analysers.OUT / Path(path).name / f"{contract}.json").read_text())
    methods = made["metadata"]["output"]["userdoc"]["methods"]
    return {name: said["notice"] for name, said in methods.items()}


if __name__ == "__main__":
    main()
