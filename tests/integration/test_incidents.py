"""The incidents of the field, one test each, named after them: what happened there does not happen here."""

from __future__ import annotations

import pytest

from plimsoll import margin_math
from plimsoll.chain.deployment import Deployment, Roles
from plimsoll.fixed_point import WAD
from plimsoll.model import quote_math
from plimsoll.types import (
    CollateralSpec,
    FeedSpec,
    InstrumentSpec,
    MarketSpec,
    TokenSpec,
    World,
)
from tests.helpers import event, reverts
from tests.world import DAY, HOUR, MAX, MAY_TRADE, SIZE_SCALE, UNIT, USDC, item

ETH, BTC = 0, 1
GRACE = 30 * 60


@pytest.fixture
def taker(house, liquidator):
    return house.open(liquidator, 1_000_000 * USDC)


def liquidate(house, account, taker=0, sender=None):
    return house.liquidation.liquidate(item(account, taker), sender=sender or house.chain.accounts[3])


def scale_of(house, instrument):
    return house.engine.instrumentConfig(instrument).funding.scale


def test_gmx_avax_zero_price_impact(house, pool, trader, short):
    """GMX, September 2022: size in and out at the oracle's price, while the market was moved elsewhere. Here size pays the
    pool's premium on its way in, and on its way out even when that way is a liquidation."""
    account = house.open(trader, 1_836_000 * USDC)
    house.engine.setOperator(account, pool, MAY_TRADE, sender=trader)
    size, scale = 1_000 * UNIT, scale_of(house, ETH)
    told = pool.trade(account, ETH, size, MAX, MAX, sender=trader).events_named("Traded")[-1]
    premium = quote_math.premium(size, 0, 2_000 * WAD, scale, SIZE_SCALE)
    assert -told.quote >= 2_000_000 * USDC + premium > 2_000_000 * USDC
    # Out of a position that the pool is not the other side of: the liquidation pushes the pool off balance.
    other = house.open(trader, 183_600 * USDC, 2)
    house.trade(other, short, {"BTC": 50})
    house.reprice("BTC", 38_000)
    outcome = liquidate(house, other).event("Liquidated").outcome
    closed = 50 * UNIT - house.position(other, "BTC")[0]
    assert outcome.premium == quote_math.premium(-closed, 0, 38_000 * WAD, scale_of(house, BTC), SIZE_SCALE) > 0


@pytest.mark.parametrize("name", ["mango", "yfi", "hyperliquid_whale"])
def test_unrealised_profit_as_collateral(house, pool, trader, other_trader, short, name):
    """Mango (October 2022), dYdX's YFI (November 2023), Hyperliquid's ETH whale (March 2025): a thin market is pumped, and the
    paper profit is borrowed against, pyramided upon, or withdrawn so that the rest is liquidated into the backstop."""
    account = house.open(trader, 20_000 * USDC)
    house.trade(account, short, {"MEME": 100_000})
    house.reprice("MEME", 10)
    margin = house.judge(account, adding=True)
    assert margin.profit == 900_000 * USDC
    free = margin_math.backing(margin) - margin.initial
    assert free <= 20_000 * USDC - margin.initial, "MAR-2: profit frees nothing"
    if name == "mango":
        with reverts("InsufficientMargin"):
            house.engine.withdraw(account, house.usdc, 1, trader, 0, sender=trader)
    elif name == "yfi":
        with reverts("InsufficientMargin"):
            house.trade(account, short, {"MEME": 1_000})
    else:
        with reverts("InsufficientCash"):
            house.engine.withdraw(account, house.usdc, 100_000 * USDC, trader, 0, sender=trader)
        with reverts("NotLiquidatable"):
            liquidate(house, account)


