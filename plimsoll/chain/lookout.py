"""What a keeper sees of a deployment, and sends to it: plimsoll.keeper.port over JSON-RPC.

    lookout = Lookout(url, lens="0x…", wallet=Wallet.from_environment())

All other addresses are read off the lens. An answer that makes no sense is an error (`NodeRefused`), never a zero; what
does not answer is asked three times in a second, and not more: the keeper knows what is still worth asking.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any, NamedTuple

from eth_utils import keccak, to_checksum_address

from plimsoll.chain.abi import selector, to_address
from plimsoll.chain.artifacts import artifact, decode_log
from plimsoll.chain.live import GWEI, KNOWN, POOR, UNDERPRICED, USED, LiveChain
from plimsoll.chain.node import Contract, reverted
from plimsoll.chain.patient import BriskRpc
from plimsoll.chain.rpc import as_int
from plimsoll.chain.wallet import Wallet
from plimsoll.errors import NodeRefused, Reverted, WalletError

SECONDS_TO_ANSWER, CALLS_PER_POST = 20.0, 100
NOBODY = "0x" + "57" * 20  # who asks where there is no key
HIGHEST_BASE_FEE_E3 = 1_125  # a base fee rises by an eighth a block
ROUNDS_BACK = 8

# Which events of which part a keeper listens to; those of the first row change what is stored of their account.
TOUCHING = ("AccountUpdated", "PositionUpdated", "Deposited", "Withdrawn", "CollateralSold", "EstateOpened", "EstateRepaid",
            "InterestCharged")  # fmt: skip
LISTENED = {
    "engine": TOUCHING + ("LossShared", "BadDebtUpdated"),
    "liquidation": ("Liquidated", "Absorbed", "Skipped", "BackstopRefused", "Deleveraged"),
    "auctions": ("AuctionStarted", "AuctionStopped"),
    "oracle": ("FeedAdded", "FaultObserved", "Recovered", "Halted"),
    "parameters": ("InstrumentSet", "InstrumentApplied", "CollateralSet", "CollateralApplied", "InterestSet", "Restricted",
                   "CapsLowered", "CollateralCapLowered"),
}  # fmt: skip
ABI_OF = {"engine": "IMarginEngine", "liquidation": "LiquidationEngine", "auctions": "AuctionHouse", "oracle": "PriceOracle",
          "parameters": "Parameters", "pool": "LiquidityPool", "lens": "IMarginLens", "settlement": "IERC20"}  # fmt: skip


class Header(NamedTuple):
    """As port.Head."""

    number: int
    hash: str
    parent: str
    time: int
    base_fee: int
    gas_limit: int
    told: bool


class Told(NamedTuple):
    """As port.Told."""

    block: int
    block_hash: str
    place: int
    transaction: str
    name: str
    args: Mapping[str, Any]
    accounts: tuple[int, ...]


class Outcome(NamedTuple):
    """As port.Receipt."""

    block: int
    ok: bool
    gas_used: int
    paid: int


class Lookout:
    """url: http. lens: the address of the MarginLens. wallet: who sends; without one nothing can be sent. per_post: requests that
    travel together. seconds: for which an answer is waited for.

    Raises NodeDead, NodeRefused; BadData where there is no lens.
    """

    def __init__(
        self, url: Any, lens: str, wallet: Wallet | None = None, per_post: int = CALLS_PER_POST, seconds: float = SECONDS_TO_ANSWER
    ) -> None:
        self.rpc = BriskRpc(url, seconds, per_post)
        self._chain, self._wallet = LiveChain(self.rpc, wallet), wallet
        self.parts = self._parts(lens)

    def _parts(self, lens: str) -> dict[str, Contract]:
        parts = {"lens": self._chain.at(ABI_OF["lens"], lens)}
        for known, views in (
            ("lens", {"engine": "ENGINE", "liquidation": "LIQUIDATION_ENGINE", "pool": "POOL"}),
            ("engine", {"oracle": "ORACLE", "auctions": "AUCTION_HOUSE", "parameters": "PARAMETERS", "settlement": "SETTLEMENT"}),
        ):
            found = self._chain.batch([parts[known].call_item(view) for view in views.values()])
            parts |= {name: self._chain.at(ABI_OF[name], address) for name, address in zip(views, found)}
        return parts

    @property
    def address(self) -> str:
        return self._wallet.address if self._wallet else to_checksum_address(NOBODY)

    @cached_property
    def identity(self) -> Mapping[str, str]:
        return {"chain": str(self._chain.id), "engine": self.parts["engine"].address}

    # Blocks --------------------------------------------------------------------------------------------------------

    def head(self) -> Header:
        with sense("eth_getBlockByNumber"):
            return self._header(self.rpc("eth_getBlockByNumber", "latest", False))

    def headers(self, numbers: Sequence[int]) -> list[Header | None]:
        found: list[Header | None] = []
        replies = self.rpc.batch([("eth_getBlockByNumber", (hex(number), False)) for number in numbers])
        with sense("eth_getBlockByNumber"):
            for number, reply in zip(numbers, replies):
                block = _result("eth_getBlockByNumber", reply)
                found.append(None if block is None else self._header(block))
                if block is not None and as_int(block["number"]) != number:
                    raise ValueError(f"block {block['number']} where {number} was asked for")
        return found

    def _header(self, block: Mapping[str, Any]) -> Header:
        return Header(
            as_int(block["number"]),
            _hash(block["hash"]),
            _hash(block["parentHash"]),
            as_int(block["timestamp"]),
            as_int(block.get("baseFeePerGas") or 0),
            as_int(block["gasLimit"]),
            self._bloom & as_int(block["logsBloom"]) == self._bloom,
        )

    @cached_property
    def _bloom(self) -> int:
        """The bits of the engine's address and of AccountUpdated in a bloom filter."""
        address = bytes.fromhex(self.parts["engine"].address[2:])
        return bloom_bits(address) | bloom_bits(bytes.fromhex(self._topics["AccountUpdated"][2:]))

    # Events --------------------------------------------------------------------------------------------------------

    @cached_property
    def _topics(self) -> dict[str, str]:
        """Of every event that is listened to."""
        return {
            entry["name"]: "0x" + selector(entry["name"], entry["inputs"]).hex()
            for part, names in LISTENED.items()
            for entry in artifact(ABI_OF[part]).entries
            if entry["type"] == "event" and entry["name"] in names
        }

    def told(self, first: int, last: int) -> list[Told]:
        addresses = [self.parts[part].address for part in LISTENED]
        asked = {"fromBlock": hex(first), "toBlock": hex(last), "address": addresses, "topics": [list(self._topics.values())]}
        logs = self.rpc("eth_getLogs", asked)
        with sense("eth_getLogs"):
            found = sorted(_told(log) for log in logs if not log.get("removed"))
            if found and not first <= found[0].block <= found[-1].block <= last:
                raise ValueError(f"logs of blocks {found[0].block} to {found[-1].block} where {first} to {last} were asked for")
        return found

    def sender(self, transaction: str) -> str | None:
        found = self.rpc("eth_getTransactionByHash", transaction)
        with sense("eth_getTransactionByHash"):
            return None if found is None else to_checksum_address(found["from"])

    # Views ---------------------------------------------------------------------------------------------------------

    def ask(self, calls: Sequence[tuple[str, str, tuple[Any, ...]]], block: str | None = None, gas: int | None = None) -> list[Any]:
        items = [self.parts[part].call_item(fn, *args, sender=self.address) for part, fn, args in calls]
        for item in items:
            if gas is not None:
                item.request["gas"] = hex(gas)
        with sense("eth_call"):
            return self._chain.batch(items, errors="return", block={"blockHash": block} if block else "latest")

    def encode(self, call: tuple[str, str, tuple[Any, ...]]) -> tuple[str, str]:
        part, fn, args = call
        return self.parts[part].address, self.parts[part].encode(fn, *args)

    def estimate(self, call: tuple[str, str, tuple[Any, ...]]) -> int | Reverted:
        to, data = self.encode(call)
        try:
            found = self.rpc("eth_estimateGas", {"from": self.address, "to": to, "data": data})
        except NodeRefused as refused:
            why = reverted(refused)
            if isinstance(why, Reverted):
                return why
            raise
        with sense("eth_estimateGas"):
            return as_int(found)

    def names(self) -> list[str]:
        [count] = self.ask([("oracle", "feedCount", ())])
        return [str(told) for told in self._feeds(range(count), "description")]

    def _feeds(self, feeds: Sequence[int], view: str) -> list[Any]:
        """What the feeds themselves answer."""
        known = self.ask([("oracle", "feedConfig", (feed,)) for feed in feeds])
        with sense("eth_call"):
            proxies = [self._chain.at("AggregatorV3Interface", one.config.aggregator) for one in known]
            return self._chain.batch([proxy.call_item(view) for proxy in proxies], errors="return")

    def last_round(self, feed: int) -> list[int]:
        """A feed that does not even answer for its latest round has none."""
        [latest] = self._feeds([feed], "latestRoundData")
        if isinstance(latest, Exception):
            return []
        return [latest.roundId - back for back in range(ROUNDS_BACK) if latest.roundId > back]

    # Transactions --------------------------------------------------------------------------------------------------

    def fees(self) -> tuple[int, int]:
        base = self.head().base_fee * HIGHEST_BASE_FEE_E3 // 1_000
        try:
            tip = self.rpc("eth_maxPriorityFeePerGas")
        except NodeRefused:
            return base, GWEI
        with sense("eth_maxPriorityFeePerGas"):
            return base, as_int(tip)

    def balance(self) -> int:
        found = self.rpc("eth_getBalance", to_address(self.address), "latest")
        with sense("eth_getBalance"):
            return as_int(found)

    def nonce(self) -> int:
        found = self.rpc("eth_getTransactionCount", to_address(self.address), "latest")
        with sense("eth_getTransactionCount"):
            return as_int(found)

    def sign(self, nonce: int, to: str, data: str, gas: int, fee: int, tip: int) -> tuple[str, str]:
        if self._wallet is None:
            raise WalletError("there is no key: name a keystore account with --account, or run with --dry-run")
        fields: dict[str, Any] = {"chainId": int(self.identity["chain"]), "nonce": nonce, "gas": gas, "type": 2, "value": 0}
        fields |= {"maxFeePerGas": fee, "maxPriorityFeePerGas": tip, "to": to_checksum_address(to), "data": data}
        return self._wallet.sign(fields)

    def publish(self, raw: str) -> str:
        try:
            self.rpc("eth_sendRawTransaction", raw)
        except NodeRefused as refused:
            words = refused.reason.lower()
            for verdict, said in (("", KNOWN), ("used", USED), ("underpriced", UNDERPRICED), ("poor", POOR)):
                if any(part in words for part in said):
                    return verdict
            raise
        return ""

    def receipts(self, hashes: Sequence[str]) -> list[Outcome | None]:
        replies = self.rpc.batch([("eth_getTransactionReceipt", (one,)) for one in hashes])
        with sense("eth_getTransactionReceipt"):
            return [_outcome(asked, _result("eth_getTransactionReceipt", reply)) for asked, reply in zip(hashes, replies)]

    def knows(self, transaction: str) -> bool:
        return self.rpc("eth_getTransactionByHash", transaction) is not None


