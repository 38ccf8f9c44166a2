"""One test an attack, written as the attacker would: each must gain at most nothing."""

from __future__ import annotations

import pytest

from plimsoll import margin_math
from plimsoll.chain.deployment import Deployment, Roles
from plimsoll.errors import Reverted
from plimsoll.fixed_point import WAD, mul_div_down
from plimsoll.model import liquidation_math
from plimsoll.types import FeedSpec, InstrumentSpec, MarketSpec, World
from tests.helpers import event, reverts
from tests.world import DAY, HOUR, MAX, MAY_TRADE, UNIT, USDC, item

ETH = 0


def nonce(house, account):
    return house.engine.accountState(account).nonce


def worth(house, *accounts):
    """What would be there if all were closed now, at mid and with tokens at mid."""
    total = 0
    for account in accounts:
        snapshot = house.snapshot(account)
        margin = margin_math.judge(snapshot)
        coins = sum(coin.amount * coin.mid * WAD // coin.scale for coin in snapshot.coins)
        total += margin.cash + margin.profit + coins
    return total


# Against the keeper ------------------------------------------------------------------------------------------------


def test_front_runner_bites_first_and_the_keeper_loses_nothing(house, pool, weak, keeper, stranger):
    """The keeper agreed to what it saw: another nonce, or a smaller fraction than it wants, and nothing happens."""
    seen = nonce(house, weak)
    due = house.liquidation.preview(weak, WAD).outcome.fraction
    house.liquidation.liquidate(item(weak, 0, due // 2), sender=stranger)
    with reverts("NonceChanged", weak, nonce(house, weak), seen):
        house.liquidation.liquidate(item(weak, nonce=seen), sender=keeper)
    with reverts("FractionBelowMinimum"):
        house.liquidation.liquidate(item(weak, least=due), sender=keeper)


def test_owner_tops_up_one_unit_to_shake_the_keeper_off_and_is_liquidated_all_the_same(house, pool, weak, trader, keeper):
    """A nonce is the keeper's choice, not the owner's shield."""
    seen = nonce(house, weak)
    house.deposit(weak, 1)
    with reverts("NonceChanged"):
        house.liquidation.liquidate(item(weak, nonce=seen), sender=keeper)
    house.liquidation.liquidate(item(weak), sender=keeper)
    assert not margin_math.liquidatable(house.judge(weak))


def test_poisoned_item_does_not_stop_a_batch(house, pool, weak, trader, maker, keeper, short):
    """An account whose feed is dead, one that is sound, one that does not exist, around one that is due."""
    dead = house.open(trader, 50_000 * USDC, 7)
    house.trade(dead, short, {"SOL": 100})
    house.protocol.feeds["SOL"].setMode(2)  # burns all the gas it is given
    items = [item(a) for a in (dead, short, house.account(maker, 99), weak, weak)]
    receipt = house.liquidation.liquidateMany(items, sender=keeper)
    assert event(receipt, "Liquidated").account == weak
    assert len(receipt.events_named("Skipped")) == 4


# One owner on every side -------------------------------------------------------------------------------------------


def test_open_and_liquidate_in_one_block_is_refused(house, pool, trader, short, keeper):
    """A new position starts at its initial requirement, which is above its maintenance: whoever opened it can't sell it to
    the keeper of the same block, at whatever price the two sides agreed."""
    account = house.open(trader, 1_836 * USDC)
    with reverts("InsufficientMargin"):
        house.trade(account, short, {"ETH": 10}, [-10 * 2_050 * USDC])
    house.trade(account, short, {"ETH": 10})
    with reverts("NotLiquidatable"):
        house.liquidation.liquidate(item(account), sender=keeper)


def test_self_liquidation_costs_what_insurance_gets(house, engine, trader, short, weak):
    """The trader is keeper and taker: all but the insurance's share of the penalty comes back, never more."""
    own = house.open(trader, 1_000_000 * USDC, 5)
    before, insurance = worth(house, weak, own), engine.fundOf(ETH).insurance
    house.liquidation.liquidate(item(weak, own), sender=trader)
    paid = engine.fundOf(ETH).insurance - insurance
    # The keeper's reward lands in the owner's account of sub 0, which is the sinking one.
    assert paid > 0 and -paid - 2 <= worth(house, weak, own) - before <= -paid + 2


def test_wash_trading_with_oneself_pays_fees_and_moves_no_value(house, trader):
    a, b = house.open(trader, 100_000 * USDC, 1), house.open(trader, 100_000 * USDC, 2)
    before = worth(house, a, b)
    for price in (2_000, 1_990, 2_010, 2_000):
        house.trade(a, b, {"ETH": 10}, [-10 * price * USDC], [USDC])
        house.trade(a, b, {"ETH": -10}, [10 * price * USDC], [USDC])
    assert worth(house, a, b) <= before


def test_liquidation_through_ones_own_share_of_the_pool_gains_nothing(house, trader, short, weak, lp):
    """The trader owns nine tenths of the pool that takes his positions."""
    house.provide(lp, 500_000 * USDC)
    house.give(trader, "USDC", 4_500_000 * USDC)
    house.usdc.approve(house.pool, MAX, sender=trader)
    shares = house.pool.deposit(4_500_000 * USDC, trader, sender=trader).event("Deposit").shares
    house.pool.allocate(ETH)
    mine = (weak, house.account(trader, 9))

    def wealth():
        return worth(house, *mine) + mul_div_down(house.pool.totalAssets(), shares, house.pool.totalSupply())

    before = wealth()
    house.liquidation.liquidate(item(weak), sender=trader)
    assert wealth() <= before


def test_donation_to_a_tranche_is_shared_by_all_who_hold_the_pool(house, pool, trader, lp):
    """It raises what every share is worth: the donor owns none, and gets none of it back."""
    house.give(trader, "USDC", 100_000 * USDC)
    before = pool.totalAssets()
    house.engine.deposit(pool.tranche(ETH), house.usdc, 100_000 * USDC, 0, sender=trader)
    assert pool.totalAssets() == before + 100_000 * USDC
    with reverts("Unauthorized"):
        house.engine.withdraw(pool.tranche(ETH), house.usdc, 1, trader, 0, sender=trader)


def test_donation_before_the_first_depositor_is_the_donors_loss(house, trader, lp):
    house.give(trader, "USDC", 1_000_001 * USDC)
    house.usdc.approve(house.pool, MAX, sender=trader)
    house.pool.deposit(1, trader, sender=trader)
    house.engine.deposit(house.pool.idle(), house.usdc, 1_000_000 * USDC, 0, sender=trader)
    house.provide(lp, 1_000_000 * USDC)
    gets = mul_div_down(house.pool.totalAssets(), house.pool.balanceOf(lp), house.pool.totalSupply() + 10**6)
    assert gets >= 999_000 * USDC, "the newcomer keeps what it brought"


def test_reduction_at_a_bad_price_between_two_accounts_of_one_owner_is_refused(house, trader, short):
    """A sinking account sells to a sister far below mid, to leave its loss to the insurance."""
    weak, sister = house.open(trader, 1_836 * USDC, 1), house.open(trader, 100_000 * USDC, 2)
    house.trade(weak, short, {"ETH": 10})
    house.reprice("ETH", 1_850)
    for price in (1, 1_000, 1_700, 1_810):
        with reverts("HealthWorsened"):
            house.trade(weak, sister, {"ETH": -9}, [9 * price * USDC])
    house.trade(weak, sister, {"ETH": -9}, [9 * 1_850 * USDC])


# Prices ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tight(chain, owner, guardian, treasury):
    """A market set as docs/risk.md says: 2 · spread + both fees ≥ the deviation of its feed."""
    feed = FeedSpec("ETH", 2_000 * WAD, deviation_e6=5_000, heartbeat=7 * DAY, grace=DAY)
    market = MarketSpec(spread_e6=1_500, taker_fee_e6=1_000, maker_fee_e6=1_000, weight_e6=1_000_000)
    instrument = InstrumentSpec("ETH", "ETH", max_velocity_e8=0, max_rate_e8=0, market=market)
    return Deployment.deploy(chain, World(chain.now, (feed,), (instrument,)), Roles(owner, owner, guardian, treasury))


@pytest.mark.parametrize("side", [1, -1])
def test_sandwich_of_an_oracle_update_gains_nothing(chain, tight, trader, lp, side):
    """The attacker sees the next answer: trades before it, closes after it. It is at most the feed's deviation away, for
    else it would have been answered before."""
    tight.provide(lp, 5_000_000 * USDC)
    account = tight.account(trader)
    tight.give(trader, "USDC", 1_000_000 * USDC)
    tight.settlement.approve(tight.engine, MAX, sender=trader)
    tight.engine.deposit(account, tight.settlement, 1_000_000 * USDC, 0, sender=trader)
    tight.engine.setOperator(account, tight.pool, MAY_TRADE, sender=trader)
    size = side * 100 * UNIT
    tight.pool.trade(account, 0, size, MAX if side > 0 else 0, MAX, sender=trader)
    tight.set_price("ETH", 2_000 * WAD * (1_000 + 5 * side) // 1_000)
    tight.pool.trade(account, 0, -size, 0 if side > 0 else MAX, MAX, sender=trader)
    assert tight.engine.accountState(account).cash <= 1_000_000 * USDC


def test_liquidator_cannot_choose_the_price(chain, house, pool, weak, keeper):
    """An answer that is too old, or of a feed that is down, liquidates nobody, in any order within the block."""
    house.protocol.feeds["ETH"].setMode(1)
    with reverts("InvalidPrice"):
        house.liquidation.liquidate(item(weak), sender=keeper)
    house.protocol.feeds["ETH"].setMode(0)
    house.reprice("ETH", 2_000)
    with reverts("NotLiquidatable"):
        house.liquidation.liquidate(item(weak), sender=keeper)


# Auctions ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def owing(house, trader, short):
    """Cash −12,000 behind ten WETH at 1,450."""
    account = house.open(trader, WETH=10 * WAD)
    house.trade(account, short, {"SOL": 1_000}, [-32_000 * USDC])
    house.trade(account, short, {"SOL": -1_000})
    house.reprice("ETH", 1_450)
    return account


def test_auction_left_running_does_not_sell_cheap_a_year_later(house, owing, chain, stranger, liquidator):
    """Someone starts a clock, the owner recovers and forgets it; when he sinks again the discount begins anew."""
    auctions = house.protocol.auctions
    auctions.startAuction(owing, sender=stranger)
    house.reprice("ETH", 3_000)
    chain.advance(2 * HOUR)
    house.reprice("ETH", 1_450)
    with reverts("NoAuction", owing):
        auctions.offer(owing)
    auctions.startAuction(owing, sender=stranger)
    assert auctions.offer(owing).price == 1_450 * WAD


def test_auction_buyer_who_pays_nothing_gets_nothing(house, owing, chain, stranger):
    auctions = house.protocol.auctions
    auctions.startAuction(owing)
    before = house.engine.collateralOf(owing, 0)
    with pytest.raises(Reverted):
        auctions.buyCollateral(owing, 0, WAD, MAX, b"", sender=stranger)
    assert house.engine.collateralOf(owing, 0) == before


def test_auction_of_an_account_below_zero_with_positions_is_no_gift(house, chain, trader, short, liquidator):
    """E < 0 by a unit, positions open, a fortune in collateral: the discount stops at the haircut."""
    account = house.open(trader, 0, WETH=10 * WAD)
    house.trade(account, short, {"SOL": 1_000}, [-20_000 * USDC - 14_000 * USDC])
    house.reprice("ETH", 1_000)
    assert house.judge(account).equity < 0
    auctions = house.protocol.auctions
    auctions.startAuction(account)
    assert auctions.auctionOf(account).insolventAt == 0
    chain.advance(80 * 60)
    haircut = house.snapshot(account).coins[0].haircut
    assert auctions.offer(account).price == liquidation_math.sale_price(1_000 * WAD, haircut)


# Keepers' rewards --------------------------------------------------------------------------------------------------


def test_accounts_made_insolvent_to_farm_the_absorbers_reward_are_capped(house, engine, trader, short, lp, keeper):
    """Twenty an hour and instrument: what a gap gives anyone, it gives no more of."""
    house.insure("ETH", 100_000 * USDC, lp)
    accounts = [house.open(trader, 400 * USDC, sub) for sub in range(24)]
    for account in accounts:
        house.trade(account, short, {"ETH": 2})
    taker = house.open(keeper, 1_000_000 * USDC, 1)
    house.reprice("ETH", 1_780)
    rewards = [
        event(house.liquidation.absorb(a, taker, sender=keeper), "Absorbed").absorption.reward for a in accounts
    ]
    assert rewards == [house.terms.keeper_floor] * 20 + [0] * 4
