// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {FixedPointMath} from "../libraries/FixedPointMath.sol";

/// @notice The pure libraries, callable from a test.
contract MathHarness {
    function mulDivDown(uint256 x, uint256 y, uint256 d) external pure returns (uint256) {
        return FixedPointMath.mulDivDown(x, y, d);
    }

    function mulDivUp(uint256 x, uint256 y, uint256 d) external pure returns (uint256) {
        return FixedPointMath.mulDivUp(x, y, d);
    }

    function divUp(uint256 x, uint256 d) external pure returns (uint256) {
        return FixedPointMath.divUp(x, d);
    }

    function signedMulDivDown(int256 x, uint256 y, uint256 d) external pure returns (int256) {
        return FixedPointMath.mulDivDown(x, y, d);
    }

    function signedMulDivUp(int256 x, uint256 y, uint256 d) external pure returns (int256) {
        return FixedPointMath.mulDivUp(x, y, d);
    }

    function signedDivDown(int256 x, uint256 d) external pure returns (int256) {
        return FixedPointMath.divDown(x, d);
    }

    function signedDivUp(int256 x, uint256 d) external pure returns (int256) {
        return FixedPointMath.divUp(x, d);
    }

    function abs(int256 x) external pure returns (uint256) {
        return FixedPointMath.abs(x);
    }
}
