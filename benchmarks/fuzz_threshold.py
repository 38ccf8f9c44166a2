"""Our side of the threshold property: one position beside one coin of collateral is liquidatable exactly when E < M.

Every case is judged by the model (plimsoll.margin_math) and by the library's real bytecode, thousands in one call; a
difference stops everything. Ranges and terms are those of benchmarks/foundry/ThresholdTest.sol.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from random import Random
from typing import NamedTuple

from fuzz_forge import Rate

from plimsoll import margin_math
from plimsoll.chain.harness import WORD, pack, words
from plimsoll.chain.node import Chain, Contract
from plimsoll.margin_math import Coin, Leg, Margin, Snapshot

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


class Judged(NamedTuple):
    """A case and what the model says of it. exact: E = M."""

    case: Case
    liquidatable: bool
    exact: bool


Draw = Callable[[Random, int], list[Judged]]


class Differs(Exception):
    """The contracts and the model judge an account differently."""


def account(case: Case) -> Snapshot:
    cash, size, quote, mid, amount = case
    leg = Leg(0, size, quote, 0, 0, mid, 0, BASE, SLOPE, DEPTH, FLOOR, 0, 0, PENALTY, 0, 0)
    coin = Coin(0, amount, 0, mid, HAIRCUT, MAX_HAIRCUT, COIN_DEPTH, COIN_SCALE, 0)
    return Snapshot(0, cash, 0, SIZE_SCALE, (leg,), (coin,))


def judged(case: Case) -> Judged:
    return _verdict(case, margin_math.judge(account(case)))


def _verdict(case: Case, margin: Margin) -> Judged:
    return Judged(case, margin_math.liquidatable(margin), margin.equity == margin.maintenance > 0)


# Cases -------------------------------------------------------------------------------------------------------------


def uniform(random: Random, count: int) -> list[Judged]:
    return [judged(_drawn(random)) for _ in range(count)]


def aimed(random: Random, count: int) -> list[Judged]:
    """Two units of cash below the line to two above. Cash counts one for one in equity and moves nothing else, so the model
    is asked once for all five."""
    found = []
    for _ in range(count // len(OFFSETS)):
        case = _drawn(random)
        margin = margin_math.judge(account(case))
        line = case.cash + margin.maintenance - margin.equity
        for offset in OFFSETS:
            moved = margin._replace(equity=margin.maintenance + offset)
            found.append(_verdict(Case(line + offset, *case[1:]), moved))
    return found


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


def check(judge: Judge, cases: list[Judged]) -> int:
    """How many of the cases lie exactly at the line. Raises Differs."""
    found = judge([one.case for one in cases])
    wrong = [one for one, liquidatable in zip(cases, found, strict=True) if one.liquidatable != liquidatable]
    if wrong:
        raise Differs(f"{len(wrong)} of {len(cases)} cases; the model says of the first: {wrong[0]}")
    return sum(one.exact for one in cases)


def campaign(url: str, draw: Draw, seconds: float, seed: int, cases: int = CASES) -> Rate:
    """As many batches as fit, one at least. Raises Differs."""
    judge, random = _judge(url), Random(seed)
    done, hits, took, started = 0, 0, 0.0, time.perf_counter()
    while not done or took < seconds:
        batch = draw(random, cases)
        hits += check(judge, batch)
        done += len(batch)
        took = time.perf_counter() - started
    return Rate(done, took, hits)


@lru_cache(maxsize=None)
def _judge(url: str) -> Judge:
    return Judge(Chain(url).deploy("MathHarness"))
