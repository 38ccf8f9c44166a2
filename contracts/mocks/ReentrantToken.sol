// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {MockToken} from "./MockToken.sol";

/// @notice A token that makes one call of anyone's choice in the middle of the next transfer, and remembers how that
/// call went. The transfer itself goes on whatever happens.
contract ReentrantToken is MockToken {
    address public target;
    bytes public payload;
    bool public afterMove;

    uint256 public attempts;
    bool public succeeded;
    bytes public answer;

    constructor(string memory name, string memory symbol, uint8 decimals_) MockToken(name, symbol, decimals_) {}

    /// @param afterMove_ call when the balances have changed already, rather than before
    function arm(address target_, bytes calldata payload_, bool afterMove_) external {
        target = target_;
        payload = payload_;
        afterMove = afterMove_;
    }

    function _update(address from, address to, uint256 amount) internal override {
        bool armed = target != address(0) && from != address(0) && to != address(0);
        if (armed && !afterMove) _attack();
        super._update(from, to, amount);
        if (armed && afterMove) _attack();
    }

    /// @dev Disarms first: the call may well transfer this token again.
    function _attack() private {
        address target_ = target;
        target = address(0);
        ++attempts;
        (succeeded, answer) = target_.call(payload);
    }
}
