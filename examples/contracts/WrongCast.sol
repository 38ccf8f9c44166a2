// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ExampleMargin} from "./ExampleMargin.sol";

/// @notice Wrong: a size is cut to 40 bits, so that a large position needs next to nothing.
contract WrongCast is ExampleMargin {
    function maintenance(address who) public view override returns (int256) {
        int256 size = int256(uint256(uint40(uint256(_abs(accounts[who].size)))));
        return -_floor(-size * price * MAINTENANCE_PERCENT, SCALE * 100);
    }
}
