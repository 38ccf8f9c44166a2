"""Integer multiplication and division whose rounding is in the name: the twin of FixedPointMath.sol.

`down` is toward −∞ and `up` toward +∞, on both sides of zero. Every division of money in this library is here.
A zero divisor is a ZeroDivisionError; divisors are positive.
"""

from __future__ import annotations

WAD = 10**18


def mul_div_down(x: int, y: int, d: int) -> int:
    """⌊x · y / d⌋"""
    return x * y // d


def mul_div_up(x: int, y: int, d: int) -> int:
    """⌈x · y / d⌉"""
    return -(-x * y // d)


def div_down(x: int, d: int) -> int:
    """⌊x / d⌋"""
    return x // d


def div_up(x: int, d: int) -> int:
    """⌈x / d⌉"""
    return -(-x // d)
