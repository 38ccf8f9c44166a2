import pytest

from plimsoll import margin_math
from plimsoll.chain import artifacts
from plimsoll.fixed_point import WAD
from tests.helpers import event, isolated, reverts
from tests.unit.liquidation_engine.sinking import LOTS
from tests.world import COINS, NAMES, UNIT, USDC, item


@pytest.fixture
def crowd(house, trader, short):
    """By sub: 1 and 2 weak, 3 insolvent, 4 healthy, 5 without a position."""
    accounts = [
        house.open(trader, cash * USDC, sub) for sub, cash in ((1, 1_836), (2, 1_900), (3, 1_836), (4, 50_000), (5, 7))
    ]
    for account in accounts[:2] + accounts[3:4]:
        house.trade(account, short, {"ETH": 10})
    house.trade(accounts[2], short, {"ETH": 10}, [-20_000 * USDC])
    house.reprice("ETH", 1_900)
    house.engine.seize(
        accounts[2], [], [(accounts[2], -900 * USDC), (short, 900 * USDC)], [], [], sender=house.liquidator
    )
    assert house.judge(accounts[2]).equity == -64 * USDC
    return accounts


def reason(data):
    """What a Skipped event carries, decoded."""
    reverted = artifacts.decode_error(data)
    return reverted.name, tuple(reverted.args)


def test_liquidate_many_liquidates_absorbs_and_skips(house, liquidation, liquidator, taker, crowd):
    receipt = liquidation.liquidateMany([item(account, taker, WAD) for account in crowd], sender=liquidator)
    assert {e.account for e in receipt.events_named("Liquidated")} == set(crowd[:2])
    assert event(receipt, "Absorbed", account=crowd[2]).absorption.loss == 64 * USDC
    skipped = {e.account: reason(e.reason) for e in receipt.events_named("Skipped")}
    assert skipped == {
        crowd[3]: ("NotLiquidatable", (crowd[3], 49_000 * USDC, 1_140 * USDC)),
        crowd[4]: ("NotLiquidatable", (crowd[4], 7 * USDC, 0)),
    }
    assert not any(margin_math.liquidatable(house.judge(account)) for account in crowd)


def test_liquidate_many_counts_what_it_did(liquidation, liquidator, taker, crowd):
    items = [item(account, taker, WAD) for account in crowd]
    assert liquidation.simulate("liquidateMany", items, sender=liquidator) == 3
    assert liquidation.simulate("liquidateMany", items[3:], sender=liquidator) == 0


def test_liquidate_many_credits_the_caller(house, liquidation, pool, keeper, crowd):
    """Each item runs in a call of the engine to itself: the reward is still the sender's."""
    receipt = liquidation.liquidateMany([item(account, 0, WAD) for account in crowd[:2]], sender=keeper)
    told = receipt.events_named("Liquidated")
    assert [house.account(e.keeper) for e in told] == [house.account(keeper)] * 2
    assert house.cash(house.account(keeper)) == sum(e.outcome.keeperReward for e in told) > 0


def test_liquidate_many_does_what_one_by_one_does(house, chain, liquidation, liquidator, taker, crowd):
    with isolated(chain):
        for account in crowd[:2]:
            liquidation.liquidate(item(account, taker, WAD), sender=liquidator)
        due = [house.snapshot(account) for account in (*crowd, taker)]
    liquidation.liquidateMany([item(account, taker, WAD) for account in crowd[:2]], sender=liquidator)
    assert [house.snapshot(account) for account in (*crowd, taker)] == due


def test_liquidate_many_of_none_reverts(liquidation, liquidator):
    with reverts("EmptyBatch"):
        liquidation.liquidateMany([], sender=liquidator)


def test_liquidate_many_of_one_twice_does_it_once(liquidation, liquidator, taker, crowd):
    receipt = liquidation.liquidateMany([item(crowd[0], taker)] * 2, sender=liquidator)
    assert event(receipt, "Liquidated").account == event(receipt, "Skipped").account == crowd[0]


