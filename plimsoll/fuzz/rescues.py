"""The rules of a life: what is done about accounts below their line, their collateral and their losses."""

from __future__ import annotations

from plimsoll.margin_math import Margin
from plimsoll.errors import Reverted
from plimsoll.fuzz.market import rule
from plimsoll.fuzz.trading import UNITS, Trading
from plimsoll.types import USDC, WAD, Account, Outcome
from plimsoll.venue import Call


PLENTY = 10**15


def paid(account: Account, amount: int) -> tuple[Call, Call]:
    """A stranger's deposit."""
    return Call("give", ("stranger", "USDC", amount)), Call("deposit", ("stranger", account, "USDC", amount))


def _name(refusal: Reverted | None) -> str:
    return refusal.name if refusal else ""


class Rescues(Trading):
    # Below the line ------------------------------------------------------------------------------------------------

    def taker(self, keeper: str) -> Account | None:
        return self.rng.choice((None,) * 6 + (Account(keeper), Account(keeper), self.trader()))

    def capital(self, keeper: str) -> None:
        if self.rng.random() < 0.5:
            self.venue.give(keeper, "USDC", 20_000 * USDC)
            self.venue.deposit(keeper, Account(keeper), "USDC", 20_000 * USDC)

    @rule(14)
    def liquidate(self) -> None:
        keeper = self.keeper()
        self.venue.liquidate(keeper, self.sinking(), self.taker(keeper))

    @rule(5)
    def bite(self) -> None:
        keeper = self.keeper()
        self.capital(keeper)
        fraction = self.rng.choice((0, 1, WAD // 100, WAD // 10, WAD // 3, self.rng.randrange(WAD)))
        least = self.rng.choice((0, 0, fraction, WAD))
        self.venue.liquidate(keeper, self.sinking(), self.taker(keeper), fraction, least, self.rng.choice((None, None, 3)))

    @rule(8)
    def move_to_margin(self) -> None:
        """Somebody below a line is paid up to that line exactly, or a unit or two beside it, and judged there."""
        account, keeper = self.sinking(), self.keeper()
        taker = self.rng.choice((None, Account(keeper)))
        held = self.state_of(account)
        if held is None or held.margin is None or not held.positions:
            return
        line, beside = self.rng.choice(("E = M", "φN = E", "f = 1")), self.rng.choice((-2, -1, 0, 0, 0, 1, 2))
        if line == "f = 1":
            gap = self.last_whole(keeper, account, taker, held.margin)
        else:
            gap = (held.margin.maintenance if line == "E = M" else self.whole_penalty(account)) - held.margin.equity
        if gap <= 0 or gap + beside <= 0:
            return
        for call in paid(account, gap + beside):
            self.venue.say(call)
        outcome = self.venue.liquidate(keeper, account, taker)
        if beside == 0 and line != "E = M" and outcome.fraction == WAD:
            self.venue.reach.lines[line] += 1

    def whole_penalty(self, account: Account) -> int:
        """Φ, of which an account owes no more than it has."""
        rich = self.model.imagine(*paid(account, PLENTY), Call("state"))
        margin = rich.accounts[account].margin
        return int(margin.penalty) if margin else 0

    def last_whole(self, keeper: str, account: Account, taker: Account | None, margin: Margin) -> int:
        """The most that may be paid in, beyond what lifts its equity to zero, with the account still closed whole; 0 for none."""
        least = max(0, -margin.equity)

        def is_whole(more: int) -> bool:
            told = self.model.imagine(*paid(account, least + more), Call("liquidate", (keeper, account, taker)))
            return isinstance(told, Outcome) and told.fraction == WAD

        most = self.most(4 * margin.penalty + 2, is_whole)
        return least + most if most else 0

    @rule(4)
    def batch(self) -> None:
        keeper = self.keeper()
        items = [(self.sinking(), self.taker(keeper), WAD) for _ in range(self.rng.randrange(4))]
        self.venue.liquidate_many(keeper, items)

    @rule(10)
    def absorb(self) -> None:
        keeper = self.keeper()
        self.venue.absorb(keeper, self.sinking() if self.rng.random() < 0.7 else self.indebted(), self.taker(keeper))

    # Collateral ----------------------------------------------------------------------------------------------------

    @rule(8)
    def auction(self) -> None:
        self.venue.start_auction("stranger", self.indebted())

    @rule(2)
    def stop_auction(self) -> None:
        names = {self.model.account_id(account): account for account in self.model.accounts()}
        account = self.one_of(names[number] for number in self.model.house.storage.auctions)
        if account and self.rng.random() < 0.7:
            self.venue.give("stranger", "USDC", 200_000 * USDC)
            self.venue.deposit("stranger", account, "USDC", 200_000 * USDC)
        self.venue.stop_auction("stranger", account or self.indebted())

    @rule(2)
    def sale_order(self) -> None:
        order = self.rng.choice((["WBTC"], ["WETH"], [], ["WBTC", "WETH"], ["WETH"] * 9))
        self.venue.set_sale_order(self.trader(), order)

    @rule(10)
    def buy(self) -> None:
        account = self.indebted()
        offer = self.model.for_sale().get(account)
        token = offer.collateral if offer and self.rng.random() < 0.9 else self.rng.choice(tuple(UNITS))
        self.venue.give("buyer", "USDC", 50_000 * USDC)
        amount = self.part(offer.most) if offer else 10
        limit = self.rng.choice((None, None, None, max(0, offer.price - 1) if offer else None))
        self.venue.buy_collateral("buyer", account, token, amount, limit)

    # When the pool refuses -----------------------------------------------------------------------------------------

    @rule(6)
    def report(self) -> None:
        account = self.sinking()
        named = self.model.liquidatable()
        refused = [who for who, probe in self.model.probe(named).items() if "TakerRefused" in map(_name, probe)]
        account = self.one_of(refused) or account
        self.venue.report_refusal(self.keeper(), account)
        self.reported.append(account)

    @rule(10)
    def deleverage(self) -> None:
        if self.reported and self.rng.random() < 0.5:
            self.wait_for(self.rng.choice((599, 600, 600, 700)))
        account = self.one_of(self.reported[-2:]) or self.sinking()
        accounts = self.venue.state().accounts
        names = list(accounts[account].positions) if account in accounts else []
        name = self.rng.choice(names) if names and self.rng.random() < 0.95 else self.instrument()
        size = accounts[account].positions[name].size if name in names else 1
        against = [
            other
            for other, state in accounts.items()
            if name in state.positions and (state.positions[name].size > 0) != (size > 0)
        ]
        some = min(len(against), self.rng.randrange(1, 4))
        chosen = self.rng.sample(against, some) if some else [self.trader()]
        chosen += self.rng.choice(([],) * 9 + (chosen,))
        self.venue.deleverage(self.keeper(), account, name, chosen)

    @rule(2)
    def unfreeze(self) -> None:
        self.venue.unfreeze("stranger", self.instrument())

    @rule(5)
    def drain(self) -> None:
        self.venue.drain("stranger", self.instrument())
