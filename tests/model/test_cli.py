"""The command line: exit codes, and one clear message for a wrong input. The venue is a fake."""

from contextlib import contextmanager

import pytest

from plimsoll import cli
from plimsoll.errors import AnvilMissing, Reverted
from tests.model.fake_venue import FakeVenue
from tests.model.stated_world import SMALL
from tests.model.test_csv_prices import HEAD, ROWS


@pytest.fixture(autouse=True)
def fake(monkeypatch):
    """Whatever the command plays, it plays on the fake."""

    @contextmanager
    def venue(world):
        yield FakeVenue(world)

    monkeypatch.setattr(cli, "anvil_venue", venue)


@pytest.fixture
def run(tmp_path, capsys, monkeypatch):
    """(arguments) → (exit code, what was said, what was complained), in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    (tmp_path / "small.yaml").write_text(SMALL)

    def running(*arguments):
        code = cli.main(arguments)
        said = capsys.readouterr()
        return code, said.out, said.err

    return running


def test_run_that_holds_is_0_and_leaves_a_report(run, tmp_path):
    code, said, complained = run("scenario", "run", "small.yaml")
    assert (code, complained) == (cli.HELD, "")
    assert "the keeper liquidates ann" in said and "Held: every invariant" in said and "every expectation" in said
    for word in ("deposit", "peak leverage", "penalty", "bad debt", "result of the pool", "invariants × steps"):
        assert word in said
    assert (tmp_path / "reports/small/index.html").is_file()


def test_run_on_the_model_needs_no_chain(run, monkeypatch):
    monkeypatch.setattr(cli, "anvil_venue", None)
    code, said, complained = run("scenario", "run", "flash_wick", "--venue", "model", "--quiet")
    assert (code, complained) == (cli.HELD, "") and "Held: every invariant" in said


def test_quiet_run_says_only_the_verdict(run, tmp_path):
    code, said, _ = run("scenario", "run", "small.yaml", "--quiet", "--report", "here")
    assert code == cli.HELD and len(said.splitlines()) == 2
    assert (tmp_path / "here/index.html").is_file()


def test_failed_expectation_is_1(run, tmp_path):
    (tmp_path / "bad.yaml").write_text(SMALL.replace("survives: [bob]", "survives: [ann]"))
    code, said, _ = run("scenario", "run", "bad.yaml")
    assert code == cli.FAILED and "expect.survives: ann was liquidated at" in said


def test_violated_invariant_is_1_with_step_and_numbers(run, monkeypatch):
    @contextmanager
    def leaky(world):
        venue = FakeVenue(world)
        venue.insurance["ETH"] += 7
        yield venue

    monkeypatch.setattr(cli, "anvil_venue", leaky)
    code, said, _ = run("scenario", "run", "small.yaml")
    assert code == cli.FAILED and "An invariant is violated at step 1" in said and "LED-2 violated" in said


def test_wrong_file_is_2_with_one_line(run, tmp_path):
    (tmp_path / "bad.yaml").write_text(SMALL.replace("base: 6%", "base: six"))
    for verb in ("run", "check"):
        code, said, complained = run("scenario", verb, "bad.yaml")
        assert code == cli.BAD_INPUT and "Traceback" not in complained
        assert complained.startswith("error: bad.yaml, line 5, world.instruments.ETH.base: expected a rate")
        assert len(complained.splitlines()) == 1


def test_unknown_scenario_is_2(run):
    code, _, complained = run("scenario", "run", "blak_thursday")
    assert code == cli.BAD_INPUT and "shipped are: black_thursday" in complained


def test_world_that_the_protocol_refuses_is_2(run, monkeypatch):
    @contextmanager
    def refused(world):
        raise Reverted("InvalidParameter", ("base", 10, 20))
        yield

    monkeypatch.setattr(cli, "anvil_venue", refused)
    code, _, complained = run("scenario", "run", "small.yaml")
    assert code == cli.BAD_INPUT and "refuses this world: InvalidParameter(base, 10, 20)" in complained


def test_missing_chain_is_3(run, monkeypatch):
    @contextmanager
    def missing(world):
        raise AnvilMissing("/nowhere", "no such file")
        yield

    monkeypatch.setattr(cli, "anvil_venue", missing)
    code, _, complained = run("scenario", "run", "small.yaml")
    assert code == cli.NO_CHAIN and "make setup" in complained


def test_ctrl_c_is_130_and_keeps_a_report(run, monkeypatch, tmp_path):
    calls = []

    class Interrupted(FakeVenue):
        def state(self):
            calls.append(1)
            if len(calls) == 20:
                raise KeyboardInterrupt
            return super().state()

    @contextmanager
    def interrupted(world):
        yield Interrupted(world)

    monkeypatch.setattr(cli, "anvil_venue", interrupted)
    code, said, _ = run("scenario", "run", "small.yaml")
    assert code == cli.INTERRUPTED and "Interrupted." in said
    assert "Interrupted." in (tmp_path / "reports/small/index.html").read_text()


def test_users_csv_is_played_and_not_judged(run, tmp_path):
    (tmp_path / "own.csv").write_text(HEAD + "\n".join(ROWS))
    for prices in ("own.csv", "ETH=own.csv"):
        code, said, _ = run("scenario", "run", "small.yaml", "--prices", prices)
        assert code == cli.HELD and "expectations not judged: other prices" in said


def test_wrong_csv_is_2_with_its_line(run, tmp_path):
    (tmp_path / "own.csv").write_text(HEAD + "\n".join([ROWS[0], ROWS[0]]))
    code, _, complained = run("scenario", "run", "small.yaml", "--prices", "own.csv")
    assert code == cli.BAD_INPUT and complained.startswith("error: own.csv, line 3: timestamp 1583971200")


def test_list_names_the_shipped_with_their_sentences(run):
    code, said, _ = run("scenario", "list")
    assert code == cli.HELD
    for name in ("black_thursday", "flash_wick", "stale_feed", "short_squeeze"):
        assert name in said


def test_check_reads_without_playing(run):
    assert run("scenario", "check", "small.yaml")[:2] == (cli.HELD, "small is well formed: 5 actors, 34 moments.\n")


def test_no_command_shows_the_help(run):
    assert run()[0] == cli.BAD_INPUT and "usage:" in run("scenario")[1]
