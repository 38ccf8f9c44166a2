"""Mutation testing of the contracts: `make mutate`, or `python -m tests.mutation --help`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from difflib import unified_diff
from typing import Any

from plimsoll.errors import PlimsollError
from tests.mutation import listed
from tests.mutation.campaign import Campaign
from tests.mutation.compiling import ROOT
from tests.mutation.mutants import candidates


def main() -> int:
    asked = arguments()
    if asked.table:
        print(listed.table(listed.read().values()))
        return 0
    try:
        return show(asked.show) if asked.show else run(asked)
    except PlimsollError as problem:
        sys.exit(f"mutate: {problem}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="mutants at a time (as many as cores)")
    parser.add_argument("--only", default="", metavar="PART", help="files whose name holds this")
    parser.add_argument("--again", action="store_true", help="judge also what was judged before")
    parser.add_argument("--table", action="store_true", help="print the table of the committed list, run nothing")
    parser.add_argument("--show", metavar="ID", help="print what one mutant changes, run nothing")
    return parser.parse_args()


def show(name: str) -> int:
    found = [mutant for mutants in candidates().values() for mutant in mutants if mutant.id == name]
    if not found:
        sys.exit(f"mutate: the sources have no mutant {name}. Its function has changed: run `make mutate`.")
    before, after = ((ROOT / found[0].file).read_text(), found[0].text)
    print("\n".join(unified_diff(before.splitlines(), after.splitlines(), found[0].file, name, lineterm="")))
    return 0


def run(asked: argparse.Namespace) -> int:
    """0 where nobody survived without a reason and every mutant was judged."""
    campaign = Campaign(only=asked.only, again=asked.again)
    signal.signal(signal.SIGTERM, interrupted)
    try:
        campaign.run(max(1, asked.jobs), lambda line: print(line, flush=True))
    except KeyboardInterrupt:
        print(f"\nmutate: interrupted. What is known is in {listed.LIST.name}; the next run goes on from there.")
        return 130
    rows = list(listed.read().values())
    print(listed.table(rows))
    survivors = [row for row in rows if row.verdict == "survived" and asked.only in row.file]
    for row in survivors:
        print(f"survived, unexplained: {row.id} {row.place} {row.operator}: {row.before} → {row.after}")
    for row in campaign.refuted:
        print(f"was explained as equivalent, and is killed: {row.id} {row.place} by {row.by}")
    for name, problem in campaign.broken.items():
        print(f"not judged, run again: {name} {problem}")
    return 1 if survivors or campaign.broken else 0


def interrupted(*_: Any) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
