// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {LiquidationMath} from "../../../contracts/libraries/LiquidationMath.sol";
import {IMarginTypes} from "../../../interfaces/IMarginTypes.sol";

/// @notice 0 < f ≤ 1 for 0 ≤ E < M, Φ ≤ E and 1 < T ≤ 1.5
contract FractionIsAtMostOne {
    function lemma(IMarginTypes.Margin memory margin, uint96 equity, uint96 maintenance, uint96 penalty, uint64 target)
        external
        pure
    {
        require(equity < maintenance && penalty <= equity && target > 1e18 && target <= 1.5e18);
        (margin.equity, margin.maintenance) = (int256(uint256(equity)), maintenance);
        uint256 f = LiquidationMath.fraction(margin, penalty, target);
        assert(f > 0 && f <= 1e18);
    }
}

/// @notice closing never closes more than the position, and at least the fraction of it
contract ClosingIsWithinThePosition {
    function lemma(IMarginTypes.Leg memory leg, int80 size, uint64 g) external pure {
        require(g <= 1e18);
        leg.size = size;
        uint256 magnitude = size < 0 ? uint256(-int256(size)) : uint256(int256(size));
        uint256 closed = LiquidationMath.closing(leg, g, 1e21);
        assert(closed <= magnitude && closed * 1e18 >= magnitude * g);
    }
}

/// @notice the penalty of a fraction is at most ⌊Φ · g⌋, so never more than Φ ≤ E
contract PenaltyIsAtMostItsShare {
    function lemma(uint96 whole, uint64 g, uint8 legs) external pure {
        require(g <= 1e18);
        uint256 part = LiquidationMath.penalty(whole, g, legs);
        assert(part * 1e18 <= uint256(whole) * g && part <= whole);
    }
}

/// @notice the penalty leaves 3 units a leg for rounding, or is nothing
contract PenaltyLeavesTheSlack {
    function lemma(uint96 whole, uint64 g, uint8 legs) external pure {
        require(g <= 1e18);
        uint256 part = LiquidationMath.penalty(whole, g, legs);
        assert(part == 0 || (part + 3 * uint256(legs)) * 1e18 <= uint256(whole) * g);
    }
}

/// @notice keeper + taker + insurance is the penalty, whatever the shares
contract SplitIsTheWhole {
    function lemma(uint96 amount, uint24 keeperShare, uint96 floor, uint96 cap, uint24 takerShare) external pure {
        require(keeperShare <= 1e6 && takerShare <= 1e6);
        (uint256 keeper, uint256 taker, uint256 insurance) =
            LiquidationMath.split(amount, keeperShare, floor, cap, takerShare);
        assert(keeper + taker + insurance == amount && keeper <= cap);
    }
}

/// @notice rounding favours the liquidated account: its quote grows by at least −mid · Δs
contract ProceedsFavourTheAccount {
    function lemma(IMarginTypes.Leg memory leg, bool long, uint80 closed, uint88 mid) external pure {
        (leg.size, leg.mid) = (long ? int256(1) : -int256(1), mid);
        int256 quote = LiquidationMath.proceeds(leg, closed, 1e21);
        int256 worth = int256(uint256(closed) * mid) * (long ? int256(1) : -int256(1));
        assert(quote * 1e21 >= worth && quote * 1e21 < worth + 1e21);
    }
}

/// @notice a discount is at most the haircut until equity was seen below zero, and at most 1 ever
contract DiscountIsBounded {
    function lemma(uint64 haircut, uint32 elapsed, uint32 insolvent, uint32 ramp) external pure {
        require(haircut <= 1e18 && ramp > 0);
        assert(LiquidationMath.discount(haircut, elapsed, insolvent, ramp) <= 1e18);
        assert(LiquidationMath.discount(haircut, elapsed, 0, ramp) <= haircut);
    }
}

/// @notice no sale at a discount of at most the haircut lowers E: the price is at least mid · (1 − haircut), at most mid
contract SalePriceIsAtLeastTheValue {
    function lemma(uint88 mid, uint64 haircut, uint64 discount) external pure {
        require(haircut <= 1e18 && discount <= haircut);
        uint256 price = LiquidationMath.salePrice(mid, discount);
        assert(price * 1e18 >= uint256(mid) * (1e18 - haircut) && price <= mid);
    }
}

/// @notice a payment is rounded up: what is sold is never worth more at its price
contract SalePaymentIsRoundedUp {
    function lemma(IMarginTypes.Coin memory coin, uint104 amount, uint88 price) external pure {
        coin.scale = 1e48;
        uint256 paid = LiquidationMath.salePayment(coin, amount, price);
        assert(paid * 1e48 >= uint256(amount) * price * 1e18);
    }
}
