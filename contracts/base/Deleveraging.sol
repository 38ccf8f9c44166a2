// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ILiquidationEngine} from "../../interfaces/ILiquidationEngine.sol";
import {ILiquidityPool} from "../../interfaces/ILiquidityPool.sol";
import {IMarginEngine} from "../../interfaces/IMarginEngine.sol";
import {IMarginTypes} from "../../interfaces/IMarginTypes.sol";
import {FixedPointMath} from "../libraries/FixedPointMath.sol";
import {LiquidationMath} from "../libraries/LiquidationMath.sol";
import {MarginMath} from "../libraries/MarginMath.sol";
import {Losses} from "./Losses.sol";

/// @title Deleveraging: when the backstop refuses
/// @notice The pool takes what it can carry. Where it refuses an account below its line, anyone reports so; after a delay, in
/// which capital may arrive, the account is matched against those who gain most from its fall: accounts of the other
/// side whose profit per unit is at or above their side's average,
///
///     q · OI ≥ Q_side · |s|
///
/// an O(1) test against the instrument's Σ quote. They only lose size, at mid, and share the penalty as a taker would; where the
/// account is below zero they pay at the bankruptcy price what keeps them at E ≥ M, after insurance and before the rest of
/// their side. No more is closed than a liquidation would close.
///
/// Why health never falls: the penalty of a leg is at most E · M_i / M, so E' ≥ E · (1 − x · M_i / M) and M' = M − x · M_i for the
/// part x that closes; where a remainder would be held at its floor or be worth less than its minimum, there is no penalty.
abstract contract Deleveraging is Losses {
    using FixedPointMath for uint256;
    using FixedPointMath for int256;
    using SafeCast for uint256;

    /// @inheritdoc ILiquidationEngine
    uint256 public constant DELEVERAGE_DELAY = 10 minutes;
    /// @inheritdoc ILiquidationEngine
    uint256 public constant DELEVERAGE_WINDOW = 1 days;

    mapping(uint256 account => uint256) private _refusedAt;

    /// @inheritdoc ILiquidationEngine
    function reportRefusal(uint256 account) external {
        (uint256 from, uint256 until) = deleverageWindow(account);
        if (from != 0 && block.timestamp < until) revert NotOpen(account, from, until);
        _requireRefused(account, ANY_TRANCHE);
        _refusedAt[account] = block.timestamp;
        (from, until) = deleverageWindow(account);
        emit BackstopRefused(account, from, until);
    }

    /// @inheritdoc ILiquidationEngine
    function deleverageWindow(uint256 account) public view returns (uint256 from, uint256 until) {
        uint256 at = _refusedAt[account];
        if (at != 0) (from, until) = (at + DELEVERAGE_DELAY, at + DELEVERAGE_DELAY + DELEVERAGE_WINDOW);
    }

    /// @dev Rehearses the verb and sees the pool refuse: no second rule decides it. Any other failure is passed on.
    /// @param instrument whose tranche must refuse; ANY_TRANCHE for one of them
    function _requireRefused(uint256 account, uint256 instrument) private {
        try this.rehearse(account, instrument) {}
        catch (bytes memory reason) {
            bytes4 selector = bytes4(reason);
            if (selector == TakerRefused.selector || selector == TakerIsAccount.selector) return;
            if (selector != Rehearsed.selector) _bubble(reason);
        }
        revert BackstopAccepts(account);
    }

    /// @notice Liquidates or absorbs to the pool and reverts whatever happens. Only this contract calls it.
    function rehearse(uint256 account, uint256 instrument) external {
        if (msg.sender != address(this)) revert OnlyItself(msg.sender);
        Case memory c = _open(account);
        c.proving = instrument;
        _toPool(c);
        revert Rehearsed();
    }

    /// @dev Liquidates or absorbs, whichever is due, all of it, to the pool.
    function _toPool(Case memory c) internal virtual;

    /// @inheritdoc ILiquidationEngine
    function deleverage(uint256 account, uint256 instrument, uint256[] calldata counterparties)
        external
        returns (uint256 closed)
    {
        (uint256 from, uint256 until) = deleverageWindow(account);
        if (from == 0 || block.timestamp < from || block.timestamp >= until) revert NotOpen(account, from, until);
        Case memory c = _open(account);
        _requireLiquidatable(c);
        IMarginTypes.Leg memory leg = _legOf(c, instrument);
        _requireRefused(account, instrument);
        closed = _match(c, leg, counterparties);
        ILiquidityPool(POOL).freeze(instrument);
        Outcome memory outcome;
        if (c.margin.equity < 0) _settleCover(c, _cover(c, _partsByTaker(c, leg)));
        else outcome = _deleverageSolvent(c, leg, closed);
        emit Deleveraged(account, instrument, msg.sender, closed, outcome);
    }

    function _legOf(Case memory c, uint256 instrument) private pure returns (IMarginTypes.Leg memory) {
        for (uint256 i; i < c.snapshot.legs.length; ++i) {
            if (c.snapshot.legs[i].instrument == instrument) return c.snapshot.legs[i];
        }
        revert NotHeld(c.snapshot.account, instrument);
    }

    /// @dev One transfer a counterparty, in their order, until what a liquidation would close is closed.
    function _match(Case memory c, IMarginTypes.Leg memory leg, uint256[] calldata counterparties)
        private
        view
        returns (uint256 closed)
    {
        uint256 fraction = c.margin.equity < 0 ? WAD : LiquidationMath.fraction(c.margin, c.margin.penalty, TARGET);
        uint256 due = LiquidationMath.closing(leg, fraction, c.snapshot.sizeScale);
        _reserve(c, counterparties.length);
        IMarginTypes.Market memory market = IMarginEngine(ENGINE).market(leg.instrument);
        for (uint256 i; i < counterparties.length; ++i) {
            if (i > 0 && counterparties[i] <= counterparties[i - 1]) revert Unsorted(counterparties[i]);
            c.held[i] = _eligible(counterparties[i], leg, market);
            uint256 part = _min(due - closed, c.held[i].abs());
            _planTransfer(c, i, leg, counterparties[i], part);
            closed += part;
        }
        if (closed == 0) revert InvalidAmount(0, due);
    }

    /// @dev The position of a counterparty on the other side, whose profit per unit is at or above its side's average.
    function _eligible(uint256 counterparty, IMarginTypes.Leg memory leg, IMarginTypes.Market memory market)
        private
        view
        returns (int256)
    {
        IMarginTypes.Position memory held = IMarginEngine(ENGINE).position(counterparty, leg.instrument);
        uint256 size = int256(held.size).abs();
        int256 sideQuote = held.size > 0 ? market.quoteLong : market.quoteShort;
        bool opposite = size != 0 && (held.size > 0) != (leg.size > 0);
        bool gains = int256(held.quote) * int256(uint256(market.openInterest)) >= sideQuote * int256(size);
        if (!opposite || !gains) revert NotEligible(counterparty, leg.instrument);
        return held.size;
    }

    /// @dev The leg's part of the loss, by size; what division leaves is the last counterparty's where the leg closes whole.
    function _partsByTaker(Case memory c, IMarginTypes.Leg memory leg) private pure returns (uint256[] memory parts) {
        uint256 loss = _partOf(c, leg, c.margin.equity.abs());
        (uint256 left, uint256 sizeLeft) = (loss, leg.size.abs());
        parts = new uint256[](c.transfers.length);
        for (uint256 i; i < parts.length; ++i) {
            uint256 size = c.transfers[i].size.abs();
            if (size == 0) continue;
            parts[i] = left.mulDivDown(size, sizeLeft);
            (left, sizeLeft) = (left - parts[i], sizeLeft - size);
        }
    }

    function _deleverageSolvent(Case memory c, IMarginTypes.Leg memory leg, uint256 closed)
        private
        returns (Outcome memory outcome)
    {
        for (uint256 i; i < c.notionals.length; ++i) outcome.notional += c.notionals[i];
        (outcome.equity, outcome.maintenance) = (c.margin.equity, c.margin.maintenance);
        outcome.fraction = closed.mulDivDown(WAD, leg.size.abs());
        outcome.penalty = _legPenalty(c, leg, closed);
        _split(outcome);
        _seize(c, _divide(c, outcome));
    }

    function _legPenalty(Case memory c, IMarginTypes.Leg memory leg, uint256 closed) private pure returns (uint256) {
        (uint256 size, uint256 scale) = (leg.size.abs(), c.snapshot.sizeScale);
        if (closed < size && !LiquidationMath.stands(leg, size - closed, scale)) return 0;
        uint256 whole = MarginMath.notional(size, leg.mid, scale).mulDivUp(leg.penaltyRate, WAD);
        uint256 most = uint256(c.margin.equity).mulDivDown(MarginMath.maintenance(leg, scale), c.margin.maintenance);
        return LiquidationMath.penalty(_min(whole, most), closed.mulDivDown(WAD, size), c.transfers.length);
    }
}
