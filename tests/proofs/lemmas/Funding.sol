// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {FundingMath} from "../../../contracts/libraries/FundingMath.sol";
import {FixedPointMath} from "../../../contracts/libraries/FixedPointMath.sol";
import {IMarginTypes} from "../../../interfaces/IMarginTypes.sol";

/// @notice FUN-1: what one side's index gains, the other loses, or one unit less: paid ≥ received
contract IndicesPayNoMoreThanTheyTake {
    function lemma(int64 numerator, uint88 mid, uint96 scale) external pure {
        require(scale > 0);
        int256 long = FixedPointMath.mulDivUp(int256(numerator), mid, scale);
        int256 short = FixedPointMath.mulDivUp(-int256(numerator), mid, scale);
        assert(long + short >= 0 && long + short <= 1);
    }
}

/// @notice FUN-1: of two equal and opposite positions the payer pays at least what the receiver gets
contract ChargesPayNoMoreThanTheyTake {
    function lemma(int80 size, int80 longMove, int80 shortMove) external pure {
        require(size > 0 && int256(longMove) + shortMove >= 0);
        int256 long = FundingMath.charge(size, 0, longMove);
        int256 short = FundingMath.charge(-int256(size), 0, shortMove);
        assert(long + short >= 0);
    }
}

/// @notice settling twice in a block charges nothing the second time
contract SecondSettlementIsFree {
    function lemma(int80 size, int80 index) external pure {
        assert(FundingMath.charge(size, index, index) == 0);
    }
}

/// @notice the rate stays within ± maxRate
contract RateIsBounded {
    function lemma(IMarginTypes.Funding memory funding, int32 rate, int80 skew, uint32 elapsed) external pure {
        require(funding.scale > 0 && elapsed <= FundingMath.MAX_STEP);
        int256 next = FundingMath.nextRate(rate, funding, skew, elapsed);
        int256 bound = int256(uint256(funding.maxRateE8));
        assert(next <= bound && next >= -bound);
    }
}

/// @notice the rate's change rounds toward zero, and is at most maxVelocity for a day
contract RateChangeIsTowardZero {
    function lemma(IMarginTypes.Funding memory funding, int80 skew, uint32 elapsed) external pure {
        require(funding.scale > 0 && elapsed <= FundingMath.MAX_STEP && funding.maxRateE8 == type(uint32).max);
        int256 change = FundingMath.nextRate(0, funding, skew, elapsed);
        assert(skew >= 0 ? change >= 0 : change <= 0);
        assert(FixedPointMath.abs(change) <= funding.maxVelocityE8);
    }
}

/// @notice both indices move, or neither where one would leave int80
contract IndicesMoveTogether {
    function lemma(int80 long, int80 short, int128 owedByLong, int128 owedByShort) external pure {
        (int80 newLong, int80 newShort) = FundingMath.shift(long, short, owedByLong, owedByShort);
        bool both = newLong == int256(long) + owedByLong && newShort == int256(short) + owedByShort;
        assert(both || (newLong == long && newShort == short));
    }
}
