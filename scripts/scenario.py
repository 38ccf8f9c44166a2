"""Plays a scenario on Brownie's own chain: `brownie run scripts/scenario.py main black_thursday`."""

from contextlib import contextmanager
from pathlib import Path

from brownie import web3

from plimsoll import cli
from plimsoll.chain.node import Chain
from plimsoll.chain.venue import ChainVenue
from plimsoll.scenarios.scenario import find, load


def main(name="black_thursday"):
    """name: of a shipped scenario, or a YAML file. Raises SystemExit with the exit code unless all held."""
    scenario = load(find(name))
    code = cli.run_scenario(scenario, Path("reports") / scenario.name, on_brownies_chain)
    if code:
        raise SystemExit(code)


@contextmanager
def on_brownies_chain(world):
    yield ChainVenue(Chain(web3), world)
