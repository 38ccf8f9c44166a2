// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarginTypes} from "./IMarginTypes.sol";

/// @title The rarer verbs and views of the margin engine, which MarginEngineExtension.sol implements
/// @dev Called on the engine's address, which delegates them.
interface IMarginExtension is IMarginTypes {
    /// @notice Moves the unsettled index charges and interest of an account into its cash. Anyone.
    function settle(uint256 account) external;

    /// @notice Adds `amount` of the caller's settlement tokens to an instrument's insurance. Anyone.
    function fund(uint256 instrument, uint256 amount) external returns (uint256 credited);

    /// @notice Credits an instrument's waiting treasury fees to the treasury's account. Anyone.
    function claimFees(uint256 instrument) external returns (uint256 amount);

    /// @notice Sells `amount` of a collateral of `account` to `buyer` for `payment` settlement units, pulled from `buyer`
    /// (who has approved this contract) and credited to the account. Only the liquidation engine.
    function sellCollateral(uint256 account, uint256 collateral, uint256 amount, uint256 payment, address buyer)
        external;

    /// @notice Marks an absorbed account that still holds collateral: others paid `forgiven` for it and are paid back first.
    /// Only the liquidation engine.
    function openEstate(uint256 account, uint256 forgiven, uint256 instrument) external;

    function estateOf(uint256 account) external view returns (Estate memory);

    /// @notice Lists an instrument (id = count) or changes one.
    function setInstrument(uint256 instrument, Risk calldata risk, Limits calldata limits, Funding calldata funding)
        external;

    /// @notice Lists a collateral (id = count) or changes one.
    function setCollateral(uint256 collateral, Collateral calldata config) external;

    /// @notice Sets the interest on negative cash, 1e-9 per year.
    function setInterest(uint256 rateE9) external;

    /// @notice Sets the account that `claimFees` credits.
    function setTreasury(uint256 account) external;
    function collateralOf(uint256 account, uint256 collateral) external view returns (uint256 amount);
    function market(uint256 instrument) external view returns (Market memory);
    function fundOf(uint256 instrument) external view returns (Fund memory);
    function instrumentConfig(uint256 instrument)
        external
        view
        returns (Risk memory risk, Limits memory limits, Funding memory funding);
    function collateralConfig(uint256 collateral) external view returns (Collateral memory);
    function collateralTotal(uint256 collateral) external view returns (uint256 amount);
    function instrumentCount() external view returns (uint256);
    function collateralCount() external view returns (uint256);

    /// @notice B, settlement units.
    function badDebt() external view returns (uint256);
    function treasury() external view returns (uint256 account);
}
