"""Escrow with two modules, and a payer who has approved both."""

import pytest
from eth_utils import keccak

MAX = 2**256 - 1
FUNDS = 10**12
ESCROW_LOCKED = keccak(text="EscrowLocked()")[:4]


@pytest.fixture
def escrow(chain):
    return chain.deploy("Escrow")


@pytest.fixture
def payer(trader):
    return trader


@pytest.fixture
def receiver(other_trader):
    return other_trader


@pytest.fixture
def module(chain, escrow):
    return chain.deploy("MockModule", escrow)


@pytest.fixture
def other(chain, escrow):
    """A second module, which may be hostile to the first."""
    return chain.deploy("MockModule", escrow)


@pytest.fixture
def make_token(chain, module, other, payer):
    """Deploys a token, funds the payer and approves both modules."""

    def make(name="MockToken", *args, decimals=6):
        token = chain.deploy(name, "Token", "TKN", decimals, *args)
        token.mint(payer, FUNDS)
        for spender in (module, other):
            token.approve(spender, MAX, sender=payer)
        return token

    return make


@pytest.fixture
def token(make_token):
    return make_token()


@pytest.fixture
def reentrant(make_token):
    return make_token("ReentrantToken")


@pytest.fixture
def books(escrow, module, other):
    """What Escrow says of a token: ((credit of module, of other), balance), for account 7."""

    def read(token, account=7):
        credits = tuple(escrow.creditOf(m, account, token) for m in (module, other))
        return credits, token.balanceOf(escrow)

    return read


@pytest.fixture
def locked_out():
    """Whether a ReentrantToken or MockModule made its inner call once, and the lock refused it."""

    def check(recorder):
        return (recorder.attempts(), recorder.succeeded(), recorder.answer()) == (1, False, ESCROW_LOCKED)

    return check
