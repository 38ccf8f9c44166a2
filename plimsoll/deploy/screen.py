"""A plan and a check as a person reads them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.markup import escape

from plimsoll.deploy.check import Row
from plimsoll.deploy.plan import Plan, ether
from plimsoll.scenarios.reader import show
from plimsoll.scenarios.world import MONEY
from plimsoll.types import FeedSpec

WAD_DECIMALS = 18
NAME_WIDTH, VALUE_WIDTH = 46, 44
MONEY_FIELDS = ("floor", "min_notional", "insurance", "cap_value", "keeper_floor", "keeper_cap")


def show_plan(console: Console, plan: Plan) -> None:
    network, world, roles = plan.network, plan.network.world, plan.roles
    _say(console, f"[bold]{escape(network.name)}[/], chain {network.chain_id}, recorded in {plan.record.path}")
    if not plan.steps:
        _say(console, "Everything is deployed already: nothing is to be done.")
        return
    for name, value in vars(roles).items():
        same = ", the deployer itself: state another in the network file for a deployment that lives"
        _line(console, name, value + (same if name != "deployer" and value == roles.deployer else ""))
    _line(console, "sequencer", network.given.get("sequencer", "mock" if world.sequencer_grace is not None else "none"))
    for token in (world.settlement, *(coin.token for coin in world.collaterals)):
        _line(console, f"token {token.name}", f"{network.given.get(f'token {token.name}', 'mock')}, {token.decimals} decimals")
    for feed in world.feeds:
        _line(console, f"feed {feed.name}", _feed(plan, feed))
    for spec in world.instruments:
        _line(console, f"instrument {spec.name}", _fields(spec))
        _line(console, "  its market in the pool", _fields(spec.market, money=("cap",)))
    for coin in world.collaterals:
        _line(console, f"collateral {coin.name}", _fields(coin))
    for name in ("pool", "liquidation", "debt", "guard"):
        if getattr(world, name) is not None:
            _line(console, name, _fields(getattr(world, name)))
    _show_steps(console, plan)


def _feed(plan: Plan, feed: FeedSpec) -> str:
    where, price = plan.network.given.get(f"proxy {feed.name}", "mock"), plan.found.prices.get(feed.name, feed.price)
    age = f" {plan.found.ages[feed.name]} s ago" if feed.name in plan.found.ages else ""
    return f"{where}, {price / 10**WAD_DECIMALS:,.2f}{age}, heartbeat {feed.heartbeat} + {feed.grace} s, spread {feed.half_spread_e6 / 1e4:g} %"


def _fields(spec: object, money: Sequence[str] = MONEY_FIELDS) -> str:
    """Its fields in whole units and percent."""
    return ", ".join(f"{name} {value}" for name, value in _readable(vars(spec), money))


def _readable(fields: dict[str, object], money: Sequence[str]) -> Iterator[tuple[str, str]]:
    for name, value in fields.items():
        stem, _, digits = name.rpartition("_e")
        if name in ("name", "token", "market"):
            continue
        if isinstance(value, int) and stem and digits.isdigit():
            yield stem, f"{100 * value / 10 ** int(digits):g} %"
        elif isinstance(value, int) and name in money:
            yield name, show(value, MONEY).rstrip("0").rstrip(".")
        elif isinstance(value, int) and name == "target":
            yield name, f"{value / 10**WAD_DECIMALS:g}"
        else:
            yield name, str(value)


def _show_steps(console: Console, plan: Plan) -> None:
    _say(console, "")
    for name, gas in plan.steps:
        _line(console, name, f"{gas:>12,} gas")
    done = f"{plan.done} steps are done already; " if plan.done else ""
    _say(
        console,
        f"{done}{len(plan.steps)} transactions, {plan.gas:,} gas at {plan.price / 1e9:.3f} gwei: {ether(plan.cost)} ether of the "
        f"deployer's {ether(plan.balance)} (a rollup adds what it pays for data)",
    )


def show_check(console: Console, rows: Sequence[Row]) -> None:
    _say(console, f"{'what':<{NAME_WIDTH}}{'expected':<{VALUE_WIDTH}}{'found':<{VALUE_WIDTH}}")
    for row in rows:
        line = f"{row.what:<{NAME_WIDTH - 1}} {row.expected:<{VALUE_WIDTH}}{row.found:<{VALUE_WIDTH}}"
        _say(console, escape(line) + ("right" if row.right else "[bold red]wrong[/]"))
    wrong = sum(not row.right for row in rows)
    _say(console, f"{len(rows)} checked, {wrong} wrong" if wrong else f"{len(rows)} checked, all right")


def _line(console: Console, name: str, value: str) -> None:
    _say(console, escape(f"{name:<32}{value}"))


def _say(console: Console, markup: str) -> None:
    console.print(markup, soft_wrap=True, highlight=False)
