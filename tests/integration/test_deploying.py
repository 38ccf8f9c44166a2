"""`deploy` and `check` on an Anvil that plays Sepolia, with real feeds and a real WETH: what is refused, what is asked, what is
recorded, what a run that died leaves, and that what is wrong is seen."""

import json
import os
import random
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from plimsoll import cli, deploying
from plimsoll.chain.live import LiveChain, Policy
from plimsoll.chain.recipe import Roles
from plimsoll.chain.rpc import Rpc
from plimsoll.deploy import check as checking, plan as planning, record as records
from plimsoll.deploy.record import Record, fingerprint
from plimsoll.deploy.stage import KEY, stage
from plimsoll.deploy.steps import Builder, deployment_of, step_names
from plimsoll.errors import Refused
from tests.helpers import reverts

AT_ONCE = Policy(confirmations=1, deadline=20, resend=2, lag=0.5)
NOBODIES = Roles(*("0x" + digits * 20 for digits in ("11", "22", "33", "44")))


@pytest.fixture(scope="module")
def sepolia(tmp_path_factory):
    with stage("sepolia", tmp_path_factory.mktemp("network")) as staged:
        yield staged


@pytest.fixture(autouse=True)
def fresh(sepolia, monkeypatch):
    """Nothing is deployed, the deployer's variables are set, and feeds have just answered."""
    here = sepolia.chain.snapshot()
    for name, value in sepolia.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv(deploying.KEY, raising=False)
    for name, feed in sepolia.feeds.items():
        feed.answer(feed.proxy.latestRoundData()[1])
    yield
    sepolia.chain.revert(here)


@pytest.fixture
def cheap(monkeypatch):
    """No rehearsal: every step takes a million gas."""
    monkeypatch.setattr(planning, "rehearse", lambda network, found: dict.fromkeys(step_names(network, NOBODIES), 10**6))


