"""What to do, decided purely: from how accounts stand, what rehearsals answered, and what gas costs. Nothing is asked here.

Money is settlement units; gas price is wei per gas; `ether` is what one whole ether is worth, WAD.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from plimsoll.fixed_point import mul_div_down, mul_div_up
from plimsoll.keeper.port import Call
from plimsoll.types import WAD

ANY_NONCE = 2**256 - 1
BLOCKS_REMEMBERED, MOST_RIVALS = 300, 4  # of other keepers
BLOCKS_A_RANK = 2  # for which whoever comes first is waited for: one to see what is due, one to be mined
MOST_GAS = 2**24  # of one transaction: EIP-7825
BASE_GAS = 60_000  # of a transaction that does nothing for nobody
PARTS_OF_ALL = 19  # an account of sixteen legs has nineteen parts, one of none that owes costs as much
OWN_PARTS = 3
SPARE_E2 = 110  # of the gas that is expected
ETHER = 10**18


@dataclass(frozen=True)
class Standing:
    """An account below its line. legs: how many positions it holds."""

    account: int
    equity: int
    maintenance: int
    legs: int

    @property
    def depth(self) -> int:
        """E/M, WAD: the lowest is the most urgent. Nothing held and equity below zero is the deepest of all."""
        return mul_div_down(self.equity, WAD, self.maintenance) if self.maintenance else -(2**255)

    @property
    def parts(self) -> int:
        return OWN_PARTS + self.legs if self.legs else PARTS_OF_ALL


@dataclass(frozen=True)
class Case:
    """A standing, and the way to unload it that a rehearsal let pass. taker: 0 is the pool. fraction: the most that is closed,
    WAD. reward: ours."""

    standing: Standing
    taker: int
    fraction: int
    reward: int

    @property
    def account(self) -> int:
        return self.standing.account

    @property
    def item(self) -> tuple[int, ...]:
        """ILiquidationEngine.Item"""
        return self.account, self.taker, self.fraction, 0, ANY_NONCE


@dataclass(frozen=True)
class Deed:
    """A transaction that is worth sending. gas: its limit; cost: what it is expected to cost."""

    call: Call
    what: str
    accounts: tuple[int, ...] = ()
    gas: int = 0
    cost: int = 0
    reward: int = 0

    @property
    def profit(self) -> int:
        return self.reward - self.cost


@dataclass(frozen=True)
class Terms:
    """unit: settlement units of one settlement token. least_profit: of a transaction. upkeep: what may still be spent today on
    what earns nothing. most_gas: of one transaction. part_gas: what a part of an account was found to cost. item_gas: what the
    contract may want left for an account of all parts."""

    gas_price: int
    ether: int
    unit: int
    least_profit: int = 0
    upkeep: int = 0
    most_gas: int = MOST_GAS
    part_gas: int = 0
    item_gas: int = 4_500_000

    def cost(self, gas: int) -> int:
        """Settlement units, rounded up."""
        return mul_div_up(gas * self.gas_price * self.unit, self.ether, ETHER * WAD)

    def gas_of(self, standing: Standing) -> int:
        return self.part_gas * standing.parts

    def reserve(self, standing: Standing) -> int:
        """What the contract wants left before it begins with an account, a sixty-third more for the call."""
        return mul_div_up(self.item_gas * standing.parts, 64, PARTS_OF_ALL * 63)


@dataclass(frozen=True)
class Plan:
    """deeds: batches, the most urgent first. unpaid: accounts whose reward does not pay for their gas."""

    deeds: tuple[Deed, ...] = ()
    unpaid: tuple[int, ...] = ()


def plan(cases: Iterable[Case], terms: Terms) -> Plan:
    """Batches of accounts, the most underwater first, each within the gas of one transaction. An account whose reward does not pay
    for its own gas is left out: dust is not allowed to eat what the others bring; and so is a batch that earns too little."""
    urgent = sorted(cases, key=lambda case: (case.standing.depth, -case.reward))
    paying = [case for case in urgent if case.reward >= terms.cost(terms.gas_of(case.standing))]
    unpaid = [case.account for case in urgent if case.reward < terms.cost(terms.gas_of(case.standing))]
    deeds: list[Deed] = []
    for batch in _cut(paying, terms):
        deed = liquidation(batch, terms)
        if deed.profit >= terms.least_profit:
            deeds.append(deed)
        else:
            unpaid += deed.accounts
    return Plan(tuple(deeds), tuple(unpaid))


def liquidation(cases: Sequence[Case], terms: Terms) -> Deed:
    """One transaction for these."""
    used = BASE_GAS + sum(terms.gas_of(case.standing) for case in cases)
    return Deed(
        Call("liquidation", "liquidateMany", (tuple(case.item for case in cases),)),
        f"liquidate {len(cases)}",
        tuple(case.account for case in cases),
        min(terms.most_gas, _limit(cases, terms)),
        terms.cost(used),
        sum(case.reward for case in cases),
    )


def _cut(cases: Sequence[Case], terms: Terms) -> Iterable[list[Case]]:
    batch: list[Case] = []
    for case in cases:
        if batch and _limit([*batch, case], terms) > terms.most_gas:
            yield batch
            batch = []
        batch.append(case)
    if batch:
        yield batch


def _limit(cases: Sequence[Case], terms: Terms) -> int:
    """Gas with which the contract begins with the last of them too."""
    expected = sum(terms.gas_of(case.standing) for case in cases)
    return BASE_GAS + mul_div_up(expected, SPARE_E2, 100) + max(terms.reserve(case.standing) for case in cases)


def worthwhile(deeds: Iterable[Deed], terms: Terms) -> list[Deed]:
    """Of what is not urgent, what pays for its gas, the most profitable first; then what earns nothing, the cheapest first, while
    the upkeep lasts. A cost of 0 is reckoned here, from the gas."""
    priced = [replace(deed, cost=deed.cost or terms.cost(deed.gas)) for deed in deeds]
    good = sorted((d for d in priced if d.reward and d.profit >= terms.least_profit), key=lambda deed: -deed.profit)
    left = terms.upkeep
    for deed in sorted((d for d in priced if not d.reward), key=lambda deed: deed.cost):
        if deed.cost <= left:
            left -= deed.cost
            good.append(deed)
    return good


@dataclass
class Rivals:
    """Other keepers at the same accounts, as blocks show them. Keepers that know of each other take batches in the order of their
    addresses, so that each loses a race once at the most; whoever waited for a batch that nobody took takes it himself.

    seen: address → the latest block in which it did something. waited: looks at batches that nobody took since."""

    me: str
    seen: dict[str, int] = field(default_factory=dict)
    waited: int = 0

    def note(self, keeper: str, block: int, won: bool) -> None:
        """It did something; won: it unloaded an account, so nobody waits in vain."""
        if keeper.lower() != self.me.lower():
            self.seen[keeper.lower()] = max(block, self.seen.get(keeper.lower(), 0))
            self.waited = 0 if won else self.waited

    def share(self, deeds: Sequence[Deed], block: int, at_once: int) -> list[Deed]:
        """Ours of these: all (as many at once as may be) when we are alone."""
        near = sorted(other for other, last in self.seen.items() if block - last < BLOCKS_REMEMBERED)[:MOST_RIVALS]
        if not near:
            return list(deeds[:at_once])
        rank = sum(other < self.me.lower() for other in near)
        mine = list(deeds[rank : rank + 1])
        self.waited = self.waited if deeds else 0
        if deeds and not mine:
            self.waited += 1
            if self.waited > BLOCKS_A_RANK * rank:
                mine = list(deeds[:1])
        if mine:
            self.waited = 0
        return mine


