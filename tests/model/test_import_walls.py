"""The walls stand, and the guard of the walls is awake."""

from pathlib import Path

import pytest

from tests import walls

ROOT = Path(__file__).resolve().parents[2]


def test_project_keeps_its_walls():
    found = walls.breaches(ROOT)
    assert not found, "\n" + "\n".join(found)


def test_files_of_the_project_are_found_and_no_others():
    names = {path.relative_to(ROOT).as_posix() for path in walls.files(ROOT)}
    assert {"plimsoll/errors.py", "interfaces/IEscrow.sol", "tests/walls.py", "brownie_hooks.py"} <= names
    assert not any(name.startswith((".venv", "node_modules", "build")) for name in names)


def sol(path, *imports, body=None):
    stem = Path(path).stem
    kind = {"libraries": "library", "base": "abstract contract"}.get(path.split("/")[1], "contract")
    kind = "interface" if path.startswith("interfaces/") else kind
    lines = ["pragma solidity 0.8.30;", *(f'import {{X}} from "{i}";' for i in imports), body or f"{kind} {stem} {{ }}"]
    return list(walls.solidity_breaches(path, "\n".join(lines)))


RIGHT_IMPORTS = [
    ("interfaces/IA.sol", "./IB.sol"),
    ("interfaces/IA.sol", "@chainlink/contracts/src/v0.8/interfaces/AggregatorV3Interface.sol"),
    ("contracts/libraries/A.sol", "./B.sol"),
    ("contracts/libraries/A.sol", "../../interfaces/IB.sol"),
    ("contracts/libraries/A.sol", "@openzeppelin/contracts/utils/math/Math.sol"),
    ("contracts/base/A.sol", "@openzeppelin/contracts/access/Ownable.sol"),
    ("contracts/A.sol", "./base/B.sol"),
    ("contracts/periphery/A.sol", "../libraries/B.sol"),
    ("contracts/mocks/A.sol", "../B.sol"),
    ("examples/contracts/A.sol", "./B.sol"),
    ("tests/proofs/lemmas/A.sol", "../../../contracts/libraries/B.sol"),
    ("benchmarks/foundry/A.sol", "../../contracts/mocks/B.sol"),
]
WRONG_IMPORTS = [
    ("contracts/A.sol", "./B.sol"),
    ("contracts/periphery/A.sol", "../B.sol"),
    ("contracts/A.sol", "./periphery/B.sol"),
    ("contracts/A.sol", "./mocks/B.sol"),
    ("contracts/A.sol", "node_modules/@openzeppelin/contracts/access/Ownable.sol"),
    ("contracts/A.sol", "@chainlink/contracts/src/v0.8/tests/MockV3Aggregator.sol"),
    ("contracts/base/A.sol", "../B.sol"),
    ("contracts/libraries/A.sol", "../B.sol"),
    ("contracts/libraries/A.sol", "../base/B.sol"),
    ("contracts/libraries/A.sol", "../mocks/B.sol"),
    ("contracts/libraries/A.sol", "@openzeppelin/contracts/access/Ownable.sol"),
    ("interfaces/IA.sol", "../contracts/libraries/B.sol"),
    ("interfaces/IA.sol", "../contracts/B.sol"),
    ("contracts/A.sol", "../examples/contracts/B.sol"),
    ("contracts/A.sol", "../benchmarks/foundry/B.sol"),
    ("examples/contracts/A.sol", "../../contracts/B.sol"),
    ("contracts/A.sol", "../tests/proofs/B.sol"),
]


@pytest.mark.parametrize("path, target", RIGHT_IMPORTS)
def test_solidity_import_within_the_walls_passes(path, target):
    assert sol(path, target) == []


@pytest.mark.parametrize("path, target", WRONG_IMPORTS)
def test_solidity_import_through_a_wall_is_found(path, target):
    assert len(sol(path, target)) == 1


@pytest.mark.parametrize(
    "statement", ['import "./B.sol";', "import * as B from './B.sol';", 'import {\n  B,\n  C as D\n} from "./B.sol";']
)
def test_solidity_every_form_of_import_is_read(statement):
    assert sol("contracts/A.sol", body=f"{statement} contract A {{ }}") == [
        "contracts/A.sol (contract) imports ./B.sol (contract)"
    ]


