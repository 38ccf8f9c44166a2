"""The right example once more, stated the plain way: seven verbs on one account, each a mined transaction. Start from here
for your own contract; with Brownie, `chain.snapshot()` and `chain.revert()` are `undone`.

    python -m plimsoll properties examples.step_by_step.OneByOne --seconds 30
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from examples.adapter import CONTRACTS, SCALE, ExampleAdapter, rule
from plimsoll.chain.anvil import Anvil
from plimsoll.chain.node import Chain
from plimsoll.chain.sources import compile_folder
from plimsoll.errors import Reverted
from plimsoll.fixed_point import mul_div_down
from plimsoll.properties import Case, Margin, Outcome, StepByStep


class OneByOne(StepByStep):
    collateral, size, price = ExampleAdapter.collateral, ExampleAdapter.size, ExampleAdapter.price
    max_price_age = ExampleAdapter.max_price_age
    refusals = (Reverted,)

    def __init__(self, contract: str = "ExampleMargin") -> None:
        compiled = compile_folder(CONTRACTS)[contract]
        self.anvil = Anvil(accounts=2).start()
        self.chain = Chain(self.anvil, seconds_per_block=0)
        self.trader, self.liquidator = self.chain.accounts
        self.margin = self.chain.deploy(compiled)

    def close(self) -> None:
        self.anvil.stop()

    @contextmanager
    def undone(self) -> Iterator[None]:
        here = self.chain.snapshot()
        try:
            yield
        finally:
            self.chain.revert(here)

    def set_price(self, price: int) -> None:
        self.margin.post(price)

    def advance(self, seconds: int) -> None:
        self.chain.advance(seconds)

    def set_up(self, collateral: int, size: int) -> str:
        self.margin.open(collateral, size, sender=self.trader)
        return self.trader

    def is_liquidatable(self, account: str) -> bool:
        return self.margin.isLiquidatable(account)

    def margin_ratio(self, account: str) -> Margin:
        return Margin(self.margin.equity(account), self.margin.maintenance(account))

    def liquidate(self, account: str) -> Outcome:
        before, received = self.margin.accounts(account), self.margin.accounts(self.liquidator).cash
        self.margin.liquidate(account, sender=self.liquidator)
        after = self.margin.accounts(account)
        realised = mul_div_down(before.size - after.size, self.margin.price() - before.entry, SCALE)
        received = self.margin.accounts(self.liquidator).cash - received
        return Outcome(before.cash, realised, after.cash, received, self.margin.isLiquidatable(account))

    def rule(self, case: Case) -> Margin:
        return rule(case)
