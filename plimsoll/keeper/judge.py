"""Who is below its line now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from plimsoll.errors import NodeRefused, Reverted
from plimsoll.keeper.book import ACCOUNTS_A_CALL, Holding
from plimsoll.keeper.decide import Standing
from plimsoll.keeper.port import Call, Port


def below(port: Port, book: Mapping[int, Holding], block: str) -> list[Standing]:
    """By the lens, at a block (its hash)."""
    holders = [account for account, holding in book.items() if holding.positions]
    found: list[int] = []
    for start in range(0, len(holders), ACCOUNTS_A_CALL):
        some = holders[start : start + ACCOUNTS_A_CALL]
        found += [account for account, answer in zip(some, ask_all(port, "liquidatable", some, block)) if answer]
    reports = ask_all(port, "reports", found, block) if found else []
    return [
        Standing(report.account, report.standing.margin.equity, report.standing.margin.maintenance, len(report.legs))
        for report in reports
        if report.valid
    ]


def ask_all(port: Port, view: str, accounts: Sequence[int], block: str | None) -> list[Any]:
    """A view of the lens about many accounts; in halves where it has not enough gas for so many. Raises NodeDead, NodeRefused."""
    [answer] = port.ask([Call("lens", view, (tuple(accounts),))], block)
    if not isinstance(answer, Reverted):
        return list(answer)
    if len(accounts) == 1:
        raise NodeRefused("eth_call", f"lens.{view} of {hex(accounts[0])} answers {answer}")
    half = len(accounts) // 2
    return ask_all(port, view, accounts[:half], block) + ask_all(port, view, accounts[half:], block)
