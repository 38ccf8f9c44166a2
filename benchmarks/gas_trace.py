"""Where the gas of a row goes, to the unit, from a trace of its transaction.

    python benchmarks/gas_trace.py                 every row with a budget, by what gas is spent on
    python benchmarks/gas_trace.py "open"          one row, and each storage word, call and event of it
    python benchmarks/gas_trace.py --write         the figures of docs/gas.md anew

What is spent inside a feed (its proxy and aggregator) or a token counts as that, the call to it included. `computing` is all the
rest: arithmetic, memory, jumps, hashes. A view is a transaction here: base and calldata included.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import gas
from gas_figures import HERE, read_committed, read_peers, stage_of
from gas_rows import BASE, ROWS, Stage, Unmeasured, intrinsic
from gas_slots import Slots

from plimsoll.chain.anvil import Anvil
from plimsoll.chain.artifacts import meanings
from plimsoll.chain.node import Chain
from plimsoll.errors import PlimsollError

PAGE = HERE.parent / "docs" / "gas.md"
BLOCK = re.compile(r"(?<=^```text )([^\n]+)\n(.*?)(?=^```$)", re.MULTILINE | re.DOTALL)
DETAILED = ("open", "liquidate, whole")
TOO_LONG = "liquidate, batch of 100, each"  # a million steps

KECCAK, CODE_SIZE, SLOAD, SSTORE = 0x20, 0x3B, 0x54, 0x55
TRANSIENT, LOGS, CALLS = (0x5C, 0x5D), range(0xA0, 0xA5), (0xF1, 0xF2, 0xF4, 0xFA)
COLD_LOAD, COLD_CALL, WARM = 2_100, 2_600, 100
NEW_WORD, CHANGED_WORD = 20_000, 2_900
ENTER, EXIT, STEP = 0, 1, 2
KINDS = (
    *("base", "calldata", "feeds", "tokens", "cold loads", "warm loads", "new words", "changed words", "rewritten words"),
    *("locks", "cold calls", "warm calls", "events", "computing", "refund"),
)
# Notes the operations that cost more than computing does, and the one after each: gas before it less gas before the next is
# its cost. With them what they touch: the slot, the hashed words, the contract called, the event's topic.
TRACER = """{
  notes: [], next: true, fresh: true,
  step: function(log) {
    var op = log.op.toNumber(), wanted = op == 0 || op == 0x20 || op == 0x3b || op == 0x54 || op == 0x55
      || op == 0x5c || op == 0x5d || op >= 0xa0;
    if (!wanted && !this.next) return;
    var word = '';
    if (op == 0x3b || op == 0x54 || op == 0x55) word = log.stack.peek(0).toString(16);
    else if (op >= 0xa1 && op <= 0xa4) word = log.stack.peek(2).toString(16);
    else if (op == 0xf1 || op == 0xf2 || op == 0xf4 || op == 0xfa) word = log.stack.peek(1).toString(16);
    else if (op == 0x20 && log.stack.peek(1).toString(16) == '40') {
      var at = parseInt(log.stack.peek(0).toString(16), 16);
      word = toHex(log.memory.slice(at, at + 64));
    }
    this.notes.push([2, op, log.getGas(), word, this.fresh ? toHex(log.contract.getAddress()) : '', log.getRefund()]);
    this.next = wanted; this.fresh = false;
  },
  enter: function() { this.notes.push([0]); this.next = true; this.fresh = true; },
  exit: function(frame) { this.notes.push([1, frame.getGasUsed()]); this.next = true; },
  fault: function() {},
  result: function() { return this.notes; }
}"""


@dataclass
class Frame:
    """A call under way. pending: its last step, [operation, gas before, word, gas used by what it called]. hidden: it is
    counted as a whole, as a feed or token, by who called it."""

    address: str = ""
    pending: list[Any] = field(default_factory=list)
    hidden: bool = False


@dataclass
class Spent:
    """kinds: gas by what it was spent on. touched: (kind, what) → [how often, gas], in the order of the first."""

    kinds: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    touched: dict[tuple[str, Any], list[int]] = field(default_factory=dict)

    def add(self, kind: str, what: Any, spent: int) -> None:
        self.kinds[kind] += spent
        found = self.touched.setdefault((kind, what), [0, 0])
        found[0] += 1
        found[1] += spent


class Remembering(Anvil):
    """A tracer needs the state before the block."""

    HISTORY = ("--prune-history", "8")


class Trace:
    """The last transaction of a chain. Raises AssertionError unless what is counted is exactly what was charged."""

    def __init__(self, chain: Chain, slots: Slots) -> None:
        self.slots, self.spent = slots, Spent()
        sent = chain.rpc("eth_getTransactionByHash", chain.latest["transactions"][-1])
        notes = chain.rpc("debug_traceTransaction", sent["hash"], {"tracer": TRACER})
        steps = [note for note in notes if note[0] == STEP]
        self._walk(notes)
        first, last, started = steps[0][2], steps[-1][2], intrinsic(sent["input"])
        kinds = self.spent.kinds
        assert int(sent["gas"], 16) - first == started, "calldata is charged otherwise"
        kinds["computing"] = first - last - sum(kinds.values())
        kinds["base"], kinds["calldata"] = BASE, started - BASE
        used = started + first - last
        kinds["refund"] = -min(steps[-1][5], used // 5)  # EIP-3529
        self.gas = sum(kinds.values())
        charged = int(chain.rpc("eth_getTransactionReceipt", sent["hash"])["gasUsed"], 16)
        assert self.gas == charged, f"counted {self.gas:,}, charged {charged:,}"
        assert kinds["computing"] > 0

    def _walk(self, notes: list[list[Any]]) -> None:
        frames = [Frame()]
        for kind, *note in notes:
            frame = frames[-1]
            if kind == ENTER:
                frames.append(Frame(hidden=frame.hidden or self.slots.group(frame.pending[2]) != ""))
            elif kind == EXIT:
                frames.pop()
                frames[-1].pending[3] += note[0]
            else:
                op, gas_left, word, address, _ = note
                frame.address = address or frame.address
                if frame.pending and not frame.hidden:
                    self._settle(frame.address, *frame.pending, gas_left)
                frame.pending = [op, gas_left, word, 0]

    def _settle(self, address: str, op: int, before: int, word: str, inside: int, after: int) -> None:
        """A step is over: what it cost, and for what."""
        spent, own = self.spent, before - after - inside
        if op == KECCAK and word:
            self.slots.learn(bytes.fromhex(word[2:]))
        elif op == SLOAD:
            spent.add("cold loads" if own == COLD_LOAD else "warm loads", (address, int(word, 16)), own)
        elif op == SSTORE:
            kind = "new words" if own >= NEW_WORD else "changed words" if own >= CHANGED_WORD else "rewritten words"
            spent.add(kind, (address, int(word, 16)), own)
        elif op in TRANSIENT:
            spent.add("locks", "", own)
        elif op in LOGS:
            spent.add("events", (address, int(word or "0", 16), op - LOGS[0]), own)
        elif op in CALLS or op == CODE_SIZE:
            if group := self.slots.group(word):
                spent.add(group, int(word, 16), own + inside)
            else:
                cold = own >= COLD_CALL
                spent.add("cold calls" if cold else "warm calls", int(word, 16), COLD_CALL if cold else WARM)


# Telling -----------------------------------------------------------------------------------------------------------


def traces(rows: Iterable[str]) -> dict[str, Trace]:
    """By row. Raises Unmeasured, PlimsollError."""
    found = {}
    with stage_of(Stage, Remembering) as stage:
        slots = Slots(stage)
        for name in rows:
            snapshot = stage.chain.snapshot()
            ROWS[name](stage)
            found[name] = Trace(stage.chain, slots)
            stage.chain.revert(snapshot)
    return found


SHORT = {
    "fixed": ("base", "calldata"),
    "feeds": ("feeds",),
    "tokens": ("tokens",),
    "loads": ("cold loads", "warm loads"),
    "stores": ("new words", "changed words", "rewritten words"),
    "calls": ("cold calls", "warm calls"),
    "events": ("events",),
    "locks": ("locks",),
    "computing": ("computing",),
    "refund": ("refund",),
}


def overview(found: dict[str, Trace]) -> Iterator[str]:
    """A line for each row, a batch as its whole transaction, and what its budget comes to in the same terms."""
    yield f"{'gas':<23}" + "".join(f"{name:>10}" for name in SHORT) + f"{'in all':>10}{'budget':>9}{'but computing':>15}"
    for row, trace in found.items():
        parts = [sum(trace.spent.kinds[kind] for kind in kinds) for kinds in SHORT.values()]
        rest = trace.gas - trace.spent.kinds["computing"]
        yield f"{row.removesuffix(', each'):<23}" + "".join(f"{part:>10,}" for part in parts) + f"{trace.gas:>10,}{_budget(row, trace):>9,}{rest:>15,}"


def _budget(row: str, trace: Trace) -> int:
    """Of a row's whole transaction."""
    budget: int = read_peers()["rows"][row]["budget"] * 1_000
    kinds, batch = trace.spent.kinds, re.search(r"batch of (\d+)", row)
    return budget * int(batch[1] if batch else 1) + (kinds["base"] + kinds["calldata"] if row.endswith("view") else 0)


