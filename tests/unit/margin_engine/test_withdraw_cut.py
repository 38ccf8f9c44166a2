"""Withdrawals while there are more claims than tokens: cut where collateral has still to be sold, docked where it is lost."""

from itertools import permutations
from random import Random

import pytest

from plimsoll.fixed_point import WAD, mul_div_down
from tests.helpers import event, isolated, reverts
from tests.unit.margin_engine.losses import lose, new_epoch, owed, slack
from tests.world import USDC

TEN_THOUSAND = 10_000 * USDC


@pytest.fixture
def loser(house, other_trader, maker) -> int:
    """Its debt of 20,000 is backed by WETH that nobody has bought yet."""
    return house.open(other_trader, WETH=20 * WAD)


@pytest.fixture
def winner(house, maker, loser) -> int:
    """40,000 in cash, of which 20,000 are tokens."""
    winner = house.open(maker, 20_000 * USDC)
    house.trade(loser, winner, {"SOL": 500}, [-30_000 * USDC])
    house.trade(loser, winner, {"SOL": -500}, [10_000 * USDC])
    assert (house.cash(winner), house.cash(loser)) == (40_000 * USDC, -20_000 * USDC)
    return winner


@pytest.fixture
def withdraw(house, engine):
    """By the owner, to the owner."""

    def do(account, amount, least=0):
        owner = house.owner(account)
        return engine.withdraw(account, house.usdc, amount, owner, least, sender=owner)

    return do


def test_withdraw_beyond_the_tokens_that_are_there_pays_what_is_there(house, engine, winner, loser, withdraw, maker):
    receipt = withdraw(winner, 30_000 * USDC)
    event(receipt, "WithdrawalCut", account=winner, left=TEN_THOUSAND)
    event(receipt, "Withdrawn", account=winner, amount=20_000 * USDC, paid=20_000 * USDC)
    event(receipt, "AccountUpdated", account=winner, cash=20_000 * USDC)
    assert (house.cash(winner), house.usdc.balanceOf(maker)) == (20_000 * USDC, 20_000 * USDC)
    assert slack(house, winner, loser) == 0, "LED-2"


def test_withdraw_of_all_tokens_is_not_cut(house, winner, withdraw):
    assert not withdraw(winner, 20_000 * USDC).events_named("WithdrawalCut")
    with reverts("NothingInEscrow", 1):
        withdraw(winner, 1)


def test_withdraw_returns_what_it_could_pay(house, engine, winner, maker):
    assert engine.simulate("withdraw", winner, house.usdc, 40_000 * USDC, maker, 0, sender=maker) == 20_000 * USDC


def test_withdraw_that_was_cut_is_paid_once_the_collateral_is_sold(house, engine, winner, loser, withdraw, liquidator):
    withdraw(winner, 40_000 * USDC)
    for amount in (1, 20_000 * USDC):
        with reverts("NothingInEscrow", amount):
            withdraw(winner, amount)
    house.give(liquidator, "USDC", 18_000 * USDC)
    engine.sellCollateral(loser, 0, 10 * WAD, 18_000 * USDC, liquidator, b"", sender=house.auctioneer)
    event(withdraw(winner, 20_000 * USDC), "WithdrawalCut", left=2_000 * USDC)
    house.deposit(loser, 2_000 * USDC)
    withdraw(winner, 2_000 * USDC)
    assert house.cash(winner) == house.cash(loser) == 0
    assert house.usdc.balanceOf(house.owner(winner)) == 40_000 * USDC, "nothing is lost"
    assert house.protocol.escrow.creditOf(engine, 0, house.usdc) == 0


@pytest.mark.parametrize("steps", [(20_000,), (5_000, 15_000), (19_999, 20_001), (1, 40_000 - 1), (12_000, 12_000)])
def test_withdraw_in_steps_pays_the_same_as_in_one(house, winner, withdraw, maker, steps):
    """MAR-4"""
    for step in steps:
        withdraw(winner, step * USDC)
    paid = min(sum(steps), 20_000) * USDC
    assert (house.usdc.balanceOf(maker), house.cash(winner)) == (paid, 40_000 * USDC - paid)


