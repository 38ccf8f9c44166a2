import pytest

from plimsoll import margin_math
from plimsoll.fixed_point import WAD
from tests.helpers import reverts
from tests.world import COINS, DAY, NAMES, UNIT, USDC


def test_load_shows_every_leg_with_its_terms(house, engine, long, short):
    house.trade(long, short, {"SOL": -500, "ETH": 10})
    shown = engine.load(long, 0, [], False)
    assert [leg.instrument for leg in shown.snapshot.legs] == [0, 2], "in the order of their ids"
    eth = margin_math.Leg(*shown.snapshot.legs[0])
    assert eth == margin_math.Leg(
        instrument=0,
        size=10 * UNIT,
        quote=-20_000 * USDC,
        charge=0,
        lo=1_960 * WAD,
        mid=2_000 * WAD,
        hi=2_040 * WAD,
        base=6 * 10**16,
        slope=0,
        depth=50_000 * UNIT,
        floor=5 * USDC,
        initial_multiple=15 * 10**17,
        oi_factor=WAD,
        penalty_rate=15 * 10**15,
        min_notional=1_000 * USDC,
        feed=0,
    )
    assert [tuple(price) for price in shown.prices] == [
        (0, 1_960 * WAD, 2_000 * WAD, 2_040 * WAD, 0), (2, 19_600 * 10**15, 20 * WAD, 20_400 * 10**15, 0)
    ]  # fmt: skip


def test_load_shows_every_coin_with_its_terms(house, engine, trader):
    account = house.open(trader, 7, WSOL=3 * 10**9, BAR=2)
    snapshot = house.snapshot(account)
    assert (snapshot.account, snapshot.cash, snapshot.interest, snapshot.size_scale) == (account, 7, 0, 10**21)
    assert snapshot.coins == (
        margin_math.Coin(2, 3 * 10**9, 19_600 * 10**15, 20 * WAD, 10**17, 5 * 10**17, 10**13, 10**39, 2),
        margin_math.Coin(3, 2, 1_764 * WAD, 1_800 * WAD, 10**17, 5 * 10**17, 10_000, 10**30, 3),
    )


def test_load_includes_what_is_not_held(house, engine, long):
    shown = engine.load(long, 0b101, [], False).snapshot
    assert [(leg.instrument, leg.size, leg.quote) for leg in shown.legs] == [(0, 0, 0), (2, 0, 0)]
    assert house.judge(long).maintenance == 0


def test_load_of_an_unlisted_instrument_reverts(engine, long):
    with reverts("UnknownInstrument", 17):
        engine.load(long, 1 << 17, [], False)


def test_load_takes_prices_that_are_supposed(house, engine, long, short):
    """A preview at another price: the given ones are used, the missing ones are read."""
    house.trade(long, short, {"ETH": 10, "BTC": 1})
    supposed = (0, 990 * WAD, WAD * 1_000, 1_010 * WAD, 0)
    shown = engine.load(long, 0, [supposed], False)
    eth, btc = shown.snapshot.legs
    assert (eth.lo, eth.mid, eth.hi, btc.mid) == (990 * WAD, 1_000 * WAD, 1_010 * WAD, 40_000 * WAD)
    assert [price.feed for price in shown.prices] == [0, 1]


def test_load_of_a_given_book_reads_no_feed(house, engine, long, short):
    house.trade(long, short, {"ETH": 10})
    house.protocol.feeds["ETH"].setMode(1)
    supposed = (0, 1_960 * WAD, 2_000 * WAD, 2_040 * WAD, 0)
    assert engine.load(long, 0, [supposed], False).snapshot.legs[0].mid == 2_000 * WAD
    with reverts("InvalidPrice", 0, 2, 0, 0):
        engine.load(long, 0, [], False)


def test_load_with_a_stale_price_reverts_with_the_reason(house, engine, long, short):
    house.trade(long, short, {"BTC": 1})
    updated = house.protocol.feeds["BTC"].latestRoundData()[3]
    house.chain.advance(9 * DAY)
    with reverts("InvalidPrice", 1, 7, updated, house.chain.now - 8 * DAY):
        engine.load(long, 0, [], False)


def test_load_of_an_empty_account_needs_no_price(house, engine, stranger):
    house.chain.advance(9 * DAY)
    shown = engine.load(house.account(stranger), 0, [], False)
    assert (shown.snapshot.legs, shown.snapshot.coins, shown.prices) == ([], [], [])


@pytest.mark.parametrize("crowd", [0, 1, 10**6])
def test_load_shows_the_crowding_factor_of_open_interest(house, engine, long, short, guardian, crowd):
    """o = 1 beyond 80 % of the cap grows by what is beyond it, over the cap."""
    house.parameters.lowerCaps(0, 100 * UNIT, 10**15, sender=guardian)
    size = 80 * UNIT + crowd
    house.venue.trade(long, short, [(0, size)], [house.at_mid("ETH", size)], [0])
    due = margin_math.oi_factor(size, 100 * UNIT, 800_000, 1_000_000)
    assert house.snapshot(long).legs[0].oi_factor == due == WAD + crowd * 10**18 // (100 * UNIT)


def test_load_of_the_largest_account_is_judged_within_bounds(house, engine, trader, short):
    """GAS-1: sixteen instruments and eight collaterals, and the executable specification judges it the same."""
    account = house.open(trader, 10**6 * USDC)
    for name in list(COINS)[:8]:
        house.deposit(account, 3 * 10 ** COINS[name][0], name)
    house.trade(account, short, {name: 2_000 if name == "MEME" else 100 if name == "SOL" else 1 for name in NAMES[:16]})
    snapshot = house.snapshot(account)
    assert (len(snapshot.legs), len(snapshot.coins)) == (16, 8)
    gas = int(
        engine.chain.rpc(
            "eth_estimateGas", {"to": engine.address, "data": engine.encode("load", account, 0, [], True)}
        ),
        16,
    )
    assert gas < 2_000_000, "GAS-1"
    assert house.engine.settle(account).gas_used < 2_000_000, "GAS-1"