@pytest.fixture
def run(sepolia, tmp_path, capsys):
    """(command, arguments) → (exit code, what was said, what was complained)"""

    def running(command, *arguments, file=None):
        code = cli.main([command, str(file or sepolia.file), "--records", str(tmp_path), *arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return running


@pytest.fixture
def deploys(run):
    """A whole deployment."""

    def deploying_it(**how):
        return run("deploy", "--yes", "--confirmations", "1", **how)

    return deploying_it


def nonce(sepolia):
    return int(sepolia.chain.rpc("eth_getTransactionCount", sepolia.wallet.address, "latest"), 16)


def edited(sepolia, tmp_path, *changes):
    """The network file with some words changed."""
    text = sepolia.file.read_text()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    file = tmp_path / "edited.yaml"
    file.write_text(text)
    return file


# The whole way -------------------------------------------------------------------------------------------------------


def test_deployment_is_planned_done_recorded_checked_and_then_left_alone(sepolia, run, deploys, tmp_path):
    code, said, complained = deploys()
    assert (code, complained) == (cli.HELD, ""), said
    steps = step_names(sepolia.network, sepolia.network.roles_of(sepolia.wallet.address))
    assert nonce(sepolia) == len(steps) and f"{len(steps)} transactions, " in said and "all right" in said
    record = json.loads((tmp_path / "sepolia.json").read_text())
    assert list(record["steps"]) == steps and record["complete"] and "pending" not in record
    engine = record["steps"]["engine"]
    assert engine["contract"] == "MarginEngine" and len(engine["transaction"]) == 66 and engine["block"] > 0
    assert record["settings"]["optimizer"]["runs"] == 200 and record["chain_id"] == 11155111

    before = {path: path.read_bytes() for path in tmp_path.rglob("*.json")}
    code, said, _ = deploys()
    assert code == cli.HELD and "nothing is to be done" in said and nonce(sepolia) == len(steps)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.json")} == before
    assert run("check")[0] == cli.HELD
    no_key_anywhere(sepolia, said, *(content.decode() for content in before.values()))
    use_it(sepolia, tmp_path)


def no_key_anywhere(sepolia, *texts):
    for text in texts:
        assert KEY[2:] not in text and KEY[2:22] not in text


def use_it(sepolia, tmp_path):
    """What is loaded from the record can be used by whoever has a key, and is the timelock's."""
    made = deploying.open_deployment(str(sepolia.file), sepolia.wallet, tmp_path)
    me = sepolia.wallet.address
    made.chain.policy = AT_ONCE
    made.settlement.mint(me, 10**9, sender=me)
    made.settlement.approve(made.engine, 10**9, sender=me)
    made.engine.deposit(made.account(me), made.settlement, 10**9, 0, sender=me)
    assert made.engine.accountState(made.account(me)).cash == 10**9
    with reverts("OwnableUnauthorizedAccount", me):
        made.parameters.setInterest(0, sender=me)


def test_what_the_timelock_changed_is_seen_by_the_check(sepolia, run, deploys, tmp_path, cheap):
    deploys()
    made = deploying.open_deployment(str(sepolia.file), None, tmp_path)
    timelock = sepolia.chain.impersonate(made.timelock)
    sepolia.chain.rpc("anvil_setBalance", timelock, hex(10**18))
    pool = sepolia.chain.at("LiquidityPool", made.pool)
    pool.setMarket(0, pool.marketConfig(0).config._replace(spreadE6=700), sender=timelock)
    code, said, _ = run("check")
    wrong = [line for line in said.splitlines() if line.endswith("wrong")]
    assert code == cli.FAILED and "1 wrong" in said
    assert len(wrong) == 2 and wrong[0].split() == ["pool.marketConfig(0).spreadE6", "5000", "700", "wrong"]


def test_other_code_at_an_address_is_seen_by_the_check(sepolia, run, deploys, tmp_path, cheap):
    deploys()
    lens = json.loads((tmp_path / "sepolia.json").read_text())["steps"]["lens"]["address"]
    sepolia.chain.rpc("anvil_setCode", lens, "0x6001")
    code, said, _ = run("check")
    assert code == cli.FAILED and "not what was there when it was recorded" in said


def test_check_before_the_end_names_the_steps_that_are_left(sepolia, tmp_path):
    chain, record = begun(sepolia, tmp_path)
    until(chain, sepolia, record, "engine")
    rows = checking.check(chain, sepolia.network, record)
    left = rows[0]
    assert not left.right and left.found.startswith("pool, parameters, previews, lens, list the feed ETH")
    assert [row.found for row in rows if row.what == "code of pool"] == ["nothing was recorded"]


def test_question_is_asked_and_no_sends_nothing(sepolia, run, monkeypatch, tmp_path, cheap):
    for answer in ("n", "", None):
        monkeypatch.setattr("builtins.input", lambda *prompt, answer=answer: answer if answer is not None else eof())
        code, said, _ = run("deploy")
        assert code == cli.FAILED and "Nothing was sent." in said
    assert nonce(sepolia) == 0 and not (tmp_path / "sepolia.json").exists()


def eof():
    raise EOFError


# Refusals ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes, said",
    [
        ([("chain_id: 11155111", "chain_id: 1")], r"the node is on chain 11155111, the network edited is chain 1"),
        ([("description: ETH / USD", "description: ETH / EUR")], 'describes itself as "ETH / USD" where "ETH / EUR" is due'),
        ([("description: ETH / USD, decimals: 8", "description: ETH / USD, decimals: 18")], "has 8 decimals where 18 are due"),
        ([("decimals: 18, feed: ETH", "decimals: 6, feed: ETH")], "the token WETH at 0x.* has 18 decimals where 6 are due"),
        ([("depth: 20000, ", "depth: 20000, base: 2%, ")], r"refuse the file's parameters: InvalidParameter\(name=penaltyE6"),
        ([("depth: 20000, ", "depth: 20000, slope: 2000%, ")], "refuse the file's parameters: .*uint24"),
        ([("weight: 50%", "weight: 60%")], "refuse the file's parameters"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_sent(sepolia, deploys, tmp_path, changes, said):
    refused(sepolia, deploys(file=edited(sepolia, tmp_path, *changes)), said)


def refused(sepolia, outcome, said):
    code, _, complained = outcome
    assert code == cli.BAD_INPUT and "nothing was sent" in complained and re.search(said, complained), complained
    assert nonce(sepolia) == 0


def test_everything_that_does_not_fit_is_said_at_once(sepolia, deploys, tmp_path):
    changes = [("description: ETH / USD", "description: E"), ("description: BTC / USD", "description: B")]
    _, _, complained = deploys(file=edited(sepolia, tmp_path, *changes))
    assert complained.count("it is another feed") == 2


def test_feed_that_is_too_old_is_refused(sepolia, deploys):
    sepolia.chain.advance(3_600 + 1_800 + 60)
    refused(sepolia, deploys(), r"the feed ETH at 0x\w+ answered \d+ s ago, its heartbeat and grace are 3600 \+ 1800 s")


def test_feed_whose_aggregator_refuses_the_price_goes_stale_and_is_refused(sepolia, deploys):
    """An answer outside the bounds never comes: the last one stands and grows old. A new phase changes nothing by itself."""
    feed = replace(sepolia.feeds["ETH"])  # a copy: the chain forgets the phase, and so must we
    feed.next_phase(low=10**8)
    with reverts("Error"):
        feed.answer(10**7)
    sepolia.chain.advance(6_000)
    sepolia.feeds["BTC"].answer(60_000 * 10**8)
    code, _, complained = deploys()
    assert code == cli.BAD_INPUT and complained.count("its heartbeat and grace") == 1 and "the feed ETH" in complained


@pytest.mark.parametrize(
    "what, said",
    [
        ("nothing", "nothing lies there on this chain"),
        ("Escrow", "the token WETH at 0x.* does not say its decimals"),
    ],
)
def test_token_without_decimals_is_refused(sepolia, deploys, tmp_path, what, said):
    there = "0x" + "12" * 20 if what == "nothing" else sepolia.chain.deploy(what).address
    weth = sepolia.network.given["token WETH"]
    refused(sepolia, deploys(file=edited(sepolia, tmp_path, (weth, there))), said)


def test_feed_that_is_no_feed_is_refused(sepolia, deploys, tmp_path):
    feed = sepolia.network.given["proxy ETH"]
    for there, said in (("0x" + "12" * 20, "nothing lies there"), (sepolia.chain.deploy("Escrow").address, "describes itself as")):
        refused(sepolia, deploys(file=edited(sepolia, tmp_path, (feed, there))), said)


def test_balance_that_is_too_small_is_refused(sepolia, deploys, cheap):
    sepolia.chain.rpc("anvil_setBalance", sepolia.wallet.address, hex(10**15))
    refused(sepolia, deploys(), r"has 0\.001000 ether, 0\.\d+ are needed")


def test_insurance_in_a_real_token_must_be_there(sepolia, deploys, tmp_path, cheap):
    usdc = sepolia.chain.deploy("MockToken", "USD Coin", "USDC", 6)
    file = edited(sepolia, tmp_path, ("settlement: {name: USDC, token: mock}", f"settlement: {{name: USDC, token: {usdc.address}}}"))
    refused(sepolia, deploys(file=file), "has 0 units of USDC, the insurance takes 100000000000")
    usdc.mint(sepolia.wallet.address, 10**11)
    assert deploys(file=file)[0] == cli.HELD


@pytest.mark.parametrize(
    "variable, value, said",
    [
        ("SEPOLIA_RPC_URL", None, "SEPOLIA_RPC_URL is not set"),
        ("SEPOLIA_RPC_URL", "wss://somewhere", "SEPOLIA_RPC_URL is not set: put the URL (http…)"),
        ("PLIMSOLL_PRIVATE_KEY", None, "there is no key"),
        ("PLIMSOLL_PRIVATE_KEY", "hunter2", "PLIMSOLL_PRIVATE_KEY is no private key"),
    ],
)
def test_missing_variable_is_named(run, monkeypatch, variable, value, said):
    if value is None:
        monkeypatch.delenv(variable)
    else:
        monkeypatch.setenv(variable, value)
    code, _, complained = run("deploy")
    assert code == cli.BAD_INPUT and said in complained and "hunter2" not in complained


def test_command_line_takes_no_secret(run, capsys):
    for option in ("--password", "--key", "--private-key", "--rpc"):
        with pytest.raises(SystemExit):
            run("deploy", option, "hunter2")


# Going on ------------------------------------------------------------------------------------------------------------


def begun(sepolia, folder, name="sepolia"):
    chain = LiveChain(Rpc(sepolia.anvil.url), sepolia.wallet, AT_ONCE)
    roles = sepolia.network.roles_of(sepolia.wallet.address)
    genesis, mark = planning.first_block(chain), fingerprint(sepolia.network, roles)
    path = folder / f"{name}.json"
    return chain, records.read(path) or Record(path, "sepolia", 11155111, genesis, roles, mark, {}, "")


class Enough(Exception):
    pass


def until(chain, sepolia, record, last):
    """Deploys to this step, which is the last."""

    def told(step, place, of):
        if last in record.steps:
            raise Enough

    with pytest.raises(Enough):
        Builder(chain, sepolia.network, record, told).run()


def addresses(record):
    return {name: step.get("address") for name, step in record.steps.items()}


@pytest.fixture(scope="module")
def undisturbed(sepolia, tmp_path_factory):
    """What a deployment leaves that nothing happens to."""
    here = sepolia.chain.snapshot()
    chain, record = begun(sepolia, tmp_path_factory.mktemp("undisturbed"))
    Builder(chain, sepolia.network, record).run()
    sepolia.chain.revert(here)
    return addresses(record)


STEPS = 32
KILLS = [(random.Random(20200312 + i).randrange(1, STEPS + 1), moment) for i, moment in enumerate(("noted", "sent", "recorded"))]


@pytest.mark.parametrize("place, moment", KILLS)
def test_run_that_was_killed_goes_on_to_the_same_end_and_does_nothing_twice(sepolia, tmp_path, undisturbed, place, moment):
    dying = Path(__file__).parent / "dying.py"
    command = [sys.executable, str(dying), str(sepolia.file), str(tmp_path), str(place), moment]
    died = subprocess.run(command, env={**os.environ, **sepolia.environment()}, capture_output=True, text=True)
    assert died.returncode == -9, died.stderr
    chain, record = begun(sepolia, tmp_path)
    assert len(record.steps) == (place if moment == "recorded" else place - 1)
    Builder(chain, sepolia.network, record).run()
    assert addresses(record) == undisturbed and len(undisturbed) == STEPS
    assert nonce(sepolia) == STEPS
    assert all(row.right for row in checking.check(chain, sepolia.network, record))


def test_deployment_goes_on_after_another_wallet_used_the_nonce(sepolia, tmp_path, undisturbed):
    chain, record = begun(sepolia, tmp_path)
    until(chain, sepolia, record, "escrow")
    other = LiveChain(Rpc(sepolia.anvil.url), sepolia.wallet, AT_ONCE)
    other.send("0x" + "ab" * 20, value=1)
    Builder(chain, sepolia.network, record).run()
    assert addresses(record) == undisturbed and nonce(sepolia) == STEPS + 1


@pytest.mark.parametrize(
    "last, repeated",
    [("list the collateral WETH", 0), ("insure ETH", 3), ("hand oracle to the timelock", 0), ("hand parameters to the timelock", 0)],
)
def test_steps_that_nobody_recorded_are_recognised_on_the_chain(sepolia, tmp_path, undisturbed, last, repeated):
    """The record of the last steps is lost, as with an older copy of it. What has no proof is done again and harms nothing: the
    interest, the mint and the approval of the insurance; not its payment."""
    chain, record = begun(sepolia, tmp_path)
    until(chain, sepolia, record, "timelock")
    older = record.path.read_bytes()
    until(chain, sepolia, record, last)
    record.path.write_bytes(older)
    chain, record = begun(sepolia, tmp_path)
    made = Builder(chain, sepolia.network, record).run()
    assert addresses(record) == undisturbed and record.steps["engine"]["transaction"] is None
    assert nonce(sepolia) == STEPS + repeated and made.engine.fundOf(0) == (50_000 * 10**6, 0)


def test_constructor_that_refuses_is_asked_itself(sepolia, tmp_path):
    world = sepolia.network.world
    odd = replace(sepolia.network, world=replace(world, liquidation=replace(world.liquidation, target=10**18)))
    with pytest.raises(Refused, match=r"InvalidParameter\(.*at the step: liquidation"):
        planning.rehearse(odd, planning.look(begun(sepolia, tmp_path)[0], odd))


@pytest.mark.parametrize(
    "spoil, said",
    [
        (lambda text: text[: len(text) // 2], "cannot be read .* Restore it from version control"),
        (lambda text: "[]", "it is no record of a deployment"),
        (lambda text: text.replace('"format": 1', '"format": 7'), "format 7 where 1 is due"),
        (lambda text: text.replace('"genesis": "0x', '"genesis": "0xff'), "it is of another chain"),
        (lambda text: text.replace('"fingerprint": "', '"fingerprint": "ff'), "has changed since this deployment began"),
        (lambda text: text.replace('"address": "0x', '"address": "0xzz', 1), "is no address"),
        (lambda text: text.replace('"deployer": "0x', '"deployer": "0xff'), "began it, and must finish it"),
    ],
)
def test_record_that_cannot_be_used_is_refused_and_left_as_it_is(sepolia, deploys, tmp_path, spoil, said):
    chain, record = begun(sepolia, tmp_path)
    until(chain, sepolia, record, "escrow")
    sent, spoilt = nonce(sepolia), spoil(record.path.read_text())
    record.path.write_text(spoilt)
    code, _, complained = deploys()
    assert code == cli.BAD_INPUT and re.search(said, complained), complained
    assert record.path.read_text() == spoilt and nonce(sepolia) == sent


def test_two_at_once_are_refused(sepolia, deploys, tmp_path):
    with records.alone(tmp_path / "sepolia.json"):
        code, _, complained = deploys()
    assert code == cli.BAD_INPUT and "another process is deploying this" in complained and nonce(sepolia) == 0


def test_record_is_whole_or_the_one_before(sepolia, tmp_path, monkeypatch):
    _, record = begun(sepolia, tmp_path)
    record.save()
    before = record.path.read_bytes()
    monkeypatch.setattr(os, "fsync", lambda file: eof())
    with pytest.raises(EOFError):
        record.done("factory", {"address": "0x" + "12" * 20})
    assert record.path.read_bytes() == before


def test_record_before_its_end_is_not_loaded(sepolia, tmp_path):
    chain, record = begun(sepolia, tmp_path)
    with pytest.raises(records.RecordError, match="nothing was deployed"):
        deploying.open_deployment(str(sepolia.file), None, tmp_path)
    until(chain, sepolia, record, "factory")
    with pytest.raises(records.RecordError, match="not finished"):
        deploying.open_deployment(str(sepolia.file), None, tmp_path)
    assert deployment_of(chain, sepolia.network, record).engine.address