def test_jelly_backstop_shared_across_markets(house, engine, pool, trader, short, lp):
    """Hyperliquid, March 2025: one market's squeeze would have emptied the vault behind all. Here each market is backed by a
    capped tranche of its own: its loss ends there, and what it cannot carry it refuses."""
    house.insure("ETH", 10_000 * USDC, lp)
    before = {i: (house.judge(pool.tranche(i)).equity, engine.fundOf(i).insurance) for i in (ETH, BTC)}
    account = house.open(trader, 4_000_000 * USDC)
    house.engine.setOperator(account, pool, MAY_TRADE, sender=trader)
    pool.trade(account, ETH, 8_000 * UNIT, MAX, MAX, sender=trader)
    house.reprice("ETH", 2_400)
    assert house.judge(pool.tranche(ETH)).equity < before[ETH][0]
    assert house.judge(pool.tranche(BTC)).equity == before[BTC][0]
    assert engine.fundOf(BTC).insurance == before[BTC][1]
    # Money of other tranches is not sent after it: only what is idle, up to the market's own cap.
    assert house.judge(pool.tranche(BTC)).cash == before[BTC][0]


def test_trb_cap_in_units_only(house, trader, short):
    """TRB, December 2023: open interest capped in tokens of a token that rose tenfold. Here value is capped too."""
    risk, limits, funding = (part._asdict() for part in house.engine.instrumentConfig(4))
    limits |= {"capUnits": 10_000_000 * UNIT, "capValue": 1_000_000 * USDC}
    house.engine.setInstrument(4, risk, limits, funding, sender=house.chain.impersonate(house.parameters))
    account = house.open(trader, 2_000_000 * USDC)
    house.trade(account, short, {"MEME": 200_000})
    house.reprice("MEME", 10)
    with reverts("CapExceeded", 4, 2_100_000 * USDC, 1_000_000 * USDC):
        house.trade(account, short, {"MEME": 10_000})
    house.trade(account, short, {"MEME": -150_000}, [1_500_000 * USDC])


def test_curie_gmx_insolvent_close_refused(house, engine, trader, short, taker, liquidator, lp):
    """Perpetual Protocol's Curie and GMX: a position below zero could not be closed, and its loss grew. Here E < 0 is always
    absorbable: with insurance or without, and when the pool refuses, against the side that won."""
    plain, refused = (house.open(trader, 1_836 * USDC, sub) for sub in (1, 2))
    for account in (plain, refused):
        house.trade(account, short, {"ETH": 10})
    house.reprice("ETH", 1_700)
    house.liquidation.absorb(plain, taker, sender=liquidator)
    assert house.judge(plain).equity == 0 and house.position(plain, "ETH")[0] == 0
    with reverts("TakerRefused"):  # nobody has put money into the pool
        house.liquidation.absorb(refused, 0, sender=liquidator)
    house.liquidation.reportRefusal(refused)
    house.chain.advance(601)
    house.protocol.refresh()
    house.liquidation.deleverage(refused, ETH, [short], sender=liquidator)
    assert house.position(refused, "ETH")[0] == 0 and house.judge(refused).equity >= 0


def test_euler_donation_and_self_liquidation(house, engine, pool, trader, short, taker, lp):
    """Euler, March 2023: an account made itself unhealthy by a donation, and its sister liquidated it at a discount. Here no
    voluntary act makes health worse than the opening test allows, and a liquidation of oneself costs what insurance gets."""
    account, sister = house.open(trader, 1_836 * USDC, 1), house.open(trader, 1_000_000 * USDC, 2)
    house.trade(account, short, {"ETH": 10})
    for give in (
        lambda: engine.moveCash(account, sister, 100 * USDC, sender=trader),
        lambda: engine.withdraw(account, house.usdc, 100 * USDC, trader, 0, sender=trader),
    ):
        with reverts("InsufficientMargin"):
            give()
    with reverts("InsufficientMargin"):
        house.trade(account, sister, {"ETH": 1}, [-3_000 * USDC])
    house.reprice("ETH", 1_900)

    def wealth():
        # The keeper's reward lands in the owner's account of sub 0.
        return sum(house.judge(a).equity for a in (account, sister, house.account(trader)))

    before = wealth()
    liquidate(house, account, sister, sender=trader)
    assert wealth() < before


