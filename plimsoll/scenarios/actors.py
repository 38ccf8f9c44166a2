"""The `actors` of a scenario file: who they are, and the steps with which they enter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from plimsoll.fixed_point import mul_div_down
from plimsoll.scenarios.acts import Allocate, Bring, Deposit, Provide, Trade
from plimsoll.scenarios.prices import Path, price_at
from plimsoll.scenarios.reader import Reader, exact
from plimsoll.scenarios.steps import Step, by_name, deposits
from plimsoll.scenarios.words import size as show_size
from plimsoll.types import POOL, SIZE_UNIT, WAD, Account, World

ROLES = ("trader", "provider", "keeper")


@dataclass(frozen=True)
class ActorSpec:
    """about: a sentence for the report."""

    account: Account
    role: str
    about: str


def read_actors(
    section: Reader, world: World, paths: Mapping[str, Path]
) -> tuple[tuple[ActorSpec, ...], tuple[Step, ...]]:
    """The actors, and their first steps: providers before all others."""
    specs: list[ActorSpec] = []
    steps: list[Step] = []
    for name, reader in section.mapping("a mapping from each actor to what it is").items():
        given = reader.record(("role",), ("about", "deposit", "open", "provide", "wallet", "at"))
        account = account_of(reader, name)
        role = given["role"].choice(ROLES, "role")
        about = given["about"].text("a sentence") if "about" in given else ""
        specs.append(ActorSpec(account, role, about))
        entered = _entrance(given, account, world, paths)
        steps = [*entered, *steps] if role == "provider" else [*steps, *entered]
    return tuple(specs), tuple(steps)


def account_of(reader: Reader, name: str) -> Account:
    """ "ivan" or "ivan/1"."""
    actor, _, sub = name.partition("/")
    number = exact(sub, 0) if sub else 0
    if not actor.isidentifier() or number is None or number < 0:
        reader.fail(f'"{name}" is no account; expected a name such as ivan, or ivan/1 for his sub-account 1')
    if actor == POOL:
        reader.fail(f'"{POOL}" is the pool itself; expected another name')
    return Account(actor, number)


def _entrance(given: Mapping[str, Reader], account: Account, world: World, paths: Mapping[str, Path]) -> list[Step]:
    time = given["at"].time(world.start) if "at" in given else world.start
    steps = []
    if "provide" in given:
        amount = given["provide"].positive(world.settlement.decimals, "an amount")
        line = given["provide"].line
        provide = Provide(account.actor, world.settlement.name, amount)
        steps.append(Step(time, f"{account} provides liquidity", line, provide))
        steps += [
            Step(time, f"{account} puts it to work", line, Allocate(account.actor, spec.name))
            for spec in world.instruments
        ]
    paid = list(deposits(given["deposit"], world)) if "deposit" in given else []
    for token, amount, line in paid:
        steps.append(Step(time, f"{account} deposits {token}", line, Deposit(account, token, amount)))
    for token, amount, line in deposits(given["wallet"], world) if "wallet" in given else ():
        steps.append(Step(time, f"{account} brings {token}", line, Bring(account, token, amount)))
    market = {feed: price_at(path, time) for feed, path in paths.items()}
    worth = sum(_worth(world, market, token, amount) for token, amount, _ in paid)
    for name, reader in _opened(given, world):
        size, title = _size(reader, world, market, name, worth)
        steps.append(Step(time, f"{account} {title}", reader.line, Trade(account, name, size)))
    return steps


def _opened(given: Mapping[str, Reader], world: World) -> list[tuple[str, Reader]]:
    names = [spec.name for spec in world.instruments]
    return by_name(given["open"], names, "instrument") if "open" in given else []


def _worth(world: World, market: Mapping[str, int], token: str, amount: int) -> int:
    """What a deposit is worth in the market, settlement units, without haircut."""
    if token == world.settlement.name:
        return amount
    spec = world.collateral(token)
    return mul_div_down(amount * market[spec.feed], 10**world.settlement.decimals, WAD * 10**spec.token.decimals)


def _size(reader: Reader, world: World, market: Mapping[str, int], instrument: str, worth: int) -> tuple[int, str]:
    """ "5x" of the deposit's worth when it is made, or whole units; negative is short."""
    word = reader.text("a size such as 12.5, or a leverage such as 5x or -5x")
    way = "shorts" if word.startswith("-") else "goes long"
    if not word.endswith("x"):
        size = reader.units(9, "a size such as 12.5, or a leverage such as 5x or -5x")
        title = f"{way} {show_size(abs(size)).removeprefix('+')} {instrument}"
    else:
        times = exact(word[:-1], 18)
        if times is None:
            reader.expected("a leverage such as 5x or -5x")
        mid = market[world.instrument(instrument).feed]
        size = mul_div_down(worth * abs(times), SIZE_UNIT, mid * 10**world.settlement.decimals)
        size = -size if times < 0 else size
        title = f"{way} {instrument} with {word.removeprefix('-')}"
    if size == 0:
        reader.expected("a size other than 0 (a leverage needs a deposit)")
    return size, title
