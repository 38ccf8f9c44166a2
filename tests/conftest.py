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

import hypothesis
import pytest

pytest.register_assert_rewrite("tests.helpers")

from plimsoll.chain.anvil import Anvil  # noqa: E402
from plimsoll.chain.node import Chain  # noqa: E402
from tests import helpers  # noqa: E402

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
    config.option.importmode = "importlib"  # one verb, one file: two contracts may both have a test_deposit.py


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
    """Undoes what a test and its function fixtures did to the chain (not brownie's own revert: it collects garbage)."""
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
