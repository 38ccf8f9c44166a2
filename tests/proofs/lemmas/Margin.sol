// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {MarginMath} from "../../../contracts/libraries/MarginMath.sol";
import {FixedPointMath} from "../../../contracts/libraries/FixedPointMath.sol";
import {IMarginTypes} from "../../../interfaces/IMarginTypes.sol";

/// @notice liquidatable ⇔ E < M, with at least one position
contract LiquidatableExactlyBelowTheLine {
    function lemma(IMarginTypes.Margin memory margin, int128 equity, uint128 maintenance) external pure {
        (margin.equity, margin.maintenance) = (equity, maintenance);
        bool below = equity < int256(uint256(maintenance));
        assert(MarginMath.liquidatable(margin) == (maintenance > 0 && below));
    }
}

/// @notice MAR-2: backing is min(b + C, E)
contract BackingIsTheLesser {
    function lemma(IMarginTypes.Margin memory margin, int128 cash, uint128 collateral, int128 equity) external pure {
        (margin.cash, margin.collateral, margin.equity) = (cash, collateral, equity);
        int256 backing = MarginMath.backing(margin);
        int256 owned = int256(cash) + int256(uint256(collateral));
        assert(backing <= owned && backing <= equity && (backing == owned || backing == equity));
    }
}

/// @notice D = max(0, −(b + U))
contract DebtIsWhatIsBelowZero {
    function lemma(IMarginTypes.Margin memory margin, int128 cash, int128 profit) external pure {
        (margin.cash, margin.profit) = (cash, profit);
        int256 balance = int256(cash) + profit;
        assert(int256(MarginMath.debt(margin)) == (balance < 0 ? -balance : int256(0)));
    }
}

/// @notice a position is worth at most s · price, its notional is at least |s| · price
contract ValueDownNotionalUp {
    function lemma(int80 size, uint88 price) external pure {
        int256 exact = int256(size) * int256(uint256(price));
        uint256 magnitude = size < 0 ? uint256(-int256(size)) : uint256(int256(size));
        uint256 notional = MarginMath.notional(magnitude, price, 1e21);
        assert(MarginMath.value(size, price, notional, 1e21) * 1e21 <= exact);
        assert(notional * 1e21 >= magnitude * price);
    }
}

/// @notice a rate is at most 1 and at least its base
contract RateIsAtMostOne {
    function lemma(IMarginTypes.Leg memory leg, uint64 base, uint64 slope, uint80 depth, uint80 size) external pure {
        require(base <= 1e18 && slope <= 1e18 && depth > 0);
        (leg.base, leg.slope, leg.depth) = (base, slope, depth);
        uint256 rate = MarginMath.rate(leg, size);
        assert(rate <= 1e18 && rate >= base);
    }
}

/// @notice MAR-3: a rate never falls in size
contract RateNeverFallsInSize {
    function lemma(IMarginTypes.Leg memory leg, uint64 base, uint64 slope, uint80 depth, uint80 size, uint80 more)
        external
        pure
    {
        require(base <= 1e18 && slope <= 1e18 && depth > 0);
        (leg.base, leg.slope, leg.depth) = (base, slope, depth);
        assert(MarginMath.rate(leg, uint256(size) + more) >= MarginMath.rate(leg, size));
    }
}

/// @notice one position's M is at least its floor and at least ⌈N · r⌉
contract MaintenanceIsAtLeastItsFloor {
    function lemma(IMarginTypes.Leg memory leg, int80 size, uint88 mid, uint64 base, uint96 floor) external pure {
        require(base <= 1e18 && size != 0);
        (leg.size, leg.mid, leg.base, leg.slope, leg.depth, leg.floor) = (size, mid, base, 0, 1, floor);
        uint256 maintenance = MarginMath.maintenance(leg, 1e21);
        uint256 magnitude = size < 0 ? uint256(-int256(size)) : uint256(int256(size));
        assert(maintenance >= floor && maintenance >= MarginMath.requirement(leg, magnitude, 1e21));
    }
}

/// @notice MAR-3: I ≥ M of one position, where hi ≥ mid and multiple · o ≥ 1
contract InitialIsAtLeastMaintenance {
    function lemma(IMarginTypes.Leg memory leg, uint80 size, uint88 mid, uint88 hi, uint64 rate, uint96 floor, uint64 factor)
        external
        pure
    {
        require(hi >= mid && rate <= 1e18 && factor >= 1e18);
        (leg.hi, leg.floor, leg.initialMultiple, leg.oiFactor) = (hi, floor, factor, 1e18);
        uint256 initial = MarginMath.initial(leg, size, rate, 1e21);
        uint256 required = (MarginMath.notional(size, mid, 1e21) * rate + 1e18 - 1) / 1e18;
        assert(initial >= required && initial >= floor);
    }
}

/// @notice 1 ≤ o ≤ 1 + k
contract CrowdingIsBounded {
    function lemma(IMarginTypes.Limits memory limits, uint80 openInterest) external pure {
        require(limits.oiThresholdE6 <= 1e6);
        uint256 o = MarginMath.oiFactor(openInterest, limits);
        assert(o >= 1e18 && o <= 1e18 + uint256(limits.oiSlopeE6) * 1e12);
    }
}

/// @notice a haircut is at most its maximum
contract HaircutIsAtMostItsMaximum {
    function lemma(IMarginTypes.Coin memory coin, uint104 amount, uint64 haircut, uint64 most, uint104 depth) external pure {
        require(haircut <= most && most <= 1e18 && depth > 0);
        (coin.amount, coin.haircut, coin.maxHaircut, coin.depth) = (amount, haircut, most, depth);
        uint256 h = MarginMath.haircut(coin);
        assert(h <= most && h >= haircut);
    }
}

/// @notice collateral counts for at most amount · price
contract CollateralIsAtMostItsValue {
    function lemma(IMarginTypes.Coin memory coin, uint104 amount, uint88 mid, uint64 haircut) external pure {
        require(haircut <= 1e18);
        (coin.amount, coin.mid, coin.haircut, coin.maxHaircut, coin.depth) = (amount, mid, haircut, haircut, 1);
        coin.scale = 1e48;
        assert(MarginMath.collateralValue(coin, false) * 1e48 <= uint256(amount) * mid * (1e18 - haircut));
    }
}

/// @notice the haircut of halted collateral never falls, and is 1 after a day (restated: ramp changes memory in place, which the
/// checker forgets)
contract HaltedHaircutGoesToOne {
    function lemma(uint64 haircut, uint32 elapsed) external pure {
        require(haircut <= 1e18 && elapsed <= 1 days);
        uint256 ramped = haircut + FixedPointMath.mulDivUp(1e18 - uint256(haircut), elapsed, 1 days);
        assert(ramped >= haircut && ramped <= 1e18);
        assert(elapsed < 1 days || ramped == 1e18);
    }
}
