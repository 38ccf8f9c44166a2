"""A margin contract that is a few lines of Python, to test the properties themselves without a chain: one instrument, value
is size · price / 1000, 5 % maintenance, 1 % penalty. `bugs` are planted by name."""

from collections.abc import Iterator
from contextlib import contextmanager

from plimsoll.fixed_point import mul_div_down, mul_div_up
from plimsoll.properties import Case, Margin, Outcome, Range, StepByStep

SCALE = 1_000


class Refused(Exception):
    pass


class PlainMargin(StepByStep):
    collateral = Range(0, 10**15)
    size = Range(1, 10**9)
    price = Range(1, 10**8)
    max_price_age = 60
    refusals = (Refused,)

    def __init__(self, *bugs: str, states_rule: bool = True) -> None:
        self.bugs, self.states_rule = bugs, states_rule
        self.now = self.mark = self.at = self.asked = 0

    @contextmanager
    def undone(self) -> Iterator[None]:
        self.asked += 1
        yield

    def set_price(self, price: int) -> None:
        self.at, self.mark = price, self.now

    def advance(self, seconds: int) -> None:
        self.now += seconds

    def set_up(self, collateral: int, size: int) -> dict:
        if "refuses large" in self.bugs and abs(size) > 10**6:
            raise Refused
        return {"cash": collateral, "size": size, "entry": self.at}

    def is_liquidatable(self, account: dict) -> bool:
        said = self.margin_ratio(account)
        below = said.equity <= said.maintenance if "boundary" in self.bugs else said.liquidatable
        return account["size"] != 0 and below

    def margin_ratio(self, account: dict) -> Margin:
        profit = mul_div_down(account["size"], self.at - account["entry"], SCALE)
        if "shorts gain" in self.bugs and account["size"] < 0:
            profit = -profit
        size = abs(account["size"]) % 2**20 if "cast" in self.bugs else abs(account["size"])
        rounded = mul_div_down if "rounding" in self.bugs else mul_div_up
        return Margin(account["cash"] + profit, rounded(size * self.at, 5, SCALE * 100))

    def liquidate(self, account: dict) -> Outcome:
        if self.now - self.mark > self.max_price_age and "stale" not in self.bugs:
            raise Refused
        if not self.is_liquidatable(account) and "anyone" not in self.bugs:
            raise Refused
        before, equity = account["cash"], self.margin_ratio(account).equity
        seized = max(0, min(equity, mul_div_down(abs(account["size"]) * self.at, 1, SCALE * 100)))
        account["cash"] = equity - (0 if "seizure" in self.bugs else seized)
        if "portion" not in self.bugs:
            account["size"] = 0
        return Outcome(before, equity - before, account["cash"], seized, self.is_liquidatable(account))

    def rule(self, case: Case) -> Margin | None:
        if not self.states_rule:
            return None
        profit = mul_div_down(case.size, case.price - case.entry, SCALE)
        return Margin(case.collateral + profit, mul_div_up(abs(case.size) * case.price, 5, SCALE * 100))
