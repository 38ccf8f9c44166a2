"""The seam: the verbs of the protocol as an abstract class.

Whoever plays the protocol (the chain's venue, the model's venue, a fake in a test) implements this class; scenarios
with their keeper, fuzzing and tests take one as an argument and never ask which.

Actors are names; an account is `Account(actor, sub)`. Whatever a wallet has to do once before a verb (exist, hold gas,
approve a token, authorise the pool for its account) the venue does silently, once. A verb of the protocol either
happens or raises `errors.Reverted(name, args)` with the protocol's own error and numbers, and then nothing changed.

Units: see `types`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from plimsoll.errors import Reverted
from plimsoll.state import State
from plimsoll.types import WAD, Absorption, Account, FeedFault, Fill, Offer, Outcome, Purchase, World

VIEWS = frozenset({"accounts", "state", "liquidatable", "probe", "liquidation_price", "for_sale", "wallet"})  # send nothing
WORLD = frozenset({"advance_to", "set_price", "break_feed", "mend_feed", "give"})  # what the world does: never refused
DEEDS = (
    *("withdraw", "trade", "set_operator", "sale_order", "seize", "open_estate", "release", "quote", "freeze", "rehearse"),
    *("set_treasury", "set_guardian"),
)


class Probe(NamedTuple):
    """What `liquidate` (to the pool) and `absorb` (to the pool) of an account would answer now: None for success."""

    liquidate: Reverted | None
    absorb: Reverted | None


class Call(NamedTuple):
    """A verb or a view of the seam, and its arguments in order: what is recorded, replayed and saved."""

    verb: str
    args: tuple[Any, ...] = ()

    def on(self, venue: Venue) -> Any:
        """The venue's answer; a refusal is one."""
        try:
            return getattr(venue, self.verb)(*self.args)
        except Reverted as refusal:
            return refusal


