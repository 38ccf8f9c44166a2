"""The short way to real contracts: deploy, send, read, decode. One Chain per node, one Contract per address.

    chain = Chain(brownie.web3)                                  # or Chain(anvil), or Chain("http://127.0.0.1:8545")
    usdc = chain.deploy("MockToken", "USD Coin", "USDC", 6)      # by artifact; sender= is chain.accounts[0] by default
    receipt = usdc.mint(trader, 10**6, sender=owner)             # sends and waits; raises Reverted with its numbers
    receipt.event("Transfer").value, receipt.gas_used            # events by name, arguments as attributes
    usdc.balanceOf(trader)                                       # a view returns its value; structs have field names
    usdc.simulate("transfer", owner, 5, sender=trader)           # what a transaction would return, nothing sent
    chain.batch([usdc.call_item("balanceOf", a) for a in chain.accounts])      # one request for all
    token = chain.at("IERC20", usdc.address); data = token.encode("transfer", owner, 5)
    usdc.fn("mint(address,uint256)")(trader, 1)                  # an overloaded name, or one that Contract itself uses
    here = chain.snapshot(); chain.advance(3600); chain.revert(here)

Arguments: an address may be anything with `.address`; a struct a dict, dataclass or tuple (plimsoll.chain.abi).

Time is repeatable: from genesis on, the wall clock plays no part. A Chain tells an Anvil that each block comes
`seconds_per_block` (1) after the one before; set_next_time and advance move it further. A view sees the time of the
latest block; with `block="pending"` it sees that of the next one, which is what the next transaction will see. With
seconds_per_block=0 time stands still until it is moved, and a preview equals the execution that follows it to the last
unit; `set_next_time(now)` does that for one transaction. Brownie's own chain.sleep has no effect on such a chain.

Transactions come from accounts that the node itself unlocks (a development node), at gas price 0 where there is no base
fee, with the block's whole gas limit: nothing is estimated.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import rlp
from eth_utils import keccak, to_checksum_address

from plimsoll.chain import artifacts
from plimsoll.chain.abi import BadData, to_address
from plimsoll.chain.artifacts import Artifact, Function, artifact
from plimsoll.chain.receipt import Event, Receipt
from plimsoll.chain.rpc import Rpc, as_int, result_of
from plimsoll.errors import NodeRefused, Reverted

HALTED = ("revert", "evm error", "out of gas", "invalid opcode")
SECONDS_TO_MINE, SECONDS_TO_NUDGE = 120, 3


@dataclass(frozen=True)
class CallItem:
    """A view, ready to be asked with others: see Chain.batch."""

    contract: Contract
    function: Function
    request: dict[str, str]

    def value(self, reply: Mapping[str, Any]) -> Any:
        """What the reply says. Raises Reverted."""
        try:
            data = result_of("eth_call", reply)
        except NodeRefused as refused:
            raise reverted(refused) from None
        return self.decode(bytes.fromhex(data[2:]))

    def decode(self, data: bytes) -> Any:
        """What the returned data say."""
        try:
            return self.function.decode(data)
        except BadData as problem:
            what = str(problem) if data else "there is no contract at this address"
            raise BadData(f"{self.contract!r}.{self.function.name}: {what}") from None


class Method:
    """One function of a contract, callable: a view returns its value, any other sends and returns a Receipt."""

    def __init__(self, contract: Contract, name: str) -> None:
        self._contract, self._name = contract, name
        functions = contract.artifact.functions.get(name) or [contract.artifact.function(name)]
        self._function = functions[0] if len(functions) == 1 else None

    def __call__(
        self, *args: Any, sender: Any = None, value: int = 0, gas: int | None = None, block: Any = None
    ) -> Any:
        """sender: an unlocked address. value: wei. gas: the limit. block: of a view, "latest", "pending" or a number.

        Raises Reverted with the error of the protocol.
        """
        contract = self._contract
        function = self._function or contract.artifact.function(self._name, len(args))
        if function.is_view:
            item = CallItem(contract, function, contract._request(function, args, sender, value))
            return contract.chain.batch([item], block=block or "latest")[0]
        if block is not None:
            raise TypeError(f"{function.signature} changes state: block= goes with views and with simulate")
        return contract.chain.send(contract.address, function.encode(args), sender, value, gas)

    def __repr__(self) -> str:
        return f"<{self._contract!r}.{self._name}>"


class Contract:
    """A contract at an address; its functions are attributes. Made by Chain.deploy and Chain.at."""

    def __init__(self, chain: Chain, artifact: Artifact, address: str, receipt: Receipt | None = None) -> None:
        self.chain, self.artifact, self.address = chain, artifact, to_checksum_address(address)
        self.receipt = receipt  # of the deployment

    def __getattr__(self, name: str) -> Method:
        if name.startswith("__") or name == "artifact":
            raise AttributeError(name)
        method = Method(self, name)
        self.__dict__[name] = method
        return method

    def fn(self, name: str) -> Method:
        """A function by name or by signature: `fn("mint(address,uint256)")`."""
        return Method(self, name)

    def encode(self, fn: str, *args: Any) -> str:
        """Calldata, as hex."""
        return self.artifact.function(fn, len(args)).encode(args)

    def call_item(self, fn: str, *args: Any, sender: Any = None, value: int = 0) -> CallItem:
        """One call for Chain.batch; of a state-changing function too."""
        function = self.artifact.function(fn, len(args))
        return CallItem(self, function, self._request(function, args, sender, value))

    def simulate(self, fn: str, *args: Any, sender: Any = None, value: int = 0, block: Any = "latest") -> Any:
        """What a transaction would return, decoded; nothing changes. Raises Reverted as the transaction would."""
        sender = sender or self.chain.accounts[0]
        return self.chain.batch([self.call_item(fn, *args, sender=sender, value=value)], block=block)[0]

    def _request(self, function: Function, args: tuple[Any, ...], sender: Any, value: int) -> dict[str, str]:
        request = {"to": self.address, "data": function.encode(args)}
        if sender is not None:
            request["from"] = to_address(sender)
        if value:
            request["value"] = hex(value)
        return request

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Contract) and (self.address, self.chain) == (other.address, other.chain)

    def __hash__(self) -> int:
        return hash(self.address)

    def __repr__(self) -> str:
        return f"<{self.artifact.name} {self.address}>"


class Chain:
    """A node with unlocked accounts. node: a Web3 object, a URL, an Anvil of ours (see plimsoll.chain.rpc), or an Rpc.

    seconds_per_block: what an Anvil adds to the time with each block; None leaves the node's clock alone.
    """

    def __init__(self, node: Any, seconds_per_block: int | None = 1) -> None:
        self.rpc = node if isinstance(node, Rpc) else Rpc(node)
        if seconds_per_block is not None and "anvil" in self.rpc("web3_clientVersion").lower():
            self.rpc("anvil_setBlockTimestampInterval", seconds_per_block)

    # contracts

    def deploy(
        self, name: str | Artifact, *args: Any, sender: Any = None, libraries: Mapping[str, Any] | None = None
    ) -> Contract:
        """Deploys an artifact, by its name or itself. Raises Reverted with the constructor's error, or with what is known."""
        what = name if isinstance(name, Artifact) else artifact(name)
        try:
            receipt = self.send(None, what.init_code(args, libraries or {}), sender)
        except Reverted as refusal:
            if refusal.name != "NoReason" or what.code_bytes <= artifacts.MAX_CODE_BYTES:
                raise
            size = f"{what.name} has {what.code_bytes} bytes of code, the limit is {artifacts.MAX_CODE_BYTES}"
            raise Reverted("NoReason", hint=size) from None
        return Contract(self, what, receipt.raw["contractAddress"], receipt)

    def at(self, name: str | Artifact, address: Any) -> Contract:
        """The contract at an address, spoken to through the ABI of this artifact. Its code is not looked at."""
        return Contract(self, name if isinstance(name, Artifact) else artifact(name), to_address(address))

    def next_address(self, sender: Any = None, offset: int = 0) -> str:
        """Where the sender's next deployment will lie; offset: after so many more transactions of the sender."""
        sender = to_address(sender or self.accounts[0])
        nonce = as_int(self.rpc("eth_getTransactionCount", sender, "pending")) + offset
        return to_checksum_address(keccak(rlp.encode([bytes.fromhex(sender[2:]), nonce]))[-20:])

    # accounts

    @cached_property
    def accounts(self) -> list[str]:
        """The addresses that the node signs for."""
        return [to_checksum_address(a) for a in self.rpc("eth_accounts")]

    def impersonate(self, address: Any) -> str:
        """From now on transactions may come from this address, contract or not."""
        self.rpc("anvil_impersonateAccount", to_address(address))
        return to_checksum_address(to_address(address))

    # transactions and calls

    def send(self, to: Any, data: str = "0x", sender: Any = None, value: int = 0, gas: int | None = None) -> Receipt:
        """One transaction, mined. to: None deploys. Raises Reverted, read off the trace of the transaction itself."""
        receipt = self.transact(to, data, sender, value, gas)
        if receipt.ok:
            return receipt
        raise artifacts.refusal(self.revert_data(receipt), receipt.gas_used, gas or self.gas_limit)

    def transact(self, to: Any, data: str = "0x", sender: Any = None, value: int = 0, gas: int | None = None) -> Receipt:
        """As send, but a transaction that was refused has a receipt too: `receipt.ok` says so."""
        price = self._gas_price
        request = {"from": to_address(sender or self.accounts[0]), "data": data, "value": hex(value)}
        request |= {"gas": hex(gas or self.gas_limit), "gasPrice": hex(price)}
        if to is not None:
            request["to"] = to_address(to)
        return Receipt(self.rpc, self._submit(request))

    def _submit(self, request: dict[str, Any]) -> Mapping[str, Any]:
        """The receipt, asked for until it is there: a node answers before it has mined."""
        transaction = self.rpc("eth_sendTransaction", request)
        started, nudged = time.monotonic(), False
        while (waited := time.monotonic() - started) < SECONDS_TO_MINE:
            raw: Mapping[str, Any] | None = self.rpc("eth_getTransactionReceipt", transaction)
            if raw is not None:
                return raw
            if waited > SECONDS_TO_NUDGE and not nudged:  # after an evm_revert Anvil now and then forgets one
                nudged = True
                if self.rpc("eth_getTransactionByHash", transaction) is None:
                    transaction = self.rpc("eth_sendTransaction", request)
                self.rpc("evm_mine")
            # A fast node needs a moment, a slow one is not to be flooded.
            time.sleep(0.0005 if waited < 0.1 else 0.05)
        raise NodeRefused("eth_getTransactionReceipt", f"{transaction} was not mined in {SECONDS_TO_MINE} s")

    def revert_data(self, receipt: Receipt) -> bytes:
        """What a refused transaction returned. Not from callTracer: an Anvil with --prune-history does not answer it."""
        options = {"disableStack": True, "disableStorage": True, "disableMemory": True}
        trace = self.rpc("debug_traceTransaction", receipt.hash, options)
        return bytes.fromhex(trace["returnValue"].removeprefix("0x"))

    def batch(self, items: Iterable[CallItem], errors: str = "raise", block: Any = "latest") -> list[Any]:
        """The values of many calls, all on the same block (`Contract.call_item`), in one request for each 2,000.

        errors: "raise" the first Reverted, or "return" it in the place of its value.
        """
        if errors not in ("raise", "return"):
            raise ValueError(f'errors is "raise" or "return", not {errors!r}')
        items, at = list(items), hex(block) if isinstance(block, int) else block
        replies = self.rpc.batch([("eth_call", (item.request, at)) for item in items])
        return [_value(item, reply, errors) for item, reply in zip(items, replies)]

    @cached_property
    def gas_limit(self) -> int:
        return as_int(self.latest["gasLimit"])

    @cached_property
    def _gas_price(self) -> int:
        return as_int(self.rpc("eth_gasPrice")) if as_int(self.latest.get("baseFeePerGas", 0)) else 0

    # time, and going back in it

    @property
    def latest(self) -> Mapping[str, Any]:
        """The latest block as JSON-RPC shows it."""
        block: Mapping[str, Any] = self.rpc("eth_getBlockByNumber", "latest", False)
        return block

    @property
    def now(self) -> int:
        """The time of the latest block, unix seconds."""
        return as_int(self.latest["timestamp"])

    @property
    def height(self) -> int:
        """The number of the latest block."""
        return as_int(self.latest["number"])

    def set_next_time(self, timestamp: int) -> None:
        """The next block has this time, unix seconds; that of the latest block at the least. Raises NodeRefused."""
        self.rpc("evm_setNextBlockTimestamp", timestamp)

    def advance(self, seconds: int) -> None:
        """Mines one block so much later than the latest."""
        self.set_next_time(self.now + seconds)
        self.rpc("evm_mine")

    def mine(self, blocks: int = 1) -> None:
        """Mines empty blocks, each seconds_per_block later."""
        self.rpc("anvil_mine", hex(blocks))

    def snapshot(self) -> str:
        """A mark to come back to, once. A time set by set_next_time for a block not yet mined is not part of it."""
        return str(self.rpc("evm_snapshot"))

    def revert(self, snapshot: str) -> None:
        """Back to the mark: state, blocks and time. The mark, and those set after it, are used up."""
        self._quiet()
        if not self.rpc("evm_revert", snapshot):
            raise NodeRefused("evm_revert", f"there is no snapshot {snapshot}: it was used, or an earlier one was")

    def _quiet(self) -> None:
        """Returns when Anvil's pool is empty: it takes a transaction out a moment after it has mined it, and one sent
        just after an evm_revert that came first may be lost."""
        deadline = time.monotonic() + SECONDS_TO_NUDGE
        while time.monotonic() < deadline and any(as_int(count) for count in self.rpc("txpool_status").values()):
            time.sleep(0.001)


def _value(item: CallItem, reply: Mapping[str, Any], errors: str) -> Any:
    try:
        return item.value(reply)
    except Reverted as refusal:
        if errors == "return":
            return refusal
        raise


def reverted(refused: NodeRefused) -> Exception:
    """The protocol's error in a refused call; the refusal itself where the node never ran it."""
    data = refused.data
    if isinstance(data, Mapping):
        data = data.get("data")
    if isinstance(data, str) and data.startswith("0x"):
        return artifacts.decode_error(bytes.fromhex(data[2:]))
    halted = any(words in refused.reason.lower() for words in HALTED)
    return Reverted("NoReason", hint=refused.reason) if halted else refused


__all__ = ["CallItem", "Chain", "Contract", "Event", "Receipt", "artifact"]
