"""The liquidity pool: one more margined owner, which happens to quote. The counterpart of LiquidityPool.sol and
base/PoolShares.sol.

It owns one account per instrument (a tranche, so that one bad market stays there) and an idle one. A deposit pays the equity
at the better prices, an exit is paid at the worse ones, both rounded for those who stay; a million virtual shares own their part
of every donation. A redemption is requested and waits. What the pool quotes is in quoting.py.

Units: shares 1e-6 of a settlement unit at the start; else settlement units.
"""

from __future__ import annotations

from typing import NamedTuple

from plimsoll import margin_math
from plimsoll.errors import Reverted
from plimsoll.fixed_point import WAD, mul_div_down, mul_div_up
from plimsoll.margin_math import MILLION, Snapshot
from plimsoll.model import ledger, oracle, protocol, tranche_math
from plimsoll.model.house import House, Request, refuse, unsigned
from plimsoll.model.oracle import Book
from plimsoll.types import HOUR

VIRTUAL_SHARES = 10**6
MOST_CASH = 2**79 - 1
FREEZE = HOUR
CERTAIN_E6 = 5_000  # how far apart mid and the exit price may be where a request is overdue


class Valuation(NamedTuple):
    """What the shares are worth now, and what could be paid now. low, mid, high: equity; a tranche below zero counts as
    nothing, for no other account of the pool answers for it. Per instrument: worth, at mid, below zero too; free, what
    its margin releases; reasons, why it has no price: it counts as nothing then."""

    low: int
    mid: int
    high: int
    idle_cash: int
    liquid: int
    worth: dict[int, int]
    free: dict[int, int]
    reasons: dict[int, Reverted]


# What the shares are worth -----------------------------------------------------------------------------------------


def valued(house: House, strict: bool) -> Valuation:
    """strict: shares change hands."""
    idle = max(0, house.cash(house.idle))
    low = mid = high = liquid = idle
    worth, free, reasons = {}, {}, {}
    book: Book = {}
    for i in range(len(house.instruments)):
        worth[i] = free[i] = 0
        try:
            snapshot, book = ledger.load(house, house.tranche(i), book, strict)
        except Reverted as reason:
            reasons[i] = reason
            continue
        if any(book[leg.feed].halted_at for leg in snapshot.legs):
            # A position at a stand-in price is no ground for a share price: it waits for its settlement.
            reasons[i] = Reverted("InstrumentHalted", (i,))
        found = _worth(snapshot)
        low, mid, high = low + max(0, found.low), mid + max(0, found.mid), high + max(0, found.high)
        liquid += found.free
        worth[i], free[i] = found.mid, found.free
    _, owed = ledger.claims(house)
    return Valuation(low, mid, high, idle, min(liquid, owed), worth, free, reasons)


def _worth(snapshot: Snapshot) -> tranche_math.Worth:
    initial = margin_math.judge(snapshot, adding=True).initial
    legs = [tranche_math.Leg(leg.size, leg.quote, leg.charge, leg.lo, leg.mid, leg.hi) for leg in snapshot.legs]
    return tranche_math.worth(snapshot.cash, legs, initial, snapshot.size_scale)


def require_prices(value: Valuation, instrument: int | None = None) -> None:
    """Of one instrument, or of all: a vault that does not know what it owns does not guess."""
    missing = [i for i in value.reasons if instrument in (None, i)]
    if missing:
        raise value.reasons[min(missing)]


def total_shares(house: House) -> int:
    return sum(house.storage.shares.values())


def shares_of(house: House, assets: int, worth: int) -> int:
    return mul_div_down(assets, total_shares(house) + VIRTUAL_SHARES, worth + 1)


def assets_of(house: House, shares: int, worth: int) -> int:
    return mul_div_down(shares, worth + 1, total_shares(house) + VIRTUAL_SHARES)


# Buying and redeeming shares ---------------------------------------------------------------------------------------


def provide(house: House, provider: int, assets: int) -> int:
    """Buys shares at the better prices; returns them."""
    oracle.require_peg(house)
    value = valued(house, strict=True)
    require_prices(value)
    # Who comes first into a pool whose shares are out but worth nothing would give his money away.
    wiped = value.mid == 0 and total_shares(house) > 0
    most = 0 if wiped or house.storage.bad_debt else MOST_CASH - value.idle_cash
    if assets > most:
        refuse("ERC4626ExceededMaxDeposit", provider, assets, most)
    shares = shares_of(house, assets, value.high)
    if shares == 0:
        refuse("NoShares", assets)
    house.transfer(provider, house.pool, house.settlement, assets)
    protocol.deposit(house, house.pool, house.idle, house.settlement, assets, WAD)
    house.storage.shares[provider] = house.storage.shares.get(provider, 0) + shares
    return shares


def request_redeem(house: House, owner: int, shares: int) -> int:
    """Puts shares aside; returns when they may be redeemed. A further request delays the whole."""
    held, waiting = house.storage.shares.get(owner, 0), house.storage.requests.get(owner, Request())
    matures_at = house.now + house.world.pool.delay
    total = unsigned(128, waiting.shares + shares)
    if held < shares:
        refuse("ERC20InsufficientBalance", owner, held, shares)
    house.storage.requests[owner] = Request(total, matures_at)
    house.storage.shares[owner] = held - shares
    house.storage.shares[house.pool] = house.storage.shares.get(house.pool, 0) + shares
    return matures_at


