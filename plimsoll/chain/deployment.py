"""The whole protocol on a chain, in one object: what tests, scenarios and scripts all deploy through.

    protocol = Deployment.deploy(Chain(Anvil()), world)
    protocol.engine, protocol.pool, protocol.oracle, protocol.tokens["WETH"], protocol.feeds["ETH"]
    account = protocol.account(trader)                                    # the id of a margin account
    protocol.give(trader, "WETH", 10**18); protocol.provide(lp, 10**12); protocol.set_price("ETH", 2_000 * WAD)
    protocol.govern(protocol.pool, "setMarket", 0, config)                # through the timelock, its delay included

What is deployed, in which order, with which arguments, is in recipe.py; `verify` proves afterwards that each points where
it should. The deployer owns everything until all is listed and insured, then the timelock does, and the deployer is left
with nothing. `deploy` is for a chain of one's own: tokens and feeds are mocks. On a chain that others use
`plimsoll.deploy` does the same, step by step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from plimsoll.chain import terms
from plimsoll.chain.abi import BadData, to_address
from plimsoll.chain.artifacts import artifact, decode_log
from plimsoll.chain.node import CallItem, Chain, Contract, Receipt
from plimsoll.chain.recipe import ADMIN_ROLE, HOUSE, TIMELOCK_DELAY, Fact, Recipe, Roles, ours_of, spoken
from plimsoll.errors import Reverted, ToolchainError
from plimsoll.types import World

__all__ = ["TIMELOCK_DELAY", "Deployment", "Roles"]
NO_PREDECESSOR = b"\0" * 32


@dataclass(frozen=True)
class Deployment:
    """Contracts by what they are; by name tokens, proxies (what the oracle reads) and feeds (MockAggregator, one behind each
    proxy that is ours: `push` an answer); instruments and collaterals: name → id."""

    chain: Chain
    world: World
    roles: Roles
    settlement: Contract
    tokens: dict[str, Contract]
    feeds: dict[str, Contract]
    proxies: dict[str, Contract]
    escrow: Contract
    timelock: Contract
    oracle: Contract
    liquidation: Contract
    auctions: Contract
    listing: Contract
    extension: Contract
    engine: Contract
    pool: Contract
    parameters: Contract
    previews: Contract
    lens: Contract
    instruments: dict[str, int]
    collaterals: dict[str, int]
    sequencer: Contract | None = None
    given: frozenset[str] = frozenset()  # names in the recipe of what was there before

    @classmethod
    def deploy(
        cls, chain: Chain, world: World, roles: Roles | None = None, given: Mapping[str, str] | None = None
    ) -> Deployment:
        """Deploys, lists, insures, hands over and verifies. given: name in the recipe → address of what is there already.

        Raises Reverted where the protocol refuses the world (a listing rule, a bound; OutOfRange for a number that its
        Solidity type cannot even hold), ArtifactMissing before `brownie compile --all`.
        """
        roles = roles or Roles.of(chain)
        given = given or {}
        ours = ours_of(world, given)
        at = {name: chain.next_address(roles.deployer, i) for i, name in enumerate(ours)}
        recipe, receipts = Recipe(world, roles, {**at, **given}, frozenset(given)), {}
        try:
            for part in recipe.parts():
                receipts[part.name] = chain.deploy(part.artifact, *part.args, sender=roles.deployer).receipt
            deployed = cls.of(chain, recipe, receipts)
            for act in recipe.acts():
                deployed.contract(act.part).fn(act.fn)(*act.args, sender=roles.deployer)
        except TypeError as misfit:
            raise Reverted("OutOfRange", (str(misfit),), ("what",)) from misfit
        deployed.verify()
        return deployed

    @classmethod
    def of(cls, chain: Chain, recipe: Recipe, receipts: Mapping[str, Receipt | None] | None = None) -> Deployment:
        """What was deployed by a recipe. A feed that was given has a proxy only: nobody pushes it."""
        world = recipe.world

        def contract(name: str) -> Contract:
            return Contract(chain, artifact(spoken(name)), recipe.at[name], (receipts or {}).get(name))

        tokens = {word: contract(f"token {word}") for word in (world.settlement.name, *(c.name for c in world.collaterals))}
        proxies = {spec.name: contract(f"proxy {spec.name}") for spec in world.feeds}
        feeds = {name: contract(f"feed {name}") for name in proxies if f"proxy {name}" not in recipe.given}
        house: dict[str, Any] = {name: contract(name) for name in HOUSE}
        return cls(
            chain=chain,
            world=world,
            roles=recipe.roles,
            settlement=tokens[world.settlement.name],
            tokens=tokens,
            feeds=feeds,
            proxies=proxies,
            instruments={spec.name: i for i, spec in enumerate(world.instruments)},
            collaterals={spec.name: i for i, spec in enumerate(world.collaterals)},
            sequencer=None if world.sequencer_grace is None else contract("sequencer"),
            given=recipe.given,
            **house,
        )

    @property
    def recipe(self) -> Recipe:
        """What this is due to be, at its own addresses."""
        there = ours_of(self.world, self.given) + sorted(self.given)
        return Recipe(self.world, self.roles, {name: self.contract(name).address for name in there}, self.given)

    def contract(self, name: str) -> Contract:
        """By its name in the recipe."""
        kind, _, word = name.partition(" ")
        if name == f"token {self.world.settlement.name}":
            return self.settlement
        if not word:
            found: Contract = getattr(self, kind)
            return found
        return {"token": self.tokens, "feed": self.feeds, "proxy": self.proxies}[kind][word]

    def ask(self, facts: list[Fact]) -> list[Any]:
        """What the chain says to each, all on the same block; an error (Reverted, BadData) in the place of a value."""
        items = [self.contract(fact.part).call_item(fact.view, *fact.args) for fact in facts]
        try:
            return self.chain.batch(items, errors="return")
        except BadData:  # somewhere nothing lies, or something else
            return [self._answer(item) for item in items]

    def _answer(self, item: CallItem) -> Any:
        try:
            return self.chain.batch([item], errors="return")[0]
        except BadData as problem:
            return problem

    def verify(self) -> None:
        """Raises ToolchainError unless every address fixed for ever is right and the timelock owns everything."""
        links = self.recipe.links()
        for fact, value in zip(links, self.ask(links)):
            if not fact.holds(value):
                what = f"{self.contract(fact.part)!r}.{fact.view}"
                raise ToolchainError(f"{what} is {value} where {fact.due} is due: deploy anew.")
        if self.timelock.hasRole(ADMIN_ROLE, self.roles.deployer):
            raise ToolchainError(f"{self.roles.deployer} still administers {self.timelock!r}: deploy anew.")

    # What everybody does with it -----------------------------------------------------------------------------------

    def account(self, owner: Any, sub: int = 0) -> int:
        """`uint256(uint160(owner)) << 96 | sub`"""
        return terms.account_id(to_address(owner), sub)

    def born(self) -> tuple[tuple[int, ...], int]:
        """When each market was listed, and when interest was set: what comes later accrues from there. The chain's time."""
        asked = {"address": self.parameters.address, "fromBlock": "0x0", "toBlock": "latest"}
        logs = self.chain.rpc("eth_getLogs", asked)
        set_in = [log["blockNumber"] for log in logs if decode_log(log)[0] == "InterestSet"]
        time = int(self.chain.rpc("eth_getBlockByNumber", set_in[-1], False)["timestamp"], 16)
        return tuple(self.engine.market(i).time for i in self.instruments.values()), time

    def give(self, receiver: Any, token: str, amount: int) -> None:
        """Mints tokens, in their own units."""
        self.tokens[token].mint(receiver, amount, sender=self.roles.deployer)

    def provide(self, provider: Any, amount: int) -> None:
        """The provider (an unlocked address) puts settlement tokens out of thin air into the pool, and each market gets
        what its weight is due."""
        self.give(provider, self.world.settlement.name, amount)
        self.settlement.approve(self.pool, amount, sender=provider)
        self.pool.deposit(amount, provider, sender=provider)
        for instrument in self.instruments.values():
            self.pool.allocate(instrument, sender=provider)

    def set_price(self, feed: str, price: int) -> Receipt:
        """The feed answers `price` (WAD, rounded down to its decimals) in a new round, now."""
        answer = terms.answer(self.world.feed(feed), price)
        receipt: Receipt = self.feeds[feed].push(answer, sender=self.roles.deployer)
        return receipt

    def refresh(self) -> None:
        """Every feed answers anew what it answered last: after a jump in time."""
        for feed in self.feeds.values():
            feed.push(feed.latestRoundData()[1], sender=self.roles.deployer)

    def govern(self, target: Contract, fn: str, *args: Any) -> Receipt:
        """One operation of the timelock, from its announcement to its execution: time moves by its delay, so feeds may
        be stale afterwards (`refresh`). Raises Reverted."""
        data, delay = target.encode(fn, *args), self.timelock.getMinDelay()
        salt = self.chain.height.to_bytes(32, "big")
        operation = (target, 0, data, NO_PREDECESSOR, salt)
        self.timelock.schedule(*operation, delay, sender=self.roles.governor)
        self.chain.advance(delay)
        receipt: Receipt = self.timelock.execute(*operation, sender=self.roles.governor)
        return receipt

    def addresses(self) -> dict[str, str]:
        """Name → address of all that was deployed."""
        names = ("engine", "extension", "listing", "liquidation", "auctions", "pool", "parameters", "oracle", "escrow", "timelock", "previews", "lens")
        found = {name: getattr(self, name) for name in names}
        found |= {f"token {name}": token for name, token in self.tokens.items()}
        found |= {f"feed {name}": feed for name, feed in self.feeds.items()}
        return {name: contract.address for name, contract in found.items()}
