"""The engine beside the real lens: the same verdict on every account of a deployed protocol, at the line, above and below it, while
prices move by single answers, time passes, feeds fail, are halted and the halt becomes final."""

from collections import Counter
from dataclasses import replace
from random import Random

import pytest
from hypothesis import settings

from plimsoll.chain.deployment import Deployment, Roles
from plimsoll.errors import Reverted
from plimsoll.risk import engine, lines
from plimsoll.types import DAY, HALT_GRACE, HOUR, SIZE_UNIT, USDC, WAD, CollateralSpec, TokenSpec
from tests.risk.told import book_of, marks_of, terms_of
from tests.unit.margin_lens.portfolios import WORLD, perpetual

ACCOUNTS = 2 * settings.default.max_examples
AT_ONCE = 25  # accounts in one call of the lens
FEEDS = [("ETH", 2_000), ("BTC", 20_000), ("SOL", 25)]
TOKENS = [("WETH", 18, 0), ("WBTC", 8, 1), ("SOLT", 9, 2), ("STETH", 12, 0), ("TBTC", 18, 1), ("SOLA", 6, 2), ("CBETH", 3, 0), ("LBTC", 0, 1)]
MAY_TRADE = 1
MAX = 2**256 - 1


def crowded_world():
    """Sixteen instruments, eight collaterals; the pool backs the first three well."""
    instruments = []
    for i in range(16):
        feed, price = FEEDS[i % 3]
        one = perpetual(f"{feed}{i}", feed, price, base_e6=60_000 + 1_111 * i, slope_e6=7_000 * i, floor=(5 + 30 * i) * USDC, oi_threshold_e6=900_000)
        instruments.append(replace(one, cap_units=100 * one.cap_units, market=replace(one.market, weight_e6=250_000 if i < 3 else 10_000)))
    coins = [
        CollateralSpec(TokenSpec(name, decimals), FEEDS[feed][0], 50_000 + 10_000 * feed, 450_000, depth=1 + 40_000_000 // FEEDS[feed][1])
        for name, decimals, feed in TOKENS
    ]
    return replace(WORLD, instruments=tuple(instruments), collaterals=tuple(coins), sequencer_grace=HOUR)


class Crowd:
    """Many accounts of one owner, against a maker who takes the other side of everything."""

    def __init__(self, made, venue, trader, maker, random):
        self.made, self.chain, self.venue, self.random = made, made.chain, venue, random
        self.trader, self.maker = trader, made.account(maker)
        self.accounts = [made.account(trader, i) for i in range(ACCOUNTS)]
        for token in made.tokens.values():
            for owner in (trader, maker):
                token.mint(owner, 10**30)
                token.approve(made.engine, MAX, sender=owner)
        made.engine.setOperator(self.maker, venue, MAY_TRADE, sender=maker)
        made.engine.deposit(self.maker, made.settlement, 10**10 * USDC, 0, sender=maker)
        self.insider = self.chain.impersonate(made.liquidation)
        self.chain.rpc("anvil_setBalance", self.insider, hex(10**20))
        for account in self.accounts:
            self.settle_in(account)

    def settle_in(self, account):
        random, made = self.random, self.made
        made.engine.setOperator(account, self.venue, MAY_TRADE, sender=self.trader)
        capital = random.randrange(500, 200_000)
        if random.random() < 0.5:
            made.engine.deposit(account, made.settlement, capital * USDC + random.randrange(USDC), 0, sender=self.trader)
        else:
            for name, decimals, feed in random.sample(TOKENS, random.choice((1, 2, 8))):
                amount = capital * 10**decimals // FEEDS[feed][1] + 1
                made.engine.deposit(account, made.tokens[name], amount, 0, sender=self.trader)
        count = random.choice((0, 1, 3, 3, 16))
        self.trade(account, {i: random.choice((-1, 1)) * capital * random.uniform(0.5, 4) / count for i in random.sample(range(16), count)})

    def trade(self, account, worth):
        """worth: settlement tokens by instrument, + is long; half as much, and so on, where the margin is not enough."""
        while worth:
            sizes = {i: int(value * SIZE_UNIT / FEEDS[i % 3][1]) for i, value in worth.items()}
            quotes = [-int(value * USDC) for value in worth.values()]
            try:
                return self.venue.trade(account, self.maker, list(sizes.items()), quotes, [0] * len(sizes), sender=self.trader)
            except Reverted:
                worth = {i: value / 2 for i, value in worth.items() if abs(value) > 3_000}

    def aim(self, some):
        """Cash of these goes to the maker until each stands within two units of its line (or of nothing), in the same second."""
        entries = []
        for start in range(0, len(some), AT_ONCE):
            for report in self.made.lens.reports(some[start : start + AT_ONCE]):
                margin = report.standing.margin
                if margin.maintenance:
                    line = margin.maintenance if self.random.random() < 0.8 else 0
                    entries.append((report.account, line + self.random.randint(-2, 2) - margin.equity))
        total = -sum(amount for _, amount in entries)
        self.now(self.made.engine, "seize", entries[0][0], [], [*entries, (self.maker, total)], [], [], sender=self.insider)

    def lose(self, instrument, long, amount):
        """A loss that one side of an instrument is charged, through its index."""
        mid = self.made.oracle.peek(instrument % 3, False).price.mid
        losses = [(instrument, long, amount, mid)]
        self.now(self.made.engine, "seize", self.maker, [], [(self.maker, amount)], [], losses, sender=self.insider)

    def now(self, contract, fn, *args, sender):
        self.chain.set_next_time(self.chain.now)
        return getattr(contract, fn)(*args, sender=sender)

    def nudge(self, feed, by):
        """The feed's next answer: so many of its own units further; in the same second."""
        aggregator = self.made.feeds[feed]
        self.now(aggregator, "push", aggregator.latestRoundData()[1] + by, sender=self.made.roles.deployer)

    def agree(self):
        """Counts of verdicts, after lens and engine were found to say the same of everybody."""
        terms = terms_of(self.made)
        book, marks = book_of(self.made, self.accounts), marks_of(self.made, terms)
        verdicts = engine.judge(book, terms, marks)
        told = []
        for start in range(0, ACCOUNTS, AT_ONCE):
            told += self.made.lens.liquidatable(self.accounts[start : start + AT_ONCE])
        rows = [book.row(account) for account in self.accounts]
        assert [bool(verdicts.below[row]) for row in rows] == told
        return Counter("blind" if not verdicts.judged[row] else "sunk" if verdicts.sunk[row] else "below" if below else "safe" for row, below in zip(rows, told)) + Counter(exact=len(verdicts.exact))


@pytest.fixture(scope="module")
def crowd(chain, accounts, owner, guardian, treasury, lp, trader, maker, seed):
    made = Deployment.deploy(chain, crowded_world(), Roles(accounts[10], owner, guardian, treasury))
    made.sequencer.push(0)
    chain.advance(HOUR + 1)
    made.provide(lp, 3_000_000 * USDC)
    return Crowd(made, chain.deploy("MockVenue", made.engine), trader, maker, Random(f"{seed} crowd"))


def test_every_verdict_is_the_lenss(crowd, maker):
    made, random, seen = crowd.made, crowd.random, Counter()
    seen += crowd.agree()
    for i, side in enumerate((1, -1, 1)):  # funding begins to move
        made.engine.setOperator(crowd.maker, made.pool, MAY_TRADE, sender=maker)
        made.pool.trade(crowd.maker, i, side * 100_000 * SIZE_UNIT // FEEDS[i][1], MAX if side > 0 else 0, MAX, sender=maker)
    crowd.aim(crowd.accounts[::2])  # debts, which will bear interest
    seen += crowd.agree()
    crowd.lose(3, True, 70_000 * USDC)
    crowd.chain.advance(9 * HOUR + 11)
    made.refresh()
    seen += crowd.agree()
    loaded = [made.engine.load(account, 0, [], False).snapshot for account in crowd.accounts]
    assert sum(one.interest > 0 for one in loaded) > ACCOUNTS // 10
    for instrument in range(4):
        charges = [leg.charge for one in loaded for leg in one.legs if leg.instrument == instrument]
        assert sum(charge != 0 for charge in charges) > len(charges) // 3, "funding has moved, and one side lost"
    crowd.aim(crowd.accounts)
    seen += crowd.agree()
    for feed in ("ETH", "BTC", "SOL"):
        crowd.nudge(feed, random.choice((-1, 1)) * random.choice((1, 10**12)[: 1 + (feed == "BTC")]))
        seen += crowd.agree()
    for feed, factor in (("ETH", 0.97), ("BTC", 1.02), ("SOL", 0.8)):
        made.set_price(feed, int(made.world.feed(feed).price * factor))
    seen += crowd.agree()
    print(seen)
    assert min(seen[kind] for kind in ("safe", "below", "sunk", "exact")) > ACCOUNTS // 4


def test_verdicts_on_dead_and_halted_feeds_are_the_lenss(crowd):
    made, chain = crowd.made, crowd.chain
    crowd.aim(crowd.accounts)
    sol = list(made.proxies).index("SOL")
    round_id = made.proxies["SOL"].latestRoundData()[0]
    chain.advance(9 * DAY)
    for feed in ("ETH", "BTC"):
        made.set_price(feed, made.world.feed(feed).price)
    made.oracle.observe(sol)
    assert crowd.agree()["blind"] > ACCOUNTS // 4, "SOL is stale"
    chain.advance(HALT_GRACE + 1)
    for feed in ("ETH", "BTC"):
        made.set_price(feed, made.world.feed(feed).price)
    made.oracle.halt(sol, round_id)
    assert crowd.agree()["blind"] > ACCOUNTS // 4, "the halt may still be undone"
    chain.advance(DAY)
    crowd.nudge("ETH", 1)
    crowd.nudge("BTC", 1)
    crowd.aim(crowd.accounts)
    seen = crowd.agree()
    print(seen)
    assert not seen["blind"] and seen["exact"] > ACCOUNTS // 3, "the halt is final"


def test_nobody_is_judged_while_the_sequencer_is_down_or_just_back(crowd):
    made = crowd.made
    crowd.aim(crowd.accounts)
    assert crowd.agree()["below"] > ACCOUNTS // 10
    made.sequencer.push(1)
    assert not crowd.agree()["below"]
    made.sequencer.push(0)
    assert not crowd.agree()["below"]
    crowd.chain.advance(HOUR + 1)
    assert crowd.agree()["below"] > ACCOUNTS // 10


def test_the_line_is_the_lenss(crowd):
    made, random = crowd.made, crowd.random
    terms = terms_of(made)
    book, marks = book_of(made, crowd.accounts), marks_of(made, terms)
    verdicts, seen = engine.judge(book, terms, marks), Counter()
    for account in random.sample(crowd.accounts, ACCOUNTS // 3):
        instrument = random.choice((*book.holding(account).positions, random.randrange(16)))
        below, above = lines.line(book, account, instrument, terms, marks)
        told = made.lens.liquidationPrice(account, instrument)
        assert (below, above) == (told.below if told.hasBelow else None, told.above if told.hasAbove else None)
        for side, due in zip(lines.lines(book, terms, marks, verdicts, instrument % 3), (below, above)):
            if due is not None:
                assert side[book.row(account)] == pytest.approx(due / WAD, rel=1e-6)
        seen += Counter(below=told.hasBelow, above=told.hasAbove, none=not (told.hasBelow or told.hasAbove))
    print(seen)
    assert seen["below"] and seen["above"]
