"""`make coverage`: pytest with `-p tests.coverage.plugin` traces the transactions and calls of the tests that it runs.

A JavaScript tracer inside Anvil returns the program counters that ran, by contract, and which way each branch went. It takes 25 µs
an instruction, so what is likely to run as before is not traced again. Of the same contract, function and events a few transactions
are, each with another use of gas, and every refused one with another use of gas; of the same contract, function and length of the
answer, or beginning of the error, a few calls, each with another answer.
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
ERROR_AND_TWO_WORDS = 2 + 8 + 128  # hex digits
MEASURE_GAS = {  # of the optimised code
    "test_liquidate_many_of_a_hundred_fits_into_a_transaction", "test_gas_has_not_grown",
    "test_gas_of_a_view_of_the_widest_account_is_bounded", "test_a_view_with_too_little_gas_reverts_and_never_answers_otherwise",
    "test_item_of_sixteen_legs_and_eight_collaterals_fits_the_gas_of_an_item",
}  # fmt: skip
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
        path = told if int(raw["status"], 16) else ("refused", raw["gasUsed"])
        if self._is_new((*kind, path), raw["gasUsed"]):
            frame, made = ("runtime", "") if "to" in request else ("creation", compiled.made_by(request["data"], self._folder))
            self._add(rpc, rpc("debug_traceTransaction", raw["transactionHash"], {"tracer": TRACER % frame}), made)

    def call(self, rpc: Rpc, params: tuple[Any, ...], reply: dict[str, Any]) -> None:
        request, block = params[0], params[1]
        outcome = str(reply["error"].get("data"))[:ERROR_AND_TWO_WORDS] if "error" in reply else len(reply["result"])
        kind = (self._code(rpc, request["to"]), request.get("data", "")[:10], outcome)
        if self._is_new(kind, reply.get("result", str(request))):
            self._add(rpc, rpc("debug_traceCall", request, block, {"tracer": TRACER % "runtime"}))

    def _is_new(self, kind: tuple[Any, ...], which: object) -> bool:
        known = self._kinds[kind]
        if which in known or len(known) == OF_A_KIND:
            return False
        known.add(which)
        return True

    def _code(self, rpc: Rpc, address: str) -> str:
        return str(rpc("eth_getCode", address, "latest"))[-compiled.TAIL :]

    def _add(self, rpc: Rpc, found: dict[str, Any], made: str = "") -> None:
        """made: the contract that the transaction creates, which has no code where it was refused."""
        for key, (pcs, ways) in found.items():
            kind, address = key.split()
            name = compiled.tails(self._folder).get(self._code(rpc, address), made if kind == "creation" else "")
            if name:
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


def pytest_collection_modifyitems(config: Any, items: list[Any]) -> None:
    out = [item for item in items if item.originalname in MEASURE_GAS]
    items[:] = [item for item in items if item.originalname not in MEASURE_GAS]
    config.hook.pytest_deselected(items=out)


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
