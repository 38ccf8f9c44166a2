"""`python -m plimsoll fuzz`: where a campaign meets the contracts, and what becomes of what it finds."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import secrets
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from rich.console import Console

from plimsoll.errors import FuzzError, PlimsollError, Reverted
from plimsoll.fuzz import campaign, screen, threshold
from plimsoll.fuzz.campaign import KINDS, Result
from plimsoll.fuzz.life import START, small_world
from plimsoll.fuzz.lockstep import STATE, Bench, Finding
from plimsoll.fuzz.scribe import replay
from plimsoll.margin_math import Snapshot
from plimsoll.scenarios import writer
from plimsoll.scenarios.calls import actors_of, in_words
from plimsoll.types import DAY

HELD, FAILED, INTERRUPTED = 0, 1, 130
TIME_TO_BUILD = 30 * DAY


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=fuzz)
    parser.add_argument("--minutes", type=_positive, default=10.0, help="how long (default: 10)")
    parser.add_argument("--jobs", type=_count, default=os.cpu_count() or 1, help="processes at once (default: the cores)")
    parser.add_argument("--seed", type=int, help="the same seed tries the same (default: another each time)")
    parser.add_argument("--only", choices=KINDS, help="lives of the whole protocol, or single accounts at a line")
    parser.add_argument("--task", type=_number, metavar="N", help="only the N-th task of the seed, from 0")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="of a Dask cluster, such as tcp://10.0.0.1:8786")
    parser.add_argument("--out", type=Path, default=Path("reports/fuzz"), metavar="DIR", help="where findings are saved")


def _positive(word: str) -> float:
    value = float(word)
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"{word} is no number of minutes")
    return value


def _count(word: str) -> int:
    value = int(word)
    if not 1 <= value <= 1_024:
        raise argparse.ArgumentTypeError(f"{word} is no number of processes from 1 to 1024")
    return value


def _number(word: str) -> int:
    value = int(word)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{word} is no number of a task: they begin with 0")
    return value


def fuzz(options: argparse.Namespace) -> int:
    """A campaign; returns the exit code."""
    seed = secrets.randbelow(10**9) if options.seed is None else options.seed
    console, result = Console(), Result()
    console.print(f"seed {seed}, {options.jobs} at once; Ctrl-C ends it and keeps what was done", highlight=False)
    todo = campaign.tasks(seed, (options.only,) if options.only else KINDS)
    if options.task is not None:
        todo = (task for task in islice(todo, 2 * options.task + 2) if task.number == options.task)
    code = HELD
    problem: PlimsollError | None = None
    with screen.Screen(console, options.jobs) as watch:
        try:
            with _executor(options) as executor:
                campaign.run(executor, open_bench, todo, options.jobs, 60 * options.minutes, watch.show, result)
        except KeyboardInterrupt:
            code = INTERRUPTED
        except BrokenProcessPool:
            problem = FuzzError("a worker was killed (is memory full?); run it again with the same seed, or fewer --jobs")
        except PlimsollError as error:
            problem = error
    saved = [save(options.out, finding, seed, task.number) for task, finding in result.findings]
    screen.conclude(console, result, watch.seconds, seed, saved)
    if problem is not None:
        raise problem
    return code if result.held else FAILED


@contextmanager
def _executor(options: argparse.Namespace) -> Iterator[Executor]:
    """Processes of this machine, or whatever Dask has."""
    if options.scheduler is None:
        spawn = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(options.jobs, spawn, initializer=_leave_ctrl_c_to_us)
        try:
            yield pool
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
        return
    try:
        from distributed import Client
    except ImportError:
        raise FuzzError("--scheduler needs Dask: pip install distributed, here and on its workers") from None
    try:
        client = Client(options.scheduler, timeout=10)
    except (OSError, ValueError) as problem:
        raise FuzzError(f"there is no Dask scheduler at {options.scheduler} ({problem})") from None
    with client, client.get_executor(pure=False) as executor:
        yield executor


def _leave_ctrl_c_to_us() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def open_bench() -> Iterator[Bench]:
    """The contracts on a chain of their own, in the world of lives."""
    from plimsoll.chain.anvil import Anvil
    from plimsoll.chain.harness import array, ask, pack, rows
    from plimsoll.chain.lane_venue import LaneVenue
    from plimsoll.chain.node import Chain
    from plimsoll.model.house import Birth
    from plimsoll.model.venue import ModelVenue

    world = small_world()
    with Anvil(timestamp=START - TIME_TO_BUILD) as anvil:
        chain = Chain(anvil)
        harness, venue = chain.deploy("MathHarness"), LaneVenue(chain, world)
        birth, address_of = Birth(*venue.deployment.born()), venue.address_of

        def judge(snapshots: Sequence[Snapshot], kinds: Sequence[int]) -> list[int]:
            packed = array([pack(snapshot) for snapshot in snapshots]), rows(kinds), rows(threshold.OFFSETS)
            return list(ask(harness, "edges", *packed, threshold.TARGET, threshold.DEBT_LIMIT_E6))

        yield Bench(world, lambda: ModelVenue(world, address_of, birth), venue.play, judge)


# Findings ----------------------------------------------------------------------------------------------------------


def save(folder: Path, finding: Finding, seed: int, number: int) -> str:
    """As a scenario that replays on every venue; returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"found_{seed}_{number}.yaml"
    path.write_text(as_scenario(finding, f"python -m plimsoll fuzz --seed {seed} --only lives --task {number}"), encoding="utf-8")
    return str(path)


def as_scenario(finding: Finding, source: str) -> str:
    """What is due is the model's word."""
    from plimsoll.model.venue import ModelVenue

    world = small_world()
    calls = [call for call in finding.calls if call != STATE]
    told = replay(ModelVenue(world), calls)
    for account in (account for call in calls for account in actors_of(call)):
        told.model.account_id(account)
    due = [in_words(answer, told.model) if isinstance(answer, Reverted) else answer for answer in told.due]
    state = finding.due if finding.calls[-1] == STATE else None
    title = "A finding: " + str(finding).split("\n")[0][:300]
    return writer.text(title, source, world, list(zip(told.calls, due)), state)
