"""The margin rule: what an account owns, what it must hold, and whether it may be liquidated. The twin of MarginMath.sol.

An account is a Snapshot: cash, positions (Leg) and collateral (Coin), each with the prices and the terms that judge it.
`judge` is where to begin: it says what the account owns (equity), what it must hold to stay open (maintenance) and what
it must hold to add risk (initial). An account is liquidatable exactly when it holds a position and its equity is below
its maintenance.

Rounding is always against the account: what it owns is floored, what it owes or must hold is rounded up.

Units: cash, quote, value: settlement units, signed; token amount: the token's own units; price, rate, haircut, multiple:
WAD; size: 1e-9 of one whole unit, signed, + is long. size · price / size_scale and amount · price · (1 − haircut) / coin.scale are
settlement units.
"""

from __future__ import annotations

from typing import NamedTuple

from plimsoll.fixed_point import WAD, div_down, mul_div_down, mul_div_up

MILLION = 10**6
MOST_PRICE = 2**88 - 1
HALT_RAMP = 86_400  # seconds


class Leg(NamedTuple):
    """A position. charge: what the funding index says it owes and has not paid yet. The other fields are its terms."""

    instrument: int
    size: int
    quote: int
    charge: int
    lo: int
    mid: int
    hi: int
    base: int
    slope: int
    depth: int
    floor: int
    initial_multiple: int
    oi_factor: int
    penalty_rate: int
    min_notional: int
    feed: int


class Coin(NamedTuple):
    """A holding of one collateral. haircut is h₀; depth, in the token's units, is where it would have grown by 1."""

    collateral: int
    amount: int
    lo: int
    mid: int
    haircut: int
    max_haircut: int
    depth: int
    scale: int
    feed: int


class Snapshot(NamedTuple):
    """An account at one moment. interest: what is already taken off cash."""

    account: int
    cash: int
    interest: int
    size_scale: int
    legs: tuple[Leg, ...]
    coins: tuple[Coin, ...]


class Margin(NamedTuple):
    """The verdict. cash: less the funding that is owed already, though not settled; funding that is due counts as profit until
    it is. initial is 0 unless risk is being added; penalty is the most that a liquidation may take."""

    cash: int
    collateral: int
    profit: int
    equity: int
    notional: int
    maintenance: int
    initial: int
    penalty: int


def judge(snapshot: Snapshot, adding: bool = False) -> Margin:
    """The account as a liquidator sees it; with `adding`, as it is seen when it opens, increases or withdraws:
    collateral at its lower price, and the initial requirement computed."""
    held = [leg for leg in snapshot.legs if leg.size != 0]
    scale = snapshot.size_scale
    collateral = sum(collateral_value(coin, coin.lo if adding else coin.mid) for coin in snapshot.coins)
    # What is owed is as good as paid: it leaves cash, where it must not be withdrawn, rather than profit.
    owed = sum(max(0, leg.charge) for leg in held)
    cash = snapshot.cash - owed
    profit = owed + sum(profit_of(leg, scale) for leg in held)
    equity = cash + collateral + profit
    penalty = sum(mul_div_up(notional(leg.size, leg.mid, scale), leg.penalty_rate, WAD) for leg in held)
    return Margin(
        cash=cash,
        collateral=collateral,
        profit=profit,
        equity=equity,
        notional=sum(notional(leg.size, leg.mid, scale) for leg in held),
        maintenance=sum(maintenance(leg, leg.size, scale) for leg in held),
        initial=sum(initial(leg, leg.size, scale) for leg in held) if adding else 0,
        penalty=min(penalty, max(equity, 0)),
    )


# The verdicts ------------------------------------------------------------------------------------------------------


def liquidatable(margin: Margin) -> bool:
    """E < M, strictly, with at least one position: every position has some maintenance."""
    return margin.maintenance > 0 and margin.equity < margin.maintenance


def backing(margin: Margin) -> int:
    """What may carry new risk or be withdrawn: profit that is not realised does not count, a loss does."""
    return min(margin.cash + margin.collateral, margin.equity)


def debt(margin: Margin) -> int:
    """How much of the account's equity is borrowed against its collateral."""
    return max(0, -(margin.cash + margin.profit))


def meets_initial(margin: Margin, open_debt_limit_e6: int) -> bool:
    """The opening test, on a margin judged with `adding`: enough backing, and not too much of it borrowed (λ₀)."""
    return backing(margin) >= margin.initial and debt(margin) * MILLION <= margin.collateral * open_debt_limit_e6


# A position --------------------------------------------------------------------------------------------------------


def profit_of(leg: Leg, size_scale: int) -> int:
    """What closing at mid would bring on top of cash."""
    return mul_div_down(leg.size, leg.mid, size_scale) + leg.quote - leg.charge


def notional(size: int, price: int, size_scale: int) -> int:
    """⌈|size| · price⌉"""
    return mul_div_up(abs(size), price, size_scale)


def rate(leg: Leg, size: int) -> int:
    """r: grows with the account's own size only, so that no one else's trade can liquidate it; at most 1."""
    return min(WAD, leg.base + mul_div_up(leg.slope, abs(size), leg.depth))


