"""The keeper at real contracts: what it sends is mined when a test says so."""

import io
import json
from dataclasses import replace

import pytest

from plimsoll.chain import terms

from plimsoll.chain.lookout import Lookout
from plimsoll.chain.node import Chain
from plimsoll.chain.deployment import Deployment
from plimsoll.chain.standard import POOL_SUPPLY, standard_world
from plimsoll.chain.wallet import Wallet
from plimsoll.errors import StoreError
from plimsoll.keeper import act
from plimsoll.keeper.act import Options
from plimsoll.keeper.book import Holding, read
from plimsoll.keeper.journal import Journal
from plimsoll.keeper.market import read_market, read_terms
from plimsoll.keeper.run import Keeper
from plimsoll.keeper.send import Manners
from plimsoll.keeper.store import Store
from plimsoll.soaking import LastingAnvil
from plimsoll.state import Position
from plimsoll.types import DAY, HALT_GRACE, NOTICE, USDC, WAD

KEYS = [f"0x{i + 1:02x}" + "c0ffee" * 10 + "ab" for i in range(3)]
GWEI, ETHER = 10**9, 10**18
AT_ONCE = Manners(confirmations=1, resend=60)


class House:
    """A deployment, a trader with accounts, and keepers at it."""

    def __init__(self, anvil):
        self.anvil, self.chain = anvil, Chain(anvil)
        self.made = Deployment.deploy(self.chain, standard_world(self.chain.now))
        self.made.provide(self.chain.accounts[5], POOL_SUPPLY)
        self.trader = self.chain.accounts[6]
        self.made.give(self.trader, "USDC", 10**6 * USDC)
        self.made.settlement.approve(self.made.engine, 2**256 - 1, sender=self.trader)
        self.wallets = [Wallet.from_key(key) for key in KEYS]
        for wallet in self.wallets:
            anvil.rpc("anvil_setBalance", wallet.address, hex(10 * ETHER))
        self.folder = None

    def open(self, count, size=10**9, cash=200, first=0):
        """Accounts of one position in ETH at 2,000, each with a little more cash than the one before it."""
        made, found = self.made, []
        for i in range(first, first + count):
            account = made.account(self.trader, i)
            made.engine.setOperator(account, made.pool, 1, sender=self.trader)
            made.engine.deposit(account, made.settlement, (cash + i) * USDC, 0, sender=self.trader)
            made.pool.trade(account, 0, size, 2**255 if size > 0 else 0, 2**40, sender=self.trader)
            found.append(account)
        return found

    def price(self, whole):
        self.made.set_price("ETH", whole * WAD)

    def held_back(self):
        """From here on nothing is mined by itself."""
        self.anvil.rpc("evm_setAutomine", False)

    def mine(self):
        self.anvil.rpc("evm_mine")

    def keeper(self, number=0, **options):
        log = io.StringIO()
        port = Lookout(self.anvil.url, self.made.lens.address, self.wallets[number])
        store = Store(f"sqlite:///{self.folder}/{number}.db", port.identity)
        options = {"manners": AT_ONCE, "chores": 10**9, **options}
        keeper = Keeper(port, store, Options(**options), Journal(log))
        keeper.log = log
        keeper.hands._chored = 0 if options["chores"] == 10**9 else keeper.hands._chored
        return keeper

    def below(self, accounts):
        return sum(self.made.lens.liquidatable(accounts))


def lines(keeper, what):
    return [line for line in map(json.loads, keeper.log.getvalue().splitlines()) if line["what"] == what]


@pytest.fixture(scope="module")
def built():
    with LastingAnvil("--gas-limit", "30000000") as anvil:
        yield House(anvil)


@pytest.fixture
def house(built, tmp_path):
    here = built.chain.snapshot()
    built.folder = tmp_path
    yield built
    built.anvil.rpc("anvil_dropAllTransactions")
    built.anvil.rpc("evm_setAutomine", True)
    built.chain.revert(here)


def settle(house, *keepers, rounds=8):
    """Rounds of all keepers, a block after each."""
    for _ in range(rounds):
        for keeper in keepers:
            keeper.round()
        house.mine()
    for keeper in keepers:
        keeper.round()


def same_as_chain(house, keeper):
    kept = dict(keeper.store.accounts())
    return kept and kept == dict(read(keeper.port, list(kept), keeper.port.head().hash))


