"""What a deployment will do and cost, known before anything is sent: the same steps, played on a chain of one's own.

The contracts themselves judge the parameters there (the listing rule, every bound), and the gas is theirs to the unit. What
the network has already (real tokens, real feeds) is a mock there that says the same; deploying those is not counted.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from plimsoll.chain.anvil import Anvil
from plimsoll.chain.live import LiveChain, Policy
from plimsoll.chain.recipe import Roles
from plimsoll.chain.rpc import Rpc
from plimsoll.chain.wallet import Wallet
from plimsoll.deploy.survey import Found, look
from plimsoll.deploy.network import Network
from plimsoll.deploy.record import Record, check_same, fingerprint, read
from plimsoll.deploy.steps import Builder, step_names
from plimsoll.errors import Refused, Reverted
from plimsoll.types import WAD

RESERVE_E2 = 130  # of the expected cost: fees move while one deploys
ETHER = 10**18
AT_ONCE = Policy(confirmations=1, deadline=60, resend=30, lag=1)
REHEARSER = "0x" + "5e" * 32  # a key of nobody, on a chain of nobody


@dataclass(frozen=True)
class Plan:
    """steps: those still to be done, with the gas that each takes. price: wei per gas now. balance: the deployer's, wei."""

    network: Network
    roles: Roles
    record: Record
    found: Found
    steps: tuple[tuple[str, int], ...]
    done: int
    price: int
    balance: int

    @property
    def gas(self) -> int:
        return sum(gas for _, gas in self.steps)

    @property
    def cost(self) -> int:
        """Expected, wei."""
        return self.gas * self.price


def make(chain: LiveChain, network: Network, path: Path, settings: dict[str, object], commit: str) -> Plan:
    """path: of the record, which is read, not written. Raises Refused with all that does not fit, RecordError, NodeDead."""
    check_chain(chain, network)
    roles, genesis = network.roles_of(chain.accounts[0]), first_block(chain)
    record = read(path)
    if record is None:
        mark = fingerprint(network, roles)
        record = Record(path, network.name, network.chain_id, genesis, roles, mark, dict(settings), commit)
    check_same(record, network, roles, genesis)
    names = step_names(network, roles)
    todo = [] if record.complete else [name for name in names if name not in record.steps]
    found, gas = Found(), dict[str, int]()
    if todo:
        found = look(chain, network)
        if found.reasons:
            raise Refused(*found.reasons)
        gas = rehearse(network, found)
    price, balance = max(1, sum(chain.market()) // 2), chain.balance(roles.deployer)  # base fee and tip: see market
    steps = tuple((name, gas[name]) for name in todo)
    plan = Plan(network, roles, record, found, steps, len(names) - len(todo), price, balance)
    _check_means(chain, plan)
    return plan


def check_chain(chain: LiveChain, network: Network) -> None:
    """Raises Refused on another chain than the file's."""
    if chain.id != network.chain_id:
        raise Refused(
            f"the node is on chain {chain.id}, the network {network.name} is chain {network.chain_id}: "
            f"correct the URL in {network.rpc}, or name another network"
        )


def first_block(chain: LiveChain) -> str:
    """The hash that tells chains of the same id apart."""
    return str(chain.rpc("eth_getBlockByNumber", "0x0", False)["hash"])


def rehearse(network: Network, found: Found) -> dict[str, int]:
    """Step → gas. Raises Refused where the contracts refuse the world, with the step and their numbers."""
    everything = replace(network, world=network.priced(found.prices), given={})
    wallet = Wallet.from_key(REHEARSER)
    with Anvil(chain_id=network.chain_id) as anvil, tempfile.TemporaryDirectory() as folder:
        anvil.rpc("anvil_setBalance", wallet.address, hex(1_000 * ETHER))
        chain = LiveChain(Rpc(anvil), wallet, AT_ONCE)
        roles = everything.roles_of(wallet.address)
        record = Record(Path(folder) / "rehearsal.json", network.name, network.chain_id, "", roles, "", {}, "")
        try:
            Builder(chain, everything, record).run()
        except (Reverted, TypeError) as refusal:
            raise Refused(f"the contracts refuse the file's parameters: {refusal}. See docs/risk.md; change the file") from None
    return {name: int(facts["gas"]) for name, facts in record.steps.items()}


def _check_means(chain: LiveChain, plan: Plan) -> None:
    """Raises Refused where ether or settlement tokens are too few for what is left to do."""
    reasons, deployer = [], plan.roles.deployer
    due = plan.cost * RESERVE_E2 // 100
    if plan.balance < due:
        reasons.append(
            f"{deployer} has {ether(plan.balance)} ether, {ether(due)} are needed ({plan.gas:,} gas at "
            f"{plan.price / 1e9:.3f} gwei, and a third in reserve): send it {ether(due - plan.balance)} more"
        )
    world, left = plan.network.world, {name for name, _ in plan.steps}
    token = plan.network.given.get(f"token {world.settlement.name}")
    insurance = sum(spec.insurance for spec in world.instruments if f"insure {spec.name}" in left)
    if token is not None and insurance:
        have = chain.at("MockToken", token).balanceOf(deployer)
        if have < insurance:
            reasons.append(f"{deployer} has {have} units of {world.settlement.name}, the insurance takes {insurance}")
    if reasons:
        raise Refused(*reasons)


def ether(wei: int) -> str:
    return f"{wei / WAD:.6f}"
