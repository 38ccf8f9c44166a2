"""Reads the whole State of a deployment: one JSON-RPC batch, one block.

What is stored comes from the contracts that store it, what is judged from MarginLens: the margin rule is not written
a second time here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from plimsoll.margin_math import Margin
from plimsoll.chain.artifacts import decode_error
from plimsoll.chain.deployment import Deployment
from plimsoll.chain.node import CallItem, Contract
from plimsoll.errors import Reverted
from plimsoll.fixed_point import mul_div_down
from plimsoll.state import AccountState, EscrowState, FeedState, MarketState, PoolState, Position, State
from plimsoll.types import ENGINE, FAULTS, WAD, Account

CASH_ACCOUNT = 0  # the escrow account that holds the engine's settlement tokens
VIRTUAL_SHARES = 10**6
ACCOUNTS_A_CALL = 16  # that the lens is asked for at once: a call's gas is that of a block

Key = tuple[Any, ...]
Values = Mapping[Key, Any]


@dataclass(frozen=True)
class Reading:
    """state, and the lens's report (IMarginLens.AccountReport) on each account of it."""

    state: State
    reports: Mapping[Account, Any]


class StateReader:
    """Of one deployment. shift: the chain's time less the world's, seconds."""

    def __init__(self, made: Deployment, shift: int) -> None:
        self._made, self._world, self._shift = made, made.world, shift
        self._items: dict[tuple[Any, ...], CallItem] = {}  # calldata is written once
        self._cash = (made.engine.address, CASH_ACCOUNT)

    def read(self, time: int, accounts: Mapping[Account, int], holders: Mapping[str, str]) -> Reading:
        """time: of the latest block, in the world's calendar. accounts: with their ids. holders: actors who may hold
        shares of the pool, with their addresses. Raises Reverted where the lens or a stored value cannot be read."""
        questions = self.questions(accounts, holders)
        answers = self._made.chain.batch(questions.values(), errors="return")
        return self.reading(time, accounts, holders, dict(zip(questions, answers)))

    def questions(self, accounts: Mapping[Account, int], holders: Mapping[str, str]) -> dict[Key, CallItem]:
        """The views that `read` asks, for those who ask them elsewhere (at the end of a lane)."""
        return dict(self._questions(list(accounts.values()), holders))

    def reading(self, time: int, accounts: Mapping[Account, int], holders: Mapping[str, str], values: Values) -> Reading:
        """What the answers to `questions` mean; an answer may be a Reverted. As `read`."""
        for key, value in values.items():
            if isinstance(value, Reverted) and key != ("equity",):
                raise value
        listed = (report for key, part in values.items() if key[0] == "reports" for report in part)
        reports = dict(zip(accounts, listed))
        state = State(
            time=time,
            accounts={account: self._account(values, reports[account]) for account in accounts},
            markets={name: self._market(values, name) for name in self._made.instruments},
            feeds={name: self._feed(values, name) for name in self._made.proxies},
            escrow={name: self._escrow(values, name, accounts.values()) for name in self._made.tokens},
            pool=self._pool(values, holders),
            bad_debt=values["bad debt",],
        )
        return Reading(state, reports)

    # What is asked -------------------------------------------------------------------------------------------------

    def _questions(self, ids: list[int], holders: Mapping[str, str]) -> Iterator[tuple[Key, CallItem]]:
        made, ask = self._made, self._ask
        for start in range(0, len(ids), ACCOUNTS_A_CALL):
            yield ("reports", start), ask(made.lens, "reports", tuple(ids[start : start + ACCOUNTS_A_CALL]))
        for account in ids:
            for instrument in made.instruments.values():
                yield ("position", account, instrument), ask(made.engine, "position", account, instrument)
            for collateral in made.collaterals.values():
                yield ("collateral", account, collateral), ask(made.engine, "collateralOf", account, collateral)
        for name, i in made.instruments.items():
            yield ("market", name), ask(made.engine, "market", i)
            yield ("fund", name), ask(made.engine, "fundOf", i)
            yield ("owed", name, True), ask(made.engine, "deficitOf", i, True)
            yield ("owed", name, False), ask(made.engine, "deficitOf", i, False)
        for i, name in enumerate(made.proxies):
            yield ("price", name), ask(made.oracle, "peek", i, False)
            yield ("freshness", name), ask(made.oracle, "freshness", i)
        for name, token in made.tokens.items():
            yield ("balance", name), ask(token, "balanceOf", made.escrow.address)
        yield ("cash",), ask(made.escrow, "creditOf", *self._cash, made.settlement.address)
        yield ("bad debt",), ask(made.engine, "badDebt")
        yield ("equity",), ask(made.pool, "equity")
        yield ("supply",), ask(made.pool, "totalSupply")
        for actor, address in holders.items():
            yield ("shares", actor), ask(made.pool, "balanceOf", address)
            yield ("requested", actor), ask(made.pool, "request", address)

    def _ask(self, contract: Contract, fn: str, *args: Any) -> CallItem:
        key = (contract.address, fn, args)
        if key not in self._items:
            self._items[key] = contract.call_item(fn, *args)
        return self._items[key]

    # What it means -------------------------------------------------------------------------------------------------

    def _account(self, values: Values, report: Any) -> AccountState:
        made, account = self._made, report.account
        positions = {name: values["position", account, i] for name, i in made.instruments.items()}
        collateral = {name: values["collateral", account, i] for name, i in made.collaterals.items()}
        return AccountState(
            cash=report.state.cash,
            positions={name: Position(*held) for name, held in positions.items() if held.size},
            collateral={name: amount for name, amount in collateral.items() if amount},
            margin=Margin(*report.standing.margin) if report.valid else None,
            fault="" if report.valid else decode_error(report.fault).name,
            owed=sum(max(0, leg.charge) for leg in report.legs),
        )

    def _market(self, values: Values, name: str) -> MarketState:
        stored, fund = values["market", name], values["fund", name]
        return MarketState(
            open_interest=stored.openInterest,
            index_long=stored.indexLong,
            index_short=stored.indexShort,
            quote_long=stored.quoteLong,
            quote_short=stored.quoteShort,
            rate_e8=stored.rateE8,
            time=stored.time - self._shift,
            insurance=fund.insurance,
            treasury=fund.treasury,
            owed_long=values["owed", name, True].owed,
            owed_short=values["owed", name, False].owed,
        )

    def _feed(self, values: Values, name: str) -> FeedState:
        told, updated_at = values["price", name], values["freshness", name].updatedAt
        return FeedState(
            lo=told.price.lo,
            mid=told.price.mid,
            hi=told.price.hi,
            fault=FAULTS[told.fault] if told.fault else "",
            updated_at=updated_at - self._shift if updated_at else 0,
            halted_at=told.price.haltedAt - self._shift if told.price.haltedAt else 0,
        )

    def _escrow(self, values: Values, token: str, ids: Any) -> EscrowState:
        if token == self._world.settlement.name:
            credit = values["cash",]
        else:
            collateral = self._made.collaterals[token]
            credit = sum(values["collateral", account, collateral] for account in ids)
        return EscrowState(values["balance", token], {ENGINE: credit})

    def _pool(self, values: Values, holders: Mapping[str, str]) -> PoolState:
        supply, equity = values["supply",], values["equity",]
        shares = {actor: values["shares", actor] + values["requested", actor].shares for actor in holders}
        if isinstance(equity, Reverted):
            return PoolState(None, None, None, supply, None, shares)
        # One whole share is 10^(decimals + 6) of its units, and a price is WAD a whole settlement token.
        price = mul_div_down(equity.mid + 1, VIRTUAL_SHARES * WAD, supply + VIRTUAL_SHARES)
        return PoolState(equity.low, equity.mid, equity.high, supply, price, shares)
