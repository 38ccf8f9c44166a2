"""`python -m plimsoll status | account | mint | deposit | withdraw | provide | open | close | liquidate`: a person at a deployment.

Whatever sends says first what it will do, and asks (or `--yes`). Amounts are whole tokens and whole units, exact to the last digit:
`0.5` WETH, `-2.25` ETH. Who signs: a keystore account of Brownie's (`--account`), or the key in PLIMSOLL_PRIVATE_KEY.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from plimsoll import deploying
from plimsoll.chain.abi import as_address
from plimsoll.chain.artifacts import decode_error
from plimsoll.chain.deployment import Deployment
from plimsoll.chain.node import Contract
from plimsoll.chain.state import StateReader
from plimsoll.chain.wallet import Wallet
from plimsoll.errors import Refused
from plimsoll.scenarios.reader import exact, show
from plimsoll.scenarios.words import money, percent, price, size, token
from plimsoll.state import State
from plimsoll.types import POOL, SIZE_UNIT, WAD, Account

HELD, FAILED = 0, 1
MAY_TRADE, MINUTES_TO_FILL, THE_POOL, ANY_NONCE = 1, 10, 0, 2**256 - 1
WITHOUT_LIMIT = 2**255 - 1  # what the lens says of a ratio to nothing
SIZE_DECIMALS = 9


@dataclass
class Desk:
    """A deployment, and who stands before it. wallet: None where nothing is sent."""

    made: Deployment
    console: Console
    wallet: Wallet | None
    yes: bool = False

    def say(self, text: str) -> None:
        self.console.print(text, soft_wrap=True, highlight=False)

    def send(self, what: str, contract: Contract, fn: str, *args: Any) -> Any:
        """One transaction, final. Raises Reverted."""
        assert self.wallet is not None
        self.say(f"{what} …")
        receipt = contract.fn(fn)(*args, sender=self.wallet.address)
        self.say(f"  done in block {receipt.block}, {receipt.gas_used:,} gas: {receipt.hash}")
        return receipt

    def agreed(self) -> bool:
        if self.yes or deploying.agreed(self.console):
            return True
        self.say("Nothing was sent.")
        return False

    def account(self, options: argparse.Namespace) -> int:
        """The account that is meant: --of ADDRESS, else the wallet's own."""
        owner = getattr(options, "of", None) or (self.wallet.address if self.wallet else None)
        if owner is None:
            raise Refused("whose account? give --of ADDRESS, or a key to have your own")
        return self.account_of(owner, options.sub)

    def account_of(self, owner: str, sub: int) -> int:
        """Raises Refused."""
        address = as_address(owner)
        if address is None:
            raise Refused(f"{owner} is no address: 0x and 40 digits of hex, capitals as its checksum has them")
        if not 0 <= sub < 2**96:
            raise Refused(f"{sub} is no sub-account: 0 to 2^96 - 1")
        return self.made.account(address, sub)

    def token(self, name: str) -> tuple[Contract, int]:
        """A token by its name, and its decimals. Raises Refused."""
        if name not in self.made.tokens:
            raise Refused(f"there is no token {name} here; there are {', '.join(self.made.tokens)}")
        return self.made.tokens[name], self.made.world.token(name).decimals

    def instrument(self, name: str) -> int:
        if name not in self.made.instruments:
            raise Refused(f"there is no instrument {name} here; there are {', '.join(self.made.instruments)}")
        return self.made.instruments[name]


# The commands ------------------------------------------------------------------------------------------------------


def add_commands(commands: Any) -> None:
    """The parsers."""
    for name, (does, about, sends, words) in COMMANDS.items():
        parser = commands.add_parser(name, help=about)
        deploying.add_network(parser)
        for word, help_ in words:
            parser.add_argument(word, help=help_)
        if sends:
            deploying.add_sender(parser)
        if name != "status":
            parser.add_argument("--sub", type=int, default=0, metavar="N", help="sub-account (default: 0)")
        if name == "account":
            parser.add_argument("--of", metavar="ADDRESS", help="whose (default: of the key in PLIMSOLL_PRIVATE_KEY)")
        if name in ("open", "close"):
            parser.add_argument("--slippage", default="1%", metavar="RATE", help="from the price shown (default: 1%%)")
        parser.set_defaults(command=_command(does, sends))


