"""Our side of the threshold property: one position beside one coin of collateral is liquidatable exactly when E < M.

Every case is judged by the model (plimsoll.model.margin_math) and by the library's real bytecode, thousands in one call; a
difference stops everything. Ranges and terms are those of benchmarks/foundry/ThresholdTest.sol.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from random import Random
from typing import NamedTuple

from fuzz_forge import Rate

from plimsoll.chain.node import Chain, Contract
from plimsoll.model import margin_math
from plimsoll.model.margin_math import Coin, Leg, Margin, Snapshot
from tests.packing import WORD, pack, words

CASES = 4_000  # in one call: a request stays below 2 MB
SIZE_SCALE, COIN_SCALE = margin_math.size_scale(6), margin_math.coin_scale(18, 6)
BASE, SLOPE, DEPTH, FLOOR, PENALTY = 6 * 10**16, 10**16, 20_000 * 10**9, 5 * 10**6, 15 * 10**15
HAIRCUT, MAX_HAIRCUT, COIN_DEPTH = 10**17, 5 * 10**17, 50_000 * 10**18
OFFSETS = (-2, -1, 0, 1, 2)


class Case(NamedTuple):
    """mid: of the position and of the coin, WAD. amount: of the coin, its own units."""

    cash: int
    size: int
    quote: int
    mid: int
    amount: int


class Differs(Exception):
    """The contracts and the model judge an account differently."""


def account(case: Case) -> Snapshot:
    cash, size, quote, mid, amount = case
    leg = Leg(0, size, quote, 0, 0, mid, 0, BASE, SLOPE, DEPTH, FLOOR, 0, 0, PENALTY, 0, 0)
    coin = Coin(0, amount, 0, mid, HAIRCUT, MAX_HAIRCUT, COIN_DEPTH, COIN_SCALE, 0)
    return Snapshot(0, cash, 0, SIZE_SCALE, (leg,), (coin,))


def judged(case: Case) -> Margin:
    """The model's word."""
    return margin_math.judge(account(case))


# Cases -------------------------------------------------------------------------------------------------------------


def uniform(random: Random, count: int) -> list[Case]:
    return [_drawn(random) for _ in range(count)]


def aimed(random: Random, count: int) -> list[Case]:
    """Two units of cash below the line to two above."""
    cases = []
    for _ in range(count // len(OFFSETS)):
        case = _drawn(random)
        margin = judged(case)
        line = case.cash + margin.maintenance - margin.equity
        cases += [Case(line + offset, *case[1:]) for offset in OFFSETS]
    return cases


def _drawn(random: Random) -> Case:
    bits = random.getrandbits
    return Case(bits(44) - 2**43, bits(41) - 2**40, bits(44) - 2**43, (1 + bits(40)) * 10**10, bits(73))


# The contracts' word -----------------------------------------------------------------------------------------------


class Judge:
    """MathHarness.liquidatables, packed by hand."""

    def __init__(self, harness: Contract) -> None:
        self._harness, self._function = harness, harness.artifact.function("liquidatables")
        terms = pack(account(Case(0, 0, 0, 0, 0)))
        self._head = self._function.selector + words((2 * WORD, 2 * WORD + len(terms))) + terms

    def __call__(self, cases: list[Case]) -> list[bool]:
        numbers = b"".join([number.to_bytes(WORD, "big", signed=True) for case in cases for number in case])
        data = "0x" + (self._head + words((len(cases),)) + numbers).hex()
        request = {"to": self._harness.address, "data": data, "gas": hex(10**10)}
        answer = self._harness.chain.rpc("eth_call", request, "latest")
        below = self._function.decode(bytes.fromhex(answer[2:]))
        bits = "".join([f"{word:0256b}"[::-1] for word in below])
        return [bit == "1" for bit in bits[: len(cases)]]


def check(judge: Judge, cases: list[Case]) -> int:
    """How many of the cases lie exactly at the line. Raises Differs."""
    margins = [judged(case) for case in cases]
    due, found = [margin_math.liquidatable(margin) for margin in margins], judge(cases)
    if due != found:
        wrong = [case for case, mine, theirs in zip(cases, due, found) if mine != theirs]
        raise Differs(f"{len(wrong)} of {len(cases)} cases; the first: {wrong[0]}, the model says {judged(wrong[0])}")
    return sum(margin.equity == margin.maintenance > 0 for margin in margins)


def campaign(url: str, harness: str, draw: Callable[[Random, int], list[Case]], seconds: float, seed: int) -> Rate:
    """As many batches as fit. Raises Differs."""
    judge, random = Judge(Chain(url).at("MathHarness", harness)), Random(seed)
    cases, hits, started = 0, 0, time.perf_counter()
    while (spent := time.perf_counter() - started) < seconds:
        batch = draw(random, CASES)
        hits += check(judge, batch)
        cases += len(batch)
    return Rate(cases, spent, hits)
