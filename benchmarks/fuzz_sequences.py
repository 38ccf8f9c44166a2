"""Our side of the sequences: the verbs of benchmarks/foundry/Handler.sol with the same ranges, said to the model and then played
on the contracts, 500 of them in one eth_simulateV1; Checks.check() is asked after each, as forge does.

Compared are, of every verb, whether it happened or which error it was refused with, its numbers included; and after the last
one the whole State. A difference or a broken invariant stops everything.
"""

from __future__ import annotations

import gzip
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from random import Random
from typing import Any

from fuzz_forge import MADE, ROOT, Rate, made_by_forge
from fuzz_threshold import Differs

from plimsoll.chain.deployment import Deployment
from plimsoll.chain.lane import AnvilLane, Step, step
from plimsoll.chain.node import Chain, Contract
from plimsoll.chain.standard import POOL_SUPPLY, START, standard_world
from plimsoll.chain.state import StateReader
from plimsoll.chain.venue import ChainVenue
from plimsoll.errors import Reverted
from plimsoll.model.house import Birth
from plimsoll.model.venue import ModelVenue
from plimsoll.types import DAY, HOUR, SIZE_UNIT, USDC, WAD, Account
from plimsoll.venue import Venue

DEPTH = 500  # calls of a sequence, forge's default
GENESIS = START - 30 * DAY
TRADERS, KEEPER, LP = ("ada", "ben", "cid"), "kim", "lp"
INSTRUMENTS, FEEDS = ("ETH", "BTC"), {"ETH": 2_000 * 10**8, "BTC": 40_000 * 10**8}
COINS = {"WETH": 2 * 10**18, "WBTC": 10**7}  # the most that is moved at once
SIZES = {"ETH": 60 * SIZE_UNIT, "BTC": 3 * SIZE_UNIT}
ANSWER = 10**10  # WAD of a unit of the feeds
MAX = 2**256 - 1


def begin(venue: Venue) -> None:
    """What every sequence starts from."""
    venue.give(LP, "USDC", 10 * POOL_SUPPLY)
    venue.provide(LP, POOL_SUPPLY)
    for name in INSTRUMENTS:
        venue.allocate(LP, name)
    for who in TRADERS:
        account = Account(who)
        for token, amount in (("USDC", 6_000 * USDC), ("WETH", 10**18), ("WBTC", 10**7)):
            venue.give(who, token, 200 * amount)
            venue.deposit(who, account, token, amount)
        venue.trade(account, "ETH", SIZE_UNIT)
    venue.give(KEEPER, "USDC", 10_000_000 * USDC)
    venue.deposit(KEEPER, Account(KEEPER), "USDC", 10_000 * USDC)


class Stage:
    """The protocol on an Anvil whose genesis is at GENESIS, and the model beside it, both where `begin` leaves them."""

    def __init__(self, chain: Chain) -> None:
        world, self.chain = standard_world(), chain
        self.made = made = Deployment.deploy(chain, world)
        venue = ChainVenue(chain, world, made)
        self.address = venue.actors.__getitem__
        self.model = ModelVenue(world, lambda name: int(self.address(name), 16), Birth(*made.born()))
        begin(venue)
        begin(self.model)
        self.people = [*map(self.address, (*TRADERS, KEEPER, LP)), made.roles.treasury]
        self.checks = chain.deploy(made_by_forge("Checks"), made.engine, self.people)
        self.start, self.now = self.model.house.storage.copy(), chain.now
        self.lane = AnvilLane(chain, share_blocks=True)
        self.accounts = {name: self.model.account_id(name) for name in self.model.accounts()}
        self.tokens = {int(token.address, 16): name for name, token in made.tokens.items()}
        self.holders = {LP: self.address(LP)}
        self.reader = StateReader(made, 0)
        self.questions = self.reader.questions(self.accounts, self.holders)

    def reborn(self) -> ModelVenue:
        """The model where `begin` left it."""
        self.model.house.storage, self.model.house.now = self.start.copy(), self.now
        return self.model

    def for_forge(self) -> dict[str, str]:
        """Writes the chain's state, and says what forge's test asks of the environment."""
        dump = json.loads(gzip.decompress(bytes.fromhex(self.chain.rpc("anvil_dumpState")[2:])))
        path = MADE / "state.json"
        path.write_text(json.dumps(dump["accounts"]))
        return {
            "STATE": str(path.relative_to(ROOT)),
            "ENGINE": self.made.engine.address,
            "PEOPLE": ",".join(self.people),
            "TIME": str(self.now),
        }


