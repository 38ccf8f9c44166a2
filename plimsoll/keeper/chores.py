"""What there is to do that is not urgent: each is estimated by the node, and what would be refused is not there.

    dead feeds         observe that one is invalid, or well again; halt it after its grace; settle what is held on it
    the pool refuses   report it; deleverage when that is open; unfreeze a market that is sound again
    bad debt           drain it, as far as this epoch allows
    collateral         absorb who is below zero and holds nothing; start an auction; buy at a discount that is worth its while, with
                       what the wallet holds and within the budget
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from plimsoll.errors import Reverted
from plimsoll.fixed_point import div_down, mul_div_down
from plimsoll.keeper.book import ACCOUNTS_A_CALL, Holding
from plimsoll.keeper.cases import REFUSALS, THE_POOL, Stuck
from plimsoll.keeper.decide import Deed
from plimsoll.keeper.judge import ask_all
from plimsoll.keeper.market import Feed, Instrument, Market
from plimsoll.keeper.port import Call, Port
from plimsoll.types import HALT_DELAY, HALT_GRACE, WAD

LEAST_DISCOUNT = div_down(WAD, 100)  # what selling elsewhere costs: at a smaller discount the keeper waits
MOST_COUNTERPARTIES = 16  # of one deleveraging
LOOKED_AT = 2 * ACCOUNTS_A_CALL  # accounts that may be for sale, a round
SPARE_E2 = 130  # of an estimate: the state moves on
MAX_UINT = 2**256 - 1


class Chores:
    """least_loss: below zero by less than that is not worth a transaction. budget: for collateral, of one purchase. Settlement
    units."""

    def __init__(self, port: Port, least_loss: int, budget: int) -> None:
        self._port, self._least_loss, self._budget = port, least_loss, budget
        self._turn: list[int] = []

    def find(self, book: Mapping[int, Holding], market: Market, stuck: Sequence[Stuck], for_sale: Sequence[int]) -> list[Deed]:
        """for_sale: accounts that may owe too much. Raises NodeDead, NodeRefused."""
        found: list[Deed] = []
        for deed in self._proposed(book, market, stuck, for_sale):
            gas = self._port.estimate(deed.call)
            if not isinstance(gas, Reverted):
                found.append(Deed(deed.call, deed.what, deed.accounts, mul_div_down(gas, SPARE_E2, 100), 0, deed.reward))
        return found

    def _proposed(
        self, book: Mapping[int, Holding], market: Market, stuck: Sequence[Stuck], for_sale: Sequence[int]
    ) -> Iterator[Deed]:
        for feed in market.feeds:
            yield from self._watch(feed, market.time)
            if feed.halted_at and market.time >= feed.halted_at + HALT_DELAY:
                for instrument in market.instruments:
                    if instrument.feed == feed.id:
                        yield from _settle(book, instrument)
        for one in stuck:
            yield from self._unwanted(book, market, one)
        for instrument in market.instruments:
            if instrument.owed:
                yield from self._drain(instrument)
            if instrument.frozen:
                yield Deed(Call("pool", "unfreeze", (instrument.id,)), f"unfreeze instrument {instrument.id}")
        yield from self._sell(book, market, for_sale)

    # Feeds -----------------------------------------------------------------------------------------------------------

    def _watch(self, feed: Feed, now: int) -> Iterator[Deed]:
        if feed.halted_at and now >= feed.halted_at + HALT_DELAY:
            return
        well = feed.updated_at > feed.halted_at if feed.halted_at else not feed.ill
        if well == bool(feed.invalid_since):
            yield Deed(Call("oracle", "observe", (feed.id,)), f"observe {feed.name}")
        elif feed.invalid_since and not feed.halted_at and now > feed.invalid_since + HALT_GRACE:
            for number in self._port.last_round(feed.id):
                call = Call("oracle", "halt", (feed.id, number))
                if not isinstance(self._port.estimate(call), Reverted):
                    yield Deed(call, f"halt {feed.name}")
                    return

    # What the pool refuses ---------------------------------------------------------------------------------------------

    def _unwanted(self, book: Mapping[int, Holding], market: Market, one: Stuck) -> Iterator[Deed]:
        account = one.standing.account
        if one.reason.name not in REFUSALS or account not in book:
            return
        [window] = self._port.ask([Call("liquidation", "deleverageWindow", (account,))])
        if window.from_ == 0 or market.time >= window.until:
            yield Deed(Call("liquidation", "reportRefusal", (account,)), "report a refusal", (account,))
        elif market.time >= window.from_:
            for instrument in book[account].positions:
                against = eligible(book, account, market.instruments[instrument])
                if against:
                    call = Call("liquidation", "deleverage", (account, instrument, against))
                    yield Deed(call, f"deleverage instrument {instrument}", (account,))

    def _drain(self, instrument: Instrument) -> Iterator[Deed]:
        call = Call("engine", "drain", (instrument.id,))
        [paid] = self._port.ask([call])
        if not isinstance(paid, Reverted) and paid > 0:
            yield Deed(call, f"drain instrument {instrument.id}")

    # Collateral --------------------------------------------------------------------------------------------------------

    def _sell(self, book: Mapping[int, Holding], market: Market, for_sale: Sequence[int]) -> Iterator[Deed]:
        """The lens says who is; as many as can be looked at, in turn."""
        if not self._turn:
            self._turn = [*for_sale, *(account for account, held in book.items() if held.forgiven)]
        looked_at, self._turn = self._turn[:LOOKED_AT], self._turn[LOOKED_AT:]
        reports = [
            report
            for start in range(0, len(looked_at), ACCOUNTS_A_CALL)
            for report in ask_all(self._port, "reports", looked_at[start : start + ACCOUNTS_A_CALL], None)
            if report.valid
        ]
        for report in reports:
            yield from self._sunk(report)
        selling = [report.account for report in reports if report.standing.forSale and report.coins]
        offers = self._port.ask([Call("auctions", "offer", (account,)) for account in selling]) if selling else []
        for account, offer in zip(selling, offers):
            if isinstance(offer, Reverted):
                if offer.name == "NoAuction":
                    yield Deed(Call("auctions", "startAuction", (account,)), "start an auction", (account,))
            elif offer.most and self._budget:
                yield from self._buy(account, offer, next(r for r in reports if r.account == account), market)

    def _sunk(self, report: Any) -> Iterator[Deed]:
        """Below zero, and holds nothing: absorbed first, so that its collateral covers its debt."""
        if report.legs or report.standing.margin.equity >= 0:
            return
        [answer] = self._port.ask([Call("liquidation", "absorb", (report.account, THE_POOL))])
        if not isinstance(answer, Reverted) and answer.loss >= self._least_loss:
            yield Deed(Call("liquidation", "absorb", (report.account, THE_POOL)), "absorb", (report.account,), reward=answer.reward)

    def _buy(self, account: int, offer: Any, report: Any, market: Market) -> Iterator[Deed]:
        """Pays with the wallet's own tokens; what was bought stays in the wallet."""
        coin = next(coin for coin in report.coins if coin.collateral == offer.collateral)
        fair = mul_div_down(market.feeds[coin.feed].mid, WAD - LEAST_DISCOUNT, WAD)
        engine = self._port.identity["engine"]
        me = self._port.address
        held, allowed = self._port.ask([Call("settlement", "balanceOf", (me,)), Call("settlement", "allowance", (me, engine))])
        purse = min(held, self._budget)
        amount = min(offer.most, mul_div_down(purse, coin.scale, offer.price * WAD) if offer.price else offer.most)
        gain = mul_div_down(amount, (fair - offer.price) * WAD, coin.scale)
        if amount == 0 or gain <= 0:
            return
        if allowed < purse:
            yield Deed(Call("settlement", "approve", (engine, MAX_UINT)), "let the engine take what we buy for", reward=gain)
        else:
            call = Call("auctions", "buyCollateral", (account, offer.collateral, amount, offer.price, b""))
            yield Deed(call, f"buy collateral {offer.collateral}", (account,), reward=gain)


