"""The `steps` of a scenario file: a sentence, a time, who, one verb, and the error it must meet, if any."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from plimsoll.scenarios import acts, calls, liquidation
from plimsoll.scenarios.acts import Act
from plimsoll.scenarios.reader import Reader
from plimsoll.types import POOL, WAD, Account, FeedFault, World

if TYPE_CHECKING:
    from plimsoll.scenarios.actors import ActorSpec

OF_ACCOUNTS = (
    "deposit",
    "withdraw",
    "trade",
    "close",
    "move_cash",
    "settle",
    "provide",
    "request_redeem",
    "redeem",
    "fund",
    "sale_order",
    "liquidate",
    "absorb",
    "report_refusal",
    "deleverage",
    "unfreeze",
    "drain",
    "start_auction",
    "stop_auction",
    "buy_collateral",
    "observe",
    "halt",
    "settle_halted",
)
_OF_ONE: dict[str, Callable[[str, Account], Act]] = {
    "liquidate": liquidation.Liquidate,
    "absorb": liquidation.Absorb,
    "report_refusal": liquidation.ReportRefusal,
    "start_auction": liquidation.StartAuction,
    "stop_auction": liquidation.StopAuction,
}
OF_FEEDS = ("stop", "resume", "break", "mend")
SAY = "say"  # a call of the seam, as machines write it


@dataclass(frozen=True)
class Step:
    """fails: the error that it must meet; "" where it must succeed. line: where the file says so."""

    time: int
    title: str
    line: int
    act: Act
    fails: str = ""


Silences = dict[str, tuple[tuple[int, int], ...]]


def read_steps(
    section: Reader, world: World, actors: Sequence[ActorSpec], end: int
) -> tuple[tuple[Step, ...], Silences]:
    """The steps in the order of the file, and when feeds are silent."""
    known = {str(spec.account): spec.account for spec in actors}
    steps: list[Step] = []
    for item in section.items("a list of steps"):
        steps += _step(item, world, known, end)
    return tuple(steps), _silences(section, steps, end)


def _step(item: Reader, world: World, known: Mapping[str, Account], end: int) -> list[Step]:
    given = item.record(("title", "at"), ("who", "fails", *OF_ACCOUNTS, *OF_FEEDS, SAY, "with", "answers"))
    verbs = [name for name in given if name in (*OF_ACCOUNTS, *OF_FEEDS, SAY)]
    if len(verbs) != 1:
        item.fail(f"expected exactly one verb of {', '.join(OF_ACCOUNTS + OF_FEEDS)}, found {len(verbs)}")
    title, time = given["title"].text("a sentence"), given["at"].time(world.start)
    if not world.start <= time <= end:
        given["at"].fail("is outside the scenario; expected a time from its start to its end")
    verb, reader = verbs[0], given[verbs[0]]
    for name in ("with", "answers"):
        if verb != SAY and name in given:
            given[name].fail(f'goes with the verb "{SAY}" alone')
    if verb == SAY:
        call = calls.read_call(reader.choice(calls.SAYABLE, "verb of the seam"), given.get("with"), world)
        found: list[Act] = [calls.Say(call, given["answers"].text("an answer") if "answers" in given else "")]
    elif verb in OF_FEEDS:
        found = _feed_acts(verb, reader, world)
    elif "who" not in given:
        item.fail('the field "who" is missing: whose step is it?')
    else:
        who = known[given["who"].choice(tuple(known), "account")]
        found = _account_acts(verb, reader, who, world, known)
    fails = given["fails"].text("the name of an error") if "fails" in given else ""
    if fails and verb == "provide":
        found = found[:1]  # nothing is put to work where nothing is taken
    if fails and len(found) > 1:
        given["fails"].fail(f"expected one {verb} in a step that must fail, found {len(found)}")
    return [Step(time, title, item.line, act, fails) for act in found]


def _account_acts(verb: str, reader: Reader, who: Account, world: World, known: Mapping[str, Account]) -> list[Act]:
    settlement, decimals = world.settlement.name, world.settlement.decimals
    names = [spec.name for spec in world.instruments]
    if verb == "deposit":
        return [acts.Deposit(who, token, amount) for token, amount, _ in deposits(reader, world)]
    if verb == "withdraw":
        return [
            acts.Withdraw(who, token, None if r.text() == "all" else _amount(token, r, world))
            for token, r in by_name(reader, _tokens(world), "token")
        ]
    if verb == "trade":
        sizes = by_name(reader, names, "instrument")
        return [acts.Trade(who, name, r.units(9, "a size such as 12.5 or -3")) for name, r in sizes]
    if verb == "close":
        chosen = reader.items() if reader.is_list else [reader]
        return [acts.Trade(who, item.choice(names, "instrument"), None) for item in chosen]
    if verb == "move_cash":
        given = reader.record(("to", "amount"))
        target = Account(who.actor, given["to"].units(0, "a sub-account such as 1", 0))
        return [acts.MoveCash(who, target, given["amount"].positive(decimals, "an amount"))]
    if verb == "settle":
        return [acts.Settle(_account(reader, known))]
    if verb == "provide":
        amount = reader.positive(decimals, "an amount")
        work = [acts.Allocate(who.actor, name) for name in names]
        return [acts.Provide(who.actor, settlement, amount), *work]
    if verb in ("request_redeem", "redeem"):
        part = WAD if reader.text() == "all" else reader.rate(18, "all, or a part of the shares", WAD)
        return [acts.RequestRedeem(who.actor, part) if verb == "request_redeem" else acts.Redeem(who.actor, part)]
    if verb == "fund":
        return [
            acts.Fund(who.actor, settlement, name, r.positive(decimals, "an amount"))
            for name, r in by_name(reader, names, "instrument")
        ]
    if verb == "sale_order":
        coins = [spec.name for spec in world.collaterals]
        return [liquidation.SaleOrder(who, tuple(item.choice(coins, "collateral") for item in reader.items()))]
    if verb in _OF_ONE:
        return [_OF_ONE[verb](who.actor, _account(reader, known))]
    return [_rescue(verb, reader, who.actor, world, known)]


def _rescue(verb: str, reader: Reader, keeper: str, world: World, known: Mapping[str, Account]) -> Act:
    names, feeds = [spec.name for spec in world.instruments], [spec.name for spec in world.feeds]
    if verb in ("observe", "halt"):
        feed = reader.choice(feeds, "feed")
        return liquidation.Observe(keeper, feed) if verb == "observe" else liquidation.HaltFeed(keeper, feed)
    if verb in ("unfreeze", "drain"):
        name = reader.choice(names, "instrument")
        return liquidation.Unfreeze(keeper, name) if verb == "unfreeze" else liquidation.Drain(keeper, name)
    if verb == "buy_collateral":
        given = reader.record(("of", "token", "amount"))
        name = given["token"].choice([spec.name for spec in world.collaterals], "collateral")
        amount = None if given["amount"].text() == "all" else _amount(name, given["amount"], world)
        return liquidation.BuyCollateral(keeper, _account(given["of"], known), name, amount)
    if verb == "deleverage":
        given = reader.record(("of", "instrument", "against"))
        name = given["instrument"].choice(names, "instrument")
        against = tuple(_side(item, name, known, world) for item in given["against"].items("a list of accounts"))
        return liquidation.Deleverage(keeper, _account(given["of"], known), name, against)
    given = reader.record(("instrument", "long", "short"))
    name = given["instrument"].choice(names, "instrument")
    long, short = (_side(given[side], name, known, world) for side in ("long", "short"))
    return liquidation.SettleHalted(keeper, name, long, short)


def _account(reader: Reader, known: Mapping[str, Account]) -> Account:
    return known[reader.choice(tuple(known), "account")]


def _side(reader: Reader, instrument: str, known: Mapping[str, Account], world: World) -> Account:
    """An account, or "pool": its account of this instrument."""
    return _account(reader, {**known, POOL: world.tranche(instrument)})


def _feed_acts(verb: str, reader: Reader, world: World) -> list[Act]:
    feeds = [spec.name for spec in world.feeds]
    if verb == "break":
        faults = [fault.value for fault in FeedFault]
        return [
            acts.BreakFeed(name, FeedFault(r.choice(faults, "fault"))) for name, r in by_name(reader, feeds, "feed")
        ]
    feed = reader.choice(feeds, "feed")
    return [acts.BreakFeed(feed, None) if verb == "mend" else acts.Silence(feed, stops=verb == "stop")]


def _silences(section: Reader, steps: Sequence[Step], end: int) -> Silences:
    silences: Silences = {}
    since: dict[str, int] = {}
    for step in sorted(steps, key=lambda step: step.time):
        if not isinstance(step.act, acts.Silence):
            continue
        feed = step.act.feed
        if step.act.stops == (feed in since):
            section.fail(
                f"line {step.line}: feed {feed} {'has stopped already' if step.act.stops else 'was not stopped'}"
            )
        if step.act.stops:
            since[feed] = step.time
        else:
            silences[feed] = (*silences.get(feed, ()), (since.pop(feed), step.time))
    for feed, begin in since.items():
        silences[feed] = (*silences.get(feed, ()), (begin, end + 1))
    return silences


def deposits(reader: Reader, world: World) -> Iterator[tuple[str, int, int]]:
    """(token, amount, line) of a mapping from tokens to amounts."""
    for name, r in by_name(reader, _tokens(world), "token"):
        yield name, _amount(name, r, world), r.line


def _tokens(world: World) -> list[str]:
    return [world.settlement.name, *(spec.name for spec in world.collaterals)]


def _amount(token: str, reader: Reader, world: World) -> int:
    return reader.positive(world.token(token).decimals, f"an amount of {token}")


def by_name(reader: Reader, known: Sequence[str], what: str) -> list[tuple[str, Reader]]:
    pairs = list(reader.mapping(f"a mapping from each {what} to an amount").items())
    for name, value in pairs:
        value.check_name(name, known, what)
    if not pairs:
        reader.expected(f"at least one {what}")
    return pairs
