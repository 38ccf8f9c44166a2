"""A call of the seam in a scenario file, with the exact integers that the seam takes: how machines write scenarios.

    - {title: deposit, at: +5s, say: deposit, with: {payer: ada, account: ada/1, token: USDC, amount: 1000}, answers: 1000}

`with` names the parameters of the verb in plimsoll/venue.py; what has its default may be left out. `answers` is the exact answer,
or the numbers of the refusal, as `answer_text` writes them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from typing import Any

from plimsoll.errors import Reverted, ScenarioError
from plimsoll.scenarios.acts import Act
from plimsoll.scenarios.reader import Reader, exact
from plimsoll.types import FAULTS, POOL, WAD, Account, FeedFault, World
from plimsoll.venue import DEEDS, VERBS, Call, Venue

NOTHING = "~"
_ACTORS = ("actor", "buyer", "caller", "keeper", "payer", "thief")  # parameters
SAYABLE = tuple(sorted(VERBS - {"advance_to"}))  # time is the step's own
_PARAMETERS = {verb: list(inspect.signature(getattr(Venue, verb)).parameters.values())[1:] for verb in SAYABLE}


@dataclass(frozen=True)
class Say(Act):
    """answers: what is due, "" for anything."""

    call: Call
    answers: str = ""

    @property
    def verb(self) -> str:  # type: ignore[override]
        """As invariants know it: a liquidation that was told to close less is a bite."""
        return "bite" if self.call.verb == "liquidate" and self.call.args[3] < WAD else self.call.verb

    @property
    def about(self) -> Account | None:
        return next((arg for arg in self.call.args if isinstance(arg, Account)), None)

    def perform(self, venue: Venue) -> Any:
        try:
            return getattr(venue, self.call.verb)(*self.call.args)
        except TypeError as misfit:
            raise ScenarioError(f"{self.call.verb} cannot be said: {misfit}") from None

    def detail(self, answer: Any, world: World) -> str:
        return answer_text(answer)


def answer_text(answer: Any) -> str:
    """1000, or fraction=…, penalty=…, or of a refusal its numbers; "" for none."""
    if answer is None:
        return ""
    if isinstance(answer, Reverted):
        return ", ".join("an address" if _is_address(arg) else str(arg) for arg in answer.args)
    if is_dataclass(answer):
        return ", ".join(f"{field.name}={getattr(answer, field.name)}" for field in fields(answer))
    if hasattr(answer, "_fields"):
        return ", ".join(f"{name}={value}" for name, value in zip(answer._fields, answer))
    return str(answer)


def in_words(refusal: Reverted, venue: Venue) -> Reverted:
    """With accounts, actors and faults by name, as it reads the same on every venue."""
    names = {venue.account_id(account): str(account) for account in venue.accounts()}
    names |= {number >> 96: word for number, word in names.items() if "/" not in word}
    words = [_word(arg, names) for arg in refusal.args]
    if refusal.name == "InvalidPrice" and len(words) > 1 and isinstance(words[1], int):
        words[1] = FAULTS[words[1]]
    return Reverted(refusal.name, tuple(words), refusal.names, refusal.hint)


def _word(arg: object, names: Mapping[int, str]) -> object:
    number = int(arg, 16) if isinstance(arg, str) and arg.startswith("0x") else arg
    return names.get(number, arg) if isinstance(number, int) else arg


def _is_address(word: object) -> bool:
    """One that has no name: it is another on every venue."""
    return isinstance(word, str) and word.startswith("0x") or isinstance(word, int) and word >= 2**128


# Reading -----------------------------------------------------------------------------------------------------------


def read_call(verb: str, given: Reader | None, world: World) -> Call:
    """Raises ScenarioFileError."""
    parameters = _PARAMETERS[verb]
    required = [p.name for p in parameters if p.default is p.empty]
    optional = [p.name for p in parameters if p.default is not p.empty]
    words = given.record(required, optional) if given else {}
    return Call(verb, tuple(_argument(p, words[p.name], world) if p.name in words else p.default for p in parameters))


def _argument(parameter: inspect.Parameter, reader: Reader, world: World) -> Any:
    for item in reader.items() if parameter.name == "collaterals" else (reader,):
        what = parameter.name.removesuffix("s")
        if known := _known(what, world):
            item.choice(known, what)
    return _READERS[parameter.annotation](reader, world)


def _known(what: str, world: World) -> list[str]:
    """The names that a parameter may have; none where any will do."""
    collaterals = [spec.name for spec in world.collaterals]
    return {
        "token": [world.settlement.name, *collaterals],
        "collateral": collaterals,
        "instrument": [spec.name for spec in world.instruments],
        "feed": [spec.name for spec in world.feeds],
        "deed": list(DEEDS),
    }.get(what, [])


def _integer(reader: Reader, world: World) -> int:
    return reader.units(0, "a whole number")


def _text(reader: Reader, world: World) -> str:
    return reader.text()


def _bool(reader: Reader, world: World) -> bool:
    return reader.choice(("true", "false"), "truth") == "true"


def _account(reader: Reader, world: World) -> Account:
    actor, _, sub = reader.text("an account").partition("/")
    number = exact(sub, 0) if sub else 0
    if not actor.isidentifier() or number is None or not 0 <= number < 2**96 or actor == POOL and number > len(world.instruments):
        reader.expected("an account such as ivan, or ivan/1, or pool/1 for the pool's first tranche")
    return Account(actor, number)


def _fault(reader: Reader, world: World) -> FeedFault:
    return FeedFault(reader.choice([fault.value for fault in FeedFault], "fault"))


def _or_nothing(read: Callable[[Reader, World], Any]) -> Callable[[Reader, World], Any]:
    return lambda reader, world: None if reader.text() == NOTHING else read(reader, world)


def _each(read: Callable[[Reader, World], Any]) -> Callable[[Reader, World], Any]:
    return lambda reader, world: tuple(read(item, world) for item in reader.items())


def _item(reader: Reader, world: World) -> tuple[Account, Account | None, int]:
    parts = reader.items("[account, taker, fraction]")
    if len(parts) != 3:
        reader.expected("[account, taker, fraction]")
    return _account(parts[0], world), _or_nothing(_account)(parts[1], world), _integer(parts[2], world)


_READERS: Mapping[str, Callable[[Reader, World], Any]] = {
    "int": _integer,
    "int | None": _or_nothing(_integer),
    "bool": _bool,
    "str": _text,
    "Account": _account,
    "Account | None": _or_nothing(_account),
    "FeedFault": _fault,
    "Sequence[str]": _each(_text),
    "Sequence[Account]": _each(_account),
    "Sequence[tuple[Account, Account | None, int]]": _each(_item),
}


def actors_of(call: Call) -> list[Account]:
    """Every account that a call names, and the first one of every other actor in it; not the pool's own."""
    found: list[Account] = []
    parts = [Account(value) if p.name in _ACTORS else value for p, value in zip(_PARAMETERS.get(call.verb, ()), call.args)]
    while parts:
        part = parts.pop(0)
        if isinstance(part, Account):
            found.append(part)
        elif isinstance(part, (list, tuple)):
            parts += part
    return [account for account in found if account.actor != POOL]


# Writing -----------------------------------------------------------------------------------------------------------


def written(call: Call) -> dict[str, Any]:
    """The field `with`: what has its default is left out."""
    pairs = zip(_PARAMETERS[call.verb], call.args)
    return {p.name: _plain(value) for p, value in pairs if p.default is p.empty or value != p.default}


def _plain(value: Any) -> Any:
    if isinstance(value, Account):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    if value is None:
        return NOTHING
    return [_plain(part) for part in value] if isinstance(value, (list, tuple)) else value
