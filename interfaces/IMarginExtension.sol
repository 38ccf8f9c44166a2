// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarginTypes} from "./IMarginTypes.sol";

/// @title The rarer verbs and views of the margin engine, which MarginEngineExtension.sol implements
/// @dev Called on the engine's address, which delegates them.
interface IMarginExtension is IMarginTypes {
    /// @notice Authorises `operator` for one account: bit 0 trades (and adds collateral), bit 1 withdraws to the owner.
    /// Only the owner.
    function setOperator(uint256 account, address operator, uint256 bits) external;

    /// @notice Moves cash between two accounts of one owner, under the rule of a withdrawal for `from`.
    function moveCash(uint256 from, uint256 to, uint256 amount) external;

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

    /// @notice Sells `amount` of a collateral of `account` to `buyer` for `payment` settlement units, pulled from `buyer`
    /// (who has approved this contract) and credited to the account. With data, `buyer` first gets the tokens and is called
    /// back (`IFlashBuyer`). Only the auction house.
    function sellCollateral(
        uint256 account,
        uint256 collateral,
        uint256 amount,
        uint256 payment,
        address buyer,
        bytes calldata data
    ) external;

    /// @notice Shares losses out over the sides that won (on the open interest before it), moves positions of `account` to
    /// takers at the given amounts, and posts a double entry beside them: Σ cash + Σ funds = Σ losses, else `Unbalanced`.
    /// Only the liquidation engine, which judges before and after.
    function seize(
        uint256 account,
        Transfer[] calldata transfers,
        Entry[] calldata cash,
        Entry[] calldata funds,
        Loss[] calldata losses
    ) external;

    /// @notice Marks an absorbed account that still holds collateral: others paid `forgiven` for it and are paid back first.
    /// Only the liquidation engine.
    function openEstate(uint256 account, uint256 forgiven, uint256 instrument) external;

    function estateOf(uint256 account) external view returns (Estate memory);

    function collateralOf(uint256 account, uint256 collateral) external view returns (uint256 amount);
    function market(uint256 instrument) external view returns (Market memory);
    function fundOf(uint256 instrument) external view returns (Fund memory);
    function instrumentConfig(uint256 instrument)
        external
        view
        returns (Risk memory risk, Limits memory limits, Funding memory funding);
    /// @notice B, settlement units.
    function badDebt() external view returns (uint256);
    /// @notice What one side of an instrument owes of it, and how much it was charged this epoch.
    function deficitOf(uint256 instrument, bool long) external view returns (Deficit memory);
}
