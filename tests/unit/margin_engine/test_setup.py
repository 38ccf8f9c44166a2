"""What an engine is made with, and who may set what afterwards."""

import pytest

from tests.helpers import reverts
from tests.unit.margin_engine.bare import NO_FEED, bare_engine, instrument_terms, setup
from tests.world import USDC

STRANGER = "0x" + "77" * 20


@pytest.fixture
def bare(chain, owner, lp):
    return bare_engine(chain, owner, lp)


@pytest.mark.parametrize("contract", ["MarginEngine", "MarginEngineExtension", "MarginEngineListing"])
@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"debtLimitE6": 10**6}, ("debtLimitE6", 10**6, 10**6)),
        ({"openDebtLimitE6": 900_000}, ("openDebtLimitE6", 900_000, 900_000)),
    ],
)
def test_setup_outside_its_bounds_reverts(chain, bare, owner, lp, contract, changed, error):
    terms = setup(bare, owner, lp, owner, **changed)
    with reverts("InvalidParameter", *error):
        chain.deploy(contract, terms, *([] if contract == "MarginEngineListing" else [bare.engine]))


@pytest.mark.parametrize(
    ("field", "other"),
    [
        *(("debtLimitE6", 900_001), ("openDebtLimitE6", 800_001), ("settlementFeed", 1), ("depegLimitE6", 1)),
        *((role, STRANGER) for role in ("escrow", "oracle", "liquidationEngine", "auctionHouse", "pool", "parameters")),
    ],
)
def test_setup_with_a_part_of_another_setup_reverts(chain, bare, owner, lp, field, other):
    """All three parts judge by their own immutables: they must be the same to the last field."""
    terms = setup(bare, owner, lp, owner, settlementFeed=NO_FEED, depegLimitE6=0)
    changed = terms | {field: other}
    listing = chain.deploy("MarginEngineListing", terms)
    with reverts("WrongExtension", listing):
        chain.deploy("MarginEngineExtension", changed, listing)
    extension = chain.deploy("MarginEngineExtension", terms, listing)
    with reverts("WrongExtension", extension):
        chain.deploy("MarginEngine", changed, extension)
    chain.deploy("MarginEngine", terms, extension)


@pytest.mark.parametrize("decimals", [7, 18])
def test_setup_with_a_settlement_token_of_more_than_six_decimals_reverts(chain, owner, lp, decimals):
    with reverts("InvalidParameter", "settlement decimals", decimals, 6):
        bare_engine(chain, owner, lp, decimals=decimals)


@pytest.mark.parametrize("decimals", [0, 2, 6])
def test_setup_with_fewer_decimals_scales_sizes(chain, owner, lp, trader, maker, decimals):
    """Two accounts trade ten at 2,000 whatever a settlement unit is."""
    bare = bare_engine(chain, owner, lp, decimals=decimals)
    bare.list(owner)
    assert (bare.engine.SETTLEMENT_DECIMALS(), bare.engine.SIZE_SCALE()) == (decimals, 10 ** (27 - decimals))
    dollar = 10**decimals
    taker, other = (bare.open(actor, 10**6 * dollar) for actor in (trader, maker))
    risk, limits, funding = instrument_terms()
    bare.engine.setInstrument(0, (*risk[:3], 5 * dollar, *risk[4:]), (*limits[:4], dollar), funding, sender=owner)
    bare.venue.trade(taker, other, [(0, 10 * 10**9)], [-20_000 * dollar], [0])
    bare.eth.push(2_100 * 10**8)
    bare.venue.trade(taker, other, [(0, -10 * 10**9)], [21_000 * dollar], [0])
    assert bare.engine.accountState(taker).cash == 10**6 * dollar + 1_000 * dollar


def test_setup_is_shown(house, engine):
    protocol = house.protocol
    shown = [
        engine.SETTLEMENT(),
        engine.ESCROW(),
        engine.ORACLE(),
        engine.LIQUIDATION_ENGINE(),
        engine.AUCTION_HOUSE(),
        engine.POOL(),
        engine.PARAMETERS(),
    ]
    due = [
        protocol.settlement,
        protocol.escrow,
        protocol.oracle,
        protocol.liquidation,
        protocol.auctions,
        protocol.pool,
        protocol.parameters,
    ]
    assert shown == [contract.address for contract in due]
    assert (engine.DEBT_LIMIT_E6(), engine.OPEN_DEBT_LIMIT_E6()) == (900_000, 800_000)
    assert (engine.instrumentCount(), engine.collateralCount(), engine.payoutRatio()) == (17, 9, 10**18)


@pytest.mark.parametrize("role", ["owner", "guardian", "stranger"])
def test_set_anything_by_anyone_but_the_parameters_reverts(house, engine, request, role):
    caller = request.getfixturevalue(role)
    for sender in (caller, house.timelock, house.liquidator, house.auctioneer):
        for call in (
            lambda: engine.setInstrument(0, *engine.instrumentConfig(0), sender=sender),
            lambda: engine.setCollateral(0, engine.collateralConfig(0), sender=sender),
            lambda: engine.setInterest(1, sender=sender),
            lambda: engine.setTreasury(1, sender=sender),
        ):
            with reverts("Unauthorized", sender):
                call()


def test_set_collateral_lists_a_token_once(house, engine, chain):
    insider = chain.impersonate(house.parameters)
    listed = engine.collateralConfig(0)
    with reverts("TokenListed", listed.token):
        engine.setCollateral(9, listed, sender=insider)
    with reverts("TokenListed", house.usdc):
        engine.setCollateral(9, listed._replace(token=house.usdc.address), sender=insider)


@pytest.mark.parametrize("part", ["extension", "listing"])
def test_part_alone_holds_nothing_and_moves_nothing(house, stranger, trader, part):
    """Called at its own address it sees its own, empty storage: no instrument, no account, no credit."""
    alone = house.chain.at("IMarginEngine", getattr(house.protocol, part))
    house.give(stranger, "USDC", USDC)
    with reverts("Unauthorized", stranger):
        alone.setTreasury(1, sender=stranger)
    assert (alone.instrumentCount(), alone.collateralCount(), alone.treasury()) == (0, 0, 0)
    with reverts("NoReason" if part == "listing" else "Unauthorized"):
        alone.moveCash(1, 2, 1, sender=stranger)
    for verb in (
        lambda: alone.fund(0, USDC, sender=stranger),
        lambda: alone.drain(0, sender=stranger),
        lambda: alone.settleHalted(0, 1, 2, sender=stranger),
    ):
        with reverts("UnknownInstrument", 0):
            verb()
    with reverts("ZeroAmount"):
        alone.claimFees(0, sender=stranger)
    alone.settle(house.account(trader), sender=stranger)
    assert house.engine.accountState(house.account(trader)).nonce == 0


def test_engine_refuses_what_no_part_knows(house, chain, stranger):
    for data in ("0x", "0x12345678"):
        with reverts("NoReason"):
            chain.send(house.engine.address, data, sender=stranger)
    with reverts("NoReason"):
        chain.send(house.engine.address, "0x", sender=stranger, value=1)
