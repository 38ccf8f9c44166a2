"""The tool of `make coverage`, on a little contract with an immutable: it knows what ran and what did not."""

import pytest

from plimsoll.chain.anvil import Anvil
from plimsoll.chain.artifacts import read
from plimsoll.chain.node import Chain
from plimsoll.toolchain.setup import ROOT
from tests.coverage import compiled, plugin, report

CONSTRUCTOR, CONDITION, REVERT, SUM, NEVER, SMALL = 12, 16, 17, 19, 23, 27


class Kept(Anvil):
    HISTORY = plugin.HISTORY


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("coverage")
    compiled.build([ROOT / "tests/coverage/Little.sol"], made)
    return made


@pytest.fixture(scope="module")
def node():
    with Kept() as anvil:
        yield Chain(anvil)


@pytest.fixture
def watch(node, folder):
    """Deploys the contract, watched; then calls its functions and says what ran."""
    seen = plugin.Seen(folder)
    artifact = read(folder / "contracts" / "Little.json")
    little = node.deploy(artifact, 10)
    seen.transaction(node.rpc, {"data": artifact.init_code((10,), {})}, little.receipt.raw)

    def ran(*calls):
        for name, argument in calls:
            request = {"to": little.address, "data": little.encode(name, argument)}
            if name == "isSmall":
                seen.call(node.rpc, (request, "latest"), {"result": f"0x{argument:x}"})
            else:
                seen.transaction(node.rpc, request, node.transact(little, request["data"]).raw)
        seen.write(folder / "seen.json")
        return report.measure([folder / "seen.json"], folder, "tests/coverage/")[0]

    return ran


def test_coverage_of_deployment_alone(watch):
    ran = watch().lines
    assert ran == {line: line == CONSTRUCTOR for line in (CONSTRUCTOR, CONDITION, REVERT, SUM, NEVER, SMALL)}


def test_coverage_of_transaction_sees_lines_and_the_way_gone(watch):
    file = watch(("add", 3))
    assert file.lines == {CONSTRUCTOR: True, CONDITION: True, REVERT: False, SUM: True, NEVER: False, SMALL: False}
    assert sorted(file.branches.values()) == [0, 1]


def test_coverage_of_refused_transaction_is_the_other_way(watch):
    file = watch(("add", 11), ("add", 3))
    assert file.lines[REVERT] and file.lines[SUM] and not file.lines[NEVER]
    assert sorted(file.branches.values()) == [0, 2]


def test_coverage_of_calls_sees_both_ways_of_a_condition(watch):
    assert sorted(watch(("isSmall", 0)).branches.values()) == [0, 1]
    assert sorted(watch(("isSmall", 10)).branches.values()) == [0, 2]


def test_coverage_below_the_goal_is_told_with_its_lines(watch, folder, capsys):
    watch(("add", 3))
    assert not report.tell([folder / "seen.json"], folder, "tests/coverage/")
    assert "never ran: tests/coverage/Little.sol:23: sum = 0;" in capsys.readouterr().out
