"""`make coverage`: pytest with `-p tests.coverage.plugin` traces the transactions and calls of the tests that it runs.

A JavaScript tracer inside Anvil returns the program counters that ran, by contract, and which way each branch went. What was seen
before is not traced again: a transaction of the same contract, function, outcome and gas, a call of the same outcome and length.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from typing import Any

import plimsoll.chain.anvil as anvil
from plimsoll.chain import artifacts
from plimsoll.chain.node import Chain
from plimsoll.chain.rpc import Rpc
from plimsoll.errors import NodeRefused
from plimsoll.toolchain.setup import ROOT
from tests.coverage import compiled, report

STATES_KEPT = "8"  # the state before the latest block is what a trace begins from
CALLS_OF_A_KIND = 12
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
    """What ran. pcs, ways: by `kind contract`; ways: `pc yes` or `pc no` of each JUMPI."""

    def __init__(self) -> None:
        self.pcs: dict[str, set[str]] = defaultdict(set)
        self.ways: dict[str, set[str]] = defaultdict(set)
        self._kinds: Counter[tuple[Any, ...]] = Counter()

    def transaction(self, rpc: Rpc, request: dict[str, Any], raw: Any) -> None:
        kind = (self._code(rpc, request["to"]) if "to" in request else request["data"][:200], request["data"][:10])
        if self._is_new((*kind, raw["status"], raw["gasUsed"]), 1):
            frame = "runtime" if "to" in request else "creation"
            self._add(rpc, rpc("debug_traceTransaction", raw["transactionHash"], {"tracer": TRACER % frame}))

    def call(self, rpc: Rpc, params: tuple[Any, ...], reply: dict[str, Any]) -> None:
        request, block = params[0], params[1]
        outcome = str(reply["error"].get("data"))[:10] if "error" in reply else len(reply["result"])
        if self._is_new((self._code(rpc, request["to"]), request.get("data", "")[:10], outcome), CALLS_OF_A_KIND):
            self._add(rpc, rpc("debug_traceCall", request, block, {"tracer": TRACER % "runtime"}))

    def _is_new(self, kind: tuple[Any, ...], most: int) -> bool:
        self._kinds[kind] += 1
        return self._kinds[kind] <= most

    def _code(self, rpc: Rpc, address: str) -> str:
        return str(rpc("eth_getCode", address, "latest"))[-compiled.TAIL :]

    def _add(self, rpc: Rpc, found: dict[str, Any]) -> None:
        for key, (pcs, ways) in found.items():
            kind, address = key.split()
            name = compiled.tails().get(self._code(rpc, address))
            if name is not None:
                self.pcs[f"{kind} {name}"].update(pcs)
                self.ways[f"{kind} {name}"].update(ways)

    def write(self, worker: str) -> None:
        found = {key: [sorted(self.pcs[key]), sorted(self.ways[key])] for key in self.pcs}
        (compiled.FOLDER / f"seen-{worker}.json").write_text(json.dumps(found))


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
    SEEN.write(worker)
    if worker == "main":
        session.config.coverage_is_enough = report.tell(compiled.FOLDER.glob("seen-*.json"))
        if not session.config.coverage_is_enough:
            session.exitstatus = 1


def install(seen: Seen) -> None:
    """Every Anvil that starts from now on keeps a few states and takes code of any size; every chain is watched."""
    start, submit, batch = anvil.subprocess.Popen, Chain._submit, Rpc.batch

    def popen(command: list[str], **options: Any) -> Any:
        at = command.index("--prune-history") + 1
        return start([*command[:at], STATES_KEPT, "--disable-code-size-limit", *command[at:]], **options)

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

    anvil.subprocess.Popen, Chain._submit, Rpc.batch = popen, submitted, batched  # type: ignore[misc,assignment]
