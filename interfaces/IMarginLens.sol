// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarginPreviews} from "./IMarginPreviews.sol";
import {IMarginReports} from "./IMarginReports.sol";

/// @title MarginLens: what every account is worth, how far it is from its line, and what a verb would do to it
/// @notice Stateless periphery with no powers. It asks the margin engine for an account as it stands and judges it by
/// the engine's own libraries. A preview takes the same steps as the verb, in the same order, and says what the verb
/// would answer if the account's owner sent it in this block: the same numbers, to the unit, or the same error with the
/// same arguments.
/// @dev Units as in IMarginEngine; ratios are WAD and round toward −∞. Interest and funding are accrued to this block's
/// second: a later block may answer differently. Not foreseen: what a token does when it moves, and sums too large to
/// be stored.
/// @dev Warning: while a verb of the engine is running nothing can be judged: its `ReentrancyGuardReentrantCall` is the
/// fault.
interface IMarginLens is IMarginReports, IMarginPreviews {}
