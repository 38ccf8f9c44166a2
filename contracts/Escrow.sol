// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

import {IEscrow} from "../interfaces/IEscrow.sol";
import {IEscrowModule} from "../interfaces/IEscrowModule.sol";

/// @title Escrow
/// @dev Why a module cannot reach another module's credit:
/// 1. every write is keyed by `msg.sender`, the first key of `creditOf`;
/// 2. a credit is a gain of the balance that happened while the lock was held, and a release, the only thing that
///    lowers the balance, needs the same lock: so no gain is credited twice and none is borrowed from a release;
/// 3. a release that takes more than was asked out of the common balance reverts.
/// What a hostile token does to its own balance harms the credits of that token only.
contract Escrow is IEscrow {
    using SafeERC20 for IERC20;

    /// @inheritdoc IEscrow
    bool public transient override locked;

    /// @inheritdoc IEscrow
    mapping(address module => mapping(uint256 account => mapping(address token => uint256))) public override creditOf;

    modifier lock() {
        if (locked) revert EscrowLocked();
        locked = true;
        _;
        locked = false;
    }

    /// @inheritdoc IEscrow
    function pull(uint256 account, address token, uint256 amount, bytes calldata data)
        external
        lock
        returns (uint256 credited)
    {
        if (token.code.length == 0) revert NotAToken(token);
        uint256 before = IERC20(token).balanceOf(address(this));
        IEscrowModule(msg.sender).onPull(token, amount, data);
        uint256 afterwards = IERC20(token).balanceOf(address(this));
        if (afterwards <= before) revert NothingPulled(token, before, afterwards);

        // Cannot wrap: afterwards > before.
        unchecked {
            credited = afterwards - before;
        }
        creditOf[msg.sender][account][token] += credited;
        emit Pulled(msg.sender, account, token, credited);
    }

    /// @inheritdoc IEscrow
    function move(uint256 from, uint256 to, address token, uint256 amount) external lock {
        _debit(from, token, amount);
        creditOf[msg.sender][to][token] += amount;
        emit Moved(msg.sender, from, to, token, amount);
    }

    /// @inheritdoc IEscrow
    function release(uint256 account, address token, uint256 amount, address to) external lock {
        if (to == address(0) || to == address(this)) revert InvalidReceiver(to);
        _debit(account, token, amount);
        emit Released(msg.sender, account, token, to, amount);

        uint256 before = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransfer(to, amount);
        uint256 afterwards = IERC20(token).balanceOf(address(this));
        uint256 moved = afterwards < before ? before - afterwards : 0;
        if (moved != amount || afterwards > before) revert ReleaseMismatch(token, amount, moved);
    }

    /// @dev Takes `amount` from the calling module's credit for `account`.
    function _debit(uint256 account, address token, uint256 amount) private {
        mapping(address => uint256) storage credit = creditOf[msg.sender][account];
        uint256 have = credit[token];
        if (have < amount) revert InsufficientCredit(msg.sender, account, token, have, amount);
        // Cannot wrap: have ≥ amount.
        unchecked {
            credit[token] = have - amount;
        }
    }
}
