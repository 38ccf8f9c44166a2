// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {QuoteMath} from "../../../contracts/libraries/QuoteMath.sol";
import {FixedPointMath} from "../../../contracts/libraries/FixedPointMath.sol";

/// @notice a trade never brings the skew on its own side down, nor widens it by more than its size
contract SkewWidensByAtMostTheSize {
    function lemma(int80 size, int80 makerSize) external pure {
        (uint256 before, uint256 afterwards) = QuoteMath.skew(size, makerSize);
        assert(afterwards >= before && afterwards - before <= FixedPointMath.abs(size));
    }
}

/// @notice a fee is rounded up, and never above the dearer of the two rates
contract FeeIsRoundedUp {
    function lemma(int80 size, uint80 widened, uint88 mid, uint24 takerFee, uint24 makerFee) external pure {
        uint256 magnitude = FixedPointMath.abs(size);
        require(widened <= magnitude);
        uint256 fee = QuoteMath.fee(size, widened, mid, 1e21, takerFee, makerFee);
        uint256 rated = uint256(takerFee) * widened + uint256(makerFee) * (magnitude - widened);
        assert(fee * 1e27 >= uint256(mid) * rated && fee * 1e27 < uint256(mid) * rated + 1e27);
    }
}

/// @notice comparing a fill's rounded price with a whole limit is exact: ⌈x⌉ ≤ L ⇔ x ≤ L where it buys, ⌊x⌋ ≥ L ⇔ x ≥ L where it sells
contract LimitIsExact {
    function lemma(int80 size, int96 quote, uint88 limit) external pure {
        require(size != 0);
        uint256 price = QuoteMath.price(size, quote, 1e21);
        uint256 exact = FixedPointMath.abs(quote) * 1e21;
        uint256 bound = uint256(limit) * FixedPointMath.abs(size);
        assert(size > 0 ? (price <= limit) == (exact <= bound) : (price >= limit) == (exact >= bound));
    }
}

/// @notice POOL-1, restated (its last step is a mulDiv in assembly): never better than mid ∓ spread before rounding
contract QuoteIsNeverBetterThanTheSpread {
    function lemma(uint80 size, uint80 before, uint80 afterwards, uint80 scale, uint24 spread) external pure {
        require(before <= afterwards && scale > 0 && spread <= 1e6);
        uint256 flat = 2 * uint256(scale) * size;
        uint256 premium = uint256(afterwards) * afterwards - uint256(before) * before;
        assert(flat + premium >= flat);
        require(afterwards < scale && afterwards - before <= size);
        assert(premium <= flat);
    }
}
