"""setCollateral and applyCollateral: the bounds, and the notice."""

import pytest

from plimsoll import margin_math
from plimsoll.fixed_point import WAD
from tests.helpers import event, plain, reverts
from tests.unit.parameters.terms import coin
from tests.world import DAY, MAX, USDC, ZERO

NEXT = 9


@pytest.fixture
def token(chain):
    return chain.deploy("MockToken", "New", "NEW", 18)


def test_set_collateral_lists_at_once_and_tells(engine, parameters, timelock, token):
    receipt = parameters.setCollateral(NEXT, coin(token), sender=timelock)
    assert plain(tuple(engine.collateralConfig(NEXT))) == plain((token, 100_000, 500_000, 0, 18, 10**24, 10**24))
    assert engine.collateralCount() == NEXT + 1
    event(receipt, "CollateralSet", collateral=NEXT, riskFrom=receipt.timestamp)


@pytest.mark.parametrize("role", ["owner", "guardian", "stranger"])
def test_set_collateral_by_anyone_but_the_owner_reverts(parameters, token, request, role):
    caller = request.getfixturevalue(role)
    with reverts("OwnableUnauthorizedAccount", caller):
        parameters.setCollateral(NEXT, coin(token), sender=caller)


@pytest.mark.parametrize("collateral", [NEXT + 1, 31, 32, MAX])
def test_set_collateral_out_of_order_reverts(parameters, timelock, token, collateral):
    with reverts("UnknownCollateral", collateral):
        parameters.setCollateral(collateral, coin(token), sender=timelock)


def test_set_collateral_lists_no_more_than_thirty_two(chain, parameters, timelock, engine):
    for i in range(NEXT, 32):
        parameters.setCollateral(i, coin(chain.deploy("MockToken", "T", "T", 18)), sender=timelock)
    with reverts("UnknownCollateral", 32):
        parameters.setCollateral(32, coin(chain.deploy("MockToken", "T", "T", 18)), sender=timelock)


@pytest.mark.parametrize(
    ("fits", "breaks", "error"),
    [
        ({}, {"decimals": 17}, ("decimals", 17, 18)),
        ({}, {"decimals": 19}, ("decimals", 19, 18)),
        ({"haircutE6": 10**6, "maxHaircutE6": 10**6}, {"haircutE6": 10**6 + 1}, ("haircutE6", 10**6 + 1, 10**6)),
        ({"maxHaircutE6": 100_000}, {"maxHaircutE6": 99_999}, ("maxHaircutE6", 99_999, 100_000)),
        ({"maxHaircutE6": 550_000}, {"maxHaircutE6": 550_001}, ("maxHaircutE6", 550_001, 550_000)),
        (
            {"haircutE6": 1, "maxHaircutE6": 500_000},
            {"haircutE6": 1, "maxHaircutE6": 500_001},
            ("maxHaircutE6", 500_001, 500_000),
        ),
        ({"depth": 1}, {"depth": 0}, ("depth", 0, 1)),
        ({"feed": 4}, {"feed": 5}, ("feeds", 5, 6)),
    ],
)
def test_set_collateral_at_a_bound_is_taken_and_beyond_it_reverts(parameters, timelock, token, fits, breaks, error):
    with reverts("InvalidParameter", *error):
        parameters.setCollateral(NEXT, coin(token, **breaks), sender=timelock)
    parameters.setCollateral(NEXT, coin(token, **fits), sender=timelock)


def test_set_collateral_with_more_than_eighteen_decimals_reverts(chain, parameters, timelock):
    token = chain.deploy("MockToken", "Nineteen", "N", 19)
    with reverts("InvalidParameter", "decimals", 19, 18):
        parameters.setCollateral(NEXT, coin(token, decimals=19), sender=timelock)


def test_set_collateral_of_a_listed_or_a_settlement_token_reverts(house, parameters, timelock):
    for token, decimals in ((house.token("WETH"), 18), (house.usdc, 6)):
        with reverts("TokenListed", token):
            parameters.setCollateral(NEXT, coin(token, decimals=decimals), sender=timelock)


def test_set_collateral_of_what_is_no_token_reverts(parameters, timelock, stranger):
    for address in (ZERO, stranger):
        with reverts("NoReason"):
            parameters.setCollateral(NEXT, coin(address), sender=timelock)


# A change ---------------------------------------------------------------------------------------------------------


def test_set_collateral_again_never_changes_the_token(house, parameters, timelock, token):
    with reverts("UnknownToken", token):
        parameters.setCollateral(0, coin(token), sender=timelock)


def test_set_collateral_again_changes_the_cap_at_once_and_waits_with_the_rest(
    house, engine, chain, parameters, timelock, trader
):
    """ADM-1: h waits."""
    account = house.open(trader, WETH=10 * WAD)
    before, old = house.judge(account).collateral, engine.collateralConfig(0)
    harsh = coin(house.token("WETH"), haircutE6=800_000, maxHaircutE6=900_000, depth=1, feed=4, cap=7)
    receipt = parameters.setCollateral(0, harsh, sender=timelock)
    event(receipt, "CollateralSet", collateral=0, riskFrom=receipt.timestamp + 3 * DAY)
    assert engine.collateralConfig(0) == old._replace(cap=7)
    assert house.judge(account).collateral == before
    assert parameters.pendingCollateral(0)[1] == receipt.timestamp + 3 * DAY
    chain.set_next_time(receipt.timestamp + 3 * DAY - 1)
    with reverts("NoticeRunning", receipt.timestamp + 3 * DAY):
        parameters.applyCollateral(0)
    told = event(parameters.applyCollateral(0), "CollateralApplied", collateral=0)
    assert engine.collateralConfig(0).haircutE6 == told.config.haircutE6 == 800_000
    assert house.judge(account).collateral == USDC  # 10 WETH at the price of MEME less 90 %


def test_apply_collateral_keeps_a_cap_that_was_lowered_meanwhile(house, engine, chain, parameters, timelock, guardian):
    parameters.setCollateral(0, coin(house.token("WETH"), haircutE6=200_000), sender=timelock)
    parameters.lowerCollateralCap(0, 5, sender=guardian)
    chain.advance(3 * DAY)
    parameters.applyCollateral(0)
    assert (engine.collateralConfig(0).cap, engine.collateralConfig(0).haircutE6) == (5, 200_000)


def test_apply_collateral_of_what_is_not_pending_reverts(parameters):
    for collateral in (0, 99):
        with reverts("NothingPending", collateral):
            parameters.applyCollateral(collateral)


def test_set_collateral_never_lets_a_deposit_lower_what_it_counts():
    """maxHaircut ≤ (1 + h₀)/2 is just enough: one millionth more, and C falls by a deposit near h_max."""

    def value(h_max, amount):
        terms = margin_math.Coin(0, amount, WAD, WAD, 200_000 * 10**12, h_max * 10**12, 10**24, 10**36, 0)
        return margin_math.collateral_value(terms, 10**9 * WAD)

    for h_max, falls in ((600_000, False), (650_000, True)):
        amounts = [10**18 * n for n in range(300_000, 500_000, 500)]
        values = [value(h_max, amount) for amount in amounts]
        assert any(b < a for a, b in zip(values, values[1:])) == falls
