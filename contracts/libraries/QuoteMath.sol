// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {FixedPointMath} from "./FixedPointMath.sol";

/// @title The pool's quote: what it asks for taking the other side
/// @notice A pool that takes every trade at the oracle's price is left holding whatever the market is running away from. So
/// it charges for being pushed off balance. Measure its imbalance w on the side the trade pushes to: how much it is short
/// when it sells, how much it is long when it buys, 0 when it leans the other way. A trade of Δ moves w from w₀ to w₁ ≥ w₀,
/// and each unit pays the premium w / scale that holds where it lands:
///
///     premium · Δ  =  ∫ w/scale dw  =  (w₁² − w₀²) / (2 · scale)
///     a buyer pays      ⌈ mid · (1 + spread) · (Δ + premium · Δ) ⌉
///     a seller receives ⌊ mid · (1 − spread) · (Δ − premium · Δ) ⌋
///     fee               ⌈ mid · (takerFee · (w₁ − w₀) + makerFee · (Δ − (w₁ − w₀))) ⌉
///
/// What brings the pool back toward balance pays no premium (w₁ = w₀ = 0) and the maker's fee; nothing is ever paid back.
///
/// Why n pieces never do better than one, to the unit. Before rounding, each amount is a difference of one function of the
/// skew at the trade's two ends, so the exact amounts of the pieces of a trade sum to the exact amount of the whole. Each
/// amount is rounded once, at the very end, against the taker: Σ ⌈xᵢ⌉ ≥ ⌈Σ xᵢ⌉ for what it pays and Σ ⌊xᵢ⌋ ≤ ⌊Σ xᵢ⌋ for what
/// it gets. Hence one mulDiv of 512 bits and no rounded premium or price on the way. A detour through the other side does
/// no better: at every level of skew a unit costs at least mid and brings at most mid.
///
/// Never better than mid ∓ spread (POOL-1): the premium is never negative. Never below zero: w₁ < scale keeps it below 1.
/// @dev Sizes: 1e-9 of one whole unit. Amounts: settlement units. size · price (WAD) / sizeScale = settlement units.
library QuoteMath {
    using FixedPointMath for uint256;
    using FixedPointMath for int256;

    uint256 private constant MILLION = 1e6;

    /// @notice The pool's imbalance on the side that the trade pushes to, before and after it.
    /// @param size the taker's change, + buys
    /// @param makerSize the pool's position before it
    /// @return before w₀
    /// @return afterwards w₁ ≥ w₀
    function skew(int256 size, int256 makerSize) internal pure returns (uint256 before, uint256 afterwards) {
        int256 lean = size > 0 ? -makerSize : makerSize;
        int256 leans = lean + size.abs().positive();
        before = lean > 0 ? uint256(lean) : 0;
        afterwards = leans > 0 ? uint256(leans) : 0;
    }

    /// @notice The taker's change of quote: negative, rounded up in magnitude, where it buys; positive, rounded down, where
    /// it sells.
    /// @dev Warning: a seller's premium must stay below 1, so the caller refuses `afterwards ≥ scale` where it widens.
    function amount(
        int256 size,
        uint256 before,
        uint256 afterwards,
        uint256 mid,
        uint256 scale,
        uint256 sizeScale,
        uint256 spreadE6
    ) internal pure returns (int256) {
        uint256 flat = 2 * scale * size.abs();
        uint256 premium = afterwards * afterwards - before * before;
        uint256 unit = 2 * scale * sizeScale * MILLION;
        if (size > 0) {
            return Math.mulDiv(mid * (MILLION + spreadE6), flat + premium, unit, Math.Rounding.Ceil).negative();
        }
        return Math.mulDiv(mid * (MILLION - spreadE6), flat - premium, unit).positive();
    }

    /// @notice What being pushed from w₀ to w₁ costs beyond mid, settlement units, rounded up. May exceed the whole notional
    /// where w₁ > scale.
    function premium(uint256 before, uint256 afterwards, uint256 mid, uint256 scale, uint256 sizeScale)
        internal
        pure
        returns (uint256)
    {
        uint256 square = afterwards * afterwards - before * before;
        return Math.mulDiv(mid, square, 2 * scale * sizeScale, Math.Rounding.Ceil);
    }

    /// @notice What the taker pays on top: the taker's fee on what widens the skew, the maker's on the rest, at mid.
    function fee(
        int256 size,
        uint256 widened,
        uint256 mid,
        uint256 sizeScale,
        uint256 takerFeeE6,
        uint256 makerFeeE6
    ) internal pure returns (uint256) {
        uint256 rated = takerFeeE6 * widened + makerFeeE6 * (size.abs() - widened);
        return mid.mulDivUp(rated, sizeScale * MILLION);
    }

    /// @notice The fill's price, WAD, rounded against the taker. For a whole limit L, ⌈x⌉ ≤ L ⇔ x ≤ L and ⌊x⌋ ≥ L ⇔ x ≥ L:
    /// comparing this number with a limit is exact.
    function price(int256 size, int256 quote, uint256 sizeScale) internal pure returns (uint256) {
        uint256 value = quote.abs();
        return size > 0 ? value.mulDivUp(sizeScale, size.abs()) : value.mulDivDown(sizeScale, size.abs());
    }
}
