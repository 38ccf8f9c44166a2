"""The figures of a run: a row for each trader's account, and the totals. Screen, page and CSV files show these."""

from __future__ import annotations

from dataclasses import dataclass

from plimsoll.fixed_point import mul_div_down
from plimsoll.scenarios.acts import Deposit, MoveCash, Provide, Redeem, Withdraw
from plimsoll.scenarios.prices import price_at
from plimsoll.scenarios.record import Event, Liquidation, Run
from plimsoll.scenarios.scenario import Scenario
from plimsoll.state import State
from plimsoll.types import USDC, WAD, Absorption, Account, Outcome


@dataclass(frozen=True)
class AccountRow:
    """Settlement units. deposited, withdrawn: tokens at the market of that second. peak_leverage: notional / equity,
    WAD. liquidated: its closings, oldest first; deleveraged: how often it lost size by one. left: what the account is worth at the end, without haircuts."""

    account: Account
    about: str
    deposited: int
    withdrawn: int
    peak_leverage: int
    liquidated: tuple[Liquidation, ...]
    deleveraged: int
    left: int

    @property
    def penalty(self) -> int:
        return sum(item.penalty for item in self.liquidated)

    @property
    def result(self) -> int:
        return self.left + self.withdrawn - self.deposited

    @property
    def first_health(self) -> int | None:
        """E / M when it was first liquidated, WAD."""
        outcome = self.liquidated[0].outcome if self.liquidated else None
        return mul_div_down(outcome.equity, WAD, outcome.maintenance) if isinstance(outcome, Outcome) else None

    @property
    def fate(self) -> str:
        if not self.liquidated:
            return f"{self.deleveraged} deleveraged" if self.deleveraged else "never below its line"
        whole = any(item.whole for item in self.liquidated)
        bites = sum(not item.whole for item in self.liquidated)
        parts = [f"{bites} partial"] * (bites > 0) + ["closed whole"] * whole
        parts += [f"{self.deleveraged} deleveraged"] * (self.deleveraged > 0)
        return ", ".join(parts)


@dataclass(frozen=True)
class Totals:
    """Settlement units. premiums: of penalties, what the pool asked beyond mid; purchases: paid for collateral at auction;
    shared: losses that the other side paid or owes; deleverages: how many; pool_result: what the providers have more than
    they brought, at mid."""

    steps: int
    answers: int
    checks: int
    partial: int
    whole: int
    liquidated_notional: int
    penalties: int
    to_keeper: int
    to_taker: int  # its share, and the premium
    to_insurance: int
    premiums: int
    purchases: int
    deleverages: int
    shared: int
    most_bad_debt: int
    insurance_used: int
    insurance_left: int
    bad_debt: int
    pool_result: int | None
    keeper_refused: int


def account_rows(run: Run) -> list[AccountRow]:
    about = {spec.account: spec.about for spec in run.scenario.actors}
    return [_row(run, account, about[account]) for account in run.traders() if account in run.states[-1].accounts]


def _row(run: Run, account: Account, about: str) -> AccountRow:
    paid_in = paid_out = 0
    for event, state in zip(run.events, run.states[1:]):
        if event.refused:
            continue
        paid_in += _paid_in(run.scenario, event, state, account)
        paid_out += _paid_out(run.scenario, event, state, account)
    return AccountRow(
        account=account,
        about=about,
        deposited=paid_in,
        withdrawn=paid_out,
        peak_leverage=max((leverage(state, account) for state in run.history(account)), default=0),
        liquidated=tuple(item for item in run.liquidations() if item.account == account),
        deleveraged=sum(other == account for _, other in run.deleveraged()),
        left=worth(run.scenario, run.states[-1], account),
    )


def _paid_in(scenario: Scenario, event: Event, state: State, account: Account) -> int:
    act = event.act
    if isinstance(act, Deposit) and act.account == account:
        return token_worth(scenario, state, act.token, event.answer)
    return act.amount if isinstance(act, MoveCash) and act.target == account else 0


def _paid_out(scenario: Scenario, event: Event, state: State, account: Account) -> int:
    act = event.act
    if isinstance(act, Withdraw) and act.account == account:
        return token_worth(scenario, state, act.token, event.answer)
    return act.amount if isinstance(act, MoveCash) and act.account == account else 0


def token_worth(scenario: Scenario, state: State, token: str, amount: int) -> int:
    """Settlement units, without haircut, at the feed's answer; while that is not valid, at the market."""
    if token == scenario.world.settlement.name:
        return amount
    spec = scenario.world.collateral(token)
    mid = state.feeds[spec.feed].mid or price_at(scenario.paths[spec.feed], state.time)
    return mul_div_down(amount * mid, USDC, WAD * 10**spec.token.decimals)


def worth(scenario: Scenario, state: State, account: Account) -> int:
    """Cash, profit and collateral without haircuts, settlement units; without the profit while that has no price."""
    held = state.accounts[account]
    cash = held.margin.cash + held.margin.profit if held.margin else held.cash
    return cash + sum(token_worth(scenario, state, name, amount) for name, amount in held.collateral.items())


def leverage(state: State, account: Account) -> int:
    """Notional / equity, WAD; 0 while there is no position, no price or no equity."""
    margin = state.accounts[account].margin
    return mul_div_down(margin.notional, WAD, margin.equity) if margin and margin.equity > 0 else 0


def totals(run: Run) -> Totals:
    closings = run.liquidations()
    outcomes = [item.outcome for item in closings if isinstance(item.outcome, Outcome)]
    last = run.states[-1]
    return Totals(
        steps=len(run.events),
        answers=sum(event.act.verb == "set_price" for event in run.events),
        checks=run.checks,
        partial=sum(not item.whole for item in closings),
        whole=sum(item.whole for item in closings),
        liquidated_notional=sum(item.notional for item in closings),
        penalties=sum(outcome.penalty for outcome in outcomes),
        to_keeper=sum(outcome.keeper_reward for outcome in outcomes),
        to_taker=sum(outcome.taker_reward + outcome.premium for outcome in outcomes),
        to_insurance=sum(outcome.insurance for outcome in outcomes),
        premiums=sum(outcome.premium for outcome in outcomes),
        purchases=sum(event.answer.payment for event in run.events if _done(event, "buy_collateral")),
        deleverages=sum(_done(event, "deleverage") for event in run.events),
        shared=sum(event.answer.shared for event in run.events if _done(event, "absorb")),
        most_bad_debt=max(state.bad_debt for state in run.states),
        insurance_used=sum(item.outcome.insurance for item in closings if isinstance(item.outcome, Absorption)),
        insurance_left=sum(market.insurance for market in last.markets.values()),
        bad_debt=last.bad_debt,
        pool_result=_pool_result(run),
        keeper_refused=sum(event.by_keeper and event.refused is not None for event in run.events),
    )


def _done(event: Event, verb: str) -> bool:
    return event.act.verb == verb and event.refused is None


def _pool_result(run: Run) -> int | None:
    equity = run.states[-1].pool.equity_mid
    if equity is None:
        return None
    done = [event for event in run.events if event.refused is None]
    brought = sum(event.act.amount for event in done if isinstance(event.act, Provide))
    taken: int = sum(event.answer for event in done if isinstance(event.act, Redeem))
    return equity - brought + taken
