"""The contracts beside other people's: Chainlink's own proxies and aggregators as feeds, the real WETH where a world has one.

    venue = RealVenue.build(Chain(anvil), world)

A price is a round that two oracles submit. What a mock can do besides (misbehave by name) a real feed cannot: it only falls
silent, or refuses an answer outside its bounds.
"""

from __future__ import annotations

from plimsoll.chain import terms
from plimsoll.chain.deployment import Deployment
from plimsoll.chain.node import Chain, Receipt
from plimsoll.chain.packages import ENOUGH, RealFeed, weth9
from plimsoll.chain.venue import ChainVenue
from plimsoll.errors import AdapterError
from plimsoll.types import FeedFault, World

WETH = "WETH"
PLENTY = 10**27  # wei


class RealVenue(ChainVenue):
    """real: the feeds by name."""

    def __init__(self, chain: Chain, world: World, deployment: Deployment, real: dict[str, RealFeed]) -> None:
        self.real = real
        super().__init__(chain, world, deployment)

    @classmethod
    def build(cls, chain: Chain, world: World) -> RealVenue:
        """Deploys the real parts, then the protocol beside them. Raises Reverted, ArtifactMissing."""
        real = {spec.name: _feed(chain, world, spec.name) for spec in world.feeds}
        given = {f"proxy {name}": feed.proxy.address for name, feed in real.items()}
        if _wraps(world):
            given[f"token {WETH}"] = chain.deploy(weth9()).address
        return cls(chain, world, Deployment.deploy(chain, world, given=given), real)

    def set_price(self, feed: str, price: int) -> None:
        answer, aggregator = terms.answer(self.world.feed(feed), price), self.real[feed].aggregator
        round_id = aggregator.latestRound() + 1
        for oracle in self.real[feed].oracles[:ENOUGH]:
            self._send(aggregator, "submit", round_id, answer, sender=oracle)

    def break_feed(self, feed: str, fault: FeedFault) -> None:
        raise AdapterError(f"a real feed is never {fault.value}: play this scenario on the mocks (--venue chain)")

    def give(self, actor: str, token: str, amount: int) -> None:
        if token == WETH and _wraps(self.world):
            self._wrap(amount)
            owner = self.deployment.roles.deployer
            self._send(self.deployment.tokens[WETH], "transfer", self.actors[actor], amount, sender=owner)
        else:
            super().give(actor, token, amount)

    def _wrap(self, amount: int) -> Receipt:
        """Ether out of thin air, wrapped by the deployer."""
        weth, owner = self.deployment.tokens[WETH], self.deployment.roles.deployer
        self.chain.rpc("anvil_setBalance", owner, hex(PLENTY))
        self.chain.set_next_time(self._time + self.shift)
        self._mined, self._reading = self._time, None
        return self.chain.send(weth.address, weth9().function("deposit").encode(()), owner, amount)


def _wraps(world: World) -> bool:
    return any(spec.token.name == WETH and spec.token.decimals == 18 for spec in world.collaterals)


def _feed(chain: Chain, world: World, name: str) -> RealFeed:
    spec = world.feed(name)
    first, low, high = (terms.answer(spec, price) for price in (spec.price, spec.min_price, spec.max_price))
    return RealFeed.deploy(chain, f"{name} / USD", first, low, high, spec.decimals)
