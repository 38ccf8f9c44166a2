"""Auctions: the collateral of an account that owes too much. The counterpart of AuctionHouse.sol.

For sale is the collateral behind a debt above λ · C, of an account below zero, and of an estate. The discount of the Dutch
auction is never more than the haircut that already counts against the account, so no sale lowers its equity; only below zero
with nothing held, and once nobody wanted it at the haircut, does it go on to 1, so that there is always a buyer.
"""

from __future__ import annotations

from typing import NamedTuple

from plimsoll import margin_math
from plimsoll.errors import Reverted
from plimsoll.fixed_point import WAD, mul_div_down
from plimsoll.margin_math import MILLION, Coin, Margin, Snapshot
from plimsoll.model import ledger, liquidation_math
from plimsoll.model.house import CASH, Auction, House, refuse
from plimsoll.types import Purchase

RAMP = 30 * 60  # seconds in which the discount grows
LIFE = 90 * 60
MOST_ORDERED = 8


class Sale(NamedTuple):
    """What is offered now: at which price of one whole token (WAD), and the most of it."""

    coin: Coin
    price: int
    most: int


# The clock ---------------------------------------------------------------------------------------------------------


def start_auction(house: House, account: int) -> None:
    """Starts it, or notes that equity crossed zero since."""
    snapshot, margin = _opened(house, account)
    if not is_for_sale(house, account, margin):
        _refuse_sale(house, account, margin)
    auction, sunk = house.storage.auctions.get(account, Auction()), _is_sunk(margin)
    if _runs(house, auction):
        if sunk == (auction.insolvent_at != 0):
            refuse("AuctionRunning", account, *auction)
    else:
        auction = Auction(house.now)
    house.storage.auctions[account] = auction._replace(insolvent_at=house.now if sunk else 0)


def stop_auction(house: House, account: int) -> None:
    """Ends it where nothing is for sale any more, or a price is invalid."""
    if account not in house.storage.auctions:
        refuse("NoAuction", account)
    try:
        _, margin = _opened(house, account)
    except Reverted as reason:
        if reason.name not in ("InvalidPrice", "HaltNotFinal"):
            raise
    else:
        if is_for_sale(house, account, margin):
            refuse("AuctionDue", account, margin_math.debt(margin))
    del house.storage.auctions[account]


def set_sale_order(house: House, account: int, collaterals: tuple[int, ...]) -> None:
    """The owner says what is sold first."""
    if len(collaterals) > MOST_ORDERED:
        refuse("InvalidAmount", len(collaterals), MOST_ORDERED)
    house.storage.sale_orders[account] = collaterals


def _runs(house: House, auction: Auction) -> bool:
    return auction.started_at != 0 and house.now < max(auction) + LIFE


# What is for sale --------------------------------------------------------------------------------------------------


def is_for_sale(house: House, account: int, margin: Margin) -> bool:
    beyond = margin_math.debt(margin) * MILLION > margin.collateral * house.world.debt.limit_e6
    return beyond or margin.equity < 0 or _owed(house, account, margin) > 0


def _owed(house: House, account: int, margin: Margin) -> int:
    """What an estate owes falls due when it holds nothing any more."""
    return 0 if margin.maintenance > 0 else house.forgiven(account)


def offer(house: House, account: int) -> Sale:
    snapshot, margin = _opened(house, account)
    return _offered(house, snapshot, margin, _first(house, snapshot))


def buy_collateral(
    house: House, buyer: int, account: int, collateral: int, amount: int, max_price: int | None
) -> Purchase:
    """At most `amount` token units of what is offered."""
    snapshot, margin = _opened(house, account)
    coin, price, most = _offered(house, snapshot, margin, _chosen(house, snapshot, collateral))
    if amount == 0 or most == 0:
        refuse("InvalidAmount", amount, most)
    if max_price is not None and price > max_price:
        refuse("PriceAboveLimit", price, max_price)
    bought = min(amount, most)
    payment = liquidation_math.sale_payment(coin, bought, price)
    _sell(house, buyer, account, house.collaterals[collateral].name, bought, payment)
    left = tuple(
        held._replace(amount=held.amount - bought) if held.collateral == collateral else held for held in snapshot.coins
    )
    after = margin_math.judge(snapshot._replace(cash=snapshot.cash + payment, coins=left))
    if not is_for_sale(house, account, after):
        del house.storage.auctions[account]
    return Purchase(bought, payment)


