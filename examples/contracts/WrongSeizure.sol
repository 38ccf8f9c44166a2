// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ExampleMargin} from "./ExampleMargin.sol";

/// @notice Wrong: the liquidator is paid and the account is not charged.
contract WrongSeizure is ExampleMargin {
    function _deduct(Account storage, int256) internal override {}
}
