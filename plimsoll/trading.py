"""`python -m plimsoll status`, `account`, `deposit`, `provide`, `open`, `close`, `withdraw`, `liquidate`: a person on a testnet."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from plimsoll import deploying
from plimsoll.chain.abi import as_address
from plimsoll.chain.deployment import Deployment
from plimsoll.deploy import look
from plimsoll.deploy.desk import Desk, Order
from plimsoll.errors import Refused
from plimsoll.scenarios.reader import exact

HELD, FAILED = 0, 1
if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def add_commands(commands: Commands) -> None:
    _look_at(commands, "status", "markets, prices and their age, the pool, the insurance", _status)
    account = _look_at(commands, "account", "an account: health, margin, liquidation prices", _account)
    account.add_argument("owner", metavar="ADDRESS")
    _add_sub(account)
    deposit = _verb(commands, "deposit", "tokens into the account", lambda d, o: d.deposit(o.token, o.amount, o.mint), "token", "amount")
    provide = _verb(commands, "provide", "settlement tokens into the pool", lambda d, o: d.provide(o.amount, o.mint), "amount")
    for parser in (deposit, provide):
        parser.add_argument("--mint", action="store_true", help="make the tokens first: mint a mock, wrap ether")
    opening = _verb(commands, "open", "a position", lambda d, o: d.open(o.instrument, o.size, o.short, o.slippage), "instrument", "size")
    opening.add_argument("--short", action="store_true", help="sell it (default: buy)")
    closing = _verb(commands, "close", "a whole position", lambda d, o: d.close(o.instrument, o.slippage), "instrument")
    for parser in (opening, closing):
        parser.add_argument("--slippage", type=_slippage, default=10_000, metavar="PERCENT", help="off the foreseen price (default: 1)")
    _verb(commands, "withdraw", 'tokens, an amount or "max"', lambda d, o: d.withdraw(o.token, o.amount), "token", "amount")
    _verb(commands, "liquidate", "somebody's account below its line", lambda d, o: d.liquidate(_address(o.owner), o.sub), "owner")


def _add_sub(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sub", type=int, default=0, metavar="N", help="which of the owner's accounts (default: 0)")


def _slippage(word: str) -> int:
    value = exact(word.removesuffix("%"), 4)
    if value is None or not 0 <= value <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{word} is no percentage from 0 to 100")
    return value


def _look_at(
    commands: Commands, name: str, says: str, show: Callable[[Deployment, argparse.Namespace], list[str]]
) -> argparse.ArgumentParser:
    def command(options: argparse.Namespace) -> int:
        console = Console()
        made = deploying.open_deployment(options.network, None, options.records, says=console.print)
        _say(console, *show(made, options))
        return HELD

    parser = commands.add_parser(name, help=says)
    parser.set_defaults(command=command)
    deploying.add_network(parser)
    return parser


def _status(made: Deployment, options: argparse.Namespace) -> list[str]:
    return list(look.status(made))


def _account(made: Deployment, options: argparse.Namespace) -> list[str]:
    return list(look.account(made, made.account(_address(options.owner), options.sub)))


def _verb(
    commands: Commands, name: str, says: str, order: Callable[[Desk, argparse.Namespace], Order], *words: str
) -> argparse.ArgumentParser:
    def command(options: argparse.Namespace) -> int:
        console, wallet = Console(), deploying.wallet_of(options.account)
        made = deploying.open_deployment(options.network, wallet, options.records, options.confirmations, console.print)
        desk = Desk(made, wallet.address, options.sub if name != "liquidate" else 0)
        given = order(desk, options)
        _say(console, *given.words, f"to send from {wallet.address}: {', '.join(call[0] for call in given.calls)}")
        if not (options.yes or deploying.agreed(console)):
            _say(console, "Nothing was sent.")
            return FAILED
        desk.carry(given, lambda words: _say(console, words))
        return HELD

    parser = commands.add_parser(name, help=says)
    parser.set_defaults(command=command)
    deploying.add_network(parser)
    for word in words:
        parser.add_argument(word)
    _add_sub(parser)
    deploying.add_sender(parser)
    return parser


def _address(word: str) -> str:
    found = as_address(word)
    if found is None:
        raise Refused(f"{word} is no address")
    return found


def _say(console: Console, *lines: str) -> None:
    for line in lines:
        console.print(escape(line), soft_wrap=True, highlight=False)