def detail(trace: Trace) -> Iterator[str]:
    """What gas was spent on, then each word, call and event."""
    touched = trace.spent.touched
    for kind, gas_spent in trace.spent.kinds.items():
        times = sum(n for (k, _), (n, _) in touched.items() if k == kind)
        yield f"{kind:<66}{times or '':>6}{gas_spent:>10,}"
    yield f"{'in all':<66}{'':>6}{trace.gas:>10,}"
    yield ""
    yield f"{'storage':<42}{'loads':>6}{'stores':>24}{'gas':>10}   what lies there"
    yield from _words(trace)
    yield ""
    yield f"{'calls and events':<66}{'times':>6}{'gas':>10}"
    for (kind, what), (n, spent) in touched.items():
        if kind in ("feeds", "tokens", "cold calls", "warm calls"):
            yield f"{f'{kind}: {trace.slots.contract(what)}':<66}{n:>6}{spent:>10,}"
    for (kind, what), (n, spent) in touched.items():
        if kind == "events":
            yield f"{f'event: {_event(trace, *what)}':<66}{n:>6}{spent:>10,}"


def _words(trace: Trace) -> Iterator[str]:
    words: dict[tuple[str, int], dict[str, list[int]]] = {}
    for (kind, what), spent in trace.spent.touched.items():
        if kind.endswith(("loads", "words")):
            words.setdefault(what, {})[kind] = spent
    for what, by_kind in words.items():
        name, fields = trace.slots.named(*what)
        loads = sum(n for kind, (n, _) in by_kind.items() if kind.endswith("loads"))
        stores = ", ".join(f"{n} {kind.removesuffix(' words')}" for kind, (n, _) in by_kind.items() if kind.endswith("words"))
        spent = sum(gas_spent for _, gas_spent in by_kind.values())
        yield f"{name:<42}{loads or '':>6}{stores:>24}{spent:>10,}   {fields}".rstrip()


