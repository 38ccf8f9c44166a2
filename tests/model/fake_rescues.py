"""The part of the fake venue that comes after a liquidation: auctions, deleveraging, bad debt, dead feeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from plimsoll.errors import Reverted
from plimsoll.fixed_point import mul_div_down, mul_div_up
from plimsoll.types import (
    DELEVERAGE_DELAY,
    DELEVERAGE_WINDOW,
    HALT_DELAY,
    HALT_GRACE,
    SIZE_UNIT,
    USDC,
    WAD,
    Account,
    Offer,
    Purchase,
)

VALUE = SIZE_UNIT * WAD // USDC  # size · price / VALUE = settlement units
RAMP = 30 * 60  # of an auction's discount, from 0 to the haircut


class Rescues:
    """Mixed into FakeVenue, whose ledger it works on."""

    # Auctions ------------------------------------------------------------------------------------------------------

    def start_auction(self, caller: str, account: Account) -> None:
        self._require_sale(account)
        if account in self.auctions:
            raise Reverted("AuctionRunning", (self.account_id(account), self.auctions[account], 0))
        self.auctions[account] = self._now

    def stop_auction(self, caller: str, account: Account) -> None:
        if account not in self.auctions:
            raise Reverted("NoAuction", (self.account_id(account),))
        if self._is_for_sale(account):
            raise Reverted("AuctionDue", (self.account_id(account), self._debt(account)))
        del self.auctions[account]

    def set_sale_order(self, account: Account, collaterals: Sequence[str]) -> None:
        self.orders[account] = collaterals

    def buy_collateral(
        self, buyer: str, account: Account, collateral: str, amount: int, max_price: int | None = None
    ) -> Purchase:
        self._require_sale(account)
        offer = self.for_sale()[account]
        if offer is None:
            raise Reverted("NoAuction", (self.account_id(account),))
        if offer.collateral != collateral:
            raise Reverted("NotFirst", (self.account_id(account), collateral, offer.collateral))
        if max_price is not None and offer.price > max_price:
            raise Reverted("PriceAboveLimit", (offer.price, max_price))
        bought, scale = min(amount, offer.most), WAD * 10 ** self.world.token(collateral).decimals
        payment = mul_div_up(bought * offer.price, USDC, scale)
        self.wallets[buyer, self.world.settlement.name] -= payment
        self.wallets[buyer, collateral] += bought
        self.coins[account][collateral] -= bought
        self.cash[account] += payment
        self.escrowed += payment
        if not self._is_for_sale(account):
            del self.auctions[account]
        return Purchase(bought, payment)

    def _require_sale(self, account: Account) -> None:
        if not self._is_for_sale(account):
            raise Reverted("NotForSale", (self.account_id(account), self._debt(account), 0))

    def _debt(self, account: Account) -> int:
        margin = self._judged(account)
        return max(0, -(margin.cash + margin.profit))

    def _is_for_sale(self, account: Account) -> bool:
        margin = self._judged(account)
        return self._debt(account) * 10**6 > margin.collateral * self.world.debt.limit_e6 and margin.collateral > 0

    def for_sale(self) -> Mapping[Account, Offer | None]:
        selling = [a for a in self._known if not self._invalid(a) and self._is_for_sale(a)]
        return {account: self._offer(account) if account in self.auctions else None for account in selling}

    def _offer(self, account: Account) -> Offer:
        named = [name for name in self.orders.get(account, ()) if self.coins[account].get(name)]
        held = [name for name, amount in self.coins[account].items() if amount]
        first = next(iter(named or held))
        spec = self.world.collateral(first)
        elapsed = min(self._now - self.auctions[account], RAMP)
        price = mul_div_down(self.prices[spec.feed], 10**6 * RAMP - spec.haircut_e6 * elapsed, 10**6 * RAMP)
        due = mul_div_down(self._debt(account), WAD * 10**spec.token.decimals, price * USDC)
        return Offer(first, price, min(due, self.coins[account][first]))

    # When the pool refuses ------------------------------------------------------------------------------------------

    def report_refusal(self, caller: str, account: Account) -> None:
        if account not in self.refuses:
            raise Reverted("BackstopAccepts", (self.account_id(account),))
        self.reported[account] = self._now

    def deleverage(self, keeper: str, account: Account, instrument: str, counterparties: Sequence[Account]) -> int:
        opens = self.reported.get(account, self._now) + DELEVERAGE_DELAY
        if not opens <= self._now < opens + DELEVERAGE_WINDOW:
            raise Reverted("NotOpen", (self.account_id(account), opens, opens + DELEVERAGE_WINDOW))
        size, mid, closed = self.held[account][instrument][0], self._mid(self.world.instrument(instrument).feed), 0
        due = mul_div_up(abs(size), self._due(self._judged(account)), WAD)
        for counterparty in counterparties:
            part = min(due - closed, abs(self.held[counterparty][instrument][0]))
            change = -part if size > 0 else part
            quote = -mul_div_down(change, mid, VALUE)
            self._move(account, instrument, change, quote)
            self._move(counterparty, instrument, -change, -quote)
            closed += part
        return closed

    def unfreeze(self, caller: str, instrument: str) -> None: ...

    def drain(self, caller: str, instrument: str) -> int:
        if not any(self.owed[instrument, long] for long in (True, False)):
            raise Reverted("NothingOwed", (instrument,))
        return self._pay_debt(instrument)

    def _pay_debt(self, instrument: str) -> int:
        paid = 0
        for long in (True, False):
            part = min(self.owed[instrument, long], self.insurance[instrument])
            self.owed[instrument, long] -= part
            self.insurance[instrument] -= part
            paid += part
        return paid

    # Dead feeds ----------------------------------------------------------------------------------------------------

    def observe(self, caller: str, feed: str) -> None:
        if self._own_fault(feed):
            self.invalid_since.setdefault(feed, self._now)
        else:
            self.invalid_since.pop(feed, None)
            self.halted.pop(feed, None)

    def halt(self, caller: str, feed: str) -> None:
        if feed not in self.invalid_since:
            raise Reverted("NotObserved", (feed,))
        since = self.invalid_since[feed]
        if self._now < since + HALT_GRACE + 1:
            raise Reverted("HaltTooSoon", (feed, since, since + HALT_GRACE + 1))
        self.halted[feed] = self._now

    def settle_halted(self, caller: str, instrument: str, long: Account, short: Account) -> int:
        feed = self.world.instrument(instrument).feed
        if feed not in self.halted or self._now < self.halted[feed] + HALT_DELAY:
            raise Reverted("HaltNotFinal", (feed,))
        size = min(self.held[long][instrument][0], -self.held[short][instrument][0])
        quote = mul_div_down(size, self.prices[feed], VALUE)
        self._move(long, instrument, -size, quote)
        self._move(short, instrument, size, -quote)
        return size

    # Parameters ----------------------------------------------------------------------------------------------------

    def set_instrument(self, caller, instrument, base_e6, initial_multiple_e6, cap_units, cap_value, reduce_only) -> int:
        raise NotImplementedError("the fake's parameters are the world's")

    apply_instrument = set_interest = restrict = lower_caps = lower_collateral_cap = trespass = set_instrument
