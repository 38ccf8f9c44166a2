"""A listing that holds every rule exactly where it can, and how to change one field of it.

Keeper's floor 1 USDC, target 1.15, feed deviation 2 %: base 6 % = 2 % deviation + 2.5 % move + funding + 1.4 % penalty.
"""

from tests.world import UNIT, USDC

RISK = ("baseE6", "slopeE6", "depth", "floor", "penaltyE6", "feed", "initialMultipleE6", "listed", "reduceOnly")
LIMITS = ("capUnits", "capValue", "oiThresholdE6", "oiSlopeE6", "minNotional")
FUNDING = ("scale", "maxVelocityE8", "maxRateE8", "insuranceShareE6", "treasuryShareE6")

PLAIN = {
    "risk": dict(zip(RISK, (60_000, 0, 1_000 * UNIT, 2 * USDC, 14_000, 0, 1_500_000, True, False))),
    "limits": dict(zip(LIMITS, (10**6 * UNIT, 10**9 * USDC, 800_000, 10**6, 1_000 * USDC))),
    "funding": dict(zip(FUNDING, (1_000 * UNIT, 0, 0, 200_000, 100_000))),
    "maxMoveE6": 25_000,
    "reactionTime": 600,
}


def listing(**changed):
    """PLAIN with some fields changed, whatever struct they are in."""
    config = {key: dict(value) if isinstance(value, dict) else value for key, value in PLAIN.items()}
    for name, value in changed.items():
        part = next((config[key] for key in ("risk", "limits", "funding") if name in config[key]), config)
        assert name in part, name
        part[name] = value
    return config


def coin(token, **changed):
    """A collateral of 18 decimals: haircut 10 to 50 %."""
    config = {
        "token": token,
        "haircutE6": 100_000,
        "maxHaircutE6": 500_000,
        "feed": 0,
        "decimals": 18,
        "depth": 10**24,
        "cap": 10**24,
    }
    return config | changed
