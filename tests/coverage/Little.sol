// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @notice What tests/integration/test_coverage.py tries the tool of `make coverage` on; its lines are counted there.
contract Little {
    uint256 public immutable LIMIT;
    uint256 public sum;

    error TooMuch();

    constructor(uint256 limit) {
        LIMIT = limit;
    }

    function add(uint256 amount) external {
        if (amount > LIMIT) {
            revert TooMuch();
        }
        sum += amount;
    }

    function never() external {
        sum = 0;
    }

    function isSmall(uint256 amount) external view returns (bool) {
        return amount > 0 && amount < LIMIT;
    }
}
