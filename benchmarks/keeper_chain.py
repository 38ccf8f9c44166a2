"""The keeper on a chain: its cold start, from a price to liquidations in blocks, and the same scan done three ways.

    python benchmarks/keeper_chain.py [--accounts 2000] [--stored 100000]

All on an Anvil of its own with blocks of thirty million gas, in one run: accounts are really deployed and opened, a quarter of
them sinks with one price. `report` is what benchmarks/keeper.py prints.
"""

from __future__ import annotations

import argparse
import io
import math
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from plimsoll.chain.bell import Bell
from plimsoll.chain.deployment import Deployment
from plimsoll.chain.lookout import Lookout
from plimsoll.chain.node import Chain
from plimsoll.chain.rpc import as_int
from plimsoll.chain.standard import POOL_SUPPLY, standard_world
from plimsoll.chain.wallet import Wallet
from plimsoll.keeper.act import Options, fitting
from plimsoll.keeper.book import ACCOUNTS_A_CALL, Holding
from plimsoll.keeper.journal import Journal
from plimsoll.keeper.judge import Judge
from plimsoll.keeper.port import Call
from plimsoll.keeper.run import Keeper
from plimsoll.keeper.send import Manners
from plimsoll.keeper.store import Store
from plimsoll.keeper.watch import Watch
from plimsoll.soaking import LastingAnvil
from plimsoll.state import Position
from plimsoll.types import USDC

KEY = "0x" + "c0ffee" * 10 + "abcd"
ACCOUNTS, STORED, POSITIONS = 2_000, 100_000, 3
BLOCK_GAS, SETUP_GAS, SECONDS_A_BLOCK = 30_000_000, 10**10, 2
SINKING, SAFE = 200, 900  # cash of an account with one ETH at 2,000
CRASH = 1_880 * 10**8
SECONDS_TO_END = 120
COLD, FIRST, WAYS = 10.0, 2, 3  # targets: seconds, blocks; rounds of a scan


def report(accounts: int = ACCOUNTS, stored: int = STORED) -> Iterator[str]:
    """What was measured, a line each; a target that is missed says so."""
    yield from cold_start(stored)
    with LastingAnvil("--gas-limit", str(SETUP_GAS)) as anvil:
        made = opened(anvil, accounts)
        yield from crash(anvil, made, accounts)


def cold_start(count: int) -> Iterator[str]:
    """From a store that was filled by its own write path to a book that can be judged."""
    draw = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        url, identity = f"sqlite:///{folder}/keeper.db", {"chain": "1", "engine": "0x"}
        store = Store(url, identity)
        held = {draw.getrandbits(160) << 96: _holding(draw) for _ in range(count)}
        store.mark(held)
        store.keep(held)
        store.close()
        began = time.perf_counter()
        store = Store(url, identity)
        judge = Judge(900_000)
        judge.put(Watch(None, store).book)  # type: ignore[arg-type]
        took = time.perf_counter() - began
        store.close()
    assert len(judge.book) == count
    yield f"cold start from the checkpoint, {count:,} accounts × {POSITIONS} positions: {took:.1f} s ({_within(took, COLD, 's')})"


def _holding(draw: random.Random) -> Holding:
    positions = {i: Position(draw.randrange(1, 10**12), -draw.randrange(10**12), draw.randrange(10**9)) for i in range(POSITIONS)}
    return Holding(draw.randrange(10**12), 5, 0, 0, positions, {})


def opened(anvil: LastingAnvil, count: int) -> Deployment:
    """So many accounts of one trader, each with one ETH; a quarter of them near its line."""
    chain = Chain(anvil, seconds_per_block=0)
    made, trader = Deployment.deploy(chain, standard_world()), chain.accounts[6]
    made.provide(chain.accounts[5], 20 * POOL_SUPPLY)
    made.give(trader, "USDC", count * SAFE * USDC)
    made.settlement.approve(made.engine, 2**256 - 1, sender=trader)
    anvil.rpc("evm_setAutomine", False)
    requests, nonce = [], as_int(chain.rpc("eth_getTransactionCount", trader, "latest"))  # a batch is not taken in its order
    for i in range(count):
        account, cash = made.account(trader, i), SINKING if i < count // 4 else SAFE
        for contract, fn, args in (
            (made.engine, "setOperator", (account, made.pool, 1)),
            (made.engine, "deposit", (account, made.settlement, cash * USDC, 0)),
            (made.pool, "trade", (account, 0, 10**9, 2**255, 2**40)),
        ):
            sent = {"from": trader, "to": contract.address, "data": contract.encode(fn, *args), "gas": hex(10**6), "gasPrice": "0x0"}
            requests.append(("eth_sendTransaction", ({**sent, "nonce": hex(nonce + len(requests))},)))
    for start in range(0, len(requests), 500):
        chain.rpc.batch(requests[start : start + 500])
        anvil.rpc("evm_mine")
    while any(as_int(waiting) for waiting in chain.rpc("txpool_status").values()):
        anvil.rpc("evm_mine")
        time.sleep(0.05)
    return made


