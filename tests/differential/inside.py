"""What contracts and model remember beyond the State: nonces, interest indices, estates, auctions, requests, halts and the like."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from plimsoll.chain.node import CallItem
from plimsoll.chain.venue import ChainVenue
from plimsoll.model import deleveraging
from plimsoll.model.house import Auction, Estate, Halt, Request
from plimsoll.model.venue import ModelVenue

Question = tuple[str, CallItem, tuple]  # (what, the contracts' word, the model's word)


def differences(chain: ChainVenue, model: ModelVenue) -> list[str]:
    """One line for each thing that the two remember differently; they are at the same moment."""
    asked = list(_questions(chain, model))
    found = chain.chain.batch(item for _, item, _ in asked)
    return [
        f"{what}: the contracts {_tuple(answer)}, the model {due}"
        for (what, _, due), answer in zip(asked, found)
        if _tuple(answer) != due
    ]


def _tuple(answer: Any) -> tuple:
    return tuple(answer) if isinstance(answer, (tuple, list)) else (answer,)


def _questions(chain: ChainVenue, model: ModelVenue) -> Iterator[Question]:
    for account in model.accounts():
        yield from _of_account(chain, model, str(account), model.account_id(account))
    made, house = chain.deployment, model.house
    for i, spec in enumerate(house.instruments):
        yield f"frozen {spec.name}", made.pool.call_item("isFrozen", i), (i in house.storage.frozen,)
        for long in (True, False):
            item = made.engine.call_item("deficitOf", i, long)
            yield f"deficit {spec.name} {long}", item, tuple(house.deficit(i, long))
    for feed, name in enumerate(house.feeds):
        halt = house.storage.halts.get(feed, Halt())
        due = (halt.price, halt.invalid_since, halt.halted_at, halt.round_time)
        yield f"halt {name}", made.oracle.call_item("haltOf", feed), due
    for actor in ("lp", "lou"):
        waiting = house.storage.requests.get(int(chain.actors[actor], 16), Request())
        yield f"request {actor}", made.pool.call_item("request", chain.actors[actor]), tuple(waiting)


def _of_account(chain: ChainVenue, model: ModelVenue, name: str, number: int) -> Iterator[Question]:
    made, house = chain.deployment, model.house
    record, storage = house.record(number), house.storage
    bits = sum(1 << i for i in house.held(number)), sum(1 << i for i in house.coins(number))
    flags = int(record.estate) | made.engine.operatorBits(number, made.pool) << 1  # the model's pool needs no leave
    due = (record.cash, record.nonce, flags, *bits, record.interest_index)  # IMarginTypes.Account
    yield f"record {name}", made.engine.call_item("accountState", number), due
    estate = storage.estates.get(number, Estate()) if record.estate else Estate(0, 0)
    yield f"estate {name}", made.engine.call_item("estateOf", number), tuple(estate)
    auction = storage.auctions.get(number, Auction())
    yield f"auction {name}", made.auctions.call_item("auctionOf", number), tuple(auction)
    window = deleveraging.window(house, number)
    yield f"window {name}", made.liquidation.call_item("deleverageWindow", number), window
