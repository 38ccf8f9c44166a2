"""What the example adapters stand on: sources outside contracts/ compile."""

import pytest

from plimsoll.chain.sources import compile_folder
from plimsoll.errors import NotCompiled


def test_source_that_does_not_compile_is_said_with_its_line(tmp_path):
    (tmp_path / "Bad.sol").write_text("pragma solidity 0.8.30; contract Bad { uint x = true; }")
    with pytest.raises(NotCompiled, match="Bad.sol:1:"):
        compile_folder(tmp_path)


def test_folder_without_sources_is_said(tmp_path):
    with pytest.raises(NotCompiled, match="no .sol file"):
        compile_folder(tmp_path / "none")
