"""The `world` and `prices` of a scenario file: what it does not say has the defaults of `types`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from pathlib import Path as FilePath
from typing import Any

from plimsoll.errors import PriceFileError, ScenarioFileError
from plimsoll.scenarios import prices
from plimsoll.scenarios.csv_prices import check_bars, make_bar, read_bars
from plimsoll.scenarios.prices import Path, Point
from plimsoll.scenarios.reader import Reader
from plimsoll.types import (
    CollateralSpec,
    DebtSpec,
    FeedSpec,
    GuardSpec,
    InstrumentSpec,
    LiquidationSpec,
    MarketSpec,
    PoolSpec,
    TokenSpec,
    World,
)

MONEY = 6  # decimals of the settlement token
PRICE = 18
STILL = "still"  # a feed that answers at the start, and after that only where a step says so
EPOCH = 1_577_836_800  # 2020-01-01: where a scenario without dates begins

# How a field of the file is written. `%`: a rate; `$`: settlement tokens; `#`: whole units; `s`: a duration;
# `p`: a price; `x`: a factor. The field of the dataclass has the suffix of its scale (deviation → deviation_e6).
FEED = {
    "deviation": "%6",
    "delay": "s",
    "heartbeat": "s",
    "grace": "s",
    "spread": "%6",
    "decimals": "#",
    "min_price": "p",
    "max_price": "p",
}
INSTRUMENT = {
    "base": "%6",
    "slope": "%6",
    "depth": "#",
    "floor": "$",
    "penalty": "%6",
    "initial_multiple": "x6",
    "cap_units": "#",
    "cap_value": "$",
    "oi_threshold": "%6",
    "oi_slope": "%6",
    "min_notional": "$",
    "scale": "#",
    "max_velocity": "%8",
    "max_rate": "%8",
    "insurance_share": "%6",
    "treasury_share": "%6",
    "max_move": "%6",
    "reaction_time": "s",
    "insurance": "$",
}
MARKET = {"spread": "%6", "taker_fee": "%6", "maker_fee": "%6", "weight": "%6", "cap": "$"}
COLLATERAL = {"haircut": "%6", "max_haircut": "%6", "depth": "#", "cap": "#"}
LIQUIDATION = {"target": "x18", "keeper_share": "%6", "keeper_floor": "$", "keeper_cap": "$", "taker_share": "%6"}
DEBT = {"limit": "%6", "open_limit": "%6", "interest": "%9"}
_SHAPES = ("gap", "slide", "whipsaw")


@dataclass(frozen=True)
class Paths:
    """What the market does, feed by feed, from `start`; end: the last point of all."""

    start: int
    end: int
    of: Mapping[str, Path]
    still: frozenset[str] = frozenset()


# Prices ------------------------------------------------------------------------------------------------------------


def read_paths(root: Reader, section: Reader, folder: FilePath, overrides: Mapping[str, FilePath]) -> Paths:
    """The `prices` section. overrides: feed → the user's own CSV, moved so that its first bar opens at the start."""
    feeds = section.mapping("a mapping from each feed to its prices")
    if not feeds:
        section.expected("prices of at least one feed")
    start = _start(root, feeds, folder)
    of: dict[str, Path] = {}
    for name, reader in feeds.items():
        if name in overrides:
            bars, interval = read_bars(overrides[name])
            of[name] = _moved(prices.from_bars(bars, interval), start)
            continue
        of[name] = _path(reader, start, folder)
        if of[name][0].time != start:
            reader.fail(
                f"its first price is {of[name][0].time - start} seconds off the start; expected one at the start"
            )
    still = frozenset(name for name, reader in feeds.items() if STILL in reader.mapping() and name not in overrides)
    return Paths(start, max(path[-1].time for path in of.values()), of, still)


def _start(root: Reader, feeds: Mapping[str, Reader], folder: FilePath) -> int:
    """The field `start`, else the first bar's time, else EPOCH."""
    stated = root.mapping().get("start")
    if stated is not None:
        return stated.time(EPOCH, "a start")
    for reader in feeds.values():
        if reader.is_mapping and {"bars", "csv"} & set(reader.mapping()):
            return _path(reader, EPOCH, folder)[0].time
    return EPOCH


