"""A scenario file: what is read from it, and that a wrong one names line, field and what was expected."""

from pathlib import Path

import pytest
from tests.model.stated_world import SMALL, line_of, loaded

from plimsoll.errors import ScenarioFileError, UnknownScenario
from plimsoll.scenarios import acts, liquidation
from plimsoll.scenarios.scenario import find, load, shipped
from plimsoll.types import SIZE_UNIT, USDC, WAD, Account, GuardSpec, InstrumentSpec


def test_small_scenario_is_read_in_its_units(tmp_path):
    scenario = loaded(tmp_path)
    world = scenario.world
    assert (world.start, scenario.end - world.start) == (1_577_836_800, 2 * 3_600)
    assert world.feed("ETH").price == 200 * WAD
    assert (world.feed("ETH").deviation_e6, world.feed("ETH").delay) == (20_000, 30)
    assert (world.instrument("ETH").base_e6, world.instrument("ETH").insurance) == (60_000, 1_000 * USDC)
    assert world.instrument("ETH").penalty_e6 == InstrumentSpec("ETH", "ETH").penalty_e6  # not stated: the default
    assert world.collateral("WETH").token.decimals == 18
    assert scenario.keeper == "kim" and scenario.judged


def test_leverage_becomes_a_size_of_the_deposits_worth(tmp_path):
    steps = loaded(tmp_path).steps
    trades = [(step.act.account.actor, step.act.size) for step in steps if isinstance(step.act, acts.Trade)]
    assert trades == [
        ("ann", 250 * SIZE_UNIT),  # 5 · 10,000 / 200
        ("bob", -100 * SIZE_UNIT),
        ("cat", 150 * SIZE_UNIT),  # 3 · 50 WETH
        ("bob", None),  # closes what he holds
    ]


def test_providers_enter_before_all_others_and_sub_accounts_are_their_own(tmp_path):
    text = SMALL.replace("actors:\n", "actors:\n  bob/7: {role: trader, deposit: {USDC: 1}}\n")
    scenario = loaded(tmp_path, text)
    assert isinstance(scenario.steps[0].act, acts.Provide)
    assert Account("bob", 7) in [spec.account for spec in scenario.actors]


def test_all_shipped_scenarios_are_well_formed():
    assert set(shipped()) >= {"black_thursday", "flash_wick", "stale_feed", "short_squeeze"}
    for name, path in shipped().items():
        scenario = load(path)
        assert scenario.name == name and scenario.expectations and scenario.source
    black = load(find("black_thursday"))
    traders = [spec for spec in black.actors if spec.role == "trader"]
    assert len({spec.account.actor for spec in traders}) >= 12 and all(spec.about for spec in traders)
    assert all(len(path) == 4 * 48 for path in black.paths.values())
    assert "commit 12c69b6e" in black.source


def test_unknown_scenario_names_the_shipped():
    with pytest.raises(UnknownScenario, match="black_thursday"):
        find("black_friday")