def _event(trace: Trace, address: str, topic: int, topics: int) -> str:
    meaning = meanings()[1].get((topic.to_bytes(32, "big"), topics))
    return f"{trace.slots.contract(int(address, 16))}.{meaning.name if meaning else f'{topic:#x}'[:10]}"


def blocks() -> dict[str, str]:
    """The figures of docs/gas.md, by the names of their blocks: budgets and growth as committed, the rest traced now."""
    found, committed = traces(name for name in read_peers()["rows"] if name != TOO_LONG), read_committed()
    grown = [line for held, growth in committed.growth.items() for line in gas.grows(held, growth)]
    texts = {"budgets": gas.table(committed), "rows": overview(found)}
    texts |= {row: detail(found[row]) for row in DETAILED} | {"growth": grown}
    return {name: "\n".join(lines) + "\n" for name, lines in texts.items()}


def write() -> None:
    made = blocks()
    PAGE.write_text(BLOCK.sub(lambda match: f"{match[1]}\n{made[match[1]]}", PAGE.read_text()))


def main() -> int:
    parser = argparse.ArgumentParser(description="Where the gas of a row goes, from a trace.")
    parser.add_argument("row", nargs="?", choices=list(ROWS), metavar="row", help="one of the rows that gas.py prints")
    parser.add_argument("--write", action="store_true", help="the figures of docs/gas.md anew")
    arguments = parser.parse_args()
    try:
        if arguments.write:
            write()
        elif arguments.row:
            print("\n".join(detail(traces([arguments.row])[arguments.row])))
        else:
            print("\n".join(overview(traces(name for name in read_peers()["rows"] if name != TOO_LONG))))
    except (PlimsollError, Unmeasured) as problem:
        print(f"nothing could be traced: {type(problem).__name__}: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
