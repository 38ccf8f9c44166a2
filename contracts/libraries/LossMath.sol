// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {FixedPointMath} from "./FixedPointMath.sol";
import {IMarginTypes} from "../../interfaces/IMarginTypes.sol";

/// @title Losses: how a side pays what an account of the other side could not
/// @notice A loss L on an instrument is charged to the side that won, through its index, in O(1): every unit of it owes the
/// same. So that no charge makes a sound account liquidatable at once, an index rises for losses by at most
///
///     cap = ¼ · base · (initialMultiple − 1) · mid          per whole unit and epoch (an hour)
///
/// which is at most a quarter of what lies between the initial and the maintenance requirement of any position. With OI the
/// open interest, the index rises by
///
///     step = min(⌈L / OI⌉, cap − charged in this epoch)
///
/// and pays min(L, ⌊step · OI⌋). What is left is bad debt that this side owes, and later epochs charge it.
/// @dev Index: settlement units × 1e9 per whole unit; step · size / 1e18 = settlement units. Bounds: open interest ≤ 2^79,
/// step < 2^80, mid < 2^88, base ≤ 1e6, multiple < 2^24.
library LossMath {
    using FixedPointMath for uint256;

    uint256 private constant INDEX_SCALE = 1e18;

    /// @notice The most that an index may rise for losses in one epoch, rounded down.
    function cap(IMarginTypes.Risk memory risk, uint256 mid, uint256 sizeScale) internal pure returns (uint256) {
        uint256 rate = uint256(risk.baseE6) * (uint256(risk.initialMultipleE6) - 1e6);
        return (rate * mid).mulDivDown(INDEX_SCALE, 4e12 * sizeScale);
    }

    /// @notice By how much the index of a side rises for a loss.
    /// @param room what is left of the cap
    function step(uint256 loss, uint256 openInterest, uint256 room) internal pure returns (uint256) {
        if (openInterest == 0) return 0;
        uint256 whole = loss.mulDivUp(INDEX_SCALE, openInterest);
        return whole < room ? whole : room;
    }

    /// @notice What a step brings at least, settlement units: each position's charge rounds up.
    function collected(uint256 step_, uint256 openInterest) internal pure returns (uint256) {
        return step_.mulDivDown(openInterest, INDEX_SCALE);
    }
}
