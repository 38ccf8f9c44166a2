// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Integer multiplication and division whose rounding is in the name
/// @notice Unsigned: `Down` toward zero, `Up` away from it. Signed: `Down` is toward −∞ and `Up` toward +∞, on both
/// sides of zero. Against an account: what it owns takes `Down`, what it owes or must hold takes `Up`, a signed sum
/// takes `Down`.
/// @dev Products must fit 256 bits: they revert with Panic(0x11) otherwise, a division by zero with Panic(0x12).
/// Narrowing casts are OpenZeppelin's SafeCast, which reverts with the number.
library FixedPointMath {
    /// @notice 1.0 of a price, rate or ratio.
    uint256 internal constant WAD = 1e18;

    /// @notice A signed result does not fit int256.
    error SignedOverflow(uint256 magnitude);

    /// @notice ⌊x · y / d⌋
    function mulDivDown(uint256 x, uint256 y, uint256 d) internal pure returns (uint256) {
        return (x * y) / d;
    }

    /// @notice ⌈x · y / d⌉
    function mulDivUp(uint256 x, uint256 y, uint256 d) internal pure returns (uint256) {
        return divUp(x * y, d);
    }

    /// @notice ⌈x / d⌉
    function divUp(uint256 x, uint256 d) internal pure returns (uint256 quotient) {
        quotient = x / d;
        // Cannot overflow: quotient · d ≤ x; where d = 1 nothing is left over, else the quotient is at most 2^255 − 1.
        unchecked {
            if (quotient * d != x) ++quotient;
        }
    }

    /// @notice ⌊x · y / d⌋, toward −∞
    function mulDivDown(int256 x, uint256 y, uint256 d) internal pure returns (int256) {
        uint256 product = abs(x) * y;
        return x < 0 ? negative(divUp(product, d)) : positive(product / d);
    }

    /// @notice ⌈x · y / d⌉, toward +∞
    function mulDivUp(int256 x, uint256 y, uint256 d) internal pure returns (int256) {
        uint256 product = abs(x) * y;
        return x < 0 ? negative(product / d) : positive(divUp(product, d));
    }

    /// @notice ⌊x / d⌋, toward −∞
    function divDown(int256 x, uint256 d) internal pure returns (int256) {
        return x < 0 ? negative(divUp(abs(x), d)) : positive(abs(x) / d);
    }

    /// @notice ⌈x / d⌉, toward +∞
    function divUp(int256 x, uint256 d) internal pure returns (int256) {
        return x < 0 ? negative(abs(x) / d) : positive(divUp(abs(x), d));
    }

    /// @notice |x|, exact for every x, −2^255 included
    function abs(int256 x) internal pure returns (uint256) {
        // Wraps on purpose: −(−2^255) is −2^255 again, whose bits read as unsigned are 2^255.
        unchecked {
            return uint256(x < 0 ? -x : x);
        }
    }

    /// @notice +magnitude
    function positive(uint256 magnitude) internal pure returns (int256) {
        if (magnitude > uint256(type(int256).max)) revert SignedOverflow(magnitude);
        return int256(magnitude);
    }

    /// @notice −magnitude
    function negative(uint256 magnitude) internal pure returns (int256) {
        if (magnitude > uint256(1) << 255) revert SignedOverflow(magnitude);
        // Wraps on purpose: 2^255 is the bits of −2^255, which is its own negation.
        unchecked {
            return -int256(magnitude);
        }
    }
}