def test_all_below_their_line_are_unloaded_and_the_store_is_the_chain(house):
    accounts = house.open(40)
    keeper = house.keeper()
    keeper.round()
    assert keeper.watch.book.keys() >= set(accounts) and lines(keeper, "sent") == []
    house.price(1_880)
    sinking = house.below(accounts)
    house.held_back()
    settle(house, keeper)
    assert 0 < sinking < 40 and house.below(accounts) == 0
    assert len(keeper.store.wins(keeper.port.address)) == sinking and same_as_chain(house, keeper)
    account = house.made.account(keeper.port.address)
    assert keeper.totals.earned == house.made.engine.accountState(account).cash > 0
    assert keeper.totals.paid == 10 * ETHER - keeper.port.balance() > 0


def test_dry_run_decides_and_sends_nothing(house):
    accounts = house.open(3)
    house.price(1_800)
    keeper = house.keeper(dry=True)
    settle(house, keeper, rounds=3)
    assert keeper.port.nonce() == 0 and house.below(accounts) == 3
    [line] = lines(keeper, "would send")
    assert len(line["accounts"]) == 3 and line["reward"] > 0


def test_reward_below_the_price_of_gas_sends_nothing_and_says_so(house):
    accounts = house.open(3)
    house.price(1_880)
    keeper = house.keeper(ether=0, manners=replace(AT_ONCE, most_fee=10**6 * GWEI))
    keeper.port.fees = lambda: (100_000 * GWEI, 0)
    keeper.round()
    assert keeper.port.nonce() == 0 and len(keeper.hands.unpaid) == house.below(accounts) > 0
    assert lines(keeper, "alert")[0]["reason"] == "rewards below gas"


