// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Whoever buys collateral at auction without capital
interface IFlashBuyer {
    /// @notice The buyer has got `amount` of `token` and owes `payment` settlement units, which the margin engine pulls from it
    /// (it has approved the engine) when this returns. Every verb of the engine that moves anything, and every view
    /// that judges, is locked meanwhile.
    /// @param account whose collateral it was
    /// @param data as the buyer gave it to `buyCollateral`
    function onCollateral(uint256 account, address token, uint256 amount, uint256 payment, bytes calldata data) external;
}
