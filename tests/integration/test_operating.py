"""The commands of a person at a deployment: each says what it will do, asks, does it, and shows what came of it."""

import io
from dataclasses import fields, replace
from types import SimpleNamespace

import pytest
from rich.console import Console

from plimsoll import operating
from plimsoll.chain.deployment import Deployment, Roles
from plimsoll.chain.live import LiveChain, Policy
from plimsoll.chain.node import Chain, Contract
from plimsoll.chain.anvil import Anvil
from plimsoll.chain.standard import POOL_SUPPLY, standard_world
from plimsoll.chain.wallet import Wallet
from plimsoll.errors import Refused, Reverted
from plimsoll.operating import Desk
from plimsoll.types import WAD

ETHER = 10**18


@pytest.fixture(scope="module")
def local():
    """The standard world with a pool, on a chain that mines what it is sent."""
    with Anvil() as anvil:
        chain = Chain(anvil)
        made = Deployment.deploy(chain, standard_world(), Roles.of(chain))
        made.provide(chain.accounts[4], POOL_SUPPLY)
        yield made, anvil.url


@pytest.fixture
def visit(local):
    """A desk with a key of its own, and what it says."""
    made, url = local
    here = made.chain.snapshot()

    def enter(name, answer="y\n"):
        wallet = Wallet.from_key(name.encode().hex().rjust(64, "1"))
        made.chain.rpc("anvil_setBalance", wallet.address, hex(ETHER))
        live = LiveChain(url, wallet, Policy(confirmations=1))
        said = io.StringIO()
        console = Console(file=said, width=200)
        console.input = lambda prompt: answer.strip()
        return Desk(seen_by(live, made), console, wallet), said

    yield enter
    made.chain.revert(here)


def seen_by(chain, made):
    """The same contracts, spoken to through another chain object."""

    def again(value):
        if isinstance(value, Contract):
            return Contract(chain, value.artifact, value.address)
        return {key: again(part) for key, part in value.items()} if isinstance(value, dict) else value

    changed = {field.name: again(getattr(made, field.name)) for field in fields(made)}
    return replace(made, **{**changed, "chain": chain})


def options(**given):
    return SimpleNamespace(**{"sub": 0, "slippage": "1%", **given})


def test_person_goes_through_a_whole_life(visit, local):
    desk, said = visit("ann")
    assert operating.mint(desk, options(token="USDC", amount="1000")) == 0
    assert operating.deposit(desk, options(token="USDC", amount="1000")) == 0
    assert operating.open_(desk, options(instrument="ETH", size="2.5")) == 0
    assert "liquidated at 1," in said.getvalue() and "+2.5 ETH at 2,0" in said.getvalue()
    assert operating.status(desk, options()) == 0
    assert "2.5 ETH" in said.getvalue() and "The pool is worth" in said.getvalue()
    with pytest.raises(Reverted, match="InsufficientMargin"):
        operating.withdraw(desk, options(token="USDC", amount="990"))
    assert operating.close(desk, options(instrument="ETH")) == 0
    assert operating.withdraw(desk, options(token="USDC", amount="all")) == 0
    assert 990 * 10**6 < desk.made.settlement.balanceOf(desk.wallet.address) < 1_000 * 10**6
    assert said.getvalue().count("done in block") == 7  # mint, approve, deposit, trust, two trades, withdraw


def test_somebody_below_the_line_is_liquidated(visit, local):
    ann, _ = visit("ann")
    for act, given in (
        (operating.mint, dict(token="USDC", amount="1000")),
        (operating.deposit, dict(token="USDC", amount="1000")),
        (operating.open_, dict(instrument="ETH", size="4")),
    ):
        act(ann, options(**given))
    keeper, said = visit("kim")
    with pytest.raises(Reverted, match="NotLiquidatable"):
        operating.liquidate(keeper, options(owner=ann.wallet.address))
    local[0].set_price("ETH", 1_850 * WAD)
    operating.account(ann, options())
    assert operating.liquidate(keeper, options(owner=ann.wallet.address)) == 0
    assert "earned" in said.getvalue()
    assert ann.made.engine.accountState(keeper.made.account(keeper.wallet.address)).cash > 0


def test_nothing_is_sent_without_a_yes(visit):
    desk, said = visit("ann", answer="n\n")
    assert operating.mint(desk, options(token="USDC", amount="5")) == operating.FAILED
    assert desk.made.settlement.balanceOf(desk.wallet.address) == 0 and "Nothing was sent" in said.getvalue()


@pytest.mark.parametrize(
    ("act", "given", "word"),
    [
        (operating.deposit, dict(token="USDC", amount="1"), "less than that"),
        (operating.deposit, dict(token="DAI", amount="1"), "no token DAI"),
        (operating.deposit, dict(token="USDC", amount="0.0000001"), "no amount"),
        (operating.deposit, dict(token="USDC", amount="-1"), "no amount"),
        (operating.withdraw, dict(token="USDC", amount="all"), "nothing of USDC"),
        (operating.open_, dict(instrument="SOL", size="1"), "no instrument SOL"),
        (operating.open_, dict(instrument="ETH", size="0"), "no size"),
        (operating.open_, dict(instrument="ETH", size="much"), "no size"),
        (operating.close, dict(instrument="ETH"), "holds no ETH"),
        (operating.open_, dict(instrument="ETH", size="1", slippage="much"), "no rate"),
        (operating.account, dict(of="hello"), "no address"),
        (operating.account, dict(of="0x" + "zz" * 20), "no address"),
        (operating.account, dict(of=None, sub=-1), "no sub-account"),
        (operating.liquidate, dict(owner="0x12"), "no address"),
    ],
)
def test_what_does_not_fit_is_said_before_anything_is_sent(visit, act, given, word):
    desk, _ = visit("ann")
    with pytest.raises(Refused, match=word):
        act(desk, options(**given))


def test_real_token_is_not_minted(visit):
    desk, _ = visit("ann")
    real = replace(desk, made=replace(desk.made, given=frozenset({"token WETH"})))
    with pytest.raises(Refused, match="WETH is no mock"):
        operating.mint(real, options(token="WETH", amount="1"))


def test_account_of_anybody_is_shown_without_a_key(visit):
    desk, said = visit("ann")
    reader = replace(desk, wallet=None)
    assert operating.account(reader, options(of=desk.wallet.address)) == 0
    assert "equity 0.00" in said.getvalue()
    with pytest.raises(Refused, match="whose account"):
        operating.account(reader, options())
