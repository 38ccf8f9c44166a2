"""A venue's verbs about parameters, and what nobody but its owner, or one contract of ours, may do."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from typing import Any

from plimsoll.chain import terms
from plimsoll.chain.actors import Actors
from plimsoll.chain.deployment import Deployment
from plimsoll.chain.node import Contract
from plimsoll.chain.receipt import Receipt
from plimsoll.types import SIZE_UNIT, Account
from plimsoll.venue import Venue


class Governance(Venue):
    """The part of ChainVenue that changes parameters. The owner speaks as the timelock itself, whose own delay is over."""

    deployment: Deployment
    actors: Actors
    shift: int
    _time: int

    @abstractmethod
    def _send(self, contract: Contract, fn: str, *args: Any, sender: str) -> Receipt: ...

    @abstractmethod
    def _feed_id(self, feed: str) -> int: ...

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
        made, spec = self.deployment, self.world.instrument(instrument)
        spec = replace(spec, base_e6=base_e6, initial_multiple_e6=initial_multiple_e6)
        spec = replace(spec, cap_units=cap_units, cap_value=cap_value)
        config = terms.instrument_config(spec, self._feed_id(spec.feed))
        config["risk"]["reduceOnly"] = reduce_only
        receipt = self._govern(caller, "setInstrument", made.instruments[instrument], config)
        return int(receipt.event("InstrumentSet").riskFrom - self.shift)

    def apply_instrument(self, caller: str, instrument: str) -> None:
        self._govern(caller, "applyInstrument", self.deployment.instruments[instrument])

    def set_interest(self, caller: str, rate_e9: int) -> None:
        self._govern(caller, "setInterest", rate_e9)

    def restrict(self, caller: str, instrument: str) -> None:
        self._govern(caller, "restrict", self.deployment.instruments[instrument])

    def lower_caps(self, caller: str, instrument: str, cap_units: int, cap_value: int) -> None:
        self._govern(caller, "lowerCaps", self.deployment.instruments[instrument], cap_units * SIZE_UNIT, cap_value)

    def lower_collateral_cap(self, caller: str, collateral: str, cap: int) -> None:
        unit = 10 ** self.world.collateral(collateral).token.decimals
        self._govern(caller, "lowerCollateralCap", self.deployment.collaterals[collateral], cap * unit)

    def _govern(self, caller: str, fn: str, *args: Any) -> Receipt:
        return self._send(self.deployment.parameters, fn, *args, sender=self.actors[caller])

    def trespass(self, thief: str, deed: str, account: Account) -> None:
        who, number = self.actors[thief], self.account_id(account)
        contract, fn, args = deeds(self.deployment, who, number, self._time + self.shift)[deed]
        self._send(contract, fn, *args, sender=who)


def deeds(made: Deployment, thief: str, account: int, now: int) -> dict[str, tuple[Contract, str, tuple[Any, ...]]]:
    """The call of each of DEEDS (plimsoll/venue.py): contract, function, arguments. now: the chain's time."""
    nothing: list[Any] = []
    return {
        "withdraw": (made.engine, "withdraw", (account, made.settlement, 1, thief, 0)),
        "trade": (made.pool, "trade", (account, 0, 1, 2**256 - 1, now)),
        "set_operator": (made.engine, "setOperator", (account, thief, 3)),
        "sale_order": (made.auctions, "setSaleOrder", (account, nothing)),
        "seize": (made.engine, "seize", (account, nothing, nothing, nothing, nothing)),
        "open_estate": (made.engine, "openEstate", (account, 1, 0)),
        "release": (made.escrow, "release", (0, made.settlement, 1, thief)),
        "quote": (made.pool, "quote", (account, account, nothing, b"")),
        "freeze": (made.pool, "freeze", (0,)),
        "rehearse": (made.liquidation, "rehearse", (account, 0)),
        "set_treasury": (made.engine, "setTreasury", (account,)),
        "set_guardian": (made.parameters, "setGuardian", (thief,)),
    }
