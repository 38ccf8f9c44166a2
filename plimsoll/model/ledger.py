"""The ledger: an account as it stands now, and what changes it. The counterpart of base/Ledger.sol and base/Posting.sol.

Every change of a position goes through `fill`, of cash through `post`, of a fund through `add_to_fund`, of bad debt through
`share` and `relieve`. Whoever touches an account first settles what the indices say it owes. Units: as in house.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from plimsoll import funding_math, interest_math, margin_math
from plimsoll.fixed_point import div_down, mul_div_down
from plimsoll.margin_math import MILLION, Coin, Leg, Margin, Snapshot
from plimsoll.model import ledger_math, loss_math, oracle
from plimsoll.model.house import (
    MOST_INSTRUMENTS,
    NO_INSTRUMENT,
    NONCES,
    Deficit,
    Estate,
    Fund,
    House,
    Market,
    Position,
    refuse,
    signed,
    unsigned,
)
from plimsoll.model.oracle import Book
from plimsoll.types import LOSS_EPOCH, SIZE_UNIT, WAD

MILLIONTH = 10**12  # WAD in a millionth


class Loss(NamedTuple):
    """What nobody paid yet of a loss in an instrument, and the side that won; mid WAD."""

    instrument: int
    long: bool
    amount: int
    mid: int


# Loading: an account as it stands now ------------------------------------------------------------------------------


def load(house: House, account: int, book: Book, strict: bool, include: Iterable[int] = ()) -> tuple[Snapshot, Book]:
    """The account with interest and funding brought to now, and the book with its prices. strict: risk is added or taken
    over, so no price may be a stand-in that can still be undone. include: instruments that need not be held."""
    held = sorted({*house.held(account), *include})
    coins = house.coins(account)
    feeds = [house.feed_of(i) for i in held] + [_feed_of_coin(house, i) for i in coins]
    book = oracle.complete(house, book, feeds)
    if strict:
        oracle.require_final(house, book)
    interest = interest_on(house, account)
    snapshot = Snapshot(
        account=account,
        cash=house.cash(account) - interest,
        interest=interest,
        size_scale=house.size_scale,
        legs=tuple(_leg(house, account, i, book) for i in held),
        coins=tuple(_coin(house, account, i, book) for i in coins),
    )
    return snapshot, book


def judged(house: House, account: int, book: Book, strict: bool = False) -> Margin:
    """The account at mid."""
    return margin_math.judge(load(house, account, book, strict)[0])


def _leg(house: House, account: int, instrument: int, book: Book) -> Leg:
    spec, price = house.instruments[instrument], book[house.feed_of(instrument)]
    held = house.position(account, instrument)
    now = accrued(house, instrument, price.mid) if held.size else house.storage.markets[instrument]
    index = now.index_long if held.size > 0 else now.index_short
    return Leg(
        instrument=instrument,
        size=held.size,
        quote=held.quote,
        charge=funding_math.charge(held.size, held.index, index) if held.size else 0,
        lo=price.lo,
        mid=price.mid,
        hi=price.hi,
        base=spec.base_e6 * MILLIONTH,
        slope=spec.slope_e6 * MILLIONTH,
        depth=spec.depth * SIZE_UNIT,
        floor=spec.floor,
        initial_multiple=spec.initial_multiple_e6 * MILLIONTH,
        oi_factor=margin_math.oi_factor(
            now.open_interest, spec.cap_units * SIZE_UNIT, spec.oi_threshold_e6, spec.oi_slope_e6
        ),
        penalty_rate=spec.penalty_e6 * MILLIONTH,
        min_notional=spec.min_notional,
        feed=price.feed,
    )


def _coin(house: House, account: int, collateral: int, book: Book) -> Coin:
    spec, price = house.collaterals[collateral], book[_feed_of_coin(house, collateral)]
    coin = Coin(
        collateral=collateral,
        amount=house.credit(account, spec.name),
        lo=price.lo,
        mid=price.mid,
        haircut=spec.haircut_e6 * MILLIONTH,
        max_haircut=spec.max_haircut_e6 * MILLIONTH,
        depth=spec.depth * 10**spec.token.decimals,
        scale=margin_math.coin_scale(spec.token.decimals, house.world.settlement.decimals),
        feed=price.feed,
    )
    return margin_math.ramp(coin, house.now - price.halted_at) if price.halted_at else coin


def _feed_of_coin(house: House, collateral: int) -> int:
    return house.feeds.index(house.collaterals[collateral].feed)


def accrued(house: House, instrument: int, mid: int) -> Market:
    """A market's funding, brought to this second."""
    stored, spec = house.storage.markets[instrument], house.instruments[instrument]
    if stored.time == house.now:
        return stored
    skew = -house.size(house.tranche(instrument), instrument)
    terms = funding_math.Funding(house.scale_of(instrument), spec.max_velocity_e8, spec.max_rate_e8)
    before = funding_math.Market(stored.index_long, stored.index_short, stored.rate, stored.time)
    after = funding_math.accrue(before, terms, skew, mid, house.size_scale, house.now)
    return stored._replace(**after._asdict())


