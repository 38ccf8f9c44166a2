"""What the margin engine judges by, and who may change it. The counterpart of Parameters.sol and of the
setters of MarginEngineListing.sol.

The owner (a timelock) changes inside hard bounds. Caps, reduce-only and the initial multiple hold at once; what moves maintenance is
announced, and applied by anyone when its notice has ended, so that nobody is liquidatable by a change he could not see coming (ADM-1).
The guardian only tightens and moves no money. Everybody else is refused, by name.

Units: as in house.py.
"""

from __future__ import annotations

from dataclasses import replace

from plimsoll.fixed_point import div_down
from plimsoll.funding_math import YEAR
from plimsoll.model import ledger, oracle
from plimsoll.model.house import House, refuse
from plimsoll.model.oracle import Fault
from plimsoll.types import NOTICE, SIZE_UNIT, InstrumentSpec

MILLION = 10**6
MOST_INTEREST = 10**9  # 100 % a year


# The owner ---------------------------------------------------------------------------------------------------------


def set_instrument(house: House, caller: int, instrument: int, spec: InstrumentSpec, reduce_only: bool) -> int:
    """The whole of an instrument anew; its base waits for the notice. Returns when that has ended."""
    require_owner(house, caller)
    _check(house, spec)
    held = house.instruments[instrument]
    house.storage.pending[instrument] = spec, house.now + NOTICE
    _change(house, instrument, replace(spec, base_e6=held.base_e6), reduce_only)
    return house.now + NOTICE


def apply_instrument(house: House, instrument: int) -> None:
    """What was announced; what holds at once may have been tightened since, and stays."""
    spec, since = house.storage.pending.get(instrument, (house.instruments[instrument], 0))
    if since == 0:
        refuse("NothingPending", instrument)
    if house.now < since:
        refuse("NoticeRunning", since)
    del house.storage.pending[instrument]
    _change(house, instrument, replace(house.instruments[instrument], base_e6=spec.base_e6), house.is_reduce_only(instrument))


def set_interest(house: House, caller: int, rate_e9: int) -> None:
    """From now on; what has grown until now stays."""
    require_owner(house, caller)
    _at_most("interestRateE9", rate_e9, MOST_INTEREST)
    house.storage.interest = house.storage.interest.set(rate_e9, house.now)


def _check(house: House, spec: InstrumentSpec) -> None:
    """The bounds of what may change here, and the listing rule: a position at its line still pays its penalty after the time
    that liquidators need."""
    _at_most("baseE6", spec.base_e6, MILLION)
    _at_most("penaltyE6", spec.penalty_e6, spec.base_e6 // 2)
    _at_least("initialMultipleE6", spec.initial_multiple_e6, MILLION + 1)
    spread = oracle.spec_of(house, house.feeds.index(spec.feed)).half_spread_e6
    funding = div_down(spec.max_rate_e8 * spec.reaction_time, YEAR * 100) + 1
    _at_least("baseE6", spec.base_e6, spread + spec.max_move_e6 + funding + spec.penalty_e6)


# The guardian ------------------------------------------------------------------------------------------------------


def restrict(house: House, caller: int, instrument: int) -> None:
    """Reduce-only from now on."""
    require_guardian(house, caller)
    _change(house, instrument, house.instruments[instrument], reduce_only=True)


def lower_caps(house: House, caller: int, instrument: int, cap_units: int, cap_value: int) -> None:
    require_guardian(house, caller)
    spec = house.instruments[instrument]
    _at_most("capUnits", cap_units * SIZE_UNIT, spec.cap_units * SIZE_UNIT)
    _at_most("capValue", cap_value, spec.cap_value)
    lowered = replace(spec, cap_units=cap_units, cap_value=cap_value)
    _change(house, instrument, lowered, house.is_reduce_only(instrument))


def lower_collateral_cap(house: House, caller: int, collateral: int, cap: int) -> None:
    """cap: whole tokens."""
    require_guardian(house, caller)
    spec = house.collaterals[collateral]
    unit = 10**spec.token.decimals
    _at_most("cap", cap * unit, spec.cap * unit)
    specs = list(house.collaterals)
    specs[collateral] = replace(spec, cap=cap)
    house.storage.collaterals = tuple(specs)


# Everybody else ----------------------------------------------------------------------------------------------------


def trespass(house: House, thief: int, deed: str, account: int) -> None:
    """Somebody does to another's account, or to the protocol, what only others may: each deed has its refusal."""
    if deed in ("withdraw", "set_operator", "seize", "open_estate", "set_treasury"):
        refuse("Unauthorized", thief)
    if deed == "trade":
        refuse("NotTrader", account, thief)
    if deed == "sale_order":
        refuse("NotOwner", account, thief)
    if deed == "release":
        refuse("InsufficientCredit", thief, 0, house.settlement, 0, 1)
    if deed == "quote":
        refuse("OnlyEngine", thief)
    if deed == "freeze":
        refuse("OnlyLiquidationEngine", thief)
    if deed == "rehearse":
        refuse("OnlyItself", thief)
    if deed == "set_guardian":
        refuse("OwnableUnauthorizedAccount", thief)
    raise ValueError(f"{deed} is no deed")


def require_owner(house: House, caller: int) -> None:
    if caller != house.owner:
        refuse("OwnableUnauthorizedAccount", caller)


def require_guardian(house: House, caller: int) -> None:
    if caller not in (house.guardian, house.owner):
        refuse("NotGuardian", caller)


# What all share ----------------------------------------------------------------------------------------------------


def _change(house: House, instrument: int, spec: InstrumentSpec, reduce_only: bool) -> None:
    """New terms charge no past time: the market is brought to now first. Where the price is invalid, the time since is forgiven."""
    price = oracle.peek(house, house.feed_of(instrument))
    if not isinstance(price, Fault):
        ledger.touch(house, instrument, price.mid)
    house.storage.markets[instrument] = house.storage.markets[instrument]._replace(time=house.now)
    specs = list(house.instruments)
    specs[instrument] = spec
    house.storage.instruments = tuple(specs)
    house.storage.reduce_only[instrument] = reduce_only


def _at_most(name: str, value: int, bound: int) -> None:
    if value > bound:
        refuse("InvalidParameter", name, value, bound)


def _at_least(name: str, value: int, bound: int) -> None:
    if value < bound:
        refuse("InvalidParameter", name, value, bound)
