// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title LiquidationUpkeep: liquidation in the shape that automation networks call
/// @notice `checkUpkeep` is asked off-chain at every block; when it says so, the network sends `performUpkeep`. The shape is
/// Chainlink Automation's, which is itself shut down: it serves any network, or a loop of one's own, that knows the shape.
/// @dev No role: whoever calls, the liquidation engine judges every account anew, and the keeper's rewards land in the margin
/// account of this contract (sub 0), from which they can only go to BENEFICIARY.
interface ILiquidationUpkeep {
    /// @notice None of so many accounts could be liquidated or absorbed: the engine's `Skipped` events of a batch say why, which
    /// this undoes; ask `ILiquidationEngine.preview`.
    error NothingDone(uint256 accounts);
    error NothingToCollect(int256 cash);
    error NoBeneficiary();

    /// @notice Which accounts of a slice are below their line now: E < M with a position, E < 0 included (MarginLens.liquidatable).
    /// @param checkData abi.encode(uint256[] accounts): a slice of the account space, so small that one
    /// transaction of the network can liquidate all of it at once. Several upkeeps share the whole
    /// @return upkeepNeeded there is one
    /// @return performData abi.encode(uint256[] accounts): those
    function checkUpkeep(bytes calldata checkData) external view returns (bool upkeepNeeded, bytes memory performData);

    /// @notice Liquidates or absorbs the accounts with the pool as taker, whatever is due; one that has recovered is skipped.
    /// @param performData as checkUpkeep answered it
    function performUpkeep(bytes calldata performData) external;

    /// @notice Withdraws this contract's cash to BENEFICIARY. Anyone, where it is paid in full; while bad debt shortens payouts only
    /// BENEFICIARY itself, so that nobody else chooses that moment.
    /// @return paid settlement units
    function collect() external returns (uint256 paid);

    function BENEFICIARY() external view returns (address);
    function LENS() external view returns (address);
    function ENGINE() external view returns (address);
    function LIQUIDATION_ENGINE() external view returns (address);
}
