"""Houses of the specification with hundreds of accounts of every shape, many of them at their line, and what the risk engine is
told of them. Nothing is traded: storage is written, with numbers of every magnitude that it can hold."""

from __future__ import annotations

from random import Random

from plimsoll.errors import Reverted
from plimsoll.fuzz.accounts import MAX_AMOUNT, MAX_CASH, MAX_PRICE, MAX_SIZE, magnitude, sign
from plimsoll.model import ledger, oracle
from plimsoll.model.house import Birth, Halt, House, Market, Position, Record, Round
from plimsoll.model.venue import address_of_name
from plimsoll.risk import terms
from plimsoll.risk.book import Holding
from plimsoll.state import Position as Held
from plimsoll.types import DAY, SIZE_UNIT, CollateralSpec, FeedSpec, InstrumentSpec, TokenSpec, World

NOW = 1_700_000_000
FEEDS, INSTRUMENTS, COLLATERALS = 10, 18, 9
OFFSETS = (-3, -2, -1, 0, 1, 2, 3)


def house(random: Random, tame: bool, accounts: int) -> tuple[House, list[int]]:
    """And the ids of its accounts. tame: sizes and prices as in life, else of every magnitude."""
    world = _world(random, tame)
    made = House(world, address_of_name, Birth((NOW,) * INSTRUMENTS, NOW))
    made.now = NOW + 30 * DAY
    made.storage.interest = made.storage.interest.set(magnitude(random, 10**9), NOW + 10 * DAY)
    for feed in range(FEEDS):
        _tell(random, made, feed)
    for i in range(INSTRUMENTS):
        _open_market(random, made, i, tame)
    numbers = [random.getrandbits(256) for _ in range(accounts)]
    for number in numbers:
        _fill(random, made, number, tame)
        if random.random() < 0.7:
            _aim(random, made, number)
    return made, numbers


def told(made: House, final_only: bool = True) -> tuple[terms.Terms, terms.Marks]:
    """What the risk engine is told of it. final_only: as MarginLens.liquidatable wants prices; else as its reports do."""
    listed = terms.Terms(
        made.world.settlement.decimals,
        [_instrument(made, i) for i in range(INSTRUMENTS)],
        [
            terms.Collateral(
                made.feeds.index(spec.feed), spec.haircut_e6, spec.max_haircut_e6, spec.depth * 10**spec.token.decimals, spec.token.decimals
            )
            for spec in made.collaterals
        ],
        [terms.Feed(spec.decimals, *(oracle.answer_of(spec, end) for end in (spec.min_price, spec.max_price))) for spec in made.world.feeds],
    )
    prices = {
        feed: terms.Price(found.mid, found.halted_at)
        for feed in range(FEEDS)
        if isinstance(found := oracle.peek(made, feed), oracle.Price)
        and not (final_only and found.halted_at and not oracle.is_final(made, feed))
    }
    markets = [
        terms.Market(one.index_long, one.index_short, one.rate, one.time, -made.size(made.tranche(i), i))
        for i, one in sorted(made.storage.markets.items())
    ]
    return listed, terms.Marks.at(made.now, listed, prices, markets, made.storage.interest)


def holding(made: House, number: int) -> Holding:
    record = made.record(number)
    return Holding(
        record.cash,
        record.interest_index,
        {i: Held(*made.position(number, i)) for i in made.held(number)},
        {i: made.credit(number, made.collaterals[i].name) for i in made.coins(number)},
    )


def gap(made: House, number: int) -> int | None:
    """E − M at mid by the specification; None without a price."""
    try:
        margin = ledger.judged(made, number, {})
    except Reverted:
        return None
    return margin.equity - margin.maintenance


# How they are made -------------------------------------------------------------------------------------------------


