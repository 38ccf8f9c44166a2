"""One deployment for all: every contract knows the others, the timelock owns them, the world arrives in their units."""

from dataclasses import replace

import pytest

from plimsoll.chain.deployment import TIMELOCK_DELAY, Deployment, Roles
from plimsoll.chain.standard import INSURANCE, POOL_SUPPLY, standard_world
from plimsoll.chain.terms import market_config
from plimsoll.errors import ToolchainError
from plimsoll.types import DAY, USDC, WAD, FeedSpec, InstrumentSpec, World
from tests.helpers import event, reverts

ETH, BTC = 0, 1
UNIT = 10**9
NOBODY = "0x" + "00" * 20


def test_deployment_of_a_whole_protocol_verifies(protocol):
    protocol.verify()
    assert protocol.engine.EXTENSION() == protocol.extension.address
    assert protocol.engine.POOL() == protocol.pool.address
    assert protocol.liquidation.ENGINE() == protocol.engine.address


@pytest.fixture(scope="module")
def other(chain):
    """A second protocol on the same chain."""
    return Deployment.deploy(chain, standard_world())


@pytest.mark.parametrize(
    "name, view",
    [
        ("escrow", "ESCROW"),
        ("oracle", "ORACLE"),
        ("settlement", "SETTLEMENT"),
        ("liquidation", "LIQUIDATION_ENGINE"),
        ("parameters", "PARAMETERS"),
        ("extension", "EXTENSION"),
        ("pool", "POOL"),
        ("lens", "ENGINE"),
        ("timelock", "owner"),
        ("engine", "EXTENSION"),
    ],
)
def test_verify_names_what_points_elsewhere(protocol, other, name, view):
    with pytest.raises(ToolchainError, match=rf"\.{view} is 0x\w{{40}} where 0x\w{{40}} is due"):
        replace(protocol, **{name: getattr(other, name)}).verify()


def test_second_protocol_on_a_chain_is_another_one(protocol, other):
    other.verify()
    assert set(protocol.addresses().values()).isdisjoint(other.addresses().values())


def test_deployer_is_left_with_nothing(protocol, stranger):
    deployer, config = protocol.roles.deployer, market_config(protocol.world.instruments[0].market)
    for contract, fn, args in (
        (protocol.pool, "setMarket", (ETH, config)),
        (protocol.parameters, "setInterest", (0,)),
        (protocol.parameters, "setGuardian", (deployer,)),
        (protocol.oracle, "transferOwnership", (deployer,)),
    ):
        with reverts("OwnableUnauthorizedAccount", deployer):
            contract.fn(fn)(*args, sender=deployer)
    for role in ("PROPOSER_ROLE", "CANCELLER_ROLE", "DEFAULT_ADMIN_ROLE"):
        assert not protocol.timelock.hasRole(protocol.timelock.fn(role)(), deployer), role
    assert protocol.settlement.balanceOf(deployer) == 0


def test_govern_announces_waits_and_executes(protocol, chain, owner):
    config, _ = protocol.pool.marketConfig(ETH)
    before = chain.now
    receipt = protocol.govern(protocol.pool, "setMarket", ETH, config._replace(spreadE6=700))
    assert chain.now >= before + TIMELOCK_DELAY
    assert event(receipt, "MarketSet", instrument=ETH).config.spreadE6 == 700
    protocol.govern(protocol.pool, "setMarket", ETH, config)  # the same target again
    assert protocol.pool.marketConfig(ETH).config == config


def test_govern_by_a_stranger_is_refused(protocol, stranger):
    fooled = replace(protocol, roles=replace(protocol.roles, governor=stranger))
    with reverts("AccessControlUnauthorizedAccount"):
        fooled.govern(protocol.parameters, "setInterest", 0)


def test_operation_before_its_time_is_refused(protocol, chain, owner, stranger):
    operation = (protocol.parameters, 0, protocol.parameters.encode("setInterest", 0), b"\0" * 32, b"\1" * 32)
    with reverts("TimelockInsufficientDelay", TIMELOCK_DELAY - 1, TIMELOCK_DELAY):
        protocol.timelock.schedule(*operation, TIMELOCK_DELAY - 1, sender=owner)
    protocol.timelock.schedule(*operation, TIMELOCK_DELAY, sender=owner)
    chain.advance(TIMELOCK_DELAY - 2)
    with reverts("TimelockUnexpectedOperationState"):
        protocol.timelock.execute(*operation, sender=stranger)
    protocol.timelock.execute(*operation, sender=stranger)  # a second later; anyone may


def test_timelock_never_waits_less_than_its_floor(chain, owner):
    timelock = chain.deploy("Timelock", 0, [owner], [NOBODY])
    assert timelock.getMinDelay() == timelock.FLOOR() == 3 * DAY
    lower = (timelock, 0, timelock.encode("updateDelay", 1), b"\0" * 32, b"\0" * 32)
    timelock.schedule(*lower, 3 * DAY, sender=owner)
    chain.advance(3 * DAY)
    timelock.execute(*lower, sender=owner)
    assert timelock.getMinDelay() == 3 * DAY
    longer = chain.deploy("Timelock", 10 * DAY, [owner], [NOBODY])
    assert longer.getMinDelay() == 10 * DAY


