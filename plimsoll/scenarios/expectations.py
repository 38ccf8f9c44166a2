"""What a scenario says must be true at its end. Each expectation has a name, a reader of its value and a judge, which
answers "" or what was found instead. To add one, write its judge and enter it in EXPECTATIONS."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from plimsoll.fixed_point import mul_div_down
from plimsoll.scenarios.acts import Withdraw
from plimsoll.scenarios.calls import NOTHING
from plimsoll.scenarios.liquidation import SettleHalted
from plimsoll.scenarios.reader import Reader, utc
from plimsoll.scenarios.words import money, percent
from plimsoll.state import leaves
from plimsoll.types import WAD, Account, World

if TYPE_CHECKING:
    from plimsoll.scenarios.actors import ActorSpec
    from plimsoll.scenarios.record import Run


@dataclass(frozen=True)
class Expectation:
    name: str
    value: Any
    line: int


def read(section: Reader, world: World, actors: Sequence[ActorSpec]) -> tuple[Expectation, ...]:
    """The `expect` section."""
    given = section.record((), tuple(EXPECTATIONS))
    accounts = {str(spec.account): spec.account for spec in actors}
    context = _Context(world, accounts)
    return tuple(
        Expectation(name, EXPECTATIONS[name][0](reader, context), reader.line) for name, reader in given.items()
    )


def failures(run: Run) -> list[str]:
    """Everything that did not come true: steps that went otherwise, and expectations."""
    found = [f'step {e.step} "{e.title}" {e.unexpected}' for e in run.events if e.unexpected]
    for expectation in run.scenario.expectations:
        what = EXPECTATIONS[expectation.name][1](run, expectation.value)
        if what:
            found.append(f"line {expectation.line}, expect.{expectation.name}: {what}")
    return found


# Readers -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Context:
    world: World
    accounts: dict[str, Account]


def _accounts(reader: Reader, context: _Context) -> tuple[Account, ...]:
    return tuple(
        context.accounts[item.choice(tuple(context.accounts), "account")] for item in reader.items("a list of accounts")
    )


def _instruments(reader: Reader, context: _Context) -> tuple[str, ...]:
    names = [spec.name for spec in context.world.instruments]
    return tuple(item.choice(names, "instrument") for item in reader.items("a list of instruments"))


def _count(reader: Reader, context: _Context) -> int:
    return reader.units(0, "a number", 0)


def _money(reader: Reader, context: _Context) -> int:
    return reader.units(context.world.settlement.decimals, "an amount of settlement tokens")


def _ratio(reader: Reader, context: _Context) -> int:
    return reader.rate(18, "a ratio")


def _window(reader: Reader, context: _Context) -> tuple[int, int]:
    given = reader.record(("from", "to"))
    return given["from"].time(context.world.start), given["to"].time(context.world.start)


def _rates(reader: Reader, context: _Context) -> dict[str, int]:
    names = [spec.name for spec in context.world.instruments]
    rates = {}
    for name, item in reader.mapping("a mapping from instruments to rates").items():
        item.check_name(name, names, "instrument")
        rates[name] = item.rate(8, "a yearly rate")
    return rates


def _paths(reader: Reader, context: _Context) -> dict[str, str]:
    return {path: item.text("a value") for path, item in reader.mapping("a mapping from paths to values").items()}


# Judges ------------------------------------------------------------------------------------------------------------


def _survives(run: Run, accounts: Sequence[Account]) -> str:
    """Never liquidated, and not below the line at the end."""
    touched = _not_liquidated(run, accounts)
    last = run.states[-1].accounts
    sunk = [
        str(account)
        for account in accounts
        if (margin := last[account].margin) is None or margin.equity < margin.maintenance
    ]
    return touched or (f"{', '.join(sunk)} ended below the line" if sunk else "")


def _not_liquidated(run: Run, accounts: Sequence[Account]) -> str:
    hit = {str(item.account): item for item in run.liquidations() if item.account in accounts}
    return "; ".join(f"{name} was liquidated at {utc(item.event.time)}" for name, item in hit.items())


def _liquidated(run: Run, accounts: Sequence[Account]) -> str:
    hit = {item.account for item in run.liquidations()}
    spared = [str(account) for account in accounts if account not in hit]
    return f"{', '.join(spared)} never came below the line" if spared else ""


def _partly(run: Run, accounts: Sequence[Account]) -> str:
    left = run.states[-1].accounts
    gone = [str(account) for account in accounts if not left[account].positions]
    return _liquidated(run, accounts) or (f"{', '.join(gone)} kept no position" if gone else "")


def _wiped_out(run: Run, accounts: Sequence[Account]) -> str:
    left = [str(account) for account in accounts if run.states[-1].accounts[account].positions]
    return _liquidated(run, accounts) or (f"{', '.join(left)} still hold positions" if left else "")


def _at_least(what: str, measure: Callable[[Run], int], text: Callable[[int], str]) -> Callable[[Run, int], str]:
    return lambda run, low: "" if measure(run) >= low else f"{what} {text(measure(run))}, expected at least {text(low)}"


def _at_most(what: str, measure: Callable[[Run], int], text: Callable[[int], str]) -> Callable[[Run, int], str]:
    return lambda run, high: (
        "" if measure(run) <= high else f"{what} {text(measure(run))}, expected at most {text(high)}"
    )


def _partial(run: Run) -> int:
    return sum(not item.whole for item in run.liquidations())


def _whole(run: Run) -> int:
    return sum(item.whole for item in run.liquidations())


def _most_bad_debt(run: Run) -> int:
    return max(state.bad_debt for state in run.states)


def _bad_debt_left(run: Run) -> int:
    return run.states[-1].bad_debt


def _insurance_left(run: Run) -> int:
    """The least that all funds together ever held."""
    return min(sum(market.insurance for market in state.markets.values()) for state in run.states)


def _purchases(run: Run) -> int:
    return sum(event.act.verb == "buy_collateral" and event.refused is None for event in run.events)


def _worst_payout(run: Run) -> int:
    """Of the withdrawals of settlement tokens, the least that was paid of what an account gave up, WAD."""
    worst = WAD
    for event, before, after in zip(run.events, run.states, run.states[1:]):
        act = event.act
        if isinstance(act, Withdraw) and event.refused is None and act.token == run.scenario.world.settlement.name:
            given_up = before.accounts[act.account].cash - after.accounts[act.account].cash
            worst = min(worst, mul_div_down(event.answer, WAD, max(given_up, 1)))
    return worst


def _deleveraged(run: Run, accounts: Sequence[Account]) -> str:
    hit = {account for _, account in run.deleveraged()}
    spared = [str(account) for account in accounts if account not in hit]
    return f"{', '.join(spared)} never lost size by a deleveraging" if spared else ""


def _settled(run: Run, instruments: Sequence[str]) -> str:
    last = run.states[-1]
    done = [event.act for event in run.events if not event.refused]
    closed = {act.instrument for act in done if isinstance(act, SettleHalted)}
    open_ = [name for name in instruments if name not in closed or last.markets[name].open_interest]
    return f"{', '.join(open_)} was not settled after a halt" if open_ else ""


def _pool_low(run: Run) -> int:
    """The lowest share price since there were shares, as a ratio to the first."""
    prices = [state.pool.share_price for state in run.states if state.pool.total_shares and state.pool.share_price]
    return mul_div_down(min(prices), WAD, prices[0]) if prices else 0


def _quiet(run: Run, window: tuple[int, int]) -> str:
    hit = [item for item in run.liquidations() if window[0] <= item.event.time < window[1]]
    return f"{hit[0].account} was liquidated at {utc(hit[0].event.time)}" if hit else ""


def _funding(run: Run, peaks: dict[str, int]) -> str:
    low = []
    for name, wanted in peaks.items():
        found = max(abs(state.markets[name].rate_e8) for state in run.states)
        if found < wanted:
            low.append(f"{name} funding came to {_yearly(found)} a year at most, expected {_yearly(wanted)}")
    return "; ".join(low)


def _state(run: Run, due: dict[str, str]) -> str:
    """Of the last state by path, as plimsoll/state.py names its parts: accounts.ada.cash, markets.ETH.time."""
    found = {path: str(value) if value or value == 0 else NOTHING for path, value in leaves(run.states[-1]).items()}
    wrong = [f"{path} is {found.get(path, 'not there')}, due is {value}" for path, value in due.items() if found.get(path) != value]
    return "; ".join(wrong)


def _yearly(rate_e8: int) -> str:
    return percent(rate_e8 * 10**10)


EXPECTATIONS: dict[str, tuple[Callable[[Reader, _Context], Any], Callable[[Run, Any], str]]] = {
    "survives": (_accounts, _survives),
    "not_liquidated": (_accounts, _not_liquidated),
    "liquidated": (_accounts, _liquidated),
    "partly_liquidated": (_accounts, _partly),
    "wiped_out": (_accounts, _wiped_out),
    "partial_liquidations_at_least": (_count, _at_least("partial liquidations:", _partial, str)),
    "whole_liquidations_at_least": (_count, _at_least("whole liquidations:", _whole, str)),
    "deleveraged": (_accounts, _deleveraged),
    "settled": (_instruments, _settled),
    "auctions_at_least": (_count, _at_least("purchases of collateral:", _purchases, str)),
    "bad_debt_at_most": (_money, _at_most("bad debt came to", _most_bad_debt, money)),
    "bad_debt_at_least": (_money, _at_least("bad debt came to", _most_bad_debt, money)),
    "bad_debt_at_end_at_most": (_money, _at_most("bad debt at the end:", _bad_debt_left, money)),
    "insurance_falls_to": (_money, _at_most("insurance never fell below", _insurance_left, money)),
    "withdrawals_pay_at_most": (_ratio, _at_most("the worst withdrawal paid", _worst_payout, percent)),
    "pool_share_price_at_least": (_ratio, _at_least("the pool's share price fell to", _pool_low, percent)),
    "no_liquidation_between": (_window, _quiet),
    "funding_reaches": (_rates, _funding),
    "state": (_paths, _state),
}
