"""A feed that is broken on purpose ends as a Fault of its own, whatever it does and however much gas there is."""

import pytest

from plimsoll.errors import NodeRefused, Reverted

REVERT, EAT_GAS = 1, 2
FEED_GAS, NEEDED = 200_000, 210_000


@pytest.mark.parametrize("mode", [REVERT, EAT_GAS])
def test_peek_feed_fails_is_refused(listed, aggregator, fault, refused, mode):
    aggregator.setMode(mode)
    refused(listed, fault.CallFailed)
    assert listed.freshness(0) == (0, 0)


def test_peek_feed_without_data_is_refused(listed, aggregator, fault, refused):
    aggregator.setRound(9, 0, 0, 0, 0)
    refused(listed, fault.CallFailed)


@pytest.mark.parametrize("length", [0, 1, 32, 64, 128, 159])
def test_peek_feed_answers_too_little_is_refused(chain, listed, aggregator, words, fault, refused, length):
    aggregator.setRaw(words(1, 2_000 * 10**8, chain.now, chain.now, 1)[:length])
    refused(listed, fault.CallFailed)


@pytest.mark.parametrize("extra", [0, 1, 32, 1_000])
def test_peek_feed_answers_more_is_a_price(chain, listed, aggregator, words, accepted, extra):
    aggregator.setRaw(words(1, 2_000 * 10**8, chain.now, chain.now, 1) + b"\xff" * extra)
    assert accepted(listed).mid == 2_000 * 10**18


@pytest.mark.parametrize(("round_id", "answered_in"), [(2**80, 2**80), (2**80, 1), (1, 2**80), (2**255, 2**256 - 1)])
def test_peek_feed_answers_dirty_round_ids_is_refused(
    chain, listed, aggregator, words, fault, refused, round_id, answered_in
):
    aggregator.setRaw(words(round_id, 2_000 * 10**8, chain.now, chain.now, answered_in))
    refused(listed, fault.CallFailed)


def test_peek_feed_answers_all_ones_is_refused(listed, aggregator, words, fault, refused):
    aggregator.setRaw(b"\xff" * 160)
    refused(listed, fault.CallFailed)
    aggregator.setRaw(words(1, -1, -1, -1, 1))
    refused(listed, fault.NotPositive, found=1)


@pytest.mark.parametrize("size", [100_000, 200_000, 10**7])
def test_peek_feed_answers_a_flood_is_refused_at_a_bounded_price(chain, listed, aggregator, fault, refused, size):
    aggregator.setBomb(size)
    refused(listed, fault.NotPositive if size < 10**7 else fault.CallFailed)
    assert chain.send(listed.address, listed.encode("peek", 0, False), gas=500_000).gas_used < FEED_GAS + 60_000


def test_peek_feed_eats_gas_costs_no_more_than_its_share(chain, listed, aggregator):
    aggregator.setMode(EAT_GAS)
    assert chain.send(listed.address, listed.encode("peek", 0, False)).gas_used < FEED_GAS + 60_000


def test_limits_of_a_feed_are_as_published(oracle):
    assert (oracle.FEED_GAS(), oracle.MAX_DECIMALS(), oracle.MAX_PRICE()) == (FEED_GAS, 18, 2**88 - 1)


@pytest.mark.parametrize("behind_proxy", [False, True])
def test_peek_any_gas_never_blames_a_sound_feed(chain, oracle, add, aggregator, behind_proxy):
    """Else a transaction with too little gas could prove a sound feed dead, and halt its instrument."""
    add(aggregator=chain.deploy("MockProxy", aggregator) if behind_proxy else aggregator)
    request = {"to": oracle.address, "data": oracle.encode("peek", 0, False)}
    verdicts = {"ran out": 0, "price": 0}
    for gas in [*range(22_000, 60_000, 200), *range(60_000, 400_000, 9_973)]:
        try:
            answer = chain.rpc("eth_call", request | {"gas": hex(gas)}, "latest")
        except NodeRefused:
            verdicts["ran out"] += 1
            continue
        assert int(answer[2 + 64 * 4 : 2 + 64 * 5], 16) == 0, f"a fault with {gas} gas"
        verdicts["price"] += 1
    assert min(verdicts.values()) > 20


@pytest.mark.parametrize("view", ["peek", "prices", "freshness"])
def test_peek_feed_fails_with_too_little_gas_is_not_blamed(chain, listed, aggregator, view):
    aggregator.setMode(EAT_GAS)
    args = {"peek": (0, False), "prices": ([0], False), "freshness": (0,)}[view]
    with pytest.raises(Reverted) as caught:
        chain.send(listed.address, listed.encode(view, *args), gas=NEEDED + 10_000)
    have, need = caught.value.args
    assert (caught.value.name, need) == ("TooLittleGas", NEEDED)
    assert have < NEEDED


def test_peek_feed_code_gone_is_refused(chain, listed, aggregator, fault, refused):
    chain.rpc("anvil_setCode", aggregator.address, "0x")
    refused(listed, fault.CallFailed)


def test_peek_healthy_feed_beside_a_hostile_one_is_a_price(listed, add, aggregator, make_aggregator, accepted):
    add(aggregator=make_aggregator(50 * 10**8))
    aggregator.setMode(EAT_GAS)
    assert accepted(listed, feed=1).mid == 50 * 10**18
