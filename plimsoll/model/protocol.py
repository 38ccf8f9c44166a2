"""The protocol, READ AFTER margin_math.py: the verbs of the margin engine, as an executable specification. (Their Solidity is
MarginEngine.sol, MarginEngineExtension.sol and MarginEngineListing.sol.)

Every verb has the same five beats: check (who, what) · load (prices and indices, once) · act (the ledger changes) · prove
(margin, caps) · tell (and pay). One who knows one verb knows all. A verb that may not happen raises the protocol's own
error with its numbers (`errors.Reverted`), and then nothing has changed: `House.attempt` sees to that.

Where the rest is: what an account owns and owes, ledger.py; the margin rule, plimsoll/margin_math.py; prices and halts, oracle.py; the
other side of every trade, quoting.py and pool.py; accounts below their line, liquidation.py, losses.py, deleveraging.py,
auctions.py. The formulas are in docs/spec.md.

Arguments: `account` an account's id, `caller` and `payer` addresses, `instrument` an id, `token` a name. Units: as in house.py.
"""

from __future__ import annotations

from typing import NamedTuple

from plimsoll import margin_math
from plimsoll.fixed_point import mul_div_down
from plimsoll.margin_math import MILLION, Margin
from plimsoll.model import ledger, ledger_math, oracle, quote_math, quoting
from plimsoll.model.house import CASH, MOST_COLLATERALS, NO_INSTRUMENT, House, owner_of, refuse
from plimsoll.model.oracle import Book
from plimsoll.types import SIZE_UNIT, Fill

# Deposit -----------------------------------------------------------------------------------------------------------


def deposit(house: House, payer: int, account: int, token: str, amount: int, min_ratio: int = 0) -> int:
    """Anyone tops up settlement tokens; only the owner brings a new kind of collateral. Returns what was credited."""
    if amount == 0:
        refuse("ZeroAmount")
    if min_ratio > 0 and ledger.payout_ratio(house) < min_ratio:
        refuse("RatioTooLow", ledger.payout_ratio(house), min_ratio)
    if token == house.settlement:
        credited = house.pull(CASH, token, amount, payer)
        ledger.post(house, account, credited)
    else:
        credited = _deposit_collateral(house, payer, account, token, amount)
    ledger.tell(house, account)
    return credited


def _deposit_collateral(house: House, payer: int, account: int, token: str, amount: int) -> int:
    collateral = _collateral_id(house, token)
    spec, held = house.collaterals[collateral], house.coins(account)
    if collateral not in held:
        if payer != owner_of(account):
            refuse("Unauthorized", payer)
        if len(held) == MOST_COLLATERALS:
            refuse("TooManyCollaterals", account, MOST_COLLATERALS)
        if house.held(account) or house.cash(account) < 0:
            # Dust without a price would shield a sinking account from its liquidation.
            oracle.require_final(house, oracle.complete(house, {}, [house.feeds.index(spec.feed)]))
    credited = house.pull(account, token, amount, payer)
    total, most = house.total_credit(token), spec.cap * 10**spec.token.decimals
    if total > most:
        refuse("CollateralCapExceeded", collateral, total, most)
    return credited


def _collateral_id(house: House, token: str) -> int:
    return [spec.name for spec in house.collaterals].index(token)


# Withdraw ----------------------------------------------------------------------------------------------------------


def withdraw(house: House, account: int, token: str, amount: int, receiver: int, min_out: int = 0) -> int:
    """The owner withdraws; returns what is paid: less than was asked while bad debt is recorded, or while escrow lacks the
    tokens for all claims (the rest then stays in cash)."""
    if amount == 0:
        refuse("ZeroAmount")
    if token == house.settlement:
        paid = _take_cash(house, account, amount)
    else:
        paid = _take_collateral(house, account, token, amount)
    if paid < min_out:
        refuse("BelowMinOut", paid, min_out)
    ledger.tell(house, account)
    house.release(CASH if token == house.settlement else account, token, paid, receiver)
    return paid


def _take_cash(house: House, account: int, amount: int) -> int:
    """Bad debt is paid off by what the withdrawal is short of, so the ratio stays as it is (LIQ-6)."""
    if house.cash(account) < amount:
        refuse("InsufficientCash", account, house.cash(account), amount)
    settlement, owed = ledger.claims(house)
    taken = min(amount, owed)
    paid = mul_div_down(taken, settlement, owed) if owed else 0
    if paid == 0:
        refuse("NothingInEscrow", amount)
    if paid < taken:
        ledger.relieve(house, taken - paid, NO_INSTRUMENT)
    ledger.spend(house, account, taken)
    return paid


