"""Campaigns: task after task, each of them the same for the same seed and number, on as many cores or machines as there are.

    report = run(executor, open_bench, seed=1, seconds=600, at_once=4, watch=screen.show)

A task is either five lives, one of each mood, or some thousands of accounts at a line. Whoever does one opens a bench of its own
(a chain, the contracts on it) the first time and keeps it. The first finding ends the campaign, once it is shrunk.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from multiprocessing.util import Finalize
from random import Random
from typing import NamedTuple

from plimsoll.errors import Reverted
from plimsoll.fuzz import threshold
from plimsoll.fuzz.life import MOODS, Life
from plimsoll.fuzz.lockstep import Bench, Finding, compare
from plimsoll.fuzz.reach import Reach
from plimsoll.fuzz.scribe import Scribe, replay
from plimsoll.fuzz.shrink import shrink
from plimsoll.scenarios.calls import in_words

KINDS = ("lives", "threshold")
RULES = 120  # of a life
BATCHES = 8  # of a threshold task

OpenBench = Callable[[], AbstractContextManager[Bench]]


class Task(NamedTuple):
    kind: str
    seed: int
    number: int


@dataclass
class Result:
    """What a task did, or many. steps: calls of lives; cases: verdicts at a line, of which `hits` exactly on it."""

    steps: int = 0
    cases: int = 0
    lives: int = 0
    hits: Counter[str] = field(default_factory=Counter)
    reach: Reach = field(default_factory=Reach)
    findings: list[tuple[Task, Finding]] = field(default_factory=list)
    misses: list[tuple[Task, str]] = field(default_factory=list)

    def add(self, other: Result) -> None:
        self.steps, self.cases, self.lives = self.steps + other.steps, self.cases + other.cases, self.lives + other.lives
        self.hits.update(other.hits)
        self.reach.add(other.reach)
        self.findings += other.findings
        self.misses += other.misses

    @property
    def held(self) -> bool:
        return not (self.findings or self.misses)


def tasks(seed: int, kinds: Sequence[str] = KINDS) -> Iterator[Task]:
    """Without end; a number for each."""
    number = 0
    while True:
        yield from (Task(kind, seed, number) for kind in kinds)
        number += 1


def run(
    executor: Executor,
    open_bench: OpenBench,
    todo: Iterator[Task],
    at_once: int,
    seconds: float | None = None,
    watch: Callable[[Result], None] = lambda result: None,
    result: Result | None = None,
) -> Result:
    """Until the time is over, the tasks are, or something is found. Ctrl-C gives what is done so far: it is in `result`."""
    total, end = result or Result(), None if seconds is None else time.monotonic() + seconds
    going: set[Future[Result]] = set()
    while True:
        over = not total.held or (end is not None and time.monotonic() > end)
        while not over and len(going) < at_once and (task := next(todo, None)):
            going.add(executor.submit(work, open_bench, task))
        if not going:
            return total
        done, going = wait(going, timeout=0.5, return_when=FIRST_COMPLETED)
        for future in done:
            total.add(future.result())
        watch(total)


# A task ------------------------------------------------------------------------------------------------------------

_open: dict[tuple[OpenBench, int], Bench] = {}


def work(open_bench: OpenBench, task: Task) -> Result:
    """One task, on the bench of this process (and thread, where a worker has many)."""
    mine = open_bench, threading.get_ident()
    if mine not in _open:
        stack = ExitStack()
        _open[mine] = stack.enter_context(open_bench())
        Finalize(None, stack.close, exitpriority=1)
    return perform(_open[mine], task)


def perform(bench: Bench, task: Task) -> Result:
    return _lives(bench, task) if task.kind == "lives" else _accounts(bench, task)


def _lives(bench: Bench, task: Task) -> Result:
    result = Result()
    for mood in MOODS:
        scribe = lived(bench, Random(f"{task.seed} {task.number} {mood}"), mood)
        result.reach.add(scribe.reach)
        result.lives, result.steps = result.lives + 1, result.steps + len(scribe.calls)
        finding = compare(bench, scribe)
        if finding is not None:
            result.findings.append((task, _in_words(shrink(bench, finding), bench)))
            break
    return result


def _in_words(finding: Finding, bench: Bench) -> Finding:
    """With accounts by name."""
    model = replay(bench.model(), finding.calls).model
    due, found = (in_words(told, model) if isinstance(told, Reverted) else told for told in finding[1:3])
    return finding._replace(due=due, found=found)


def lived(bench: Bench, random: Random, mood: str, rules: int = RULES) -> Scribe:
    """A whole life on the model."""
    scribe = Scribe(bench.model())
    life = Life(scribe, random, mood)
    life.begin()
    life.live(rules)
    return scribe


def _accounts(bench: Bench, task: Task) -> Result:
    result, random = Result(), Random(f"{task.seed} {task.number} threshold")
    for _ in range(BATCHES):
        edges = threshold.batch(random)
        result.cases += len(edges) * len(threshold.OFFSETS)
        result.hits.update(threshold.hits(edges))
        missed = threshold.misses(edges, bench.judge)
        if missed:
            smallest = threshold.smallest(missed[0], bench.judge)
            result.misses.append((task, str(smallest)))
            break
    return result
