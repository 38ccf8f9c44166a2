"""A YAML file read node by node, so that whatever is wrong is named by file, line and field, and what was expected.

Numbers are read from their text: "194.57" becomes an integer of the unit asked for, exactly, or is refused.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from datetime import datetime, timezone
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import NoReturn

import yaml

from plimsoll.errors import ScenarioFileError

_NUMBER = re.compile(r"[+-]?\d[\d_]*(\.\d+)?([eE][+-]?\d+)?")
_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_TIMES = ("%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d")


class Reader:
    """One node of the file and the way to it. Every method returns what it promises or raises ScenarioFileError."""

    def __init__(self, file: str, node: yaml.Node, field: str = "") -> None:
        self.file, self.node, self.field = file, node, field

    @property
    def line(self) -> int:
        return self.node.start_mark.line + 1

    def fail(self, problem: str) -> NoReturn:
        raise ScenarioFileError(self.file, self.line, self.field, problem)

    def expected(self, what: str) -> NoReturn:
        self.fail(f"expected {what}, found {self._found()}")

    def _found(self) -> str:
        if isinstance(self.node, yaml.MappingNode):
            return "a mapping"
        if isinstance(self.node, yaml.SequenceNode):
            return "a list"
        return f'"{self.node.value}"' if self.node.value else "nothing"

    # Shapes --------------------------------------------------------------------------------------------------------

    @property
    def is_mapping(self) -> bool:
        return isinstance(self.node, yaml.MappingNode)

    @property
    def is_list(self) -> bool:
        return isinstance(self.node, yaml.SequenceNode)

    def mapping(self, what: str = "a mapping of names") -> dict[str, Reader]:
        """Fields in the order of the file; a repeated one is refused."""
        if not self.is_mapping:
            self.expected(what)
        fields: dict[str, Reader] = {}
        for key, value in self.node.value:
            name = Reader(self.file, key, self.field)
            if not isinstance(key, yaml.ScalarNode):
                name.expected("a name")
            if key.value in fields:
                name.fail(f'"{key.value}" is there twice; keep one')
            fields[key.value] = Reader(self.file, value, f"{self.field}.{key.value}".lstrip("."))
        return fields

    def record(self, required: Sequence[str] = (), optional: Sequence[str] = ()) -> dict[str, Reader]:
        """A mapping with these fields and no others."""
        known = (*required, *optional)
        fields = self.mapping("a mapping with " + ", ".join(known))
        for name, value in fields.items():
            if name not in known:
                close = difflib.get_close_matches(name, known, 1)
                hint = f' (did you mean "{close[0]}"?)' if close else ""
                value.fail(f"unknown field{hint}; expected one of: {', '.join(known)}")
        for name in required:
            if name not in fields:
                self.fail(f'the field "{name}" is missing')
        return fields

    def items(self, what: str = "a list") -> list[Reader]:
        if not self.is_list:
            self.expected(what)
        return [Reader(self.file, item, f"{self.field}[{i}]") for i, item in enumerate(self.node.value)]

    # Scalars -------------------------------------------------------------------------------------------------------

    def text(self, what: str = "text") -> str:
        if not isinstance(self.node, yaml.ScalarNode) or not self.node.value.strip():
            self.expected(what)
        return str(self.node.value).strip()

    def choice(self, allowed: Sequence[str], what: str) -> str:
        word = self.text(what)
        self.check_name(word, allowed, what)
        return word

    def check_name(self, name: str, allowed: Sequence[str], what: str) -> None:
        """Refuses a name (of this value, or of the field it stands in) that is not among the allowed."""
        if name not in allowed:
            close = difflib.get_close_matches(name, allowed, 1)
            hint = f' (did you mean "{close[0]}"?)' if close else ""
            self.fail(f'unknown {what} "{name}"{hint}; expected one of: {", ".join(allowed)}')

    def units(self, decimals: int, what: str, low: int | None = None, high: int | None = None) -> int:
        """A decimal number as an integer of 10^-decimals; more digits than that are refused, not rounded."""
        word = self.text(what)
        value = exact(word, decimals)
        if value is None:
            self.expected(f"{what} (a number with at most {decimals} decimals)")
        if low is not None and value < low or high is not None and value > high:
            bounds = [] if low is None else [f"at least {show(low, decimals)}"]
            bounds += [] if high is None else [f"at most {show(high, decimals)}"]
            self.expected(f"{what}, {' and '.join(bounds)}")
        return value

    def positive(self, decimals: int, what: str) -> int:
        return self.units(decimals, what, low=1)

    def rate(self, decimals: int, what: str, high: int | None = None) -> int:
        """ "2%" or "0.02" as an integer of 10^-decimals, ≥ 0."""
        word = self.text(what)
        percent = word.endswith("%")
        value = exact(word.removesuffix("%").strip(), decimals - 2 if percent else decimals)
        if value is None or value < 0 or (high is not None and value > high):
            bound = f", at most {show(high, decimals - 2)} %" if high is not None else ""
            self.expected(f"{what} such as 2% or 0.02{bound}")
        return value

    def duration(self, what: str = "a duration") -> int:
        """ "30s", "10m", "1h30m", "2d": seconds."""
        seconds = parse_duration(self.text(what))
        if seconds is None:
            self.expected(f"{what} such as 30s, 10m, 1h30m or 2d")
        return seconds

    def time(self, start: int, what: str = "a time") -> int:
        """ "+1h30m" after the start, or "2020-03-12 10:00" in UTC: unix seconds."""
        word = self.text(what)
        if word.startswith("+"):
            after = parse_duration(word[1:])
            if after is not None:
                return start + after
        moment = parse_time(word)
        if moment is None:
            self.expected(f'{what} such as +1h30m (after the start) or "2020-03-12 10:00" (UTC)')
        return moment


def read_yaml(path: Path) -> Reader:
    """The root of a file. Raises ScenarioFileError where it is not readable YAML."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ScenarioFileError(
            str(path), 1, "", f"expected UTF-8 text ({error.reason} at byte {error.start})"
        ) from None
    except OSError as error:
        raise ScenarioFileError(str(path), 1, "", f"cannot be read: {error.strerror}") from None
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise ScenarioFileError(str(path), mark.line + 1 if mark else 1, "", f"not YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise ScenarioFileError(str(path), 1, "", f"not YAML: {error}") from None
    if node is None:
        raise ScenarioFileError(str(path), 1, "", "the file is empty; expected title, world, prices, actors")
    return Reader(str(path), node)


def exact(word: str, decimals: int) -> int | None:
    """A decimal number in units of 10^-decimals; None if it is no number or does not fit exactly."""
    if not _NUMBER.fullmatch(word):
        return None
    try:
        scaled = Decimal(word.replace("_", "")).scaleb(decimals)
        whole = int(scaled)
    except (InvalidOperation, OverflowError):
        return None
    return whole if whole == scaled else None


def show(value: int, decimals: int) -> str:
    """The number back as text."""
    return f"{Decimal(value).scaleb(-decimals):f}"


def parse_duration(word: str) -> int | None:
    match = _DURATION.fullmatch(word)
    if not word or not match:
        return None
    return sum(int(n or 0) * unit for n, unit in zip(match.groups(), (86_400, 3_600, 60, 1)))


def parse_time(word: str) -> int | None:
    for form in _TIMES:
        try:
            return int(datetime.strptime(word.removesuffix("Z"), form).replace(tzinfo=timezone.utc).timestamp())
        except ValueError:
            continue
    return None


def utc(time: int) -> str:
    """ "2020-03-12 10:00:30"; seconds only where there are any."""
    moment = datetime.fromtimestamp(time, timezone.utc)
    return moment.strftime("%Y-%m-%d %H:%M:%S" if moment.second else "%Y-%m-%d %H:%M")