@contextmanager
def sense(method: str) -> Iterator[None]:
    """What cannot be read is the node's fault, and the same question may be answered better a little later."""
    try:
        yield
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as problem:
        raise NodeRefused(method, f"the answer makes no sense ({type(problem).__name__}: {problem})") from None


def bloom_bits(value: bytes) -> int:
    """The three bits of a value in the bloom filter of a block (yellow paper, 4.3.1)."""
    digest = keccak(value)
    bits = 0
    for at in (0, 2, 4):
        bits |= 1 << (int.from_bytes(digest[at : at + 2], "big") & 2047)
    return bits


def _result(method: str, reply: Mapping[str, Any]) -> Any:
    """Of one reply of several. Raises NodeRefused."""
    if "error" in reply:
        error = reply["error"]
        words = error.get("message", "") if isinstance(error, dict) else str(error)
        raise NodeRefused(method, words, code=error.get("code", 0) if isinstance(error, dict) else 0)
    return reply["result"]


def _hash(word: Any) -> str:
    if not isinstance(word, str) or len(word) != 66:
        raise ValueError(f"{word!r} is no hash")
    return word.lower()


def _told(log: Mapping[str, Any]) -> Told:
    name, args = decode_log(log)
    touched = (args["account"],) if name in TOUCHING else ()
    place = as_int(log["blockNumber"]), _hash(log["blockHash"]), as_int(log["logIndex"]), _hash(log["transactionHash"])
    return Told(*place, name, args, touched)


def _outcome(asked: str, raw: Mapping[str, Any] | None) -> Outcome | None:
    if raw is None:
        return None
    if _hash(raw["transactionHash"]) != asked.lower():
        raise ValueError(f"the receipt of {raw['transactionHash']} where {asked}'s was asked for")
    used = as_int(raw["gasUsed"])
    return Outcome(as_int(raw["blockNumber"]), bool(as_int(raw["status"])), used, used * as_int(raw.get("effectiveGasPrice") or 0))