# From a price to liquidations ----------------------------------------------------------------------------------------


def crash(anvil: LastingAnvil, made: Deployment, count: int) -> Iterator[str]:
    wallet, sinking = Wallet.from_key(KEY), count // 4
    anvil.rpc("anvil_setBalance", wallet.address, hex(10**20))
    anvil.rpc("evm_setBlockGasLimit", hex(BLOCK_GAS))
    anvil.rpc("evm_mine")
    with tempfile.TemporaryDirectory() as folder:
        port = Lookout(anvil.url, made.lens.address, wallet)
        store = Store(f"sqlite:///{folder}/keeper.db", port.identity)
        keeper = Keeper(port, store, Options(manners=Manners(confirmations=1), pause=0.2), Journal(io.StringIO()))
        began = time.perf_counter()
        keeper.round()
        yield f"first start, {count:,} accounts discovered by events and read: {time.perf_counter() - began:.1f} s"
        yield from scans(keeper)
        yield from _falls(anvil, made, keeper, sinking)
        store.close()


def _falls(anvil: LastingAnvil, made: Deployment, keeper: Keeper, sinking: int) -> Iterator[str]:
    anvil.rpc("evm_setIntervalMining", SECONDS_A_BLOCK)
    receipt = made.feeds["ETH"].push(CRASH, sender=made.roles.deployer, gas=10**6)
    bell, deadline = Bell(anvil.url.replace("http", "ws")), time.monotonic() + SECONDS_TO_END

    def wait(seconds: float) -> None:
        bell.wait(seconds)
        keeper.stopping = keeper.totals.unloaded >= sinking or time.monotonic() > deadline

    keeper.run(wait)
    bell.close()
    blocks = [win.block - receipt.block for win in keeper.store.wins()]
    trips = keeper.store.trips()
    used = sum(trip.gas_used for trip in trips)
    forced = math.ceil(len(trips) / fitting(BLOCK_GAS))
    yield f"from a price to the first liquidation: block {min(blocks)} after it ({_within(min(blocks), FIRST, 'blocks')})"
    each = used // max(1, len(blocks))
    yield (
        f"{len(blocks)} of {sinking} gone after {max(blocks)} blocks, {len(trips)} transactions, {used:,} gas, {each:,} each: "
        f"the gas limits force {forced}, and one more goes by with one transaction, to see that nobody else is at them"
    )
    ends = ", ".join(f"{count} {end}" for end, count in keeper.totals.ends.items())
    yield f"transactions: {ends}; earned {keeper.totals.earned / USDC:,.2f}; a round took {keeper.sight.took:.2f} s"


# The same scan three ways --------------------------------------------------------------------------------------------


def scans(keeper: Keeper) -> Iterator[str]:
    """Who of all accounts is below its line, at one block: one call an account, the lens in batches, the risk engine."""
    port, head = keeper.port, keeper.port.head()
    holders = [account for account, held in keeper.watch.book.items() if held.positions]

    def one_by_one() -> list[bool]:
        return [port.ask([Call("lens", "liquidatable", ((account,),))], head.hash)[0][0] for account in holders]

    def in_batches() -> list[bool]:
        calls = [Call("lens", "liquidatable", (tuple(holders[i : i + ACCOUNTS_A_CALL]),)) for i in range(0, len(holders), ACCOUNTS_A_CALL)]
        return [answer for answers in port.ask(calls, head.hash) for answer in answers]

    def ours() -> int:
        keeper.look(head)
        return len(keeper.sight.judgement.sinking)

    slow, times = _best(one_by_one, 1), {"the lens in batches": _best(in_batches, WAYS), "ours": _best(ours, WAYS)}
    yield f"the same scan of {len(holders):,} accounts: one call an account {1_000 * slow:,.0f} ms (the usual bot)"
    for name, took in times.items():
        yield f"    {name} {1_000 * took:,.1f} ms: {slow / took:,.0f} times as fast"


def _best(work: Callable[[], object], rounds: int) -> float:
    found = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        found.append(time.perf_counter() - began)
    return min(found)


def _within(found: float, target: float, unit: str) -> str:
    return f"target {target:g} {unit}" + ("" if found <= target else ": MISSED")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=ACCOUNTS)
    parser.add_argument("--stored", type=int, default=STORED)
    options = parser.parse_args()
    for line in report(options.accounts, options.stored):
        print(line, flush=True)
