"""The house, its engine, and two accounts that trade with each other."""

from tests.world import engine, house, long, short  # noqa: F401