def _moved(path: Path, start: int) -> Path:
    return tuple(Point(point.time - path[0].time + start, point.price) for point in path)


def _path(reader: Reader, start: int, folder: FilePath) -> Path:
    given = reader.mapping("points, bars, csv, a shape or still")
    kinds = [kind for kind in ("points", "bars", "csv", "shape", STILL) if kind in given]
    if len(kinds) != 1:
        reader.fail(f"expected exactly one of points, bars, csv, shape or still, found {' and '.join(kinds) or 'none'}")
    if kinds == [STILL]:
        return (Point(start, reader.record((STILL,))[STILL].positive(PRICE, "a price")),)
    if kinds == ["points"]:
        return _points(reader.record(("points",))["points"], start)
    if kinds == ["bars"]:
        return _bars(reader.record(("bars",))["bars"], start)
    if kinds == ["csv"]:
        bars, interval = read_bars(folder / reader.record(("csv",))["csv"].text("the name of a CSV file"))
        return prices.from_bars(bars, interval)
    return _shape(reader, start)


def _points(reader: Reader, start: int) -> Path:
    points: list[Point] = []
    for item in reader.items("a list of [time, price]"):
        pair = item.items("[time, price]")
        if len(pair) != 2:
            item.expected("[time, price]")
        point = Point(pair[0].time(start), pair[1].positive(PRICE, "a price"))
        if points and point.time <= points[-1].time:
            pair[0].fail("is not later than the point before it; expected points in the order of time")
        points.append(point)
    if not points:
        reader.expected("at least one point")
    return tuple(points)


def _bars(reader: Reader, start: int) -> Path:
    bars = []
    try:
        for item in reader.items("a list of [time, open, high, low, close]"):
            cells = item.items("[time, open, high, low, close]")
            if len(cells) != 5:
                item.fail(f"expected [time, open, high, low, close], found {len(cells)} values")
            values = [cell.positive(PRICE, "a price") for cell in cells[1:]]
            bars.append((item.line, make_bar(item.file, item.line, cells[0].time(start), values)))
        return prices.from_bars(*check_bars(reader.file, bars))
    except PriceFileError as error:
        raise ScenarioFileError(error.file, error.line, reader.field, error.problem) from None


def _shape(reader: Reader, start: int) -> Path:
    shape = reader.mapping()["shape"].choice(_SHAPES, "shape")
    needed = {"gap": (), "slide": ("over",), "whipsaw": ("over",)}[shape]
    optional = ("swings",) if shape == "whipsaw" else ()
    given = reader.record(("shape", "from", "to", "at", "length", *needed), optional)
    before, after = (given[name].positive(PRICE, "a price") for name in ("from", "to"))
    length, at = given["length"].duration(), given["at"].time(start)
    over = given["over"].duration() if needed else 0
    swings = given["swings"].units(0, "a number of swings", 1, 1_000) if "swings" in given else 1
    if needed and over < 2 * swings:
        given["over"].expected("at least one second a leg")
    if not start + 1 < at < start + length - over:
        given["at"].fail("the move does not lie inside the length; expected start < at and at + over < start + length")
    if shape == "gap":
        return prices.gap(start, length, at, before, after)
    if shape == "slide":
        return prices.slide(start, length, at, over, before, after)
    return prices.whipsaw(start, length, at, over, before, after, swings)


# World -------------------------------------------------------------------------------------------------------------


def read_world(section: Reader, paths: Paths) -> World:
    """The `world` section, its feeds starting at their paths' first prices."""
    optional = ("feed", "feeds", "collaterals", "pool", "liquidation", "debt", "guard")
    given = section.record(("instruments",), optional)
    common = _values(given["feed"], FEED, FeedSpec) if "feed" in given else {}
    own = given["feeds"].mapping() if "feeds" in given else {}
    for name, reader in own.items():
        if name not in paths.of:
            reader.fail(f"there are no prices for this feed; expected one of: {', '.join(paths.of)}")
    feeds = tuple(
        FeedSpec(name, path[0].price, **{**common, **(_values(own[name], FEED, FeedSpec) if name in own else {})})
        for name, path in paths.of.items()
    )
    return World(
        start=paths.start,
        feeds=feeds,
        **read_terms(given, paths.of),
    )


