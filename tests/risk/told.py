"""What the risk engine is told of a deployment, by views alone, at its latest block."""

from __future__ import annotations

from collections.abc import Sequence

from plimsoll.chain.artifacts import decode_log
from plimsoll.chain.deployment import Deployment
from plimsoll.risk import terms
from plimsoll.risk.book import Book, Holding
from plimsoll.state import Position


def terms_of(made: Deployment) -> terms.Terms:
    engine, oracle = made.engine, made.oracle
    return terms.Terms(
        made.world.settlement.decimals,
        [terms.Instrument.of(engine.instrumentConfig(i)) for i in made.instruments.values()],
        [terms.Collateral.of(engine.collateralConfig(i)) for i in made.collaterals.values()],
        [terms.Feed.of(oracle.feedConfig(i)) for i in range(len(made.proxies))],
    )


def marks_of(made: Deployment, listed: terms.Terms) -> terms.Marks:
    prices = {}
    for feed in range(len(made.proxies)):
        told = made.oracle.peek(feed, True)
        if not told.fault and (not told.price.haltedAt or made.oracle.isFinal(feed)):
            prices[feed] = terms.Price(told.price.mid, told.price.haltedAt)
    markets = [
        terms.Market.of(made.engine.market(i), made.engine.position(made.account(made.pool, i + 1), i).size)
        for i in made.instruments.values()
    ]
    return terms.Marks.at(made.chain.now, listed, prices, markets, interest_of(made))


def interest_of(made: Deployment) -> terms.Interest:
    """From the events, the first of which is the deployment's own."""
    found = terms.Interest()
    for log in made.chain.rpc("eth_getLogs", {"address": made.parameters.address, "fromBlock": "0x0", "toBlock": "latest"}):
        name, args = decode_log(log)[:2]
        if name == "InterestSet":
            block = made.chain.rpc("eth_getBlockByNumber", log["blockNumber"], False)
            found = found.set(args["rateE9"], int(block["timestamp"], 16))
    return found


def book_of(made: Deployment, accounts: Sequence[int]) -> Book:
    book = Book()
    book.put_all({account: holding_of(made, account) for account in accounts})
    return book


def holding_of(made: Deployment, account: int) -> Holding:
    state = made.engine.accountState(account)
    instruments = [i for i in made.instruments.values() if state.instruments >> i & 1]
    coins = [i for i in made.collaterals.values() if state.collaterals >> i & 1]
    items = [made.engine.call_item("position", account, i) for i in instruments]
    items += [made.engine.call_item("collateralOf", account, i) for i in coins]
    answers = made.chain.batch(items)
    positions = {i: Position(*held) for i, held in zip(instruments, answers)}
    return Holding(state.cash, state.interestIndex, positions, dict(zip(coins, answers[len(instruments) :])))
