"""The house of tests/world.py, for those who ask for it."""

from tests.world import engine, house, long, short  # noqa: F401