def _take_collateral(house: House, account: int, token: str, amount: int) -> int:
    collateral, held = _collateral_id(house, token), house.credit(account, token)
    if amount > held:
        refuse("InsufficientCollateral", account, collateral, held, amount)
    if house.record(account).estate:
        refuse("EstateOpen", account, house.forgiven(account))
    if house.held(account) or house.cash(account) < 0:
        snapshot, _ = ledger.load(house, account, {}, strict=True)
        left = (
            coin._replace(amount=coin.amount - amount) if coin.collateral == collateral else coin
            for coin in snapshot.coins
        )
        ledger.require_initial(house, snapshot._replace(coins=tuple(left)))
    return amount


def move_cash(house: House, source: int, target: int, amount: int) -> None:
    """Between two accounts of one owner."""
    if amount == 0:
        refuse("ZeroAmount")
    if source == target:
        refuse("SameAccount", source)
    if owner_of(source) != owner_of(target):
        refuse("DifferentOwners", source, target)
    ledger.spend(house, source, amount)
    ledger.post(house, target, amount)
    ledger.tell(house, source)
    ledger.tell(house, target)


def settle(house: House, account: int) -> None:
    """Moves what the indices say an account owes, or is due, into its cash; anyone may."""
    snapshot, _ = ledger.load(house, account, {}, strict=False)
    for leg in snapshot.legs:
        ledger.touch(house, leg.instrument, leg.mid)
        ledger.fill(house, account, leg.instrument, 0, 0)
    ledger.post(house, account, 0)
    ledger.tell(house, account)


# Trade -------------------------------------------------------------------------------------------------------------


class Deal(NamedTuple):
    """A trade while it runs. …_adds: does that side's risk grow; …_before: its margin before it."""

    taker: int
    maker: int
    instrument: int
    mid: int
    book: Book
    taker_adds: bool
    maker_adds: bool
    taker_before: Margin
    maker_before: Margin


def trade(house: House, account: int, instrument: int, size: int, limit: int | None, deadline: int) -> Fill:
    """An account trades with the pool's tranche of the instrument, at the pool's quote. limit: None for any price."""
    if house.now > deadline:
        refuse("Expired", deadline, house.now)
    deal = _load_deal(house, account, house.tranche(instrument), instrument, size)
    quoted = quoting.quote(house, instrument, size, deal.mid)
    open_interest = house.storage.markets[instrument].open_interest
    to_maker = _pay_fee(house, deal, quoted.fee)
    ledger.fill(house, account, instrument, size, quoted.quote, -quoted.fee)
    ledger.fill(house, deal.maker, instrument, -size, -quoted.quote, to_maker)
    _prove_caps(house, deal, open_interest)
    _prove(house, account, deal.taker_adds, deal.taker_before, deal.book)
    _prove(house, deal.maker, deal.maker_adds, deal.maker_before, deal.book)
    ledger.tell(house, account)
    ledger.tell(house, deal.maker)
    price = quote_math.price(size, quoted.quote, house.size_scale)
    if limit is not None and (price > limit if size > 0 else price < limit):
        refuse("PriceBeyondLimit", price, limit)
    return quoted


def _load_deal(house: House, taker: int, maker: int, instrument: int, size: int) -> Deal:
    """Reads the price once, brings the market to this second, loads both sides and judges whoever only reduces. The pool takes
    the other side of a reducing trade even while the settlement token is off its peg."""
    if size == 0:
        refuse("ZeroSize", instrument)
    taker_adds = not ledger_math.reduces(house.size(taker, instrument), size)
    maker_adds = not ledger_math.reduces(house.size(maker, instrument), -size)
    if taker_adds:
        oracle.require_peg(house)
    feed = house.feed_of(instrument)
    book = oracle.complete(house, {}, [feed])
    if book[feed].halted_at:
        refuse("InstrumentHalted", instrument)
    ledger.touch(house, instrument, book[feed].mid)
    taker_before = ledger.judged(house, taker, book, strict=taker_adds)
    maker_before = ledger.judged(house, maker, book, strict=maker_adds)
    return Deal(taker, maker, instrument, book[feed].mid, book, taker_adds, maker_adds, taker_before, maker_before)


def _pay_fee(house: House, deal: Deal, fee: int) -> int:
    """Insurance and treasury get theirs; returns what is left for the pool."""
    spec = house.instruments[deal.instrument]
    insurance = mul_div_down(fee, spec.insurance_share_e6, MILLION)
    treasury = mul_div_down(fee, spec.treasury_share_e6, MILLION)
    ledger.add_to_fund(house, deal.instrument, insurance, treasury)
    return fee - insurance - treasury


