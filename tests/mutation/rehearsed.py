"""Runs of tests that end in every way there is, for test_judging.py: pytest collects this file only where it is named."""

import os
import signal
import time

import pytest

from plimsoll.chain import artifacts
from plimsoll.errors import AnvilDied, Reverted


@pytest.fixture
def deployment():
    raise Reverted("InvalidParameter")


def test_that_passes():
    assert artifacts.artifact("Escrow").bytecode


def test_that_fails():
    assert artifacts.artifact("Escrow").code_bytes == 0


def test_whose_deployment_is_refused(deployment):
    pass


def test_that_never_ends():
    time.sleep(600)


def test_whose_anvil_dies():
    raise AnvilDied(-9, "out of memory")


def test_that_fails_because_its_anvil_died():
    try:
        raise ConnectionResetError("Anvil")
    except ConnectionResetError as problem:
        raise AssertionError("the contracts say nothing") from problem


def test_whose_process_is_killed():
    os.kill(os.getpid(), signal.SIGKILL)