def test_withdraw_that_would_be_cut_names_the_least_that_it_accepts(house, winner, withdraw, maker):
    with reverts("BelowMinOut", 20_000 * USDC, 20_000 * USDC + 1):
        withdraw(winner, 30_000 * USDC, 20_000 * USDC + 1)
    withdraw(winner, 30_000 * USDC, 20_000 * USDC)


def test_withdraw_of_more_than_the_cash_is_refused_and_not_cut(house, winner, withdraw):
    with reverts("InsufficientCash", winner, 40_000 * USDC, 40_000 * USDC + 1):
        withdraw(winner, 40_000 * USDC + 1)


def test_withdraw_that_is_cut_is_proved_by_what_leaves(house, engine, loser, withdraw, maker, keeper):
    """The margin that must stay is judged after the 20,000 that leave, not after the 30,000 that were asked for."""
    winner = house.open(maker, 20_000 * USDC)
    other = house.open(keeper, WETH=100 * WAD)
    house.trade(loser, winner, {"SOL": 500}, [-30_000 * USDC])
    house.trade(loser, winner, {"SOL": -500}, [10_000 * USDC])
    house.trade(winner, other, {"ETH": 100})
    need = house.judge(winner, adding=True).initial
    assert 10_000 * USDC < need < 20_000 * USDC
    with isolated(house.chain):
        house.deposit(loser, 20_000 * USDC)
        with reverts("InsufficientMargin", winner, 10_000 * USDC, need):
            withdraw(winner, 30_000 * USDC)
    withdraw(winner, 30_000 * USDC)
    assert house.cash(winner) == 20_000 * USDC


def test_withdraw_pays_out_of_all_tokens_while_no_bad_debt_is_recorded(house, engine, winner, withdraw, stranger):
    """Funds and fees are claims like others: whoever comes first is paid; the sales fill up what is missing."""
    house.insure("ETH", 1_000 * USDC, stranger)
    assert engine.claims() == (21_000 * USDC, 21_000 * USDC)
    event(withdraw(winner, 40_000 * USDC), "Withdrawn", paid=21_000 * USDC)


def test_withdraw_while_bad_debt_is_recorded_leaves_the_funds_their_tokens(house, engine, winner, loser, withdraw, stranger):
    house.insure("ETH", 1_000 * USDC, stranger)
    house.owe(house.account(stranger), 5_000 * USDC)
    assert engine.claims() == (20_000 * USDC, 25_000 * USDC)
    receipt = withdraw(winner, 40_000 * USDC)
    event(receipt, "WithdrawalCut", left=15_000 * USDC)
    event(receipt, "Withdrawn", amount=25_000 * USDC, paid=20_000 * USDC)
    event(receipt, "BadDebtUpdated", badDebt=0)
    assert house.protocol.escrow.creditOf(engine, 0, house.usdc) == engine.fundOf(0).insurance == 1_000 * USDC
    assert slack(house, winner, loser, house.account(stranger)) == 0, "LED-2"


# S/(S+B) with sides that owe --------------------------------------------------------------------------------------


@pytest.fixture
def seller(house, keeper) -> int:
    return house.open(keeper, 50_000 * USDC)


@pytest.fixture
def claims(house, long, seller, stranger):
    """Three who hold cash beside what they need; ETH's longs owe 250, BTC's shorts 100, and 50 are owed by nobody."""
    sunk = house.account(stranger)
    house.trade(long, seller, {"ETH": 10, "BTC": 1})
    new_epoch(house)
    lose(house, sunk, "BTC", False, 400 * USDC)
    lose(house, sunk, "ETH", True, 400 * USDC)
    house.owe(sunk, 50 * USDC)
    assert house.engine.claims() == (150_000 * USDC, 150_400 * USDC)
    return {"sunk": sunk, "long": long, "seller": seller}


