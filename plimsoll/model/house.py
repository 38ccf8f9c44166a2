"""What the protocol remembers: one House, the whole storage of the model in plain words.

Everything the verbs change is in here and every value is immutable, so that a verb that is refused leaves nothing behind:
`attempt` takes a copy and puts it back. Nothing here decides anything; read protocol.py first.

Ids, as on a chain: a feed, an instrument and a collateral is its place in the world's order; an account is
`address << 96 | sub`, an address is an int. A token is its name.

Units: as in types.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from typing import Any, NamedTuple, NoReturn

from plimsoll import margin_math
from plimsoll.errors import Reverted
from plimsoll.interest_math import Interest
from plimsoll.types import GUARDIAN, OWNER, POOL, SIZE_UNIT, CollateralSpec, InstrumentSpec, World

ESCROW = 0  # the address at which escrow holds its tokens
CASH = 0  # the escrow account that holds every settlement token of the engine
NO_INSTRUMENT = 2**64 - 1
NONCES = 2**24
MOST_INSTRUMENTS = 16  # that one account may hold
MOST_COLLATERALS = 8


class Record(NamedTuple):
    """An account. interest_index: up to which its negative cash has paid interest. estate: see spec.md §8."""

    cash: int = 0
    interest_index: int = 0
    nonce: int = 0
    estate: bool = False


class Position(NamedTuple):
    size: int = 0
    quote: int = 0
    index: int = 0  # type: ignore[assignment]  # hides tuple.index, which nobody asks of a position


class Market(NamedTuple):
    """time: of the last accrual of funding. rate: 1e-8 a year."""

    time: int
    index_long: int = 0
    index_short: int = 0
    open_interest: int = 0
    quote_long: int = 0
    quote_short: int = 0
    rate: int = 0


class Fund(NamedTuple):
    insurance: int = 0
    treasury: int = 0


class Deficit(NamedTuple):
    """Bad debt that a side owes; what its index was charged for losses in which hour."""

    owed: int = 0
    epoch: int = 0
    charged: int = 0


class Estate(NamedTuple):
    """What others paid for an account; the instrument whose insurance is repaid first."""

    forgiven: int = 0
    instrument: int = NO_INSTRUMENT


class Round(NamedTuple):
    """A feed's answer, in its own decimals."""

    id: int
    answer: int
    updated_at: int
    answered_in: int


class Halt(NamedTuple):
    """The oracle's record of a feed that was seen invalid. halted_at: 0 while there is only the record."""

    invalid_since: int = 0
    halted_at: int = 0
    price: int = 0
    round_time: int = 0


class Request(NamedTuple):
    """Pool shares that wait to be redeemed."""

    shares: int = 0
    matures_at: int = 0


class Auction(NamedTuple):
    """0: does not run; was not below zero."""

    started_at: int = 0
    insolvent_at: int = 0


class Birth(NamedTuple):
    """When each instrument was listed, and since when debts bear interest: before the first verb of the world."""

    listed: tuple[int, ...]
    interest: int


@dataclass
class Storage:
    """Keys: account; (account, instrument); instrument; (instrument, long); (account, token); (address, token); feed;
    address. What is absent has its default."""

    accounts: dict[int, Record] = field(default_factory=dict)
    positions: dict[tuple[int, int], Position] = field(default_factory=dict)
    markets: dict[int, Market] = field(default_factory=dict)
    funds: dict[int, Fund] = field(default_factory=dict)
    deficits: dict[tuple[int, bool], Deficit] = field(default_factory=dict)
    estates: dict[int, Estate] = field(default_factory=dict)
    bad_debt: int = 0
    credits: dict[tuple[int, str], int] = field(default_factory=dict)
    balances: dict[tuple[int, str], int] = field(default_factory=dict)
    rounds: dict[int, Round] = field(default_factory=dict)
    lies: dict[int, Round | None] = field(default_factory=dict)
    halts: dict[int, Halt] = field(default_factory=dict)
    shares: dict[int, int] = field(default_factory=dict)
    requests: dict[int, Request] = field(default_factory=dict)
    contributed: dict[int, int] = field(default_factory=dict)
    frozen: dict[int, int] = field(default_factory=dict)
    frozen_until: dict[int, int] = field(default_factory=dict)
    rewarded: dict[int, tuple[int, int]] = field(default_factory=dict)
    refused_at: dict[int, int] = field(default_factory=dict)
    auctions: dict[int, Auction] = field(default_factory=dict)
    sale_orders: dict[int, tuple[int, ...]] = field(default_factory=dict)
    instruments: tuple[InstrumentSpec, ...] = ()
    collaterals: tuple[CollateralSpec, ...] = ()
    reduce_only: dict[int, bool] = field(default_factory=dict)
    pending: dict[int, tuple[InstrumentSpec, int]] = field(default_factory=dict)
    interest: Interest = Interest()

    def copy(self) -> Storage:
        return Storage(**{name: copy(value) for name, value in vars(self).items()})


