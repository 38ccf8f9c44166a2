// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarginCore} from "./IMarginCore.sol";
import {IMarginExtension} from "./IMarginExtension.sol";
import {IMarginListing} from "./IMarginListing.sol";

/// @title MarginEngine: accounts, instruments, the matched ledger and the margin rule
/// @notice Every trade has two accounts: one gets `+size, −quote`, the other `−size, +quote`. So, at any price,
///
///     Σ cash + Σ quote − Σ unsettled index charges + funds + fees = settlement tokens in escrow + bad debt   (LED-2)
///
/// @dev Units. cash, quote, value, fee: settlement units, signed where owed. size: 1e-9 of one whole unit, + is long.
/// price: WAD, settlement value of one whole unit. …E6 / …E8: millionths / hundred-millionths. Rounding is always against
/// the account and for the house; signed sums round toward −∞.
/// @dev Accounts: `account = uint256(uint160(owner)) << 96 | sub`: the owner is read off the id.
/// @dev The whole surface at the engine's address. IMarginTypes holds its structs, events and errors; IMarginCore trades,
/// deposits and withdrawals; IMarginExtension operators and what liquidation needs; IMarginListing what it judges by, and the books of the house:
/// three contracts, because one may not exceed 24,576 bytes.
interface IMarginEngine is IMarginCore, IMarginExtension, IMarginListing {}