def test_verbs_of_rescues_are_read(tmp_path):
    ann, bob, kim, tranche = Account("ann"), Account("bob"), "kim", Account("pool", 1)
    read = {
        "report_refusal: ann": liquidation.ReportRefusal(kim, ann),
        "deleverage: {of: ann, instrument: ETH, against: [bob, pool]}": liquidation.Deleverage(kim, ann, "ETH", (bob, tranche)),
        "unfreeze: ETH": liquidation.Unfreeze(kim, "ETH"),
        "drain: ETH": liquidation.Drain(kim, "ETH"),
        "start_auction: ann": liquidation.StartAuction(kim, ann),
        "stop_auction: ann": liquidation.StopAuction(kim, ann),
        "sale_order: [WETH]": liquidation.SaleOrder(Account(kim), ("WETH",)),
        "buy_collateral: {of: ann, token: WETH, amount: 0.5}": liquidation.BuyCollateral(kim, ann, "WETH", WAD // 2),
        "buy_collateral: {of: ann, token: WETH, amount: all}": liquidation.BuyCollateral(kim, ann, "WETH", None),
        "observe: ETH": liquidation.Observe(kim, "ETH"),
        "halt: ETH": liquidation.HaltFeed(kim, "ETH"),
        "settle_halted: {instrument: ETH, long: pool, short: bob}": liquidation.SettleHalted(kim, "ETH", tranche, bob),
    }
    lines = [f"  - {{title: A step, at: +1h, who: kim, {verb}}}\n" for verb in read]
    steps = loaded(tmp_path, SMALL.replace("steps:\n", "steps:\n" + "".join(lines))).steps
    assert [step.act for step in steps if step.title == "A step"] == list(read.values())


def test_guard_is_read_with_its_feed(tmp_path):
    text = SMALL.replace("prices:\n", "prices:\n  USDC: {points: [[+0h, 1], [+2h, 0.9]]}\n")
    assert loaded(tmp_path, text).world.guard is None
    guarded = text.replace("world:\n", "world:\n  guard: {feed: USDC, limit: 2.5%}\n")
    assert loaded(tmp_path, guarded).world.guard == GuardSpec("USDC", 25_000)
    with pytest.raises(ScenarioFileError, match='unknown feed "USDT"'):
        loaded(tmp_path, guarded.replace("feed: USDC", "feed: USDT"))


def test_deposit_that_the_pool_must_refuse_is_one_act(tmp_path):
    step = "  - {title: A deposit, at: +1h, who: paula, provide: 5, fails: Depegged}\n"
    steps = loaded(tmp_path, SMALL.replace("steps:\n", "steps:\n" + step)).steps
    assert [step.act.verb for step in steps if step.fails] == ["provide"]


WRONG = [
    # what is put in the place of what, the line that must be named (by what stands in it), field, what the message says
    ("base: 6%", "bse: 6%", "bse", "world.instruments.ETH.bse", 'unknown field (did you mean "base"?)'),
    ("base: 6%", "base: six", "six", "world.instruments.ETH.base", 'expected a rate such as 2% or 0.02, found "six"'),
    ("base: 6%", "base: 6%, base: 7%", "7%", "world.instruments.ETH", '"base" is there twice'),
    ("delay: 30s", "delay: 30", "30}", "world.feed.delay", "expected a duration such as 30s"),
    (
        "WETH: {feed: ETH}",
        "WETH: {feed: ETC}",
        "ETC",
        "world.collaterals.WETH.feed",
        'unknown feed "ETC" (did you mean "ETH"?)',
    ),
    ("WETH: {feed: ETH}", "WETH: {}", "WETH: {}", "world.collaterals.WETH", 'the field "feed" is missing'),
    ("WETH: {feed: ETH}", "WETH: {feed: ETH, decimals: 19}", "19", "world.collaterals.WETH.decimals", "at most 18"),
    ("from: 200", "from: 0", "from: 0", "prices.ETH.from", "expected a price"),
    ("shape: slide", "shape: slyde", "slyde", "prices.ETH.shape", 'unknown shape "slyde" (did you mean "slide"?)'),
    ("over: 30m", "over: 3h", "over: 3h", "prices.ETH.at", "does not lie inside the length"),
    (
        "open: {ETH: 5x}",
        "open: {SOL: 5x}",
        "SOL",
        "actors.ann.open.SOL",
        'unknown instrument "SOL"; expected one of: ETH',
    ),
    ("open: {ETH: 5x}", "open: {ETH: x}", "ETH: x", "actors.ann.open.ETH", "expected a leverage such as 5x or -5x"),
    ("open: {ETH: 5x}", "open: {ETH: 0x}", "ETH: 0x", "actors.ann.open.ETH", "expected a size other than 0"),
    ("{USDC: 10000}", "{USDC: 0.0000001}", "0.0000001", "actors.ann.deposit.USDC", "at most 6 decimals"),
    ("{USDC: 10000}", "{USDC: -5}", "-5", "actors.ann.deposit.USDC", "at least 0.000001"),
    ("{USDC: 10000}", "{DAI: 5}", "DAI", "actors.ann.deposit.DAI", 'unknown token "DAI"'),
    ("role: keeper", "role: king", "king", "actors.kim.role", 'unknown role "king"'),
    ("paula:", "pool:", "pool:", "actors.pool", '"pool" is the pool itself'),
    ("ann: {", "ann/x: {", "ann/x", "actors.ann/x", "is no account"),
    ("who: bob", "who: rob", "rob", "steps[0].who", 'unknown account "rob" (did you mean "bob"?)'),
    ("    who: bob\n", "", "Bob takes", "steps[0]", 'the field "who" is missing'),
    ("close: ETH", "close: ETH\n    settle: bob", "Bob takes", "steps[0]", "expected exactly one verb"),
    ("at: +1h30m", "at: +9h", "+9h", "steps[0].at", "is outside the scenario"),
    ("at: +1h30m", "at: soon", "soon", "steps[0].at", "expected a time such as +1h30m"),
    ("bad_debt_at_most: 0", "bad_debt_at_most: few", "few", "expect.bad_debt_at_most", "expected an amount"),
    ("survives: [bob]", "survives: bob", "survives: bob", "expect.survives", "expected a list of accounts"),
    ("survives: [bob]", "survivors: [bob]", "survivors", "expect.survivors", "unknown field"),
    (
        "close: ETH",
        "deleverage: {of: ann, instrument: ETH, against: ann}",
        "against",
        "steps[0].deleverage.against",
        "expected a list of accounts",
    ),
    ("close: ETH", "settle_halted: {instrument: ETH, long: ann}", "settle_halted", "steps[0].settle_halted", '"short" is missing'),
    ("close: ETH", "halt: ETC", "halt", "steps[0].halt", 'unknown feed "ETC"'),
    ("survives: [bob]", "settled: [BTC]", "BTC", "expect.settled[0]", 'unknown instrument "BTC"'),
    ("title: A price slides through the lines of three traders\n", "", "world:", "", 'the field "title" is missing'),
]


@pytest.mark.parametrize("old, new, where, field, message", WRONG, ids=[f"{w[3]}:{w[2]}" for w in WRONG])
def test_wrong_file_names_line_field_and_expectation(tmp_path, old, new, where, field, message):
    assert old in SMALL
    text = SMALL.replace(old, new, 1)
    with pytest.raises(ScenarioFileError) as caught:
        loaded(tmp_path, text)
    assert (caught.value.line, caught.value.field) == (line_of(text, where), field)
    assert message in caught.value.problem
    assert str(caught.value).startswith(f"{tmp_path / 'small.yaml'}, line {caught.value.line}, ")


def test_yaml_that_is_broken_names_the_line(tmp_path):
    with pytest.raises(ScenarioFileError, match="not YAML") as caught:
        loaded(tmp_path, "title: x\nworld:\n  - a: [1, 2\nprices: {\n")
    assert caught.value.line == 4


@pytest.mark.parametrize("content, message", [(b"", "empty"), (b"title: \xff\xfe", "UTF-8")])
def test_file_without_text_says_so(tmp_path, content, message):
    path = tmp_path / "odd.yaml"
    path.write_bytes(content)
    with pytest.raises(ScenarioFileError, match=message):
        load(path)


def test_silence_is_paired(tmp_path):
    stop = "steps:\n  - {title: The feed stops, at: +10m, stop: ETH}\n"
    resume = "  - {title: The feed resumes, at: +20m, resume: ETH}\n"
    start = loaded(tmp_path).world.start
    assert loaded(tmp_path, SMALL.replace("steps:\n", stop + resume)).silences == {
        "ETH": ((start + 600, start + 1_200),)
    }
    assert loaded(tmp_path, SMALL.replace("steps:\n", stop)).silences == {"ETH": ((start + 600, start + 7_201),)}
    with pytest.raises(ScenarioFileError, match="was not stopped"):
        loaded(tmp_path, SMALL.replace("steps:\n", "steps:\n" + resume))


def test_example_in_the_documentation_is_well_formed(tmp_path):
    page = (Path(__file__).resolve().parents[2] / "docs" / "scenarios.md").read_text(encoding="utf-8")
    scenario = loaded(tmp_path, page.split("```yaml\n")[1].split("```")[0])
    assert Account("ann", 1) in [spec.account for spec in scenario.actors]
    assert [step.fails for step in scenario.steps][-1] == "InsufficientMargin"