def requirement(leg: Leg, size: int, size_scale: int) -> int:
    """⌈N · r⌉, before the floor."""
    return mul_div_up(notional(size, leg.mid, size_scale), rate(leg, size), WAD)


def maintenance(leg: Leg, size: int, size_scale: int) -> int:
    """What a position of this size must keep; nothing where there is none."""
    return max(requirement(leg, size, size_scale), leg.floor) if size else 0


def initial(leg: Leg, size: int, size_scale: int) -> int:
    """What it takes to add: the requirement at the higher price, times the multiple, times the crowding factor."""
    at_hi = mul_div_up(notional(size, leg.hi, size_scale), rate(leg, size), WAD)
    return mul_div_up(max(at_hi, leg.floor), leg.initial_multiple * leg.oi_factor, WAD * WAD)


def oi_factor(open_interest: int, cap: int, threshold_e6: int, slope_e6: int) -> int:
    """o: 1 until open interest passes its threshold, then growing with what is beyond it, by at most the slope."""
    threshold = mul_div_down(cap, threshold_e6, MILLION)
    beyond = max(0, open_interest - threshold)
    if beyond == 0:
        return WAD
    crowding = min(WAD, mul_div_up(beyond, WAD, cap)) if cap else WAD
    return WAD + mul_div_up(crowding, slope_e6, MILLION)


# Collateral --------------------------------------------------------------------------------------------------------


def haircut(coin: Coin) -> int:
    """h: a whale's collateral counts for less, for it would not find its price."""
    return min(coin.max_haircut, coin.haircut + mul_div_up(coin.amount, WAD, coin.depth))


def ramp(coin: Coin, elapsed: int) -> Coin:
    """The coin when its feed has been halted for so many seconds: its haircut goes to 1 within a day, rounded up."""
    elapsed = min(elapsed, HALT_RAMP)
    return coin._replace(
        haircut=coin.haircut + mul_div_up(WAD - coin.haircut, elapsed, HALT_RAMP),
        max_haircut=coin.max_haircut + mul_div_up(WAD - coin.max_haircut, elapsed, HALT_RAMP),
    )


def collateral_value(coin: Coin, price: int) -> int:
    """⌊amount · price · (1 − h)⌋"""
    return mul_div_down(coin.amount * price, WAD - haircut(coin), coin.scale)


def coin_scale(token_decimals: int, settlement_decimals: int) -> int:
    """Turns amount · price · (1 − h) into settlement units."""
    scale: int = 10 ** (36 - settlement_decimals + token_decimals)
    return scale


def size_scale(settlement_decimals: int) -> int:
    """Turns size · price into settlement units."""
    scale: int = 10 ** (27 - settlement_decimals)
    return scale


# The line in one price ---------------------------------------------------------------------------------------------


class Answers(NamedTuple):
    """What the oracle takes from a feed, in its decimals. unit: WAD of one."""

    unit: int
    lowest: int
    highest: int


def answers(decimals: int, min_answer: int, max_answer: int) -> Answers:
    """Of a feed with these bounds: strictly inside them by 1 %, and no price above 2^88 − 1."""
    unit = 10 ** (18 - decimals)
    lowest, highest = mul_div_up(min_answer, 101, 100) + 1, mul_div_down(max_answer, 99, 100) - 1
    return Answers(unit, lowest, min(highest, div_down(MOST_PRICE, unit)))


def line(snapshot: Snapshot, feed: int, mid: int, valid: Answers) -> tuple[int | None, int | None]:
    """The nearest answers of a feed at or below and at or above the present one at which E < M, WAD; None where there is none.
    Everything on the feed moves along, everything else rests. The twin of MarginLens.liquidationPrice.

    E − M is concave in one price, so where it is not negative is one interval: one bisection toward each end finds its border.
    """
    if sinks_at(snapshot, feed, mid):
        return mid, mid
    safe = div_down(mid, valid.unit)
    return _crossing(snapshot, feed, valid.unit, safe, valid.lowest), _crossing(snapshot, feed, valid.unit, safe, valid.highest)


def sinks_at(snapshot: Snapshot, feed: int, mid: int) -> bool:
    """E < M if the feed answered this?"""
    legs = tuple(leg._replace(mid=mid) if leg.feed == feed else leg for leg in snapshot.legs)
    coins = tuple(coin._replace(mid=mid) if coin.feed == feed else coin for coin in snapshot.coins)
    return liquidatable(judge(snapshot._replace(legs=legs, coins=coins)))


def _crossing(snapshot: Snapshot, feed: int, unit: int, safe: int, end: int) -> int | None:
    """The liquidatable answer whose neighbour toward `safe` (which is not) is not either."""
    if not sinks_at(snapshot, feed, end * unit):
        return None
    sinking = end
    while abs(sinking - safe) > 1:
        half = div_down(safe + sinking, 2)
        if sinks_at(snapshot, feed, half * unit):
            sinking = half
        else:
            safe = half
    return sinking * unit
