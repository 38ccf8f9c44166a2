import pytest

from plimsoll import margin_math
from tests.helpers import reverts
from tests.unit.liquidation_upkeep.slices import packed, unpacked
from tests.world import USDC, WAD, ZERO


def needed(upkeep, accounts):
    answer = upkeep.checkUpkeep(packed(accounts))
    assert answer.upkeepNeeded == bool(unpacked(answer.performData))
    return unpacked(answer.performData)


def test_check_upkeep_names_the_sunken_accounts_of_its_slice(house, upkeep, crowd):
    assert needed(upkeep, crowd) == crowd[:3], "weak, weak, insolvent"
    assert needed(upkeep, crowd[1:]) == crowd[1:3]
    assert needed(upkeep, reversed(crowd)) == crowd[2::-1]
    assert [margin_math.liquidatable(house.judge(account)) for account in crowd] == [True] * 3 + [False] * 2


@pytest.mark.parametrize("chosen", [slice(3, 5), slice(0, 0)])
def test_check_upkeep_of_sound_accounts_or_none_needs_nothing(upkeep, crowd, chosen):
    assert needed(upkeep, crowd[chosen]) == []


def test_check_upkeep_at_the_line_is_not_needed_and_one_unit_below_it_is(house, upkeep, crowd, short):
    account = crowd[0]
    house.bring_equity(account, house.judge(account).maintenance)
    assert needed(upkeep, [account]) == []
    house.engine.seize(account, [], [(account, -1), (short, 1)], [], [], sender=house.liquidator)
    assert needed(upkeep, [account]) == [account]


def test_check_upkeep_passes_over_an_account_without_a_price(house, upkeep, crowd, short, other_trader):
    account = house.open(other_trader, 4_000 * USDC)
    house.trade(account, short, {"BTC": 1})
    house.reprice("BTC", 37_000)
    assert needed(upkeep, [*crowd, account]) == [*crowd[:3], account]
    house.protocol.feeds["ETH"].setMode(1)
    assert needed(upkeep, [*crowd, account]) == [account]


def test_check_upkeep_agrees_with_the_lens_on_portfolios(house, upkeep, trader, short):
    accounts = [house.open(trader, 3_000 * USDC, sub, WETH=WAD) for sub in range(1, 9)]
    for i, account in enumerate(accounts):
        house.trade(account, short, {"ETH": 5 + 2 * i, "SOL": -100})
    house.reprice("ETH", 1_730)
    below = house.protocol.lens.liquidatable(accounts)
    assert any(below) and not all(below)
    assert needed(upkeep, accounts) == [account for account, sunk in zip(accounts, below) if sunk]


def test_check_upkeep_may_be_asked_by_nobody(upkeep, crowd):
    """Automation networks simulate it from the zero address."""
    assert unpacked(upkeep.checkUpkeep(packed(crowd), sender=ZERO).performData) == crowd[:3]


def test_check_upkeep_of_what_is_no_list_reverts(upkeep):
    with reverts("NoReason"):
        upkeep.checkUpkeep(b"\1" * 31)


def test_upkeep_points_where_the_lens_does(house, upkeep, treasury):
    lens = house.protocol.lens
    assert (upkeep.LENS(), upkeep.ENGINE(), upkeep.BENEFICIARY()) == (lens.address, house.engine.address, treasury)
    assert upkeep.LIQUIDATION_ENGINE() == house.liquidation.address


def test_upkeep_without_a_beneficiary_is_refused(house, chain):
    with reverts("NoBeneficiary"):
        chain.deploy("LiquidationUpkeep", house.protocol.lens, ZERO)
