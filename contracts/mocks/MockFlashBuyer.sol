// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IAuctionHouse} from "../../interfaces/IAuctionHouse.sol";
import {IFlashBuyer} from "../../interfaces/IFlashBuyer.sol";

/// @notice A buyer without capital. When it is called back it makes one call of anyone's choice, if it was given one,
/// remembers how that went and what it was told, and leaves the engine to take `allowed` settlement units.
contract MockFlashBuyer is IFlashBuyer {
    IERC20 public immutable SETTLEMENT;

    address public target;
    bytes public payload;
    uint256 public allowed;

    uint256 public calls;
    bool public succeeded;
    bytes public answer;
    bytes public told;
    /// @notice What it held when it was called back.
    uint256 public held;

    constructor(address settlement) {
        SETTLEMENT = IERC20(settlement);
    }

    /// @param target_ 0 for no call
    function arm(address target_, bytes calldata payload_, uint256 allowed_) external {
        (target, payload, allowed) = (target_, payload_, allowed_);
    }

    function buy(IAuctionHouse house, uint256 account, uint256 collateral, uint256 amount, uint256 maxPrice) external {
        house.buyCollateral(account, collateral, amount, maxPrice, "flash");
    }

    /// @inheritdoc IFlashBuyer
    function onCollateral(uint256 account, address token, uint256 amount, uint256 payment, bytes calldata data) external {
        ++calls;
        told = abi.encode(account, token, amount, payment, data);
        held = IERC20(token).balanceOf(address(this));
        if (target != address(0)) (succeeded, answer) = target.call(payload);
        SETTLEMENT.approve(msg.sender, allowed);
    }
}
