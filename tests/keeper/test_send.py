"""One nonce after another, written down before it is sent: stuck, dropped, outbid, taken, killed; nothing happens twice."""

import pytest

from plimsoll.errors import NodeDead, NodeRefused
from plimsoll.keeper.decide import Deed
from plimsoll.keeper.port import Call
from plimsoll.keeper.send import Manners, Sender
from plimsoll.keeper.store import Store
from tests.keeper.fake import FakeChain

DEED = Deed(Call("liquidation", "liquidateMany"), "liquidate 2", (1, 2), gas=500)
MANNERS = Manners(confirmations=2, resend=10, give_up=60, lag=5, most_fee=1_000)


class Clock:
    now = 0.0  # at boot

    def __call__(self):
        return self.now


@pytest.fixture
def fake():
    return FakeChain()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/keeper.db"


@pytest.fixture
def store(url, fake):
    return Store(url, fake.identity)


@pytest.fixture
def sender(fake, store, clock):
    return Sender(fake, store, MANNERS, clock)


def height(fake):
    return fake.blocks[-1].number


def advance(sender, fake, **more):
    return sender.advance(height(fake), **more)


def fields(raw):
    return dict(zip(("nonce", "to", "data", "gas", "fee", "tip"), raw.split("|")))


def test_trip_is_written_down_before_it_is_sent(fake, store, sender, monkeypatch):
    seen = []
    monkeypatch.setattr(fake, "publish", lambda raw: seen.append(store.trips(under_way=True)[0].raw == raw) or "")
    trip = sender.send(DEED)
    assert seen == [True] and store.trips(under_way=True) == [trip] and (trip.nonce, trip.fee, trip.tip) == (0, 22, 2)


def test_end_is_known_after_its_confirmations(fake, store, sender):
    trip = sender.send(DEED)
    fake.take(trip.hashes[0])
    assert advance(sender, fake) == [] and sender.landed(trip)
    fake.mine()
    [ended] = advance(sender, fake)
    assert (ended.end, ended.block, ended.paid) == ("done", 1, 1_000) and store.trips(under_way=True) == []


def test_refused_in_its_block_is_told(fake, sender):
    fake.take(sender.send(DEED).hashes[0], ok=False)
    fake.mine()
    assert advance(sender, fake)[0].end == "refused"


def test_several_have_nonces_that_follow_one_another(fake, sender):
    assert [sender.send(DEED).nonce for _ in range(3)] == [0, 1, 2]
    assert sender.busy == {1, 2}


def test_stuck_one_is_sent_again_at_the_same_nonce_for_more(fake, sender, clock):
    first = sender.send(DEED)
    clock.now = 9
    advance(sender, fake)
    assert fake.count("publish") == 1
    clock.now = 10
    advance(sender, fake)
    [(_, (_, raw))] = fake.mempool.items()
    assert fields(raw)["nonce"] == "0" and int(fields(raw)["fee"]) >= first.fee * 9 // 8 and int(fields(raw)["tip"]) > first.tip
    assert sender.replaced == 1 and len(sender.open[0].hashes) == 2


def test_earlier_version_that_is_mined_after_all_ends_the_trip(fake, sender, clock):
    first = sender.send(DEED)
    clock.now = 10
    advance(sender, fake)
    fake.mempool[first.hashes[0]] = (0, first.raw)
    fake.take(first.hashes[0])
    fake.mine()
    assert advance(sender, fake)[0].end == "done"


def test_fee_follows_the_market_and_stops_at_the_most(fake, sender, clock):
    sender.send(DEED)
    fake.market = (300, 50)
    clock.now = 10
    advance(sender, fake)
    assert sender.open[0].fee == 650
    fake.market = (10**6, 50)
    clock.now = 20
    advance(sender, fake)
    assert sender.open[0].fee == MANNERS.most_fee


def test_what_the_node_calls_underpriced_is_raised_at_once(fake, sender, clock):
    fake.refusing = ["underpriced"]
    sender.send(DEED)
    advance(sender, fake)
    assert len(fake.mempool) == 1 and len(sender.open[0].hashes) == 1
    fake.refusing = ["underpriced"]
    clock.now = 10
    advance(sender, fake)
    assert fields(next(iter(fake.mempool.values()))[1])["fee"] == str(sender.open[0].fee) and len(sender.open[0].hashes) == 3


