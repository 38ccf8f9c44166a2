// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarginTypes} from "./IMarginTypes.sol";
import {IPriceOracle} from "./IPriceOracle.sol";

/// @title The verbs and views that MarginEngine.sol itself implements
interface IMarginCore is IMarginTypes {
    /// @notice Brings `amount` of `token` from the caller, who has approved this contract.
    /// Anyone may top up settlement tokens and collateral already held; a new kind needs the owner or an operator, and beside a
    /// position or a debt its price: an account that cannot be judged cannot be liquidated.
    /// @param minRatio least acceptable S/(S+B) (WAD) while bad debt is recorded; 0 accepts any
    /// @return credited what arrived
    function deposit(uint256 account, address token, uint256 amount, uint256 minRatio)
        external
        returns (uint256 credited);

    /// @notice Pays `amount` of `token` to `to`. The owner, or an operator with bit 1 and `to` = owner.
    /// Settlement tokens leave only from positive cash; while bad debt B > 0 the account is paid ⌊amount · S/(S+B)⌋. Where
    /// escrow holds less, what is there is paid and the rest stays in cash (`WithdrawalCut`).
    /// @return paid what was sent, at least `minOut`
    function withdraw(uint256 account, address token, uint256 amount, address to, uint256 minOut)
        external
        returns (uint256 paid);

    /// @notice Matches two accounts that both authorised the caller, at the amounts the caller's `IVenue.quote` names.
    /// @return quotes the taker's change of quote per fill
    /// @return fee what the taker paid on top
    function trade(uint256 taker, uint256 maker, Fill[] calldata fills, bytes calldata data)
        external
        returns (int256[] memory quotes, uint256 fee);

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
    function accountState(uint256 account) external view returns (Account memory);
    function position(uint256 account, uint256 instrument) external view returns (Position memory);
    function operatorBits(uint256 account, address operator) external view returns (uint256);

    /// @notice S/(S+B), WAD: what one unit of a withdrawal is paid. 1e18 while B = 0.
    function payoutRatio() external view returns (uint256);

    /// @notice What withdrawals are paid from. While B > 0: S, the settlement tokens in escrow less funds and fees, and S + B, the
    /// cash that they stand for. Else all tokens, one for one. No withdrawal takes more than `owed` at once.
    function claims() external view returns (uint256 settlement, uint256 owed);

    /// @notice Reverts with Depegged, or InvalidPrice, while the settlement token's guard is tripped.
    function requirePeg() external view;
    function EXTENSION() external view returns (address);
}
