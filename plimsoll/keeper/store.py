"""What the keeper remembers: SQLite by default, whatever SQLAlchemy opens otherwise.

    store = Store("sqlite:///keeper.db", port.identity)
    store.checkpoint                    # up to which block everything is known
    store.unwind(ancestor)              # a reorganisation: what came after it is forgotten, and whom it touched is read anew

Every method is one transaction: a keeper that is killed begins where the last one ended. Nothing secret is in it.

    blocks      the latest ones, by number, with their hashes: how far back a reorganisation can be followed
    touched     which account was touched in which of those blocks
    accounts    what is stored of each, as book.Holding writes it; stale: to be read anew
    wins        liquidations, absorptions: whoever did them, by the place of their event
    rates       of interest, since when: no view tells of it
    trips       transactions of ours, from before they are sent until their end is known
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Any

import sqlalchemy as sql
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import QueuePool

from plimsoll.errors import StoreError
from plimsoll.keeper.book import Holding
from plimsoll.keeper.port import Told
from plimsoll.keeper.records import WON, Checkpoint, Trip, Win, win_of

SCHEMA = "1"
BLOCKS_KEPT = 256
ROWS_AT_ONCE = 5_000
SECONDS_TO_LOCK = 1

_META = sql.MetaData()
_facts = sql.Table("facts", _META, sql.Column("name", sql.String(40), primary_key=True), sql.Column("value", sql.Text, nullable=False))
_blocks = sql.Table(
    "blocks", _META, sql.Column("number", sql.BigInteger, primary_key=True), sql.Column("hash", sql.String(66), nullable=False)
)
_touched = sql.Table(
    "touched",
    _META,
    sql.Column("block", sql.BigInteger, primary_key=True),
    sql.Column("account", sql.String(64), primary_key=True),
)
_accounts = sql.Table(
    "accounts",
    _META,
    sql.Column("account", sql.String(64), primary_key=True),
    sql.Column("stale", sql.Boolean, nullable=False, index=True),
    sql.Column("held", sql.Text, nullable=False),
)
_wins = sql.Table(
    "wins",
    _META,
    sql.Column("block", sql.BigInteger, primary_key=True),
    sql.Column("place", sql.Integer, primary_key=True),
    sql.Column("event", sql.String(20), nullable=False),
    sql.Column("hash", sql.String(66), nullable=False, index=True),
    sql.Column("account", sql.String(64), nullable=False),
    sql.Column("keeper", sql.String(42), nullable=False, index=True),
    sql.Column("reward", sql.String(40), nullable=False),
)
_rates = sql.Table(
    "rates",
    _META,
    sql.Column("block", sql.BigInteger, primary_key=True),
    sql.Column("place", sql.Integer, primary_key=True),
    sql.Column("rate", sql.BigInteger, nullable=False),
    sql.Column("time", sql.BigInteger, nullable=False),
)
_trips = sql.Table(
    "trips",
    _META,
    sql.Column("id", sql.Integer, primary_key=True),
    sql.Column("open", sql.Boolean, nullable=False, index=True),
    sql.Column("row", sql.Text, nullable=False),
)


class Store:
    """url: as SQLAlchemy has it. identity: the chain and the engine. Raises StoreError."""

    def __init__(self, url: str, identity: Mapping[str, str], first_block: int = 0) -> None:
        self.url = url
        try:
            self._engine = _open(url)
            with self._transaction() as work:
                _META.create_all(work)
                found = {row.name: row.value for row in work.execute(sql.select(_facts))}
                mine = {**identity, "schema": SCHEMA}
                self._require(found, mine)
                for name, value in {**mine, "block": str(first_block - 1), "hash": ""}.items():
                    if name not in found:
                        work.execute(sql.insert(_facts).values(name=name, value=value))
        except (SQLAlchemyError, ImportError) as problem:
            raise StoreError(f"{_shown(url)} cannot be opened ({_first_line(problem)}): give another one with --store") from None

    def _require(self, found: Mapping[str, str], mine: Mapping[str, str]) -> None:
        for name, value in mine.items():
            if found.get(name, value) != value:
                raise StoreError(f"{_shown(self.url)} is of {name} {found[name]}, not of {value}: give another one with --store")

    @contextmanager
    def _transaction(self) -> Iterator[sql.Connection]:
        try:
            with self._engine.begin() as work:
                yield work
        except SQLAlchemyError as problem:
            advice = "Is its folder there, its disk full, another keeper at it? Or give another one with --store"
            raise StoreError(f"{_shown(self.url)}: {_first_line(problem)}. {advice}") from None

    def close(self) -> None:
        self._engine.dispose()

    # Blocks --------------------------------------------------------------------------------------------------------

    @property
    def checkpoint(self) -> Checkpoint:
        with self._transaction() as work:
            found = {row.name: row.value for row in work.execute(sql.select(_facts))}
        return Checkpoint(int(found["block"]), found["hash"])

    def hashes(self) -> dict[int, str]:
        """Of the blocks that are kept, the latest first."""
        with self._transaction() as work:
            return {row.number: row.hash for row in work.execute(sql.select(_blocks).order_by(_blocks.c.number.desc()))}

    def advance(self, to: Checkpoint, hashes: Mapping[int, str], events: Sequence[Told], times: Mapping[int, int] | None = None) -> None:
        """All events up to a block are in `events` (those of blocks before it were there already). hashes: of blocks to keep.
        times: of the blocks in which a rate of interest was set."""
        touched = {(told.block, account) for told in events for account in told.accounts}
        stale = {account for _, account in touched}
        rates = [told for told in events if told.name == "InterestSet"]
        oldest = to.number - BLOCKS_KEPT
        with self._transaction() as work:
            self._mark(work, stale)
            _put(work, _touched, [{"block": b, "account": _key(a)} for b, a in touched if b > oldest], ("block", "account"))
            _put(work, _blocks, [{"number": n, "hash": h} for n, h in hashes.items()], ("number",))
            _put(work, _wins, [_win(told) for told in events if told.name in WON], ("block", "place"))
            _put(work, _rates, [_rate(told, (times or {})[told.block]) for told in rates], ("block", "place"))
            work.execute(sql.delete(_blocks).where(_blocks.c.number <= oldest))
            work.execute(sql.delete(_touched).where(_touched.c.block <= oldest))
            self._move(work, to)

    def unwind(self, to: Checkpoint) -> int:
        """Forgets what came after a block. Returns how many accounts are to be read anew."""
        with self._transaction() as work:
            later = sql.select(_touched.c.account).where(_touched.c.block > to.number).distinct()
            accounts = {int(row.account, 16) for row in work.execute(later)}
            self._mark(work, accounts)
            for column in (_touched.c.block, _blocks.c.number, _wins.c.block, _rates.c.block):
                work.execute(sql.delete(column.table).where(column > to.number))
            self._move(work, to)
        return len(accounts)

    def restart(self, first_block: int) -> None:
        """A reorganisation deeper than what is kept: everything is read anew from the first block."""
        with self._transaction() as work:
            for table in (_touched, _blocks, _wins, _rates):
                work.execute(sql.delete(table))
            work.execute(sql.update(_accounts).values(stale=True))
            self._move(work, Checkpoint(first_block - 1, ""))

    def _move(self, work: sql.Connection, to: Checkpoint) -> None:
        for name, value in (("block", str(to.number)), ("hash", to.hash)):
            work.execute(sql.update(_facts).where(_facts.c.name == name).values(value=value))

    # Accounts ------------------------------------------------------------------------------------------------------

    def _mark(self, work: sql.Connection, accounts: Iterable[int]) -> None:
        keys = [_key(account) for account in accounts]
        for some in _chunks(keys):
            there = {row.account for row in work.execute(sql.select(_accounts.c.account).where(_accounts.c.account.in_(some)))}
            if there:
                work.execute(sql.update(_accounts).where(_accounts.c.account.in_(sorted(there))).values(stale=True))
            new = [{"account": key, "stale": True, "held": ""} for key in some if key not in there]
            if new:
                work.execute(sql.insert(_accounts), new)

    def mark(self, accounts: Iterable[int]) -> None:
        """These are to be read anew."""
        with self._transaction() as work:
            self._mark(work, accounts)

    def stale(self) -> list[int]:
        """Which accounts are to be read anew."""
        with self._transaction() as work:
            return [int(row.account, 16) for row in work.execute(sql.select(_accounts.c.account).where(_accounts.c.stale))]

    def keep(self, held: Mapping[int, Holding]) -> None:
        """What was read."""
        rows = [{"key": _key(account), "text": holding.text()} for account, holding in held.items()]
        if not rows:
            return
        known = sql.update(_accounts).where(_accounts.c.account == sql.bindparam("key"))
        with self._transaction() as work:
            work.execute(known.values(stale=False, held=sql.bindparam("text")), rows)

    def accounts(self) -> Iterator[tuple[int, Holding]]:
        """Every account that was read, as it was read last."""
        with self._transaction() as work:
            for row in work.execute(sql.select(_accounts.c.account, _accounts.c.held).where(_accounts.c.held != "")):
                yield int(row.account, 16), Holding.of_text(row.held)

    # Wins and trips --------------------------------------------------------------------------------------------------

    def wins(self, keeper: str | None = None) -> list[Win]:
        asked = sql.select(_wins).order_by(_wins.c.block, _wins.c.place)
        if keeper is not None:
            asked = asked.where(_wins.c.keeper == keeper.lower())
        with self._transaction() as work:
            return [Win(r.block, r.place, r.event, int(r.account, 16), r.keeper, int(r.reward)) for r in work.execute(asked)]

    def rates(self) -> list[tuple[int, int]]:
        """(rate, since), in their order: 1e-9 a year, unix seconds."""
        with self._transaction() as work:
            return [(r.rate, r.time) for r in work.execute(sql.select(_rates).order_by(_rates.c.block, _rates.c.place))]

    def won(self, hashes: Sequence[str]) -> int:
        """How many accounts these transactions unloaded."""
        with self._transaction() as work:
            found = work.execute(sql.select(sql.func.count()).where(_wins.c.hash.in_(hashes))).scalar()
        return int(found or 0)

    def begin(self, trip: Trip) -> Trip:
        """A trip that is not sent yet; returns it with its id."""
        with self._transaction() as work:
            made = work.execute(sql.insert(_trips).values(open=True, row="")).inserted_primary_key
            begun = replace(trip, id=int(made[0]) if made else 0)
            self._write(work, begun)
        return begun

    def save(self, trip: Trip) -> None:
        with self._transaction() as work:
            self._write(work, trip)

    def _write(self, work: sql.Connection, trip: Trip) -> None:
        row = json.dumps(asdict(trip))
        work.execute(sql.update(_trips).where(_trips.c.id == trip.id).values(open=not trip.end, row=row))

    def trips(self, under_way: bool = False, latest: int | None = None) -> list[Trip]:
        """In their order. latest: only so many."""
        asked = sql.select(_trips.c.row).order_by(_trips.c.id.desc()).limit(latest)
        with self._transaction() as work:
            return [_trip(row.row) for row in work.execute(asked.where(_trips.c.open) if under_way else asked)][::-1]


def _open(url: str) -> sql.Engine:
    """One connection; a file of SQLite belongs to one keeper at a time."""
    sqlite = sql.engine.make_url(url).get_backend_name() == "sqlite"
    more = {"connect_args": {"timeout": SECONDS_TO_LOCK}} if sqlite else {}
    engine = sql.create_engine(url, poolclass=QueuePool, pool_size=1, max_overflow=0, pool_pre_ping=True, **more)
    if sqlite:

        @sql.event.listens_for(engine, "connect")
        def alone(connection: Any, record: Any) -> None:
            for pragma in ("locking_mode = EXCLUSIVE", "journal_mode = WAL"):
                connection.execute(f"PRAGMA {pragma}").close()

    return engine


def _trip(text: str) -> Trip:
    fields: dict[str, Any] = json.loads(text)
    return Trip(**{**fields, "accounts": tuple(fields["accounts"]), "hashes": tuple(fields["hashes"])})


def _win(told: Told) -> dict[str, Any]:
    win = win_of(told)
    row = {**asdict(win), "account": _key(win.account), "keeper": win.keeper.lower(), "reward": str(win.reward)}
    return {**row, "hash": told.transaction}


def _rate(told: Told, time: int) -> dict[str, int]:
    return {"block": told.block, "place": told.place, "rate": told.args["rateE9"], "time": time}


def _put(work: sql.Connection, table: sql.Table, rows: list[dict[str, Any]], keys: tuple[str, ...]) -> None:
    """Inserts rows in the place of those with the same key."""
    if not rows:
        return
    same = sql.and_(*(table.c[key] == sql.bindparam(f"old_{key}") for key in keys))
    work.execute(sql.delete(table).where(same), [{f"old_{key}": row[key] for key in keys} for row in rows])
    work.execute(sql.insert(table), rows)


def _key(account: int) -> str:
    return f"{account:064x}"


def _chunks(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    return (keys[at : at + ROWS_AT_ONCE] for at in range(0, len(keys), ROWS_AT_ONCE))


def _shown(url: str) -> str:
    """Without the password."""
    try:
        return sql.engine.make_url(url).render_as_string(hide_password=True)
    except SQLAlchemyError:
        return "the store"


def _first_line(problem: Exception) -> str:
    return (str(problem).splitlines() or [type(problem).__name__])[0]
