"""The report: one page without anything from outside, whose figures are those of the run, and the same as CSV."""

import csv
import re
from html.parser import HTMLParser

import pytest

from plimsoll.invariants import INVARIANTS
from plimsoll.scenarios import charts, report, summary
from plimsoll.scenarios.charts import Chart, Mark, Series
from plimsoll.scenarios.runner import play
from plimsoll.types import Account, Outcome
from tests.model.fake_venue import FakeVenue
from tests.model.stated_world import SMALL, loaded
from tests.model.test_runner import StopAt


def played(folder, text=SMALL, watch=None):
    scenario = loaded(folder, text)
    return play(scenario, FakeVenue(scenario.world), watch)


class Page(HTMLParser):
    """Every tag with its attributes; raises nothing, so open tags are counted."""

    VOID = {"meta", "br"}

    def __init__(self, text):
        super().__init__()
        self.tags, self.open = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, tag


def test_page_is_whole_and_needs_nothing_from_outside(tmp_path):
    text = report.write(played(tmp_path), tmp_path / "out").read_text()
    page = Page(text)
    assert page.open == []
    assert not [tag for tag, attributes in page.tags if {"src", "href"} & set(attributes)]
    assert "http://" not in text and "https://" not in text and "@import" not in text and "url(" not in text
    assert sum(tag == "svg" for tag, _ in page.tags) == 1 + 3 + 1 + 3  # price, traders, interest, house
    assert "Everything held." in text and "NaN" not in text and "None" not in text


def test_page_escapes_what_a_scenario_says(tmp_path):
    text = SMALL.replace("about: Long 5x", 'about: "<script>alert(1)</script> & </script>"')
    page = report.write(played(tmp_path, text), tmp_path / "out").read_text()
    assert "<script>alert" not in page and "&lt;script&gt;alert(1)" in page


def test_every_account_and_invariant_is_named(tmp_path):
    page = report.write(played(tmp_path), tmp_path / "out").read_text()
    for word in ("ann", "bob", "cat", "closed whole", *(invariant.id for invariant in INVARIANTS)):
        assert word in page


def test_failed_and_interrupted_runs_say_so(tmp_path):
    failed = report.render(played(tmp_path, SMALL.replace("survives: [bob]", "survives: [ann]")))
    assert "not all that was expected came true" in failed and "ann was liquidated at" in failed
    part = report.render(played(tmp_path, watch=StopAt(KeyboardInterrupt(), 4)))
    assert "Interrupted." in part and "Everything held" not in part


def test_run_that_stops_at_its_first_moment_still_has_a_report(tmp_path):
    run = played(tmp_path, watch=StopAt(KeyboardInterrupt(), 1))
    assert report.write(run, tmp_path / "out").is_file()


def test_rows_add_up(tmp_path):
    run = played(tmp_path)
    rows = {str(row.account): row for row in summary.account_rows(run)}
    ann, bob = rows["ann"], rows["bob"]
    assert ann.deposited == 10_000 * 10**6 and rows["cat"].deposited == 10_000 * 10**6  # 50 WETH at 200
    assert ann.result == ann.left - ann.deposited < 0 < bob.result
    assert ann.penalty == sum(item.outcome.penalty for item in ann.liquidated) > 0
    assert ann.first_health < 10**18 and ann.peak_leverage > 5 * 10**18 and bob.first_health is None
    assert "closed whole" in ann.fate and bob.fate == "never below its line"


def test_totals_are_conserved(tmp_path):
    run = played(tmp_path)
    totals, rows = summary.totals(run), summary.account_rows(run)
    assert totals.penalties == sum(row.penalty for row in rows)
    assert totals.penalties == totals.to_keeper + totals.to_taker + totals.to_insurance + totals.premiums
    assert totals.partial + totals.whole == len(run.liquidations())
    assert totals.checks == len(INVARIANTS) * totals.steps
    outcomes = [item.outcome for item in run.liquidations() if isinstance(item.outcome, Outcome)]
    assert totals.liquidated_notional >= sum(outcome.notional for outcome in outcomes) > 0


def test_csv_files_have_the_exact_figures(tmp_path):
    run = played(tmp_path)
    report.write(run, tmp_path / "out")

    def rows(name):
        with (tmp_path / "out" / name).open(newline="") as file:
            return list(csv.DictReader(file))

    accounts = {row["account"]: row for row in rows("accounts.csv")}
    for row in summary.account_rows(run):
        assert int(accounts[str(row.account)]["left"]) == row.left
    assert len(rows("events.csv")) == len(run.events)
    assert len(rows("liquidations.csv")) == len(run.liquidations())
    assert len(rows("markets.csv")) == len(run.states)
    last = [row for row in rows("margins.csv") if row["account"] == "bob"][-1]
    assert int(last["equity"]) == run.states[-1].accounts[Account("bob")].margin.equity


@pytest.mark.parametrize(
    "low, high, expected",
    [(0, 100, [0, 20, 40, 60, 80, 100]), (86.0, 201.0, [100, 125, 150, 175, 200]), (-3, 3, [-2, 0, 2])],
)
def test_ticks_are_round_and_inside_the_values(low, high, expected):
    assert charts.nice_ticks(low, high, 5) == expected


@pytest.mark.parametrize(
    "value, unit, text",
    [
        (1_234_567, "$", "$1.235M"),
        (-250_000, "$", "−$250k"),
        (194.57, "$", "$194.57"),
        (12.5, "%", "12.5%"),
        (0, "$", "$0"),
    ],
)
def test_labels_are_short(value, unit, text):
    assert charts.number(value, unit) == text


def test_chart_of_nothing_and_of_one_value_is_drawn():
    for points in ([], [(0, None)], [(0, 5.0)], [(0, 0.0), (60, 0.0)]):
        drawn = charts.svg(Chart((Series("x", "#000", points),), 0, 60))
        assert drawn.startswith("<svg") and "nan" not in drawn


def test_long_series_are_thinned_but_keep_their_extremes():
    points = [(second, 1_000.0 if second == 54_321 else float(second % 7)) for second in range(100_000)]
    drawn = charts.svg(Chart((Series("x", "#000", points, steps=False),), 0, 100_000, low=0, high=1_000))
    line = re.search(r'points="([^"]+)"', drawn)[1].split()
    assert len(line) < 2_500
    assert min(float(pair.split(",")[1]) for pair in line) == pytest.approx(8.0)  # the top of the chart


def test_marks_have_words_for_the_pointer():
    drawn = charts.svg(
        Chart((Series("x", "#000", [(0, 1.0), (60, 2.0)]),), 0, 60, marks=(Mark(30, 1.5, "#f00", "a < b"),))
    )
    assert "<title>a &lt; b</title>" in drawn


def test_absorbed_positions_count_as_liquidated(tmp_path):
    text = SMALL.replace("over: 30m", "over: 2s").replace("deviation: 2%", "deviation: 30%")
    run = played(tmp_path, text[: text.index("expect:")])
    absorbed = [item for item in run.liquidations() if item.event.act.verb == "absorb"]
    assert absorbed and all(item.notional > 0 and item.whole and not item.penalty for item in absorbed)
    assert summary.totals(run).insurance_used == sum(item.outcome.insurance for item in absorbed) > 0
    page = report.render(run)
    assert "below 0" in page and page.count('class="mark"') == 2 * len(run.liquidations())