def test_instruments_arrive_in_contract_units(protocol):
    for spec in protocol.world.instruments:
        i = protocol.instruments[spec.name]
        risk, limits, funding = protocol.engine.instrumentConfig(i)
        assert (risk.baseE6, risk.slopeE6, risk.penaltyE6) == (spec.base_e6, spec.slope_e6, spec.penalty_e6)
        assert (risk.depth, risk.floor) == (spec.depth * UNIT, 5 * USDC)
        assert risk.initialMultipleE6 == spec.initial_multiple_e6
        assert (risk.listed, risk.reduceOnly, risk.feed) == (True, False, i)
        assert (limits.capUnits, limits.capValue) == (spec.cap_units * UNIT, spec.cap_value)
        assert (limits.oiThresholdE6, limits.oiSlopeE6) == (spec.oi_threshold_e6, spec.oi_slope_e6)
        assert limits.minNotional == spec.min_notional
        assert (funding.scale, funding.maxRateE8) == (spec.scale * UNIT, spec.max_rate_e8)
        assert (funding.insuranceShareE6, funding.treasuryShareE6) == (200_000, 100_000)
        assert protocol.engine.fundOf(i) == (INSURANCE, 0)
        assert protocol.pool.marketConfig(i).config == tuple(market_config(spec.market).values())


def test_collaterals_arrive_in_token_units(protocol):
    for spec in protocol.world.collaterals:
        config = protocol.engine.collateralConfig(protocol.collaterals[spec.name])
        unit = 10**spec.token.decimals
        assert config.token == protocol.tokens[spec.name].address and config.decimals == spec.token.decimals
        assert (config.depth, config.cap) == (spec.depth * unit, spec.cap * unit)
        assert (config.haircutE6, config.maxHaircutE6) == (spec.haircut_e6, spec.max_haircut_e6)
    assert protocol.engine.collateralCount() == 2


def test_feeds_arrive_with_their_spread_and_bounds(protocol):
    for i, spec in enumerate(protocol.world.feeds):
        config, decimals = protocol.oracle.feedConfig(i)
        assert (config.aggregator, decimals) == (protocol.proxies[spec.name].address, spec.decimals)
        assert (config.heartbeat, config.grace, config.spreadE6) == (spec.heartbeat, spec.grace, spec.half_spread_e6)
        assert (config.minAnswer, config.maxAnswer) == (spec.min_price // 10**10, spec.max_price // 10**10)
    assert protocol.oracle.prices([ETH, BTC], True)[BTC].mid == 40_000 * WAD


def test_houses_accounts_and_the_pool_are_ready(protocol, treasury, lp):
    assert protocol.engine.treasury() == protocol.account(treasury)
    assert protocol.pool.equity() == (POOL_SUPPLY,) * 3
    assert protocol.pool.balanceOf(lp) == POOL_SUPPLY * 10**6
    for i in (ETH, BTC):
        assert protocol.engine.accountState(protocol.account(protocol.pool, i + 1)).cash == POOL_SUPPLY // 2


def test_set_price_rounds_down_to_the_feeds_decimals_and_refresh_repeats_it(protocol, chain):
    protocol.set_price("ETH", 1_234 * WAD + 10**10 - 1)
    assert protocol.oracle.peek(ETH, False).price.mid == 1_234 * WAD
    chain.advance(9 * DAY)
    assert protocol.oracle.peek(ETH, False).fault == 7  # Stale
    protocol.refresh()
    assert protocol.oracle.peek(ETH, False).price.mid == 1_234 * WAD
    assert protocol.oracle.peek(BTC, False).price.mid == 40_000 * WAD


def test_world_that_breaks_the_listing_rule_is_refused(chain):
    with reverts("InvalidParameter", "penaltyE6", 15_000, 10_000):
        Deployment.deploy(chain, with_instrument(base_e6=20_000))


@pytest.mark.parametrize(
    "world, refused",
    [
        (lambda: with_instrument(slope_e6=2**24), ("OutOfRange",)),
        (lambda: with_instrument(depth=2**80), ("OutOfRange",)),
        (lambda: with_token(19), ("InvalidParameter", "decimals", 19, 18)),
        (lambda: with_feed(decimals=19), ("InvalidFeed", "decimals", 19)),
        (lambda: with_feed(grace=2 * DAY), ("InvalidFeed", "grace", 2 * DAY)),
        (lambda: with_feed(price=WAD // 1_000), ("InvalidPrice", 0, 4, 10**5, 101_000)),
    ],
)
def test_world_that_cannot_be_is_refused_by_name(chain, world, refused):
    with reverts(*refused):
        Deployment.deploy(chain, world())


def with_instrument(**fields):
    world = standard_world()
    return replace(world, instruments=(replace(world.instruments[0], **fields),))


def with_feed(**fields):
    world = standard_world()
    return replace(world, feeds=(replace(world.feeds[0], **fields), world.feeds[1]))


def with_token(decimals):
    world = standard_world()
    weth = world.collaterals[0]
    return replace(world, collaterals=(replace(weth, token=replace(weth.token, decimals=decimals)),))


def test_feeds_and_tokens_of_any_decimals(chain, accounts):
    feed = FeedSpec("ODD", 3 * WAD, decimals=18, deviation_e6=10_000)
    world = World(start=0, feeds=(feed,), instruments=(InstrumentSpec("ODD", "ODD"),))
    made = Deployment.deploy(chain, world, Roles(accounts[11], accounts[12], accounts[13], accounts[14]))
    assert made.oracle.peek(0, False).price.mid == 3 * WAD
    assert set(made.addresses()) >= {"engine", "pool", "lens", "token USDC", "feed ODD"}
