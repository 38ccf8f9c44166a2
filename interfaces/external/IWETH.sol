// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @notice Wrapped ether: a token that anyone makes out of ether, one for one.
interface IWETH {
    /// @notice The ether that is sent becomes tokens of the sender.
    function deposit() external payable;
}
