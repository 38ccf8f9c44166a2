"""Plimsoll: an on-chain margin protocol. The Python model, chain tooling, scenarios and risk engine."""
