// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ILiquidationEngine} from "./ILiquidationEngine.sol";
import {IMarginTypes} from "./IMarginTypes.sol";

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
interface IMarginLens {
    /// @notice The margin rule's answer about one account.
    /// @param margin at mid; its `initial` is I, at hi
    /// @param backing min(b + C, E), C at lo
    /// @param freeMargin backing − I; below zero the account can neither add risk nor withdraw
    /// @param marginRatio E / N; the largest int256 where N = 0
    /// @param health E / M; the largest int256 where M = 0
    /// @param debt max(0, −(b + U))
    /// @param liquidatable E < M with a position (E < 0: to be absorbed): the rule alone, whatever the sequencer does
    /// @param forSale debt > λ · C at mid, E < 0, or an estate without positions: its collateral may be bought
    /// @param forgiven what others have paid for it and get back first, where it is an estate
    struct Standing {
        IMarginTypes.Margin margin;
        int256 backing;
        int256 freeMargin;
        int256 marginRatio;
        int256 health;
        uint256 debt;
        bool liquidatable;
        bool forSale;
        uint256 forgiven;
    }

    /// @dev state: as stored. valid: every price that judges the account is good; else fault is the revert data that
    /// says why not (`InvalidPrice`), and standing, legs and coins are empty.
    struct AccountReport {
        uint256 account;
        bool valid;
        bytes fault;
        IMarginTypes.Account state;
        Standing standing;
        IMarginTypes.Leg[] legs;
        IMarginTypes.Coin[] coins;
    }

    /// @dev An account as it is stored, whatever prices do. positions and amounts: in the order of the bits of state.instruments
    /// and state.collaterals. forgiven: what others have paid for it, where it is an estate.
    struct Holding {
        IMarginTypes.Account state;
        IMarginTypes.Position[] positions;
        uint256[] amounts;
        uint256 forgiven;
    }

    /// @dev ok: the verb would succeed; else reason is what it would revert with, and the numbers are what they would
    /// be without that objection (zero where there are none: no price, no market, size 0). quote, fee: as
    /// ILiquidityPool.trade returns them. price: the fill, WAD. afterwards: the account after it.
    struct TradePreview {
        bool ok;
        bytes reason;
        int256 quote;
        uint256 fee;
        uint256 price;
        Standing afterwards;
    }

    /// @dev ok, reason: as above. taken: what leaves the account, less than asked where escrow holds no more. paid: what is sent
    /// for it, token units. judged: afterwards is known; a flat account needs no price to
    /// withdraw, so it may be false where ok is true.
    struct WithdrawPreview {
        bool ok;
        bytes reason;
        uint256 taken;
        uint256 paid;
        bool judged;
        Standing afterwards;
    }

    /// @dev ok, reason: as above, for a keeper who does not own the account. outcome: as ILiquidationEngine.liquidate
    /// returns it.
    struct LiquidationPreview {
        bool ok;
        bytes reason;
        ILiquidationEngine.Outcome outcome;
        Standing afterwards;
    }

    /// @notice The addresses do not belong to one protocol.
    error WrongAddress(address given, address expected);
    /// @notice The call had too little gas to tell: ask about fewer accounts, or with more.
    error OutOfGas();

    /// @notice Everything about many accounts, in their order. Each price is read once; an account whose price is
    /// invalid is reported as such and spoils no other. The sequencer is not asked.
    function reports(uint256[] calldata accounts) external view returns (AccountReport[] memory);

    /// @notice What is stored of many accounts, in their order: for whoever keeps a copy of the ledger. No price is read.
    function holdings(uint256[] calldata accounts) external view returns (Holding[] memory);

    /// @notice For keepers: which of the accounts are below their line now (E < M with a position; E < 0 included), at
    /// prices that the sequencer vouches for. False where a price is invalid.
    function liquidatable(uint256[] calldata accounts) external view returns (bool[] memory);

    /// @notice The nearest answers of the instrument's feed, at or below and at or above the present one, at which E <
    /// M. Everything on that feed moves along (other instruments and collateral too), everything else stands still:
    /// other prices, and what funding and interest have charged by now at the present prices.
    /// @dev E − M is concave in the price of a feed (profit and collateral are linear, a requirement is convex), so
    /// there is at most one crossing on each side: found by bisection over whole answers, at most 88 on each side.
    /// Rounding makes E − M jump by a few units near the line; the answer named is liquidatable, the next one toward
    /// the present is not.
    /// @dev Both are the present price where the account is liquidatable already. Only answers that the oracle accepts
    /// are named: those inside the feed's bounds (a secondary feed is supposed to agree). Reverts with InvalidPrice
    /// while there is no present price, with UnknownInstrument for one that is not listed.
    /// @return below WAD; 0 where hasBelow is false
    /// @return above WAD; 0 where hasAbove is false
    /// @return hasBelow some answer at or below the present one is liquidatable
    /// @return hasAbove likewise above
    function liquidationPrice(uint256 account, uint256 instrument)
        external
        view
        returns (uint256 below, uint256 above, bool hasBelow, bool hasAbove);

    /// @notice What `ILiquidityPool.trade` would do for the account's owner, at any limit price.
    function previewTrade(uint256 account, uint256 instrument, int256 size) external view returns (TradePreview memory);

    /// @notice What `IMarginEngine.withdraw` would do for the account's owner, to the owner, whatever is paid.
    function previewWithdraw(uint256 account, address token, uint256 amount)
        external
        view
        returns (WithdrawPreview memory);

    /// @notice The most of `token` that leaves the account by a `withdraw` of its owner now: one unit more is refused, or
    /// cut to this where escrow holds no more. 0 where nothing may leave; reverts with InvalidPrice where a price is missing that must judge it.
    /// @dev Of a collateral whose haircut grows with its amount, rounding may hide a few units that would pass as well.
    function maxWithdraw(uint256 account, address token) external view returns (uint256 amount);

    /// @notice What `ILiquidationEngine.liquidate` would do, with the pool as taker.
    function previewLiquidation(uint256 account, uint256 maxFraction) external view returns (LiquidationPreview memory);

    function ENGINE() external view returns (address);
    function LIQUIDATION_ENGINE() external view returns (address);
    function POOL() external view returns (address);
}
