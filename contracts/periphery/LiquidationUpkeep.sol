// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ILiquidationEngine} from "../../interfaces/ILiquidationEngine.sol";
import {ILiquidationUpkeep} from "../../interfaces/ILiquidationUpkeep.sol";
import {IMarginEngine} from "../../interfaces/IMarginEngine.sol";
import {IMarginLens} from "../../interfaces/IMarginLens.sol";

/// @title LiquidationUpkeep
/// @notice Asks the lens, sends a batch. It stores nothing.
contract LiquidationUpkeep is ILiquidationUpkeep {
    uint256 private constant WAD = 1e18;

    address public immutable BENEFICIARY;
    address public immutable LENS;
    address public immutable ENGINE;
    address public immutable LIQUIDATION_ENGINE;

    constructor(address lens, address beneficiary) {
        if (beneficiary == address(0)) revert NoBeneficiary();
        (LENS, BENEFICIARY) = (lens, beneficiary);
        (ENGINE, LIQUIDATION_ENGINE) = (IMarginLens(lens).ENGINE(), IMarginLens(lens).LIQUIDATION_ENGINE());
    }

    /// @inheritdoc ILiquidationUpkeep
    function checkUpkeep(bytes calldata checkData) external view returns (bool upkeepNeeded, bytes memory performData) {
        uint256[] memory accounts = abi.decode(checkData, (uint256[]));
        bool[] memory below = IMarginLens(LENS).liquidatable(accounts);
        uint256[] memory found = new uint256[](accounts.length);
        uint256 count;
        for (uint256 i; i < accounts.length; ++i) {
            if (below[i]) found[count++] = accounts[i];
        }
        // Shortens the list: count never exceeds the length it was made with.
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            mstore(found, count)
        }
        return (count > 0, abi.encode(found));
    }

    /// @inheritdoc ILiquidationUpkeep
    function performUpkeep(bytes calldata performData) external {
        uint256[] memory accounts = abi.decode(performData, (uint256[]));
        ILiquidationEngine.Item[] memory items = new ILiquidationEngine.Item[](accounts.length);
        for (uint256 i; i < accounts.length; ++i) {
            items[i] = ILiquidationEngine.Item(accounts[i], 0, WAD, 0, type(uint256).max);
        }
        uint256 done = ILiquidationEngine(LIQUIDATION_ENGINE).liquidateMany(items);
        if (done == 0) revert NothingDone(accounts.length);
    }

    /// @inheritdoc ILiquidationUpkeep
    function collect() external returns (uint256 paid) {
        uint256 account = uint256(uint160(address(this))) << 96;
        int256 cash = IMarginEngine(ENGINE).accountState(account).cash;
        if (cash <= 0) revert NothingToCollect(cash);
        uint256 amount = uint256(cash);
        uint256 least = msg.sender == BENEFICIARY ? 0 : amount;
        return IMarginEngine(ENGINE).withdraw(account, IMarginEngine(ENGINE).SETTLEMENT(), amount, BENEFICIARY, least);
    }
}
