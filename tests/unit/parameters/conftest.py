"""The house, its parameters, and the parameters' owner."""

import pytest

from tests.world import engine, house, long, short  # noqa: F401


@pytest.fixture
def parameters(house):  # noqa: F811
    return house.parameters


@pytest.fixture
def timelock(house):  # noqa: F811
    return house.timelock
