// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarginTypes} from "./IMarginTypes.sol";

/// @title What the margin engine judges by, which MarginEngineListing.sol implements
/// @dev Called on the engine's address, which delegates it. The setters: only Parameters, which knows the bounds.
interface IMarginListing is IMarginTypes {
    /// @notice Lists an instrument (id = count) or changes one.
    function setInstrument(uint256 instrument, Risk calldata risk, Limits calldata limits, Funding calldata funding)
        external;

    /// @notice Lists a collateral (id = count) or changes one.
    function setCollateral(uint256 collateral, Collateral calldata config) external;

    /// @notice Sets the interest on negative cash, 1e-9 per year.
    function setInterest(uint256 rateE9) external;

    /// @notice Sets the account that `claimFees` credits.
    function setTreasury(uint256 account) external;
    function collateralConfig(uint256 collateral) external view returns (Collateral memory);
    function collateralTotal(uint256 collateral) external view returns (uint256 amount);
    function instrumentCount() external view returns (uint256);
    function collateralCount() external view returns (uint256);

    function treasury() external view returns (uint256 account);
}
