"""A user's CSV: what is read, and that whatever is wrong is named by file, line and what was expected."""

import pytest
from tests.model.stated_world import SMALL, loaded

from plimsoll.errors import PriceFileError, ScenarioFileError
from plimsoll.scenarios.csv_prices import read_bars
from plimsoll.scenarios.prices import Bar
from plimsoll.types import WAD

HEAD = "timestamp,open,high,low,close\n"
ROWS = ["1583971200,200,201,195,196", "1583974800,196,198,180,182", "1583978400,182,190,181,188"]


def written(folder, text, encoding="utf-8"):
    path = folder / "prices.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_bars_are_exact_whatever_the_order_of_the_columns(tmp_path):
    text = "Close, LOW,high,open,volume,timestamp\n196.57,195,201,200.1,9,1583971200\n1,1,1,1,9,1583974800\n"
    bars, interval = read_bars(written(tmp_path, text))
    assert interval == 3_600
    assert bars[0] == Bar(1_583_971_200, 200_100 * WAD // 1_000, 201 * WAD, 195 * WAD, 19_657 * WAD // 100)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_byte_order_mark_and_windows_lines_are_accepted(tmp_path, end):
    text = "\ufeff" + HEAD.replace("\n", end) + end.join(ROWS) + end
    assert len(read_bars(written(tmp_path, text))[0]) == 3


def test_blank_lines_are_no_bars(tmp_path):
    assert len(read_bars(written(tmp_path, HEAD + "\n" + "\n\n".join(ROWS) + "\n\n"))[0]) == 3


def row(number, text):
    return HEAD + "\n".join([*ROWS[:number], text, *ROWS[number + 1 :]]) + "\n"


WRONG = {
    "milliseconds": (row(1, "1583974800000,196,198,180,182"), 3, "not seconds (milliseconds?); expected unix seconds"),
    "unsorted": (HEAD + "\n".join([ROWS[0], ROWS[2], ROWS[1]]), 4, "is earlier than the line before it"),
    "duplicate": (HEAD + "\n".join([ROWS[0], ROWS[1], ROWS[1]]), 4, "is there twice; keep one bar"),
    "gap": (
        HEAD + "\n".join([*ROWS, "1583989200,188,190,181,188"]),
        5,
        "gap: 2 bar(s) missing between 2020-03-12 02:00",
    ),
    "missing column": ("timestamp,open,high,close\n1,2,3,4\n", 1, "missing in the header: low; expected timestamp"),
    "no header": ("\n".join(ROWS), 1, "missing in the header"),
    "text in a price": (row(1, "1583974800,196,n/a,180,182"), 3, 'high: expected a price such as 194.57, found "n/a"'),
    "not a number": (row(1, "1583974800,196,nan,180,182"), 3, "high: expected a price"),
    "infinite": (row(1, "1583974800,196,inf,180,182"), 3, "high: expected a price"),
    "empty cell": (row(1, "1583974800,196,,180,182"), 3, 'found ""'),
    "thousands": (row(1, '1583974800,"1,960",1970,180,182'), 3, 'open: expected a price such as 194.57, found "1,960"'),
    "low above high": (row(1, "1583974800,190,180,198,182"), 3, "low 198 is above high 180; are they swapped?"),
    "open outside": (row(1, "1583974800,199,198,180,182"), 3, "open 199 is outside low 180 … high 198"),
    "not positive": (row(1, "1583974800,196,198,0,182"), 3, "low is not positive"),
    "date": (row(1, "2020-03-12,196,198,180,182"), 3, "timestamp: expected unix seconds"),
    "fraction of a second": (row(1, "1583974800.5,196,198,180,182"), 3, "timestamp: expected unix seconds"),
    "short row": (row(1, "1583974800,196"), 3, "expected 5 columns as in the header, found 2"),
    "empty file": ("", 1, "the file is empty"),
    "one bar": (HEAD + ROWS[0], 2, "expected at least 2 bars, found 1"),
    "no bar": (HEAD, 1, "expected at least 2 bars, found 0"),
}


@pytest.mark.parametrize("text, line, message", WRONG.values(), ids=WRONG.keys())
def test_wrong_file_names_file_line_and_expectation(tmp_path, text, line, message):
    path = written(tmp_path, text)
    with pytest.raises(PriceFileError) as caught:
        read_bars(path)
    assert caught.value.line == line
    assert message in caught.value.problem
    assert str(caught.value).startswith(f"{path}, line {line}: ")


def test_other_encoding_is_named(tmp_path):
    with pytest.raises(PriceFileError, match="not UTF-8"):
        read_bars(written(tmp_path, HEAD + "\n".join(ROWS), "utf-16"))


def test_missing_file_is_named(tmp_path):
    with pytest.raises(PriceFileError, match="cannot be read: No such file"):
        read_bars(tmp_path / "nowhere.csv")


def test_users_prices_are_moved_to_the_start_and_expectations_not_judged(tmp_path):
    path = written(tmp_path, HEAD + "\n".join(ROWS))
    scenario = loaded(tmp_path, overrides={"": path})
    assert scenario.paths["ETH"][0] == (scenario.world.start, 200 * WAD)
    assert scenario.world.feed("ETH").price == 200 * WAD
    assert not scenario.judged and loaded(tmp_path).judged
    with pytest.raises(ScenarioFileError, match='no feed "SOL".*expected one of: ETH'):
        loaded(tmp_path, overrides={"SOL": path})


def test_scenario_names_a_csv_beside_it(tmp_path):
    written(tmp_path, HEAD + "\n".join(ROWS))
    text = SMALL.replace("{shape: slide, from: 200, to: 120, at: +30m, over: 30m, length: 2h}", "{csv: prices.csv}")
    assert loaded(tmp_path, text).world.start == 1_583_971_200


def test_inline_bars_are_checked_alike(tmp_path):
    bars = "{bars: [[2020-03-12 00:00, 200, 201, 195, 196],\n    [2020-03-12 00:00, 196, 198, 180, 182]]}"
    text = SMALL.replace("{shape: slide, from: 200, to: 120, at: +30m, over: 30m, length: 2h}", bars)
    with pytest.raises(ScenarioFileError, match="line 10, prices.ETH.bars: timestamp .* is there twice"):
        loaded(tmp_path, text)
