"""What a mutant changes: every edit that the operators offer on the syntax tree of one source.

    for edit in edits(ast, source): mutated = edit.applied(source)

The tree is solc's; its `src` counts bytes, so a source is bytes here. An edit replaces a whole node, and puts parentheses
where the new text would bind otherwise than the node did. Assembly and what lies outside contracts is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Node = dict[str, Any]

RELATIONAL = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="}
ARITHMETIC = {"+": "-", "-": "+", "*": "/", "/": "*", "%": "/"}
LOOSE = {"&&": "||", "||": "&&", "&": "|", "|": "&"}  # the new one binds otherwise
ASSIGNED = {"+=": "-=", "-=": "+=", "*=": "/=", "/=": "*=", "|=": "&=", "&=": "|="}
ROUNDING = {"mulDivDown": "mulDivUp", "mulDivUp": "mulDivDown", "divDown": "divUp", "divUp": "divDown"}
ROUNDING |= {"Ceil": "Floor", "Floor": "Ceil"}
EXTREME = {"min": "max", "max": "min", "_min": "_max", "_max": "_min"}
COMMUTES = {*EXTREME, "saturatingAdd"}
# Two factors of one product: from which argument on. (A method of a number has its first factor before the dot.)
PRODUCT = {"mulDivDown": 0, "mulDivUp": 0, "mulDiv": 0, "notional": 0, "penalty": 0, "salePayment": 1}
COMMENT = re.compile(rb"//[^\n]*|/\*.*?\*/", re.DOTALL)
CAST = re.compile(rb"^u?int\d*\(([\w.]+)\)$")
END = re.compile(rb"\s*;")


@dataclass(frozen=True)
class Edit:
    """Bytes start..end become `after`. unit: where the function (or other member of a contract) lies that holds them."""

    operator: str
    start: int
    end: int
    before: bytes
    after: bytes
    unit: tuple[int, int]

    def applied(self, source: bytes) -> bytes:
        assert source[self.start : self.end] == self.before
        return source[: self.start] + self.after + source[self.end :]


def edits(ast: Node, source: bytes) -> list[Edit]:
    """In the order of the source; no two make the same text."""
    found: dict[tuple[int, int, bytes], Edit] = {}
    for contract in ast["nodes"]:
        for member in contract.get("nodes", ()) if contract["nodeType"] == "ContractDefinition" else ():
            unit = span(member)
            for node, parent in walk(member):
                for operator, (start, end), after in OPERATORS.get(node["nodeType"], nothing)(node, parent, source):
                    edit = Edit(operator, start, end, source[start:end], after, unit)
                    found.setdefault((start, end, after), edit)
    return sorted(found.values(), key=lambda edit: (edit.start, edit.end, edit.operator, edit.after))


def span(node: Node) -> tuple[int, int]:
    start, length, _ = map(int, node["src"].split(":"))
    return start, start + length


def walk(node: Node, parent: Node | None = None) -> Iterator[tuple[Node, Node]]:
    """Every node below and including this one, with the node above it."""
    if node["nodeType"] in ("InlineAssembly", "ArrayTypeName", "StructuredDocumentation"):
        return
    yield node, parent or {"nodeType": ""}
    for value in list(node.values()):
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, dict) and "nodeType" in child:
                yield from walk(child, node)


# Operators: each yields (name, span, new text) -----------------------------------------------------------------------

Found = Iterator[tuple[str, tuple[int, int], bytes]]


def text(node: Node, source: bytes) -> bytes:
    start, end = span(node)
    return source[start:end]


def nothing(node: Node, parent: Node, source: bytes) -> Found:
    return iter(())


def between(left: Node, right: Node, old: str, new: str, source: bytes) -> bytes:
    """The text from left to right with the operator between them replaced, comments there untouched."""
    start, end = span(left)[1], span(right)[0]
    gap = COMMENT.sub(lambda match: b" " * len(match[0]), source[start:end])
    at = start + gap.index(old.encode())
    return source[span(left)[0] : at] + new.encode() + source[at + len(old) : span(right)[1]]


def binary(node: Node, parent: Node, source: bytes) -> Found:
    left, right, old = node["leftExpression"], node["rightExpression"], node["operator"]
    if old in ("<", "<=", ">", ">=") and clamps(node, parent, source):
        return
    for name, table in (("relational", RELATIONAL), ("arithmetic", ARITHMETIC)):
        if old in table:
            yield name, span(node), between(left, right, old, table[old], source)
    if old in LOOSE:
        new = between(left, right, old, LOOSE[old], source)
        yield "logical" if len(old) == 2 else "bitwise", span(node), b"(" + new + b")"


def clamps(node: Node, parent: Node, source: bytes) -> bool:
    """`a < b ? a : b`, `a > b ? a - b : 0`, `a < 0 ? -a : a`, `if (a > b) a = b`: where a equals b both branches say the same,
    so that the boundary may be either's."""
    sides = {bare(node["leftExpression"], source), bare(node["rightExpression"], source)}
    if parent["nodeType"] == "Conditional" and parent["condition"] is node:
        branches = parent["trueExpression"], parent["falseExpression"]
        if bare(branches[1], source) == b"0" and branches[0].get("operator") == "-" and "leftExpression" in branches[0]:
            branches = branches[0]["leftExpression"], branches[0]["rightExpression"]
    elif parent["nodeType"] == "IfStatement" and not parent.get("falseBody"):
        done = parent["trueBody"].get("expression", {})
        if done.get("operator") != "=":
            return False
        branches = done["leftHandSide"], done["rightHandSide"]
    else:
        return False
    said = {bare(branch, source) for branch in branches}
    return said == sides or (b"0" in sides and said == {side for a in sides - {b"0"} for side in (a, b"-" + a)})


