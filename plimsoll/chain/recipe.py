"""What the protocol is made of, stated once: whoever deploys it, at once on a chain of his own or over days on a public
one, deploys these parts in this order, does these acts, and finds these facts afterwards.

A part's address is known before it is there: contracts that know each other are told addresses at which nothing lies yet.
What somebody else deployed (a real token, a real feed) is `given`, and no part.

    token NAME        feed NAME (a mock's answers) · proxy NAME (what the oracle reads)        sequencer (where there is one)
    escrow · timelock · oracle · liquidation · auctions · listing · extension · engine · pool · parameters · previews ·
    lens
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from plimsoll.chain import terms
from plimsoll.types import DAY, World

TIMELOCK_DELAY = 3 * DAY
ADMIN_ROLE = b"\0" * 32
POOL_NAME, POOL_SYMBOL = "Plimsoll pool", "PLP"

# The protocol itself, in the order of deployment: its name here → its contract.
HOUSE = {
    "escrow": "Escrow",
    "timelock": "Timelock",
    "oracle": "PriceOracle",
    "liquidation": "LiquidationEngine",
    "auctions": "AuctionHouse",
    "listing": "MarginEngineListing",
    "extension": "MarginEngineExtension",
    "engine": "MarginEngine",
    "pool": "LiquidityPool",
    "parameters": "Parameters",
    "previews": "MarginPreviews",
    "lens": "MarginLens",
}
MOCKS = {"token": "MockToken", "feed": "MockAggregator", "proxy": "MockProxy", "sequencer": "MockAggregator"}
OWNED = ("oracle", "parameters", "pool")


@dataclass(frozen=True)
class Roles:
    """Addresses. deployer: pays for everything and keeps nothing. governor: announces the timelock's operations.
    guardian: only tightens. treasury: its account (sub 0) gets the treasury's fees."""

    deployer: str
    governor: str
    guardian: str
    treasury: str

    @classmethod
    def of(cls, chain: Any) -> Roles:
        """The first four accounts of a development node."""
        return cls(*chain.accounts[:4])


class Part(NamedTuple):
    """A contract to deploy: its name here, its artifact, the arguments of its constructor."""

    name: str
    artifact: str
    args: tuple[Any, ...]


class Act(NamedTuple):
    """A transaction of the deployer: what it is for, the part it is sent to, the function and its arguments. proof: the facts
    that hold as soon as it was done; none where time changes them."""

    title: str
    part: str
    fn: str
    args: tuple[Any, ...]
    proof: tuple[Fact, ...] = ()


class Fact(NamedTuple):
    """What a view of a part must answer; where it answers several values and `first` is set, the first of them. A struct is
    due by its fields, as in terms.py."""

    part: str
    view: str
    args: tuple[Any, ...]
    due: Any
    first: bool = False

    def found(self, value: Any) -> Any:
        """The part of an answer that is judged."""
        return value[0] if self.first and isinstance(value, tuple) else value

    def holds(self, value: Any) -> bool:
        """Whether an answer (decoded; an exception is none) is the one that is due."""
        return bool(_plain(self.found(value)) == _plain(self.due))


def _plain(value: Any) -> Any:
    """Structs as tuples, addresses in lower case."""
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, (tuple, list)):
        return tuple(map(_plain, value))
    return value.lower() if isinstance(value, str) else value


def artifact_of(name: str) -> str:
    """The contract behind a part's name."""
    return HOUSE.get(name) or MOCKS[name.split()[0]]


def spoken(name: str) -> str:
    """The artifact whose ABI a part is spoken to in: engine and lens have the functions of what they delegate to, too."""
    return {"engine": "IMarginEngine", "lens": "IMarginLens"}.get(name) or artifact_of(name)


def names(world: World) -> list[str]:
    """Every name that has an address, in the order of deployment."""
    tokens = (world.settlement, *(spec.token for spec in world.collaterals))
    house = list(HOUSE)
    if world.sequencer_grace is not None:
        house.insert(house.index("oracle"), "sequencer")
    return [
        *(f"token {spec.name}" for spec in tokens),
        *(f"feed {spec.name}" for spec in world.feeds),
        *(f"proxy {spec.name}" for spec in world.feeds),
        *house,
    ]


def ours_of(world: World, given: Collection[str]) -> list[str]:
    """The names of what is deployed where these are there already: behind a feed that is given there is no mock."""
    left_out = {*given, *(name.replace("proxy", "feed") for name in given)}
    return [name for name in names(world) if name not in left_out]