class Venue(ABC):
    """A protocol in a world of its own: built, listed, insured, and at time `world.start` or as little later as it can.

    Every feed has answered its start price by then. No account holds anything and the pool is empty.
    """

    world: World

    # Names ---------------------------------------------------------------------------------------------------------

    @abstractmethod
    def account_id(self, account: Account) -> int:
        """`uint256(uint160(owner)) << 96 | sub`; the actor is created if new."""

    @abstractmethod
    def accounts(self) -> tuple[Account, ...]:
        """Every account that a verb has named so far, and the pool's own. `state` covers exactly these."""

    # Time, prices, faucets: what the world does ----------------------------------------------------------------------

    @property
    @abstractmethod
    def now(self) -> int:
        """The time of the last verb, unix seconds in the world's calendar (a venue whose clock started later than
        `world.start` keeps the difference to itself)."""

    @abstractmethod
    def advance_to(self, time: int) -> None:
        """The next verb happens at `time`. Earlier than `now` is a ValueError. Time moves only here, and by at most one
        second a verb where a verb needs a block of its own; never by the wall clock."""

    @abstractmethod
    def set_price(self, feed: str, price: int) -> None:
        """The feed answers `price` (WAD, rounded down to the feed's decimals) in a new round, now."""

    @abstractmethod
    def break_feed(self, feed: str, fault: FeedFault) -> None:
        """From now on the feed misbehaves, whatever price it is told."""

    @abstractmethod
    def mend_feed(self, feed: str) -> None:
        """The feed is well again; its next answer comes with the next `set_price`."""

    @abstractmethod
    def give(self, actor: str, token: str, amount: int) -> None:
        """Tokens out of thin air into the actor's wallet."""

    @abstractmethod
    def wallet(self, actor: str, token: str) -> int:
        """What the actor holds outside the protocol, token units."""

    # Accounts --------------------------------------------------------------------------------------------------------

    @abstractmethod
    def deposit(self, payer: str, account: Account, token: str, amount: int, min_ratio: int = 0) -> int:
        """Returns what was credited."""

    @abstractmethod
    def withdraw(self, account: Account, token: str, amount: int, min_out: int = 0) -> int:
        """The owner withdraws to its own wallet; returns what was paid."""

    @abstractmethod
    def move_cash(self, source: Account, target: Account, amount: int) -> None:
        """Between two accounts of one owner."""

    @abstractmethod
    def settle(self, caller: str, account: Account) -> None: ...

    # Trading against the pool ----------------------------------------------------------------------------------------

    @abstractmethod
    def trade(
        self, account: Account, instrument: str, size: int, limit_price: int | None = None, deadline: int | None = None
    ) -> Fill:
        """The owner trades with the pool. Without a limit any price will do; without a deadline it is this second's."""

    # The liquidity pool ----------------------------------------------------------------------------------------------

    @abstractmethod
    def provide(self, actor: str, amount: int) -> int:
        """Deposits settlement tokens into the pool; returns shares."""

    @abstractmethod
    def request_redeem(self, actor: str, shares: int) -> int:
        """Returns when the request matures."""

    @abstractmethod
    def redeem(self, actor: str, shares: int) -> int:
        """Redeems matured shares to the actor's wallet; returns assets."""

    @abstractmethod
    def allocate(self, caller: str, instrument: str) -> int:
        """Moves cash between the pool's idle account and a tranche; + is into the tranche."""

    @abstractmethod
    def fund(self, payer: str, instrument: str, amount: int) -> int:
        """Adds settlement tokens to an instrument's insurance; returns what was credited."""

    # Liquidation -----------------------------------------------------------------------------------------------------

    @abstractmethod
    def liquidate(
        self,
        keeper: str,
        account: Account,
        taker: Account | None = None,
        max_fraction: int = WAD,
        min_fraction: int = 0,
        nonce: int | None = None,
    ) -> Outcome:
        """taker: an account of the keeper's, or None for the pool. nonce: of the account, as the keeper saw it."""

    @abstractmethod
    def liquidate_many(self, keeper: str, items: Sequence[tuple[Account, Account | None, int]]) -> int:
        """Items (account, taker, max_fraction); returns how many were not skipped."""

    @abstractmethod
    def absorb(self, keeper: str, account: Account, taker: Account | None = None) -> Absorption: ...

    @abstractmethod
    def start_auction(self, caller: str, account: Account) -> None:
        """Starts the auction of an account's collateral, or notes that its equity crossed zero since."""

    @abstractmethod
    def stop_auction(self, caller: str, account: Account) -> None:
        """Ends it, where nothing is for sale any more or a price is invalid."""

    @abstractmethod
    def set_sale_order(self, account: Account, collaterals: Sequence[str]) -> None: ...

    @abstractmethod
    def buy_collateral(
        self, buyer: str, account: Account, collateral: str, amount: int, max_price: int | None = None
    ) -> Purchase:
        """At most `amount` token units. max_price: WAD a whole token; without a limit any price will do."""

    @abstractmethod
    def report_refusal(self, caller: str, account: Account) -> None:
        """The pool refuses an account below its line: deleveraging opens after a delay."""

    @abstractmethod
    def deleverage(self, keeper: str, account: Account, instrument: str, counterparties: Sequence[Account]) -> int:
        """Returns what was closed, size units. counterparties: in any order."""

    @abstractmethod
    def unfreeze(self, caller: str, instrument: str) -> None:
        """The pool takes new risk again in an instrument whose positions had to be deleveraged."""

    @abstractmethod
    def drain(self, caller: str, instrument: str) -> int:
        """Pays an instrument's bad debt, as far as its insurance and this epoch allow; returns how much."""

    # Dead feeds ------------------------------------------------------------------------------------------------------

    @abstractmethod
    def observe(self, caller: str, feed: str) -> None:
        """Records that a feed is invalid, or that it is well again."""

    @abstractmethod
    def halt(self, caller: str, feed: str) -> None:
        """Halts a feed that was invalid for too long, at its last valid answer."""

    @abstractmethod
    def settle_halted(self, caller: str, instrument: str, long: Account, short: Account) -> int:
        """Closes what two accounts hold against each other at the stand-in price; returns size units."""

    # Parameters: what the owner and the guardian do, and what nobody else may -----------------------------------------

    @abstractmethod
    def set_instrument(
        self,
        caller: str,
        instrument: str,
        base_e6: int,
        initial_multiple_e6: int,
        cap_units: int,
        cap_value: int,
        reduce_only: bool,
    ) -> int:
        """The owner states an instrument anew, all else as the world has it. Returns from when the base may be applied; the rest
        holds at once."""

    @abstractmethod
    def apply_instrument(self, caller: str, instrument: str) -> None:
        """Applies an announced base."""

    @abstractmethod
    def set_interest(self, caller: str, rate_e9: int) -> None: ...

    @abstractmethod
    def restrict(self, caller: str, instrument: str) -> None:
        """Reduce-only."""

    @abstractmethod
    def lower_caps(self, caller: str, instrument: str, cap_units: int, cap_value: int) -> None: ...

    @abstractmethod
    def lower_collateral_cap(self, caller: str, collateral: str, cap: int) -> None:
        """cap: whole tokens."""

    @abstractmethod
    def trespass(self, thief: str, deed: str, account: Account) -> None:
        """A thief, who owns nothing of it, tries one of DEEDS on an account; always refused."""

    # Views: nothing is sent ------------------------------------------------------------------------------------------

    @abstractmethod
    def state(self) -> State:
        """One consistent, immutable reading at `now`. Called after every step: few, batched requests."""

    @abstractmethod
    def liquidatable(self) -> tuple[Account, ...]:
        """The accounts the lens names: 0 ≤ E < M, or E < 0 (to absorb), with at least one position; never one whose
        price is invalid. In the order of `accounts`."""

    @abstractmethod
    def probe(self, accounts: Sequence[Account]) -> Mapping[Account, Probe]:
        """What liquidating and absorbing each account would answer at `now`, without sending it. Called after every
        step: one batched request."""

    @abstractmethod
    def liquidation_price(self, account: Account, instrument: str) -> int | None:
        """The nearest answer of the instrument's feed at which E < M, WAD; None when there is none."""

    @abstractmethod
    def for_sale(self) -> Mapping[Account, Offer | None]:
        """Accounts whose collateral is for sale, and what their auction offers; None where it does not run."""


VERBS = Venue.__abstractmethods__ - VIEWS - {"account_id", "now"}  # what can be said, the world's part too