def interest_on(house: House, account: int) -> int:
    """What negative cash owes since it was last posted: ⌈|cash| · growth of the index⌉."""
    record = house.record(account)
    return interest_math.owed(record.cash, record.interest_index, interest_index(house))


def interest_index(house: House) -> int:
    return house.storage.interest.at(house.now)


# Positions and cash ------------------------------------------------------------------------------------------------


def touch(house: House, instrument: int, mid: int) -> None:
    """A market's funding, brought to this second and stored."""
    house.storage.markets[instrument] = accrued(house, instrument, mid)


def fill(house: House, account: int, instrument: int, size: int, quote: int) -> None:
    """Changes one position of a touched market, settles its index charge, and posts what is realised."""
    held, market = house.position(account, instrument), house.storage.markets[instrument]
    owed = 0
    if held.size:
        index = market.index_long if held.size > 0 else market.index_short
        owed = funding_math.charge(held.size, held.index, index)
    filled = ledger_math.fill(held.size, held.quote, size, quote)
    if size:
        _count_interest(house, instrument, held, filled)
    index = market.index_long if filled.size > 0 else market.index_short if filled.size < 0 else 0
    position = Position(signed(80, filled.size), signed(96, filled.quote), index)
    house.storage.positions[account, instrument] = position
    if held.size == 0 and filled.size != 0:
        _require_holder(house, account)
    post(house, account, filled.cash - owed)


def _count_interest(house: House, instrument: int, held: Position, filled: ledger_math.Filled) -> None:
    """Open interest and each side's Σ quote."""
    market = house.storage.markets[instrument]
    long, short, interest = market.quote_long, market.quote_short, market.open_interest
    interest += max(filled.size, 0) - max(held.size, 0)
    long += (filled.quote if filled.size > 0 else 0) - (held.quote if held.size > 0 else 0)
    short += (0 if filled.size > 0 else filled.quote) - (0 if held.size > 0 else held.quote)
    house.storage.markets[instrument] = market._replace(
        quote_long=signed(96, long), quote_short=signed(96, short), open_interest=unsigned(80, interest)
    )


def _require_holder(house: House, account: int) -> None:
    """An account holds so many instruments at most, and an estate takes no new one: what its collateral gains is owed."""
    if len(house.held(account)) > MOST_INSTRUMENTS:
        refuse("TooManyInstruments", account, MOST_INSTRUMENTS)
    if house.record(account).estate:
        refuse("EstateOpen", account, house.forgiven(account))


def post(house: House, account: int, amount: int) -> None:
    """Changes the cash of an account; negative cash first pays its interest to the pool's idle account, and an estate's
    cash above zero first pays back who paid for it, once it holds no position whose margin that is."""
    record, interest = house.record(account), interest_on(house, account)
    cash = record.cash + amount - interest
    owes = cash < 0 or record.cash < 0
    if cash > 0 and record.estate and not house.held(account):
        cash -= _repay(house, account, cash)
    house.change(account, cash=signed(80, cash))
    if owes:
        house.change(account, interest_index=unsigned(48, interest_index(house)) if cash < 0 else 0)
    if interest:
        _add_to_idle(house, interest)


def _add_to_idle(house: House, amount: int) -> None:
    house.change(house.idle, cash=signed(80, house.cash(house.idle) + amount))


def _repay(house: House, account: int, available: int) -> int:
    """Bad debt first, that of the estate's instrument before others; then that instrument's insurance, or the pool."""
    estate = house.storage.estates[account]
    paid = min(available, estate.forgiven)
    house.storage.estates[account] = Estate(estate.forgiven - paid, estate.instrument)
    if paid == estate.forgiven:
        house.change(account, estate=False)
    to_bad_debt = min(paid, house.storage.bad_debt)
    if to_bad_debt > 0:
        relieve(house, to_bad_debt, estate.instrument)
    if estate.instrument < len(house.instruments):
        add_to_fund(house, estate.instrument, paid - to_bad_debt)
    else:
        _add_to_idle(house, paid - to_bad_debt)
    return paid


def tell(house: House, account: int) -> None:
    """The end of a change: keepers name the nonce they saw."""
    house.change(account, nonce=(house.record(account).nonce + 1) % NONCES)


