"""`python -m plimsoll keeper run`: the keeper at a deployment, by its network's name or by the address of its lens (docs/keeper.md)."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import TextIO, TypeVar

from rich.console import Console

from plimsoll import deploying, soaking
from plimsoll.chain.abi import BadData, as_address
from plimsoll.chain.bell import Bell
from plimsoll.chain.deployment import Deployment
from plimsoll.chain.lookout import CALLS_PER_POST, Lookout
from plimsoll.chain.wallet import Wallet
from plimsoll.deploy import network as networks
from plimsoll.errors import KeeperError, NodeDead, NodeRefused, Refused
from plimsoll.keeper.act import Options
from plimsoll.keeper.journal import Journal
from plimsoll.keeper.metrics import MetricsServer
from plimsoll.keeper.run import Keeper
from plimsoll.keeper.screen import Screen
from plimsoll.keeper.send import GWEI, Manners
from plimsoll.keeper.store import Store
from plimsoll.scenarios.reader import exact

HELD, FAILED = 0, 1
GAS_TOKENS = ("ETH", "WETH", "ETHER")
MONEY_DECIMALS = 6
SECONDS_OF_PATIENCE = 60.0
Answer = TypeVar("Answer")
Number = TypeVar("Number", int, float)


def add_keeper(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(title="verbs", required=True)
    _add_run(verbs.add_parser("run", help="watch a deployment, and liquidate what sinks below its line"))
    soaking.add_soak(verbs.add_parser("soak", help="three keepers on a chain of their own with many bad days"))


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=run)
    parser.add_argument("network", nargs="?", help="sepolia, arbitrum-sepolia, base-sepolia, or a network file")
    parser.add_argument("--url", help="a node instead of a network's: then --lens too")
    parser.add_argument("--lens", metavar="ADDRESS", help="of the deployment's MarginLens; all else is read off it")
    parser.add_argument("--records", type=Path, default=deploying.FOLDER, metavar="DIR", help="where deployments are recorded")
    parser.add_argument("--from-block", type=_between(0), metavar="N", help="where its events begin (default: as recorded, else 0)")
    parser.add_argument("--batch", type=_between(1), default=CALLS_PER_POST, metavar="N", help="requests that travel together (default: 100)")
    parser.add_argument("--ws", metavar="URL", help="a WebSocket that tells of new blocks (default: polling)")
    parser.add_argument("--account", metavar="ID", help="a keystore account of Brownie's (default: the key in PLIMSOLL_PRIVATE_KEY)")
    parser.add_argument("--store", metavar="URL", help="as SQLAlchemy has it (default: sqlite:///keeper-NETWORK.db)")
    parser.add_argument("--dry-run", action="store_true", help="decide, and send nothing; needs no key")
    parser.add_argument("--taker", type=_between(0, 2**96 - 1), metavar="SUB", help="own sub-account that takes positions (default: the pool does)")
    parser.add_argument("--ether", metavar="FEED", help="the feed that prices gas; none: gas counts as free (default: ETH's)")
    money = (
        ("--least-profit", "0", "least profit of a transaction"),
        ("--upkeep", "10", "most that is spent in a day on what earns nothing"),
        ("--budget", "0", "most that is paid for collateral at once; 0 buys none"),
    )
    for name, default, words in money:
        parser.add_argument(name, default=default, metavar="MONEY", help=f"{words}, settlement tokens (default: {default})")
    parser.add_argument("--confirmations", type=_between(1), default=2, metavar="N", help="blocks until a transaction's end is known (default: 2)")
    parser.add_argument("--resend", type=_between(0.1), default=24, metavar="SECONDS", help="until one is sent again for more (default: 24)")
    parser.add_argument("--most-fee", type=_between(0.001), default=500, metavar="GWEI", help="per gas, never offered more (default: 500)")
    parser.add_argument("--pause", type=_between(0.01), default=1, metavar="SECONDS", help="between looks at the chain (default: 1)")
    parser.add_argument("--metrics", type=_between(0, 65_535), metavar="PORT", help="/metrics and /healthz on 127.0.0.1; 0: a free port (default: none)")
    parser.add_argument("--log", type=Path, metavar="FILE", help="JSON lines (default: the standard output where it is no terminal)")
    parser.add_argument("--on-alert", metavar="COMMAND", help="called with the line on its standard input")
    parser.add_argument("--quiet", action="store_true", help="no live view")


def _between(least: Number, most: Number | None = None) -> Callable[[str], Number]:
    """A number of the same kind as `least`."""

    def read(word: str) -> Number:
        try:
            number = type(least)(word)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{word} is no number") from None
        if not least <= number or (most is not None and number > most):
            raise argparse.ArgumentTypeError(f"{word}: from {least}" + (f" to {most}" if most is not None else " on"))
        return number

    return read


def run(options: argparse.Namespace) -> int:
    """Until SIGTERM or Ctrl-C, and then until what is under way has ended; returns the exit code."""
    console = Console(stderr=True)
    with ExitStack() as stack:
        journal = Journal(stack.enter_context(_log(options.log)), options.on_alert)
        wallet = None if options.dry_run else deploying.wallet_of(options.account)
        lookout, name, first = _patiently(lambda: _lookout(options, wallet), console)
        url = options.store or f"sqlite:///keeper-{name}.db"
        store = Store(url, _patiently(lambda: lookout.identity, console), first)
        stack.callback(store.close)
        keeper = _patiently(lambda: Keeper(lookout, store, _options(options, lookout, first), journal), console)
        bell = Bell(options.ws, lambda words: journal.note("trouble", kind="WebSocket", problem=words))
        stack.callback(bell.close)
        if options.metrics is not None:
            server = MetricsServer(keeper, options.metrics)
            stack.callback(server.close)
            console.print(f"metrics at http://127.0.0.1:{server.port}/metrics", highlight=False)
        under_way = len(keeper.hands.sender.open)
        journal.note("started", address=lookout.address, block=store.checkpoint.number, under_way=under_way)
        stack.enter_context(_until_told(keeper, bell))
        screen = stack.enter_context(Screen(keeper, console, options.quiet))
        keeper.run(bell.wait, screen.show)
    return HELD


@contextmanager
def _until_told(keeper: Keeper, bell: Bell) -> Iterator[None]:
    """The first signal lets what is under way end; the second does not."""

    def stop(number: int, frame: FrameType | None) -> None:
        if keeper.stopping:
            raise KeyboardInterrupt
        keeper.stopping = True
        bell.ring()

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _log(path: Path | None) -> Iterator[TextIO | None]:
    if path is None:
        yield None if sys.stdout.isatty() else sys.stdout
        return
    try:
        file = path.open("a", encoding="utf-8")
    except OSError as problem:
        raise KeeperError(f"the log {path} cannot be written ({problem.strerror}): name another one with --log") from None
    with file:
        yield file


def _patiently(does: Callable[[], Answer], console: Console) -> Answer:
    """A keeper that is started again while its node is away waits for it; a wrong URL is no news after a minute."""
    pause, deadline = 0.5, time.monotonic() + SECONDS_OF_PATIENCE
    while True:
        try:
            return does()
        except (NodeDead, NodeRefused) as problem:
            if time.monotonic() + pause > deadline:
                raise
            if pause == 0.5:
                console.print(f"waiting for the node: {problem}", markup=False, highlight=False, soft_wrap=True)
        time.sleep(pause)
        pause = min(2 * pause, 2.0)


def _lookout(options: argparse.Namespace, wallet: Wallet | None) -> tuple[Lookout, str, int]:
    """The deployment, a name for it, and where its events begin. Raises Refused, NodeDead, NodeRefused."""
    if options.network is not None:
        if options.url or options.lens:
            raise Refused("name a network, or give --url and --lens: not both")
        made: Deployment = deploying.open_deployment(options.network, None, options.records)
        network = networks.load(networks.find(options.network))
        first = deploying.first_block(network, options.records) if options.from_block is None else options.from_block
        return Lookout(os.environ[network.rpc].strip(), made.lens.address, wallet, options.batch), network.name, first
    if not (options.url and options.lens):
        raise Refused("which deployment? name a network, or give --url and --lens")
    if not options.url.startswith(("http://", "https://")):
        raise Refused(f"--url {options.url} is no http URL")
    address = as_address(options.lens)
    if address is None:
        raise Refused(f"--lens {options.lens} is no address: 0x and 40 digits of hex, capitals as its checksum has them")
    try:
        return Lookout(options.url, address, wallet, options.batch), address[:10], options.from_block or 0
    except BadData:
        raise Refused(f"there is no MarginLens at {address}: look up the address in the record of the deployment") from None


def _options(options: argparse.Namespace, lookout: Lookout, first: int) -> Options:
    """Raises Refused."""
    manners = Manners(options.confirmations, options.resend, 10 * options.resend, most_fee=int(options.most_fee * GWEI))
    return Options(
        own=None if options.taker is None else int(lookout.address, 16) << 96 | options.taker,
        ether=_ether(options.ether, lookout.names()),
        least_profit=_money("--least-profit", options.least_profit),
        upkeep=_money("--upkeep", options.upkeep),
        budget=_money("--budget", options.budget),
        dry=options.dry_run,
        first_block=first,
        pause=options.pause,
        manners=manners,
    )


def _money(name: str, text: str) -> int:
    amount = exact(text, MONEY_DECIMALS)
    if amount is None:
        raise Refused(f"{name} {text} is no amount such as 2.50")
    return amount


def _ether(word: str | None, names: list[str]) -> int | None:
    """The feed that prices gas; None where gas is free."""
    if word == "none":
        return None
    wanted = GAS_TOKENS if word is None else (word.upper(),)
    found = [i for i, name in enumerate(names) if name.upper() in wanted or name.upper().split("/")[0].strip() in wanted]
    if not found:
        raise Refused(f"which feed prices gas? name it with --ether ({', '.join(names)}), or say --ether none: gas counts as free")
    return found[0]
