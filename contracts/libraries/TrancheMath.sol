// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarginTypes} from "../../interfaces/IMarginTypes.sol";
import {FixedPointMath} from "./FixedPointMath.sol";

/// @title What one of the pool's accounts is worth, and what it can release
/// @notice For cash b and positions (s, q), with the unsettled charges already in:
///
///     mid    b + Σ (⌊s · mid⌋ + q − charge)
///     low    the same with each position at its worse price: lo where it is long, hi where it is short
///     high   the same with each at its better price, rounded up
///     free   max(0, min(b, b − Σ charge, E − I))            what may leave: positive cash that backs nothing
///
/// @dev Collateral is not counted: only the owner of an account may bring a new kind, and the pool never does.
library TrancheMath {
    using FixedPointMath for uint256;
    using FixedPointMath for int256;

    /// @dev Settlement units.
    struct Worth {
        int256 low;
        int256 mid;
        int256 high;
        uint256 free;
    }

    /// @param initial I of this snapshot
    function worth(IMarginTypes.Snapshot memory snapshot, uint256 initial) internal pure returns (Worth memory worth_) {
        (worth_.low, worth_.mid, worth_.high) = (snapshot.cash, snapshot.cash, snapshot.cash);
        int256 charges;
        for (uint256 i; i < snapshot.legs.length; ++i) {
            IMarginTypes.Leg memory leg = snapshot.legs[i];
            (uint256 worse, uint256 better) = leg.size > 0 ? (leg.lo, leg.hi) : (leg.hi, leg.lo);
            int256 owed = leg.quote - leg.charge;
            worth_.low += leg.size.mulDivDown(worse, snapshot.sizeScale) + owed;
            worth_.mid += leg.size.mulDivDown(leg.mid, snapshot.sizeScale) + owed;
            worth_.high += leg.size.mulDivUp(better, snapshot.sizeScale) + owed;
            charges += leg.charge;
        }
        int256 cash = charges > 0 ? snapshot.cash - charges : snapshot.cash;
        int256 free = (cash < worth_.mid ? cash : worth_.mid) - initial.positive();
        worth_.free = free > 0 ? uint256(free) : 0;
    }
}
