"""What the operators make of a small contract, byte by byte."""

from collections import defaultdict

import pytest

from tests.mutation.compiling import BARE, Compiler, DoesNotCompile, parsed
from tests.mutation.mutants import mutants_of, ranked
from tests.mutation.operators import edits

FILE = "contracts/Small.sol"
SOURCE = """// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {FixedPointMath} from "./libraries/FixedPointMath.sol";

contract Small {
    using FixedPointMath for uint256;

    error Refused(uint256 have, uint256 need);
    event Told(uint256 value);

    uint256 private constant LIMIT = 3 days; // ⌈λ · M⌉ ≤ μ: several bytes a letter
    uint256[4] public kept;
    bool private _locked;

    modifier lock() {
        require(!_locked);
        _;
    }

    function set(uint256 a, uint256 b) external lock returns (uint256) {
        if (a < b) revert Refused(a, b);
        bool both = a == 7 && b /* < ÷ + */ > a % 5;
        a += both ? 10 : Math.min(a, b);
        kept[0] = a;
        emit Told(_share(a, b));
        for (uint256 i; i < 4; ++i) kept[i] = a;
        return _share(a, b) + a.mulDivDown(b, LIMIT);
    }

    function _share(uint256 a, uint256 b) private pure returns (uint256) {
        if (a > b) a = b;
        uint256 rest = a > b ? a - b : 0;
        return (rest + (a < b ? a : b)) * 2;
    }

    function magnitude(int256 a) external pure returns (int256) {
        int256 most = a > 9 ? a : int256(9);
        return a < 0 ? -a : most;
    }

    function odd(uint256 a) external pure returns (bool) {
        return Math.mulDiv(a, 3, 4, Math.Rounding.Ceil) < a;
    }
}
"""
DUE = {
    "relational": {
        ("a < 0", "a <= 0"),
        ("a < b", "a <= b"),
        ("a == 7", "a != 7"),
        ("b /* < ÷ + */ > a % 5", "b /* < ÷ + */ >= a % 5"),
        ("i < 4", "i <= 4"),
        ("Math.mulDiv(a, 3, 4, Math.Rounding.Ceil) < a", "Math.mulDiv(a, 3, 4, Math.Rounding.Ceil) <= a"),
    },
    "logical": {("a == 7 && b /* < ÷ + */ > a % 5", "(a == 7 || b /* < ÷ + */ > a % 5)")},
    "condition": {("a < b", "!(a < b)"), ("a > b", "!(a > b)")},
    "check removed": {("if (a < b) revert Refused(a, b);", "{}")},
    "event removed": {("emit Told(_share(a, b));", "{}")},
    "modifier removed": {("lock", "")},
    "negation": {("!_locked", "_locked")},
    "assignment": {("a += both ? 10 : Math.min(a, b)", "a -= both ? 10 : Math.min(a, b)")},
    "branches": {
        ("both ? 10 : Math.min(a, b)", "both ? Math.min(a, b) : 10"),
        ("a > b ? a - b : 0", "a > b ? 0 : a - b"),
        ("a < b ? a : b", "a < b ? b : a"),
        ("a > 9 ? a : int256(9)", "a > 9 ? int256(9) : a"),
        ("a < 0 ? -a : most", "a < 0 ? most : -a"),
    },
    "extreme": {("min", "max")},
    "rounding": {("mulDivDown", "mulDivUp"), ("Ceil", "Floor")},
    "arguments": {("a, b", "b, a"), ("b, LIMIT", "LIMIT, b")},
    "sign": {("-a", "a")},
    "returns not": {
        ("Math.mulDiv(a, 3, 4, Math.Rounding.Ceil) < a", "!(Math.mulDiv(a, 3, 4, Math.Rounding.Ceil) < a)"),
    },
    "returns 0": {("_share(a, b) + a.mulDivDown(b, LIMIT)", "0"), ("(rest + (a < b ? a : b)) * 2", "0"), ("a < 0 ? -a : most", "0")},
    "statement removed": {
        ("require(!_locked);", "{}"),
        ("a += both ? 10 : Math.min(a, b);", "{}"),
        ("kept[0] = a;", "{}"),
        ("kept[i] = a;", "{}"),
        ("a = b;", "{}"),
    },
}


@pytest.fixture(scope="module")
def tree():
    return parsed({FILE: SOURCE})[FILE]


@pytest.fixture(scope="module")
def found(tree):
    return edits(tree, SOURCE.encode())


def test_operators_make_exactly_these_edits(found):
    made = defaultdict(set)
    for edit in found:
        made[edit.operator].add((edit.before.decode(), edit.after.decode()))
    for operator, due in DUE.items():
        assert made[operator] == due, operator
    assert set(made) == {*DUE, "arithmetic", "constant"}
    assert {("3 days", "(3 days + 1)"), ("7", "8"), ("7", "6"), ("0", "1")} <= made["constant"]
    assert ("4", "5") not in made["constant"] - {("4", "5")} and ("0", "-1") not in made["constant"]
    assert {("a % 5", "a / 5"), ("a - b", "a + b")} <= made["arithmetic"]


def test_edit_changes_its_own_bytes_alone(found):
    source = SOURCE.encode()
    for edit in found:
        mutated = edit.applied(source)
        assert mutated[: edit.start] == source[: edit.start]
        assert mutated[edit.start + len(edit.after) :] == source[edit.end :]
        assert mutated != source and mutated.decode()


def test_boundary_that_makes_no_difference_is_left_alone(found):
    """min, max, the positive part and a clamp say the same on both sides of equality."""
    moved = {edit.before for edit in found if edit.operator == "relational"}
    assert b"a > b" not in moved and len([edit for edit in found if edit.before == b"a < b"]) == 2


def test_mutant_is_the_same_while_its_function_is(tree):
    def ids(text):
        return {(m.unit, m.id) for m in mutants_of(FILE, parsed({FILE: text})[FILE], text.encode())}

    before = ids(SOURCE)
    assert ids(SOURCE.replace("pragma", "// ⌈one line more⌉\npragma")) == before
    changed = ids(SOURCE.replace("kept[0] = a;", "kept[1] = a;"))
    assert {unit for unit, _ in before - changed} == {"set"} == {unit for unit, _ in changed - before}


def test_draw_is_the_mutants_own_chance(tree):
    mutants = mutants_of(FILE, tree, SOURCE.encode())
    drawn = ranked(mutants, FILE)
    assert drawn == ranked(mutants[::-1], FILE) and drawn != mutants
    assert [m for m in drawn if m.unit == "odd"] == ranked([m for m in mutants if m.unit == "odd"], FILE)
    assert ranked(mutants, "contracts/libraries/Small.sol")[0].edit.operator in ("relational", "rounding", "extreme")


@pytest.fixture
def compiler():
    made = Compiler()
    yield made
    made.close()


def test_compiler_tells_a_difference_from_none(compiler):
    def made(text):
        return compiler.compiled(FILE, text, (FILE,))["Small"]

    assert BARE["appendCBOR"] is False
    plain = made(SOURCE)
    assert made(SOURCE.replace("several bytes", "another comment")) == plain
    assert made(SOURCE.replace("bool both = a == 7", "bool both = (a == 7)")) == plain
    assert made(SOURCE.replace("a < b) revert", "a <= b) revert")) != plain
    with pytest.raises(DoesNotCompile, match="Undeclared identifier"):
        made(SOURCE.replace("return _share", "return _nothing"))
