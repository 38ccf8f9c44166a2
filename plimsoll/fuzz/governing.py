"""The rules of a life: what the owner and the guardian change, who else tries to, and what thieves try."""

from __future__ import annotations

from plimsoll.fuzz.market import rule
from plimsoll.fuzz.rescues import Rescues
from plimsoll.types import DAY, GUARDIAN, NOTICE, OWNER
from plimsoll.venue import DEEDS

THIEF = "mallory"


class Governing(Rescues):
    def owner(self) -> str:
        return self.rng.choice((OWNER,) * 9 + (THIEF,))

    def guardian(self) -> str:
        return self.rng.choice((GUARDIAN,) * 8 + (OWNER, THIEF))

    @rule(2)
    def announce(self) -> None:
        """The owner states an instrument anew, mostly as the world has it but for its base."""
        name = self.instrument()
        spec = self.venue.world.instrument(name)
        base = spec.base_e6 + self.rng.choice((-20_000, -5_000, 0, 0, 5_000, 40_000, 10**6))
        multiple = self.rng.choice((spec.initial_multiple_e6,) * 3 + (1_200_000, 2_000_000, 10**6))
        units = self.rng.choice((spec.cap_units,) * 3 + (spec.cap_units // 10, 2 * spec.cap_units))
        restricted = self.rng.random() < 0.1
        self.venue.set_instrument(self.owner(), name, base, multiple, units, spec.cap_value, restricted)

    @rule(2)
    def apply(self) -> None:
        """What was announced: too early, in the last second of the notice, or after it."""
        pending = self.model.house.storage.pending
        name = self.instrument()
        if pending and self.rng.random() < 0.8:
            number, (_, since) = self.rng.choice(sorted(pending.items()))
            name, wait = self.instruments[number], since - self.venue.now - self.rng.choice((0, 0, 0, 1))
            if 0 < wait <= NOTICE and self.mood != "thin":
                self.wait_for(min(wait, self.rng.choice((wait, wait, DAY))))
        self.venue.apply_instrument("stranger", name)

    @rule(1)
    def tighten(self) -> None:
        name, who = self.instrument(), self.guardian()
        spec = self.model.house.instruments[self.instruments.index(name)]
        if self.rng.random() < 0.2:
            self.venue.restrict(who, name)
        else:
            units = self.rng.choice((spec.cap_units // 2, spec.cap_units, spec.cap_units + 1))
            self.venue.lower_caps(who, name, units, self.rng.choice((spec.cap_value, spec.cap_value, spec.cap_value + 1)))

    @rule(1)
    def tighten_collateral(self) -> None:
        number = self.rng.randrange(len(self.model.house.collaterals))
        spec = self.model.house.collaterals[number]
        self.venue.lower_collateral_cap(self.guardian(), spec.name, spec.cap - self.rng.choice((-1, 0, 1, spec.cap // 4)))

    @rule(1)
    def interest(self) -> None:
        self.venue.set_interest(self.owner(), self.rng.choice((0, 50_000_000, 900_000_000, 10**9, 10**9 + 1)))

    @rule(2)
    def steal(self) -> None:
        self.venue.trespass(THIEF, self.rng.choice(DEEDS), self.someone())
