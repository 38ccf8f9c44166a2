"""The report of a run: one self-contained page, and the same figures as CSV files."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path as FilePath

from jinja2 import Environment, PackageLoader, StrictUndefined

from plimsoll.invariants import INVARIANTS
from plimsoll.scenarios import words
from plimsoll.scenarios.pictures import Pictures
from plimsoll.scenarios.prices import price_at
from plimsoll.scenarios.reader import utc
from plimsoll.scenarios.record import Run
from plimsoll.scenarios.summary import account_rows, totals
from plimsoll.types import Absorption


def write(run: Run, folder: FilePath) -> FilePath:
    """Writes index.html, accounts.csv, events.csv, liquidations.csv, markets.csv and margins.csv; returns the page."""
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / "index.html"
    page.write_text(render(run), encoding="utf-8")
    _csv(folder / "accounts.csv", _ACCOUNTS, _account_lines(run))
    _csv(folder / "events.csv", _EVENTS, _event_lines(run))
    _csv(folder / "liquidations.csv", _LIQUIDATIONS, _liquidation_lines(run))
    _csv(folder / "markets.csv", _MARKETS, _market_lines(run))
    _csv(folder / "margins.csv", _MARGINS, _margin_lines(run))
    return page


def render(run: Run) -> str:
    """The page."""
    environment = Environment(
        loader=PackageLoader("plimsoll.scenarios"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        money=words.money,
        dollars=words.dollars,
        percent=words.percent,
        ratio=words.ratio,
        utc=utc,
        signed=words.signed,
        minute=lambda time: utc(time - time % 60),
        e6=lambda rate: words.percent(rate * 10**12, 2),
        price=words.price,
    )
    pictures, rows = Pictures(run), account_rows(run)
    world = run.scenario.world
    return environment.get_template("report.html").render(
        run=run,
        scenario=run.scenario,
        world=world,
        rows=rows,
        totals=totals(run),
        invariants=INVARIANTS,
        end=run.states[-1].time,
        verdict=verdict(run),
        prices=[pictures.price(feed.name) for feed in world.feeds],
        interests=[pictures.interest(spec.name) for spec in world.instruments],
        house=[pictures.funding(), pictures.pool(), pictures.insurance()],
        accounts=[pictures.account(row) for row in rows],
        events=[event for event in run.events if event.act.verb != "set_price"],
    )


def verdict(run: Run) -> str:
    """The run in one word: held, violated, failed, or interrupted."""
    if run.violation:
        return "violated"
    if run.interrupted:
        return "interrupted"
    return "failed" if run.failures else "held"


# CSV ---------------------------------------------------------------------------------------------------------------
# Amounts are whole settlement units (1e-6), prices and ratios WAD, sizes 1e-9: exact, as the contracts have them.

_ACCOUNTS = (
    "account",
    "about",
    "deposited",
    "withdrawn",
    "peak_leverage_wad",
    "partial",
    "whole",
    "first_liquidated_at",
    "first_health_wad",
    "penalty",
    "left",
    "result",
)
_EVENTS = ("step", "time", "utc", "verb", "title", "detail", "refused", "by_keeper")
_LIQUIDATIONS = (
    "step",
    "time",
    "utc",
    "account",
    "kind",
    "whole",
    "fraction_wad",
    "equity",
    "maintenance",
    "notional",
    "penalty",
    "to_keeper",
    "to_taker",
    "to_insurance",
    "premium",
    "loss",
    "insurance_paid",
    "taker_paid",
    "shared",
)
_MARKETS = (
    "time",
    "utc",
    "instrument",
    "market_price_wad",
    "feed_mid_wad",
    "feed_fault",
    "open_interest",
    "skew",
    "funding_rate_e8",
    "insurance",
    "treasury",
    "pool_equity",
    "pool_share_price_wad",
    "bad_debt",
)
_MARGINS = ("time", "utc", "account", "equity", "maintenance", "initial", "notional", "cash", "collateral", "profit")


def _csv(path: FilePath, header: Sequence[str], lines: Iterable[Sequence[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(lines)


def _account_lines(run: Run) -> Iterable[Sequence[object]]:
    for row in account_rows(run):
        first = row.liquidated[0].event.time if row.liquidated else ""
        health = "" if row.first_health is None else row.first_health
        yield (
            row.account,
            row.about,
            row.deposited,
            row.withdrawn,
            row.peak_leverage,
            sum(not item.whole for item in row.liquidated),
            sum(item.whole for item in row.liquidated),
            first,
            health,
            row.penalty,
            row.left,
            row.result,
        )


def _event_lines(run: Run) -> Iterable[Sequence[object]]:
    for e in run.events:
        yield e.step, e.time, utc(e.time), e.act.verb, e.title, e.detail, e.refused or "", int(e.by_keeper)


def _liquidation_lines(run: Run) -> Iterable[Sequence[object]]:
    for item in run.liquidations():
        done, event = item.outcome, item.event
        head = (event.step, event.time, utc(event.time), item.account, event.act.verb, int(item.whole), item.fraction)
        if isinstance(done, Absorption):
            yield *head, "", "", item.notional, *[""] * 5, done.loss, done.insurance, done.taker, done.shared
        else:
            shares = (done.penalty, done.keeper_reward, done.taker_reward, done.insurance, done.premium)
            yield *head, done.equity, done.maintenance, item.notional, *shares, *[""] * 4


def _market_lines(run: Run) -> Iterable[Sequence[object]]:
    world = run.scenario.world
    for state in run.states:
        for spec in world.instruments:
            market, feed = state.markets[spec.name], state.feeds[spec.feed]
            yield (
                state.time,
                utc(state.time),
                spec.name,
                price_at(run.scenario.paths[spec.feed], state.time),
                feed.mid,
                feed.fault,
                market.open_interest,
                state.skew(world, spec.name),
                market.rate_e8,
                market.insurance,
                market.treasury,
                _or_blank(state.pool.equity_mid),
                _or_blank(state.pool.share_price),
                state.bad_debt,
            )


def _margin_lines(run: Run) -> Iterable[Sequence[object]]:
    """Each account after each step that changed it."""
    last: dict[object, object] = {}
    for state in run.states:
        for account, held in state.accounts.items():
            if (
                held.margin is None
                or last.get(account) == held.margin
                or not (held.margin.notional or held.margin.equity)
            ):
                continue
            last[account] = held.margin
            m = held.margin
            yield (
                state.time,
                utc(state.time),
                account,
                m.equity,
                m.maintenance,
                m.initial,
                m.notional,
                m.cash,
                m.collateral,
                m.profit,
            )


def _or_blank(value: int | None) -> object:
    return "" if value is None else value
