"""What the keeper remembers outlives it, whatever kills it; and a store that is not its own is refused in words."""

import pytest

from plimsoll.errors import StoreError
from plimsoll.keeper.book import Holding
from plimsoll.keeper.records import Checkpoint, Trip
from plimsoll.keeper.store import BLOCKS_KEPT, Store
from plimsoll.state import Position
from tests.keeper.fake import ME, FakeChain, Told, Outcome

IDENTITY = FakeChain.identity
ADA, BOB = (2**160 - 1) << 96 | 7, 2 << 96
HELD = Holding(-(2**79), 2**24 - 1, 10**9, 2**127, {0: Position(2**79 - 1, -(2**95), -5), 15: Position(-1, 2, 3)}, {7: 2**103})
TRIP = Trip(0, 7, "liquidate 2", (ADA, BOB), "0xto", "0xdata", 10**6, 20, 2, ("0xa", "0xb"), "0xraw")


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/keeper.db"


@pytest.fixture
def store(url):
    return Store(url, IDENTITY)


def touch(block, *accounts):
    return [Told(block, f"0x{block}", i, "0xtx", "AccountUpdated", {"account": a}, (a,)) for i, a in enumerate(accounts)]


def win(block, account, keeper=ME, reward=5, transaction="0xtx"):
    args = {"account": account, "keeper": keeper, "outcome": Outcome(reward, 0)}
    return Told(block, f"0x{block}", 9, transaction, "Liquidated", args)


def test_holding_is_kept_to_the_last_unit(store, url):
    store.mark([ADA])
    store.keep({ADA: HELD})
    store.close()
    assert dict(Store(url, IDENTITY).accounts()) == {ADA: HELD}


def test_what_is_touched_is_stale_until_it_was_read(store):
    store.advance(Checkpoint(3, "0x3"), {3: "0x3"}, touch(3, ADA, BOB))
    assert set(store.stale()) == {ADA, BOB}
    store.keep({ADA: HELD, BOB: Holding()})
    assert store.stale() == []
    store.advance(Checkpoint(4, "0x4"), {4: "0x4"}, touch(4, BOB))
    assert store.stale() == [BOB] and store.checkpoint == Checkpoint(4, "0x4")
    assert dict(store.accounts())[BOB] == Holding()


def test_only_the_latest_blocks_are_kept(store):
    for number in range(1, BLOCKS_KEPT + 50):
        store.advance(Checkpoint(number, f"0x{number}"), {number: f"0x{number}"}, touch(number, ADA))
    assert list(store.hashes()) == list(range(BLOCKS_KEPT + 49, 49, -1))


def test_unwinding_marks_whom_later_blocks_touched_and_forgets_what_was_won_there(store):
    store.advance(Checkpoint(3, "0x3"), {2: "0x2", 3: "0x3"}, [*touch(2, ADA), *touch(3, BOB), win(2, ADA), win(3, BOB)])
    store.keep({ADA: HELD, BOB: HELD})
    assert store.unwind(Checkpoint(2, "0x2")) == 1
    assert store.stale() == [BOB] and store.hashes() == {2: "0x2"} and store.checkpoint.number == 2
    assert [w.account for w in store.wins()] == [ADA]


def test_event_told_twice_counts_once(store):
    for _ in range(2):
        store.advance(Checkpoint(3, "0x3"), {3: "0x3"}, [*touch(3, ADA), win(3, ADA)])
    assert len(store.wins()) == 1


def test_wins_are_counted_per_keeper_and_per_transaction(store):
    events = [win(3, ADA, transaction="0xa"), win(4, BOB, keeper="0x" + "BB" * 20, transaction="0xb"), win(5, BOB, transaction="0xa")]
    store.advance(Checkpoint(5, "0x5"), {}, events)
    assert [w.reward for w in store.wins(ME)] == [5, 5] and len(store.wins()) == 3
    assert store.won(["0xa", "0xc"]) == 2 and store.won(["0xc"]) == 0


def test_trip_is_there_from_before_it_is_sent_until_its_end(store, url):
    trip = store.begin(TRIP)
    store.close()
    again = Store(url, IDENTITY)
    assert again.trips(under_way=True) == [trip]
    again.save(Trip(**{**vars(trip), "end": "done", "paid": 10**18}))
    assert again.trips(under_way=True) == [] and again.trips()[0].paid == 10**18


def test_first_block_is_where_a_new_store_begins(url):
    assert Store(url, IDENTITY, first_block=1_000).checkpoint == Checkpoint(999, "")


def test_store_of_another_deployment_is_refused(store, url):
    store.close()
    with pytest.raises(StoreError, match="is of engine 0xee.*not of 0xff: give another one with --store"):
        Store(url, {**IDENTITY, "engine": "0xff"})


def test_store_in_use_is_refused(store, url):
    with pytest.raises(StoreError, match="locked"):
        Store(url, IDENTITY)


@pytest.mark.parametrize("wrong", ["nonsense", "sqlite:////no/such/folder/a.db", "postgresql+nothing://me:secret@host/db"])
def test_store_that_cannot_be_opened_is_refused_without_its_password(wrong):
    with pytest.raises(StoreError, match="give another one with --store") as refused:
        Store(wrong, IDENTITY)
    assert "secret" not in str(refused.value)


def test_file_that_is_no_database_is_refused(tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("not a database, but long enough to be looked at" * 100)
    with pytest.raises(StoreError, match="not a database"):
        Store(f"sqlite:///{file}", IDENTITY)
    assert file.read_text().startswith("not a database, but")


def test_rates_of_interest_are_kept_with_their_time_and_unwound(store):
    events = [Told(block, f"0x{block}", 0, "0xtx", "InterestSet", {"rateE9": rate}) for block, rate in ((1, 10), (3, 20))]
    store.advance(Checkpoint(3, "0x3"), {}, events, {1: 100, 3: 300})
    assert store.rates() == [(10, 100), (20, 300)]
    store.unwind(Checkpoint(2, "0x2"))
    assert store.rates() == [(10, 100)]