def test_solidity_comments_and_texts_are_not_code():
    body = """// import "./B.sol"; contract B {
    /* uint256 constant X = 1; } */ contract A { string a = "} // \\" {"; string b = 'import "./B.sol";'; }"""
    assert sol("contracts/A.sol", body=body) == []


@pytest.mark.parametrize(
    "extra",
    [
        "uint256 constant X = 1;",
        "error Bad(uint256 have);",
        "event Told();",
        "struct S { uint256 a; }",
        "enum E { A, B }",
        "type Price is uint256;",
        "function f(uint256 a) pure returns (uint256) { return a; }",
        "using M for uint256 global;",
    ],
)
def test_solidity_at_file_level_is_found(extra):
    for body in (f"{extra} contract A {{ }}", f"contract A {{ function g() external {{ }} }} {extra}"):
        assert len(sol("contracts/A.sol", body=body)) == 1


@pytest.mark.parametrize(
    "path, body",
    [
        ("contracts/A.sol", "contract B { }"),
        ("contracts/A.sol", "contract A { } contract B { }"),
        ("contracts/A.sol", "abstract contract A { }"),
        ("contracts/base/A.sol", "contract A { }"),
        ("contracts/libraries/A.sol", "contract A { }"),
        ("interfaces/IA.sol", "abstract contract IA { }"),
    ],
)
def test_solidity_wrong_unit_is_found(path, body):
    assert len(sol(path, body=body)) == 1


RIGHT_PYTHON = [
    ("plimsoll/venue.py", "from plimsoll.errors import Reverted"),
    ("plimsoll/model/a.py", "from plimsoll import fixed_point"),
    ("plimsoll/model/a.py", "from .b import c"),
    ("plimsoll/chain/a.py", "import web3, plimsoll.chain.b"),
    ("plimsoll/scenarios/a.py", "from plimsoll.invariants import check"),
    ("plimsoll/cli.py", "from plimsoll.chain.venue import ChainVenue"),
    ("scripts/deploy.py", "import brownie\nfrom plimsoll.chain import deployment"),
    ("tests/a.py", "import brownie\nfrom plimsoll.model import protocol\nfrom tests.helpers import b"),
]
WRONG_PYTHON = [
    ("plimsoll/venue.py", "from plimsoll.model import protocol"),
    ("plimsoll/types.py", "import plimsoll.chain.node"),
    ("plimsoll/model/a.py", "from plimsoll.chain.node import Chain"),
    ("plimsoll/model/a.py", "from plimsoll import chain"),
    ("plimsoll/model/a.py", "from ..chain import node"),
    ("plimsoll/model/a.py", "from .. import chain"),
    ("plimsoll/model/a.py", "def f():\n    from plimsoll.chain import node"),
    ("plimsoll/model/a.py", "from web3 import Web3"),
    ("plimsoll/chain/a.py", "from plimsoll.model import protocol"),
    ("plimsoll/chain/a.py", "from plimsoll.scenarios import runner"),
    ("plimsoll/scenarios/a.py", "from plimsoll.chain import node"),
    ("plimsoll/properties/a.py", "from plimsoll.chain import node"),
    ("plimsoll/properties/a.py", "from plimsoll.model import margin_math"),
    ("plimsoll/keeper/a.py", "from plimsoll.model import protocol"),
    ("plimsoll/risk/a.py", "import plimsoll.cli"),
    ("plimsoll/cli.py", "from tests import helpers"),
    ("plimsoll/cli.py", "import scripts.deploy"),
    ("plimsoll/cli.py", "import brownie"),
    ("tests/a.py", "from scripts import deploy"),
    ("scripts/a.py", "from scripts.deploy import main"),
]


@pytest.mark.parametrize("path, text", RIGHT_PYTHON)
def test_python_import_within_the_walls_passes(path, text):
    assert list(walls.python_breaches(path, text)) == []


@pytest.mark.parametrize("path, text", WRONG_PYTHON)
def test_python_import_through_a_wall_is_found(path, text):
    assert len(list(walls.python_breaches(path, text))) == 1


@pytest.mark.parametrize(
    "path, ceiling",
    [("contracts/A.sol", 450), ("plimsoll/a.py", 350), ("tests/unit/test_a.py", 500), ("scripts/a.py", 60)],
)
def test_size_above_the_ceiling_is_found(path, ceiling):
    assert list(walls.size_breaches(path, "\n" * ceiling)) == []
    assert len(list(walls.size_breaches(path, "\n" * (ceiling + 1)))) == 1