def read_terms(given: Mapping[str, Reader], feeds: Collection[str], more: tuple[str, ...] = ()) -> dict[str, Any]:
    """What is said of instruments, collaterals and the house: fields of a World. feeds: their names. more: fields of a
    collateral that the caller reads."""
    pool = given["pool"].record((), ("delay",)) if "pool" in given else {}
    coins = given["collaterals"].mapping() if "collaterals" in given else {}
    return {
        "instruments": tuple(_instrument(name, r, feeds) for name, r in given["instruments"].mapping().items()),
        "collaterals": tuple(_collateral(name, r, feeds, more) for name, r in coins.items()),
        "pool": PoolSpec(pool["delay"].duration()) if pool else PoolSpec(),
        "liquidation": LiquidationSpec(**_optional(given, "liquidation", LIQUIDATION, LiquidationSpec)),
        "debt": DebtSpec(**_optional(given, "debt", DEBT, DebtSpec)),
        "guard": _guard(given["guard"], feeds) if "guard" in given else None,
    }


def _guard(reader: Reader, feeds: Collection[str]) -> GuardSpec:
    given = reader.record(("feed",), ("limit",))
    return GuardSpec(given["feed"].choice(tuple(feeds), "feed"), **read_fields(given, {"limit": "%6"}, GuardSpec))


def _instrument(name: str, reader: Reader, feeds: Collection[str]) -> InstrumentSpec:
    given = reader.record((), (*INSTRUMENT, "feed", "pool"))
    values = read_fields(given, INSTRUMENT, InstrumentSpec)
    market = MarketSpec(**_values(given["pool"], MARKET, MarketSpec)) if "pool" in given else MarketSpec()
    return InstrumentSpec(name, _feed(given, name, reader, feeds), market=market, **values)


def _collateral(name: str, reader: Reader, feeds: Collection[str], more: tuple[str, ...]) -> CollateralSpec:
    given = reader.record(("feed",), (*COLLATERAL, "decimals", *more))
    decimals = given["decimals"].units(0, "a number of decimals", 0, 18) if "decimals" in given else 18
    values = read_fields(given, COLLATERAL, CollateralSpec)
    return CollateralSpec(TokenSpec(name, decimals), _feed(given, name, reader, feeds), **values)


def _feed(given: Mapping[str, Reader], name: str, reader: Reader, feeds: Collection[str]) -> str:
    """The feed it names, else the feed of its own name."""
    if "feed" in given:
        return given["feed"].choice(tuple(feeds), "feed")
    if name not in feeds:
        reader.fail(f'no feed is called "{name}"; expected a field feed with one of: {", ".join(feeds)}')
    return name


def _optional(given: Mapping[str, Reader], name: str, forms: Mapping[str, str], kind: Any) -> dict[str, int]:
    return _values(given[name], forms, kind) if name in given else {}


def _values(reader: Reader, forms: Mapping[str, str], kind: Any) -> dict[str, int]:
    return read_fields(reader.record((), tuple(forms)), forms, kind)


def read_fields(given: Mapping[str, Reader], forms: Mapping[str, str], kind: Any) -> dict[str, int]:
    """The fields of `kind` that the file states, in the dataclass's own units."""
    suffixed = {field.name for field in fields(kind)}
    values = {}
    for name, form in forms.items():
        if name not in given:
            continue
        decimals = form[1:]
        field = name if name in suffixed else f"{name}_e{decimals}"
        values[field] = _value(given[name], form[0], int(decimals or 0))
    return values


def _value(reader: Reader, form: str, decimals: int) -> int:
    if form == "%":
        return reader.rate(decimals, "a rate")
    if form == "x":
        return reader.positive(decimals, "a factor such as 1.5")
    if form == "$":
        return reader.units(MONEY, "an amount of settlement tokens", 0)
    if form == "p":
        return reader.positive(PRICE, "a price")
    if form == "s":
        return reader.duration()
    return reader.units(0, "a whole number", 0)
