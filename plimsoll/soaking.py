"""`python -m plimsoll keeper soak`: three keepers, as processes, on a chain of their own with many bad days.

Prices fall and rise, so that every account crosses its line once. Meanwhile the node is stopped and started again (its state
kept), blocks are reorganised away, answers come late, cut, garbled, contradicted or not at all (plimsoll.chain.faulty, one for
each keeper), and keepers are ended by SIGKILL in the middle of a send. Then all is calm, the keepers are told to stop, and
what they believe is held against the chain.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from plimsoll.chain.anvil import Anvil, die_with_parent
from plimsoll.chain.deployment import Deployment
from plimsoll.chain.faulty import CALM, Faults, Faulty
from plimsoll.chain.lookout import Lookout, Told
from plimsoll.chain.node import Chain
from plimsoll.chain.standard import POOL_SUPPLY, standard_world
from plimsoll.chain.wallet import Wallet
from plimsoll.errors import KeeperError
from plimsoll.keeper.book import read
from plimsoll.keeper.store import Store
from plimsoll.types import USDC

HELD, FAILED = 0, 1
KEEPERS = 3
SECONDS_PER_BLOCK = "0.5"
BLOCK_GAS = 30_000_000
BALANCE = 10**19  # wei, of each keeper
ROOT = Path(__file__).resolve().parents[1]
START, LOWEST, HIGHEST = 2_000, 1_700, 2_350  # of ETH
SIZE = 525 * 10**6  # of each account: what a liquidation would leave is below the minimum, so each is closed whole, once
LEAST_CASH, MOST_CASH = 110, 200
SECONDS_OF_CALM = 90
CHAIN = "chain.json"  # what the node knew when it was stopped
OPENED_A_MINUTE, FEWEST = 30, 40


def add_soak(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=soak)
    parser.add_argument("--minutes", type=float, default=10.0, help="of bad days (default: 10)")
    parser.add_argument("--seed", type=int, default=7, help="other faults (default: 7)")
    parser.add_argument("--out", type=Path, default=Path("reports/soak"), metavar="DIR", help="where stores and logs go")


def soak(options: argparse.Namespace) -> int:
    """Returns the exit code: 0 if all is as it is due."""
    if not 0 < options.minutes <= 24 * 60:
        raise KeeperError(f"--minutes {options.minutes} is no number of minutes from 0 to 1440")
    options.out.mkdir(parents=True, exist_ok=True)
    for old in [path for name in ("keeper?.*", CHAIN) for path in options.out.glob(name)]:
        old.unlink()
    console = Console()

    def say(words: str) -> None:
        console.print(words, markup=False, highlight=False, soft_wrap=True)

    with Soak(options.out.resolve(), options.seed, say) as run:
        run.open(max(FEWEST, int(OPENED_A_MINUTE * options.minutes)))
        run.hire()
        run.restart()
        run.bad_days(60 * options.minutes)
        run.calm()
        held = run.verdict()
    return HELD if held else FAILED


class LastingAnvil(Anvil):
    """Keeps old states, and what it knew when it was stopped."""

    HISTORY = ()


@dataclass
class Trap:
    """At which moment of a send whoever sends next is killed: "before" or "after" the node has it, "" for not."""

    moment: str = ""


class Mate:
    """One keeper."""

    faulty: Faulty

    def __init__(self, number: int, wallet: Wallet, key: str, folder: Path, trap: Trap) -> None:
        self.number, self.wallet, self.key, self._trap = number, wallet, key, trap
        self.store, self.log = f"sqlite:///{folder}/keeper{number}.db", folder / f"keeper{number}.jsonl"
        self.process: subprocess.Popen[bytes] | None = None
        self.killed = 0

    def told(self, moment: str, raw: str) -> None:
        if moment == self._trap.moment and self.process is not None:
            self._trap.moment = ""
            self.killed += 1
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            raise ConnectionError("whoever sent this is dead")

    def lines(self) -> list[dict[str, Any]]:
        """What it logged, but for a line that its end cut short."""
        return [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines() if line.endswith("}")]


class Soak:
    """folder: for stores, logs and the chain's state. say: called with what happens."""

    def __init__(self, folder: Path, seed: int, say: Callable[[str], None]) -> None:
        self._folder, self._seed, self._say = folder, seed, say
        self._stack = ExitStack()
        self._state = folder / CHAIN
        self._trap = Trap()
        self.mates: list[Mate] = []

    def __enter__(self) -> Soak:
        try:
            self._anvil = LastingAnvil("--gas-limit", str(BLOCK_GAS), "--state", str(self._state)).start()
            self._stack.callback(lambda: self._anvil.stop())
            self._made = Deployment.deploy(Chain(self._anvil, seconds_per_block=0), standard_world())
            self._made.provide(self._made.chain.accounts[5], 5 * POOL_SUPPLY)
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        for mate in self.mates:
            if mate.process is not None and mate.process.poll() is None:
                mate.process.kill()
                mate.process.wait()
        self._stack.close()

    # The world -------------------------------------------------------------------------------------------------------

    def open(self, count: int) -> None:
        """Accounts of one trader, half of them long, half short, each nearer to its line than the next."""
        made, trader = self._made, self._made.chain.accounts[6]
        made.give(trader, "USDC", count * MOST_CASH * USDC)
        made.settlement.approve(made.engine, 2**256 - 1, sender=trader)
        for i in range(count):
            account, cash = made.account(trader, i), LEAST_CASH + (MOST_CASH - LEAST_CASH) * (i // 2) // max(1, count // 2)
            made.engine.setOperator(account, made.pool, 1, sender=trader)
            made.engine.deposit(account, made.settlement, cash * USDC, 0, sender=trader)
            limit, size = (0, -SIZE) if i % 2 else (2**255, SIZE)
            made.pool.trade(account, 0, size, limit, 2**40, sender=trader)
        self.accounts = [made.account(trader, i) for i in range(count)]

    def restart(self) -> None:
        """The node is stopped, and started at the same port with what it knew."""
        port = self._anvil.port
        self._anvil.stop()
        flags = ("--gas-limit", str(BLOCK_GAS), "--state", str(self._state), "--block-time", SECONDS_PER_BLOCK)
        self._anvil = LastingAnvil(*flags, port=port).start()
        self._born = self._chain.height

    @property
    def _chain(self) -> Chain:
        return Chain(self._anvil, seconds_per_block=None)

    def _price(self, whole: int) -> None:
        made = self._made
        oracle = made.feeds["ETH"].address
        self._chain.at("MockAggregator", oracle).push(whole * 10**8, sender=made.roles.deployer)

    def _reorganise(self) -> bool:
        """The last blocks are replaced by others, and what was in them is forgotten."""
        if self._chain.height - self._born < 4:
            return False
        self._anvil.rpc("anvil_reorg", 2, [])
        return True

    # The keepers -----------------------------------------------------------------------------------------------------

    def hire(self) -> None:
        """Each with a key, a store, a log, and a bad connection of its own."""
        for number in range(KEEPERS):
            key = f"0x{number + 1:02x}" + "c0ffee" * 10 + "ab"
            mate = Mate(number, Wallet.from_key(key), key, self._folder, self._trap)
            mate.faulty = self._stack.enter_context(Faulty(self._anvil.url, CALM, mate.told))
            self._anvil.rpc("anvil_setBalance", mate.wallet.address, hex(BALANCE))
            self.mates.append(mate)

    def send_out(self, mate: Mate) -> None:
        """Starts it, or starts it again."""
        command = [sys.executable, "-m", "plimsoll", "keeper", "run", "--url", mate.faulty.url, "--lens", self._made.lens.address]
        command += ["--store", mate.store, "--log", str(mate.log), "--pause", "0.3", "--resend", "3", "--ether", "none", "--quiet"]
        with (self._folder / f"keeper{mate.number}.err").open("ab") as errors:
            mate.process = subprocess.Popen(
                command, env={**os.environ, "PLIMSOLL_PRIVATE_KEY": mate.key}, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=errors,
                preexec_fn=die_with_parent,
            )  # fmt: skip

    def _mind(self) -> None:
        """Whoever was killed is started again; whoever ended by itself is a failure."""
        for mate in self.mates:
            if mate.process is not None and (code := mate.process.poll()) is not None:
                if code != -signal.SIGKILL:
                    raise KeeperError(f"keeper {mate.number} ended by itself with {code}: see {self._folder}/keeper{mate.number}.err")
                self._say(f"keeper {mate.number} was killed in the middle of a send; it starts again")
                self.send_out(mate)

    # The play --------------------------------------------------------------------------------------------------------

    def bad_days(self, seconds: float) -> None:
        """The price falls, then rises; trouble comes in turn, at even distances."""
        for mate in self.mates:
            mate.faulty.faults = Faults(seed=self._seed + mate.number)
            self.send_out(mate)
        troubles = itertools.cycle(("kill before", "restart", "kill after", "reorganise"))
        every = min(20.0, seconds / 5)
        began, next_trouble, shown = time.monotonic(), every, START
        while (gone := time.monotonic() - began) < seconds:
            self._mind()
            whole = _path(gone / seconds)
            if whole != shown:
                self._price(whole)
                shown = whole
            if gone >= next_trouble:
                self._trouble(next(troubles))
                next_trouble += every
            time.sleep(0.2)

    def _trouble(self, what: str) -> None:
        if what == "restart":
            self.restart()
            self._say("the node was stopped and started again")
        elif what == "reorganise":
            if self._reorganise():
                self._say("two blocks were reorganised away")
        else:
            self._trap.moment = what.removeprefix("kill ")

    def calm(self) -> None:
        """No faults any more; ends when nobody is below the line, and then the keepers are told to stop."""
        self._trap.moment = ""
        for mate in self.mates:
            mate.faulty.faults = CALM
        for extreme in (LOWEST, HIGHEST):  # a reorganisation may have swallowed a price
            self._price(extreme)
            deadline = time.monotonic() + SECONDS_OF_CALM
            while time.monotonic() < deadline and self._sinking():
                self._mind()
                time.sleep(0.3)
        time.sleep(2)
        self._mind()
        for mate in self.mates:
            assert mate.process is not None
            mate.process.send_signal(signal.SIGTERM)
        for mate in self.mates:
            assert mate.process is not None
            mate.process.wait(SECONDS_OF_CALM)
        self._say("all is calm, and the keepers have stopped")

    def _sinking(self) -> int:
        lookout = Lookout(self._anvil.url, self._made.lens.address)
        [below] = lookout.ask([("lens", "liquidatable", (tuple(self.accounts),))])
        return sum(below)

    # The verdict -----------------------------------------------------------------------------------------------------

    def verdict(self) -> bool:
        """What the keepers believe, held against the chain."""
        lookout = Lookout(self._anvil.url, self._made.lens.address)
        head = lookout.head()
        won = [told for told in lookout.told(0, head.number) if told.name in ("Liquidated", "Absorbed")]
        times = Counter(told.args["account"] for told in won)
        book = dict(read(lookout, self.accounts, head.hash))
        closed = {account for account, holding in book.items() if not holding.positions}
        found = [
            ("nobody is below its line", self._sinking() == 0),
            (f"{len(closed)} of {len(book)} accounts sank", len(closed) == len(book)),
            ("each of them was liquidated exactly once, nobody else was", times == Counter(closed)),
        ]
        for mate in self.mates:
            found += self._verdict_on(mate, lookout, won)
        for words, held in found:
            self._say(f"{'as it is due' if held else 'NOT AS IT IS DUE'}: {words}")
        return all(held for _, held in found)

    def _verdict_on(self, mate: Mate, lookout: Lookout, won: list[Told]) -> Iterator[tuple[str, bool]]:
        store, name, address = Store(mate.store, lookout.identity), f"keeper {mate.number}", mate.wallet.address
        mine = [(told.block, told.place, told.args["account"]) for told in won if told.args["keeper"] == address]
        trips, kept = store.trips(), dict(store.accounts())
        ends, lines = Counter(trip.end for trip in trips), mate.lines()
        block = store.checkpoint
        yield f"{name}: its ledger is the chain's, {len(kept)} accounts", kept == dict(read(lookout, list(kept), block.hash))
        yield f"{name}: it knows every account", kept.keys() >= set(self.accounts)
        yield f"{name}: its {len(mine)} liquidations are the chain's", [(w.block, w.place, w.account) for w in store.wins(address)] == mine
        mined = [trip for trip in trips if trip.end in ("done", "wasted", "refused", "withdrawn")]
        nonce, balance = self._account(address)
        yield f"{name}: {dict(ends)}, and its nonce is {nonce}", len({t.nonce for t in mined}) == len(mined) == nonce
        yield f"{name}: what it paid for gas is gone from its balance", BALANCE - sum(trip.paid for trip in trips) == balance
        begun = {line["nonce"] for line in lines if line["what"] in ("sent", "found under way")}
        ended = {line["nonce"]: line["what"] for line in lines if "paid" in line}  # the last word, where a block was given up
        told = begun == {trip.nonce for trip in trips} and ended == {trip.nonce: trip.end for trip in trips if trip.end}
        words = Counter(line["what"] for line in lines)
        yield f"{name}: its log says what became of each of them: {dict(words)}", told and words["started"] == mate.killed + 1
        ended_well = mate.process is not None and mate.process.returncode == 0
        yield f"{name}: killed {mate.killed} times, faults {dict(mate.faulty.done)}", ended_well
        store.close()

    def _account(self, address: str) -> tuple[int, int]:
        chain = self._chain
        nonce, balance = (chain.rpc(f"eth_get{what}", address, "latest") for what in ("TransactionCount", "Balance"))
        return int(nonce, 16), int(balance, 16)


def _path(part: float) -> int:
    """ETH in whole units: down in the first half, up until nine tenths, in steps of 5."""
    if part < 0.4:
        price = START + (LOWEST - START) * part / 0.4
    else:
        price = LOWEST + (HIGHEST - LOWEST) * min(1.0, (part - 0.4) / 0.5)
    return round(price / 5) * 5
