// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarginTypes} from "./IMarginTypes.sol";

/// @title The verbs and views that MarginEngine.sol itself implements; deposit and withdraw of collateral are its extension's
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

    /// @notice Matches two accounts that both authorised the caller, at the amounts the caller's `IVenue.quote` names. Both are
    /// loaded before it is asked, and the fee is posted with the fill. An estate trades with the pool alone.
    /// @return quotes the taker's change of quote per fill
    /// @return fee what the taker paid on top
    function trade(uint256 taker, uint256 maker, Fill[] calldata fills, bytes calldata data)
        external
        returns (int256[] memory quotes, uint256 fee);

    function accountState(uint256 account) external view returns (Account memory);
    function position(uint256 account, uint256 instrument) external view returns (Position memory);
    function EXTENSION() external view returns (address);
}
