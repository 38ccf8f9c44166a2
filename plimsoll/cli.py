"""`python -m plimsoll`: the commands. Only here a venue is chosen.

    scenario run NAME_OR_FILE [--prices [FEED=]FILE.csv] [--venue chain|real|model] [--report DIR] [--quiet]
    scenario list
    scenario check FILE
    properties ADAPTER [--seconds N] [--seed S] [--only PROPERTY]...
    fuzz [--minutes N] [--jobs N] [--seed S] [--only lives|threshold] [--task N] [--scheduler ADDRESS] [--out DIR]
    deploy NETWORK [--account ID] [--yes] [--confirmations N]
    check NETWORK
    govern NETWORK [--account ID] [--yes] [--confirmations N]
    pause NETWORK [INSTRUMENT ...] [--account ID] [--yes] [--confirmations N]
    rehearse [NETWORK] [--kill]
    status NETWORK
    account NETWORK [--of ADDRESS] [--sub N]
    mint | deposit | withdraw NETWORK TOKEN AMOUNT [--sub N] [--account ID] [--yes]
    provide NETWORK AMOUNT [--account ID] [--yes]
    open NETWORK INSTRUMENT SIZE, close NETWORK INSTRUMENT [--slippage RATE] [--sub N] [--account ID] [--yes]
    liquidate NETWORK OWNER [--sub N] [--account ID] [--yes]
    keeper run NETWORK | --url URL --lens ADDRESS [--dry-run] [--taker SUB] [--store URL] [--metrics PORT] …
    keeper soak [--minutes N] [--seed S] [--out DIR]

Exit codes: 0 all held · 1 an invariant, an expectation, a property or a check failed, the protocol refused · 2 bad input ·
3 the chain could not be started, or died · 130 interrupted.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from plimsoll import deploying, fuzzing, governing, keeping, operating, rehearsing
from plimsoll.errors import AdapterError, DeployError, KeeperError, PlimsollError, Reverted, ScenarioError
from plimsoll.properties import finding, screen as properties_screen
from plimsoll.properties.checking import check
from plimsoll.scenarios import report, runner, screen
from plimsoll.scenarios.record import Run
from plimsoll.scenarios.scenario import Scenario, find, load, shipped
from plimsoll.types import World
from plimsoll.venue import Venue

HELD, FAILED, BAD_INPUT, NO_CHAIN, INTERRUPTED = 0, 1, 2, 3, 130
TIME_TO_BUILD = 30 * 86_400  # seconds before its start in which a world may be built

VenueOf = Callable[[World], AbstractContextManager[Venue]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code; a wrong input is one clear message."""
    options = _parser().parse_args(arguments)
    errors = Console(stderr=True)
    try:
        return int(options.command(options))
    except (ScenarioError, AdapterError, DeployError, KeeperError) as error:
        errors.print(f"[bold red]error:[/] {escape(str(error))}", soft_wrap=True, highlight=False)
        return BAD_INPUT
    except Reverted as refusal:
        errors.print(f"[bold red]refused:[/] {escape(str(refusal))}", soft_wrap=True, highlight=False)
        return FAILED
    except PlimsollError as error:
        errors.print(f"[bold red]error:[/] {escape(str(error))}", soft_wrap=True, highlight=False)
        return NO_CHAIN
    except KeyboardInterrupt:
        errors.print("interrupted", style="bold yellow")
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m plimsoll", description="Plimsoll, an on-chain margin protocol.")
    parser.set_defaults(command=_helper(parser))
    commands = parser.add_subparsers(title="commands")
    _add_properties(commands.add_parser("properties", help="test the liquidation threshold of your own contract"))
    fuzzing.add_options(commands.add_parser("fuzz", help="the contracts beside the specification, at the line and around it"))
    deploying.add_deploy(commands.add_parser("deploy", help="deploy to a testnet: a plan, a question, then resumable steps"))
    deploying.add_check(commands.add_parser("check", help="read a deployment back from the chain: expected, found, right or wrong"))
    governing.add_govern(commands.add_parser("govern", help="change parameters to what the network file says, through the timelock"))
    governing.add_pause(commands.add_parser("pause", help="the guardian makes instruments reduce-only"))
    rehearsing.add_rehearse(commands.add_parser("rehearse", help="the whole way on a chain of one's own that plays the testnet"))
    operating.add_commands(commands)
    keeping.add_keeper(commands.add_parser("keeper", help="watch every account, and liquidate what sinks below its line"))
    scenario = commands.add_parser("scenario", help="play a stated world on the contracts")
    scenario.set_defaults(command=_helper(scenario))
    verbs = scenario.add_subparsers(title="verbs")
    run = verbs.add_parser("run", help="play a scenario and leave a report")
    run.add_argument("scenario", help="a shipped scenario's name, or a YAML file")
    run.add_argument(
        "--prices",
        action="append",
        default=[],
        metavar="[FEED=]FILE.csv",
        help="your own bars (timestamp, open, high, low, close) for a feed, by default the first; may be repeated",
    )
    run.add_argument("--report", type=Path, metavar="DIR", help="where the report goes (default: reports/<scenario>)")
    run.add_argument(
        "--venue",
        choices=("chain", "real", "model"),
        default="chain",
        help="the contracts on a chain of their own (default), there beside real feeds and WETH, or the model in this process",
    )
    run.add_argument("--quiet", action="store_true", help="only the verdict")
    run.set_defaults(command=_run)
    verbs.add_parser("list", help="the shipped scenarios").set_defaults(command=_list)
    check = verbs.add_parser("check", help="read a scenario without playing it")
    check.add_argument("scenario", help="a shipped scenario's name, or a YAML file")
    check.set_defaults(command=_check)
    return parser


