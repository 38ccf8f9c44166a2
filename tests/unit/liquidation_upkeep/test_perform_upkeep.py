from plimsoll import margin_math
from tests.helpers import event, reverts
from tests.unit.liquidation_upkeep.slices import packed, unpacked
from tests.world import UNIT, USDC


def test_perform_upkeep_does_what_check_upkeep_found(house, upkeep, pool, crowd, own, stranger):
    found = upkeep.checkUpkeep(packed(crowd))
    receipt = upkeep.performUpkeep(found.performData, sender=stranger)
    told = receipt.events_named("Liquidated")
    assert [e.account for e in told] == crowd[:2]
    assert {e.keeper for e in told} == {upkeep.address} and {e.taker for e in told} == {0}
    assert event(receipt, "Absorbed", account=crowd[2], keeper=upkeep).absorption.loss == 64 * USDC
    assert not any(margin_math.liquidatable(house.judge(account)) for account in crowd)
    assert upkeep.checkUpkeep(packed(crowd)).upkeepNeeded is False
    assert house.cash(own) >= sum(e.outcome.keeperReward for e in told) > 0
    assert house.cash(house.account(stranger)) == 0, "whoever sends it gets nothing"


def test_perform_upkeep_closes_all_that_is_due(house, upkeep, pool, crowd):
    """As a keeper of one's own would: no bite, no minimum, any nonce."""
    due = house.liquidation.preview(crowd[0], 10**18).outcome
    receipt = upkeep.performUpkeep(packed(crowd[:1]))
    assert receipt.event("Liquidated").outcome == due
    assert house.position(crowd[0], "ETH")[0] < 10 * UNIT


def test_perform_upkeep_skips_who_has_recovered(house, upkeep, pool, crowd):
    found = upkeep.checkUpkeep(packed(crowd))
    house.deposit(crowd[0], 5_000 * USDC)
    receipt = upkeep.performUpkeep(found.performData)
    event(receipt, "Skipped", account=crowd[0])
    assert unpacked(found.performData) == crowd[:3] and receipt.event("Liquidated").account == crowd[1]


def test_perform_upkeep_judges_anew_whatever_it_is_told(house, upkeep, pool, crowd, stranger):
    """Its data may come from anyone: sound accounts are not touched."""
    before = [(house.cash(account), house.position(account, "ETH")) for account in crowd[3:]]
    with reverts("NothingDone", 2):
        upkeep.performUpkeep(packed(crowd[3:]), sender=stranger)
    upkeep.performUpkeep(packed(crowd), sender=stranger)
    assert [(house.cash(account), house.position(account, "ETH")) for account in crowd[3:]] == before


def test_perform_upkeep_twice_reverts_the_second_time(upkeep, pool, crowd):
    """Two nodes of a network that send the same: the second pays for a revert, not for an empty success."""
    data = upkeep.checkUpkeep(packed(crowd)).performData
    upkeep.performUpkeep(data)
    with reverts("NothingDone", 3):
        upkeep.performUpkeep(data)


def test_perform_upkeep_of_no_account_reverts(upkeep):
    with reverts("EmptyBatch"):
        upkeep.performUpkeep(packed([]))


def test_perform_upkeep_of_the_same_account_twice_does_it_once(upkeep, pool, crowd):
    receipt = upkeep.performUpkeep(packed(crowd[:1] * 2))
    assert receipt.event("Liquidated").account == receipt.event("Skipped").account == crowd[0]


def test_perform_upkeep_that_the_pool_refuses_says_nothing_was_done(upkeep, crowd):
    """Nobody has put money into the pool."""
    with reverts("NothingDone", 2):
        upkeep.performUpkeep(packed(crowd[:2]))
