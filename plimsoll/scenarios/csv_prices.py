"""Bars from a CSV file with the columns timestamp, open, high, low, close (any order, others are ignored).

timestamp is the second a bar opens (unix, UTC). Bars are in order, evenly spaced and whole. A byte-order mark, as
spreadsheets write it, is accepted. Whatever else is wrong is a PriceFileError with the line and what was expected.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from plimsoll.errors import PriceFileError
from plimsoll.fixed_point import div_down
from plimsoll.scenarios.prices import Bar
from plimsoll.scenarios.reader import exact, utc

COLUMNS = ("timestamp", "open", "high", "low", "close")
_LATEST = 32_503_680_000  # the year 3000: whatever is above it was not meant as seconds


def read_bars(path: Path) -> tuple[tuple[Bar, ...], int]:
    """The bars of a file and their interval in seconds. Prices in WAD."""
    rows = csv.reader(io.StringIO(_text(path), newline=""))
    header = next(rows, None)
    if not header:
        raise PriceFileError(str(path), 1, f"the file is empty; expected a header with {', '.join(COLUMNS)}")
    names = [name.strip().lower() for name in header]
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise PriceFileError(
            str(path),
            1,
            f"missing in the header: {', '.join(missing)}; expected {', '.join(COLUMNS)}, found {', '.join(names)}",
        )
    bars: list[tuple[int, Bar]] = []
    for row in rows:
        if row:
            bars.append((rows.line_num, _bar(path, rows.line_num, names, row)))
    return check_bars(str(path), bars)


def check_bars(file: str, bars: Sequence[tuple[int, Bar]]) -> tuple[tuple[Bar, ...], int]:
    """(line, bar) in the order of the file → the bars and their interval; refuses disorder, repetition and gaps."""
    if len(bars) < 2:
        raise PriceFileError(file, bars[0][0] if bars else 1, f"expected at least 2 bars, found {len(bars)}")
    for (_, before), (line, bar) in zip(bars, bars[1:]):
        if bar.time == before.time:
            raise PriceFileError(file, line, f"timestamp {bar.time} ({utc(bar.time)}) is there twice; keep one bar")
        if bar.time < before.time:
            raise PriceFileError(
                file,
                line,
                f"timestamp {bar.time} ({utc(bar.time)}) is earlier than the line before it "
                f"({utc(before.time)}); sort the file by time, oldest first",
            )
    steps = Counter(after.time - before.time for (_, before), (_, after) in zip(bars, bars[1:]))
    interval = min(steps, key=lambda step: (-steps[step], step))
    for (_, before), (line, bar) in zip(bars, bars[1:]):
        if bar.time - before.time != interval:
            missing = div_down(bar.time - before.time, interval) - 1
            raise PriceFileError(
                file,
                line,
                f"gap: {missing or 'a part of'} bar(s) missing between {utc(before.time)} and "
                f"{utc(bar.time)}; expected one every {interval} seconds",
            )
    return tuple(bar for _, bar in bars), interval


def make_bar(file: str, line: int, time: int, prices: Sequence[int]) -> Bar:
    """A bar from (open, high, low, close) in WAD; they must be positive and low ≤ open, close ≤ high."""
    bar = Bar(time, *prices)
    words = dict(zip(COLUMNS[1:], prices))
    for name, price in words.items():
        if price <= 0:
            raise PriceFileError(file, line, f"{name} is not positive; expected a price above 0")
    if bar.low > bar.high:
        raise PriceFileError(file, line, f"low {_show(bar.low)} is above high {_show(bar.high)}; are they swapped?")
    for name in ("open", "close"):
        if not bar.low <= words[name] <= bar.high:
            raise PriceFileError(
                file, line, f"{name} {_show(words[name])} is outside low {_show(bar.low)} … high {_show(bar.high)}"
            )
    return bar


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise PriceFileError(str(path), 1, f"cannot be read: {error.strerror}") from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise PriceFileError(str(path), line, "not UTF-8 text; save the file as CSV in UTF-8") from None


def _bar(path: Path, line: int, names: list[str], row: list[str]) -> Bar:
    if len(row) != len(names):
        raise PriceFileError(str(path), line, f"expected {len(names)} columns as in the header, found {len(row)}")
    cells = {name: cell.strip() for name, cell in zip(names, row)}
    prices = []
    for name in COLUMNS[1:]:
        price = _wad(cells[name])
        if price is None:
            raise PriceFileError(str(path), line, f'{name}: expected a price such as 194.57, found "{cells[name]}"')
        prices.append(price)
    return make_bar(str(path), line, _timestamp(path, line, cells["timestamp"]), prices)


def _wad(cell: str) -> int | None:
    """A cell as a price, WAD; digits beyond 18 decimals are cut off. None where it is no number."""
    whole, point, part = cell.partition(".")
    return exact(whole + point + part[:18] if part.isdigit() else cell, 18)


def _timestamp(path: Path, line: int, cell: str) -> int:
    time = exact(cell, 0)
    if time is None or time < 0:
        raise PriceFileError(str(path), line, f'timestamp: expected unix seconds such as 1583971200, found "{cell}"')
    if time > _LATEST:
        raise PriceFileError(
            str(path),
            line,
            f"timestamp: {cell} is not seconds (milliseconds?); expected unix seconds such as 1583971200",
        )
    return time


def _show(price: int) -> str:
    whole, part = divmod(price, 10**18)
    return f"{whole}.{part:018d}".rstrip("0").rstrip(".")