def test_unreachable_node_loses_nothing(fake, store, sender, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(fake, "publish", lambda raw: (_ for _ in ()).throw(NodeDead("http://node", "reset")))
        trip = sender.send(DEED)
    assert fake.mempool == {} and store.trips(under_way=True) == [trip]
    advance(sender, fake)
    assert list(fake.mempool) == list(trip.hashes)


def test_dropped_one_is_sent_again(fake, sender, clock):
    sender.send(DEED)
    fake.mempool.clear()
    clock.now = 10
    advance(sender, fake)
    assert len(fake.mempool) == 1


def test_nonce_that_somebody_else_used_ends_it_only_when_the_node_had_time_to_know_better(fake, sender, clock):
    trip = sender.send(DEED)
    fake.used = 1
    assert advance(sender, fake) == []
    clock.now = 4
    assert advance(sender, fake) == [] and fake.count("publish") == 1
    fake.used = 0  # it was behind its own word
    assert advance(sender, fake) == []
    fake.used = 1
    clock.now = 8
    assert advance(sender, fake) == []
    clock.now = 13
    assert [(one.id, one.end) for one in advance(sender, fake)] == [(trip.id, "taken")]


def test_what_is_not_wanted_any_more_gives_its_nonce_back_to_nothing(fake, store, sender, clock):
    sender.send(DEED)
    clock.now = 10
    advance(sender, fake, wanted=lambda trip: False)
    [(hash_, (_, raw))] = fake.mempool.items()
    assert fields(raw) | {"fee": "", "tip": ""} == {"nonce": "0", "to": fake.address, "data": "0x", "gas": "21000", "fee": "", "tip": ""}
    fake.take(hash_)
    fake.mine()
    assert advance(sender, fake)[0].end == "withdrawn"


def test_first_version_that_wins_over_the_withdrawal_is_done(fake, sender, clock):
    first = sender.send(DEED)
    clock.now = 61
    advance(sender, fake)
    assert sender.open[0].data == "0x"
    fake.mempool[first.hashes[0]] = (0, first.raw)
    fake.take(first.hashes[0])
    fake.mine()
    assert advance(sender, fake)[0].end == "done"


def test_one_that_the_node_will_not_have_holds_up_no_other(fake, sender, clock):
    bad, good = sender.send(DEED), sender.send(DEED)
    fake.mempool.clear()
    publish, clock.now = fake.publish, 10

    def refuse(raw):
        if raw.startswith("0|"):
            raise NodeRefused("eth_sendRawTransaction", "exceeds block gas limit")
        return publish(raw)

    fake.publish = refuse
    with pytest.raises(NodeRefused, match="exceeds"):
        advance(sender, fake)
    assert [nonce for nonce, _ in fake.mempool.values()] == [good.nonce] and bad.nonce == 0


def test_no_ether_is_told_and_asked_about_at_leisure(fake, sender, clock):
    fake.refusing = ["poor"] * 9
    sender.send(DEED)
    assert sender.poor
    for clock.now in range(9):
        advance(sender, fake)
    assert fake.count("publish") == 1


def test_sent_and_killed_the_next_run_finds_it_mined(fake, store, url, sender, clock):
    trip = sender.send(DEED)
    fake.take(trip.hashes[0])
    fake.mine()
    store.close()
    again = Sender(fake, Store(url, fake.identity), MANNERS, clock)
    assert again.busy == {1, 2}
    assert [one.end for one in advance(again, fake)] == ["done"] and fake.count("publish") == 1


def test_written_down_and_killed_the_next_run_sends_the_same(fake, store, url, sender, clock):
    trip = sender.send(DEED)
    fake.mempool.clear()
    store.close()
    again = Sender(fake, Store(url, fake.identity), MANNERS, clock)
    advance(again, fake)
    assert list(fake.mempool) == list(trip.hashes) and again.send(DEED).nonce == 1


def test_written_down_and_killed_what_is_not_wanted_any_more_is_withdrawn(fake, store, url, sender, clock):
    sender.send(DEED)
    fake.mempool.clear()
    store.close()
    again = Sender(fake, Store(url, fake.identity), MANNERS, clock)
    advance(again, fake, wanted=lambda trip: False)
    assert fields(next(iter(fake.mempool.values()))[1])["data"] == "0x"


def test_end_in_a_block_that_is_reorganised_away_is_no_end(fake, store, sender):
    trip = sender.send(DEED)
    fake.take(trip.hashes[0])
    fake.mine()
    assert advance(sender, fake)[0].block == 1
    fake.unmine(2)
    fake.mined.clear()
    fake.used = 0
    assert [one.id for one in sender.reopen(0)] == [trip.id] and sender.reopen(0) == []
    assert store.trips(under_way=True)[0].paid == 0
    advance(sender, fake)
    assert list(fake.mempool) == list(trip.hashes) and sender.send(DEED).nonce == 1


def test_node_that_forgot_a_nonce_does_not_make_us_use_it_twice(fake, store, url, sender, clock):
    fake.take(sender.send(DEED).hashes[0])
    fake.mine()
    advance(sender, fake)
    fake.used = 0
    assert sender.send(DEED).nonce == 1
    store.close()
    assert Sender(fake, Store(url, fake.identity), MANNERS, clock).send(DEED).nonce == 2


def test_what_earns_nothing_is_written_down_with_its_cost(sender):
    assert [sender.send(Deed(DEED.call, "observe", cost=7, reward=reward)).given for reward in (0, 9)] == [7, 0]
