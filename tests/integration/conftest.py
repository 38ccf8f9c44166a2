"""The house of tests/world.py and the venue of venues.py, for those who ask for them."""

from tests.integration.venues import deployment, empty, venue  # noqa: F401
from tests.world import engine, house, long, short  # noqa: F401
