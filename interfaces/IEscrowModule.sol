// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title What Escrow calls on a module while it pulls
interface IEscrowModule {
    /// @notice Moves `amount` of `token` from the payer to Escrow, which is the caller.
    /// @param data what the module passed to `IEscrow.pull`, unchanged
    function onPull(address token, uint256 amount, bytes calldata data) external;
}
