"""What a run leaves behind: its events, the state after each step, and whether it held."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from plimsoll.errors import InvariantViolated, Reverted
from plimsoll.scenarios.acts import Act
from plimsoll.scenarios.calls import Say, answer_text
from plimsoll.scenarios.liquidation import Absorb, Deleverage, Liquidate
from plimsoll.scenarios.scenario import Scenario
from plimsoll.state import State
from plimsoll.types import WAD, Absorption, Account, Outcome


@dataclass(frozen=True)
class Event:
    """One step as it happened. answer: the verb's; refused: the error it met; fails: the error it had to meet;
    by_keeper: not in the file, the keeper's own."""

    step: int
    time: int
    title: str
    act: Act
    answer: Any
    detail: str
    refused: Reverted | None
    fails: str
    by_keeper: bool

    @property
    def unexpected(self) -> str:
        """Why the event is not what its author foresaw; "" if it is."""
        if self.fails and self.refused is None:
            return f"should have been refused with {self.fails}, and was not"
        if self.fails and self.refused is not None and self.refused.name != self.fails:
            return f"should have been refused with {self.fails}, and was refused with {self.refused}"
        if self.refused is not None and not self.fails and not self.by_keeper:
            return f"was refused: {self.refused}"
        if isinstance(self.act, Say) and self.act.answers:
            told = answer_text(self.answer if self.refused is None else self.refused)
            if told != self.act.answers:
                return f"answers {told or 'nothing'}, due is {self.act.answers}"
        return ""


@dataclass(frozen=True)
class Liquidation:
    """One closing of positions, by liquidation or absorption. notional: what was closed, settlement units.
    whole: no position was left."""

    event: Event
    account: Account
    outcome: Outcome | Absorption
    notional: int
    whole: bool

    @property
    def penalty(self) -> int:
        return self.outcome.penalty if isinstance(self.outcome, Outcome) else 0

    @property
    def fraction(self) -> int:
        return self.outcome.fraction if isinstance(self.outcome, Outcome) else WAD


@dataclass
class Run:
    """states[i] is what was true after event i − 1; states[0] is the beginning. checks: invariants evaluated.
    failures: what the scenario expected and did not come true. seconds: how long it played, by the wall."""

    scenario: Scenario
    states: list[State] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    checks: int = 0
    violation: InvariantViolated | None = None
    failures: list[str] = field(default_factory=list)
    interrupted: bool = False
    seconds: int = 0

    @property
    def held(self) -> bool:
        return self.violation is None and not self.failures

    @property
    def finished(self) -> bool:
        return self.violation is None and not self.interrupted

    def liquidations(self) -> list[Liquidation]:
        """In the order of time. (An account without positions whose debt is absorbed is none.)"""
        found = []
        for event, before, after in zip(self.events, self.states, self.states[1:]):
            if isinstance(event.act, (Liquidate, Absorb)) and event.refused is None:
                account, answer = event.act.account, event.answer
                if not before.accounts[account].positions:
                    continue
                margin = before.accounts[account].margin
                all_of_it = margin.notional if margin else 0
                notional = answer.notional if isinstance(answer, Outcome) else all_of_it
                found.append(Liquidation(event, account, answer, notional, not after.accounts[account].positions))
        return found

    def deleveraged(self) -> list[tuple[Event, Account]]:
        """Who lost size by a deleveraging, on either side, in the order of time."""
        found = []
        for event, before, after in zip(self.events, self.states, self.states[1:]):
            if not isinstance(event.act, Deleverage) or event.refused is not None:
                continue
            for account in (event.act.account, *event.act.against):
                if before.accounts[account].positions != after.accounts[account].positions:
                    found.append((event, account))
        return found

    def traders(self) -> tuple[Account, ...]:
        """The traders' accounts in the order of the file."""
        return tuple(spec.account for spec in self.scenario.actors if spec.role == "trader")

    def history(self, account: Account) -> Iterator[State]:
        """The states in which the account existed."""
        return (state for state in self.states if account in state.accounts)