def _world(random: Random, tame: bool) -> World:
    decimals = 6 if tame else random.randint(0, 6)
    feeds = tuple(
        FeedSpec(f"F{i}", 1, random.randint(0, 18), heartbeat=DAY, min_price=0, max_price=2**128) for i in range(FEEDS)
    )
    instruments = tuple(
        InstrumentSpec(
            f"I{i}",
            f"F{random.randrange(FEEDS)}",
            base_e6=magnitude(random, 10**6, 1),
            slope_e6=random.choice((0, magnitude(random, 2**24 - 1))),
            depth=magnitude(random, 2**50, 1),
            floor=magnitude(random, 2**48 - 1),
            scale=magnitude(random, 2**49, 1),
            max_velocity_e8=magnitude(random, 10**9),
            max_rate_e8=magnitude(random, 10**9),
        )
        for i in range(INSTRUMENTS)
    )
    collaterals = []
    for i in range(COLLATERALS):
        haircut = magnitude(random, 10**6)
        most = magnitude(random, (10**6 + haircut) // 2, haircut)
        token = TokenSpec(f"C{i}", random.randint(0, 18))
        collaterals.append(CollateralSpec(token, f"F{random.randrange(FEEDS)}", haircut, most, magnitude(random, 10**12, 1)))
    return World(NOW, feeds, instruments, tuple(collaterals), TokenSpec("USD", decimals))


def _instrument(made: House, i: int) -> terms.Instrument:
    spec = made.instruments[i]
    funding = terms.Funding(made.scale_of(i), spec.max_velocity_e8, spec.max_rate_e8)
    depth = spec.depth * SIZE_UNIT
    return terms.Instrument(made.feed_of(i), spec.base_e6, spec.slope_e6, depth, spec.floor, spec.penalty_e6, funding)


def _tell(random: Random, made: House, feed: int) -> None:
    """An answer of any magnitude; one in twelve is none, is halted, or is halted for good."""
    unit = 10 ** (18 - made.world.feeds[feed].decimals)
    answer = magnitude(random, MAX_PRICE // unit, 2)
    made.storage.rounds[feed] = Round(feed + 1, answer, made.now, feed + 1)
    fate = random.randrange(36)
    if fate == 0:
        made.storage.lies[feed] = None
    elif fate in (1, 2):
        since = made.now - (random.randrange(DAY) if fate == 1 else random.randrange(DAY, 9 * DAY))
        made.storage.halts[feed] = Halt(since, since, magnitude(random, MAX_PRICE, 1), since)


def _open_market(random: Random, made: House, i: int, tame: bool) -> None:
    most = 2**66 if tame else 2**79 - 1
    long, short = (sign(random) * magnitude(random, most) for _ in range(2))
    bound = made.instruments[i].max_rate_e8
    time = made.now - random.choice((0, 1, magnitude(random, 3 * DAY)))
    made.storage.markets[i] = Market(time, long, short, rate=random.randint(-bound, bound))
    made.storage.positions[made.tranche(i), i] = Position(sign(random) * magnitude(random, MAX_SIZE))


def _fill(random: Random, made: House, number: int, tame: bool) -> None:
    """1 … 16 positions, 0 … 8 collaterals, any cash."""
    most_size = 10**15 if tame else MAX_SIZE
    for i in random.sample(range(INSTRUMENTS), random.choice((1, 3, 16, random.randint(1, 16)))):
        size = sign(random) * magnitude(random, most_size, 1)
        mid = oracle.peek(made, made.feed_of(i))
        worth = -size * mid.mid // made.size_scale if isinstance(mid, oracle.Price) else 0
        quote = max(1 - 2**95, min(2**95 - 1, worth + sign(random) * magnitude(random, abs(worth) // 10)))
        market = made.storage.markets[i]
        index = market.index_long if size > 0 else market.index_short
        index = max(-(2**79), min(2**79 - 1, index + sign(random) * magnitude(random, 2**60 if tame else 2**79)))
        made.storage.positions[number, i] = Position(size, quote, index)
    for i in random.sample(range(COLLATERALS), random.choice((0, 0, 1, 8))):
        spec = made.collaterals[i]
        made.storage.credits[number, spec.name] = magnitude(random, min(MAX_AMOUNT, 10 ** (spec.token.decimals + 9)), 1)
    _set_cash(random, made, number, sign(random) * magnitude(random, 10**13 if tame else MAX_CASH))


def _set_cash(random: Random, made: House, number: int, cash: int) -> None:
    index = made.storage.interest.at(made.now - random.randrange(20 * DAY)) if cash < 0 else 0
    made.storage.accounts[number] = Record(max(-MAX_CASH, min(MAX_CASH, cash)), index)


def _aim(random: Random, made: House, number: int) -> None:
    """To a few units from its line, or to a few from an equity of zero; interest moves along, so it takes some tries."""
    target = random.choice(OFFSETS)
    zero = random.random() < 0.2
    for _ in range(4):
        try:
            margin = ledger.judged(made, number, {})
        except Reverted:
            return
        short = target - margin.equity + (0 if zero else margin.maintenance)
        if short == 0:
            return
        record = made.record(number)
        cash = max(-MAX_CASH, min(MAX_CASH, record.cash + short))
        index = record.interest_index or (made.storage.interest.at(made.now - DAY) if cash < 0 else 0)
        made.storage.accounts[number] = Record(cash, index if cash < 0 else 0)
