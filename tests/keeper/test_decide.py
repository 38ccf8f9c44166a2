"""The decision is a pure function: order, profit, gas, and who takes what where there are several keepers."""

from plimsoll.keeper.decide import ANY_NONCE, BASE_GAS, MOST_GAS, Case, Deed, Rivals, Standing, Terms, plan, worthwhile
from plimsoll.keeper.port import Call
from plimsoll.types import USDC, WAD

GWEI = 10**9
FREE = Terms(gas_price=0, ether=0, unit=USDC, part_gas=26_000)
DEAR = Terms(gas_price=20 * GWEI, ether=2_000 * WAD, unit=USDC, part_gas=26_000)


def case(account, equity=0, maintenance=100, reward=10 * USDC, legs=1):
    return Case(Standing(account, equity, maintenance, legs), 0, WAD, reward)


def test_most_underwater_comes_first():
    [deed] = plan([case(1, 50), case(2, -5), case(3, 99), case(4, -1, maintenance=0, legs=0)], FREE).deeds
    assert deed.accounts == (4, 2, 1, 3)
    assert deed.call == Call("liquidation", "liquidateMany", (tuple((a, 0, WAD, 0, ANY_NONCE) for a in (4, 2, 1, 3)),))


def test_account_whose_reward_does_not_pay_for_its_gas_is_left_out_and_named():
    worth = DEAR.cost(DEAR.gas_of(case(1).standing))
    decided = plan([case(1, reward=worth - 1), case(2, reward=50 * USDC)], DEAR)
    assert [deed.accounts for deed in decided.deeds] == [(2,)] and decided.unpaid == (1,)


def test_dust_cannot_be_carried_by_what_the_others_bring():
    dust = [case(100 + i, equity=-i, reward=1) for i in range(500)]
    decided = plan([*dust, case(1, reward=1_000 * USDC)], DEAR)
    assert [deed.accounts for deed in decided.deeds] == [(1,)] and len(decided.unpaid) == 500


def test_batch_that_does_not_pay_for_the_transaction_itself_is_not_sent():
    worth = DEAR.cost(DEAR.gas_of(case(1).standing))
    assert plan([case(1, reward=worth)], DEAR).deeds == ()
    both = plan([case(i, reward=worth + DEAR.cost(BASE_GAS)) for i in (1, 2)], DEAR)
    assert len(both.deeds) == 1 and both.deeds[0].profit >= 0


def test_least_profit_is_of_a_transaction():
    terms = Terms(0, 0, USDC, least_profit=25 * USDC, part_gas=26_000)
    assert plan([case(1), case(2)], terms).unpaid == (1, 2)
    assert len(plan([case(1), case(2), case(3)], terms).deeds) == 1


def test_cost_is_gas_at_its_price_in_settlement_units_rounded_up():
    assert Terms(20 * GWEI, 2_000 * WAD, USDC).cost(1_000_000) == 40 * USDC
    assert Terms(1, 1, USDC).cost(1) == 1 and FREE.cost(10**9) == 0


def test_each_batch_keeps_within_the_gas_of_a_transaction_and_leaves_what_the_contract_wants_for_the_last():
    cases = [case(i, equity=-i, legs=1 + i % 16) for i in range(300)]
    deeds = plan(cases, FREE).deeds
    assert sorted(account for deed in deeds for account in deed.accounts) == list(range(300))
    by_account = {one.account: one.standing for one in cases}
    for deed in deeds:
        used = sum(FREE.gas_of(by_account[account]) for account in deed.accounts[:-1])
        assert deed.gas <= MOST_GAS and (deed.gas - used) * 63 // 64 >= 4_500_000 * by_account[deed.accounts[-1]].parts // 19
    assert len(deeds) < 30


def test_account_that_needs_more_than_a_small_block_is_sent_alone_at_most_with_the_blocks_gas():
    small = Terms(0, 0, USDC, part_gas=200_000, most_gas=1_000_000)
    assert [(deed.accounts, deed.gas) for deed in plan([case(1, legs=16), case(2, legs=16)], small).deeds] == [((1,), 10**6), ((2,), 10**6)]


def test_what_earns_nothing_is_done_while_it_is_cheap():
    chore = Deed(Call("oracle", "observe", (0,)), "observe", gas=100_000)
    paid = Deed(Call("engine", "drain", (0,)), "drain", gas=100_000, reward=9 * USDC)
    terms = Terms(20 * GWEI, 2_000 * WAD, USDC, upkeep=4 * USDC)
    assert [deed.what for deed in worthwhile([chore, paid], terms)] == ["drain", "observe"]
    assert [deed.what for deed in worthwhile([chore, paid], Terms(21 * GWEI, 2_000 * WAD, USDC, upkeep=4 * USDC))] == ["drain"]
    assert worthwhile([Deed(chore.call, "", gas=100_000, reward=1)], terms) == []


def test_what_earns_nothing_is_done_while_the_days_upkeep_lasts_the_cheapest_first():
    chores = [Deed(Call("oracle", "observe", (i,)), str(i), gas=gas) for i, gas in enumerate((50_000, 25_000, 100_000, 25_000))]
    terms = Terms(20 * GWEI, 2_000 * WAD, USDC, upkeep=4 * USDC)
    assert [deed.what for deed in worthwhile(chores, terms)] == ["1", "3", "0"]


def deeds(count):
    return [Deed(Call("", ""), str(i), (i,)) for i in range(count)]


def names(found):
    return [deed.what for deed in found]


def test_keeper_alone_takes_as_many_as_may_be_sent_at_once():
    assert names(Rivals("0xB").share(deeds(5), 10, 3)) == ["0", "1", "2"]


def test_keepers_that_know_of_each_other_never_take_the_same_batch():
    keepers = [Rivals(address) for address in ("0xa", "0xb", "0xc")]
    for one in keepers:
        for other in keepers:
            one.note(other.me, 10, won=True)
    assert [names(one.share(deeds(3), 11, 4)) for one in keepers] == [["0"], ["1"], ["2"]]


def test_batch_that_nobody_takes_is_taken_by_who_waited():
    last = Rivals("0xc")
    last.note("0xa", 10, won=True)
    last.note("0xb", 10, won=True)
    assert [names(last.share(deeds(1), block, 1)) for block in range(11, 16)] == [[], [], [], [], ["0"]]


def test_waiting_begins_anew_when_somebody_takes_something_but_not_when_he_only_tries():
    last = Rivals("0xb")
    last.note("0xa", 10, won=True)
    assert [names(last.share(deeds(1), block, 1)) for block in (11, 12)] == [[], []]
    last.note("0xa", 12, won=False)
    assert names(last.share(deeds(1), 13, 1)) == ["0"]
    assert [names(last.share(deeds(1), block, 1)) for block in (14, 15)] == [[], []]
    last.note("0xa", 15, won=True)
    assert names(last.share(deeds(1), 16, 1)) == []


def test_rival_that_is_not_seen_any_more_is_forgotten_and_a_crowd_keeps_nobody_waiting_for_long():
    me = Rivals("0xff")
    me.note("0xa", 10, won=True)
    assert names(me.share(deeds(2), 11, 2)) == ["1"] and names(me.share(deeds(2), 1_000, 2)) == ["0", "1"]
    for i in range(100):
        me.note(f"0x{i:02x}", 2_000, won=True)
    waited = next(block for block in range(100) if names(me.share(deeds(1), 2_001 + block, 1)))
    assert waited <= 8
