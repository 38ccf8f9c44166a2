"""A list of accounts as it travels in checkData and performData."""

from collections.abc import Iterable

import eth_abi


def packed(accounts: Iterable[int]) -> bytes:
    return eth_abi.encode(["uint256[]"], [list(accounts)])


def unpacked(data: bytes) -> list[int]:
    return list(eth_abi.decode(["uint256[]"], data)[0])
