"""A whole life on the contracts: from an empty protocol through a crash to the moment when everybody has left."""

from dataclasses import replace

from plimsoll.chain.deployment import Deployment
from plimsoll.chain.standard import standard_world
from plimsoll.chain.venue import ChainVenue
from plimsoll.types import DAY, ENGINE, HOUR, POOL, SIZE_UNIT, USDC, WAD, Account
from tests.integration.watched import Watched

UNIT, WETH, WBTC = SIZE_UNIT, 10**18, 10**8
SUPPLY = 1_000_000 * USDC
ADA, BEN, CY, BET = Account("ada"), Account("ben"), Account("cy"), Account("ada", 1)


def test_everybody_comes_lives_through_a_crash_and_leaves(chain):
    world = standard_world()
    venue = Watched(ChainVenue(chain, world, Deployment.deploy(chain, world)))
    enter(venue)
    crash(venue)
    recover(venue)
    leave(venue)
    nothing_is_left_but_insurance_fees_and_dust(venue)


def pay_in(venue, account, token, amount):
    venue.give(account.actor, token, amount)
    venue.deposit(account.actor, account, token, amount)


def enter(venue):
    """lp provides; ada is long in her main account and bolder in a bet, ben hedged on WETH, cy short on WBTC."""
    venue.give("lp", "USDC", SUPPLY)
    venue.provide("lp", SUPPLY)
    for name in ("ETH", "BTC"):
        venue.allocate("lp", name)
    pay_in(venue, ADA, "USDC", 20_000 * USDC)
    venue.move_cash(ADA, BET, 3_000 * USDC)
    venue.trade(ADA, "ETH", 15 * UNIT)
    venue.trade(BET, "ETH", 10 * UNIT)
    pay_in(venue, BEN, "WETH", 10 * WETH)
    venue.trade(BEN, "ETH", 20 * UNIT)
    venue.trade(BEN, "BTC", -UNIT)
    pay_in(venue, CY, "WBTC", WBTC)
    venue.trade(CY, "BTC", -UNIT // 2)


def crash(venue):
    """Down 30 % in six hours: the bet is eaten in parts, ada tops up in time, ben's hedge carries him."""
    liquidated = set()
    for hour in range(1, 7):
        venue.advance_to(world_start(venue) + hour * HOUR)
        venue.set_price("ETH", (2_000 - 100 * hour) * WAD)
        venue.set_price("BTC", (40_000 - 2_000 * hour) * WAD)
        if hour == 4:
            pay_in(venue, ADA, "USDC", 5_000 * USDC)
        while sinking := venue.liquidatable():
            margin = venue.state().accounts[sinking[0]].margin
            (venue.absorb if margin.equity < 0 else venue.liquidate)("kim", sinking[0])
            liquidated.add(sinking[0])
    assert liquidated == {BET}
    assert venue.state().accounts[Account("kim")].cash > 0
    assert all(venue.state().accounts[account].positions for account in (ADA, BEN, CY))


def recover(venue):
    """Half of it comes back within a day; funding is settled."""
    venue.advance_to(world_start(venue) + DAY)
    venue.set_price("ETH", 1_700 * WAD)
    venue.set_price("BTC", 34_000 * WAD)
    for account in (ADA, BEN, CY):
        venue.settle("stranger", account)
    assert venue.state().markets["ETH"].index_long != 0


def leave(venue):
    """All close and withdraw all they have; ben first repays what he lost. The lp's request matures and is paid."""
    for account in venue.accounts():
        for name, held in venue.state().accounts[account].positions.items() if account.actor != POOL else ():
            venue.trade(account, name, -held.size)
    for account in venue.accounts():
        debt = -venue.state().accounts[account].cash
        if debt > 0:
            interest = USDC  # accrues until the very second
            pay_in(venue, account, "USDC", debt + interest)
    for account in (a for a in venue.accounts() if a.actor != POOL):
        held = venue.state().accounts[account]
        for token, amount in held.collateral.items():
            assert venue.withdraw(account, token, amount) == amount
        if held.cash:
            assert venue.withdraw(account, "USDC", held.cash) == held.cash
    venue.request_redeem("lp", venue.state().pool.shares["lp"])
    venue.advance_to(venue.now + DAY)
    for name, price in (("ETH", 1_700), ("BTC", 34_000)):
        venue.set_price(name, price * WAD)
    venue.redeem("lp", venue.state().pool.shares["lp"])


def nothing_is_left_but_insurance_fees_and_dust(venue):
    state = venue.state()
    assert all(not account.positions and not account.collateral for account in state.accounts.values())
    assert all(account.cash == 0 for who, account in state.accounts.items() if who.actor != POOL)
    assert {market.open_interest for market in state.markets.values()} == {0}
    assert (state.pool.total_shares, state.bad_debt) == (0, 0)
    reserved = sum(market.insurance + market.treasury for market in state.markets.values())
    pooled = sum(account.cash for who, account in state.accounts.items() if who.actor == POOL)
    assert reserved > 100_000 * USDC and pooled < USDC  # the virtual shares' part
    assert 0 <= state.escrow["USDC"].credit[ENGINE] - reserved - pooled < 100
    assert state.escrow["WETH"] == replace(state.escrow["WETH"], balance=0)
    assert state.escrow["WBTC"].balance == 0


def world_start(venue):
    return venue.world.start
