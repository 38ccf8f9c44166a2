// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ExampleMargin} from "./ExampleMargin.sol";

/// @notice Wrong: `<=` for `<`: an account exactly on its line is liquidated.
contract WrongBoundary is ExampleMargin {
    function isLiquidatable(address who) public view override returns (bool) {
        return accounts[who].size != 0 && equity(who) <= maintenance(who);
    }
}
