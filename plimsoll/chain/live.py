"""A public chain: transactions are signed here, carried until they are final, and never sent twice.

    chain = LiveChain(PatientRpc(url), Wallet.from_keystore("me"), Policy(confirmations=2))
    token = chain.at("MockToken", address); token.mint(chain.wallet.address, 10**6)      # as on any Chain

Never twice: whoever sends chooses a nonce and keeps to it (`Pending`) until that nonce is used up. Whatever is sent again,
because it was dropped, priced too low or forgotten when the process died, has the same nonce: the chain takes one of them.
Only when somebody else's transaction took the nonce, so that none of ours can ever come, another is chosen.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from eth_utils import to_checksum_address

from plimsoll.chain.abi import to_address
from plimsoll.chain.node import Chain, Receipt, reverted
from plimsoll.chain.rpc import Rpc, as_int
from plimsoll.chain.wallet import Wallet
from plimsoll.errors import DeployError, NodeRefused, NotMined, Reverted, WalletError

GWEI = 10**9
GAS_MARGIN_E2 = 120  # of the estimate: what the state does until it is mined
BUMP_E3 = 1_125  # what nodes ask of a replacement, and a little more
SHORTEST_POLL, LONGEST_POLL = 0.02, 4.0

KNOWN = ("already known", "known transaction", "already imported", "alreadyknown")
USED = ("nonce too low", "nonce is too low", "oldnonce")
UNDERPRICED = ("underpriced", "fee too low", "feetoolow", "less than block base fee", "fee cap less")
POOR = ("insufficient funds", "insufficientfunds")


@dataclass(frozen=True)
class Policy:
    """confirmations: blocks that hold a transaction, its own included, until it counts as final. deadline: seconds until
    one gives up on it. resend: seconds after which it is sent again with a higher fee. lag: seconds that a provider's
    nodes may be behind each other."""

    confirmations: int = 2
    deadline: float = 900.0
    resend: float = 45.0
    lag: float = 12.0


@dataclass(frozen=True)
class Pending:
    """A transaction under way. fee, tip: wei per gas. hashes: of all that was signed for this nonce, the latest last."""

    nonce: int
    fee: int
    tip: int
    hashes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Letter:
    """What is to be sent. to: None deploys. data: hex. value: wei. gas: the limit; None estimates it."""

    to: str | None
    data: str
    value: int = 0
    gas: int | None = None


Note = Callable[[Pending], None]


class LiveChain(Chain):
    """A node that signs for nobody. wallet: who sends; without one it can only be read."""

    def __init__(self, node: Any, wallet: Wallet | None = None, policy: Policy = Policy()) -> None:
        super().__init__(node if isinstance(node, Rpc) else Rpc(node), seconds_per_block=None)
        self.wallet, self.policy = wallet, policy
        self._next_nonce = 0

    @property
    def accounts(self) -> list[str]:
        """Who can be signed for."""
        return [self.wallet.address] if self.wallet else []

    @property
    def id(self) -> int:
        return as_int(self.rpc("eth_chainId"))

    def code(self, address: str, block: str = "latest") -> str:
        """Hex after 0x; "0x" where nothing lies."""
        return str(self.rpc("eth_getCode", address, block))

    def balance(self, address: str) -> int:
        """wei"""
        return as_int(self.rpc("eth_getBalance", address, "latest"))

    def market(self) -> tuple[int, int]:
        """(fee, tip), wei per gas: what a transaction should offer now, the base fee doubled."""
        base = as_int(self.latest.get("baseFeePerGas", "0x0"))
        try:
            tip = as_int(self.rpc("eth_maxPriorityFeePerGas"))
        except NodeRefused:
            tip = GWEI
        return 2 * base + tip, tip

    def transact(self, to: Any, data: str = "0x", sender: Any = None, value: int = 0, gas: int | None = None) -> Receipt:
        """Carried until it is final. Raises Reverted, also before anything is sent; NotMined, DeployError, WalletError."""
        if sender is not None and [to_address(sender)] != [a.lower() for a in self.accounts]:
            raise WalletError(f"there is no key of {sender}; there is one of {', '.join(self.accounts) or 'nobody'}")
        return self.carry(Letter(None if to is None else to_address(to), data, value, gas))

    def carry(self, letter: Letter, pending: Pending | None = None, note: Note = lambda pending: None) -> Receipt:
        """Sends until one of what was sent is final. pending: what an earlier run may have sent already, for this letter.
        note: called with what will be under way, before it is sent. Raises as transact."""
        deadline = time.monotonic() + self.policy.deadline
        carrier = Carrier(self, letter, pending, note)
        poll = SHORTEST_POLL
        while time.monotonic() < deadline:
            receipt = carrier.advance()
            if receipt is not None:
                return receipt
            time.sleep(poll)
            poll = min(1.5 * poll, LONGEST_POLL)
        raise NotMined(
            f"transaction {carrier.pending.nonce} of {self._signer.address} is not final after {self.policy.deadline:.0f} s. "
            "Run the same command again: it goes on from there. (An older transaction of this account may be stuck before it.)"
        )

    # What a Carrier asks

    @property
    def _signer(self) -> Wallet:
        if self.wallet is None:
            raise WalletError("there is no key: this chain was opened to be read only")
        return self.wallet

    def used_nonces(self, block: str = "latest") -> int:
        return as_int(self.rpc("eth_getTransactionCount", self._signer.address, block))

    def fresh(self) -> Pending:
        """A nonce that nobody has used yet, at the price of now."""
        fee, tip = self.market()
        return Pending(max(self.used_nonces("pending"), self._next_nonce), fee, tip)

    def sent(self, pending: Pending) -> None:
        """Not every node of a provider has heard of it when the next nonce is asked for."""
        self._next_nonce = max(self._next_nonce, pending.nonce + 1)

    def estimate(self, letter: Letter) -> int:
        """Units of gas, with a margin. Raises Reverted."""
        try:
            gas = as_int(self.rpc("eth_estimateGas", self._request(letter)))
        except NodeRefused as refused:
            raise reverted(refused) from None
        return gas * GAS_MARGIN_E2 // 100

    def _request(self, letter: Letter) -> dict[str, str]:
        request = {"from": self._signer.address, "data": letter.data, "value": hex(letter.value)}
        return request if letter.to is None else {**request, "to": letter.to}

    def signed(self, letter: Letter, pending: Pending, gas: int) -> tuple[str, str]:
        fields: dict[str, Any] = {"chainId": self._chain_id, "nonce": pending.nonce, "gas": gas, "type": 2}
        fields |= {"maxFeePerGas": pending.fee, "maxPriorityFeePerGas": pending.tip}
        fields |= {"data": letter.data, "value": letter.value}
        if letter.to is not None:
            fields["to"] = to_checksum_address(letter.to)
        return self._signer.sign(fields)

    @property
    def _chain_id(self) -> int:
        self.__dict__.setdefault("_id", self.id)
        return int(self.__dict__["_id"])

    def why(self, letter: Letter) -> Exception:
        """Why a transaction that was mined was refused, as far as it would be refused now."""
        try:
            self.rpc("eth_call", self._request(letter), "latest")
        except NodeRefused as refused:
            return reverted(refused)
        return Reverted("NoReason", hint="it was refused when it was mined, and would not be now: run again")


class Carrier:
    """One letter on its way."""

    def __init__(self, chain: LiveChain, letter: Letter, pending: Pending | None, note: Note) -> None:
        self._chain, self._letter, self._note = chain, letter, note
        self.pending = pending or chain.fresh()
        self._gas, self._sent, self._taken, self._misfits = letter.gas, 0.0, 0.0, 0
        if self.pending.hashes and chain.rpc("eth_getTransactionByHash", self.pending.hashes[-1]) is not None:
            self._sent = time.monotonic()

    def advance(self) -> Receipt | None:
        """The receipt where it is final; else whatever is to be done now. Raises Reverted, DeployError."""
        chain, now = self._chain, time.monotonic()
        receipt = self._mined()
        if receipt is not None:
            if as_int(chain.rpc("eth_blockNumber")) - receipt.block + 1 < chain.policy.confirmations:
                return None
            if not receipt.ok:
                raise chain.why(self._letter)
            return receipt
        if chain.used_nonces() > self.pending.nonce:
            self._taken = self._taken or now
            if now - self._taken >= chain.policy.lag and self._mined() is None:  # by somebody else: ours can never come
                self.pending, self._sent, self._taken = chain.fresh(), 0.0, 0.0
        elif not self._sent or now - self._sent > chain.policy.resend:
            self._send()
        return None

    def _mined(self) -> Receipt | None:
        for transaction in self.pending.hashes:
            raw: Mapping[str, Any] | None = self._chain.rpc("eth_getTransactionReceipt", transaction)
            if raw is not None:
                return Receipt(self._chain.rpc, raw)
        return None

    def _send(self) -> None:
        """Signs, notes, sends: in this order."""
        if self._gas is None:
            self._gas = self._chain.estimate(self._letter)
        if self._sent:
            self._bump()
        raw, transaction = self._chain.signed(self._letter, self.pending, self._gas)
        if transaction not in self.pending.hashes:
            self.pending = replace(self.pending, hashes=(*self.pending.hashes, transaction))
        self._note(self.pending)
        try:
            self._chain.rpc("eth_sendRawTransaction", raw)
            self._sent = time.monotonic()
            self._chain.sent(self.pending)
        except NodeRefused as refused:
            self._answer(refused)

    def _bump(self) -> None:
        """A fee that replaces what waits at this nonce, and is not below the market's."""
        fee, tip = self._chain.market()
        higher = replace(self.pending, fee=_raised(self.pending.fee), tip=_raised(self.pending.tip))
        self.pending = replace(higher, fee=max(higher.fee, fee), tip=max(higher.tip, tip))

    def _answer(self, refused: NodeRefused) -> None:
        words = refused.reason.lower()
        if any(said in words for said in KNOWN):
            self._sent = time.monotonic()
        elif any(said in words for said in UNDERPRICED):
            self._bump()
            self._sent = 0.0
        elif any(said in words for said in POOR):
            raise DeployError(f"{self._chain.accounts[0]} cannot pay for the transaction: send it ether and run again") from None
        elif not any(said in words for said in USED):
            raise DeployError(f"the node refuses the transaction: {refused.reason}") from None


def _raised(price: int) -> int:
    return price * BUMP_E3 // 1_000 + 1
