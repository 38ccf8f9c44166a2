"""The quick part of `make lint`, and that its explanations of slither's findings neither hide nor outlive anything."""

import subprocess
import sys
from pathlib import Path

import pytest

from plimsoll.toolchain import slither

ROOT = Path(__file__).resolve().parents[2]
EXPLAINED = [
    {"check": "reentrancy-no-eth", "impact": "Medium", "description": "Reentrancy in UniswapBuyer.buy(uint256)"},
    {"check": "arbitrary-send-erc20", "impact": "High", "description": "MarginEngine.onPull(address,uint256,bytes)"},
]
OTHER = {"check": "arbitrary-send-erc20", "impact": "High", "description": "AuctionHouse.buyCollateral(uint256)"}


@pytest.mark.parametrize("command", [("ruff", "check"), ("mypy",)])
def test_python_sources_are_clean(command):
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_slither_finding_without_an_explanation_is_told():
    assert slither.unexplained([*EXPLAINED, OTHER]) == ["High arbitrary-send-erc20: AuctionHouse.buyCollateral(uint256)"]


def test_slither_explanation_of_nothing_is_told():
    told = slither.stale(EXPLAINED)
    assert len(told) == len(slither.EXPLAINED) - len(EXPLAINED)
    assert not any("onPull" in line or "UniswapBuyer" in line for line in told)
