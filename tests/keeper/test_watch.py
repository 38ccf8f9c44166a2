"""The chain is followed without a gap: in ranges that the node answers, over reorganisations, lies and restarts."""

import pytest

from plimsoll.errors import NodeRefused
from plimsoll.keeper import watch as watching
from plimsoll.keeper.store import BLOCKS_KEPT, Store
from plimsoll.keeper.watch import Behind, Shifted, Watch
from tests.keeper.fake import FakeChain, held

ADA, BOB, CY, POOL = 1 << 96, 2 << 96, 3 << 96, 9 << 96


@pytest.fixture
def fake():
    return FakeChain()


@pytest.fixture
def store(tmp_path, fake):
    return Store(f"sqlite:///{tmp_path}/keeper.db", fake.identity)


@pytest.fixture
def watch(fake, store):
    return Watch(fake, store)


def test_accounts_are_discovered_by_events_and_read_through_the_lens(fake, store, watch):
    fake.accounts = {ADA: held(cash=5, size=7), BOB: held(cash=-3)}
    fake.mine(ADA)
    fake.mine()
    fake.mine(ADA, BOB)
    news = watch.advance()
    assert news.touched == {ADA, BOB} and watch.book[ADA].positions[0].size == 7 and watch.book[BOB].cash == -3
    assert dict(store.accounts()) == watch.book and store.checkpoint.number == 3


def test_house_accounts_are_read_whenever_anything_happens(fake, store):
    watch = Watch(fake, store, house=[POOL])
    fake.accounts = {POOL: held(cash=1), ADA: held(cash=1)}
    fake.mine(ADA)
    watch.advance()
    fake.accounts[POOL] = held(cash=2)
    fake.mine(ADA)
    assert POOL in watch.advance().touched and watch.book[POOL].cash == 2


def test_range_is_split_until_the_node_answers_and_nothing_is_missed(fake, watch):
    fake.most_blocks = 3
    for number in range(50):
        fake.mine((number + 1) << 96)
    watch.advance()
    assert len(watch.book) == 50
    answered = [span for method, span in fake.asked if method == "told" and span[1] - span[0] < 3]
    covered = [number for first, last in answered for number in range(first, last + 1)]
    assert sorted(set(covered)) == list(range(51))


def test_answer_that_is_cut_short_at_a_round_number_is_asked_for_in_parts(fake, watch, monkeypatch):
    monkeypatch.setattr(watching, "SUSPICIOUS", 5)
    fake.cut = 5
    for number in range(40):
        fake.mine((number + 1) << 96)
    watch.advance()
    assert len(watch.book) == 40


def test_a_single_block_that_is_refused_is_the_nodes_error_and_what_came_before_it_is_kept(fake, store, watch):
    fake.mine(ADA)
    watch.advance()
    fake.most_events = 1
    fake.mine(ADA, BOB)
    with pytest.raises(NodeRefused, match="more than so many"):
        watch.advance()
    assert store.checkpoint.number == 1


def test_accounts_are_read_in_halves_where_the_lens_has_not_gas_for_all(fake, watch):
    fake.most_accounts = 7
    fake.mine(*((i + 1) << 96 for i in range(60)))
    watch.advance()
    assert len(watch.book) == 60


def test_restart_goes_on_from_the_checkpoint_and_asks_for_no_block_twice(fake, store, watch, tmp_path):
    for _ in range(20):
        fake.mine(ADA)
    watch.advance()
    store.close()
    fake.asked.clear()
    again = Watch(fake, Store(f"sqlite:///{tmp_path}/keeper.db", fake.identity))
    assert again.book.keys() == {ADA}
    fake.mine(BOB)
    again.advance()
    assert again.book.keys() == {ADA, BOB}
    assert [span for method, span in fake.asked if method == "told"] == [(21, 21)]


def test_run_that_dies_before_it_read_whom_it_discovered_reads_them_next_time(fake, store, watch):
    fake.mine(ADA)
    fake.most_accounts = 0
    with pytest.raises(Exception, match="OutOfGas"):
        watch.advance()
    assert store.checkpoint.number == 1 and store.stale() == [ADA]
    fake.most_accounts = 10
    assert Watch(fake, store).advance().touched == {ADA}


def test_events_that_the_bloom_filter_knows_of_are_asked_for_again(fake, watch):
    fake.mine(ADA)
    fake.hidden = {1: 1}
    watch.advance()
    assert ADA in watch.book


def test_reorganisation_unwinds_to_the_common_ancestor_and_reads_anew_whom_it_touched(fake, store, watch):
    fake.accounts = {ADA: held(cash=1), BOB: held(cash=1), CY: held(cash=1)}
    fake.mine(ADA)
    fake.mine(BOB)
    fake.mine(CY)
    fake.tell("Liquidated", CY, reward=5)
    watch.advance()
    assert len(store.wins()) == 1
    fake.unmine(2)
    fake.accounts |= {BOB: held(cash=2), CY: held(cash=3)}
    fake.mine(fork="other")
    fake.mine(ADA, fork="other")
    fake.mine(fork="other")
    news = watch.advance()
    assert news.unwound == 2 and news.touched == {ADA, BOB, CY}
    assert (watch.book[BOB].cash, watch.book[CY].cash, store.wins()) == (2, 3, [])
    assert store.checkpoint.hash == fake.blocks[-1].hash


