// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {FixedPointMath} from "./FixedPointMath.sol";
import {IMarginTypes} from "../../interfaces/IMarginTypes.sol";

/// @title The margin rule: what an account owns, what it must hold, and how it is judged
/// @notice For cash b, collateral amounts c, positions (s, q):
///
///     haircut      h = min(h_max, h₀ + c / depth)            a whale's collateral counts for less
///     collateral   C = Σ ⌊c · price · (1 − h)⌋               at lo where risk is added, at mid for liquidation
///     profit       U = Σ (⌊s · mid⌋ + q − charge)
///     equity       E = b + C + U                            what an index says is owed leaves b at once, not U
///     notional     N = Σ ⌈|s| · mid⌉
///     rate         r = min(1, base + ⌈slope · |s| / depth⌉)  own size only: no one else's trade can liquidate you
///     maintenance  M = Σ max(⌈N · r⌉, floor)
///     initial      I = Σ ⌈max(⌈N_hi · r⌉, floor) · initialMultiple · oiFactor⌉
///     penalty      Φ = min(Σ ⌈penaltyRate · N⌉, max(E, 0))
///
/// The account is liquidatable exactly when it holds a position and E < M.
/// @dev Settlement units. Bounds that keep every product inside 256 bits: |size| < 2^79, price < 2^88, amount < 2^104.
library MarginMath {
    using FixedPointMath for uint256;
    using FixedPointMath for int256;

    uint256 private constant WAD = 1e18;
    uint256 private constant WAD2 = 1e36;
    uint256 private constant HALT_RAMP = 1 days;

    /// @notice Judges an account.
    /// @param adding true where risk is added or collateral withdrawn: C at lo, and I is computed (else it is 0)
    function judge(IMarginTypes.Snapshot memory snapshot, bool adding)
        internal
        pure
        returns (IMarginTypes.Margin memory margin)
    {
        margin.cash = snapshot.cash;
        IMarginTypes.Leg[] memory legs = snapshot.legs;
        uint256 penalty;
        for (uint256 i; i < legs.length; ++i) {
            if (legs[i].size != 0) penalty += _judgeLeg(margin, legs[i], snapshot.sizeScale, adding);
        }
        IMarginTypes.Coin[] memory coins = snapshot.coins;
        for (uint256 i; i < coins.length; ++i) margin.collateral += collateralValue(coins[i], adding);
        int256 equity = margin.cash + int256(margin.collateral) + margin.profit;
        margin.equity = equity;
        if (equity > 0) margin.penalty = _min(penalty, uint256(equity));
    }

    /// @dev Adds a leg to the margin. Every product is checked and then divided by WAD or more, so that no sum of 64 of them, nor
    /// of what fits an account's slots, can wrap.
    /// @return penalty ⌈penaltyRate · N⌉
    function _judgeLeg(IMarginTypes.Margin memory margin, IMarginTypes.Leg memory leg, uint256 scale, bool adding)
        private
        pure
        returns (uint256 penalty)
    {
        uint256 size = leg.size.abs();
        uint256 notional_ = notional(size, leg.mid, scale);
        uint256 rate_ = rate(leg, size);
        unchecked {
            margin.profit += value(leg.size, leg.mid, notional_, scale) + leg.quote;
            if (leg.charge > 0) margin.cash -= leg.charge;
            else margin.profit -= leg.charge;
            margin.notional += notional_;
            margin.maintenance += _max(notional_.mulDivUp(rate_, WAD), leg.floor);
            if (adding) margin.initial += initial(leg, size, rate_, scale);
        }
        return notional_.mulDivUp(leg.penaltyRate, WAD);
    }

    /// @notice Where among its legs the account's one in an instrument is: one that it holds or that was included in the load.
    function indexOf(IMarginTypes.Leg[] memory legs, uint256 instrument) internal pure returns (uint256 i) {
        while (legs[i].instrument != instrument) ++i;
    }

    /// @notice E < M with at least one position (every position has M > 0).
    function liquidatable(IMarginTypes.Margin memory margin) internal pure returns (bool) {
        return margin.maintenance > 0 && margin.equity < int256(margin.maintenance);
    }

    /// @notice min(b + C, E): unrealised profit never backs a new risk or a withdrawal.
    function backing(IMarginTypes.Margin memory margin) internal pure returns (int256) {
        int256 owned = margin.cash + int256(margin.collateral);
        return owned < margin.equity ? owned : margin.equity;
    }

    /// @notice D = max(0, −(b + U))
    function debt(IMarginTypes.Margin memory margin) internal pure returns (uint256) {
        int256 balance = margin.cash + margin.profit;
        return balance < 0 ? balance.abs() : 0;
    }

    /// @notice ⌊s · price⌋, toward −∞: of a short −⌈|s| · price⌉, which is its notional.
    /// @param notional_ of the same size at the same price: its product was checked
    function value(int256 size, uint256 price, uint256 notional_, uint256 scale) internal pure returns (int256) {
        unchecked {
            return size > 0 ? int256(uint256(size) * price / scale) : -int256(notional_);
        }
    }

    /// @notice ⌈|s| · price⌉
    function notional(uint256 size, uint256 price, uint256 scale) internal pure returns (uint256) {
        return size.mulDivUp(price, scale);
    }

    /// @notice r, WAD, rounded up; at most 1.
    function rate(IMarginTypes.Leg memory leg, uint256 size) internal pure returns (uint256) {
        return _min(WAD, leg.base + leg.slope.mulDivUp(size, leg.depth));
    }

    /// @notice ⌈N · r⌉ of one position of `size`, before its floor.
    function requirement(IMarginTypes.Leg memory leg, uint256 size, uint256 scale) internal pure returns (uint256) {
        return notional(size, leg.mid, scale).mulDivUp(rate(leg, size), WAD);
    }

    /// @notice One position's share of M.
    function maintenance(IMarginTypes.Leg memory leg, uint256 scale) internal pure returns (uint256) {
        return leg.size == 0 ? 0 : _max(requirement(leg, leg.size.abs(), scale), leg.floor);
    }

    /// @notice One position's share of I, at hi.
    function initial(IMarginTypes.Leg memory leg, uint256 size, uint256 rate_, uint256 scale)
        internal
        pure
        returns (uint256)
    {
        uint256 required = _max(notional(size, leg.hi, scale).mulDivUp(rate_, WAD), leg.floor);
        return required.mulDivUp(leg.initialMultiple * leg.oiFactor, WAD2);
    }

    /// @notice o = 1 + k · max(0, OI − x · cap) / cap, the last factor at most 1; WAD, rounded up.
    function oiFactor(uint256 openInterest, IMarginTypes.Limits memory limits) internal pure returns (uint256) {
        uint256 cap = limits.capUnits;
        uint256 threshold = cap * limits.oiThresholdE6 / 1e6;
        if (openInterest <= threshold) return WAD;
        uint256 crowding = cap == 0 ? WAD : _min(WAD, (openInterest - threshold).mulDivUp(WAD, cap));
        return WAD + crowding.mulDivUp(limits.oiSlopeE6, 1e6);
    }

    /// @notice h, WAD, rounded up.
    function haircut(IMarginTypes.Coin memory coin) internal pure returns (uint256) {
        return _min(coin.maxHaircut, coin.haircut + coin.amount.mulDivUp(WAD, coin.depth));
    }

    /// @notice The haircut of halted collateral goes to 1 within a day: h + (1 − h) · elapsed / day, rounded up. Changes the coin.
    function ramp(IMarginTypes.Coin memory coin, uint256 elapsed) internal pure {
        if (elapsed > HALT_RAMP) elapsed = HALT_RAMP;
        coin.haircut += (WAD - coin.haircut).mulDivUp(elapsed, HALT_RAMP);
        coin.maxHaircut += (WAD - coin.maxHaircut).mulDivUp(elapsed, HALT_RAMP);
    }

    /// @notice ⌊c · price · (1 − h)⌋ at lo or at mid.
    function collateralValue(IMarginTypes.Coin memory coin, bool atLo) internal pure returns (uint256) {
        uint256 price = atLo ? coin.lo : coin.mid;
        return (coin.amount * price).mulDivDown(WAD - haircut(coin), coin.scale);
    }

    function _min(uint256 a, uint256 b) private pure returns (uint256) {
        return a < b ? a : b;
    }

    function _max(uint256 a, uint256 b) private pure returns (uint256) {
        return a > b ? a : b;
    }
}
