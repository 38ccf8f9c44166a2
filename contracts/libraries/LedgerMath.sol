// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {FixedPointMath} from "./FixedPointMath.sol";

/// @title The ledger: what a fill does to one position
/// @notice Increasing adds size and quote. Reducing s → s' keeps q' = ⌈q · s'/s⌉ and moves the rest, q + Δq − q', into cash.
/// A flip is a close and an open: Δq is split by size, the closing part rounded toward −∞. Nothing is created or lost:
///
///     cash + quote after = cash + quote before + Δq                                                       (LED-2)
library LedgerMath {
    using FixedPointMath for uint256;
    using FixedPointMath for int256;

    /// @return newSize the position after it, size units
    /// @return newQuote likewise, settlement units
    /// @return cash what is realised, signed, settlement units
    function fill(int256 size, int256 quote, int256 deltaSize, int256 deltaQuote)
        internal
        pure
        returns (int256 newSize, int256 newQuote, int256 cash)
    {
        newSize = size + deltaSize;
        if (!reduces(size, deltaSize)) {
            if (isFlip(size, newSize)) {
                int256 closing = deltaQuote.mulDivDown(size.abs(), deltaSize.abs());
                return (newSize, deltaQuote - closing, quote + closing);
            }
            return (newSize, quote + deltaQuote, 0);
        }
        newQuote = quote.mulDivUp(newSize.abs(), size.abs());
        cash = quote + deltaQuote - newQuote;
    }

    /// @notice Same side or flat afterwards, and smaller.
    function reduces(int256 size, int256 deltaSize) internal pure returns (bool) {
        int256 newSize = size + deltaSize;
        return size > 0 ? newSize >= 0 && newSize < size : newSize <= 0 && newSize > size;
    }

    /// @notice From one side to the other.
    function isFlip(int256 size, int256 newSize) internal pure returns (bool) {
        return (size < 0 && newSize > 0) || (size > 0 && newSize < 0);
    }
}
