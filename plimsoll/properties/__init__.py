"""The properties of liquidation thresholds, as a library for any margin contract. docs/properties.md is how to use it.

    class Mine(StepByStep): ...                  # plimsoll.properties.adapter: what you state about your contract
    report = check(Mine(), seconds=10)           # aims cases at its line and asks every property
    assert report.held, report
"""

from plimsoll.properties.adapter import Case, Margin, MarginAdapter, Outcome, Range, StepByStep
from plimsoll.properties.checking import Finding, Report, check
from plimsoll.properties.laws import ALL, Property, Trial

__all__ = [
    "ALL",
    "Case",
    "Finding",
    "Margin",
    "MarginAdapter",
    "Outcome",
    "Property",
    "Range",
    "Report",
    "StepByStep",
    "Trial",
    "check",
]
