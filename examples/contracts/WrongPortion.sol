// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ExampleMargin} from "./ExampleMargin.sol";

/// @notice Wrong: closes a tenth of the position and leaves the account below its line.
contract WrongPortion is ExampleMargin {
    function _portion(int256 size) internal pure override returns (int256) { return size > -10 && size < 10 ? size : size / 10; }
}