def _prove_caps(house: House, deal: Deal, before: int) -> None:
    """Open interest may not grow past its caps, nor a position be too small to pay a keeper's gas."""
    instrument, spec = deal.instrument, house.instruments[deal.instrument]
    open_interest = house.storage.markets[instrument].open_interest
    if deal.taker_adds and house.is_reduce_only(instrument):
        refuse("InstrumentReduceOnly", instrument)
    if open_interest > before:
        if open_interest > spec.cap_units * SIZE_UNIT:
            refuse("CapExceeded", instrument, open_interest, spec.cap_units * SIZE_UNIT)
        value = margin_math.notional(open_interest, deal.mid, house.size_scale)
        if value > spec.cap_value:
            refuse("CapExceeded", instrument, value, spec.cap_value)
    size = house.size(deal.taker, instrument)
    value = margin_math.notional(size, deal.mid, house.size_scale)
    if size and value < spec.min_notional:
        refuse("BelowMinimum", deal.taker, instrument, value, spec.min_notional)


def _prove(house: House, account: int, adds: bool, before: Margin, book: Book) -> None:
    """MAR-1: the opening test holds; or risk was only reduced, health is not worse, and equity not below min(before, 0)."""
    snapshot, _ = ledger.load(house, account, book, strict=adds)
    if adds:
        ledger.require_initial(house, snapshot)
        return
    margin = margin_math.judge(snapshot)
    kept = margin.equity * before.maintenance >= before.equity * margin.maintenance
    if kept and margin.equity >= min(before.equity, 0):
        return
    if not margin_math.meets_initial(margin_math.judge(snapshot, adding=True), house.world.debt.open_limit_e6):
        refuse("HealthWorsened", account, margin.equity, margin.maintenance)


# Insurance, bad debt, halted instruments ---------------------------------------------------------------------------


def fund(house: House, payer: int, instrument: int, amount: int) -> int:
    """Adds to an instrument's insurance, which first pays the bad debt of its own sides."""
    credited = house.pull(CASH, house.settlement, amount, payer)
    ledger.add_to_fund(house, instrument, credited)
    _pay_from_fund(house, instrument)
    return credited


def drain(house: House, instrument: int) -> int:
    """Pays an instrument's bad debt from its insurance, then through the index of the side that owes it."""
    sides = (True, False)
    if not any(house.deficit(instrument, long).owed for long in sides):
        refuse("NothingOwed", instrument)
    feed = house.feed_of(instrument)
    mid = oracle.complete(house, {}, [feed])[feed].mid
    ledger.touch(house, instrument, mid)
    return _pay_from_fund(house, instrument) + sum(_drain_side(house, instrument, long, mid) for long in sides)


def _drain_side(house: House, instrument: int, long: bool, mid: int) -> int:
    owed = house.deficit(instrument, long).owed
    paid = ledger.charge(house, instrument, long, owed, mid) if owed else 0
    if paid:
        deficit = house.deficit(instrument, long)
        house.storage.deficits[instrument, long] = deficit._replace(owed=owed - paid)
        ledger.add_to_bad_debt(house, -paid)
    return paid


def _pay_from_fund(house: House, instrument: int) -> int:
    paid = ledger.relieve_instrument(house, instrument, house.storage.funds[instrument].insurance)
    if paid:
        ledger.add_to_fund(house, instrument, -paid)
        ledger.add_to_bad_debt(house, -paid)
    return paid


def settle_halted(house: House, instrument: int, long: int, short: int) -> int:
    """Closes what two accounts with E ≥ 0 hold against each other, at the stand-in of a feed that is halted for good."""
    feed = house.feed_of(instrument)
    if not oracle.is_final(house, feed):
        refuse("HaltNotFinal", feed)
    bought, sold = house.size(long, instrument), -house.size(short, instrument)
    if bought <= 0 or sold <= 0:
        refuse("NothingToSettle", instrument, long, short)
    book = _require_solvent(house, short, _require_solvent(house, long, {}))
    mid, size = book[feed].mid, min(bought, sold)
    quote = mul_div_down(size, mid, house.size_scale)
    ledger.touch(house, instrument, mid)
    ledger.fill(house, long, instrument, -size, quote)
    ledger.fill(house, short, instrument, size, -quote)
    ledger.tell(house, long)
    ledger.tell(house, short)
    return size


def _require_solvent(house: House, account: int, book: Book) -> Book:
    snapshot, book = ledger.load(house, account, book, strict=False)
    equity = margin_math.judge(snapshot).equity
    if equity < 0:
        refuse("AccountInsolvent", account, equity)
    return book
