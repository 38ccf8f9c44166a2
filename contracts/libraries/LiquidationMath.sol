// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {FixedPointMath} from "./FixedPointMath.sol";
import {MarginMath} from "./MarginMath.sol";
import {IMarginTypes} from "../../interfaces/IMarginTypes.sol";

/// @title Liquidation: how much, at what penalty, to whom
/// @notice With 0 ≤ E < M, target T and penalty Φ ≤ E, closing the fraction
///
///     f = ⌈(T·M − E) / (T·M − Φ)⌉
///
/// of every position brings health back to T. A leg whose remainder would be worth less than its minimum, or would be held
/// at its floor, closes whole. Why it is safe:
/// 1. r never falls in size and no remainder is held at a floor, so closing g of everything leaves M' ≤ (1 − g)·M, plus at
///    most 2 units a leg of rounding;
/// 2. closing at mid leaves E as it is, rounded toward the account; the penalty takes at most g·Φ ≤ g·E,
///    less 3 units a leg, so E' ≥ (1 − g)·E plus the slack that 1 and T ≤ 1.5 need;
/// 3. hence E'/M' ≥ E/M for every g ≤ f, and E' ≥ T·M' for g = f < 1.
/// All of it needs no more of Φ than Φ ≤ E: so Φ may hold the premium that the pool asks for taking the positions.
///
/// A sale of collateral, debt D against C and price x of a token (x ≥ m = mid · (1 − h₀), so that no sale lowers E), needs
///
///     a = ⌈(D − λ₀·C) / (x − λ₀·m)⌉
///
/// tokens to bring D back to λ₀·C: it pays a·x and takes at most a·m off C. Since C ≥ D while E ≥ 0, a·x ≤ D.
library LiquidationMath {
    using FixedPointMath for uint256;
    using FixedPointMath for int256;

    uint256 private constant WAD = 1e18;
    uint256 private constant ROUNDING_PER_LEG = 3;

    /// @notice f, WAD, rounded up; 1e18 where the penalty would take all the equity.
    /// @param penalty_ Φ, at most E
    /// @param target T, WAD
    function fraction(IMarginTypes.Margin memory margin, uint256 penalty_, uint256 target)
        internal
        pure
        returns (uint256)
    {
        uint256 equity = uint256(margin.equity);
        uint256 goal = margin.maintenance * target;
        if (penalty_ >= equity) return WAD;
        return (goal - equity * WAD).mulDivUp(WAD, goal - penalty_ * WAD);
    }

    /// @notice How much of a position g closes: ⌈|s| · g⌉ size units, or all of it where the remainder is too small.
    function closing(IMarginTypes.Leg memory leg, uint256 g, uint256 sizeScale) internal pure returns (uint256 closed) {
        uint256 size = leg.size.abs();
        closed = size.mulDivUp(g, WAD);
        if (closed != size && !stands(leg, size - closed, sizeScale)) closed = size;
    }

    /// @notice A position of `size` is worth its minimum and not held at its floor.
    function stands(IMarginTypes.Leg memory leg, uint256 size, uint256 sizeScale) internal pure returns (bool) {
        return MarginMath.notional(size, leg.mid, sizeScale) >= leg.minNotional
            && MarginMath.requirement(leg, size, sizeScale) > leg.floor;
    }

    /// @notice The account's change of quote when `closed` of its position goes at mid, rounded toward the account.
    function proceeds(IMarginTypes.Leg memory leg, uint256 closed, uint256 sizeScale) internal pure returns (int256) {
        return leg.size > 0
            ? int256(closed.mulDivUp(leg.mid, sizeScale))
            : -int256(closed.mulDivDown(leg.mid, sizeScale));
    }

    /// @notice ⌊Φ · g⌋ less 3 units a leg, so that rounding never lowers health.
    function penalty(uint256 whole, uint256 g, uint256 legs) internal pure returns (uint256) {
        uint256 part = whole.mulDivDown(g, WAD);
        uint256 slack = legs * ROUNDING_PER_LEG;
        return part > slack ? part - slack : 0;
    }

    /// @notice Keeper first (a share with floor and cap, never more than the penalty), then taker, then insurance.
    function split(uint256 amount, uint256 keeperShareE6, uint256 keeperFloor, uint256 keeperCap, uint256 takerShareE6)
        internal
        pure
        returns (uint256 keeper, uint256 taker, uint256 insurance)
    {
        keeper = amount.mulDivDown(keeperShareE6, 1e6);
        if (keeper < keeperFloor) keeper = keeperFloor;
        if (keeper > keeperCap) keeper = keeperCap;
        if (keeper > amount) keeper = amount;
        taker = (amount - keeper).mulDivDown(takerShareE6, 1e6);
        insurance = amount - keeper - taker;
    }

    /// @notice What one whole token costs, WAD, rounded up: mid · (1 − discount).
    function salePrice(uint256 mid, uint256 discount_) internal pure returns (uint256) {
        return mid.mulDivUp(WAD - discount_, WAD);
    }

    /// @notice The discount, WAD, rounded down: 0 → h within `ramp`, and from the second at which equity was seen below zero
    /// the rest to 1 within another.
    function discount(uint256 haircut, uint256 elapsed, uint256 insolvent, uint256 ramp)
        internal
        pure
        returns (uint256)
    {
        if (elapsed > ramp) elapsed = ramp;
        if (insolvent > ramp) insolvent = ramp;
        return haircut.mulDivDown(elapsed, ramp) + (WAD - haircut).mulDivDown(insolvent, ramp);
    }

    /// @notice What `amount` costs, settlement units, rounded up.
    function salePayment(IMarginTypes.Coin memory coin, uint256 amount, uint256 price) internal pure returns (uint256) {
        return (amount * price).mulDivUp(WAD, coin.scale);
    }

    /// @notice The tokens that pay `need` settlement units at `price`, rounded up; all that is held where that is less.
    function saleOf(IMarginTypes.Coin memory coin, uint256 need, uint256 price) internal pure returns (uint256) {
        return price == 0 ? coin.amount : Math.min(coin.amount, Math.mulDiv(need, coin.scale, price * WAD, Math.Rounding.Ceil));
    }

    /// @notice The tokens whose sale brings D back to λ₀ · C, for D > λ₀ · C and E ≥ 0.
    /// @param price at least mid · (1 − h₀)
    /// @param openDebtLimitE6 λ₀
    function saleDue(IMarginTypes.Coin memory coin, IMarginTypes.Margin memory margin, uint256 price, uint256 openDebtLimitE6)
        internal
        pure
        returns (uint256)
    {
        uint256 least = salePrice(coin.mid, coin.haircut);
        uint256 excess = MarginMath.debt(margin) * 1e6 - margin.collateral * openDebtLimitE6;
        uint256 gain = price * 1e6 - least * openDebtLimitE6;
        return Math.min(coin.amount, Math.mulDiv(excess, coin.scale, gain * WAD, Math.Rounding.Ceil));
    }
}