def _command(does: Callable[[Desk, argparse.Namespace], int], sends: bool) -> Callable[[argparse.Namespace], int]:
    def run(options: argparse.Namespace) -> int:
        own = sends or (does is account and options.of is None)
        wallet, console = deploying.wallet_of(getattr(options, "account", None)) if own else None, Console()
        confirmations = getattr(options, "confirmations", None)
        made = deploying.open_deployment(options.network, wallet, options.records, confirmations, console.print)
        return does(Desk(made, console, wallet, getattr(options, "yes", False)), options)

    return run


def status(desk: Desk, options: argparse.Namespace) -> int:
    """Markets, prices and their age, the pool, insurance."""
    state, made = _state(desk.made), desk.made
    table = _table("market", "price", "age", "open interest", "funding / year", "insurance", "bad debt", "")
    for spec in made.world.instruments:
        market, feed, source = state.markets[spec.name], state.feeds[spec.feed], made.world.feed(spec.feed)
        age = f"{state.time - feed.updated_at} s of {source.heartbeat + source.grace}" if feed.updated_at else "-"
        table.add_row(
            *(spec.name, price(feed.mid) if feed.mid else "-", age, f"{size(market.open_interest)[1:]} {spec.name}"),
            *(percent(market.rate_e8 * 10**10), money(market.insurance), money(market.owed_long + market.owed_short)),
            feed.fault or ("halted" if feed.halted_at else ""),
        )
    desk.console.print(table)
    pool = state.pool
    if pool.equity_mid is None or pool.share_price is None:
        desk.say("The pool has no value now: a price is missing.")
    else:
        desk.say(f"The pool is worth {money(pool.equity_mid)}, a share {show(pool.share_price, 18)}. Bad debt {money(state.bad_debt)}.")
    return HELD


def account(desk: Desk, options: argparse.Namespace) -> int:
    """Health, margin, positions with their liquidation prices, collateral."""
    _show_account(desk, desk.account(options))
    return HELD


def mint(desk: Desk, options: argparse.Namespace) -> int:
    """Tokens of a mock."""
    contract, decimals = desk.token(options.token)
    amount = _amount(options.amount, decimals)
    if f"token {options.token}" in desk.made.given:
        raise Refused(f"{options.token} is no mock here: it is to be had elsewhere")
    assert desk.wallet is not None
    desk.say(f"Mints {token(amount, decimals)} {options.token} to {desk.wallet.address}. (Only a mock lets anyone.)")
    if not desk.agreed():
        return FAILED
    desk.send(f"minting {options.token}", contract, "mint", desk.wallet.address, amount)
    return HELD


def deposit(desk: Desk, options: argparse.Namespace) -> int:
    """From the wallet into its account."""
    (contract, decimals), number = desk.token(options.token), desk.account(options)
    amount, engine = _amount(options.amount, decimals), desk.made.engine
    assert desk.wallet is not None
    held = contract.balanceOf(desk.wallet.address)
    if held < amount:
        raise Refused(f"{desk.wallet.address} has {token(held, decimals)} {options.token}: less than that (a mock is minted: `mint`)")
    allowed = contract.allowance(desk.wallet.address, engine)
    desk.say(f"Deposits {token(amount, decimals)} {options.token} of {desk.wallet.address} into its account {options.sub}.")
    if allowed < amount:
        desk.say("First lets the engine take just that.")
    if not desk.agreed():
        return FAILED
    if allowed < amount:
        desk.send("approving", contract, "approve", engine, amount)
    desk.send("depositing", engine, "deposit", number, contract, amount, 0)
    _show_account(desk, number)
    return HELD