def test_liquidate_many_takes_two_bites_of_one_account(liquidation, liquidator, taker, crowd):
    receipt = liquidation.liquidateMany([item(crowd[0], taker, WAD // 10)] * 2, sender=liquidator)
    assert len(receipt.events_named("Liquidated")) == 2


def test_liquidate_many_reads_each_price_once(house, chain, liquidation, liquidator, taker, crowd):
    """However many accounts: the feed is asked once."""
    batch = [item(account, taker) for account in crowd[:2]]
    request = {
        "from": liquidator, "to": liquidation.address, "data": liquidation.encode("liquidateMany", batch)
    }  # fmt: skip
    steps = chain.rpc("debug_traceCall", request, "latest", {"disableMemory": True, "disableStorage": True})
    asked = [int(step["stack"][-2], 16) for step in steps["structLogs"] if step["op"] == "STATICCALL"]
    assert asked.count(int(house.protocol.proxies["ETH"].address, 16)) == 1


def test_liquidate_many_stops_where_the_gas_would_not_do_for_another(liquidation, liquidator, taker, crowd):
    """No item fails for want of gas that its sender kept back: it is not begun."""
    batch = [item(account, taker) for account in crowd[:2]]
    floor = liquidation.leastGas(crowd[0])
    receipt = liquidation.liquidateMany(batch, sender=liquidator, gas=floor)
    assert event(receipt, "BatchStopped").done == 0 and not receipt.events_named("Skipped")
    receipt = liquidation.liquidateMany(batch, sender=liquidator, gas=floor * 64 // 63 + 100_000)
    assert event(receipt, "Liquidated").account == crowd[0]
    assert event(receipt, "BatchStopped").done == 1 and not receipt.events_named("Skipped")


def test_liquidate_many_asks_as_much_gas_as_an_account_of_its_width_may_need(
    house, liquidation, short, sinking, stranger
):
    """The whole of ITEM_GAS for sixteen positions, and for who holds none and owes: that is the pool's, tranche by tranche."""
    most = liquidation.ITEM_GAS()
    for legs in (1, 2, 16):
        account = sinking.account({name: LOTS[name] for name in NAMES[:legs]}, sub=legs)
        assert liquidation.leastGas(account) == most * (3 + legs) // 19
    assert liquidation.leastGas(house.account(stranger)) == most * 3 // 19
    owing = house.open(stranger, WETH=WAD)
    house.engine.seize(owing, [], [(owing, -1), (short, 1)], [], [], sender=house.liquidator)
    assert liquidation.leastGas(owing) == most


@pytest.mark.parametrize("legs", [1, 2, 5])
@pytest.mark.parametrize("equity", [200, -50])
def test_liquidate_many_finds_the_least_gas_enough(
    house, engine, liquidation, pool, lp, trader, keeper, short, legs, equity
):
    """Of an account with as many collaterals as it may have, into the pool, the first item of its batch."""
    for name in NAMES[2:legs]:
        pool.setMarket(house.id(name), (0, 0, 0, 10_000, 2**90), sender=house.timelock)
        pool.allocate(house.id(name), sender=lp)
    account = house.open(trader, 10**6 * USDC, **{name: 10 ** min(6, COINS[name][0]) for name in list(COINS)[:8]})
    house.trade(account, short, {name: LOTS[name] for name in NAMES[:legs]})
    less = house.judge(account).equity - equity * USDC
    engine.seize(account, [], [(account, -less), (short, less)], [], [], sender=house.liquidator)
    batch, least = [item(account), item(short)], liquidation.leastGas(account)
    receipt = liquidation.liquidateMany(batch, sender=keeper, gas=least * 64 // 63 + 40_000)
    assert event(receipt, "Liquidated" if equity > 0 else "Absorbed").account == account


def test_liquidate_many_gives_a_feed_that_burns_gas_no_more_than_its_share(house, liquidation, liquidator, taker, crowd):
    house.deposit(crowd[0], 1, "BAR")
    house.protocol.feeds["GOLD"].setMode(2)
    receipt = liquidation.liquidateMany([item(account, taker) for account in crowd[:2]], sender=liquidator)
    assert event(receipt, "Skipped").account == crowd[0]
    assert event(receipt, "Liquidated").account == crowd[1]
    assert receipt.gas_used < liquidation.ITEM_GAS() + 500_000


def test_liquidate_many_skips_every_kind_of_bad_item(house, liquidation, pool, liquidator, stranger, taker, crowd):
    """A wrong taker, a bite too small, a taker without margin, a dead feed: each reverts alone and leaves nothing behind."""
    poor, theirs = house.open(liquidator, 5 * USDC, 8), house.open(stranger, 10**6 * USDC)
    pairs = (crowd[0], crowd[0]), (crowd[1], theirs), (crowd[2], poor), (crowd[3], taker)
    items = [item(*pair) for pair in pairs]
    before = [house.snapshot(account) for account in crowd]
    receipt = liquidation.liquidateMany(items, sender=liquidator)
    names = [reason(e.reason)[0] for e in receipt.events_named("Skipped")]
    assert names == ["TakerIsAccount", "UnauthorizedTaker", "TakerRefused", "NotLiquidatable"]
    assert [house.snapshot(account) for account in crowd] == before
    receipt = liquidation.liquidateMany([item(crowd[0], taker, 1), item(crowd[1], taker)], sender=liquidator)
    assert reason(event(receipt, "Skipped").reason)[0] == "FractionTooSmall"
    assert event(receipt, "Liquidated").account == crowd[1]


def test_liquidate_many_goes_on_past_a_dead_feed(house, liquidation, liquidator, taker, crowd):
    """ORA-1: other accounts are untouched by it."""
    house.deposit(crowd[0], 1, "BAR")
    house.protocol.feeds["GOLD"].setMode(1)
    receipt = liquidation.liquidateMany([item(account, taker, WAD) for account in crowd[:2]], sender=liquidator)
    assert reason(event(receipt, "Skipped", account=crowd[0]).reason) == ("InvalidPrice", (3, 2, 0, 0))
    assert event(receipt, "Liquidated").account == crowd[1]


def test_liquidate_many_uses_up_the_taker_item_by_item(house, liquidation, liquidator, short, crowd):
    """What the first item leaves of the taker's margin is all that the second has."""
    small = house.open(liquidator, 800 * USDC, 8)
    receipt = liquidation.liquidateMany([item(account, small, WAD) for account in crowd[:2]], sender=liquidator)
    assert event(receipt, "Liquidated").account == crowd[0]
    assert reason(event(receipt, "Skipped", account=crowd[1]).reason)[0] == "TakerRefused"


def test_execute_from_outside_reverts(liquidation, stranger, keeper, taker, crowd):
    with reverts("OnlyItself", stranger):
        liquidation.execute(item(crowd[0], taker), keeper, [], sender=stranger)


@pytest.mark.parametrize("into", ["taker", "pool"])
def test_liquidate_many_of_a_hundred_fits_into_a_transaction(
    house, liquidation, short, taker, pool, liquidator, trader, into
):
    """GAS-1: into one transaction of 2^24 gas, the most that a transaction may have (EIP-7825), and all of them are done."""
    accounts = [house.open(trader, 200 * USDC, 100 + sub) for sub in range(100)]
    for account in accounts:
        house.trade(account, short, {"ETH": 1})
    house.reprice("ETH", 1_900)
    batch = [item(account, taker if into == "taker" else 0) for account in accounts]
    receipt = liquidation.liquidateMany(batch, sender=liquidator, gas=2**24)
    assert len(receipt.events_named("Liquidated")) == 100, "GAS-1"
    assert receipt.gas_used < 16_000_000, "GAS-1"
    receiver = taker if into == "taker" else pool.tranche(0)
    assert house.position(receiver, "ETH")[0] == sum(UNIT - house.position(account, "ETH")[0] for account in accounts)
