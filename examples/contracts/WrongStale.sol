// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ExampleMargin} from "./ExampleMargin.sol";

/// @notice Wrong: liquidates at a price of any age.
contract WrongStale is ExampleMargin {
    function _tooOld(uint256) internal pure override returns (bool) { return false; }
}