def test_reorganisation_to_a_shorter_chain_is_followed(fake, store, watch):
    for _ in range(5):
        fake.mine(ADA)
    watch.advance()
    fake.unmine(3)
    fake.mine(BOB, fork="other")
    assert watch.advance().unwound == 3
    assert store.checkpoint.number == 3 and BOB in watch.book


def test_liquidation_that_an_answer_lacks_among_others_is_asked_for_again(fake, store, watch, monkeypatch):
    fake.mine(ADA, BOB)
    fake.tell("Liquidated", ADA)
    fake.tell("Liquidated", BOB)
    whole, answered = fake.told, []

    def lacking(first, last):
        answered.append(last)
        return whole(first, last)[: -1 if len(answered) == 1 else None]

    monkeypatch.setattr(fake, "told", lacking)
    watch.advance()
    assert [win.account for win in store.wins()] == [ADA, BOB]


def test_reorganisation_deeper_than_what_is_kept_reads_everything_anew(fake, store, watch):
    for _ in range(BLOCKS_KEPT + 20):
        fake.mine(ADA)
    watch.advance()
    fake.unmine(BLOCKS_KEPT + 10)
    for _ in range(BLOCKS_KEPT + 20):
        fake.mine(BOB, fork="other")
    watch.advance()
    assert BOB in watch.book and store.checkpoint.hash == fake.blocks[-1].hash
    assert (1, 1) not in {span for method, span in fake.asked if method == "told"}


def test_node_that_is_behind_is_waited_for_and_nothing_is_unwound(fake, store, watch):
    fake.mine(ADA)
    fake.mine(BOB)
    watch.advance()
    late = fake.blocks.pop()
    with pytest.raises(Behind, match="is at block 1, and has told of block 2"):
        watch.advance()
    fake.blocks.append(late)
    fake.mine(CY)
    assert watch.advance().unwound == 0 and CY in watch.book


def test_node_that_is_far_behind_is_waited_for_too(fake, store, watch):
    for _ in range(BLOCKS_KEPT + 50):
        fake.mine(ADA)
    watch.advance()
    fake.unmine(BLOCKS_KEPT + 20)
    with pytest.raises(Behind, match="begun anew"):
        watch.advance()
    assert store.checkpoint.number == BLOCKS_KEPT + 50 and watch.book.keys() == {ADA}


def test_events_of_a_block_that_is_not_on_the_chain_are_not_believed(fake, store, watch):
    fake.mine(ADA)
    fake.events[1] = [fake.events[1][0]._replace(block_hash="0xother")]
    with pytest.raises(Shifted, match="block 1 that is not on the chain"):
        watch.advance()
    assert store.checkpoint.number == -1


def test_headers_that_do_not_follow_one_another_are_not_believed(fake, watch):
    fake.mine(ADA)
    fake.mine(BOB)
    fake.blocks[1] = fake.blocks[1]._replace(hash="0xother")
    with pytest.raises(Shifted, match="does not follow"):
        watch.advance()


def test_change_that_no_event_told_of_is_found_in_turn(fake, watch):
    fake.accounts = {ADA: held(cash=1)}
    fake.mine(ADA)
    watch.advance()
    fake.accounts[ADA] = held(cash=2)
    fake.mine()
    news = watch.advance()
    assert news.mended == 1 and watch.book[ADA].cash == 2 and news.touched == {ADA}


def test_failing_read_raises_and_is_no_zero(fake, watch):
    fake.accounts = {ADA: held(cash=1)}
    fake.mine(ADA)
    watch.advance()
    fake.word = "the node is ill"
    with pytest.raises(NodeRefused):
        watch.advance()
    assert watch.book[ADA].cash == 1


def test_news_of_an_advance_that_failed_halfway_is_news_the_next_time(fake, watch, monkeypatch):
    fake.mine(ADA)
    fake.mine(BOB)
    watch.advance()
    fake.unmine(1)
    fake.accounts[CY] = held(cash=7)
    fake.mine(CY, fork="other")
    fake.tell("InstrumentApplied", 0)
    fake.most_accounts = 0
    with pytest.raises(Exception, match="OutOfGas"):
        watch.advance()
    fake.most_accounts = 10
    fake.mine()
    news = watch.advance()
    assert (news.unwound, news.kept, news.rules) == (1, 1, True) and news.touched >= {BOB, CY}
    assert watch.advance().events == []


def test_long_history_is_gone_through_without_holding_on_to_its_events(fake, store, watch):
    fake.mine(ADA)
    fake.tell("InterestSet", 0)
    fake.events[1][-1].args["rateE9"] = 7
    for _ in range(2 * BLOCKS_KEPT):
        fake.mine(BOB)
    news = watch.advance()
    assert news.partly and news.rules and len(news.events) == BLOCKS_KEPT and news.touched == {ADA, BOB}
    assert store.rates() == [(7, fake.blocks[1].time)]
