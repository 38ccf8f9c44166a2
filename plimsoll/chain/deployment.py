"""The whole protocol on a chain, in one object: what tests, scenarios and scripts all deploy through.

    protocol = Deployment.deploy(Chain(Anvil()), world)
    protocol.engine, protocol.pool, protocol.oracle, protocol.tokens["WETH"], protocol.feeds["ETH"]
    account = protocol.account(trader)                                    # the id of a margin account
    protocol.give(trader, "WETH", 10**18); protocol.provide(lp, 10**12); protocol.set_price("ETH", 2_000 * WAD)
    protocol.govern(protocol.pool, "setMarket", 0, config)                # through the timelock, its delay included

Contracts that know each other are told addresses at which nothing lies yet; `verify` proves afterwards that each
points where it should. The deployer owns everything until all is listed and insured, then the timelock does, and the
deployer is left with nothing. Tokens and feeds are mocks: whoever uses this on a chain that others use is mistaken.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from eth_utils import to_checksum_address

from plimsoll.chain import terms
from plimsoll.chain.abi import to_address
from plimsoll.chain.artifacts import artifact, decode_log
from plimsoll.chain.node import Chain, Contract, Receipt
from plimsoll.errors import Reverted, ToolchainError
from plimsoll.types import DAY, World

TIMELOCK_DELAY = 3 * DAY
NO_PREDECESSOR = b"\0" * 32
ADMIN_ROLE = b"\0" * 32


@dataclass(frozen=True)
class Roles:
    """Addresses. deployer: pays for everything and keeps nothing. governor: announces the timelock's operations.
    guardian: only tightens. treasury: its account (sub 0) gets the treasury's fees."""

    deployer: str
    governor: str
    guardian: str
    treasury: str

    @classmethod
    def of(cls, chain: Chain) -> Roles:
        """The first four accounts of a development node."""
        return cls(*chain.accounts[:4])


@dataclass(frozen=True)
class Deployment:
    """Contracts by what they are; tokens, feeds (MockAggregator: `push` an answer) and proxies (what the oracle reads,
    one before each feed) by name; instruments and collaterals: name → id."""

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
    lens: Contract
    instruments: dict[str, int]
    collaterals: dict[str, int]
    sequencer: Contract | None = None

    @classmethod
    def deploy(cls, chain: Chain, world: World, roles: Roles | None = None) -> Deployment:
        """Deploys, lists, insures, hands over and verifies.

        Raises Reverted where the protocol refuses the world (a listing rule, a bound; OutOfRange for a number that its
        Solidity type cannot even hold), ArtifactMissing before `brownie compile --all`.
        """
        roles = roles or Roles.of(chain)
        try:
            deployed = cls(chain, world, roles, **_contracts(chain, world, roles))
            _list_all(deployed)
        except TypeError as misfit:
            raise Reverted("OutOfRange", (str(misfit),), ("what",)) from misfit
        _insure(deployed)
        _hand_over(deployed)
        deployed.verify()
        return deployed

    def verify(self) -> None:
        """Raises ToolchainError unless every address fixed for ever is right and the timelock owns everything."""
        links = list(_links(self))
        found = self.chain.batch(contract.call_item(name) for contract, name, _ in links)
        for (contract, name, due), value in zip(links, found):
            right = to_checksum_address(to_address(due))
            if value != right:
                raise ToolchainError(f"{contract!r}.{name} is {value} where {right} is due: deploy anew.")
        if self.timelock.hasRole(ADMIN_ROLE, self.roles.deployer):
            raise ToolchainError(f"{self.roles.deployer} still administers {self.timelock!r}: deploy anew.")

    # What everybody does with it -----------------------------------------------------------------------------------

    def account(self, owner: Any, sub: int = 0) -> int:
        """`uint256(uint160(owner)) << 96 | sub`"""
        return int(to_address(owner), 16) << 96 | sub

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
        names = ("engine", "extension", "listing", "liquidation", "auctions", "pool", "parameters", "oracle", "escrow", "timelock", "lens")
        found = {name: getattr(self, name) for name in names}
        found |= {f"token {name}": token for name, token in self.tokens.items()}
        found |= {f"feed {name}": feed for name, feed in self.feeds.items()}
        return {name: contract.address for name, contract in found.items()}


# How it is made ----------------------------------------------------------------------------------------------------