def add_to_fund(house: House, instrument: int, insurance: int, treasury: int = 0) -> None:
    stored = house.storage.funds[instrument]
    house.storage.funds[instrument] = Fund(
        unsigned(128, stored.insurance + insurance), unsigned(128, stored.treasury + treasury)
    )


def spend(house: House, account: int, amount: int) -> None:
    """Takes from positive cash, and proves what stays."""
    if house.record(account).estate:
        refuse("EstateOpen", account, house.forgiven(account))
    if house.cash(account) < amount:
        refuse("InsufficientCash", account, house.cash(account), amount)
    post(house, account, -amount)
    if house.held(account):
        require_initial(house, load(house, account, {}, strict=True)[0])


# Losses ------------------------------------------------------------------------------------------------------------


def share(house: House, loss: Loss) -> None:
    """Charges a loss to the side that won, as far as this epoch allows; the rest is bad debt which that side owes."""
    if loss.amount == 0:
        return
    owed = loss.amount
    if loss.instrument < len(house.instruments):
        touch(house, loss.instrument, loss.mid)
        owed -= charge(house, loss.instrument, loss.long, loss.amount, loss.mid)
        if owed:
            _owe(house, loss.instrument, loss.long, owed)
    if owed:
        add_to_bad_debt(house, owed)


def charge(house: House, instrument: int, long: bool, amount: int, mid: int) -> int:
    """Raises the index of one side of a touched market; returns what that pays. What rounding brings too much goes to the
    insurance; an index that is full pays nothing."""
    market, deficit = house.storage.markets[instrument], house.deficit(instrument, long)
    spec, epoch = house.instruments[instrument], div_down(house.now, LOSS_EPOCH)
    charged = deficit.charged if deficit.epoch == epoch else 0
    most = loss_math.cap(spec.base_e6, spec.initial_multiple_e6, mid, house.size_scale)
    paid = loss_math.charge(amount, market.open_interest, most - charged)
    index = (market.index_long if long else market.index_short) + paid.step
    if paid.step == 0 or index > funding_math.MOST:
        return 0
    side = "index_long" if long else "index_short"
    house.storage.markets[instrument] = market._replace(**{side: index})
    house.storage.deficits[instrument, long] = Deficit(deficit.owed, epoch, unsigned(80, charged + paid.step))
    if paid.excess:
        add_to_fund(house, instrument, paid.excess)
    return paid.paid


def relieve(house: House, amount: int, first: int) -> None:
    """Bad debt is paid off: the sides of `first` before those of other instruments, in the order of their ids."""
    left = amount
    if first != NO_INSTRUMENT:
        left -= relieve_instrument(house, first, left)
    for instrument in range(len(house.instruments)):
        left -= relieve_instrument(house, instrument, left)
    add_to_bad_debt(house, -amount)


def relieve_instrument(house: House, instrument: int, most: int) -> int:
    """Long before short; returns how much."""
    relieved = 0
    for long in (True, False):
        part = min(house.deficit(instrument, long).owed, most - relieved)
        if part:
            _owe(house, instrument, long, -part)
        relieved += part
    return relieved


def _owe(house: House, instrument: int, long: bool, change: int) -> None:
    deficit = house.deficit(instrument, long)
    house.storage.deficits[instrument, long] = deficit._replace(owed=unsigned(96, deficit.owed + change))


def add_to_bad_debt(house: House, change: int) -> None:
    house.storage.bad_debt = unsigned(96, house.storage.bad_debt + change)


# Proofs and claims -------------------------------------------------------------------------------------------------


def require_initial(house: House, snapshot: Snapshot) -> None:
    """The opening test."""
    margin, limit = margin_math.judge(snapshot, adding=True), house.world.debt.open_limit_e6
    if margin_math.meets_initial(margin, limit):
        return
    backing = margin_math.backing(margin)
    if backing < margin.initial:
        refuse("InsufficientMargin", snapshot.account, backing, margin.initial)
    most = mul_div_down(margin.collateral, limit, MILLION)
    refuse("DebtTooLarge", snapshot.account, margin_math.debt(margin), most)


def claims(house: House) -> tuple[int, int]:
    """S, the settlement tokens that accounts may claim; and S + B, what they claim."""
    settlement = house.credit(0, house.settlement)
    if house.storage.bad_debt == 0:
        return settlement, settlement
    reserved = sum(fund.insurance + fund.treasury for fund in house.storage.funds.values())
    settlement = max(0, settlement - reserved)
    return settlement, settlement + house.storage.bad_debt


def payout_ratio(house: House) -> int:
    """What a withdrawal is paid, WAD."""
    if house.storage.bad_debt == 0:
        return WAD
    settlement, owed = claims(house)
    return mul_div_down(settlement, WAD, owed)