def withdraw(desk: Desk, options: argparse.Namespace) -> int:
    """From the account to the wallet: an amount, or all that the margin rule lets go."""
    (contract, decimals), number, made = desk.token(options.token), desk.account(options), desk.made
    amount = made.lens.maxWithdraw(number, contract) if options.amount == "all" else _amount(options.amount, decimals)
    if amount == 0:
        raise Refused(f"nothing of {options.token} may leave the account now")
    seen = made.lens.previewWithdraw(number, contract, amount)
    _require(seen)
    assert desk.wallet is not None
    desk.say(f"Withdraws {token(seen.taken, decimals)} {options.token}, of which {token(seen.paid, decimals)} are paid out.")
    if seen.judged:
        desk.say(f"  afterwards: {_standing(seen.afterwards)}")
    if not desk.agreed():
        return FAILED
    desk.send("withdrawing", made.engine, "withdraw", number, contract, amount, desk.wallet.address, seen.paid)
    return HELD


def provide(desk: Desk, options: argparse.Namespace) -> int:
    """Settlement tokens into the pool, for shares of it, and what each market is due put to work."""
    made, (contract, decimals) = desk.made, desk.token(desk.made.world.settlement.name)
    amount = _amount(options.amount, decimals)
    assert desk.wallet is not None
    desk.say(f"Lends {money(amount)} to the pool, for about {show(made.pool.previewDeposit(amount), decimals + 6)} shares.")
    if not desk.agreed():
        return FAILED
    desk.send("approving", contract, "approve", made.pool, amount)
    desk.send("providing", made.pool, "deposit", amount, desk.wallet.address)
    for name, instrument in made.instruments.items():
        desk.send(f"putting it to work in {name}", made.pool, "allocate", instrument)
    return HELD


def open_(desk: Desk, options: argparse.Namespace) -> int:
    """A trade with the pool: + is long, − is short."""
    change = exact(options.size, SIZE_DECIMALS)
    if not change:
        raise Refused(f"{options.size} is no size: 0.5 or -0.5 whole units, with at most 9 decimals")
    return _trade(desk, options, change)


def close(desk: Desk, options: argparse.Namespace) -> int:
    """The whole position."""
    held = desk.made.engine.position(desk.account(options), desk.instrument(options.instrument)).size
    if held == 0:
        raise Refused(f"the account holds no {options.instrument}")
    return _trade(desk, options, -held)


def liquidate(desk: Desk, options: argparse.Namespace) -> int:
    """Somebody else's account, to the pool; the reward goes to one's own account."""
    made, number = desk.made, desk.account_of(options.owner, options.sub)
    seen = made.lens.previewLiquidation(number, WAD)
    _require(seen)
    out = seen.outcome
    desk.say(
        f"Liquidates {percent(out.fraction)} of account {options.sub} of {options.owner} "
        f"({money(out.notional)} at E = {money(out.equity)} < M = {money(out.maintenance)}): "
        f"penalty {money(out.penalty)}, of it {money(out.keeperReward)} to you."
    )
    if not desk.agreed():
        return FAILED
    item = (number, THE_POOL, WAD, 0, ANY_NONCE)
    told = desk.send("liquidating", made.liquidation, "liquidate", item).event("Liquidated").outcome
    desk.say(f"  {percent(told.fraction)} closed, {money(told.keeperReward)} earned")
    return HELD


COMMANDS: dict[str, tuple[Callable[[Desk, argparse.Namespace], int], str, bool, tuple[tuple[str, str], ...]]] = {
    "status": (status, "markets, prices and their age, pool, insurance", False, ()),
    "account": (account, "health, margin, positions and liquidation prices", False, ()),
    "mint": (mint, "tokens of a mock, for a testnet", True, (("token", "by name"), ("amount", "whole tokens"))),
    "deposit": (deposit, "into one's account", True, (("token", "by name"), ("amount", "whole tokens"))),
    "withdraw": (withdraw, "out of one's account", True, (("token", "by name"), ("amount", "whole tokens, or all"))),
    "provide": (provide, "lend to the pool", True, (("amount", "whole settlement tokens"),)),
    "open": (open_, "trade with the pool", True, (("instrument", "by name"), ("size", "whole units, negative is short"))),
    "close": (close, "close a position", True, (("instrument", "by name"),)),
    "liquidate": (liquidate, "an account below its line", True, (("owner", "whose account, an address"),)),
}