def _add_properties(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=_properties)
    parser.add_argument("adapter", help="an adapter as Python names it: examples.right, my_package.my_module.MyAdapter")
    parser.add_argument("--seconds", type=float, default=10, help="how long to look (default: 10)")
    parser.add_argument("--seed", type=int, default=0, help="other cases (default: 0)")
    parser.add_argument("--only", action="append", default=[], metavar="PROPERTY", help="may be repeated")


def _helper(parser: argparse.ArgumentParser) -> Callable[[argparse.Namespace], int]:
    def show(options: argparse.Namespace) -> int:
        parser.print_help()
        return BAD_INPUT

    return show


def _run(options: argparse.Namespace) -> int:
    scenario = load(find(options.scenario), dict(_feed_file(word) for word in options.prices))
    runner.timeline(scenario)  # too long is said before a chain is started
    folder = options.report or Path("reports") / scenario.name
    venue_of = {"model": model_venue, "real": real_venue, "chain": anvil_venue}[options.venue]
    return run_scenario(scenario, folder, venue_of, options.quiet)


def run_scenario(scenario: Scenario, folder: Path, venue_of: VenueOf, quiet: bool = False) -> int:
    """Plays it on a venue of the caller's choice, writes the report, prints the end; returns the exit code."""
    console = Console()
    if not quiet:
        console.print(f"[bold]{escape(scenario.title)}[/]", soft_wrap=True)
    with ExitStack() as stack:
        with _world_accepted(scenario):
            venue = stack.enter_context(venue_of(scenario.world))
        watch = stack.enter_context(screen.Screen(console, quiet))
        try:
            run = runner.play(scenario, venue, watch)
        except PlimsollError as error:
            if (partial := getattr(error, "run", None)) and partial.states:
                console.print(
                    f"The report has the run as far as it came: {report.write(partial, folder)}", soft_wrap=True
                )
            raise
    if not run.states:
        return INTERRUPTED
    screen.conclude(console, run, report.write(run, folder), quiet)
    return exit_code(run)


def exit_code(run: Run) -> int:
    if run.interrupted:
        return INTERRUPTED
    return HELD if run.held else FAILED


@contextmanager
def _world_accepted(scenario: Scenario) -> Iterator[None]:
    """A world that the contracts refuse to list is the scenario's mistake."""
    try:
        yield
    except Reverted as refusal:
        raise ScenarioError(
            f"scenario {scenario.name}: the protocol refuses this world: {refusal}; change it under `world:`"
        ) from None


@contextmanager
def anvil_venue(world: World) -> Iterator[Venue]:
    """The contracts on a chain of their own, which ends with the run."""
    from plimsoll.chain.anvil import Anvil
    from plimsoll.chain.node import Chain
    from plimsoll.chain.venue import ChainVenue

    with Anvil(timestamp=world.start - TIME_TO_BUILD) as anvil:
        yield ChainVenue(Chain(anvil), world)


@contextmanager
def real_venue(world: World) -> Iterator[Venue]:
    """As anvil_venue, with Chainlink's own feeds and the real WETH."""
    from plimsoll.chain.anvil import Anvil
    from plimsoll.chain.node import Chain
    from plimsoll.chain.real_venue import RealVenue

    with Anvil(timestamp=world.start - TIME_TO_BUILD) as anvil:
        yield RealVenue.build(Chain(anvil), world)


def _properties(options: argparse.Namespace) -> int:
    laws = finding.properties(options.only)
    console = Console()
    with finding.adapter(options.adapter) as adapter, properties_screen.Screen(console) as watch:
        report = check(adapter, laws, options.seconds, options.seed, watch.show)
    properties_screen.conclude(console, report)
    return HELD if report.held else FAILED


@contextmanager
def model_venue(world: World) -> Iterator[Venue]:
    """The executable specification, in this process."""
    from plimsoll.model.venue import ModelVenue

    yield ModelVenue(world)


def _list(options: argparse.Namespace) -> int:
    console = Console()
    for name, path in shipped().items():
        console.print(f"[bold]{name}[/]  {escape(load(path).title)}", soft_wrap=True, highlight=False)
    return HELD


def _check(options: argparse.Namespace) -> int:
    scenario = load(find(options.scenario))
    moments = len(runner.timeline(scenario))
    Console().print(
        f"{scenario.name} is well formed: {len(scenario.actors)} actors, {moments} moments.", highlight=False
    )
    return HELD


def _feed_file(word: str) -> tuple[str, Path]:
    """ "ETH=file.csv" or "file.csv"."""
    feed, sign, file = word.partition("=")
    return (feed, Path(file)) if sign else ("", Path(word))