def test_gas_that_is_dearer_than_allowed_or_of_unknown_worth_stops_everything_and_is_told(house):
    house.open(3)
    house.price(1_800)
    keeper = house.keeper(ether=1, manners=replace(AT_ONCE, most_fee=GWEI // 2))
    keeper.round()
    assert lines(keeper, "alert")[0]["reason"] == "gas above --most-fee" and keeper.port.nonce() == 0
    keeper = house.keeper(1, ether=1)
    house.made.feeds["BTC"].setMode(1)
    keeper.round()
    assert lines(keeper, "alert")[0]["reason"] == "no price of gas" and keeper.port.nonce() == 0


def test_keepers_side_by_side_waste_one_transaction_each_at_most(house):
    accounts = house.open(40)
    house.held_back()
    keepers = [house.keeper(i) for i in range(3)]
    for keeper in keepers:
        keeper.hands.part_gas = 300_000  # small batches: many of them
    for price in (1_900, 1_893, 1_886, 1_800):
        house.anvil.rpc("evm_setAutomine", True)
        house.price(price)
        house.held_back()
        settle(house, *keepers, rounds=10)
        assert house.below(accounts) == 0
    won = [len(keeper.store.wins(keeper.port.address)) for keeper in keepers]
    assert sum(won) >= 40 and sum(map(bool, won)) > 1
    assert all(keeper.totals.ends["wasted"] <= 1 for keeper in keepers)
    assert all(same_as_chain(house, keeper) for keeper in keepers)


def test_own_account_takes_positions_and_earns_more_until_it_has_no_margin_left(house):
    accounts = house.open(6)
    owner, made = house.wallets[0].address, house.made
    own = made.account(owner, 3)
    house.anvil.rpc("anvil_impersonateAccount", owner)
    made.give(owner, "USDC", 500 * USDC)
    made.settlement.approve(made.engine, 2**256 - 1, sender=owner)
    made.engine.deposit(own, made.settlement, 500 * USDC, 0, sender=owner)
    house.price(1_880)
    house.held_back()
    keeper = house.keeper(own=own)
    settle(house, keeper)
    assert house.below(accounts) == 0 and made.engine.position(own, 0).size > 0
    takers = {told.args["taker"] for told in keeper.port.told(0, keeper.port.head().number) if told.name == "Liquidated"}
    assert takers == {own, 0}


def test_account_below_zero_is_absorbed_in_the_same_batch(house):
    accounts = house.open(3)
    house.price(1_600)
    house.held_back()
    keeper = house.keeper()
    settle(house, keeper, rounds=3)
    assert house.below(accounts) == 0 and {win.event for win in keeper.store.wins()} == {"Absorbed"}


def test_owner_who_tops_up_first_costs_one_skip_and_is_left_alone_for_a_while(house):
    [account] = house.open(1)
    house.price(1_880)
    house.held_back()
    keeper = house.keeper()
    keeper.round()
    house.anvil.rpc("anvil_dropAllTransactions")
    made = house.made
    house.anvil.rpc("evm_setAutomine", True)
    made.engine.deposit(account, made.settlement, 50 * USDC, 0, sender=house.trader)
    house.anvil.rpc("evm_setAutomine", False)
    keeper.port.publish(keeper.hands.sender.open[0].raw)
    house.mine()
    keeper.round()
    assert [line["times"] for line in lines(keeper, "skipped")] == [1] and lines(keeper, "wasted")
    assert keeper.hands.strikes[account][1] > keeper.port.head().number


def test_crowd_for_whom_nothing_pays_hides_nobody_who_does(house, monkeypatch):
    monkeypatch.setattr(act, "REHEARSED", 2)
    sunk, [paying] = house.open(5, cash=190), house.open(1, cash=240, first=10)
    house.price(1_790)
    house.held_back()
    keeper = house.keeper(ether=0)
    keeper.port.fees = lambda: (7 * GWEI, GWEI)  # absorbing earns 1.00, and costs more
    settle(house, keeper, rounds=8)
    assert [win.account for win in keeper.store.wins()] == [paying] and house.below(sunk) == 5
    keeper.port.fees = lambda: (0, GWEI)
    settle(house, keeper, rounds=12)
    assert house.below(sunk) == 0


def test_database_that_fails_is_trouble_and_nothing_is_sent_that_is_not_written_down(house, monkeypatch):
    house.open(3)
    house.price(1_800)
    house.held_back()
    keeper, waited = house.keeper(), []

    def wait(seconds):
        waited.append(len(lines(keeper, "trouble")))
        if len(waited) == 2:
            monkeypatch.undo()
            house.mine()
        if len(waited) > 4:
            keeper.stopping = True
            house.mine()

    def full(trip):
        assert keeper.port.rpc("txpool_status") == {"pending": "0x0", "queued": "0x0"}
        raise StoreError("the disk is full")

    monkeypatch.setattr(keeper.store, "begin", full)
    keeper.run(wait)
    assert waited[:2] == [1, 2] and "the disk is full" in lines(keeper, "trouble")[0]["problem"]
    assert len(keeper.store.wins()) == 3


def test_purse_that_runs_low_is_told_before_it_is_empty(house):
    keeper = house.keeper(chores=0)
    keeper.round()
    assert lines(keeper, "alert") == [] and keeper.hands.balance == 10 * ETHER
    house.anvil.rpc("anvil_setBalance", keeper.port.address, hex(ETHER // 100))
    house.mine()
    keeper.round()
    assert [line["reason"] for line in lines(keeper, "alert")] == ["ether runs low"]


def test_told_to_stop_it_first_lets_what_is_under_way_end(house):
    house.open(3)
    house.price(1_800)
    house.held_back()
    keeper = house.keeper()
    waited = []

    def wait(seconds):
        waited.append(seconds)
        if len(waited) == 1:
            keeper.stopping = True
        if len(waited) == 3:
            house.mine()

    keeper.run(wait)
    assert len(waited) >= 3 and keeper.hands.sender.open == [] and lines(keeper, "stopped")[0]["under_way"] == 0
    assert len(keeper.store.wins()) == 3


def test_collateral_of_a_debtor_is_put_up_and_bought_at_a_discount(house):
    made, owner = house.made, house.wallets[0].address
    account = made.account(house.trader, 99)
    made.give(house.trader, "WETH", 10 * ETHER)
    made.tokens["WETH"].approve(made.engine, 2**256 - 1, sender=house.trader)
    made.engine.setOperator(account, made.pool, 1, sender=house.trader)
    made.engine.deposit(account, made.tokens["WETH"], 5 * ETHER, 0, sender=house.trader)
    made.pool.trade(account, 0, 15 * 10**9, 2**255, 2**40, sender=house.trader)
    made.give(owner, "USDC", 50_000 * USDC)
    house.price(1_560)
    keeper = house.keeper(chores=0, upkeep=10 * USDC, budget=10_000 * USDC)
    for _ in range(8):
        keeper.round()
        house.chain.advance(600)
    done = {line["doing"] for line in lines(keeper, "sent")}
    assert {"start an auction", "buy collateral 0"} <= done
    assert made.tokens["WETH"].balanceOf(owner) > 0


def test_dead_feed_is_observed_halted_and_observed_again_when_it_is_well(house):
    keeper = house.keeper(chores=0, upkeep=10 * USDC)
    oracle, feed = house.made.oracle, house.made.feeds["ETH"]
    feed.setMode(1)
    keeper.round()
    house.mine()
    assert oracle.haltOf(0).invalidSince > 0
    feed.setMode(0)
    house.price(2_000)
    keeper.round()
    house.mine()
    assert oracle.haltOf(0).invalidSince == 0
    house.chain.advance(8 * DAY + 60)
    keeper.round()
    house.chain.advance(HALT_GRACE + 60)
    keeper.round()
    house.mine()
    keeper.round()
    assert oracle.haltOf(0).haltedAt > 0


def test_judgement_is_the_lens_to_the_unit_with_funding_interest_and_collateral(house):
    made = house.made
    accounts = house.open(4) + house.open(3, size=-(10**9), first=4)
    debtor = made.account(house.trader, 99)
    made.give(house.trader, "WETH", 10 * ETHER)
    made.tokens["WETH"].approve(made.engine, 2**256 - 1, sender=house.trader)
    made.engine.setOperator(debtor, made.pool, 1, sender=house.trader)
    made.engine.deposit(debtor, made.tokens["WETH"], 5 * ETHER, 0, sender=house.trader)
    made.pool.trade(debtor, 0, 7 * 10**9, 2**255, 2**40, sender=house.trader)
    house.price(1_950)
    made.pool.trade(debtor, 0, -3 * 10**9, 0, 2**40, sender=house.trader)
    house.chain.advance(3 * DAY + 12_345)
    house.price(1_903)
    keeper = house.keeper(dry=True)
    keeper.round()
    judgement = keeper.sight.judgement
    reports = {report.account: report for report in made.lens.reports([*accounts, debtor])}
    standings = {one.account: one for one in (*judgement.below, *judgement.near)}
    assert reports[debtor].state.cash < 0 and {one.account for one in judgement.below} and judgement.wrong == ()
    for account, report in reports.items():
        found, due = standings[account], report.standing
        assert (found.equity, found.maintenance, found.legs) == (due.margin.equity, due.margin.maintenance, len(report.legs))
        assert (account in {one.account for one in judgement.below}) == due.liquidatable


def test_account_that_is_kept_wrongly_is_found_by_its_witness_and_read_anew(house):
    [account] = house.open(1)
    house.price(1_880)
    keeper = house.keeper(dry=True)
    keeper.round()
    keeper.judge.put({account: replace(keeper.watch.book[account], cash=10**12)})
    house.mine()
    keeper.round()
    [alert] = lines(keeper, "alert")
    assert (alert["reason"], alert["accounts"]) == ("misjudged", [hex(account)]) and not keeper.sight.judgement.sinking
    house.mine()
    keeper.round()
    assert keeper.sight.judgement.sinking == {account}


def test_account_that_the_risk_engine_will_not_have_is_judged_by_the_lens_and_hides_no_other(house):
    odd, other = house.open(2)
    house.price(1_880)
    keeper = house.keeper(dry=True)
    keeper.judge.put({odd: replace(keeper.watch.book.get(odd, Holding()), cash=2**200, positions={0: Position(1, 1, 1)})})
    assert keeper.judge.odd == {odd}
    keeper.watch.book[odd] = Holding()
    judgement = keeper.judge.look(keeper.port, *looked_at(keeper))
    assert {one.account for one in judgement.below} == {odd}
    keeper.round()
    assert keeper.judge.odd == set() and {one.account for one in keeper.sight.judgement.below} == {odd, other}


def looked_at(keeper):
    head = keeper.port.head()
    terms = read_terms(keeper.port, head.hash)
    tranches = [keeper._idle + 1 + i for i in range(2)]
    return read_market(keeper.port, terms, keeper.names, tranches, head.hash, head.time), terms, head.hash


def test_new_parameters_are_judged_by_at_once(house):
    [account] = house.open(1, cash=300)
    keeper = house.keeper(dry=True)
    keeper.round()
    before = next(one for one in keeper.sight.judgement.near if one.account == account)
    made = house.made
    config = terms.instrument_config(replace(made.world.instruments[0], base_e6=90_000), 0)
    made.govern(made.parameters, "setInstrument", 0, config)
    house.chain.advance(NOTICE + 60)
    made.parameters.applyInstrument(0)
    made.refresh()
    keeper.round()
    after = next(one for one in (*keeper.sight.judgement.near, *keeper.sight.judgement.below) if one.account == account)
    assert after.maintenance > before.maintenance and keeper.sight.judgement.wrong == ()
    assert after.maintenance == made.lens.reports([account])[0].standing.margin.maintenance
