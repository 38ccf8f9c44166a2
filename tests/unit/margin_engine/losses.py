"""Losses in the house of tests/world.py: sides that owe, and LED-2 to the unit.

Every perpetual on ETH: 6 % maintenance, 9 % initial, 2,000 a unit. So an index rises for losses by at most
¼ · 6 % · ½ · 2,000 = 15 settlement tokens a whole unit and epoch.
"""

from __future__ import annotations

from plimsoll.model import loss_math
from tests.world import HOUR, NAMES, SIZE_SCALE, USDC, House

BASE_E6, MULTIPLE_E6 = 60_000, 1_500_000
CAP = 15 * USDC  # a whole unit at 2,000
INDEX = 10**9  # index units in a settlement unit of one whole unit


def cap_of(mid: int) -> int:
    """index units; mid WAD"""
    return loss_math.cap(BASE_E6, MULTIPLE_E6, mid, SIZE_SCALE)


def new_epoch(house: House) -> None:
    """The next one has just begun: what a test does now is all in it."""
    house.chain.advance(HOUR - house.chain.now % HOUR)


def lose(house: House, account: int, name: str, long: bool, amount: int):
    """A loss on an instrument at its mid, which `long` says which side has to bear; the account gets it as cash."""
    return house.owe(account, amount, house.id(name), long, house.mid(name))


def owed(house: House, name: str) -> tuple[int, int]:
    """What the two sides still owe: long, short."""
    return tuple(house.engine.deficitOf(house.id(name), long).owed for long in (True, False))


def slack(house: House, *accounts: int) -> int:
    """Tokens in escrow + B less Σ cash + Σ quote − Σ unsettled charges + funds + fees over `accounts`, the pool's and no others.

    LED-2: never below 0, and at most a unit for each position held or settlement done, for these round up.
    """
    engine = house.engine
    pool = [house.pool.idle(), *(house.pool.tranche(i) for i in range(len(NAMES)))]
    claims = 0
    for account in {*accounts, *pool}:
        held = house.snapshot(account)
        claims += held.cash + sum(leg.quote - leg.charge for leg in held.legs)
    for i in range(len(NAMES)):
        fund = engine.fundOf(i)
        claims += fund.insurance + fund.treasury
    return house.protocol.escrow.creditOf(engine, 0, house.usdc) + engine.badDebt() - claims