def test_withdraw_relieves_the_sides_in_the_order_of_their_instruments(house, engine, claims, withdraw):
    settlement, total = engine.claims()
    debt, (eth, _), (_, btc) = engine.badDebt(), owed(house, "ETH"), owed(house, "BTC")
    assert (debt, eth, btc) == (400 * USDC, 250 * USDC, 100 * USDC)
    amount = 90_000 * USDC
    paid = mul_div_down(amount, settlement, total)
    receipt = withdraw(claims["long"], amount)
    event(receipt, "BadDebtUpdated", badDebt=debt - (amount - paid))
    event(receipt, "DeficitUpdated", instrument=0, long=True, owed=eth - (amount - paid))
    assert (owed(house, "ETH"), owed(house, "BTC")) == ((eth - (amount - paid), 0), (0, btc))


def test_withdraw_relieves_all_sides_before_what_nobody_owes(house, engine, winner, loser, withdraw, long, short, stranger):
    sunk = house.account(stranger)
    house.trade(long, short, {"ETH": 10, "BTC": 1})
    new_epoch(house)
    lose(house, sunk, "BTC", False, 400_300 * USDC)
    lose(house, sunk, "ETH", True, 300_150 * USDC)
    house.owe(sunk, 7_300_000 * USDC)
    seen = [(engine.badDebt(), owed(house, "ETH")[0], owed(house, "BTC")[1])]
    assert seen == [(8_000_000 * USDC, 300_000 * USDC, 400_000 * USDC)]
    for _ in range(4):
        debt, eth, btc = seen[-1]
        receipt = withdraw(sunk, 500_000 * USDC)
        told = event(receipt, "Withdrawn")
        lost = told.amount - told.paid
        from_eth = min(eth, lost)
        from_btc = min(btc, lost - from_eth)
        seen.append((engine.badDebt(), owed(house, "ETH")[0], owed(house, "BTC")[1]))
        assert seen[-1] == (debt - lost, eth - from_eth, btc - from_btc)
        assert slack(house, sunk, long, short, winner, loser) == 0, "LED-2"
    assert owed(house, "ETH") == owed(house, "BTC") == (0, 0) and engine.badDebt() > 0


def test_withdraw_of_several_in_any_order_is_paid_the_same(house, engine, claims, withdraw, seed):
    """LIQ-6: the ratio stays, whoever comes first; and so does what each is paid, but for a unit."""
    rng = Random(f"{seed}/orders")
    amounts = {"sunk": rng.randrange(1, 800 * USDC), "long": rng.randrange(90_000 * USDC), "seller": 40_000 * USDC}
    ratio, everyone = engine.payoutRatio(), claims.values()
    results = []
    for order in permutations(amounts):
        with isolated(house.chain):
            paid = {}
            for name in order:
                paid[name] = event(withdraw(claims[name], amounts[name]), "Withdrawn").paid
                settlement, total = engine.claims()
                assert abs(engine.payoutRatio() - ratio) <= 3 * WAD // settlement, "LIQ-6"
                assert engine.badDebt() >= owed(house, "ETH")[0] + owed(house, "BTC")[1]
                assert 0 <= slack(house, *everyone) <= 3, "LED-2"
            results.append(paid)
    for name in amounts:
        each = [paid[name] for paid in results]
        assert max(each) - min(each) <= 1, "LIQ-6"


def test_withdraw_between_drains_gains_nothing_by_coming_first(house, engine, claims, withdraw):
    """A drain raises the ratio for who stays: it never falls, so nobody needs to run."""
    before = engine.payoutRatio()
    withdraw(claims["seller"], 1_000 * USDC)
    new_epoch(house)
    engine.drain(house.id("ETH"), sender=house.owner(claims["seller"]))
    assert engine.payoutRatio() > before
    told = event(withdraw(claims["seller"], 1_000 * USDC), "Withdrawn")
    assert told.paid > mul_div_down(told.amount, before, WAD)