@dataclass(frozen=True)
class Recipe:
    """A world, who has which role, and where everything lies or will lie. given: names that are there already."""

    world: World
    roles: Roles
    at: Mapping[str, str]
    given: frozenset[str] = frozenset()

    # Parts ---------------------------------------------------------------------------------------------------------

    def parts(self) -> list[Part]:
        """In the order of deployment."""
        return [Part(name, artifact_of(name), self._args(name)) for name in ours_of(self.world, self.given)]

    def _args(self, name: str) -> tuple[Any, ...]:
        kind, _, word = name.partition(" ")
        if kind == "token":
            return word, word, self.world.token(word).decimals
        if kind == "feed":
            spec = self.world.feed(word)
            return spec.decimals, f"{word} / USD", terms.answer(spec, spec.price)
        return (self.at[f"feed {word}"],) if kind == "proxy" else self._house_args(name)

    def _house_args(self, name: str) -> tuple[Any, ...]:
        at, world, roles = self.at, self.world, self.roles
        sequencer = at.get("sequencer", terms.ZERO_ADDRESS)
        setup = terms.setup(world, self._known())
        args: dict[str, tuple[Any, ...]] = {
            "escrow": (),
            "timelock": (TIMELOCK_DELAY, [roles.governor], [terms.ZERO_ADDRESS]),
            "sequencer": (0, "L2 Sequencer Uptime Status", 0),
            "oracle": (roles.deployer, sequencer, world.sequencer_grace or 0),
            "liquidation": (at["engine"], at["pool"], *terms.liquidation_terms(world.liquidation)),
            "auctions": (at["engine"],),
            "listing": (setup,),
            "extension": (setup, at["listing"]),
            "engine": (setup, at["extension"]),
            "pool": (at["engine"], roles.deployer, world.pool.delay, POOL_NAME, POOL_SYMBOL),
            "parameters": (at["engine"], roles.deployer, roles.guardian),
            "previews": (at["engine"], at["liquidation"], at["pool"]),
            "lens": (at["engine"], at["liquidation"], at["pool"], at["previews"]),
        }
        return args[name]

    def _known(self) -> dict[str, str]:
        """The addresses among the fields of IMarginTypes.Setup."""
        return {
            "settlement": self.at[f"token {self.world.settlement.name}"],
            "escrow": self.at["escrow"],
            "oracle": self.at["oracle"],
            "liquidationEngine": self.at["liquidation"],
            "auctionHouse": self.at["auctions"],
            "pool": self.at["pool"],
            "parameters": self.at["parameters"],
        }

    # Acts ----------------------------------------------------------------------------------------------------------

    def acts(self) -> list[Act]:
        """What the deployer does once all parts are there: list, insure, hand over."""
        return [*self._listing(), *self._insurance(), *self._handover()]

    def _listing(self) -> Iterator[Act]:
        for i, feed in enumerate(self.world.feeds):
            config = terms.feed_config(feed, self.at[f"proxy {feed.name}"])
            yield Act(f"list the feed {feed.name}", "oracle", "addFeed", (config,), (self._feed(i),))
        for i, spec in enumerate(self.world.instruments):
            config = terms.instrument_config(spec, self._feed_id(spec.feed))
            args = (i, config)
            yield Act(f"list the instrument {spec.name}", "parameters", "setInstrument", args, (self._instrument(i),))
            args = (i, terms.market_config(spec.market))
            yield Act(f"open the pool's market {spec.name}", "pool", "setMarket", args, (self._market(i),))
        for i, coin in enumerate(self.world.collaterals):
            args = (i, self._coin(i))
            yield Act(f"list the collateral {coin.name}", "parameters", "setCollateral", args, (self._collateral(i),))
        yield Act("set the interest", "parameters", "setInterest", (self.world.debt.interest_e9,))
        yield Act("set the treasury", "parameters", "setTreasury", (self._treasury(),), (self._treasurer(),))

    def _insurance(self) -> Iterator[Act]:
        """Puts what the world says into the instruments' funds."""
        total = sum(spec.insurance for spec in self.world.instruments)
        if total == 0:
            return
        token = f"token {self.world.settlement.name}"
        if token not in self.given:
            yield Act("mint the insurance", token, "mint", (self.roles.deployer, total))
        yield Act("approve the insurance", token, "approve", (self.at["engine"], total))
        for i, spec in enumerate(self.world.instruments):
            if spec.insurance:
                funded = Fact("engine", "fundOf", (i,), {"insurance": spec.insurance, "treasury": 0})
                yield Act(f"insure {spec.name}", "engine", "fund", (i, spec.insurance), (funded,))

    def _handover(self) -> Iterator[Act]:
        for part in OWNED:
            owned = self.handed_over(part)
            yield Act(f"hand {part} to the timelock", part, "transferOwnership", (self.at["timelock"],), (owned,))

    def handed_over(self, part: str = OWNED[0]) -> Fact:
        """Of the first: whatever the deployer does before was done."""
        return Fact(part, "owner", (), self.at["timelock"])

    # Facts ---------------------------------------------------------------------------------------------------------

    def links(self) -> list[Fact]:
        """Addresses that are fixed for ever, and who owns and guards."""
        at, known = self.at, self._known()
        views = {
            "SETTLEMENT": "settlement",
            "ESCROW": "escrow",
            "ORACLE": "oracle",
            "LIQUIDATION_ENGINE": "liquidationEngine",
            "AUCTION_HOUSE": "auctionHouse",
            "POOL": "pool",
            "PARAMETERS": "parameters",
        }
        due = [("engine", "EXTENSION", at["extension"]), ("extension", "LISTING", at["listing"])]
        due += [(part, view, known[field]) for part in ("engine", "extension", "listing") for view, field in views.items()]
        due += [(part, "ENGINE", at["engine"]) for part in ("liquidation", "auctions", "pool", "parameters", "previews", "lens")]
        due += [("liquidation", "POOL", at["pool"]), ("lens", "POOL", at["pool"]), ("lens", "PREVIEWS", at["previews"])]
        due += [("lens", "LIQUIDATION_ENGINE", at["liquidation"]), ("pool", "asset", known["settlement"])]
        due += [("parameters", "guardian", self.roles.guardian)]
        due += [(part, "owner", at["timelock"]) for part in OWNED]
        return [Fact(part, view, (), address) for part, view, address in due]

    def powers(self) -> list[Fact]:
        """Who may what in the timelock: the governor proposes and cancels, anyone executes, the deployer does nothing."""
        roles = self.roles
        proposer, canceller, executor = map(terms.role, ("PROPOSER_ROLE", "CANCELLER_ROLE", "EXECUTOR_ROLE"))
        due: list[tuple[bytes, str, bool]] = [(ADMIN_ROLE, self.at["timelock"], True), (ADMIN_ROLE, roles.deployer, False)]
        due += [(proposer, roles.governor, True), (canceller, roles.governor, True), (executor, terms.ZERO_ADDRESS, True)]
        if roles.deployer != roles.governor:
            due += [(proposer, roles.deployer, False), (canceller, roles.deployer, False)]
        return [Fact("timelock", "hasRole", (role, who), value) for role, who, value in due]

    def settings(self) -> list[Fact]:
        """What was set at deployment, and what only the timelock changes since."""
        world, limits = self.world, self.world.liquidation
        return [
            Fact("timelock", "getMinDelay", (), TIMELOCK_DELAY),
            Fact("oracle", "SEQUENCER", (), self.at.get("sequencer", terms.ZERO_ADDRESS)),
            Fact("oracle", "SEQUENCER_GRACE", (), world.sequencer_grace or 0),
            Fact("oracle", "feedCount", (), len(world.feeds)),
            *map(self._feed, range(len(world.feeds))),
            Fact("engine", "DEBT_LIMIT_E6", (), world.debt.limit_e6),
            Fact("engine", "OPEN_DEBT_LIMIT_E6", (), world.debt.open_limit_e6),
            Fact("engine", "instrumentCount", (), len(world.instruments)),
            *map(self._instrument, range(len(world.instruments))),
            *map(self._market, range(len(world.instruments))),
            Fact("engine", "collateralCount", (), len(world.collaterals)),
            *map(self._collateral, range(len(world.collaterals))),
            self._treasurer(),
            Fact("pool", "DELAY", (), world.pool.delay),
            Fact("liquidation", "TARGET", (), limits.target),
            Fact("liquidation", "KEEPER_FLOOR", (), limits.keeper_floor),
            Fact("liquidation", "KEEPER_CAP", (), limits.keeper_cap),
            Fact("liquidation", "KEEPER_SHARE_E6", (), limits.keeper_share_e6),
            Fact("liquidation", "TAKER_SHARE_E6", (), limits.taker_share_e6),
        ]

    def _feed_id(self, name: str) -> int:
        return [spec.name for spec in self.world.feeds].index(name)

    def _feed(self, i: int) -> Fact:
        spec = self.world.feeds[i]
        return Fact("oracle", "feedConfig", (i,), terms.feed_config(spec, self.at[f"proxy {spec.name}"]), first=True)

    def _instrument(self, i: int) -> Fact:
        spec = self.world.instruments[i]
        config = terms.instrument_config(spec, self._feed_id(spec.feed))
        return Fact("engine", "instrumentConfig", (i,), (config["risk"], config["limits"], config["funding"]))

    def _market(self, i: int) -> Fact:
        return Fact("pool", "marketConfig", (i,), terms.market_config(self.world.instruments[i].market), first=True)

    def _coin(self, i: int) -> terms.Struct:
        coin = self.world.collaterals[i]
        return terms.collateral_config(coin, self.at[f"token {coin.name}"], self._feed_id(coin.feed))

    def _collateral(self, i: int) -> Fact:
        return Fact("engine", "collateralConfig", (i,), self._coin(i))

    def _treasury(self) -> int:
        return terms.account_id(self.roles.treasury)

    def _treasurer(self) -> Fact:
        return Fact("engine", "treasury", (), self._treasury())
