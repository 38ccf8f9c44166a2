// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";

/// @title Timelock: the owner of everything that has an owner
/// @notice OpenZeppelin's TimelockController without an admin. Whatever it is told, its delay never falls below FLOOR: every
/// change is announced for at least as long as `Parameters` waits with what moves maintenance.
contract Timelock is TimelockController {
    uint256 public constant FLOOR = 3 days;

    /// @param delay seconds between an operation's announcement and its execution; below FLOOR it counts as FLOOR
    /// @param proposers who may announce and cancel
    /// @param executors who may execute what has waited; address zero for anyone
    constructor(uint256 delay, address[] memory proposers, address[] memory executors)
        TimelockController(delay, proposers, executors, address(0))
    {}

    /// @inheritdoc TimelockController
    function getMinDelay() public view override returns (uint256) {
        uint256 delay = super.getMinDelay();
        return delay < FLOOR ? FLOOR : delay;
    }
}
