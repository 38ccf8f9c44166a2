// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {MockToken} from "./MockToken.sol";

/// @notice A token that takes a fee on every transfer, in one of the ways of the wild. Anyone may set it.
contract FeeToken is MockToken {
    enum Mode {
        Plain,
        OnReceiver, // the sender pays `amount`, the receiver gets less
        OnSender, // the receiver gets `amount`, the sender pays more
        UnderDelivery // the sender pays less than `amount`, and the receiver gets just that
    }

    Mode public mode;
    uint256 public feeE4;

    constructor(string memory name, string memory symbol, uint8 decimals_, Mode mode_, uint256 feeE4_)
        MockToken(name, symbol, decimals_)
    {
        setFee(mode_, feeE4_);
    }

    function setFee(Mode mode_, uint256 feeE4_) public {
        mode = mode_;
        feeE4 = feeE4_;
    }

    function _update(address from, address to, uint256 amount) internal override {
        bool transferring = from != address(0) && to != address(0);
        uint256 fee = transferring && mode != Mode.Plain ? amount * feeE4 / 1e4 : 0;
        super._update(from, to, mode == Mode.UnderDelivery ? amount - fee : amount);
        if (fee == 0) return;
        if (mode == Mode.OnReceiver) super._update(to, address(0), fee);
        if (mode == Mode.OnSender) super._update(from, address(0), fee);
    }
}