class House:
    """The storage, the world's terms in the units of the verbs, and the time. address_of: an actor's address."""

    def __init__(self, world: World, address_of: Callable[[str], int], birth: Birth) -> None:
        self.world, self.now, self.birth = world, world.start, birth
        self.pool, self.owner, self.guardian = map(address_of, (POOL, OWNER, GUARDIAN))
        self.settlement = world.settlement.name
        self.size_scale = margin_math.size_scale(world.settlement.decimals)
        self.feeds = tuple(spec.name for spec in world.feeds)
        self.storage = Storage(instruments=world.instruments, collaterals=world.collaterals)
        self.storage.interest = Interest(since=birth.interest, rate=world.debt.interest_e9)
        insured = sum(spec.insurance for spec in world.instruments)
        for i, spec in enumerate(world.instruments):
            self.storage.markets[i] = Market(birth.listed[i])
            self.storage.funds[i] = Fund(spec.insurance)
        self.storage.credits[CASH, self.settlement] = insured
        self.storage.balances[ESCROW, self.settlement] = insured

    # Reading -------------------------------------------------------------------------------------------------------

    @property
    def instruments(self) -> tuple[InstrumentSpec, ...]:
        """Their terms as they are now."""
        return self.storage.instruments

    @property
    def collaterals(self) -> tuple[CollateralSpec, ...]:
        return self.storage.collaterals

    def is_reduce_only(self, instrument: int) -> bool:
        return self.storage.reduce_only.get(instrument, False)

    def record(self, account: int) -> Record:
        return self.storage.accounts.get(account, Record())

    def cash(self, account: int) -> int:
        return self.record(account).cash

    def position(self, account: int, instrument: int) -> Position:
        return self.storage.positions.get((account, instrument), Position())

    def size(self, account: int, instrument: int) -> int:
        return self.position(account, instrument).size

    def held(self, account: int) -> list[int]:
        """The instruments of an account, in the order of their ids."""
        return [i for i in range(len(self.instruments)) if self.size(account, i) != 0]

    def coins(self, account: int) -> list[int]:
        """The collaterals of an account, in the order of their ids."""
        return [i for i, spec in enumerate(self.collaterals) if self.credit(account, spec.name)]

    def credit(self, account: int, token: str) -> int:
        return self.storage.credits.get((account, token), 0)

    def total_credit(self, token: str) -> int:
        return sum(amount for (_, name), amount in self.storage.credits.items() if name == token)

    def deficit(self, instrument: int, long: bool) -> Deficit:
        return self.storage.deficits.get((instrument, long), Deficit())

    def forgiven(self, account: int) -> int:
        """What others have paid for an account, and get back first; 0 where it is no estate."""
        return self.storage.estates[account].forgiven if self.record(account).estate else 0

    def feed_of(self, instrument: int) -> int:
        return self.feeds.index(self.instruments[instrument].feed)

    def scale_of(self, instrument: int) -> int:
        return self.instruments[instrument].scale * SIZE_UNIT

    @property
    def idle(self) -> int:
        """The pool's account that backs no instrument."""
        return self.pool << 96

    def tranche(self, instrument: int) -> int:
        """The pool's account that backs an instrument."""
        return self.idle | (instrument + 1)

    # Changing ------------------------------------------------------------------------------------------------------

    def change(self, account: int, **fields: Any) -> None:
        """Sets fields of an account's record."""
        self.storage.accounts[account] = self.record(account)._replace(**fields)

    def transfer(self, sender: int, receiver: int, token: str, amount: int) -> None:
        """Tokens between wallets (escrow has one too)."""
        balances = self.storage.balances
        have = balances.get((sender, token), 0)
        if have < amount:
            refuse("ERC20InsufficientBalance", sender, have, amount)
        balances[sender, token] = have - amount
        balances[receiver, token] = balances.get((receiver, token), 0) + amount

    def pull(self, account: int, token: str, amount: int, payer: int) -> int:
        """Escrow's `pull`: what its balance gains is the account's credit."""
        before = self.storage.balances.get((ESCROW, token), 0)
        self.transfer(payer, ESCROW, token, amount)
        if amount == 0:
            refuse("NothingPulled", token, before, before)
        self.storage.credits[account, token] = self.credit(account, token) + amount
        return amount

    def release(self, account: int, token: str, amount: int, receiver: int) -> None:
        """Escrow's `release`. The caller has seen that the credit is there."""
        self.storage.credits[account, token] = self.credit(account, token) - amount
        self.transfer(ESCROW, receiver, token, amount)

    @contextmanager
    def attempt(self, keep: bool = True) -> Iterator[None]:
        """A verb happens or leaves nothing behind. keep=False: it is only tried."""
        before = self.storage.copy()
        try:
            yield
        except BaseException:
            self.storage = before
            raise
        if not keep:
            self.storage = before


# Refusals ----------------------------------------------------------------------------------------------------------


def refuse(name: str, *args: object) -> NoReturn:
    """The protocol's own error and numbers."""
    raise Reverted(name, args)


def signed(bits: int, value: int) -> int:
    """A number that is stored in so many bits."""
    if not -(2 ** (bits - 1)) <= value < 2 ** (bits - 1):
        refuse("SafeCastOverflowedIntDowncast", bits, value)
    return value


def unsigned(bits: int, value: int) -> int:
    if value < 0:
        refuse("SafeCastOverflowedIntToUint", value)
    if value >= 2**bits:
        refuse("SafeCastOverflowedUintDowncast", bits, value)
    return value


def owner_of(account: int) -> int:
    return account >> 96


def account_of(address: int) -> int:
    """The first account of an owner."""
    return address << 96