def bare(node: Node, source: bytes) -> bytes:
    """Its text, without the type that a constant or a name is cast to."""
    return CAST.sub(rb"\1", text(node, source))


def unary(node: Node, parent: Node, source: bytes) -> Found:
    name = {"!": "negation", "-": "sign"}.get(node["operator"])
    if name:
        yield name, span(node), text(node["subExpression"], source)


def assignment(node: Node, parent: Node, source: bytes) -> Found:
    if new := ASSIGNED.get(node["operator"]):
        sides = node["leftHandSide"], node["rightHandSide"]
        yield "assignment", span(node), between(*sides, node["operator"], new, source)


def conditional(node: Node, parent: Node, source: bytes) -> Found:
    first, second = node["trueExpression"], node["falseExpression"]
    start, gap = span(first)[0], source[span(first)[1] : span(second)[0]]
    kept = source[span(node)[0] : start]
    yield "branches", span(node), kept + text(second, source) + gap + text(first, source)


def if_statement(node: Node, parent: Node, source: bytes) -> Found:
    condition = node["condition"]
    plain = condition["nodeType"] == "UnaryOperation" or condition.get("operator") in ("==", "!=")
    if not plain:  # those are negated by their own operator
        yield "condition", span(condition), b"!(" + text(condition, source) + b")"
    body = node["trueBody"]
    inner = body["statements"] if body["nodeType"] == "Block" else [body]
    if len(inner) == 1 and inner[0]["nodeType"] == "RevertStatement" and not node.get("falseBody"):
        yield "check removed", whole(node, source), b"{}"


def whole(node: Node, source: bytes) -> tuple[int, int]:
    """A statement with its semicolon: `{}` in its place is a statement again."""
    start, end = span(node)
    semicolon = END.match(source, end)
    return start, semicolon.end() if semicolon else end


def expression_statement(node: Node, parent: Node, source: bytes) -> Found:
    if parent["nodeType"] == "ForStatement" and node is not parent["body"]:
        return  # the head of a loop: without it, it never ends
    kind = node["expression"]["nodeType"]
    if kind in ("FunctionCall", "Assignment", "UnaryOperation"):
        yield "statement removed", whole(node, source), b"{}"


def emit(node: Node, parent: Node, source: bytes) -> Found:
    yield "event removed", whole(node, source), b"{}"


def returned(node: Node, parent: Node, source: bytes) -> Found:
    value = node.get("expression")
    kind = value["typeDescriptions"]["typeString"] if value else ""
    if value is None or value["nodeType"] in ("Literal", "UnaryOperation"):
        return
    if re.fullmatch(r"u?int\d+", kind):
        yield "returns 0", span(value), b"0"
    elif kind == "bool" and value.get("operator") not in ("==", "!="):
        yield "returns not", span(value), b"!(" + text(value, source) + b")"


def literal(node: Node, parent: Node, source: bytes) -> Found:
    old = text(node, source)
    if node["kind"] == "bool":
        yield "constant", span(node), b"false" if old == b"true" else b"true"
    elif node["kind"] == "number" and parent["nodeType"] != "ForStatement":
        number = int(old) if old.isdigit() else None
        yield "constant", span(node), b"%d" % (number + 1) if number is not None else b"(" + old + b" + 1)"
        if number != 0:
            yield "constant", span(node), b"%d" % (number - 1) if number is not None else b"(" + old + b" - 1)"


def renamed(name: str, place: tuple[int, int]) -> Found:
    for operator, table in (("rounding", ROUNDING), ("extreme", EXTREME)):
        if name in table:
            yield operator, place, table[name].encode()


def identifier(node: Node, parent: Node, source: bytes) -> Found:
    yield from renamed(node["name"], span(node))


def member(node: Node, parent: Node, source: bytes) -> Found:
    start, length, _ = map(int, node["memberLocation"].split(":"))
    yield from renamed(node["memberName"], (start, start + length))


def call(node: Node, parent: Node, source: bytes) -> Found:
    """Two neighbouring arguments of one type change places, where that can make a difference."""
    function, given = node["expression"], node["arguments"]
    name = function.get("memberName") or function.get("name") or ""
    if node["kind"] != "functionCall" or node.get("names") or name in COMMUTES:
        return
    is_method = not function.get("expression", {}).get("typeDescriptions", {}).get("typeString", "type(").startswith("type(")
    for i, (one, two) in enumerate(zip(given, given[1:])):
        if PRODUCT.get(name) == i and not is_method:
            continue
        kinds = [side["typeDescriptions"]["typeString"] for side in (one, two)]
        first, second = text(one, source), text(two, source)
        if kinds[0] == kinds[1] and first != second:
            place = span(one)[0], span(two)[1]
            yield "arguments", place, second + source[span(one)[1] : span(two)[0]] + first


def modifier(node: Node, parent: Node, source: bytes) -> Found:
    if node.get("kind") == "modifierInvocation":
        yield "modifier removed", span(node), b""


OPERATORS: dict[str, Callable[[Node, Node, bytes], Found]] = {
    "BinaryOperation": binary,
    "UnaryOperation": unary,
    "Assignment": assignment,
    "Conditional": conditional,
    "IfStatement": if_statement,
    "ExpressionStatement": expression_statement,
    "EmitStatement": emit,
    "Return": returned,
    "Literal": literal,
    "Identifier": identifier,
    "MemberAccess": member,
    "FunctionCall": call,
    "ModifierInvocation": modifier,
}
