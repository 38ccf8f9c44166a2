// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

interface IFlashBuyer {
    /// @notice Called by the margin engine on whoever bought collateral with data: it has got `amount` of `token`, and owes
    /// `payment` settlement units, which the engine pulls from it (it approved the engine) when this returns.
    /// @dev Every engine verb and judging view is locked meanwhile.
    function onCollateral(uint256 account, address token, uint256 amount, uint256 payment, bytes calldata data) external;
}