# What they share ---------------------------------------------------------------------------------------------------


def _trade(desk: Desk, options: argparse.Namespace, change: int) -> int:
    made, number, instrument = desk.made, desk.account(options), desk.instrument(options.instrument)
    seen = made.lens.previewTrade(number, instrument, change)
    slippage = exact(options.slippage.removesuffix("%"), 4 if options.slippage.endswith("%") else 6)
    if slippage is None or not 0 <= slippage < 10**6:
        raise Refused(f"--slippage {options.slippage} is no rate such as 1% or 0.01")
    trusted = made.engine.operatorBits(number, made.pool) & MAY_TRADE
    if trusted or decode_error(seen.reason).name != "Unauthorized":
        _require(seen)
    limit = seen.price * (10**6 + (slippage if change > 0 else -slippage)) // 10**6
    desk.say(f"{size(change)} {options.instrument} at {price(seen.price)}, at worst {price(limit)}; fee {money(seen.fee)}.")
    desk.say(f"  afterwards: {_standing(seen.afterwards)}")
    if not trusted:
        desk.say("First lets the pool trade for this account, which it only does when the owner calls it.")
    if not desk.agreed():
        return FAILED
    if not trusted:
        desk.send("letting the pool trade", made.engine, "setOperator", number, made.pool, MAY_TRADE)
    deadline = made.chain.now + 60 * MINUTES_TO_FILL
    desk.send("trading", made.pool, "trade", number, instrument, change, limit, deadline)
    _show_account(desk, number)
    return HELD


def _show_account(desk: Desk, number: int) -> None:
    made = desk.made
    [report] = made.lens.reports([number])
    desk.say(f"[bold]account {number % 2**96} of {hex(number >> 96)}[/], cash {money(report.state.cash)}")
    if not report.valid:
        desk.say(f"  cannot be judged now: {escape(str(decode_error(report.fault)))}")
        return
    names, tokens = list(made.instruments), list(made.collaterals)
    for leg in report.legs:
        found = made.lens.liquidationPrice(number, leg.instrument)
        ends = [price(end) for end, there in ((found.below, found.hasBelow), (found.above, found.hasAbove)) if there]
        desk.say(
            f"  {size(leg.size)} {names[leg.instrument]}, worth {money(abs(leg.size) * leg.mid // (SIZE_UNIT * 10**12))}, "
            f"liquidated at {' or '.join(ends) or 'no price'}"
        )
    for coin in report.coins:
        name = tokens[coin.collateral]
        desk.say(f"  {token(coin.amount, made.world.token(name).decimals)} {name} at {price(coin.mid)}")
    desk.say(f"  {_standing(report.standing)}")


def _standing(standing: Any) -> str:
    margin = standing.margin
    health = "no position" if standing.health >= WITHOUT_LIMIT else f"health {percent(standing.health)}"
    state = ", [red]liquidatable[/]" if standing.liquidatable else ", [yellow]collateral for sale[/]" if standing.forSale else ""
    return (
        f"equity {money(margin.equity)}, maintenance {money(margin.maintenance)}, initial {money(margin.initial)}, "
        f"free {money(standing.freeMargin)}, {health}{state}"
    )


def _state(made: Deployment) -> State:
    accounts = {Account(POOL, i): made.account(made.pool, i) for i in range(len(made.instruments) + 1)}
    return StateReader(made, 0).read(made.chain.now, accounts, {}).state


def _require(seen: Any) -> None:
    """Raises the protocol's refusal of what was previewed."""
    if not seen.ok:
        raise decode_error(seen.reason)


def _amount(word: str, decimals: int) -> int:
    amount = exact(word, decimals)
    if amount is None or amount <= 0:
        raise Refused(f"{word} is no amount: whole tokens above 0, with at most {decimals} decimals")
    return amount


def _table(*heads: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for head in heads:
        table.add_column(head, justify="left" if head in ("market", "") else "right")
    return table
