"""The lane without a node: pyrevm runs the same EVM as Anvil inside this process. Optional: the extra `pyrevm` of pyproject.toml.

    lane = PyrevmLane(chain)                    # takes the whole state of an Anvil, once for each block that it is at
    lane.play(steps, views)                     # as any lane

One EVM is rolled back after each play. All is equal to mined transactions but gas: pyrevm 0.3.7 has no end of a transaction
(its `commit` keeps the journal), so a step finds warm what the steps before it touched, and uses less gas than when mined.
A step that only a gas limit refuses is refused here only if it uses that much.

Small contracts run up to three times as fast as on AnvilLane, the protocol itself at half its speed: pyrevm takes longer for a
call the more code and state it touches. Measure (`make bench-lane`) before choosing it.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

try:
    import pyrevm
except ImportError:  # an accelerator, not the foundation
    pyrevm = None

from plimsoll.chain import artifacts
from plimsoll.chain.lane import Done, Lane, Overrides, Played, Step, times, views_only
from plimsoll.chain.node import CallItem, Chain
from plimsoll.chain.receipt import Receipt
from plimsoll.chain.rpc import as_int

INSTALLED = pyrevm is not None
OUTPUT = re.compile(r"output: 0x([0-9a-f]*)")  # revert data are only in the text of the error
NOBODY = "0x" + "00" * 20
NO_HASH = "0x" + "00" * 32


class Base(NamedTuple):
    """What plays start from. accounts: by address, as Anvil dumps them. now: unix seconds."""

    block_hash: str
    number: int
    now: int
    accounts: Mapping[str, Mapping[str, Any]]


class PyrevmLane(Lane):
    """chain: an Anvil, whose state is read again whenever its latest block is another. spec: the hardfork, by revm's name.

    Raises ImportError where pyrevm is not installed.
    """

    def __init__(self, chain: Chain, spec: str = "CANCUN") -> None:
        if pyrevm is None:
            raise ImportError("pyrevm is not installed: with Python 3.11 or 3.12 `.venv/bin/pip install pyrevm==0.3.7`, or use AnvilLane")
        self.chain, self._spec = chain, spec
        self._chain_id = as_int(chain.rpc("eth_chainId"))
        self._base: Base | None = None
        self._kept: Any = None

    def play(self, steps: Sequence[Step], views: Iterable[CallItem] = (), state: Overrides | None = None) -> Played:
        views, base = views_only(views), self._present()
        moments = times(steps, base.now)
        if self._kept is None:
            self._kept = self._build(base, {})
        evm = self._build(base, state) if state else self._kept
        mark = evm.snapshot()
        try:
            done = [self._step(evm, one, base.number + i, time) for i, (one, time) in enumerate(zip(steps, moments), 1)]
            if not steps:
                evm.set_block_env(self._block(base.number, base.now))
            return Played(done, [self._look(evm, view) for view in views])
        finally:
            evm.revert(mark)

    # One call ------------------------------------------------------------------------------------------------------

    def _step(self, evm: Any, one: Step, number: int, now: int) -> Done:
        gas = one.gas or self.chain.gas_limit
        evm.set_block_env(self._block(number, now))
        evm.reset_transient_storage()
        returned, revert, result = _call(evm, one.sender, one.to, one.data, one.value, gas)
        raw = {
            **{"transactionHash": NO_HASH, "blockNumber": number, "blockTimestamp": now},
            **{"status": int(result.is_success), "gasUsed": result.gas_used},
            "logs": [_log(log) for log in result.logs] if result.is_success else [],
        }
        return Done(Receipt(self.chain.rpc, raw), revert, gas, returned)

    def _look(self, evm: Any, view: CallItem) -> Any:
        evm.reset_transient_storage()
        request = view.request
        value, sender = as_int(request.get("value", 0)), request.get("from", NOBODY)
        data, revert, result = _call(evm, sender, request["to"], request["data"], value, self.chain.gas_limit)
        return view.decode(data) if result.is_success else artifacts.decode_error(revert)

    def _block(self, number: int, time: int) -> Any:
        return pyrevm.BlockEnv(number=number, timestamp=time, gas_limit=self.chain.gas_limit, basefee=0)

    # The state -----------------------------------------------------------------------------------------------------

    def _present(self) -> Base:
        latest = self.chain.latest
        if self._base is None or self._base.block_hash != latest["hash"]:
            dump = json.loads(gzip.decompress(bytes.fromhex(self.chain.rpc("anvil_dumpState")[2:])))
            number, now = as_int(latest["number"]), as_int(latest["timestamp"])
            self._base, self._kept = Base(latest["hash"], number, now, dump["accounts"]), None
        return self._base

    def _build(self, base: Base, state: Overrides) -> Any:
        cfg = pyrevm.CfgEnv(chain_id=self._chain_id)
        env = pyrevm.Env(cfg=cfg, block=self._block(base.number, base.now))
        evm = pyrevm.EVM(env=env, spec_id=self._spec, gas_limit=self.chain.gas_limit)
        for address, account in base.accounts.items():
            _insert(evm, address, account)
        nothing = {"balance": "0x0", "nonce": 0, "code": "0x", "storage": {}}
        for address, change in state.items():
            before = base.accounts.get(address.lower(), nothing)
            storage = {**before["storage"], **change.get("stateDiff", {})}
            _insert(evm, address, {**before, **change, "storage": storage})
        return evm


def _insert(evm: Any, address: str, account: Mapping[str, Any]) -> None:
    code = bytes.fromhex(account["code"][2:])
    has_code = {"code": code} if code else {}
    info = pyrevm.AccountInfo(balance=as_int(account["balance"]), nonce=as_int(account["nonce"]), **has_code)
    evm.insert_account_info(address, info)
    for slot, word in account["storage"].items():
        evm.insert_account_storage(address, as_int(slot), as_int(word))


def _call(evm: Any, sender: str, to: str, data: str, value: int, gas: int) -> tuple[bytes, bytes, Any]:
    """(returned, reverted with, result)"""
    try:
        returned, revert = evm.message_call(sender, to, bytes.fromhex(data[2:]), value, gas), b""
    except RuntimeError as refused:
        said = OUTPUT.search(str(refused))
        returned, revert = b"", bytes.fromhex(said[1]) if said else b""
    return bytes(returned), revert, evm.result


def _log(log: Any) -> dict[str, Any]:
    return {"address": log.address, "topics": log.topics, "data": "0x" + log.data[1].hex()}
