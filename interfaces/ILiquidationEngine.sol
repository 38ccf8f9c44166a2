// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarginTypes} from "./IMarginTypes.sol";

/// @title LiquidationEngine: who may be liquidated, by how much, at what penalty
/// @notice No role, no allow-list: anyone may call every verb. An account at or above its maintenance line is never touched.
/// @dev Units as in IMarginEngine. fraction: WAD. The reward is credited to the caller's own account (sub 0).
interface ILiquidationEngine {
    /// @dev What a keeper asks for, and what it agreed to. taker: an account that the caller may trade for, or 0: the pool's
    /// sub-account of each instrument. maxFraction: a bite, 1e18 for whatever is due. minFraction: least worth its gas.
    /// nonce: of the account when the caller looked, ANY_NONCE for any. Warning: anyone can move a nonce by a tiny deposit.
    struct Item {
        uint256 account;
        uint256 taker;
        uint256 maxFraction;
        uint256 minFraction;
        uint256 nonce;
    }

    /// @dev What a liquidation does: known before it is sent (`preview`) and returned after it.
    /// equity, maintenance: before. Amounts in settlement units; keeper + taker + insurance + premium = penalty, the premium being
    /// what the pool's quote asks beyond mid for being pushed off balance.
    struct Outcome {
        uint256 fraction;
        uint256 penalty;
        uint256 keeperReward;
        uint256 takerReward;
        uint256 insurance;
        uint256 premium;
        uint256 notional;
        int256 equity;
        uint256 maintenance;
    }

    /// @dev Who paid a loss: loss = insurance + taker + shared. shared: by the side that won through its index, or recorded as
    /// bad debt; where nothing was held, taker is the pool. reward: to the absorber, from insurance, on top.
    struct Absorption {
        uint256 loss;
        uint256 insurance;
        uint256 taker;
        uint256 shared;
        uint256 reward;
    }

    event Liquidated(uint256 indexed account, uint256 indexed taker, address indexed keeper, Outcome outcome);
    event Absorbed(uint256 indexed account, uint256 indexed taker, address indexed keeper, Absorption absorption);
    event BackstopRefused(uint256 indexed account, uint256 from, uint256 until);
    /// @notice `closed` size units of `account` went to accounts of the other side. outcome is 0 where its equity was below zero.
    event Deleveraged(
        uint256 indexed account, uint256 indexed instrument, address indexed keeper, uint256 closed, Outcome outcome
    );
    /// @notice The gas left would not do for another item: `done` items were tried.
    event BatchStopped(uint256 done, uint256 gas);
    event Skipped(uint256 indexed account, bytes reason);

    /// @notice equity ≥ maintenance, or nothing is held. (LIQ-1)
    error NotLiquidatable(uint256 account, int256 equity, uint256 maintenance);
    /// @notice equity < 0: this account is absorbed, not liquidated.
    error Insolvent(uint256 account, int256 equity);
    /// @notice equity ≥ 0: this account is not absorbed.
    error NotInsolvent(uint256 account, int256 equity);
    error TakerIsAccount(uint256 account);
    error UnauthorizedTaker(uint256 taker, address caller);
    /// @notice The taker's own margin refuses the transfer.
    error TakerRefused(uint256 taker, int256 have, uint256 need);
    error FractionTooSmall(uint256 fraction, uint256 notional, uint256 minimum);
    error InvalidAmount(uint256 amount, uint256 most);
    error OnlyItself(address caller);
    error EmptyBatch();
    error NonceChanged(uint256 account, uint256 nonce, uint256 expected);
    error FractionBelowMinimum(uint256 fraction, uint256 minFraction);
    /// @notice The pool takes the positions of this account: nobody is deleveraged for it.
    error BackstopAccepts(uint256 account);
    /// @notice Report the refusal, then wait: deleveraging is open in this window only.
    error NotOpen(uint256 account, uint256 from, uint256 until);
    error NotHeld(uint256 account, uint256 instrument);
    /// @notice Not on the other side, or with less profit a unit than its side's average.
    error NotEligible(uint256 counterparty, uint256 instrument);
    error Unsorted(uint256 counterparty);
    /// @notice What a rehearsal ends with where all went well: nothing of it stays.
    error Rehearsed();
    error InvalidParameter(string name, uint256 value, uint256 bound);

    /// @notice Closes the fraction of the whole portfolio that brings health back to TARGET; 0 ≤ E < M. Where the pool takes
    /// positions that push it off balance, the account also pays the premium of its quote, as far as its equity goes.
    function liquidate(Item calldata item) external returns (Outcome memory);

    /// @notice Liquidates or absorbs each item; a bad item is skipped with its reason in an event. Each item gets at most
    /// ITEM_GAS (the last all that is left), and none is begun with less than `leastGas` of its account.
    /// @return done how many were not skipped
    function liquidateMany(Item[] calldata items) external returns (uint256 done);

    /// @notice Closes an account with E < 0 whole, without penalty. Its loss is split over its instruments by maintenance and
    /// paid, per instrument, by the insurance fund; then by the taker, at the bankruptcy price, on the units that net an
    /// opposite position of its own, as far as it keeps E ≥ M; then by the side that won (see IMarginExtension.seize). Where nothing
    /// is held the pool pays. Its collateral then covers exactly its debt, at its haircut, and is for sale; what the sale
    /// brings beyond the debt pays back bad debt and insurance before the owner (an estate).
    function absorb(uint256 account, uint256 taker) external returns (Absorption memory);

    /// @notice Notes that the pool refuses the positions of an account below its line: after DELEVERAGE_DELAY, and for
    /// DELEVERAGE_WINDOW, it may be matched against the other side. Anyone.
    function reportRefusal(uint256 account) external;

    /// @notice Closes a position of an account below its line against accounts of the other side whose profit per unit is at
    /// or above their side's average, at mid (at the bankruptcy price where E < 0), no more than a liquidation would. The
    /// pool takes no new risk in the instrument from then on, until it is sound again.
    /// @param counterparties in ascending order
    /// @return closed size units
    function deleverage(uint256 account, uint256 instrument, uint256[] calldata counterparties)
        external
        returns (uint256 closed);

    /// @notice What `liquidate` by the pool would do now: the account's transfers, each with what its tranche and the insurance get of
    /// the penalty. Reverts as it would, but does not ask whether the pool accepts.
    function preview(uint256 account, uint256 maxFraction)
        external
        view
        returns (Outcome memory outcome, IMarginTypes.Transfer[] memory transfers);

    /// @notice What an item may need: by how many positions the account holds, ITEM_GAS for sixteen.
    function leastGas(uint256 account) external view returns (uint256);

    /// @notice When deleveraging of an account opens and closes; 0 where no refusal was reported.
    function deleverageWindow(uint256 account) external view returns (uint256 from, uint256 until);

    /// @notice Health after a liquidation, WAD: T of the design, 1 < T ≤ 1.5.
    function TARGET() external view returns (uint256);
    function ANY_NONCE() external view returns (uint256);
    function ITEM_GAS() external view returns (uint256);
    function DELEVERAGE_DELAY() external view returns (uint256);
    function DELEVERAGE_WINDOW() external view returns (uint256);
    function KEEPER_SHARE_E6() external view returns (uint256);
    function KEEPER_FLOOR() external view returns (uint256);
    function KEEPER_CAP() external view returns (uint256);
    function TAKER_SHARE_E6() external view returns (uint256);
    function ENGINE() external view returns (address);
    function POOL() external view returns (address);
}
