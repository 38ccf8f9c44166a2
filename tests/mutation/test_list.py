"""The committed list says what is so: its mutants are there, nearly all are killed, every other one is explained, and a dozen of
them, drawn anew from it, are killed again by the very tests that it names. All of it: `make mutate`."""

from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest

from tests.mutation import listed
from tests.mutation.compiling import ROOT, dependants
from tests.mutation.judging import HARNESS, SAME, Judge
from tests.mutation.listed import KILLED, Row
from tests.mutation.mutants import QUOTA, candidates

LEAST, SHARE = 300, 0.95
DOZEN = 12
REASON = 40  # letters below which nothing has been explained


@pytest.fixture(scope="module")
def rows():
    return list(listed.read().values())


@pytest.fixture(scope="module")
def there():
    return {mutant.id: mutant for mutants in candidates().values() for mutant in mutants}


def test_listed_mutants_are_still_there(rows, there):
    gone = [f"{row.place} {row.operator}: {row.before} → {row.after}" for row in rows if row.id not in there]
    assert not gone, "these functions have changed since they were judged; run `make mutate`:\n" + "\n".join(gone)


def test_listed_mutants_are_enough_and_killed(rows):
    counted = [row for row in rows if row.counts]
    killed = [row for row in counted if row.verdict in KILLED]
    assert len(counted) >= LEAST
    assert len(killed) >= SHARE * len(counted), listed.table(rows)
    for file, quota in QUOTA.items():
        assert sum(row.file == file for row in counted) >= min(quota, 10), file


def test_survivors_are_explained(rows):
    unexplained = [row for row in rows if row.verdict == "survived"]
    assert not unexplained, "write a test that kills it, or `equivalent` and why"
    for row in rows:
        assert row.verdict in (*KILLED, "equivalent")
        assert row.verdict != "equivalent" or row.by == SAME or len(row.by) >= REASON, row


def test_dozen_drawn_from_the_list_is_killed_again(rows, there, seed, tmp_path):
    quick = [row for row in rows if row.verdict == "killed" and is_quick(row)]
    drawn = Random(seed).sample(quick, DOZEN)
    with Judge(tmp_path) as judge, ThreadPoolExecutor(2) as pool:

        def outcome(row: Row) -> str:
            units = HARNESS if "/libraries/" in row.file else dependants(row.file)
            changed = judge.compiler.compiled(row.file, there[row.id].text, units)
            return judge.find(changed, (row.by,), seconds=120).outcome

        found = dict(zip(drawn, pool.map(outcome, drawn)))
    assert set(found.values()) == {"failed"}, [(row, ended) for row, ended in found.items() if ended != "failed"]


def is_quick(row: Row) -> bool:
    """One small contract to compile, and a test that asks it alone."""
    if "/libraries/" in row.file:
        return not row.by.startswith(("tests/unit/margin", "tests/unit/liq", "tests/differential/test_venues"))
    return row.file.endswith(("Escrow.sol", "PriceOracle.sol", "FeedRounds.sol"))


def test_list_is_read_as_it_was_written(rows, tmp_path):
    path = tmp_path / "again.tsv"
    listed.write(rows, path)
    assert listed.read(path) == {row.id: row for row in rows}
    assert path.read_text() == listed.LIST.read_text()


def test_table_counts_what_is_listed(rows):
    assert f"| all | {sum(row.counts for row in rows)} |" in listed.table(rows)


def test_documents_show_the_table(rows):
    shown = (ROOT / "docs/invariants.md").read_text()
    assert listed.table(rows) in shown, "put what `python -m tests.mutation --table` prints into docs/invariants.md"
