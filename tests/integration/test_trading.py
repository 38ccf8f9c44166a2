"""A person's commands on what was deployed: each says what it will do, does exactly that, and refuses what would be refused."""

import re

import pytest

from plimsoll import cli
from plimsoll.chain.wallet import KEY, Wallet
from tests.integration.deployed import deployed

KEEPERS_KEY = "0x" + "1eefe5" * 10 + "1234"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    with deployed(tmp_path_factory.mktemp("deployed")) as found:
        yield found


@pytest.fixture
def staged(made, monkeypatch):
    staged, _ = made
    here = staged.chain.snapshot()
    for name, value in staged.environment().items():
        monkeypatch.setenv(name, value)
    yield staged
    staged.chain.revert(here)


@pytest.fixture
def run(made, staged, capsys):
    """(words) → (exit code, all that was said); what sends does so without asking, at one confirmation"""

    def running(command, *arguments, asks=False):
        words = [command, str(staged.file), *arguments, "--records", str(made[1].path.parent)]
        if command not in ("status", "account"):
            words += ["--confirmations", "1", *([] if asks else ["--yes"])]
        code = cli.main(words)
        said = capsys.readouterr()
        return code, said.out + said.err

    return running


@pytest.fixture
def opened(run, staged):
    """A million in the pool; the wallet's account with 1,000 USDC and half a WETH, long 5 ETH at 2,000."""
    for words in (
        ("provide", "1000000", "--mint"),
        ("deposit", "USDC", "1000", "--mint"),
        ("deposit", "WETH", "0.5", "--mint"),
        ("open", "ETH", "5"),
    ):
        code, said = run(*words)
        assert code == cli.HELD, said
    return staged.wallet.address


def nonce(staged):
    return int(staged.chain.rpc("eth_getTransactionCount", staged.wallet.address, "latest"), 16)


def falls(staged, percent):
    staged.feeds["ETH"].answer(2_000 * 10**8 * (100 - percent) // 100)


def test_order_says_what_it_will_do_and_no_sends_nothing(run, opened, staged, monkeypatch):
    monkeypatch.setattr("builtins.input", lambda *prompt: "n")
    before = nonce(staged)
    code, said = run("open", "BTC", "0.05", "--short", asks=True)
    assert code == cli.FAILED and nonce(staged) == before and "Send these transactions? [y/N] Nothing was sent." in said
    assert re.search(r"sell 0\.05 BTC at about 59,\d+\.\d+, never below 59,\d+\.\d+; fee 15\.00", said), said
    assert "afterwards: equity " in said and f"to send from {opened}: trade" in said


def test_account_shows_health_margin_and_the_price_at_which_it_is_liquidated(run, opened):
    code, said = run("account", opened)
    assert code == cli.HELD and re.search(r"cash 9(50\.00|49\.99), collateral 899\.99", said), said
    assert re.search(r"ETH +5 at 2,000\.0000; liquidated at or below 1,7\d\d\.\d{4}\n", said), said
    assert "WETH     0.5 WETH at 2,000.0000" in said and "LIQUIDATABLE" not in said
    assert "no position" in run("account", opened, "--sub", "7")[1]


def test_status_shows_prices_markets_pool_and_what_is_wrong(run, opened, staged):
    said = run("status")[1]
    assert re.search(r"feed ETH +2,000\.0000 +\d+ s old, valid", said) and "open interest 5 of 1000000, traders' balance 5" in said
    assert "bad debt 0.00, withdrawals pay 100.00 %" in said and re.search(r"pool +equity 1,000,0\d\d", said)
    staged.chain.advance(6_000)
    said = run("status")[1]
    assert re.search(r"feed ETH .* Stale", said) and "equity unknown (InvalidPrice" in said
    assert "cannot be judged now: InvalidPrice" in run("account", opened)[1]


def test_keeper_liquidates_what_is_below_its_line_and_nothing_else(run, opened, staged, monkeypatch):
    keeper = Wallet.from_key(KEEPERS_KEY).address
    staged.chain.rpc("anvil_setBalance", keeper, hex(10**18))
    monkeypatch.setenv(KEY, KEEPERS_KEY)
    code, said = run("liquidate", opened)
    assert code == cli.BAD_INPUT and "the liquidation engine would refuse: NotLiquidatable" in said
    falls(staged, 13)
    assert "LIQUIDATABLE: below its line" in run("account", opened)[1] and "liquidated now" in run("account", opened)[1]
    code, said = run("liquidate", opened)
    reward = re.search(r"of which yours (\d+\.\d\d)", said)[1]
    assert code == cli.HELD and f"cash {reward}, " in run("account", keeper)[1]
    assert "LIQUIDATABLE" not in run("account", opened)[1]


def test_position_is_closed_and_everything_withdrawn(run, opened, staged):
    assert "sell 5 ETH" in run("close", "ETH")[1]
    assert run("close", "ETH")[0] == cli.BAD_INPUT
    assert "withdraw 0.5 WETH to" in run("withdraw", "WETH", "max")[1]
    code, said = run("withdraw", "USDC", "max")
    assert code == cli.HELD and re.search(r"withdraw 8\d\d\.\d+ USDC", said)
    assert "cash 0.00, collateral 0.00, profit 0.00: equity 0.00" in run("account", opened)[1]


@pytest.mark.parametrize(
    "words, said",
    [
        (("open", "ETH", "500"), "the pool would refuse: InsufficientMargin"),
        (("open", "ETH", "0.0000000001"), "is no size"),
        (("open", "DOGE", "1"), "there is no instrument DOGE; there are: ETH, BTC"),
        (("close", "BTC"), "the account holds no BTC"),
        (("deposit", "USDC", "7"), "has 0 USDC; --mint makes them"),
        (("deposit", "USDC", "-7"), "is no amount of USDC"),
        (("deposit", "DAI", "7"), "there is no token DAI"),
        (("withdraw", "WETH", "0.5"), "the engine would refuse: .*; at most 0 WETH"),
        (("withdraw", "WBTC", "max"), "no WBTC may leave the account"),
        (("liquidate", "0x12"), "0x12 is no address"),
    ],
)
def test_order_that_would_be_refused_is_not_sent(run, opened, staged, words, said):
    falls(staged, 10)
    before = nonce(staged)
    code, told = run(*words)
    assert code == cli.BAD_INPUT and re.search(said, told), told
    assert nonce(staged) == before


def test_slippage_is_a_percentage(run):
    for word in ("-1", "101", "much"):
        with pytest.raises(SystemExit):
            run("open", "ETH", "1", f"--slippage={word}")
