"""How the example contracts are stated to plimsoll.properties: whole cases, thousands of them in one request.

Each case is an account of its own in a simulated world: the price at which it opens, the opening, the price at which it
is judged. Nothing is mined and nothing has to be undone.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from plimsoll.chain.anvil import Anvil
from plimsoll.chain.lane import AnvilLane, Step
from plimsoll.chain.node import CallItem, Chain
from plimsoll.chain.sources import compile_folder
from plimsoll.errors import Reverted
from plimsoll.fixed_point import mul_div_down, mul_div_up
from plimsoll.properties import Case, Margin, MarginAdapter, Outcome, Range

CONTRACTS = Path(__file__).with_name("contracts")
SCALE = 10**11  # size · price / SCALE is cash
LIQUIDATOR = "0x" + "11" * 20
SECONDS_EACH = 200_000  # between two worlds, more than any age that is asked


def rule(case: Case) -> Margin:
    """The rule in words: equity is the cash and the profit, rounded down; 5 % of the position's value, rounded up, must be
    held."""
    profit = mul_div_down(case.size, case.price - case.entry, SCALE)
    return Margin(case.collateral + profit, mul_div_up(abs(case.size) * case.price, 5, 100 * SCALE))


class ExampleAdapter(MarginAdapter):
    """One of the contracts, by name, on a chain of its own."""

    collateral = Range(0, 10**15)  # 1e-6 dollars
    size = Range(1, 10**15)  # 1e-9 of a whole unit
    price = Range(1, 10**13)  # 1e-8 dollars
    max_price_age = 60  # seconds

    def __init__(self, contract: str) -> None:
        compiled = compile_folder(CONTRACTS)[contract]
        with ExitStack() as stack:
            self.chain = Chain(stack.enter_context(Anvil(accounts=1)))
            self.margin = self.chain.deploy(compiled)
            self._lane = AnvilLane(self.chain, share_blocks=True)
            self._stack = stack.pop_all()

    def rule(self, case: Case) -> Margin | None:
        return rule(case)

    def close(self) -> None:
        self._stack.close()

    def are_liquidatable(self, cases: Sequence[Case]) -> list[bool | None]:
        return [verdict for (verdict,) in self._views(cases, "isLiquidatable")]

    def margins(self, cases: Sequence[Case]) -> list[Margin | None]:
        return [Margin(*said) for said in self._views(cases, "equity", "maintenance")]

    def liquidate_all(self, cases: Sequence[Case], age: int = 0) -> list[Outcome | None]:
        worlds = []
        for i, case in enumerate(cases):
            who, opened = _account(i), 1 + i * SECONDS_EACH
            account, liquidator = self._item("accounts", who), self._item("accounts", LIQUIDATOR)
            act, verdict = self._item("liquidate", who), self._item("isLiquidatable", who)
            worlds.append((opened, self._set_up(case, who)))
            worlds.append((opened + age, [account, liquidator, act, account, liquidator, verdict]))
        return [_outcome(case, said) for case, said in zip(cases, self._play(worlds)[1::2])]

    def _play(self, worlds: Sequence[tuple[int, list[CallItem]]]) -> list[list[Any]]:
        """What the calls of each second answer; seconds: from now."""
        now, items = self.chain.now, [item for _, some in worlds for item in some]
        times = [now + second for second, some in worlds for _ in some]
        steps = [
            Step(self.margin.address, item.request["data"], item.request["from"], time) for item, time in zip(items, times)
        ]
        said = iter([done.value(item) for done, item in zip(self._lane.play(steps).done, items)])
        return [[next(said) for _ in some] for _, some in worlds]

    def _item(self, fn: str, *args: int | str, sender: str = LIQUIDATOR) -> CallItem:
        return self.margin.call_item(fn, *args, sender=sender)

    def _set_up(self, case: Case, who: str) -> list[CallItem]:
        opening = self._item("open", case.collateral, case.size, sender=who)
        return [self._item("post", case.entry), opening, self._item("post", case.price)]

    def _views(self, cases: Sequence[Case], *views: str) -> list[list[Any]]:
        items = []
        for i, case in enumerate(cases):
            who = _account(i)
            items += self._set_up(case, who) + [self._item(view, who) for view in views]
        (said,) = self._play([(1, items)])
        each = 3 + len(views)
        return [said[start + 3 : start + each] for start in range(0, len(said), each)]


def _account(number: int) -> str:
    return f"0x{number + 2**100:040x}"


def _outcome(case: Case, said: list[Any]) -> Outcome | None:
    """Measured on balances: the account's cash and size, the liquidator's cash, before and after."""
    account, liquidator, seized, account_after, liquidator_after, verdict = said
    if isinstance(seized, Reverted):
        return None
    realised = mul_div_down(account.size - account_after.size, case.price - case.entry, SCALE)
    return Outcome(account.cash, realised, account_after.cash, liquidator_after.cash - liquidator.cash, verdict)
