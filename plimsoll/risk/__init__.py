"""The risk engine: every account judged at once, as the contracts would. Begin with engine.py; it knows no chain."""
