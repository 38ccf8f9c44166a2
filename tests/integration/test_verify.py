"""The code on the chain is the code of these sources, immutables and metadata accounted for; an explorer gets what it needs."""

import json
from urllib.parse import parse_qs

import pytest

from plimsoll import cli
from plimsoll.chain import create3, explorer, sources
from plimsoll.chain.artifacts import artifact
from plimsoll.deploy import check as checking, verify
from plimsoll.deploy.record import read
from plimsoll.deploy.steps import recipe_of
from tests.integration.deployed import deployed
from tests.integration.providers import Provider

KEY = "explorer-key-of-somebody"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    with deployed(tmp_path_factory.mktemp("deployed")) as found:
        yield found


@pytest.fixture
def live(made):
    staged, _ = made
    here = staged.chain.snapshot()
    yield checking.LiveChain(staged.anvil.url)
    staged.chain.revert(here)


def verdict(live, made, part):
    staged, record = made
    found = dict((name, (said, right)) for name, said, right in verify.verdicts(live, recipe_of(staged.network, read(record.path)), read(record.path)))
    return found[part]


def put(made, live, part, change):
    """Other code at a part's address, of which the record says that it was always there."""
    staged, record = made
    address = record.address(part)
    code = bytearray.fromhex(live.code(address)[2:])
    change(code)
    staged.chain.rpc("anvil_setCode", address, "0x" + code.hex())
    told = json.loads(record.path.read_text())
    told["steps"][part]["code_hash"] = create3.code_hash("0x" + code.hex())
    return told


@pytest.fixture
def replaced(made, live):
    """(part, change) → what is said of it then"""
    record = made[1]
    before = record.path.read_text()

    def replacing(part, change):
        record.path.write_text(json.dumps(put(made, live, part, change)))
        return verdict(live, made, part)

    yield replacing
    record.path.write_text(before)


def flip(position):
    def flipping(code):
        code[position] ^= 1

    return flipping


def test_every_part_is_as_compiled(live, made):
    staged, record = made
    found = list(verify.verdicts(live, recipe_of(staged.network, record), record))
    assert len(found) == 15 and all(said == verify.SAME and right for _, said, right in found)


def test_another_instruction_is_other_code(replaced):
    assert replaced("engine", flip(1_000)) == ("other code", False)


def test_another_immutable_is_other_code(live, made, replaced):
    """The engine believes in another pool: nothing but its immutables differs."""
    pool = bytes.fromhex(made[1].address("pool")[2:])

    def other_pool(code):
        at = code.index(pool)
        code[at + 19] ^= 1

    assert replaced("engine", other_pool) == ("other code", False)


def test_other_metadata_is_the_same_code_and_said(replaced):
    assert replaced("engine", flip(-20)) == (verify.SAME_BUT, True)


def test_changed_since_it_was_recorded_is_wrong(live, made):
    put(made, live, "lens", flip(-20))
    assert verdict(live, made, "lens") == ("not what was there when it was recorded", False)


@pytest.mark.parametrize("contract", ["Create3Factory", "MarginEngine"])
def test_standard_input_compiles_to_the_very_code(contract):
    source = explorer.source_of(contract)
    output = sources.solc(explorer.standard_input(source))
    assert output["contracts"][source][contract]["evm"]["bytecode"]["object"] == artifact(contract).bytecode


def test_sources_and_arguments_are_written_for_every_contract(made, tmp_path):
    staged, record = made
    verify.write_sources(tmp_path, recipe_of(staged.network, record), record)
    engine = json.loads((tmp_path / "MarginEngine.json").read_text())
    assert {"contracts/MarginEngine.sol", "contracts/base/Ledger.sol"} < set(engine["sources"])
    assert "node_modules/@openzeppelin/contracts/utils/math/SafeCast.sol" in engine["sources"]
    told = json.loads((tmp_path / "arguments.json").read_text())
    assert set(told) == {name for name, step in record.steps.items() if "address" in step}
    assert told["lens"]["encoded_arguments"].lower().count(record.address("engine")[2:].lower()) == 1


def answers(*results):
    return [(200, json.dumps({"status": "1", "result": result}).encode()) for result in results]


@pytest.fixture
def at_once(monkeypatch):
    monkeypatch.setattr(explorer, "SECONDS_BETWEEN", 0)


def test_explorer_is_asked_until_it_has_decided(made, at_once):
    with Provider(None, answers("ticket-1", "Pending in queue", "Pass - Verified")) as provider:
        there = explorer.Explorer(11155111, KEY, provider.url)
        assert there.submit("0x" + "12" * 20, "Create3Factory", "0xabcd") == "Pass - Verified"
    asked = [{key: value[0] for key, value in parse_qs(body.decode()).items()} for body in provider.bodies]
    assert [one["action"] for one in asked] == ["verifysourcecode", "checkverifystatus", "checkverifystatus"]
    first = asked[0]
    assert first["contractname"] == "contracts/periphery/Create3Factory.sol:Create3Factory"
    assert first["compilerversion"].startswith("v0.8.30+commit.") and first["constructorArguements"] == "abcd"
    assert json.loads(first["sourceCode"])["language"] == "Solidity" and asked[1]["guid"] == "ticket-1"


def test_explorer_that_fails_changes_nothing_and_its_key_is_not_shown(made, at_once, monkeypatch, capsys):
    staged, record = made
    for name, value in {**staged.environment(), "ETHERSCAN_API_KEY": KEY}.items():
        monkeypatch.setenv(name, value)
    with Provider(None, [(500, b"no")]) as provider:
        monkeypatch.setenv("ETHERSCAN_API", provider.url)
        code = cli.main(["deploy", str(staged.file), "--yes", "--records", str(record.path.parent)])
    said = "".join(capsys.readouterr())
    assert code == cli.HELD and "the explorer does not answer as it should" in said and KEY not in said
