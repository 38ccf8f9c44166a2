"""`python -m plimsoll deploy` and `check`: a network's deployment, planned, asked for, done, and read back."""

from __future__ import annotations

import argparse
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from plimsoll.chain.live import LiveChain, Policy
from plimsoll.chain.patient import PatientRpc
from plimsoll.chain.sources import settings
from plimsoll.chain.wallet import Wallet
from plimsoll.deploy import check as checking, network as networks, plan as planning
from plimsoll.deploy.check import Row
from plimsoll.deploy.network import Network
from plimsoll.deploy.plan import Plan, ether
from plimsoll.deploy.record import alone, read
from plimsoll.deploy.steps import Builder
from plimsoll.errors import RecordError, Refused

HELD, FAILED = 0, 1
ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "deployments"

Says = Callable[[str], object]


def add_deploy(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=deploy)
    _add_network(parser)
    parser.add_argument("--account", metavar="ID", help="a keystore account of Brownie's (default: the key in PLIMSOLL_PRIVATE_KEY)")
    parser.add_argument("--yes", action="store_true", help="do not ask before sending")
    parser.add_argument("--confirmations", type=int, metavar="N", help="blocks until a step counts as final (default: the file's)")


def add_check(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=check)
    _add_network(parser)


def _add_network(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("network", help="sepolia, arbitrum-sepolia, base-sepolia, or a network file")
    parser.add_argument("--records", type=Path, default=FOLDER, metavar="DIR", help="where it is recorded (default: deployments)")


def deploy(options: argparse.Namespace) -> int:
    """Plans, asks, deploys or goes on deploying, checks; returns the exit code."""
    console = Console()
    network = networks.load(networks.find(options.network))
    path = options.records / f"{network.name}.json"
    policy = Policy(confirmations=options.confirmations or network.confirmations)
    chain = open_chain(network, console.print, _wallet(options.account), policy)
    with alone(path):
        plan = planning.make(chain, network, path, settings(), commit())
        show_plan(console, plan)
        if plan.steps and not (options.yes or _agreed(console)):
            console.print("Nothing was sent.")
            return FAILED

        def told(step: str, place: int, of: int) -> None:
            console.print(f"{place:>3} of {of}  {escape(step)}", highlight=False)

        Builder(chain, network, plan.record, told).run()
        return show_check(console, checking.check(chain, network, plan.record))


def check(options: argparse.Namespace) -> int:
    """Reads a deployment back; returns the exit code."""
    network = networks.load(networks.find(options.network))
    path = options.records / f"{network.name}.json"
    record = read(path)
    if record is None:
        raise RecordError(str(path), f"there is none: nothing was deployed to {network.name} from here")
    console = Console()
    return show_check(console, checking.check(open_chain(network, console.print), network, record))


def open_chain(network: Network, says: Says, wallet: Wallet | None = None, policy: Policy = Policy()) -> LiveChain:
    """The network's node. Raises Refused where the variable with its URL is missing."""
    url = os.environ.get(network.rpc, "").strip()
    if not url.startswith(("http://", "https://")):
        raise Refused(f"{network.rpc} is not set: put the URL (http…) of a node of {network.name} into this variable")

    def told(words: str) -> None:
        says(escape(words))

    return LiveChain(PatientRpc(url, told=told), wallet, policy)


def _wallet(account: str | None) -> Wallet:
    return Wallet.from_keystore(account) if account else Wallet.from_environment()


def commit() -> str:
    """Of the sources; with a plus where they have changed since. Empty without git."""
    try:
        found = subprocess.run(
            ["git", "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty=+"],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return ""
    return found.stdout.strip()


def _agreed(console: Console) -> bool:
    try:
        return console.input("Send these transactions? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False


# Screens -----------------------------------------------------------------------------------------------------------


def show_plan(console: Console, plan: Plan) -> None:
    network, world, roles = plan.network, plan.network.world, plan.roles
    console.print(f"[bold]{escape(network.name)}[/], chain {network.chain_id}, recorded in {plan.record.path}", soft_wrap=True)
    if not plan.steps:
        console.print("Everything is deployed already: nothing is to be done.")
        return
    whole = Table("what", "how", show_edge=False, box=None, title="What is deployed", title_justify="left")
    for name, value in vars(roles).items():
        same = " (the deployer itself)" if name != "deployer" and value == roles.deployer else ""
        whole.add_row(name, value + same)
    whole.add_row("sequencer", network.given.get("sequencer", "mock" if world.sequencer_grace is not None else "none"))
    for token in (world.settlement, *(coin.token for coin in world.collaterals)):
        whole.add_row(f"token {token.name}", f"{network.given.get(f'token {token.name}', 'mock')}, {token.decimals} decimals")
    for feed in world.feeds:
        where = network.given.get(f"proxy {feed.name}", "mock")
        price = plan.found.prices.get(feed.name, feed.price)
        age = f", {plan.found.ages[feed.name]} s old" if feed.name in plan.found.ages else ""
        told = f"{where}, {price / 1e18:,.2f}{age}, heartbeat {feed.heartbeat} + {feed.grace} s, spread {feed.half_spread_e6 / 1e4:g} %"
        whole.add_row(f"feed {feed.name}", told)
    for spec in (*world.instruments, *world.collaterals, world.pool, world.liquidation, world.debt, world.guard):
        if spec is not None:
            whole.add_row(getattr(spec, "name", type(spec).__name__.removesuffix("Spec").lower()), _fields(spec))
    console.print(whole)
    _show_cost(console, plan)


def _fields(spec: object) -> str:
    return "  ".join(f"{key} {value}" for key, value in vars(spec).items() if key not in ("name", "token"))


def _show_cost(console: Console, plan: Plan) -> None:
    steps = Table("step", "gas", show_edge=False, box=None, title="\nWhat is sent", title_justify="left")
    for name, gas in plan.steps:
        steps.add_row(name, f"{gas:,}")
    console.print(steps)
    done = f"{plan.done} steps are done already; " if plan.done else ""
    console.print(
        f"{done}{len(plan.steps)} transactions, {plan.gas:,} gas at {plan.price / 1e9:.3f} gwei: {ether(plan.cost)} ether of "
        f"{ether(plan.balance)} (a rollup adds what it pays for data)",
        soft_wrap=True,
        highlight=False,
    )


def show_check(console: Console, rows: list[Row]) -> int:
    table = Table("what", "expected", "found", "", show_edge=False, box=None)
    for row in rows:
        mark = "right" if row.right else "[bold red]wrong[/]"
        table.add_row(escape(row.what), escape(row.expected), "" if row.right else escape(row.found), mark)
    console.print(table)
    wrong = [row for row in rows if not row.right]
    console.print(f"{len(rows)} checked, {len(wrong)} wrong" if wrong else f"{len(rows)} checked, all right", highlight=False)
    return FAILED if wrong else HELD
