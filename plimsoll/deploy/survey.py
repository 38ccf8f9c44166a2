"""Whether a network is what its file says: everything that does not fit, in words that say what to do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from plimsoll.chain.abi import BadData
from plimsoll.chain.live import LiveChain
from plimsoll.chain.terms import PRICE_DECIMALS
from plimsoll.deploy.network import Network
from plimsoll.errors import NodeRefused, Reverted
from plimsoll.types import FeedSpec


@dataclass
class Found:
    """What is there. prices: of given feeds, WAD. ages: seconds since they answered. reasons: what does not fit."""

    prices: dict[str, int] = field(default_factory=dict)
    ages: dict[str, int] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)


def look(chain: LiveChain, network: Network) -> Found:
    """Asks every feed and token that is given. (The chain's id was checked before.)"""
    found, now = Found(), chain.now
    for spec in network.world.feeds:
        if f"proxy {spec.name}" in network.given:
            found.reasons += _feed(chain, network, spec, now, found)
    for name, address in network.given.items():
        kind, _, word = name.partition(" ")
        if kind == "token":
            found.reasons += _token(chain, word, address, network.world.token(word).decimals)
        elif kind == "sequencer":
            found.reasons += _sequencer(chain, address)
    return found


def _feed(chain: LiveChain, network: Network, spec: FeedSpec, now: int, found: Found) -> Iterator[str]:
    address = network.given[f"proxy {spec.name}"]
    name = f"the feed {spec.name} at {address}"
    if chain.code(address) == "0x":
        yield f"{name}: nothing lies there on this chain; correct its address"
        return
    feed = chain.at("AggregatorV3Interface", address)
    described, decimals, round_ = (_ask(feed, view) for view in ("description", "decimals", "latestRoundData"))
    due = network.descriptions[spec.name]
    if described != due:
        yield f'{name} describes itself as {_shown(described)} where "{due}" is due: it is another feed; correct its address'
    if decimals != spec.decimals:
        yield f"{name} has {_shown(decimals)} decimals where {spec.decimals} are due: correct the file"
        return
    if isinstance(round_, Unanswered):
        yield f"{name} answers no round ({round_})"
        return
    _, answer, _, updated, _ = round_
    if answer <= 0:
        yield f"{name} answers {answer}: it is not a price"
        return
    found.prices[spec.name] = answer * 10 ** (PRICE_DECIMALS - decimals)
    found.ages[spec.name] = age = max(0, now - updated)
    if age > spec.heartbeat + spec.grace:
        yield (
            f"{name} answered {age} s ago, its heartbeat and grace are {spec.heartbeat} + {spec.grace} s: it is dead, "
            "or the file's heartbeat is not the feed's; wait, correct the heartbeat, or use a mock"
        )


def _token(chain: LiveChain, word: str, address: str, due: int) -> Iterator[str]:
    name = f"the token {word} at {address}"
    if chain.code(address) == "0x":
        yield f"{name}: nothing lies there on this chain; correct its address"
        return
    decimals = _ask(chain.at("MockToken", address), "decimals")
    if isinstance(decimals, Unanswered):
        yield f"{name} does not say its decimals ({decimals}): it cannot be listed"
    elif decimals != due:
        yield f"{name} has {decimals} decimals where {due} are due: correct the file"


def _sequencer(chain: LiveChain, address: str) -> Iterator[str]:
    name = f"the sequencer feed at {address}"
    if chain.code(address) == "0x":
        yield f"{name}: nothing lies there on this chain; correct its address, or say none"
        return
    round_ = _ask(chain.at("AggregatorV3Interface", address), "latestRoundData")
    if isinstance(round_, Unanswered):
        yield f"{name} answers no round ({round_})"
    elif round_[1] != 0:
        yield f"{name} says that the sequencer is down: wait until it is up"


class Unanswered(str):
    """Why a view has no answer."""


def _ask(contract: Any, view: str) -> Any:
    try:
        return contract.fn(view)()
    except (Reverted, BadData) as problem:
        return Unanswered(f"{view}: {problem}")
    except UnicodeDecodeError:
        return Unanswered(f"{view}: no text")
    except NodeRefused as refused:
        return Unanswered(refused.reason)


def _shown(value: Any) -> str:
    return f"({value})" if isinstance(value, Unanswered) else f'"{value}"' if isinstance(value, str) else str(value)