class Life:
    """One sequence, said to the model and written down. due: what the model refused each verb with, None where it happened."""

    def __init__(self, stage: Stage, seed: int, spent: Counter[str]) -> None:
        self.stage, self.made, self.model, self.random = stage, stage.made, stage.reborn(), Random(seed)
        self.spent = spent
        self.answers = dict(FEEDS)
        self.steps: list[Step] = []
        self.due: list[Reverted | None] = []
        self._check = step(stage.checks, "check", sender=stage.address(KEEPER))

    def live(self, count: int) -> None:
        verbs = [getattr(self, name) for name in VERBS]
        with self.clock("drawing, packing"):
            for _ in range(count):
                self.random.choice(verbs)()
                self.steps.append(self._check)

    @contextmanager
    def clock(self, what: str) -> Iterator[None]:
        """Seconds of this process. What is timed inside is not counted twice."""
        inside, started = sum(self.spent.values()), time.process_time()
        yield
        self.spent[what] += time.process_time() - started - (sum(self.spent.values()) - inside)

    def _both(self, act: Callable[[], object], sender: str, contract: Contract, fn: str, *args: Any) -> None:
        started, due = time.process_time(), None
        try:
            act()
        except Reverted as refusal:
            due = refusal
        self.spent["model"] += time.process_time() - started
        self.due.append(due)
        self.steps.append(step(contract, fn, *args, sender=sender, time=self.model.now))

    # Drawing -------------------------------------------------------------------------------------------------------

    def _trader(self) -> tuple[str, Account, int]:
        name = self.random.choice(TRADERS)
        account = Account(name)
        return self.stage.address(name), account, self.stage.accounts[account]

    def _up_to(self, most: int) -> int:
        return 1 + self.random.randrange(most)

    def _coin(self) -> str:
        return self.random.choice(tuple(COINS))

    # Traders -------------------------------------------------------------------------------------------------------

    def deposit(self, token: str = "USDC", most: int = 500 * USDC) -> None:
        who, account, number = self._trader()
        amount = self._up_to(most)
        self._both(
            lambda: self.model.deposit(account.actor, account, token, amount),
            *(who, self.made.engine, "deposit", number, self.made.tokens[token], amount, 0),
        )

    def deposit_coin(self) -> None:
        coin = self._coin()
        self.deposit(coin, COINS[coin])

    def withdraw(self, token: str = "USDC", most: int = 5_000 * USDC) -> None:
        who, account, number = self._trader()
        amount = self._up_to(most)
        self._both(
            lambda: self.model.withdraw(account, token, amount),
            *(who, self.made.engine, "withdraw", number, self.made.tokens[token], amount, who, 0),
        )

    def withdraw_coin(self) -> None:
        coin = self._coin()
        self.withdraw(coin, COINS[coin])

    def trade(self) -> None:
        who, account, number = self._trader()
        name = self.random.choice(INSTRUMENTS)
        size = self.random.randrange(-SIZES[name], SIZES[name])
        args = (self.made.instruments[name], size, MAX if size > 0 else 0, self.model.now)
        self._both(lambda: self.model.trade(account, name, size), who, self.made.pool, "trade", number, *args)

    def settle(self) -> None:
        _, account, number = self._trader()
        self._by_keeper(lambda: self.model.settle(KEEPER, account), self.made.engine, "settle", number)

    # The pool ------------------------------------------------------------------------------------------------------

    def provide(self) -> None:
        amount, lp = self._up_to(100_000 * USDC), self.stage.address(LP)
        self._both(lambda: self.model.provide(LP, amount), lp, self.made.pool, "deposit", amount, lp)

    def request_redeem(self) -> None:
        shares = self._up_to(10**16)
        self._both(
            lambda: self.model.request_redeem(LP, shares),
            *(self.stage.address(LP), self.made.pool, "requestRedeem", shares),
        )

    def redeem(self) -> None:
        shares, lp = self._up_to(10**15), self.stage.address(LP)
        self._both(lambda: self.model.redeem(LP, shares), lp, self.made.pool, "redeem", shares, lp, lp)

    def allocate(self) -> None:
        name = self.random.choice(INSTRUMENTS)
        number = self.made.instruments[name]
        self._by_keeper(lambda: self.model.allocate(KEEPER, name), self.made.pool, "allocate", number)

    # Keepers -------------------------------------------------------------------------------------------------------

    def _by_keeper(self, act: Callable[[], object], contract: Contract, fn: str, *args: Any) -> None:
        self._both(act, self.stage.address(KEEPER), contract, fn, *args)

    def liquidate(self) -> None:
        _, account, number = self._trader()
        item = (number, 0, WAD, 0, MAX)
        self._by_keeper(lambda: self.model.liquidate(KEEPER, account), self.made.liquidation, "liquidate", item)

    def absorb(self) -> None:
        _, account, number = self._trader()
        self._by_keeper(lambda: self.model.absorb(KEEPER, account), self.made.liquidation, "absorb", number, 0)

    def start_auction(self) -> None:
        _, account, number = self._trader()
        self._by_keeper(
            lambda: self.model.start_auction(KEEPER, account), self.made.auctions, "startAuction", number
        )

    def buy_collateral(self) -> None:
        _, account, number = self._trader()
        coin = self._coin()
        amount = self._up_to(COINS[coin])
        args = (number, self.made.collaterals[coin], amount, MAX, b"")
        self._by_keeper(
            lambda: self.model.buy_collateral(KEEPER, account, coin, amount),
            *(self.made.auctions, "buyCollateral", *args),
        )

    # The world -----------------------------------------------------------------------------------------------------

    def set_price(self) -> None:
        """− 10 % to + 10 %, between half and twice the first price."""
        name = self.random.choice(tuple(FEEDS))
        moved = self.answers[name] * (900_000 + self.random.randrange(200_001)) // 10**6
        answer = self.answers[name] = min(2 * FEEDS[name], max(FEEDS[name] // 2, moved))
        self._by_keeper(lambda: self.model.set_price(name, answer * ANSWER), self.made.feeds[name], "push", answer)

    def wait(self) -> None:
        """A call of forge's that costs us nothing."""
        self.model.advance_to(self.model.now + self._up_to(6 * HOUR))
        self._both(lambda: None, self.stage.address(KEEPER), self.made.oracle, "feedCount")


VERBS = (
    *("deposit", "deposit_coin", "withdraw", "withdraw_coin", "trade", "settle", "provide", "request_redeem", "redeem"),
    *("allocate", "liquidate", "absorb", "start_auction", "buy_collateral", "set_price", "wait"),
)


def compare(stage: Stage, life: Life) -> None:
    """Plays what was written down. Raises Differs."""
    with life.clock("requests, receipts"):
        played = stage.lane.play(life.steps, stage.questions.values())
    with life.clock("comparing"):
        for number, (done, checked, due) in enumerate(zip(played.done[::2], played.done[1::2], life.due, strict=True)):
            if not checked.ok:
                raise Differs(f"after call {number}: {checked.error}")
            if done.ok != (due is None) or due is not None and not _same(done.error, due, stage.tokens):
                raise Differs(f"call {number}, {life.steps[2 * number]}: the contracts say {done.error}, the model {due}")
        answers = dict(zip(stage.questions, played.values))
        found = stage.reader.reading(life.model.now, stage.accounts, stage.holders, answers).state
        due_state = life.model.state()
        if found != due_state:
            raise Differs(f"after the last call the contracts hold {found}, the model {due_state}")


def _same(found: Reverted | None, due: Reverted, tokens: dict[int, str]) -> bool:
    """An address is compared as a number, a token by its name."""
    return found is not None and (found.name, [_plain(arg, tokens) for arg in found.args]) == (due.name, list(due.args))


def _plain(arg: Any, tokens: dict[int, str]) -> Any:
    if isinstance(arg, str) and arg.startswith("0x"):
        return tokens.get(int(arg, 16), int(arg, 16))
    return arg


def campaign(url: str, seconds: float, seed: int, depth: int = DEPTH) -> tuple[Rate, Counter[str]]:
    """As many sequences as fit, one at least, and where the time went, in seconds. Raises Differs."""
    here, spent, calls, took, started = stage(url), Counter(), 0, 0.0, time.perf_counter()
    while not calls or took < seconds:
        life = Life(here, seed * 10**6 + calls, spent)
        life.live(depth)
        compare(here, life)
        calls += depth
        took = time.perf_counter() - started
    spent["waiting for Anvil"] = took - sum(spent.values())
    return Rate(calls, took), spent


@lru_cache(maxsize=None)
def stage(url: str) -> Stage:
    """Of this process, which alone uses the Anvil there."""
    return Stage(Chain(url))


def for_forge(url: str) -> dict[str, str]:
    return stage(url).for_forge()