def _contracts(chain: Chain, world: World, roles: Roles) -> dict[str, Any]:
    """Everything, the deployer its owner, nothing listed yet."""

    def deploy(name: str, *args: Any) -> Contract:
        return chain.deploy(name, *args, sender=roles.deployer)

    specs = (world.settlement, *(spec.token for spec in world.collaterals))
    tokens = {spec.name: deploy("MockToken", spec.name, spec.name, spec.decimals) for spec in specs}
    feeds = {
        spec.name: deploy("MockAggregator", spec.decimals, f"{spec.name} / USD", terms.answer(spec, spec.price))
        for spec in world.feeds
    }
    proxies = {name: deploy("MockProxy", feed) for name, feed in feeds.items()}
    escrow = deploy("Escrow")
    timelock = deploy("Timelock", TIMELOCK_DELAY, [roles.governor], [terms.ZERO_ADDRESS])
    sequencer = None if world.sequencer_grace is None else deploy("MockAggregator", 0, "L2 Sequencer Uptime Status", 0)
    oracle = deploy("PriceOracle", roles.deployer, sequencer or terms.ZERO_ADDRESS, world.sequencer_grace or 0)
    # These know each other: their addresses are known before they are there.
    engine, pool, parameters = (chain.next_address(roles.deployer, offset) for offset in (4, 5, 6))
    liquidation = deploy("LiquidationEngine", engine, pool, *terms.liquidation_terms(world.liquidation))
    auctions = deploy("AuctionHouse", engine)
    known = {
        "settlement": tokens[world.settlement.name],
        "escrow": escrow,
        "oracle": oracle,
        "liquidationEngine": liquidation,
        "auctionHouse": auctions,
        "pool": pool,
        "parameters": parameters,
    }
    setup = terms.setup(world, known)
    listing = deploy("MarginEngineListing", setup)
    extension = deploy("MarginEngineExtension", setup, listing)
    made = deploy("MarginEngine", setup, extension)
    return {
        **{"tokens": tokens, "feeds": feeds, "proxies": proxies, "escrow": escrow, "timelock": timelock},
        **{"oracle": oracle, "liquidation": liquidation, "auctions": auctions},
        **{"listing": listing, "extension": extension, "settlement": known["settlement"]},
        "sequencer": sequencer,
        "engine": Contract(chain, artifact("IMarginEngine"), made.address, made.receipt),
        "pool": deploy("LiquidityPool", engine, roles.deployer, world.pool.delay, "Plimsoll pool", "PLP"),
        "parameters": deploy("Parameters", engine, roles.deployer, roles.guardian),
        "lens": deploy("MarginLens", engine, liquidation, pool),
        "instruments": {spec.name: i for i, spec in enumerate(world.instruments)},
        "collaterals": {spec.name: i for i, spec in enumerate(world.collaterals)},
    }


def _list_all(made: Deployment) -> None:
    world, sender = made.world, made.roles.deployer
    feeds = {spec.name: i for i, spec in enumerate(world.feeds)}
    for feed in world.feeds:
        made.oracle.addFeed(terms.feed_config(feed, made.proxies[feed.name]), sender=sender)
    for i, spec in enumerate(world.instruments):
        made.parameters.setInstrument(i, terms.instrument_config(spec, feeds[spec.feed]), sender=sender)
        made.pool.setMarket(i, terms.market_config(spec.market), sender=sender)
    for i, coin in enumerate(world.collaterals):
        config = terms.collateral_config(coin, made.tokens[coin.name], feeds[coin.feed])
        made.parameters.setCollateral(i, config, sender=sender)
    made.parameters.setInterest(world.debt.interest_e9, sender=sender)
    made.parameters.setTreasury(made.account(made.roles.treasury), sender=sender)


def _insure(made: Deployment) -> None:
    """Puts what the world says into the instruments' funds."""
    total = sum(spec.insurance for spec in made.world.instruments)
    if total == 0:
        return
    made.give(made.roles.deployer, made.world.settlement.name, total)
    made.settlement.approve(made.engine, total, sender=made.roles.deployer)
    for i, spec in enumerate(made.world.instruments):
        if spec.insurance:
            made.engine.fund(i, spec.insurance, sender=made.roles.deployer)


def _hand_over(made: Deployment) -> None:
    for owned in (made.oracle, made.parameters, made.pool):
        owned.transferOwnership(made.timelock, sender=made.roles.deployer)


def _links(made: Deployment) -> Iterator[tuple[Contract, str, Any]]:
    """(contract, view, the address that is due)"""
    core = Contract(made.chain, artifact("MarginEngine"), made.engine.address)
    yield core, "EXTENSION", made.extension
    yield made.extension, "LISTING", made.listing
    for ledger in (core, made.extension, made.listing):
        yield ledger, "SETTLEMENT", made.settlement
        yield ledger, "ESCROW", made.escrow
        yield ledger, "ORACLE", made.oracle
        yield ledger, "LIQUIDATION_ENGINE", made.liquidation
        yield ledger, "AUCTION_HOUSE", made.auctions
        yield ledger, "POOL", made.pool
        yield ledger, "PARAMETERS", made.parameters
    for user in (made.liquidation, made.auctions, made.pool, made.parameters):
        yield user, "ENGINE", made.engine
    yield made.liquidation, "POOL", made.pool
    yield made.lens, "ENGINE", made.engine
    yield made.lens, "LIQUIDATION_ENGINE", made.liquidation
    yield made.lens, "POOL", made.pool
    yield made.pool, "asset", made.settlement
    yield made.parameters, "guardian", made.roles.guardian
    for owned in (made.oracle, made.parameters, made.pool):
        yield owned, "owner", made.timelock