def redeem(house: House, owner: int, shares: int) -> int:
    """Redeems matured shares at the worse prices (at mid where the owner has let them lie: then anyone could); returns what
    was paid."""
    value = valued(house, strict=True)
    require_prices(value)
    most = _redeemable(house, owner, value)
    if shares > most:
        refuse("ERC4626ExceededMaxRedeem", owner, shares, most)
    worth = value.mid if _is_overdue(house, owner, shares, value) else value.low
    assets = mul_div_down(assets_of(house, shares, worth), ledger.payout_ratio(house), WAD)
    waiting = house.storage.requests.get(owner, Request())
    house.storage.requests[owner] = waiting._replace(shares=waiting.shares - shares)
    house.storage.shares[house.pool] = house.storage.shares.get(house.pool, 0) - shares
    # The least cash that pays `assets` while bad debt is recorded.
    amount = mul_div_up(assets, WAD, ledger.payout_ratio(house))
    if amount > value.idle_cash:
        _collect(house, value, amount - value.idle_cash)
    protocol.withdraw(house, house.idle, house.settlement, amount, owner, assets)
    return assets


def _redeemable(house: House, owner: int, value: Valuation) -> int:
    """Matured shares, as far as they can be paid now."""
    waiting = house.storage.requests.get(owner, Request())
    if house.now < waiting.matures_at or value.low == 0 or ledger.payout_ratio(house) == 0:
        return 0
    if assets_of(house, waiting.shares, value.low) <= value.liquid:
        return waiting.shares
    return min(waiting.shares, shares_of(house, value.liquid, value.low))


def _is_overdue(house: House, owner: int, shares: int, value: Valuation) -> bool:
    """The owner had DELAY for himself; all that he asked for can be paid in full; and mid is nearly the exit price."""
    waiting = house.storage.requests.get(owner, Request())
    late = house.now >= waiting.matures_at + house.world.pool.delay
    certain = (value.mid - value.low) * MILLION <= value.mid * CERTAIN_E6
    whole = shares == waiting.shares and assets_of(house, shares, value.mid) <= value.liquid
    return late and certain and whole and ledger.payout_ratio(house) == WAD


# Capital -----------------------------------------------------------------------------------------------------------


def allocate(house: House, instrument: int) -> int:
    """Moves cash between the idle account and a tranche, toward its weight; + is into the tranche. Another market's missing
    price does not stop a top-up, but nothing is called back for it; good money is not sent after bad."""
    value, market = valued(house, strict=False), house.instruments[instrument].market
    require_prices(value, instrument)
    target = min(mul_div_down(value.mid, market.weight_e6, MILLION), market.cap)
    worth, amount = value.worth[instrument], 0
    if 0 <= worth < target:
        room = max(0, market.cap - house.storage.contributed.get(instrument, 0))
        amount = min(target - worth, value.idle_cash, room)
    elif worth > target and not value.reasons:
        amount = -min(worth - target, value.free[instrument])
    if amount == 0:
        refuse("NothingToAllocate", instrument)
    _move(house, instrument, amount)
    return amount


def gather(house: House, amount: int) -> int:
    """Brings cash to the idle account for a loss that is the pool's; returns how much of it is there."""
    value = valued(house, strict=False)
    if amount > value.idle_cash:
        _collect(house, value, amount - value.idle_cash)
    return min(amount, max(0, house.cash(house.idle)))


def _collect(house: House, value: Valuation, amount: int) -> None:
    """From the tranches, in the order of their ids, as far as the margin of each allows."""
    for instrument, free in value.free.items():
        part = min(amount, free)
        if part:
            amount -= part
            _move(house, instrument, -part)


def _move(house: House, instrument: int, amount: int) -> None:
    """+ from the idle account into the tranche."""
    house.storage.contributed[instrument] = house.storage.contributed.get(instrument, 0) + amount
    source, target = house.idle, house.tranche(instrument)
    if amount < 0:
        source, target = target, source
    protocol.move_cash(house, source, target, abs(amount))


# When a liquidation was refused ------------------------------------------------------------------------------------


def freeze(house: House, instrument: int) -> None:
    """The pool takes no new risk in the instrument, for an hour at least."""
    house.storage.frozen[instrument] = house.storage.frozen_until[instrument] = house.now + FREEZE


def unfreeze(house: House, instrument: int) -> None:
    """Takes new risk again, once the hour is over and the tranche is above its initial requirement."""
    until = house.storage.frozen_until.get(instrument, 0)
    if house.now < until:
        refuse("FrozenUntil", instrument, until)
    value = valued(house, strict=False)
    require_prices(value, instrument)
    if value.free[instrument] == 0:
        refuse("TrancheUnsound", instrument, value.worth[instrument])
    house.storage.frozen.pop(instrument, None)
