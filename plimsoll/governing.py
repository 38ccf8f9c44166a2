"""`python -m plimsoll govern` and `pause`: what the governor and the guardian do after a deployment."""

from __future__ import annotations

import argparse

from rich.console import Console
from rich.markup import escape

from plimsoll import deploying
from plimsoll.chain.deployment import Deployment
from plimsoll.chain.live import Letter, LiveChain
from plimsoll.deploy.change import Change, changes, restrictions
from plimsoll.errors import Refused
from plimsoll.scenarios.reader import utc

HELD, FAILED = 0, 1


def add_govern(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=govern)
    deploying.add_network(parser)
    deploying.add_sender(parser)


def add_pause(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=pause)
    deploying.add_network(parser)
    parser.add_argument("instruments", nargs="*", metavar="INSTRUMENT", help="by name (default: all)")
    deploying.add_sender(parser)


def govern(options: argparse.Namespace) -> int:
    """Does the next thing for all that differs from the network file; returns the exit code."""
    console, made = _opened(options)
    found = changes(made)
    if not found:
        _say(console, "The chain has what the network file says: nothing is to be done.")
        return HELD
    for change in found:
        until = f" until {utc(change.ready)} UTC" if change.ready else ""
        _say(console, f"{change.act.title}: {change.todo}{until}")
        for row in change.rows:
            _say(console, f"    {row.what}: {row.found} → {row.expected}")
    return _send(console, made, options, [(f"{c.todo}: {c.act.title}", c.letter) for c in _sendable(made, found) if c.letter])


def _sendable(made: Deployment, found: list[Change]) -> list[Change]:
    """Raises Refused where only the governor may do the next thing, and the key is not his."""
    me, governor = made.chain.accounts[0], made.roles.governor
    if me != governor and any(change.governor for change in found):
        raise Refused(f"only the governor {governor} announces; the key is {me}'s")
    return found


def pause(options: argparse.Namespace) -> int:
    """Makes instruments reduce-only: positions can be closed, none can grow. Returns the exit code."""
    console, made = _opened(options)
    me, may = made.chain.accounts[0], made.parameters.guardian()
    todo = list(restrictions(made, options.instruments))
    if not todo:
        _say(console, "They are reduce-only already: nothing is to be done.")
        return HELD
    if me != may:
        raise Refused(f"only the guardian {may} pauses (or the timelock); the key is {me}'s")
    return _send(console, made, options, [(f"make {name} reduce-only", letter) for name, letter in todo])


def _opened(options: argparse.Namespace) -> tuple[Console, Deployment]:
    console, wallet = Console(), deploying.wallet_of(options.account)
    made = deploying.open_deployment(options.network, wallet, options.records, options.confirmations, console.print)
    return console, made


def _send(console: Console, made: Deployment, options: argparse.Namespace, todo: list[tuple[str, Letter]]) -> int:
    if not todo:
        return HELD
    chain = made.chain
    assert isinstance(chain, LiveChain)
    for what, letter in todo:
        _say(console, f"to send: {what} (at {letter.to}, {chain.estimate(letter):,} gas at the most)")
    if not (options.yes or deploying.agreed(console)):
        _say(console, "Nothing was sent.")
        return FAILED
    for what, letter in todo:
        _say(console, f"{what}: {chain.carry(letter).hash}")
    return HELD


def _say(console: Console, words: str) -> None:
    console.print(escape(words), soft_wrap=True, highlight=False)
