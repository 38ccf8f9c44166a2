"""What is stored of many accounts is what the engine says of each, whatever prices do."""

from random import Random

from hypothesis import settings

from tests.helpers import isolated

ROUNDS = settings.default.max_examples // 10
REVERT = 1  # MockAggregator.Mode


def stored(stage, account):
    """The same, one view at a time."""
    engine, state = stage.engine, stage.engine.accountState(account)
    instruments = [i for i in range(engine.instrumentCount()) if state.instruments >> i & 1]
    collaterals = [i for i in range(engine.collateralCount()) if state.collaterals >> i & 1]
    positions, amounts = [engine.position(account, i) for i in instruments], [engine.collateralOf(account, i) for i in collaterals]
    return state, positions, amounts, engine.estateOf(account).forgiven


def test_holdings_of_random_accounts_are_what_is_stored(stage, seed):
    seen = {"positions": 0, "coins": 0}
    for i in range(ROUNDS):
        with isolated(stage.chain):
            stage.populate(Random(f"{seed}/{i}"))
            accounts = [stage.account, stage.other, stage.pool.tranche(0), stage.pool.idle(), 12345]
            for account, held in zip(accounts, stage.lens.holdings(accounts)):
                assert held == stored(stage, account)
                seen["positions"] += len(held.positions)
                seen["coins"] += len(held.amounts)
    assert min(seen.values()) > 0, seen


def test_holdings_need_no_price(stage, seed):
    draws = iter(range(20))
    while not (before := stage.lens.holdings([stage.account]))[0].positions:
        stage.populate(Random(f"{seed}/{next(draws)}"))
    for feed in stage.protocol.feeds.values():
        feed.setMode(REVERT)
    assert not stage.lens.reports([stage.account])[0].valid
    assert stage.lens.holdings([stage.account]) == before


def test_holdings_of_an_estate_say_what_others_paid(stage):
    account = stage.account
    stage.engine.openEstate(account, 77, 0, sender=stage.chain.impersonate(stage.protocol.liquidation))
    assert stage.lens.holdings([account])[0].forgiven == 77


def test_holdings_of_nobody_are_none(lens):
    assert lens.holdings([]) == []
