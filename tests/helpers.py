"""What many tests say: this reverts with exactly that, this told exactly one such event, this leaves no trace.

    with reverts("InsufficientMargin", account, have, need):
        engine.withdraw(account, token, amount, sender=trader)
    assert event(receipt, "Deposited").amount == amount
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from plimsoll.chain.node import Chain
from plimsoll.chain.receipt import Event, Receipt
from plimsoll.errors import Reverted


class reverts:
    """The block must raise Reverted with this name and, where any are given, exactly these arguments.

    Addresses compare without regard to case; anything with `.address` stands for its address. `error` is the Reverted,
    for tests that look closer: `with reverts("Stale") as refused: ...; refused.error.values["limit"]`.
    """

    def __init__(self, name: str, *args: Any) -> None:
        self.name, self.args = name, args
        self.error: Reverted | None = None

    def __enter__(self) -> reverts:
        return self

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> bool:
        __tracebackhide__ = True
        due = f"{self.name}({', '.join(map(str, self.args))})" if self.args else self.name
        if error is None:
            raise AssertionError(f"nothing reverted where {due} is due")
        if not isinstance(error, Reverted):
            return False
        if error.name != self.name or (self.args and plain(error.args) != plain(self.args)):
            raise AssertionError(f"{error} where {due} is due") from error
        self.error = error
        return True


def plain(value: Any) -> Any:
    """A value as tests compare it: addresses and hex digits in lower case, structs and lists as tuples."""
    if isinstance(value, (list, tuple)):
        return tuple(map(plain, value))
    value = getattr(value, "address", value)
    return value.lower() if isinstance(value, str) and value.startswith("0x") else value


def event(receipt: Receipt, name: str, /, **args: Any) -> Event:
    """The only event of this name; the arguments that are named here must be these."""
    __tracebackhide__ = True
    found = receipt.event(name)
    told = {key: found.args.get(key) for key in args}
    assert {k: plain(v) for k, v in told.items()} == {k: plain(v) for k, v in args.items()}, found
    return found


@contextmanager
def isolated(chain: Chain) -> Iterator[None]:
    """What the block does to the chain is undone: for the examples of a property that sends transactions."""
    snapshot = chain.snapshot()
    try:
        yield
    finally:
        chain.revert(snapshot)
