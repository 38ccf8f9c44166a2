"""What a person does on a network: looks, and gives orders that say what they will do before they do it.

    desk = Desk(open_deployment("sepolia", wallet))
    order = desk.open("ETH", "1.5"); print(order.words); desk.carry(order)

Amounts are whole tokens, sizes whole units of the underlying, as text: they are exact or refused. The account is the wallet's
own (or that of `owner`), sub 0 unless another is named.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from plimsoll.chain.artifacts import decode_error
from plimsoll.chain.deployment import Deployment
from plimsoll.chain.node import Contract
from plimsoll.deploy.words import money, price, size, token_amount
from plimsoll.errors import Refused
from plimsoll.fixed_point import WAD, div_down
from plimsoll.scenarios.reader import exact

MAY_TRADE = 1
SIZE_DECIMALS = 9
SECONDS_TO_TRADE = 600
ANY_NONCE = 2**256 - 1
THE_POOL = 0
WRAPPED = "WETH"


@dataclass
class Order:
    """words: what it will do. calls: (what for, contract, function, arguments, value in wei), one transaction each, in order."""

    words: list[str] = field(default_factory=list)
    calls: list[tuple[str, Contract, str, tuple[Any, ...], int]] = field(default_factory=list)

    def add(self, what: str, contract: Contract, fn: str, *args: Any, value: int = 0) -> None:
        self.calls.append((what, contract, fn, args, value))


class Desk:
    """me: whose orders these are. account: of whom they speak."""

    def __init__(self, made: Deployment, me: str, sub: int = 0) -> None:
        self.made, self.me = made, me
        self.account = made.account(me, sub)

    def carry(self, order: Order, told: Any = print) -> None:
        """Sends one after another, each final before the next. Raises Reverted, NotMined, DeployError."""
        for what, contract, fn, args, value in order.calls:
            told(f"{what}: {contract.fn(fn)(*args, sender=self.me, value=value).hash}")

    # Orders --------------------------------------------------------------------------------------------------------

    def deposit(self, token: str, amount: str, mint: bool = False) -> Order:
        """mint: a mock token is minted first; the real WETH is made out of ether."""
        units, contract, order = self._units(token, amount), self._token(token), Order()
        order.words.append(f"deposit {token_amount(self.made, token, units)} into the account")
        if mint:
            self._mint(order, token, units)
        elif (have := contract.balanceOf(self.me)) < units:
            raise Refused(f"{self.me} has {token_amount(self.made, token, have)}; --mint makes them where the token allows it")
        self._approve(order, token, self.made.engine, units)
        order.add("deposit", self.made.engine, "deposit", self.account, contract, units, 0)
        return order

    def provide(self, amount: str, mint: bool = False) -> Order:
        """Into the pool, and to each market what its weight is due."""
        name, pool, order = self.made.world.settlement.name, self.made.pool, Order()
        units = self._units(name, amount)
        order.words.append(f"put {token_amount(self.made, name, units)} into the pool, and into each market what its weight is due")
        if mint:
            self._mint(order, name, units)
        self._approve(order, name, pool, units)
        order.add("deposit into the pool", pool, "deposit(uint256,address)", units, self.me)
        for instrument, number in self.made.instruments.items():
            order.add(f"allocate to {instrument}", pool, "allocate", number)
        return order

    def withdraw(self, token: str, amount: str) -> Order:
        """amount: or "max"."""
        contract, order = self._token(token), Order()
        most = self.made.lens.maxWithdraw(self.account, contract)
        units = most if amount == "max" else self._units(token, amount)
        if units == 0:
            raise Refused(f"no {token} may leave the account now")
        preview = self.made.lens.previewWithdraw(self.account, contract, units)
        if not preview.ok:
            raise Refused(f"the engine would refuse: {decode_error(preview.reason)}; at most {token_amount(self.made, token, most)}")
        order.words.append(f"withdraw {token_amount(self.made, token, preview.paid)} to {self.me}")
        order.add("withdraw", self.made.engine, "withdraw", self.account, contract, units, self.me, 0)
        return order

    def open(self, instrument: str, amount: str, short: bool = False, slippage_e6: int = 10_000) -> Order:
        """slippage_e6: how much worse than foreseen the price may be."""
        units = exact(amount, SIZE_DECIMALS)
        if units is None or units <= 0:
            raise Refused(f"{amount} is no size: a positive number of at most {SIZE_DECIMALS} decimals is")
        return self._trade(instrument, -units if short else units, slippage_e6)

    def close(self, instrument: str, slippage_e6: int = 10_000) -> Order:
        held = int(self.made.engine.position(self.account, self._instrument(instrument)).size)
        if held == 0:
            raise Refused(f"the account holds no {instrument}")
        return self._trade(instrument, -held, slippage_e6)

    def _trade(self, instrument: str, units: int, slippage_e6: int) -> Order:
        made, number, order = self.made, self._instrument(instrument), Order()
        preview = made.lens.previewTrade(self.account, number, units)
        allowed = made.engine.operatorBits(self.account, made.pool) & MAY_TRADE
        reason = None if preview.ok else decode_error(preview.reason)
        if reason is not None and (allowed or reason.name != "Unauthorized"):
            raise Refused(f"the pool would refuse: {reason}")
        way = 1 if units > 0 else -1
        limit = div_down(preview.price * (10**6 + way * slippage_e6), 10**6)
        order.words.append(
            f"{'buy' if units > 0 else 'sell'} {size(abs(units))} {instrument} at about {price(preview.price)}, never "
            f"{'above' if units > 0 else 'below'} {price(limit)}; fee {money(preview.fee)}"
        )
        after = preview.afterwards
        order.words.append(f"afterwards: equity {money(after.margin.equity)}, maintenance {money(after.margin.maintenance)}")
        if not allowed:
            order.add("let the pool trade for the account", made.engine, "setOperator", self.account, made.pool, MAY_TRADE)
        deadline = made.chain.now + SECONDS_TO_TRADE
        order.add("trade", made.pool, "trade", self.account, number, units, limit, deadline)
        return order

    def liquidate(self, owner: str, sub: int = 0) -> Order:
        """An account of somebody else's: what is too much goes to the pool, the reward to this account."""
        account, order = self.made.account(owner, sub), Order()
        preview = self.made.lens.previewLiquidation(account, WAD)
        if not preview.ok:
            raise Refused(f"the liquidation engine would refuse: {decode_error(preview.reason)}")
        outcome = preview.outcome
        order.words.append(
            f"liquidate {100 * outcome.fraction / WAD:.1f} % of {owner}'s positions: equity {money(outcome.equity)}, maintenance "
            f"{money(outcome.maintenance)}, penalty {money(outcome.penalty)}, of which yours {money(outcome.keeperReward)}"
        )
        order.add("liquidate", self.made.liquidation, "liquidate", (account, THE_POOL, WAD, 0, ANY_NONCE))
        return order

    # Names and numbers ---------------------------------------------------------------------------------------------

    def _token(self, name: str) -> Contract:
        if name not in self.made.tokens:
            raise Refused(f"there is no token {name}; there are: {', '.join(self.made.tokens)}")
        return self.made.tokens[name]

    def _instrument(self, name: str) -> int:
        if name not in self.made.instruments:
            raise Refused(f"there is no instrument {name}; there are: {', '.join(self.made.instruments)}")
        return self.made.instruments[name]

    def _units(self, token: str, amount: str) -> int:
        self._token(token)
        decimals = self.made.world.token(token).decimals
        units = exact(amount, decimals)
        if units is None or units <= 0:
            raise Refused(f"{amount} is no amount of {token}: a positive number of at most {decimals} decimals is")
        return units

    def _mint(self, order: Order, token: str, units: int) -> None:
        """Anyone mints a mock; the real WETH is made out of ether; no other real token is made."""
        contract = self._token(token)
        if f"token {token}" not in self.made.given:
            order.add(f"mint {token}", contract, "mint", self.me, units)
        elif token == WRAPPED:
            order.add("wrap ether", self.made.chain.at("IWETH", contract), "deposit", value=units)
        else:
            raise Refused(f"{token} is a real token: it cannot be minted")

    def _approve(self, order: Order, token: str, spender: Contract, units: int) -> None:
        contract = self._token(token)
        if contract.allowance(self.me, spender) < units:
            order.add(f"approve {token}", contract, "approve", spender, units)
