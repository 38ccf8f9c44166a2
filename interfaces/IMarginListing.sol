// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarginTypes} from "./IMarginTypes.sol";

/// @title What the margin engine judges by, and the books of the house: what MarginEngineListing.sol implements
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

    /// @notice Moves the unsettled index charges and interest of an account into its cash. Anyone.
    function settle(uint256 account) external;

    /// @notice Adds `amount` of the caller's settlement tokens to an instrument's insurance, which first pays the instrument's
    /// bad debt. Anyone.
    function fund(uint256 instrument, uint256 amount) external returns (uint256 credited);

    /// @notice Credits an instrument's waiting treasury fees to the treasury's account. Anyone.
    function claimFees(uint256 instrument) external returns (uint256 amount);

    /// @notice Pays bad debt with the caller's settlement tokens, at most all of it: also what no side owes. Anyone.
    /// @return paid settlement units
    function payBadDebt(uint256 amount) external returns (uint256 paid);

    /// @notice Pays an instrument's bad debt: from its insurance, then by charging the side that owes it, as far as this
    /// epoch allows. Anyone; needs a valid price.
    /// @return paid settlement units
    function drain(uint256 instrument) external returns (uint256 paid);

    /// @notice Once an instrument's feed is halted for good: closes what the two accounts hold against each other, at the
    /// stand-in price. Both have equity ≥ 0 (else absorb first). Anyone.
    /// @return size what was closed of each, size units
    function settleHalted(uint256 instrument, uint256 long, uint256 short) external returns (uint256 size);

    /// @notice B, settlement units.
    function badDebt() external view returns (uint256);
    /// @notice What one side of an instrument owes of it, and how much it was charged this epoch.
    function deficitOf(uint256 instrument, bool long) external view returns (Deficit memory);

    /// @notice S/(S+B), WAD: what one unit of a withdrawal is paid. 1e18 while B = 0.
    function payoutRatio() external view returns (uint256);

    /// @notice What withdrawals are paid from. While B > 0: S, the settlement tokens in escrow less funds and fees, and S + B, the
    /// cash that they stand for. Else all tokens, one for one. No withdrawal takes more than `owed` at once.
    function claims() external view returns (uint256 settlement, uint256 owed);

    function operatorBits(uint256 account, address operator) external view returns (uint256);
}
