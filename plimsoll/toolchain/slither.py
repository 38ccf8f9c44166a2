"""`make lint`: slither on all contracts but the mocks. A finding of medium severity or above that is not explained below is
an error, and so is an explanation that explains nothing (any more)."""

import json
import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from plimsoll.toolchain import analysers

SEVERE = ("High", "Medium")

# detector, what its words hold (a regular expression), why that is right as it is
EXPLAINED = (
    ("arbitrary-send-erc20", r"^MarginEngine\.onPull", "the payer; only the escrow calls it, in a pull that the engine asked for"),
    ("reentrancy-balance", r"in Escrow\.pull", "the difference is the credit; its lock keeps every other change out"),
    ("uninitialized-state", r"^Ledger\._", "the engine's contracts share one storage: MarginEngineListing writes it"),
    ("incorrect-return", r"calls Delegating\._delegate", "of collateral: the extension answers, and the call ends there"),
    ("divide-before-multiply", r"^PreviewMath\.crossing", "halves an interval"),
    ("divide-before-multiply", r"sizeScale / 1e18", "exact: SIZE_SCALE is 10^(27 − decimals), decimals at most 6"),
    ("divide-before-multiply", r"quotient \* d != x", "asks whether the division left a remainder"),
    ("incorrect-equality", r"\t- .*[!=]= 0\b", "nothing is there; no balance of tokens is compared"),
    ("incorrect-equality", r"\t- .*(fault == Fault\.|collateral == id|epoch == epoch)", "names, not quantities"),
    ("incorrect-equality", r"(stored|market)\.time == block\.timestamp", "accrued in this block already"),
    ("incorrect-equality", r"payoutRatio\(\) == WAD", "exactly 1 where there is no bad debt"),
    ("reentrancy-no-eth", r"in Deleveraging\.reportRefusal", "rehearse, a call of itself, always reverts"),
    ("reentrancy-no-eth", r"in MarginEngine(Extension|Listing)?\.(deposit|_depositCash|payBadDebt)", "nonReentrant, as is all that writes there"),
    ("reentrancy-no-eth", r"in AuctionHouse\.buyCollateral", "the engine is locked: without its load no clock starts or stops"),
    ("reentrancy-no-eth", r"in UniswapBuyer\.buy", "_pool is itself the lock"),
    ("uninitialized-local", r"", "begins at zero, as Solidity says; the house does not write it out"),
    ("unused-return", r"verifyCallResult\(", "called to pass on a revert"),
    ("unused-return", r"by \([^)]*None|by \(snapshot\) =", "one of several results is wanted"),
    ("unused-return", r"FundingMath\.accrue", "it changes the market in place"),
    ("unused-return", r"withdraw\(idle\(\)", "it pays the least that is named, here all, or reverts"),
    ("unused-return", r"Create3Factory\.deploy", "what was deployed is seen by its code"),
    ("unused-return", r"\.swap\(", "the callback sees what was taken, _unsold that it was all"),
)


def main() -> None:
    analysers.bring_up()
    severe = [found for found in findings() if found["impact"] in SEVERE]
    if wrong := unexplained(severe) + stale(severe):
        sys.exit("\n".join(wrong))
    print(f"slither: {len(severe)} findings of medium severity or above, all explained")


def findings() -> list[dict[str, Any]]:
    """What slither says of what forge compiled."""
    with TemporaryDirectory() as folder:
        report = Path(folder, "findings.json")
        done = analysers.start(
            ["slither", ".", "--compile-force-framework", "hardhat", "--ignore-compile", "--no-fail-pedantic",
             "--hardhat-artifacts-directory", str(analysers.OUT), "--filter-paths", "node_modules|contracts/mocks|tests/proofs",
             "--json", str(report)]
        )  # fmt: skip
        if done.returncode != 0 or not report.exists():
            sys.exit(f"{done.stdout}{done.stderr}\nslither failed.")
        found: list[dict[str, Any]] = json.loads(report.read_text())["results"].get("detectors", [])
        return found


def unexplained(found: list[dict[str, Any]]) -> list[str]:
    return [
        f"{one['impact']} {one['check']}: {one['description'].strip()}"
        for one in found
        if not any(explains(check, pattern, one) for check, pattern, _ in EXPLAINED)
    ]


def stale(found: list[dict[str, Any]]) -> list[str]:
    return [
        f"slither.py explains {check} of {pattern!r}, which is not found"
        for check, pattern, _ in EXPLAINED
        if not any(explains(check, pattern, one) for one in found)
    ]


def explains(check: str, pattern: str, found: dict[str, Any]) -> bool:
    return check == found["check"] and re.search(pattern, found["description"]) is not None


if __name__ == "__main__":
    main()
