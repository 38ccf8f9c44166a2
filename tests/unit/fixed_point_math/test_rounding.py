"""FixedPointMath beside Python's exact integers: every pair of edge values, and random ones of every size."""

import random

import pytest

from plimsoll.errors import Reverted

U256, I256 = 2**256, 2**255
EDGES = [0, 1, 2, 3, 10**18 - 1, 10**18, 10**18 + 1, 2**127, 2**128 - 1, 2**128, 2**255 - 1, 2**255, U256 - 1]


def ceil_div(x, d):
    return -(-x // d)


@pytest.fixture
def harness(chain):
    return chain.deploy("MathHarness")


def sizes(draw, signed=False):
    value = draw.getrandbits(draw.randrange(1, 256 if signed else 257))
    return -value if signed and draw.random() < 0.5 else value


def cases(signed):
    """(x, y, d), edges and random; a third of them divide exactly."""
    draw = random.Random(7 + signed)
    firsts = [sign * edge for edge in EDGES for sign in ((1, -1) if signed else (1,))]
    found = [(x, y, d) for x in firsts for y in EDGES[:8] for d in EDGES]
    for _ in range(1_500):
        x, y, d = sizes(draw, signed), sizes(draw) >> draw.randrange(257), sizes(draw) >> draw.randrange(257)
        found.append((x - x % d, 1, d) if d and draw.random() < 0.3 and abs(x) < 2**250 else (x, y, d))
    return [case for case in found if not signed or -I256 <= case[0] < I256]


def expected(x, y, d, divide, signed):
    """The value, or the error's name and arguments."""
    if abs(x) * y >= U256:
        return ("Panic", (0x11,))
    if d == 0:
        return ("Panic", (0x12,))
    result = divide(x * y, d)
    if signed and not -I256 <= result < I256:
        return ("SignedOverflow", (abs(result),))
    return result


def seen(answer):
    return (answer.name, answer.args) if isinstance(answer, Reverted) else answer


@pytest.mark.parametrize("divide", [int.__floordiv__, ceil_div], ids=["down", "up"])
@pytest.mark.parametrize("signed", [False, True], ids=["unsigned", "signed"])
def test_mul_div_any_numbers_equals_exact_integers(chain, harness, divide, signed):
    name = ("signedMulDiv" if signed else "mulDiv") + ("Up" if divide is ceil_div else "Down")
    tried = cases(signed)
    answers = chain.batch([harness.call_item(name, *case) for case in tried], errors="return")
    for case, answer in zip(tried, answers):
        assert seen(answer) == expected(*case, divide, signed), case


@pytest.mark.parametrize(
    ("name", "divide", "signed"),
    [("divUp", ceil_div, False), ("signedDivDown", int.__floordiv__, True), ("signedDivUp", ceil_div, True)],
)
def test_div_any_numbers_equals_exact_integers(chain, harness, name, divide, signed):
    tried = [(x, d) for x, _, d in cases(signed)]
    answers = chain.batch([harness.call_item(name, *case) for case in tried], errors="return")
    for (x, d), answer in zip(tried, answers):
        assert seen(answer) == expected(x, 1, d, divide, signed), (x, d)


@pytest.mark.parametrize("x", [0, 1, -1, I256 - 1, -(I256 - 1), -I256])
def test_abs_any_number_is_exact(harness, x):
    assert harness.abs(x) == abs(x)
