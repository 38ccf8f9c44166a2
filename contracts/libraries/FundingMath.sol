// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {FixedPointMath} from "./FixedPointMath.sol";
import {IMarginTypes} from "../../interfaces/IMarginTypes.sol";

/// @title Funding: the side that crowds the pool pays the other, through one index a side
/// @notice The rate r (per year, positive when longs pay) moves with the pool's short skew k, and both indices follow it:
///
///     r₁      = clamp(r₀ + clamp(k / scale, ±1) · maxVelocity · dt, ±maxRate)      toward zero
///     x       = (r₀ + r₁) / 2 · dt · mid
///     long   += ⌈x⌉        short += ⌈−x⌉                                            payer up, receiver down
///
/// so that what is paid is never less than what is received (FUN-1). dt is capped at a day: time in which nobody touched
/// a market is not charged beyond it; anyone may touch it by settling.
/// @dev Index: owed per whole unit of the underlying, settlement units × 1e9, int80. It saturates, both sides together, and
/// never reverts: a revert would freeze every settlement. At the hard bound of 1000 % a year it lasts 10 years at a price
/// of 1e6 with 6 decimals (6.05e23 ≥ 10 · 10 · 1e6 · 1e6 · 1e9).
library FundingMath {
    using FixedPointMath for int256;

    uint256 internal constant MAX_STEP = 1 days;
    uint256 private constant RATE_SCALE = 2e8 * 365 days;

    /// @notice The market at `time`.
    /// @param market as stored; changed in place and returned
    /// @param skew the pool's short skew, size units: > 0 when traders are net long
    /// @param mid WAD
    /// @param sizeScale IMarginEngine.SIZE_SCALE
    function accrue(
        IMarginTypes.Market memory market,
        IMarginTypes.Funding memory funding,
        int256 skew,
        uint256 mid,
        uint256 sizeScale,
        uint256 time
    ) internal pure returns (IMarginTypes.Market memory) {
        uint256 elapsed = time - market.time;
        if (elapsed == 0) return market;
        if (elapsed > MAX_STEP) elapsed = MAX_STEP;
        int256 before = market.rateE8;
        int256 afterwards = nextRate(before, funding, skew, elapsed);
        int256 numerator;
        uint256 scale;
        // 33 bits times a day; the scale of sizes has at most 27 digits.
        unchecked {
            numerator = (before + afterwards) * int256(elapsed);
            scale = RATE_SCALE * (sizeScale / 1e18);
        }
        (market.indexLong, market.indexShort) = shift(
            market.indexLong,
            market.indexShort,
            numerator.mulDivUp(mid, scale),
            (-numerator).mulDivUp(mid, scale)
        );
        // Both bounded: |rate| by maxRateE8 ≤ 10e8, time by the year 2106.
        market.rateE8 = int32(afterwards);
        market.time = uint32(time);
        return market;
    }

    /// @notice r₁, 1e-8 a year; the change rounds toward zero.
    function nextRate(int256 rateE8, IMarginTypes.Funding memory funding, int256 skew, uint256 elapsed)
        internal
        pure
        returns (int256)
    {
        int256 scale = int256(uint256(funding.scale));
        int256 change = clamp(skew, scale) * int256(uint256(funding.maxVelocityE8)) * int256(elapsed) / (scale * 1 days);
        return clamp(rateE8 + change, int256(uint256(funding.maxRateE8)));
    }

    /// @notice Adds to both indices, or to neither where one would leave int80.
    function shift(int80 long, int80 short, int256 owedByLong, int256 owedByShort)
        internal
        pure
        returns (int80, int80)
    {
        int256 newLong = int256(long) + owedByLong;
        int256 newShort = int256(short) + owedByShort;
        bool fits = newLong == int80(newLong) && newShort == int80(newShort);
        return fits ? (int80(newLong), int80(newShort)) : (long, short);
    }

    /// @notice What a position owes since its index, settlement units, rounded up (toward +∞).
    function charge(int256 size, int256 index, int256 indexNow) internal pure returns (int256) {
        return (indexNow - index).mulDivUp(size.abs(), 1e18);
    }

    /// @notice x inside ±bound
    function clamp(int256 x, int256 bound) internal pure returns (int256) {
        return x > bound ? bound : x < -bound ? -bound : x;
    }
}
