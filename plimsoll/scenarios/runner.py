"""Plays a scenario on any venue: the market moves, feeds answer, actors act, the keeper acts after each answer, and
after every step everything is read and every invariant checked. The first violation ends the run."""

from __future__ import annotations

import time
from collections.abc import Iterable
from itertools import islice

from plimsoll import invariants
from plimsoll.errors import InvariantViolated, PlimsollError, Reverted, ScenarioError
from plimsoll.invariants import INVARIANTS, Observation
from plimsoll.scenarios import expectations, keeper, liquidation
from plimsoll.scenarios.acts import Act, Answer
from plimsoll.scenarios.calls import in_words
from plimsoll.scenarios.prices import answers
from plimsoll.scenarios.record import Event, Run
from plimsoll.scenarios.scenario import Scenario
from plimsoll.scenarios.steps import Step
from plimsoll.scenarios.words import price
from plimsoll.state import State
from plimsoll.venue import Venue


MOST_MOMENTS = 10_000
_SETTLE_NOTHING = ("set_price", "give", "silence", "break_feed", "mend_feed", "start_auction", "stop_auction", "report_refusal", "observe", "halt")
_REPEATED = ("bite", "settle_halted")


class Watch:
    """Whoever looks on while a scenario plays. This one does not say anything."""

    def begin(self, scenario: Scenario, moments: int) -> None: ...

    def moment(self, number: int, state: State) -> None: ...

    def event(self, event: Event) -> None: ...


def play(scenario: Scenario, venue: Venue, watch: Watch | None = None) -> Run:
    """The run, whole or as far as it came: a violated invariant and Ctrl-C end it and are noted in it.

    Raises what the venue raises where it is not the protocol's refusal (a chain that dies); the run so far is then on
    the exception as `.run`.
    """
    return _Player(scenario, venue, watch or Watch()).play()


class _Player:
    def __init__(self, scenario: Scenario, venue: Venue, watch: Watch) -> None:
        self.scenario, self.venue, self.watch = scenario, venue, watch
        self.run = Run(scenario)
        self.settlements = 0
        self.memory = keeper.Memory()

    def play(self) -> Run:
        started = time.monotonic()
        try:
            self._enter()
            moments = timeline(self.scenario)
            self.watch.begin(self.scenario, len(moments))
            for number, step in enumerate(moments, 1):
                self._perform(step.time, step.title, step.act, step.fails)
                if isinstance(step.act, Answer):
                    self._keep(step.time)
                self.watch.moment(number, self.state)
        except InvariantViolated as violation:
            self.run.violation = violation
        except KeyboardInterrupt:
            self.run.interrupted = True
        except PlimsollError as error:
            self.run.interrupted = True
            error.run = self.run  # type: ignore[attr-defined]
            raise
        finally:
            self.run.seconds = int(time.monotonic() - started)
        if self.run.finished and self.scenario.judged:
            self.run.failures = expectations.failures(self.run)
        return self.run

    @property
    def state(self) -> State:
        return self.run.states[-1]

    def _enter(self) -> None:
        for spec in self.scenario.actors:
            self.venue.account_id(spec.account)
        self.run.states.append(self.venue.state())

    def _perform(self, when: int, title: str, act: Act, fails: str = "", by_keeper: bool = False) -> Event:
        """One step: the verb, then everything is read and checked."""
        self.venue.advance_to(max(when, self.venue.now))
        refused, answer, detail = None, None, ""
        try:
            answer = act.perform(self.venue)
            detail = act.detail(answer, self.scenario.world)
        except Reverted as refusal:
            refused = in_words(refusal, self.venue)
        after = self.venue.state()
        number = len(self.run.events) + 1
        event = Event(number, after.time, title, act, answer, detail, refused, fails, by_keeper)
        self._check(event, after)
        if refused is None:
            self.memory.note(act, self.state, after)
        self.run.events.append(event)
        self.run.states.append(after)
        self.watch.event(event)
        return event

    def _check(self, event: Event, after: State) -> None:
        if event.act.verb not in _SETTLE_NOTHING and event.refused is None:
            # both sides of a transfer, at most
            self.settlements += 2 * len(self.scenario.world.instruments) + len(getattr(event.act, "against", ()))
        seen = Observation(
            world=self.scenario.world,
            before=self.state,
            after=after,
            verb=event.act.verb if event.refused is None else "",
            account=event.act.about,
            answer=event.answer,
            probes=self.venue.probe(tuple(after.accounts)),
            settlements=self.settlements,
        )
        found = invariants.violations(seen)
        self.run.checks += len(INVARIANTS)
        if found:
            self.run.events.append(event)
            self.run.states.append(after)
            raise InvariantViolated(event.step, event.title, found)

    def _keep(self, when: int) -> None:
        """The keeper's turn: act by act, each kind once an account (bites as long as the pool takes them), until nothing is
        left to do."""
        tried: set[tuple[object, ...]] = set()
        while act := next((act for act in self._due() if _kind(act) not in tried), None):
            event = self._perform(when, liquidation.title(act), act, by_keeper=True)
            if event.refused or act.verb not in _REPEATED:
                tried.add(_kind(act))

    def _due(self) -> Iterable[Act]:
        return keeper.due(self.venue, self.state, self.scenario, self.memory)


def _kind(act: Act) -> tuple[object, ...]:
    """The act without its amounts and counterparties."""
    return act.verb, *(getattr(act, name, None) for name in ("account", "collateral", "instrument", "feed", "long", "short"))


def timeline(scenario: Scenario) -> list[Step]:
    """Feeds' answers and actors' steps in the order of time; in one second feeds first.

    Raises ScenarioError where there are more than MOST_MOMENTS: the whole run is kept for its report.
    """
    said: Iterable[Step] = (
        Step(point.time, f"{spec.name} answers {price(point.price)}", 0, Answer(spec.name, point.price))
        for spec in scenario.world.feeds
        for point in answers(scenario.paths[spec.name], spec, scenario.end, scenario.silences.get(spec.name, ()))
    )
    moments = sorted((*islice(said, MOST_MOMENTS), *scenario.steps), key=lambda step: step.time)
    if len(moments) > MOST_MOMENTS:
        raise ScenarioError(
            f"scenario {scenario.name}: more than {MOST_MOMENTS:,} answers and steps are not played at once; "
            "shorten the prices, or state an `end`"
        )
    return moments
