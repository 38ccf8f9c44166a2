"""Writes a scenario file from a world and the calls that were said in it, so that it can be read, replayed on every venue and
kept. The opposite of world.py and calls.py: what is written is read back equal (a test says so)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from plimsoll.errors import Reverted
from plimsoll.scenarios import world as forms
from plimsoll.scenarios.calls import NOTHING, actors_of, answer_text, written
from plimsoll.scenarios.reader import show, utc
from plimsoll.types import DebtSpec, FeedSpec, InstrumentSpec, LiquidationSpec, MarketSpec, PoolSpec, World
from plimsoll.venue import Call

Spec = Mapping[str, Any]


def text(
    title: str,
    source: str,
    world: World,
    said: Sequence[tuple[Call, Any]],
    state: Mapping[str, Any] | None = None,
) -> str:
    """The file. said: each call and the answer that is due (a refusal in words); advance_to becomes the time of what follows.
    state: what must be true at the end, by path. Raises ValueError for a world that no file states."""
    if world.sequencer_grace is not None or world.settlement != World.settlement:
        raise ValueError("a world with a sequencer, or that settles in another token, cannot be stated in a file")
    steps: list[dict[str, Any]] = []
    now = world.start
    actors, entered = _entrances([call for call, _ in said], world)
    for call, answer in said[entered:]:
        if call.verb == "advance_to":
            now = call.args[0]
            continue
        steps.append(_step(call, answer, now - world.start))
    if said and said[-1][0].verb == "advance_to":  # nothing is said then, but looked
        steps.append({"title": "time passes", "at": f"+{now - world.start}s", "stop": world.feeds[0].name})
    root: dict[str, Any] = {
        "title": title,
        "source": source,
        "start": _Text(utc(world.start)),
        "end": f"+{now - world.start + 1}s",
        "world": _world(world),
        "prices": {spec.name: {"still": show(spec.price, 18)} for spec in world.feeds},
        "actors": actors,
        "steps": steps,
    }
    if state:
        root["expect"] = {"state": {path: _value(value) for path, value in state.items()}}
    return yaml.dump(root, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120, default_flow_style=None)


def _step(call: Call, answer: Any, seconds: int) -> dict[str, Any]:
    step: dict[str, Any] = {"title": call.verb.replace("_", " "), "at": f"+{seconds}s", "say": call.verb}
    if given := written(call):
        step["with"] = given
    if isinstance(answer, Reverted):
        step["fails"] = answer.name
    if told := answer_text(answer):
        step["answers"] = _Text(told)
    return step


def _entrances(calls: Sequence[Call], world: World) -> tuple[dict[str, Any], int]:
    """The actors, and how many calls from the beginning are theirs entering: what they provide, deposit and bring with them, in
    the order in which a scenario lets actors enter."""
    work = [spec.name for spec in world.instruments]
    actors: dict[str, dict[str, Any]] = {}
    at, last = 0, 0
    while at < len(calls) and calls[at].verb == "give":
        actor, name, amount = calls[at].args
        entrance: dict[str, Any]
        token = {name: show(amount, world.token(name).decimals)}
        after = calls[at + 1] if at + 1 < len(calls) else Call("")
        allocations = [Call("allocate", (actor, one)) for one in work]
        if after == Call("provide", (actor, amount)) and list(calls[at + 2 : at + 2 + len(work)]) == allocations:
            rank, key, entrance, length = 0, actor, {"role": "provider", "provide": token[name]}, 2 + len(work)
        elif after.verb == "deposit" and after.args[0] == actor and after.args[2:] == (name, amount, 0):
            rank, key, entrance, length = 1, str(after.args[1]), {"role": "trader", "deposit": token}, 2
        else:
            rank, key, entrance, length = 2, actor, {"role": "trader", "wallet": token}, 1
        if rank < last or key in actors:
            break
        actors[key], at, last = entrance, at + length, rank
    for account in (account for call in calls for account in actors_of(call)):
        actors.setdefault(str(account), {"role": "trader"})
    return actors, at


def _value(value: Any) -> Any:
    return value if value or value == 0 else NOTHING


# The world ---------------------------------------------------------------------------------------------------------


def _world(world: World) -> dict[str, Any]:
    made: dict[str, Any] = {
        "feeds": {spec.name: _fields(spec, forms.FEED, FeedSpec(spec.name, spec.price)) for spec in world.feeds},
        "instruments": {spec.name: _instrument(spec) for spec in world.instruments},
    }
    if world.collaterals:
        made["collaterals"] = {
            spec.name: {
                "feed": spec.feed,
                "decimals": spec.token.decimals,
                **_fields(spec, forms.COLLATERAL, None),
            }
            for spec in world.collaterals
        }
    made["pool"] = {"delay": f"{world.pool.delay}s"} if world.pool != PoolSpec() else {}
    made["liquidation"] = _fields(world.liquidation, forms.LIQUIDATION, LiquidationSpec())
    made["debt"] = _fields(world.debt, forms.DEBT, DebtSpec())
    if world.guard:
        made["guard"] = {"feed": world.guard.feed, "limit": show(world.guard.limit_e6, 6)}
    return {name: part for name, part in made.items() if part}


def _instrument(spec: InstrumentSpec) -> dict[str, Any]:
    made: dict[str, Any] = {"feed": spec.feed, **_fields(spec, forms.INSTRUMENT, InstrumentSpec(spec.name, spec.feed))}
    if market := _fields(spec.market, forms.MARKET, MarketSpec()):
        made["pool"] = market
    return made


def _fields(spec: Any, form_of: Mapping[str, str], default: Any) -> dict[str, str]:
    """The fields of a spec that are not the default's, as the file writes them."""
    found = {}
    for name, form in form_of.items():
        field = name if hasattr(spec, name) else f"{name}_e{form[1:]}"
        value = getattr(spec, field)
        if default is None or value != getattr(default, field):
            found[name] = _form(value, form)
    return found


def _form(value: int, form: str) -> Any:
    decimals = {"$": forms.MONEY, "p": forms.PRICE}.get(form[0], int(form[1:] or 0))
    return f"{value}s" if form[0] == "s" else value if form[0] == "#" else show(value, decimals)


# YAML --------------------------------------------------------------------------------------------------------------


class _Text(str):
    """A text that looks like something else and is quoted."""


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


_Dumper.add_representer(_Text, lambda dumper, value: dumper.represent_scalar("tag:yaml.org,2002:str", str(value), style='"'))