def _sell(house: House, buyer: int, account: int, token: str, amount: int, payment: int) -> None:
    if payment > 0:
        house.pull(CASH, house.settlement, payment, buyer)
    ledger.post(house, account, payment)
    house.release(account, token, amount, buyer)
    if not house.coins(account):
        house.change(account, estate=False)  # nothing is left to be sold: the estate is wound up
    ledger.tell(house, account)


def _opened(house: House, account: int) -> tuple[Snapshot, Margin]:
    snapshot, _ = ledger.load(house, account, {}, strict=True)
    return snapshot, margin_math.judge(snapshot)


def _is_sunk(margin: Margin) -> bool:
    """Below zero with nothing held. An account that still holds positions is absorbed first."""
    return margin.equity < 0 and margin.maintenance == 0


def _refuse_sale(house: House, account: int, margin: Margin) -> None:
    limit = mul_div_down(margin.collateral, house.world.debt.limit_e6, MILLION)
    refuse("NotForSale", account, margin_math.debt(margin), limit)


def _first(house: House, snapshot: Snapshot) -> Coin | None:
    """The owner's order first (but for what counts for nothing), then the lowest haircut, then the lowest id."""
    held = {coin.collateral: coin for coin in snapshot.coins}
    for collateral in house.storage.sale_orders.get(snapshot.account, ()):
        if collateral in held and held[collateral].haircut < WAD:
            return held[collateral]
    return min(snapshot.coins, key=lambda coin: coin.haircut, default=None)


def _chosen(house: House, snapshot: Snapshot, collateral: int) -> Coin | None:
    """The first; from the end of the ramp the buyer's choice, so that what nobody wants does not stand before the rest."""
    first = _first(house, snapshot)
    if first is None or first.collateral == collateral:
        return first
    started_at = house.storage.auctions.get(snapshot.account, Auction()).started_at
    if house.now - started_at >= RAMP:
        for coin in snapshot.coins:
            if coin.collateral == collateral:
                return coin
    refuse("NotFirst", snapshot.account, collateral, first.collateral)


def _offered(house: House, snapshot: Snapshot, margin: Margin, coin: Coin | None) -> Sale:
    account = snapshot.account
    if not is_for_sale(house, account, margin):
        _refuse_sale(house, account, margin)
    auction = house.storage.auctions.get(account, Auction())
    if not _runs(house, auction):
        refuse("NoAuction", account)
    if coin is None:
        refuse("NothingHeld", account)
    elapsed = house.now - auction.started_at
    sunk_for = min(house.now - auction.insolvent_at, elapsed - RAMP) if auction.insolvent_at and _is_sunk(margin) else 0
    discount = liquidation_math.discount(coin.haircut, elapsed, max(0, sunk_for), RAMP)
    price = liquidation_math.sale_price(coin.mid, discount)
    return Sale(coin, price, _due(house, account, coin, margin, price))


def _due(house: House, account: int, coin: Coin, margin: Margin, price: int) -> int:
    """Solvent: back to λ₀ · C. Below zero, or an estate: all of the debt, and what others have paid for it."""
    forgiven = _owed(house, account, margin)
    if margin.equity < 0 or forgiven > 0:
        return liquidation_math.sale_of(coin, margin_math.debt(margin) + forgiven, price)
    # What brings nothing is no help while there is equity.
    return liquidation_math.sale_due(coin, margin, price, house.world.debt.open_limit_e6) if price else 0
