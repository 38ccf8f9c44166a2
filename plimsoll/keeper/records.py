"""What the store keeps, as data: how far it came, transactions of ours, what anybody won."""

from __future__ import annotations

from dataclasses import dataclass

from plimsoll.keeper.port import Told

WON = ("Liquidated", "Absorbed")

@dataclass(frozen=True)
class Checkpoint:
    """Everything up to and including this block is known. hash: "" before the first block."""

    number: int
    hash: str


@dataclass(frozen=True)
class Trip:
    """A transaction of ours. what: in words, for the log. accounts: whom it is about. fee, tip: wei per gas. hashes: of all that was
    signed for this nonce, the latest last; raw: the latest. versions: how many of them do what it is for, the rest only use up its
    nonce; -1: all. at: when it was sent, unix seconds. given: what it was expected to cost where it earns nothing, settlement units.
    end: "" while it is under way; done, wasted (mined, and nothing was left for it to do), refused (mined, reverted), withdrawn,
    taken (somebody else's transaction has its nonce)."""

    id: int
    nonce: int
    what: str
    accounts: tuple[int, ...]
    to: str
    data: str
    gas: int
    fee: int
    tip: int
    hashes: tuple[str, ...] = ()
    raw: str = ""
    versions: int = -1
    at: int = 0
    given: int = 0
    end: str = ""
    block: int = 0
    gas_used: int = 0
    paid: int = 0


    @property
    def mined(self) -> bool:
        return self.block > 0


@dataclass(frozen=True)
class Win:
    """reward: of the keeper, settlement units."""

    block: int
    place: int
    event: str
    account: int
    keeper: str
    reward: int


def win_of(told: Told) -> Win:
    """Of one of the events WON."""
    args = told.args
    reward = args["outcome"].keeperReward if told.name == "Liquidated" else args["absorption"].reward
    return Win(told.block, told.place, told.name, args["account"], args["keeper"], reward)
