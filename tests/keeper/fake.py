"""A chain of the tests' own, as the keeper asks it: blocks with events, accounts, one sender's transactions; and bad answers when a
test says so."""

from __future__ import annotations

from collections import namedtuple
from hashlib import sha256
from typing import Any, NamedTuple

from plimsoll.errors import NodeRefused, Reverted
from plimsoll.state import Position

State = namedtuple("State", "cash nonce flags instruments collaterals interestIndex")
Held = namedtuple("Held", "state positions amounts forgiven")
Outcome = namedtuple("Outcome", "keeperReward takerReward")
Absorption = namedtuple("Absorption", "reward")
ME = "0x" + "aa" * 20


class Head(NamedTuple):
    number: int
    hash: str
    parent: str
    time: int = 0
    base_fee: int = 0
    gas_limit: int = 30_000_000
    told: bool = False


class Told(NamedTuple):
    block: int
    block_hash: str
    place: int
    transaction: str
    name: str
    args: dict[str, Any]
    accounts: tuple[int, ...] = ()


class Receipt(NamedTuple):
    block: int
    ok: bool = True
    gas_used: int = 100
    paid: int = 1_000


def held(cash: int = 0, size: int = 0, nonce: int = 1) -> Held:
    """An account with one position in instrument 0, or none."""
    positions = [Position(size, -2 * size, 0)] if size else []
    return Held(State(cash, nonce, 0, 1 if size else 0, 0, 0), [tuple(vars(p).values()) for p in positions], [], 0)


class FakeChain:
    """accounts: what the lens answers now. limit: most blocks of events it answers at once, most accounts it is asked about.
    answers: (fn, account) → what a rehearsal says. asked: every question, as (method, arguments)."""

    identity = {"chain": "1", "engine": "0x" + "ee" * 20}
    address = ME

    def __init__(self) -> None:
        self.blocks: list[Head] = [Head(0, _hash("genesis"), "")]
        self.events: dict[int, list[Told]] = {}
        self.accounts: dict[int, Held] = {}
        self.answers: dict[tuple[str, int], Any] = {}
        self.asked: list[tuple[str, Any]] = []
        self.most_blocks, self.most_accounts, self.most_events = 10**9, 10**9, 10**9
        self.cut = 10**9  # events after which an answer ends without a word
        self.hidden: dict[int, int] = {}  # block → how often its events are not told
        self.mempool: dict[str, tuple[int, str]] = {}
        self.mined: dict[str, Receipt] = {}
        self.refusing: list[str] = []  # what publish answers next
        self.used, self.market, self.word = 0, (10, 2), ""

    # What tests do

    def mine(self, *touched: int, fork: str = "") -> Head:
        """A block in which these accounts were touched."""
        number = len(self.blocks)
        head = Head(number, _hash(f"{number}{fork}{self.blocks[-1].hash}"), self.blocks[-1].hash, 100 * number, told=bool(touched))
        self.blocks.append(head)
        self.events[number] = [
            Told(number, head.hash, i, _hash(f"tx{number}{i}"), "AccountUpdated", {"account": account}, (account,))
            for i, account in enumerate(touched)
        ]
        return head

    def tell(self, name: str, account: int, keeper: str = ME, reward: int = 0, transaction: str = "0xfeed") -> None:
        """An event more in the latest block."""
        head = self.blocks[-1]
        args = {"account": account, "keeper": keeper, "outcome": Outcome(reward, 0), "absorption": Absorption(reward), "reason": b""}
        self.events[head.number].append(Told(head.number, head.hash, len(self.events[head.number]), transaction, name, args))

    def unmine(self, count: int) -> None:
        del self.blocks[-count:]

    def take(self, hash_: str, ok: bool = True) -> None:
        """The transaction is in a block."""
        nonce, _ = self.mempool.pop(hash_)
        self.used = max(self.used, nonce + 1)
        self.mined[hash_] = Receipt(self.mine().number, ok)

    def count(self, method: str) -> int:
        return sum(one == method for one, _ in self.asked)

    # What the keeper asks

    def _note(self, method: str, what: Any = None) -> None:
        self.asked.append((method, what))
        if self.word:
            raise NodeRefused(method, self.word)

    def head(self) -> Head:
        self._note("head")
        return self.blocks[-1]

    def headers(self, numbers: Any) -> list[Head | None]:
        self._note("headers", tuple(numbers))
        return [self.blocks[n] if n < len(self.blocks) else None for n in numbers]

    def told(self, first: int, last: int) -> list[Told]:
        self._note("told", (first, last))
        found: list[Told] = []
        for number in range(first, last + 1):
            if self.hidden.get(number, 0) > 0:
                self.hidden[number] -= 1
                continue
            found += self.events.get(number, [])
        if last - first + 1 > self.most_blocks or len(found) > self.most_events:
            raise NodeRefused("eth_getLogs", "query returned more than so many results")
        return found[: self.cut]

    def ask(self, calls: Any, block: str | None = None, gas: int | None = None) -> list[Any]:
        self._note("ask", tuple(calls))
        return [self._answer(*call) for call in calls]

    def _answer(self, part: str, fn: str, args: Any) -> Any:
        if fn == "holdings":
            if len(args[0]) > self.most_accounts:
                return Reverted("OutOfGas")
            return [self.accounts.get(account, held(nonce=0)) for account in args[0]]
        if fn == "liquidateMany":
            return self.answers[fn, len(args[0])]
        account, taker, fraction = args[0][:3] if fn == "liquidate" else (*args, 10**18)
        return self.answers.get((fn, account, taker, fraction), self.answers.get((fn, account), Reverted("NotLiquidatable")))

    def fees(self) -> tuple[int, int]:
        self._note("fees")
        return self.market

    def balance(self) -> int:
        return 10**18

    def nonce(self) -> int:
        self._note("nonce")
        return self.used

    def encode(self, call: Any) -> tuple[str, str]:
        return "0x" + "cc" * 20, repr(call)

    def sign(self, nonce: int, to: str, data: str, gas: int, fee: int, tip: int) -> tuple[str, str]:
        raw = f"{nonce}|{to}|{data}|{gas}|{fee}|{tip}"
        return raw, _hash(raw)

    def publish(self, raw: str) -> str:
        self._note("publish", raw)
        word = self.refusing.pop(0) if self.refusing else ""
        if word == "":
            nonce = int(raw.split("|")[0])
            if nonce < self.used:
                return "used"
            for other in [one for one, (n, _) in self.mempool.items() if n == nonce]:
                del self.mempool[other]
            self.mempool[_hash(raw)] = nonce, raw
        return word

    def receipts(self, hashes: Any) -> list[Receipt | None]:
        self._note("receipts", tuple(hashes))
        return [self.mined.get(one) for one in hashes]


def _hash(text: str) -> str:
    return "0x" + sha256(text.encode()).hexdigest()