def luna_world(start):
    floor = FeedSpec("LUNA", 80 * WAD, decimals=8, heartbeat=HOUR, grace=HOUR, min_price=WAD // 10)
    market = MarketSpec(weight_e6=1_000_000)
    return World(
        start,
        (floor,),
        (InstrumentSpec("LUNA", "LUNA", market=market),),
        (CollateralSpec(TokenSpec("LUNA", 6), "LUNA"),),
    )


def test_luna_min_answer(chain, owner, guardian, treasury, trader, lp, stranger, keeper):
    """Venus and Blizz, May 2022: LUNA fell below the least that its feed could answer, and was borrowed against at that. Here
    an answer at the bound is no price: nothing is opened or borrowed on it, and whoever holds it is wound down."""
    made = Deployment.deploy(chain, luna_world(chain.now), Roles(owner, owner, guardian, treasury))
    made.provide(lp, 1_000_000 * USDC)
    account, token = fund(made, trader, 5_000 * USDC), made.tokens["LUNA"]
    made.give(trader, "LUNA", 10_000 * 10**6 + 1)
    token.approve(made.engine, MAX, sender=trader)
    made.engine.deposit(account, token, 10_000 * 10**6, 0, sender=trader)
    made.pool.trade(account, 0, 1_000 * UNIT, MAX, MAX, sender=trader)
    made.set_price("LUNA", 79 * WAD)
    made.set_price("LUNA", WAD // 10)  # the bound, and stays there, fresh, while the market goes on falling
    for act in (
        lambda: made.pool.trade(account, 0, UNIT, MAX, MAX, sender=trader),
        lambda: made.engine.withdraw(account, token, 1, trader, 0, sender=trader),
        lambda: made.liquidation.liquidate(item(account), sender=keeper),
    ):
        with reverts("InvalidPrice"):
            act()
    made.engine.deposit(account, token, 1, 0, sender=trader)
    made.oracle.observe(0, sender=stranger)
    chain.advance(6 * HOUR + 2)
    made.set_price("LUNA", WAD // 10)
    latest = made.feeds["LUNA"].latestRound()
    made.oracle.halt(0, 1 << 64 | (latest - 2), sender=stranger)  # the answer of 79
    assert made.oracle.peek(0, False).price.mid == 79 * WAD
    with reverts("InstrumentHalted", 0):
        made.pool.trade(account, 0, -UNIT, 0, MAX, sender=trader)
    with reverts("InstrumentHalted", 0):
        made.pool.totalAssets()
    assert made.pool.maxDeposit(lp) == made.pool.maxRedeem(lp) == 0
    chain.advance(DAY)
    made.engine.settleHalted(0, account, made.pool.tranche(0), sender=stranger)
    assert made.engine.market(0).openInterest == 0
    made.pool.totalAssets()
    made.engine.withdraw(account, token, 10_000 * 10**6 + 1, trader, 0, sender=trader)


def sequenced_world(start):
    feed = FeedSpec("ETH", 2_000 * WAD, heartbeat=7 * DAY, grace=DAY)
    instrument = InstrumentSpec("ETH", "ETH", max_velocity_e8=0, max_rate_e8=0, market=MarketSpec(weight_e6=1_000_000))
    weth = CollateralSpec(TokenSpec("WETH", 18), "ETH")
    return World(start, (feed,), (instrument,), (weth,), sequencer_grace=GRACE)


@pytest.fixture(scope="module")
def rollup(chain, owner, guardian, treasury):
    return Deployment.deploy(chain, sequenced_world(chain.now), Roles(owner, owner, guardian, treasury))


def fund(made, owner, amount):
    account = made.account(owner)
    made.give(owner, "USDC", amount)
    made.settlement.approve(made.engine, MAX, sender=owner)
    made.engine.deposit(account, made.settlement, amount, 0, sender=owner)
    made.engine.setOperator(account, made.pool, MAY_TRADE, sender=owner)
    return account


def test_sequencer_outage(chain, rollup, trader, lp, keeper):
    """Arbitrum and Optimism, more than once: the sequencer was down, prices moved, and whoever was first when it came back
    liquidated those who could not have acted. Here nobody is liquidated until it has been up for the grace; who wants to
    top up or close need not wait."""
    rollup.provide(lp, 1_000_000 * USDC)
    chain.advance(GRACE + 1)
    account = fund(rollup, trader, 2_500 * USDC)
    rollup.pool.trade(account, 0, 10 * UNIT, MAX, MAX, sender=trader)
    rollup.sequencer.push(1)
    chain.advance(2 * HOUR)
    rollup.set_price("ETH", 1_850 * WAD)
    with reverts("InvalidPrice"):
        rollup.liquidation.liquidate(item(account), sender=keeper)
    rollup.sequencer.push(0)
    back = chain.now
    rollup.pool.trade(account, 0, -1 * UNIT, 0, MAX, sender=trader)
    rollup.give(trader, "USDC", 1)
    rollup.engine.deposit(account, rollup.settlement, 1, 0, sender=trader)
    chain.set_next_time(back + GRACE - 2)
    with reverts("InvalidPrice"):
        rollup.liquidation.liquidate(item(account), sender=keeper)
    with reverts("InvalidPrice"):
        rollup.pool.trade(account, 0, UNIT, MAX, MAX, sender=trader)
    chain.set_next_time(back + GRACE)
    rollup.liquidation.liquidate(item(account), sender=keeper)


def test_sequencer_outage_restarts_the_clock_of_an_auction(chain, rollup, trader, other_trader, lp, keeper):
    """While nobody could bid the discount did not grow."""
    rollup.provide(lp, 1_000_000 * USDC)
    chain.advance(GRACE + 1)
    account = rollup.account(trader)
    rollup.give(trader, "WETH", 10 * WAD)
    rollup.tokens["WETH"].approve(rollup.engine, MAX, sender=trader)
    rollup.engine.deposit(account, rollup.tokens["WETH"], 10 * WAD, 0, sender=trader)
    rollup.engine.setOperator(account, rollup.pool, MAY_TRADE, sender=trader)
    rollup.pool.trade(account, 0, 40 * UNIT, MAX, MAX, sender=trader)
    rollup.set_price("ETH", 1_800 * WAD)
    rollup.pool.trade(account, 0, -40 * UNIT, 0, MAX, sender=trader)
    price = 1_000
    rollup.set_price("ETH", price * WAD)
    rollup.auctions.startAuction(account, sender=keeper)
    started = chain.now
    rollup.sequencer.push(1)
    chain.advance(10 * 60)
    rollup.sequencer.push(0)
    back = chain.now
    chain.set_next_time(back + GRACE)
    chain.rpc("evm_mine")
    assert chain.now - started > 10 * 60
    assert rollup.auctions.offer(account).price == price * WAD, "no second of the outage, nor of its grace, counted"


def test_oracle_front_running(house, pool, trader, keeper):
    """Synthetix 2019, GMX since: an answer on its way is traded against. A position opened on the old answer starts at its
    initial requirement, judged at the worse end of the deviation; the pool's spread and fees on both ways are the deviation
    (test_attacks, test_sandwich…); and a redemption cannot be timed: it waits, and cannot be cancelled."""
    account = house.open(trader, 10_000 * USDC)
    house.engine.setOperator(account, pool, MAY_TRADE, sender=trader)
    price = house.protocol.oracle.peek(0, False).price
    assert price.lo < price.mid < price.hi
    told = pool.trade(account, ETH, UNIT, MAX, MAX, sender=trader).events_named("Traded")[-1]
    assert -told.quote >= 2_000 * USDC, "never better than mid"
    house.give(trader, "USDC", 1_000 * USDC)
    house.usdc.approve(pool, MAX, sender=trader)
    pool.deposit(1_000 * USDC, trader, sender=trader)
    assert pool.maxRedeem(trader) == 0
    matures = event(pool.requestRedeem(pool.balanceOf(trader), sender=trader), "RedeemRequested").maturesAt
    assert matures - house.chain.now == pool.DELAY() >= HOUR


def test_reduce_at_a_bad_price_between_two_accounts_of_one_owner(house, trader, short, lp):
    """A loss handed from an account that is about to die to the insurance, by a sale to a sister at a price of one's own."""
    house.insure("ETH", 100_000 * USDC, lp)
    dying, sister = house.open(trader, 1_836 * USDC, 1), house.open(trader, 100_000 * USDC, 2)
    house.trade(dying, short, {"ETH": 10})
    house.reprice("ETH", 1_850)
    insurance = house.engine.fundOf(ETH).insurance
    with reverts("HealthWorsened"):
        house.trade(dying, sister, {"ETH": -9}, [9 * USDC])
    assert house.engine.fundOf(ETH).insurance == insurance
