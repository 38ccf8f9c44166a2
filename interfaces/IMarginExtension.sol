// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarginTypes} from "./IMarginTypes.sol";
import {IPriceOracle} from "./IPriceOracle.sol";

/// @title Operators, cash between accounts, what liquidation needs of the margin engine: MarginEngineExtension.sol implements it,
/// and IMarginCore's deposit and withdraw of collateral
/// @dev Called on the engine's address, which delegates them.
interface IMarginExtension is IMarginTypes {
    /// @notice Authorises `operator` for one account: bit 0 trades (and adds collateral), bit 1 withdraws to the owner.
    /// Only the owner.
    function setOperator(uint256 account, address operator, uint256 bits) external;

    /// @notice Moves cash between two accounts of one owner, under the rule of a withdrawal for `from`.
    function moveCash(uint256 from, uint256 to, uint256 amount) external;

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
    /// takers at the given amounts, each with what taker and insurance get, and posts the rest of the double entry:
    /// Σ cash + Σ funds, those of the transfers included, = Σ losses, else `Unbalanced`.
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

    /// @notice The account as it stands now, with every price that judges it.
    /// @param include a bitmap of instruments to include even where the account holds none
    /// @param book prices already read (or supposed: the rule is a pure function of them); the missing ones are read
    /// @param sequenced demand the sequencer for prices read now, and that no halt among them may still be undone: whoever acts
    /// on other people's accounts does
    /// @return snapshot legs and coins in the order of their ids
    /// @return prices the book, completed
    /// @dev Reverts while a verb is running (read-only reentrancy).
    function load(uint256 account, uint64 include, IPriceOracle.Price[] calldata book, bool sequenced)
        external
        view
        returns (Snapshot memory snapshot, IPriceOracle.Price[] memory prices);

    /// @notice Reverts with Depegged, or InvalidPrice, while the settlement token's guard is tripped.
    function requirePeg() external view;
    function estateOf(uint256 account) external view returns (Estate memory);

    function collateralOf(uint256 account, uint256 collateral) external view returns (uint256 amount);
    function market(uint256 instrument) external view returns (Market memory);
    function fundOf(uint256 instrument) external view returns (Fund memory);
    function instrumentConfig(uint256 instrument)
        external
        view
        returns (Risk memory risk, Limits memory limits, Funding memory funding);
}
