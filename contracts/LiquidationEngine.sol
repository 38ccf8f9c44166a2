// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ILiquidationEngine} from "../interfaces/ILiquidationEngine.sol";
import {IMarginEngine} from "../interfaces/IMarginEngine.sol";
import {IMarginTypes} from "../interfaces/IMarginTypes.sol";
import {IPriceOracle} from "../interfaces/IPriceOracle.sol";
import {Cases} from "./base/Cases.sol";
import {Deleveraging} from "./base/Deleveraging.sol";
import {FixedPointMath} from "./libraries/FixedPointMath.sol";
import {LiquidationMath} from "./libraries/LiquidationMath.sol";
import {QuoteMath} from "./libraries/QuoteMath.sol";

/// @title LiquidationEngine
/// @notice Calculate, then execute: every verb loads the account once, decides by the pure libraries, and hands the margin
/// engine a list of transfers and a double entry that must balance. It holds no tokens. Reading order: `liquidate` here; who
/// takes positions in base/Cases.sol; `absorb` in base/Losses.sol; base/Deleveraging.sol.
contract LiquidationEngine is Deleveraging {
    using FixedPointMath for uint256;

    /// @inheritdoc ILiquidationEngine
    uint256 public constant ITEM_GAS = 4_500_000;

    constructor(
        address engine,
        address pool,
        uint256 target,
        uint256 keeperShareE6,
        uint256 keeperFloor,
        uint256 keeperCap,
        uint256 takerShareE6
    ) Cases(engine, pool, target, keeperShareE6, keeperFloor, keeperCap, takerShareE6) {}

    // Liquidate -----------------------------------------------------------------------------------------------------

    /// @inheritdoc ILiquidationEngine
    function liquidate(Item calldata item) external returns (Outcome memory) {
        _requireNonce(item.account, item.nonce);
        return _liquidate(_open(item.account, item.taker, msg.sender, _noPrices()), item.maxFraction, item.minFraction);
    }

    /// @inheritdoc ILiquidationEngine
    function preview(uint256 account, uint256 maxFraction)
        external
        view
        returns (Outcome memory outcome, IMarginTypes.Transfer[] memory transfers)
    {
        Case memory c = _open(account);
        outcome = _plan(c, maxFraction);
        _divide(c, outcome);
        return (outcome, c.transfers);
    }

    function _liquidate(Case memory c, uint256 maxFraction, uint256 minFraction) private returns (Outcome memory outcome) {
        outcome = _plan(c, maxFraction);
        if (outcome.fraction < minFraction) revert FractionBelowMinimum(outcome.fraction, minFraction);
        _seize(c, _divide(c, outcome));
        _proveTakers(c);
        emit Liquidated(c.snapshot.account, c.taker, c.keeper, outcome);
    }

    /// @dev Decides everything: the fraction, each leg's transfer at mid, the penalty and who gets it.
    function _plan(Case memory c, uint256 maxFraction) private view returns (Outcome memory outcome) {
        IMarginTypes.Margin memory margin = c.margin;
        _requireLiquidatable(c);
        if (margin.equity < 0) revert Insolvent(c.snapshot.account, margin.equity);
        _reserveLegs(c);
        uint256 ask = _askWhole(c);
        // Φ with the premium of closing everything: closing a part asks for less than its share of it.
        uint256 whole = _min(margin.penalty + ask, uint256(margin.equity));
        uint256 due = LiquidationMath.fraction(margin, whole, TARGET);
        uint256 fraction = _min(maxFraction, due);
        if (fraction < due) _requireBite(c, fraction);
        (outcome.notional, fraction) = _planTransfers(c, fraction);
        outcome.fraction = fraction;
        outcome.equity = margin.equity;
        outcome.maintenance = margin.maintenance;
        uint256 legs = c.transfers.length;
        outcome.penalty = LiquidationMath.penalty(margin.penalty, fraction, legs);
        if (ask != 0) {
            outcome.premium = _min(_ask(c), LiquidationMath.penalty(whole, fraction, legs) - outcome.penalty);
            outcome.penalty += outcome.premium;
        }
        _split(outcome);
    }

    /// @dev What the pool would ask beyond mid for the whole portfolio, where that pushes it off balance.
    function _askWhole(Case memory c) private view returns (uint256 sum) {
        if (c.taker != 0) return 0;
        IMarginTypes.Leg[] memory legs = c.snapshot.legs;
        for (uint256 i; i < legs.length; ++i) sum += _premium(legs[i], -legs[i].size, c.held[i], c.snapshot.sizeScale);
    }

    /// @dev The same for the transfers planned.
    function _ask(Case memory c) private view returns (uint256 sum) {
        for (uint256 i; i < c.transfers.length; ++i) {
            c.premiums[i] = _premium(c.snapshot.legs[i], c.transfers[i].size, c.held[i], c.snapshot.sizeScale);
            sum += c.premiums[i];
        }
    }

    /// @param size the account's change
    /// @param held the tranche's position
    function _premium(IMarginTypes.Leg memory leg, int256 size, int256 held, uint256 scale) private view returns (uint256) {
        (uint256 before, uint256 afterwards) = QuoteMath.skew(size, held);
        if (afterwards == before) return 0;
        (,, IMarginTypes.Funding memory funding) = IMarginEngine(ENGINE).instrumentConfig(leg.instrument);
        return QuoteMath.premium(before, afterwards, leg.mid, funding.scale, scale);
    }

    /// @dev A bite smaller than what is due must still be worth a keeper's while: g · N ≥ the largest minimum held.
    function _requireBite(Case memory c, uint256 fraction) private pure {
        uint256 minimum;
        for (uint256 i; i < c.snapshot.legs.length; ++i) {
            uint256 held = c.snapshot.legs[i].minNotional;
            if (held > minimum) minimum = held;
        }
        uint256 bite = c.margin.notional.mulDivDown(fraction, WAD);
        if (bite < minimum || fraction == 0) revert FractionTooSmall(fraction, bite, minimum);
    }

    // Batch ---------------------------------------------------------------------------------------------------------

    /// @inheritdoc ILiquidationEngine
    function liquidateMany(Item[] calldata items) external returns (uint256 done) {
        if (items.length == 0) revert EmptyBatch();
        IPriceOracle.Price[] memory book;
        for (uint256 i; i < items.length; ++i) {
            // Less, and an item could fail for want of gas that its sender kept back.
            uint256 available = gasleft() * 63 / 64;
            if (available < ITEM_GAS && available < leastGas(items[i].account)) {
                emit BatchStopped(i, gasleft());
                return done;
            }
            // Nobody comes after the last: it may have all that there is.
            uint256 most = i == items.length - 1 ? gasleft() : ITEM_GAS;
            try this.execute{gas: most}(items[i], msg.sender, book) returns (IPriceOracle.Price[] memory completed) {
                book = completed;
                ++done;
            } catch (bytes memory reason) {
                emit Skipped(items[i].account, reason);
            }
        }
    }

    /// @inheritdoc ILiquidationEngine
    /// @dev A good quarter above what is measured. An account that holds nothing and owes costs the pool a look at every tranche.
    function leastGas(uint256 account) public view returns (uint256) {
        IMarginTypes.Account memory state = IMarginEngine(ENGINE).accountState(account);
        if (state.instruments == 0 && state.cash < 0) return ITEM_GAS;
        uint256 legs;
        for (uint256 map = state.instruments; map != 0; map &= map - 1) ++legs;
        return ITEM_GAS * (3 + legs) / 19;
    }

    /// @notice One item of a batch; only this contract calls it, so that a bad item reverts alone.
    /// @param book prices that this batch has read already
    /// @return the book, completed
    function execute(Item calldata item, address keeper, IPriceOracle.Price[] memory book)
        external
        returns (IPriceOracle.Price[] memory)
    {
        if (msg.sender != address(this)) revert OnlyItself(msg.sender);
        _requireNonce(item.account, item.nonce);
        Case memory c = _open(item.account, item.taker, keeper, book);
        if (c.margin.equity < 0) _absorb(c);
        else _liquidate(c, item.maxFraction, item.minFraction);
        return c.book;
    }

    function _toPool(Case memory c) internal override {
        if (c.margin.equity < 0) _absorb(c);
        else _liquidate(c, WAD, 0);
    }
}
