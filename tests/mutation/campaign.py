"""Judges the sample, as many mutants at a time as there are cores. A verdict is in the list as soon as it is known."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path

from tests.mutation import listed
from tests.mutation.judging import Judge, Verdict
from tests.mutation.listed import FINAL, KILLED, Row
from tests.mutation.mutants import QUOTA, Mutant, candidates, ranked


class Campaign:
    """rows: what is known. only: a part of a file's name. again: judge anew what was judged (a reason written by hand stays
    where the mutant still survives)."""

    def __init__(self, path: Path = listed.LIST, only: str = "", again: bool = False) -> None:
        self.path, self.only, self.again = path, only, again
        self.rows = listed.read(path)
        self.broken: dict[str, str] = {}
        self.words: Counter[str] = Counter()
        self.refuted: list[Row] = []

    def queues(self) -> dict[str, list[Mutant]]:
        """The mutants of each file in the order of the draw; lines that moved are put right, and who is gone leaves the list."""
        queues = {file: ranked(mutants, file) for file, mutants in candidates().items()}
        there = {mutant.id: mutant for mutants in queues.values() for mutant in mutants}
        self.rows = {name: listed.moved(row, there[name]) for name, row in self.rows.items() if name in there}
        return {file: mutants for file, mutants in queues.items() if self.only in file}

    def run(self, jobs: int, say: Callable[[str], None]) -> None:
        queues = self.queues()
        draw = Draw(queues, self.rows, self.again)
        with tempfile.TemporaryDirectory(prefix="plimsoll-mutants-") as folder, Judge(Path(folder)) as judge:
            for row in self.rows.values():
                if row.verdict == "killed" and row.id in draw.there:
                    judge.kills[row.file, draw.there[row.id].unit, row.by.split("::")[0]] += 1
            self._judge_all(judge, draw, jobs, say)
        draw.forget(self.rows)
        listed.write(self.rows.values(), self.path)

    def _judge_all(self, judge: Judge, draw: Draw, jobs: int, say: Callable[[str], None]) -> None:
        started, done = time.monotonic(), 0
        pool = ThreadPoolExecutor(jobs)
        running: dict[Future[Verdict], Mutant] = {}
        try:
            while True:
                while len(running) < jobs and (mutant := draw.next()) is not None:
                    running[pool.submit(judge.judge, mutant)] = mutant
                if not running:
                    return
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    mutant = running.pop(future)
                    verdict = future.result()
                    draw.judged(mutant, verdict)
                    self._record(mutant, verdict)
                    done += 1
                    say(self._progress(done, draw, time.monotonic() - started, mutant, verdict))
        finally:
            judge.stopped.set()
            pool.shutdown(wait=True, cancel_futures=True)

    def _record(self, mutant: Mutant, verdict: Verdict) -> None:
        self.words[verdict.word] += 1
        if verdict.word == "broken":
            self.broken[mutant.id] = f"{mutant.place} {mutant.edit.operator}: {verdict.by}"
            return
        self._take_reasons()
        before = self.rows.get(mutant.id)
        by_hand = before is not None and before.by_hand
        if verdict.word == "invalid":
            self.rows.pop(mutant.id, None)
            return
        if by_hand and verdict.word == "survived":
            return
        row = listed.row_of(mutant, verdict)
        if by_hand and verdict.word in KILLED:
            self.refuted.append(row)
        self.rows[mutant.id] = row
        listed.write(self.rows.values(), self.path)

    def _take_reasons(self) -> None:
        """Somebody may be explaining survivors while the rest are judged."""
        for name, row in listed.read(self.path).items():
            if row.by_hand and name in self.rows:
                self.rows[name] = replace(row, place=self.rows[name].place)

    def _progress(self, done: int, draw: Draw, seconds: float, mutant: Mutant, verdict: Verdict) -> str:
        left, words = draw.left(), self.words
        killed = words["killed"] + words["timeout"]
        rate = done / seconds
        return (
            f"{done}/{done + left} · {killed} killed · {words['survived']} survived · {words['equivalent']} equivalent · "
            f"{60 * rate:.0f} a minute, {left / rate / 60:.0f} min left · {mutant.place} {verdict.word} {verdict.by[-60:]}"
        )


class Draw:
    """Takes from each file's queue until its quota is judged. Who does not compile, or compiles to the same, is not counted:
    the next takes the place."""

    def __init__(self, queues: dict[str, list[Mutant]], rows: dict[str, Row], again: bool) -> None:
        self.there = {mutant.id: mutant for mutants in queues.values() for mutant in mutants}
        self._due = {file: QUOTA[file] for file in queues}
        self._waiting: dict[str, list[Mutant]] = {}
        self._drawn: set[str] = set(rows) - set(self.there)
        for file, mutants in queues.items():
            known = [m for m in mutants if m.id in rows and rows[m.id].verdict in FINAL and not again]
            self._due[file] -= sum(rows[m.id].counts for m in known)
            self._drawn |= {m.id for m in known}
            self._waiting[file] = sorted((m for m in mutants if m not in known), key=lambda m: m.id not in rows)

    def next(self) -> Mutant | None:
        """Of the file that lacks the largest part of its quota: a run that is stopped has something of each."""
        open_files = [file for file, mutants in self._waiting.items() if self._due[file] > 0 and mutants]
        if not open_files:
            return None
        file = max(open_files, key=lambda name: self._due[name] / QUOTA[name])
        self._due[file] -= 1
        mutant = self._waiting[file].pop(0)
        self._drawn.add(mutant.id)
        return mutant

    def judged(self, mutant: Mutant, verdict: Verdict) -> None:
        if verdict.word == "invalid" or verdict.word == "equivalent":
            self._due[mutant.file] += 1

    def left(self) -> int:
        return sum(min(max(0, due), len(self._waiting[file])) for file, due in self._due.items())

    def forget(self, rows: dict[str, Row]) -> None:
        """Rows of a former, larger draw."""
        for name in set(rows) - self._drawn:
            del rows[name]