def eligible(book: Mapping[int, Holding], account: int, instrument: Instrument) -> tuple[int, ...]:
    """The largest accounts of the other side whose profit a unit is at or above their side's average, ascending:
    q · OI ≥ Q_side · |s|."""
    sinking = book[account].positions[instrument.id]
    found: list[tuple[int, int]] = []
    for other, held in book.items():
        position = held.positions.get(instrument.id)
        if position is None or other == account or position.size * sinking.size > 0:
            continue
        side = instrument.quote_long if position.size > 0 else instrument.quote_short
        if position.quote * instrument.open_interest >= side * abs(position.size):
            found.append((abs(position.size), other))
    return tuple(sorted(other for _, other in sorted(found, reverse=True)[:MOST_COUNTERPARTIES]))


def _settle(book: Mapping[int, Holding], instrument: Instrument) -> Iterator[Deed]:
    """The largest long with the largest short: what is left of one meets the next."""
    held = [(positions[instrument.id].size, account) for account, one in book.items() if instrument.id in (positions := one.positions)]
    if held and max(held)[0] > 0 > min(held)[0]:
        call = Call("engine", "settleHalted", (instrument.id, max(held)[1], min(held)[1]))
        yield Deed(call, f"settle instrument {instrument.id}", (max(held)[1], min(held)[1]))
