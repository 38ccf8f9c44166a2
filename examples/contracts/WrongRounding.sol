// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ExampleMargin} from "./ExampleMargin.sol";

/// @notice Wrong: what an account must hold is rounded down, in favour of the trader.
contract WrongRounding is ExampleMargin {
    function maintenance(address who) public view override returns (int256) {
        return _abs(accounts[who].size) * price * MAINTENANCE_PERCENT / (SCALE * 100);
    }
}
