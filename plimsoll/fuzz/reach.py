"""What fuzzing reached: rules drawn, verbs that happened, errors that were due, and lines that were met to the very unit."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from plimsoll.errors import Reverted
from plimsoll.fuzz.lines import met
from plimsoll.state import State
from plimsoll.types import World
from plimsoll.venue import Call

# Every error that a life on the seam can meet.
REACHABLE = (
    *("AuctionDue", "AuctionRunning", "BackstopAccepts", "BelowMinOut", "BelowMinimum", "CapExceeded"),
    *("CollateralCapExceeded", "DebtTooLarge", "Depegged", "DifferentOwners", "ERC20InsufficientBalance"),
    *("ERC4626ExceededMaxRedeem", "EmptyBatch", "EstateOpen", "Expired", "FeedIsValid", "FractionBelowMinimum"),
    *("FractionTooSmall", "FrozenUntil", "HaltIsFinal", "HaltNotFinal", "HaltTooSoon", "HealthWorsened", "Insolvent"),
    *("InstrumentHalted", "InsufficientCash", "InsufficientCollateral", "InsufficientMargin", "InvalidAmount"),
    *("InvalidPrice", "MarketFrozen", "NoAuction", "NoShares", "NonceChanged", "NotEligible", "NotFirst", "NotForSale"),
    *("NotInsolvent", "NotLiquidatable", "NotNewer", "NotObserved", "NotOpen", "NothingHeld", "NothingOwed"),
    *("NothingPulled", "NothingToAllocate", "NothingToSettle", "PriceAboveLimit", "PriceBeyondLimit", "RatioTooLow"),
    *("SameAccount", "SkewTooLarge", "TakerIsAccount", "TakerRefused", "TrancheUnsound", "Unauthorized"),
    *("UnauthorizedTaker", "Unsorted", "ZeroAmount", "ZeroSize"),
    *("InstrumentReduceOnly", "InvalidParameter", "NoticeRunning", "NothingPending", "NotGuardian"),
    *("OwnableUnauthorizedAccount", "InsufficientCredit", "NotOwner", "NotTrader", "OnlyEngine", "OnlyItself"),
    *("OnlyLiquidationEngine",),
)
# Every other error of the interfaces, and why no life meets it: the tests of the contract itself do.
UNREACHED = {
    "listing is not on the seam": (
        *("FeedInUse", "InvalidFeed", "InvalidStandIn", "TokenListed", "UnknownCollateral", "UnknownInstrument"),
        *("UnknownMarket", "UnknownToken", "WrongAddress", "WrongExtension"),
    ),
    "only a contract that is not the caller's due meets it": (
        *("InvalidReceiver", "OnlyMarginEngine", "Rehearsed", "Unbalanced", "WrongQuotes", "AlreadyHalted"),
    ),
    "only a token that misbehaves, or that is none": ("EscrowLocked", "NotAToken", "ReleaseMismatch", "WrongCredit"),
    "a verb of the seam sends one order, at the right round, with gas enough": (
        *("NoOrders", "RepeatedInstrument", "InvalidRound", "NotLastValid", "OutOfGas", "TooLittleGas", "BeyondLimit"),
    ),
    "the treasury has no verb on the seam": ("NoBeneficiary", "NoTreasury", "NothingToCollect"),
    "the periphery has none either": (
        *("AlreadyBuying", "NotAllSold", "NotBuying", "NothingDone", "OnlyPoolInUse", "ProfitTooSmall"),
    ),
    "the world of lives is too small: two instruments, two collaterals": ("TooManyCollaterals", "TooManyInstruments"),
    "no verb of the seam deploys": ("AlreadyDeployed", "ConstructorFailed"),
    "a second guard behind another that answers first": ("AccountInsolvent", "NotHeld", "NothingInEscrow"),
}


@dataclass
class Reach:
    """How often each was reached."""

    rules: Counter[str] = field(default_factory=Counter)
    verbs: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    lines: Counter[str] = field(default_factory=Counter)

    def note(self, call: Call, answer: Any, before: State | None, world: World) -> None:
        if isinstance(answer, Reverted):
            self.errors[answer.name] += 1
        else:
            self.verbs[call.verb] += 1
        self.lines.update(met(call, answer, before, world))

    def add(self, other: Reach) -> None:
        for mine, theirs in zip(self.counters(), other.counters()):
            mine.update(theirs)

    def counters(self) -> tuple[Counter[str], ...]:
        return self.rules, self.verbs, self.errors, self.lines
