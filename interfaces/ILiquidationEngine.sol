// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title LiquidationEngine: who may be liquidated, by how much, at what penalty
/// @notice No role, no allow-list: anyone may call every verb. An account at or above its maintenance line is never touched.
/// @dev Units as in IMarginEngine. fraction: WAD. The reward is credited to the caller's own account (sub 0).
interface ILiquidationEngine {
    /// @dev One item of a batch. taker: an account that the caller may trade for, or 0 for the pool.
    struct Item {
        uint256 account;
        uint256 taker;
        uint256 maxFraction;
    }

    /// @dev What a liquidation does: known before it is sent (`preview`) and returned after it.
    /// equity, maintenance: before. Amounts in settlement units; keeper + taker + insurance = penalty.
    struct Outcome {
        uint256 fraction;
        uint256 penalty;
        uint256 keeperReward;
        uint256 takerReward;
        uint256 insurance;
        uint256 notional;
        int256 equity;
        uint256 maintenance;
    }

    event Liquidated(uint256 indexed account, uint256 indexed taker, address indexed keeper, Outcome outcome);
    /// @notice loss = insurance + badDebt
    event Absorbed(
        uint256 indexed account,
        uint256 indexed taker,
        address indexed keeper,
        uint256 loss,
        uint256 insurance,
        uint256 badDebt
    );
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
    error DuplicateAccount(uint256 account);
    /// @notice debt ≤ λ · collateral, equity ≥ 0 and nobody has paid for the account: nothing is for sale.
    error NotForSale(uint256 account, uint256 debt, uint256 limit);
    error MoreThanTheDebt(uint256 account, uint256 payment, uint256 debt);
    error PaymentAboveLimit(uint256 payment, uint256 maxPayment);
    error InvalidParameter(string name, uint256 value, uint256 bound);

    /// @notice Closes the fraction of the whole portfolio that brings health back to TARGET; 0 ≤ E < M.
    /// @param taker an account the caller may trade for, or 0: the pool's sub-account of each instrument
    /// @param maxFraction a bite, WAD; 1e18 for whatever is due
    function liquidate(uint256 account, uint256 taker, uint256 maxFraction) external returns (Outcome memory);

    /// @notice Liquidates or absorbs each item; a bad item is skipped with its reason in an event.
    /// @return done how many were not skipped
    function liquidateMany(Item[] calldata items) external returns (uint256 done);

    /// @notice Closes an account with E < 0 whole, without penalty: its loss is paid by its instruments' insurance,
    /// and what is left is recorded as bad debt. Its collateral then covers exactly its debt, at its haircut, and is for sale; what
    /// the sale brings beyond the debt pays back bad debt and insurance before the owner (an estate).
    function absorb(uint256 account, uint256 taker) external returns (uint256 loss, uint256 insurance, uint256 badDebt);

    /// @notice Sells collateral of an account whose debt is above λ · collateral, or of an estate, at mid less its haircut, to the
    /// caller, who has approved the margin engine for settlement tokens. No more than debt and estate need, to one unit.
    /// @return payment settlement units, rounded up, at most the debt
    function buyCollateral(uint256 account, uint256 collateral, uint256 amount, uint256 maxPayment)
        external
        returns (uint256 payment);

    /// @notice What `liquidate` would do now. Reverts as it would.
    function preview(uint256 account, uint256 maxFraction) external view returns (Outcome memory);

    /// @notice Health after a liquidation, WAD: T of the design, 1 < T ≤ 1.5.
    function TARGET() external view returns (uint256);
    function KEEPER_SHARE_E6() external view returns (uint256);
    function KEEPER_FLOOR() external view returns (uint256);
    function KEEPER_CAP() external view returns (uint256);
    function TAKER_SHARE_E6() external view returns (uint256);
    function ENGINE() external view returns (address);
    function POOL() external view returns (address);
}
