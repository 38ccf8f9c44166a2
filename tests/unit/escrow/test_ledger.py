"""Several verbs together: in one transaction, and ESC-1 over random histories, beside a ledger kept in Python."""

import random
from collections import Counter

import pytest

STEPS = 150


def test_ledger_verbs_in_one_transaction_follow_each_other(module, token, payer, receiver, books):
    """The lock is transient, but it ends with the entry point and not with the transaction."""
    orders = [
        ("pull", 7, token, 500, payer), ("pull", 7, token, 500, payer), ("move", 7, 8, token, 300),
        ("release", 8, token, 300, receiver), ("release", 7, token, 100, receiver), ("pull", 7, token, 1, payer),
    ]  # fmt: skip
    receipt = module.multicall([module.encode(*order) for order in orders])
    assert [e.name for e in receipt.events if e.name != "Transfer"] == [
        "Pulled", "Pulled", "Moved", "Released", "Released", "Pulled"
    ]  # fmt: skip
    assert books(token) == ((601, 0), 601)
    assert token.balanceOf(receiver) == 400


@pytest.mark.parametrize("history", [1, 2])
def test_ledger_any_history_equals_the_model(chain, escrow, module, other, make_token, payer, reverts, seed, history):
    draw = random.Random(seed + history)
    tokens = [make_token(), make_token("NoReturnToken"), make_token("FeeToken", 1, 250)]
    credits: Counter = Counter()
    released: Counter = Counter()
    refused = 0

    for _ in range(STEPS):
        who, token = draw.choice((module, other)), draw.choice(tokens)
        one, two = draw.randrange(3), draw.randrange(3)
        verb = draw.choice(("pull", "pull", "move", "release", "donate"))
        have = credits[who, one, token]
        amount = draw.choice((have, have + 1, draw.randrange(have + 1)))
        if verb in ("pull", "donate"):
            amount = draw.randrange(1, 2_000)
        if verb == "donate":
            token.mint(escrow, amount)
        elif verb == "pull":
            before = token.balanceOf(escrow)
            who.pull(one, token, amount, payer)
            credits[who, one, token] += token.balanceOf(escrow) - before
        elif amount > have:
            rest = (one, two, token, amount) if verb == "move" else (one, token, amount, payer)
            with reverts("InsufficientCredit", who, one, token, have, amount):
                getattr(who, verb)(*rest)
            refused += 1
        elif verb == "move":
            who.move(one, two, token, amount)
            credits[who, one, token] -= amount
            credits[who, two, token] += amount
        else:
            who.release(one, token, amount, payer)
            credits[who, one, token] -= amount
            released[token] += amount

        for each in tokens:
            total = sum(amount for (_, _, t), amount in credits.items() if t == each)
            assert each.balanceOf(escrow) >= total, "ESC-1: the balance covers the credits"

    keys = [(who, account, token) for who in (module, other) for account in range(3) for token in tokens]
    read = chain.batch([escrow.call_item("creditOf", *key) for key in keys])
    assert read == [credits[key] for key in keys]
    assert refused > 5 and all(released[token] for token in tokens), "the history is a rich one"
