// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Escrow: the only holder of tokens
/// @notice Ownerless, immutable, without a pause. Every calling contract is a module with a ledger of its own,
/// `module → account → token`, which no other module can touch.
/// @dev Amounts are in the token's own units. What tokens may do:
/// - return nothing, or true, from `transfer` and `transferFrom` (USDT and ERC-20 alike);
/// - take a fee from what arrives: the credit is what the balance gained, never what was asked;
/// - call back while they move: one transient lock covers every module and entry point;
/// - take a fee out of what a receiver gets: the receiver bears it;
/// - NOT charge the sender on top, and NOT take less from it than asked: `release` reverts.
/// @dev Warning: tokens sent here outside `pull` are credited to nobody and stay for ever.
interface IEscrow {
    event Pulled(address indexed module, uint256 indexed account, address indexed token, uint256 amount);
    event Moved(address indexed module, uint256 indexed from, uint256 indexed to, address token, uint256 amount);
    event Released(
        address indexed module, uint256 indexed account, address indexed token, address to, uint256 amount
    );

    /// @notice Another entry point of this contract is still running.
    error EscrowLocked();
    /// @notice `token` is not a contract.
    error NotAToken(address token);
    /// @notice The balance did not grow during the pull.
    error NothingPulled(address token, uint256 before, uint256 afterwards);
    /// @notice The module's credit for the account is too small.
    error InsufficientCredit(address module, uint256 account, address token, uint256 have, uint256 need);
    /// @notice Tokens cannot be released to the escrow itself or to address zero.
    error InvalidReceiver(address to);
    /// @notice The balance did not fall by exactly what was released.
    error ReleaseMismatch(address token, uint256 asked, uint256 moved);

    /// @notice Credits `account` of the calling module with what the module brings in its callback.
    /// @dev Reads the balance, calls `IEscrowModule.onPull(token, amount, data)` on the caller (which moves the payer's
    /// tokens here under the payer's own approval), reads again, credits the difference.
    /// @return credited the gain of the balance: at most `amount` for an honest module, less with a transfer fee
    function pull(uint256 account, address token, uint256 amount, bytes calldata data)
        external
        returns (uint256 credited);

    /// @notice Moves credit between two accounts of the calling module; no token moves.
    function move(uint256 from, uint256 to, address token, uint256 amount) external;

    /// @notice Sends exactly `amount` of the calling module's credit to `to`: the balance must fall by just that.
    function release(uint256 account, address token, uint256 amount, address to) external;

    /// @notice What `module` holds for `account`, in token units.
    function creditOf(address module, uint256 account, address token) external view returns (uint256);

    /// @notice True while an entry point is running: whoever reads balances in a callback must not trust them.
    function locked() external view returns (bool);
}
