"""One step after another, each recorded as soon as it is final.

A step that a record names is done. A step that was sent but not recorded is recognised: by its transaction, whose nonce and
hash were written down before it was sent; or by the chain, which has code at the part's address, or answers as the act's proof
says. So a run that died goes on, and a run that is done changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from plimsoll.chain import create3
from plimsoll.chain.artifacts import artifact
from plimsoll.chain.deployment import Deployment
from plimsoll.chain.live import Letter, LiveChain, Pending
from plimsoll.chain.node import Receipt
from plimsoll.chain.recipe import Act, Fact, Part, Recipe, names
from plimsoll.deploy.network import Network
from plimsoll.deploy.record import Record
from plimsoll.errors import RecordError, Reverted

FACTORY = "factory"
FACTORY_ARTIFACT = "Create3Factory"


@dataclass(frozen=True)
class Step:
    """letter: what is sent. there: whether the chain shows that it was done. facts: what the record keeps of it, besides its
    transaction, once it is done."""

    name: str
    letter: Letter
    there: Callable[[], bool]
    facts: Callable[[Receipt | None], dict[str, Any]]
    creation: Letter | None = None  # of a part: its constructor without the factory, to ask it why it refuses


Told = Callable[[str, int, int], None]  # step, its place from 1, how many there are


def recipe_of(network: Network, record: Record) -> Recipe:
    """What the record's deployment consists of, at its addresses. Raises RecordError before the factory is there."""
    factory, deployer = record.address(FACTORY), record.roles.deployer
    at = {name: create3.address_of(factory, deployer, name) for name in names(network.world)}
    return Recipe(network.world, record.roles, {**at, **network.given}, frozenset(network.given))


def deployment_of(chain: LiveChain, network: Network, record: Record) -> Deployment:
    return Deployment.of(chain, recipe_of(network, record))


def load(network: Network, record: Record, chain: LiveChain) -> Deployment:
    """What was deployed, to be spoken to: reads go anywhere, transactions are signed by the chain's wallet and carried until
    they are final (`deployment.pool.deposit(assets, me, sender=me)`). Raises RecordError before it is all there."""
    if not record.complete:
        raise RecordError(str(record.path), "it is not finished: run `make deploy` to its end first")
    return deployment_of(chain, network, record)


def step_names(network: Network, roles: Any) -> list[str]:
    """In order. (What they do depends on addresses, their names do not.)"""
    nowhere = dict.fromkeys(names(network.world), "0x" + "11" * 20)
    recipe = Recipe(network.world, roles, nowhere, frozenset(network.given))
    return [FACTORY, *(part.name for part in recipe.parts()), *(act.title for act in recipe.acts())]


class Builder:
    """Deploys a network's world as its record says how far it came. told: called before each step that is to be done."""

    def __init__(self, chain: LiveChain, network: Network, record: Record, told: Told = lambda step, place, of: None) -> None:
        self.chain, self.network, self.record, self._told = chain, network, record, told

    def run(self) -> Deployment:
        """To the end. Raises Reverted (with the step's name as hint), NotMined, DeployError, NodeRefused, NodeDead."""
        todo = step_names(self.network, self.record.roles)
        if self.record.complete:
            return deployment_of(self.chain, self.network, self.record)
        for place, step in enumerate(self._steps(), 1):
            if step.name not in self.record.steps:
                self._told(step.name, place, len(todo))
                self._do(step)
        self.record.complete = True
        self.record.save()
        return deployment_of(self.chain, self.network, self.record)

    def _do(self, step: Step) -> None:
        pending = self.record.pending_of(step.name)
        if pending is None and step.there():
            self.record.done(step.name, step.facts(None))
            return

        def note(pending: Pending) -> None:
            self.record.under_way(step.name, pending)

        try:
            receipt = self.chain.carry(step.letter, pending, note)
        except Reverted as refusal:
            self.record.under_way(step.name, None)
            raise self._reason(step, refusal) from None
        self.record.done(step.name, step.facts(receipt))

    def _reason(self, step: Step, refusal: Reverted) -> Exception:
        """The constructor's own words, where the factory only says that it failed."""
        found: Exception = refusal
        if step.creation is not None and refusal.name == "ConstructorFailed":
            found = self.chain.why(step.creation)
        if isinstance(found, Reverted):
            found.hint = f"{found.hint + '; ' if found.hint else ''}at the step: {step.name}"
        return found

    def _steps(self) -> Iterator[Step]:
        """Lazily: addresses are known once the factory is there."""
        yield self._factory()
        recipe = recipe_of(self.network, self.record)
        yield from map(self._part, recipe.parts())
        deployment = deployment_of(self.chain, self.network, self.record)
        for act in recipe.acts():
            yield self._act(act, deployment)

    def _factory(self) -> Step:
        letter = Letter(None, artifact(FACTORY_ARTIFACT).init_code((), {}))

        def facts(receipt: Receipt | None) -> dict[str, Any]:
            assert receipt is not None, "a factory is there only by its transaction"
            address = self.chain.at(FACTORY_ARTIFACT, receipt.raw["contractAddress"]).address
            return self._deployed(Part(FACTORY, FACTORY_ARTIFACT, ()), address, receipt)

        return Step(FACTORY, letter, lambda: False, facts)

    def _part(self, part: Part) -> Step:
        factory = self.chain.at(FACTORY_ARTIFACT, self.record.address(FACTORY))
        address = create3.address_of(factory.address, self.record.roles.deployer, part.name)
        creation = artifact(part.artifact).init_code(part.args, {})
        return Step(
            part.name,
            Letter(factory.address, factory.encode("deploy", create3.salt(part.name), creation)),
            lambda: self.chain.code(address) != "0x",
            lambda receipt: self._deployed(part, address, receipt),
            Letter(None, creation),
        )

    def _act(self, act: Act, deployment: Deployment) -> Step:
        target = deployment.contract(act.part)

        def there() -> bool:
            if act.proof and _hold(deployment, act.proof):
                return True
            return act.fn != "transferOwnership" and _hold(deployment, (deployment.recipe.handed_over(),))

        return Step(act.title, Letter(target.address, target.encode(act.fn, *act.args)), there, _transaction)

    def _deployed(self, part: Part, address: str, receipt: Receipt | None) -> dict[str, Any]:
        compiled = artifact(part.artifact)
        encoded = compiled.init_code(part.args, {})[2 + len(compiled.bytecode) :]
        return {
            "contract": part.artifact,
            "address": address,
            "arguments": list(part.args),
            "encoded_arguments": "0x" + encoded,
            "code_hash": create3.code_hash(self.chain.code(address)),
            **_transaction(receipt),
        }


def _hold(deployment: Deployment, facts: tuple[Fact, ...]) -> bool:
    return all(fact.holds(value) for fact, value in zip(facts, deployment.ask(list(facts))))


def _transaction(receipt: Receipt | None) -> dict[str, Any]:
    if receipt is None:
        return {"block": None, "transaction": None, "gas": None}
    return {"block": receipt.block, "transaction": receipt.hash, "gas": receipt.gas_used}
