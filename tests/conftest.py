"""Fixtures of every test: the chain, the roles, isolation, and random numbers that repeat.

Tests import what they share by its full name: `from tests.helpers import reverts, event`.

`brownie test` gives tests its own development Anvil. Plain `pytest -p no:pytest-brownie` compiles nothing and starts
an Anvil only for the tests that ask for `chain`: the quickest way to run one file again, or all of tests/model.

Deploy in session or module fixtures what a whole file shares: only what a test itself does is undone after it.

Random draws repeat: PLIMSOLL_SEED (a number, or `random`) seeds hypothesis and the fixture `seed`, and is printed at the
top of the run; PLIMSOLL_EXAMPLES is how many examples a property tries.
"""

import gc
import os
import random
import sys
from pathlib import Path

import brownie._config  # noqa: F401  (loads a hypothesis profile of its own: before ours)
import hypothesis
import pytest

pytest.register_assert_rewrite("tests.helpers")

from plimsoll.chain.anvil import Anvil  # noqa: E402
from plimsoll.chain.deployment import Deployment, Roles  # noqa: E402
from plimsoll.chain.node import Chain  # noqa: E402
from plimsoll.chain.standard import POOL_SUPPLY, standard_world  # noqa: E402
from tests import helpers  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
DEFAULT_SEED = 20200312
ROLES = ("owner", "guardian", "treasury", "keeper", "liquidator", "trader", "maker", "lp", "other_trader", "stranger")

if os.environ.get("PLIMSOLL_SEED") == "random":
    os.environ["PLIMSOLL_SEED"] = str(random.SystemRandom().getrandbits(32))  # the workers of -n inherit it
SEED = int(os.environ.get("PLIMSOLL_SEED", DEFAULT_SEED))
EXAMPLES = int(os.environ.get("PLIMSOLL_EXAMPLES", 100))

hypothesis.core.global_force_seed = SEED
hypothesis.settings.register_profile(
    "plimsoll",
    deadline=None,
    max_examples=EXAMPLES,
    print_blob=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.function_scoped_fixture],
)
hypothesis.settings.load_profile("plimsoll")


def pytest_configure(config):
    config.addinivalue_line("filterwarnings", "ignore:Directly importing `hypothesis.given`")  # meant: see isolation
    config.addinivalue_line("filterwarnings", "ignore:websockets.legacy is deprecated")
    config.option.importmode = "importlib"  # one verb, one file: two contracts may both have a test_deposit.py
    if config.getoption("numprocesses", None) and "brownie" in sys.modules:
        drop_unneeded_artifacts()


def drop_unneeded_artifacts():
    """What Brownie does itself when it next loads the project. After a compilation the workers of -n would all do so at
    the same time, and one that finds a file gone dies."""
    for project in sys.modules["brownie"].project.get_loaded_projects():
        ours = set(project._sources.get_contract_list())
        for path in (ROOT / "build" / "contracts").glob("*.json"):
            if path.stem not in ours and ours.isdisjoint(project._build.get_dependents(path.stem)):
                path.unlink()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session):
    """With -n, Brownie's controller demands that its workers saw the very artifacts that it saw, and fails when it has
    just compiled, or when an interrupted run left its notes behind. The notes serve `--update` alone: drop them."""
    if not hasattr(session.config, "workerinput"):
        for notes in (ROOT / "build").glob("tests-*.json"):
            notes.unlink()


def pytest_report_header() -> str:
    return f"random draws: PLIMSOLL_SEED={SEED} PLIMSOLL_EXAMPLES={EXAMPLES}"


@pytest.fixture(scope="session", autouse=True)
def quiet_collector():
    """Brownie keeps every syntax tree alive: take them out of the garbage collector's rounds."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def chain():
    """Brownie's own development Anvil; without Brownie, an Anvil of ours. Time moves one second a block."""
    brownie = sys.modules.get("brownie")
    if brownie is not None and brownie.network.is_connected():
        yield Chain(brownie.web3)
    else:
        with Anvil() as anvil:
            yield Chain(anvil)


@pytest.fixture(autouse=True)
def isolation(request):
    """Undoes what a test and its function fixtures did to the chain (not brownie's own revert: it collects garbage).

    The examples of a property share one state: properties of views need no more; others say `with isolated(chain)`.
    """
    if "chain" not in request.fixturenames:
        yield
        return
    with helpers.isolated(request.getfixturevalue("chain")):
        yield


@pytest.fixture(scope="session")
def accounts(chain):
    """The addresses that the chain signs for. The first ten have roles, the rest are free."""
    return chain.accounts


@pytest.fixture(scope="session")
def protocol(chain, owner, guardian, treasury, lp, accounts):
    """Everything, in the standard world: USDC (6 decimals), WETH and WBTC as collateral, perpetuals on ETH at 2,000 and
    BTC at 40,000, two million of the lp's in the pool, the funds insured. The owner is the timelock's proposer."""
    made = Deployment.deploy(chain, standard_world(), Roles(accounts[len(ROLES)], owner, guardian, treasury))
    made.provide(lp, POOL_SUPPLY)
    return made


@pytest.fixture(scope="session")
def seed():
    """Seeds the random numbers that a test draws itself."""
    return SEED


@pytest.fixture(scope="session")
def reverts():
    return helpers.reverts


def _role(index):
    return pytest.fixture(scope="session")(lambda accounts: accounts[index])


for _index, _name in enumerate(ROLES):
    globals()[_name] = _role(_index)
