"""`python -m plimsoll deploy` and `check`: a network's deployment, planned, asked for, done, and read back."""

from __future__ import annotations

import argparse
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from plimsoll.chain.deployment import Deployment
from plimsoll.chain.explorer import API, Explorer
from plimsoll.chain.live import LiveChain, Policy
from plimsoll.chain.patient import PatientRpc
from plimsoll.chain.sources import settings
from plimsoll.chain.wallet import Wallet
from plimsoll.deploy import check as checking, network as networks, plan as planning, verify
from plimsoll.deploy.network import Network
from plimsoll.deploy.record import Record, alone, read
from plimsoll.deploy.screen import show_check, show_plan
from plimsoll.deploy.steps import Builder, load, recipe_of
from plimsoll.errors import DeployError, RecordError, Refused

HELD, FAILED = 0, 1
ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "deployments"

KEY, API_VARIABLE = "ETHERSCAN_API_KEY", "ETHERSCAN_API"

Says = Callable[[str], object]


def add_deploy(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=deploy)
    add_network(parser)
    add_sender(parser)


def add_check(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=check)
    add_network(parser)


def add_network(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("network", help="sepolia, arbitrum-sepolia, base-sepolia, or a network file")
    parser.add_argument("--records", type=Path, default=FOLDER, metavar="DIR", help="where it is recorded (default: deployments)")


def add_sender(parser: argparse.ArgumentParser) -> None:
    """What every command has that sends."""
    parser.add_argument("--account", metavar="ID", help="a keystore account of Brownie's (default: the key in PLIMSOLL_PRIVATE_KEY)")
    parser.add_argument("--yes", action="store_true", help="do not ask before sending")
    parser.add_argument("--confirmations", type=_blocks, metavar="N", help="blocks until a step is final (default: the file's)")


def _blocks(word: str) -> int:
    number = int(word)
    if number < 1:
        raise argparse.ArgumentTypeError("at least one block")
    return number


def deploy(options: argparse.Namespace) -> int:
    """Plans, asks, deploys or goes on deploying, checks; returns the exit code."""
    console = Console()
    network = networks.load(networks.find(options.network))
    path = options.records / f"{network.name}.json"
    policy = Policy(confirmations=options.confirmations or network.confirmations)
    chain = open_chain(network, console.print, wallet_of(options.account), policy)
    with alone(path):
        plan = planning.make(chain, network, path, settings(), commit())
        show_plan(console, plan)
        if plan.steps and not (options.yes or agreed(console)):
            console.print("Nothing was sent.")
            return FAILED

        def told(step: str, place: int, of: int) -> None:
            console.print(f"{place:>3} of {of}  {escape(step)}", highlight=False)

        Builder(chain, network, plan.record, told).run()
        _publish(console, network, plan.record, options.records / network.name)
        return _checked(console, chain, network, plan.record)


def check(options: argparse.Namespace) -> int:
    """Reads a deployment back; returns the exit code."""
    network = networks.load(networks.find(options.network))
    record, console = _recorded(network, options.records), Console()
    return _checked(console, open_chain(network, console.print), network, record)


def _checked(console: Console, chain: LiveChain, network: Network, record: Record) -> int:
    rows = checking.check(chain, network, record)
    show_check(console, rows)
    return HELD if all(row.right for row in rows) else FAILED


def _publish(console: Console, network: Network, record: Record, folder: Path) -> None:
    """Sources and arguments as files; to the explorer too where there is a key. What it answers decides nothing."""
    recipe, key = recipe_of(network, record), os.environ.get(KEY, "").strip()
    verify.write_sources(folder, recipe, record)
    if not key:
        console.print(f"Sources for the explorer are in {folder}; with a key in {KEY} they are submitted.", soft_wrap=True)
        return
    explorer = Explorer(network.chain_id, key, os.environ.get(API_VARIABLE) or API)
    try:
        for part, said in verify.submit(explorer, recipe, record):
            console.print(f"explorer: {escape(part)}: {escape(said)}", soft_wrap=True, highlight=False)
    except DeployError as problem:
        console.print(f"[yellow]{escape(str(problem))}[/]", soft_wrap=True)


def open_chain(network: Network, says: Says, wallet: Wallet | None = None, policy: Policy = Policy()) -> LiveChain:
    """The network's node. Raises Refused where the variable with its URL is missing."""
    url = os.environ.get(network.rpc, "").strip()
    if not url.startswith(("http://", "https://")):
        raise Refused(f"{network.rpc} is not set: put the URL (http…) of a node of {network.name} into this variable")

    def told(words: str) -> None:
        says(escape(words))

    return LiveChain(PatientRpc(url, told=told), wallet, policy)


def wallet_of(account: str | None) -> Wallet:
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


def agreed(console: Console) -> bool:
    try:
        return console.input(escape("Send these transactions? [y/N] ")).strip().lower() in ("y", "yes")
    except EOFError:
        return False


def open_deployment(
    name_or_file: str, wallet: Wallet | None = None, records: Path = FOLDER, confirmations: int | None = None, says: Says = print
) -> Deployment:
    """What was deployed to a network, by its name: the record of it, at the node whose URL is in the network's variable.

    confirmations: in place of the file's. Raises NetworkFileError, RecordError (nothing there, unfinished), Refused.
    """
    network = networks.load(networks.find(name_or_file))
    record = _recorded(network, records)
    chain = open_chain(network, says, wallet, Policy(confirmations=confirmations or network.confirmations))
    planning.check_chain(chain, network)
    return load(network, record, chain)


def first_block(network: Network, records: Path = FOLDER) -> int:
    """In which block the engine was deployed. Raises RecordError."""
    return int(_recorded(network, records).steps["engine"].get("block") or 0)


def _recorded(network: Network, records: Path) -> Record:
    path = records / f"{network.name}.json"
    record = read(path)
    if record is None:
        raise RecordError(str(path), f"there is none: nothing was deployed to {network.name} from here")
    return record
