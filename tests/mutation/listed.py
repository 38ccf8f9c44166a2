"""The committed list: one line a mutant, with its verdict. Whoever explains a survivor writes `equivalent` into its verdict and
the reason behind it; a run keeps both.
"""

from __future__ import annotations

import csv
import io
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path

from tests.mutation.judging import SAME, Verdict
from tests.mutation.mutants import QUOTA, Mutant

LIST = Path(__file__).with_name("mutants.tsv")
KILLED, FINAL = {"killed", "timeout"}, {"killed", "timeout", "equivalent"}


@dataclass(frozen=True)
class Row:
    id: str
    place: str
    operator: str
    before: str
    after: str
    verdict: str
    by: str

    @property
    def file(self) -> str:
        return self.place.split(":")[0]

    @property
    def counts(self) -> bool:
        """The compiler makes something else of it."""
        return not (self.verdict == "equivalent" and self.by == SAME)

    @property
    def by_hand(self) -> bool:
        """Somebody explained why it is no mutant."""
        return self.verdict == "equivalent" and self.counts


def row_of(mutant: Mutant, verdict: Verdict) -> Row:
    return Row(mutant.id, mutant.place, mutant.edit.operator, mutant.before, mutant.after, verdict.word, verdict.by)


def read(path: Path = LIST) -> dict[str, Row]:
    if not path.is_file():
        return {}
    _, *lines = csv.reader(path.read_text().splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    return {line[0]: Row(*line) for line in lines}


def write(rows: Iterable[Row], path: Path = LIST) -> None:
    """By file and line. In one step: an interrupted run leaves the old list or the new one."""

    def order(row: Row) -> tuple:
        file, line = row.place.split(":")
        return list(QUOTA).index(file) if file in QUOTA else len(QUOTA), file, int(line), row.before, row.after, row.id

    out = io.StringIO()
    writer = csv.writer(out, delimiter="\t", quoting=csv.QUOTE_NONE, quotechar=None, lineterminator="\n")
    writer.writerow(field.name for field in fields(Row))
    writer.writerows(astuple(row) for row in sorted(rows, key=order))
    part = path.with_suffix(".part")
    part.write_text(out.getvalue())
    os.replace(part, path)


def moved(row: Row, mutant: Mutant) -> Row:
    """The same mutant where its line is now."""
    return replace(row, place=mutant.place)


def table(rows: Iterable[Row]) -> str:
    """By file, in Markdown."""
    rows = list(rows)
    lines = ["| file | mutants | killed | equivalent | survivors |", "|---|---|---|---|---|"]
    for file in dict.fromkeys(row.file for row in rows):
        lines.append(_line(f"`{file.removeprefix('contracts/')}`", [row for row in rows if row.file == file]))
    lines.append(_line("all", rows))
    same = sum(not row.counts for row in rows)
    return "\n".join(lines) + f"\n\n{same} more make no difference to the compiler: the same bytecode."


def _line(name: str, rows: list[Row]) -> str:
    rows = [row for row in rows if row.counts]
    words = Counter("killed" if row.verdict in KILLED else row.verdict for row in rows)
    part = f" ({words['killed'] / len(rows):.1%})" if rows else ""
    return f"| {name} | {len(rows)} | {words['killed']}{part} | {words['equivalent']} | {words['survived']} |"
