"""`make coverage`: pytest with `-p tests.coverage.plugin` traces the transactions and calls of the tests that it runs.

A JavaScript tracer inside Anvil returns the program counters that ran, by contract, and which way each branch went. It takes 25 µs
an instruction, so what is likely to run as before is not traced again: a few transactions of the same contract, function, outcome and
events are, each with another use of gas, and a few calls of the same outcome and length.
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from plimsoll.chain import artifacts
from plimsoll.chain.anvil import Anvil
from plimsoll.chain.node import Chain
from plimsoll.chain.rpc import Rpc
from plimsoll.errors import NodeRefused
from plimsoll.toolchain.setup import ROOT
from tests.coverage import compiled, report

# The state before the latest block is what a trace begins from; without the optimiser code is too large for EIP-170.
HISTORY = ("--prune-history", "8", "--disable-code-size-limit")
OF_A_KIND = 8
TRACER = """{
  seen: {}, now: null, outer: [], jump: -1,
  open: function (kind, address) {
    var key = kind + toHex(address);
    this.now = this.seen[key] || (this.seen[key] = { pcs: {}, ways: {} });
  },
  enter: function (frame) {
    this.outer.push(this.now);
    this.jump = -1;
    this.open(frame.getType().indexOf("CREATE") === 0 ? "creation " : "runtime ", frame.getTo());
  },
  exit: function (result) { this.now = this.outer.pop(); },
  step: function (log, db) {
    if (this.now === null) this.open("%s ", log.contract.getAddress());
    var pc = log.getPC();
    this.now.pcs[pc] = 1;
    if (this.jump >= 0) this.now.ways[this.jump + (pc === this.jump + 1 ? " no" : " yes")] = 1;
    this.jump = log.op.toNumber() === 0x57 ? pc : -1;
  },
  fault: function (log, db) {},
  result: function (context, db) {
    var found = {};
    for (var key in this.seen) found[key] = [Object.keys(this.seen[key].pcs), Object.keys(this.seen[key].ways)];
    return found;
  }
}"""


class Seen:
    """What ran of the contracts compiled in a folder. pcs, ways: by `kind contract`; ways: `pc yes` or `pc no` of each JUMPI."""

    def __init__(self, folder: Path = compiled.BUILD) -> None:
        self._folder = folder
        self.pcs: dict[str, set[str]] = defaultdict(set)
        self.ways: dict[str, set[str]] = defaultdict(set)
        self._kinds: dict[tuple[Any, ...], set[object]] = defaultdict(set)

    def transaction(self, rpc: Rpc, request: dict[str, Any], raw: Any) -> None:
        kind = (self._code(rpc, request["to"]) if "to" in request else request["data"][:200], request["data"][:10])
        told = tuple(log["topics"][0] for log in raw["logs"] if log["topics"])
        if self._is_new((*kind, raw["status"], told), raw["gasUsed"]):
            frame = "runtime" if "to" in request else "creation"
            self._add(rpc, rpc("debug_traceTransaction", raw["transactionHash"], {"tracer": TRACER % frame}))

    def call(self, rpc: Rpc, params: tuple[Any, ...], reply: dict[str, Any]) -> None:
        request, block = params[0], params[1]
        outcome = str(reply["error"].get("data"))[:10] if "error" in reply else len(reply["result"])
        if self._is_new((self._code(rpc, request["to"]), request.get("data", "")[:10], outcome), str(request)):
            self._add(rpc, rpc("debug_traceCall", request, block, {"tracer": TRACER % "runtime"}))

    def _is_new(self, kind: tuple[Any, ...], which: object) -> bool:
        known = self._kinds[kind]
        if which in known or len(known) == OF_A_KIND:
            return False
        known.add(which)
        return True

    def _code(self, rpc: Rpc, address: str) -> str:
        return str(rpc("eth_getCode", address, "latest"))[-compiled.TAIL :]

    def _add(self, rpc: Rpc, found: dict[str, Any]) -> None:
        for key, (pcs, ways) in found.items():
            kind, address = key.split()
            name = compiled.tails(self._folder).get(self._code(rpc, address))
            if name is not None:
                self.pcs[f"{kind} {name}"].update(pcs)
                self.ways[f"{kind} {name}"].update(ways)

    def write(self, path: Path) -> None:
        path.write_text(json.dumps({key: [sorted(self.pcs[key]), sorted(self.ways[key])] for key in self.pcs}))


SEEN = Seen()


def pytest_configure(config: Any) -> None:
    if not hasattr(config, "workerinput"):
        sources = [path for folder in ("contracts", "interfaces") for path in sorted((ROOT / folder).rglob("*.sol"))]
        compiled.build(sources)
        for old in compiled.FOLDER.glob("seen-*.json"):
            old.unlink()
    artifacts.BUILD = compiled.BUILD
    install(SEEN)


def pytest_sessionfinish(session: Any) -> None:
    """Each worker leaves what it saw; whoever started them adds it up. Exit code 1 below the goal."""
    worker = getattr(session.config, "workerinput", {}).get("workerid", "main")
    SEEN.write(compiled.FOLDER / f"seen-{worker}.json")
    if worker == "main":
        if not report.tell(compiled.FOLDER.glob("seen-*.json")):
            session.exitstatus = 1


def install(seen: Seen) -> None:
    """Every Anvil that starts from now on keeps a few states and takes code of any size; every chain is watched."""
    submit, batch = Chain._submit, Rpc.batch

    def submitted(self: Chain, request: dict[str, Any]) -> Any:
        raw = submit(self, request)
        seen.transaction(self.rpc, request, raw)
        return raw

    def batched(self: Rpc, requests: Any) -> Any:
        replies = batch(self, requests)
        for (method, params), reply in zip(requests, replies):
            if method == "eth_call":
                try:
                    seen.call(self, params, reply)
                except NodeRefused:  # a call on an old block, or one that nobody answers
                    continue
        return replies

    Anvil.HISTORY = HISTORY
    Chain._submit, Rpc.batch = submitted, batched
