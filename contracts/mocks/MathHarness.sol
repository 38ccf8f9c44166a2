// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarginTypes} from "../../interfaces/IMarginTypes.sol";
import {FixedPointMath} from "../libraries/FixedPointMath.sol";
import {FundingMath} from "../libraries/FundingMath.sol";
import {LedgerMath} from "../libraries/LedgerMath.sol";
import {LiquidationMath} from "../libraries/LiquidationMath.sol";
import {LossMath} from "../libraries/LossMath.sol";
import {MarginMath} from "../libraries/MarginMath.sol";

/// @notice The pure libraries, callable from a test, those that take many numbers with many cases at a time.
contract MathHarness {
    using MarginMath for IMarginTypes.Margin;

    struct Sale {
        IMarginTypes.Snapshot snapshot;
        uint256 price;
        uint256 need;
        uint256 openDebtLimitE6;
    }

    struct Discount {
        uint256 mid;
        uint256 haircut;
        uint256 elapsed;
        uint256 insolvent;
        uint256 ramp;
    }

    struct Share {
        IMarginTypes.Risk risk;
        uint256 mid;
        uint256 sizeScale;
        uint256 loss;
        uint256 openInterest;
        uint256 charged;
    }

    struct Verdict {
        IMarginTypes.Margin margin;
        int256 backing;
        uint256 debt;
        bool liquidatable;
    }

    struct LegParts {
        int256 value;
        uint256 rate;
        uint256 requirement;
        uint256 maintenance;
        uint256 initial;
    }

    struct CoinParts {
        uint256 haircut;
        uint256 atLo;
        uint256 atMid;
    }

    struct Crowding {
        uint256 openInterest;
        IMarginTypes.Limits limits;
    }

    struct Fill {
        int256 size;
        int256 quote;
        int256 deltaSize;
        int256 deltaQuote;
    }

    struct Filled {
        int256 size;
        int256 quote;
        int256 cash;
        bool reduces;
    }

    struct Accrual {
        IMarginTypes.Market market;
        IMarginTypes.Funding funding;
        int256 skew;
        uint256 mid;
        uint256 sizeScale;
        uint256 time;
    }

    struct Charge {
        int256 size;
        int256 index;
        int256 indexNow;
    }

    struct Terms {
        uint256 target;
        uint256 keeperShareE6;
        uint256 keeperFloor;
        uint256 keeperCap;
        uint256 takerShareE6;
    }

    /// @dev Of one fraction g: what each leg closes and brings, and the penalty with its split.
    struct Closing {
        uint256 fraction;
        uint256[] closed;
        int256[] proceeds;
        uint256 penalty;
        uint256 keeper;
        uint256 taker;
        uint256 insurance;
    }

    // MarginMath ----------------------------------------------------------------------------------------------------

    function judge(IMarginTypes.Snapshot[] calldata snapshots, bool adding)
        external
        pure
        returns (Verdict[] memory verdicts)
    {
        verdicts = new Verdict[](snapshots.length);
        for (uint256 i; i < snapshots.length; ++i) {
            verdicts[i].margin = MarginMath.judge(snapshots[i], adding);
            verdicts[i].backing = verdicts[i].margin.backing();
            verdicts[i].debt = verdicts[i].margin.debt();
            verdicts[i].liquidatable = verdicts[i].margin.liquidatable();
        }
    }

    /// @notice Each snapshot with its cash moved by each offset, at its own kind of line: bit k of the answer says that at
    /// offset k it is liquidatable (0), is so and closed whole (2), or, where risk is added, lacks initial margin (1) or owes more
    /// than the limit (3).
    function edges(
        IMarginTypes.Snapshot[] calldata snapshots,
        uint256[] calldata kinds,
        int256[] calldata offsets,
        uint256 target,
        uint256 debtLimitE6
    ) external pure returns (uint256[] memory beyond) {
        beyond = new uint256[](snapshots.length);
        uint256 free;
        assembly ("memory-safe") {
            free := mload(0x40)
        }
        for (uint256 i; i < snapshots.length; ++i) {
            IMarginTypes.Snapshot memory snapshot = snapshots[i];
            for (uint256 k; k < offsets.length; ++k) {
                snapshot.cash = snapshots[i].cash + offsets[k];
                IMarginTypes.Margin memory margin = MarginMath.judge(snapshot, kinds[i] % 2 == 1);
                if (_isBeyond(margin, kinds[i], target, debtLimitE6)) beyond[i] |= 1 << k;
            }
            assembly ("memory-safe") {
                mstore(0x40, free) // one account is forgotten before the next: memory is dear where there is much of it
            }
        }
    }

    function _isBeyond(IMarginTypes.Margin memory margin, uint256 kind, uint256 target, uint256 debtLimitE6)
        private
        pure
        returns (bool)
    {
        if (kind == 0) return margin.liquidatable();
        if (kind == 1) return margin.backing() < int256(margin.initial);
        if (kind == 2) {
            return margin.equity >= 0 && margin.liquidatable()
                && LiquidationMath.fraction(margin, margin.penalty, target) == 1e18;
        }
        return margin.debt() * 1e6 > debtLimitE6 * margin.collateral;
    }

    /// @notice One account, its first leg and first coin, with other numbers in each case: cash, size, quote, the mid of
    /// both, amount of the coin. Bit k % 256 of word k / 256 says that case k is liquidatable.
    function liquidatables(IMarginTypes.Snapshot memory account, int256[5][] calldata cases)
        external
        pure
        returns (uint256[] memory below)
    {
        below = new uint256[]((cases.length + 255) / 256);
        IMarginTypes.Leg memory leg = account.legs[0];
        IMarginTypes.Coin memory coin = account.coins[0];
        for (uint256 k; k < cases.length; ++k) {
            int256[5] calldata c = cases[k];
            (account.cash, leg.size, leg.quote, leg.mid) = (c[0], c[1], c[2], uint256(c[3]));
            (coin.mid, coin.amount) = (leg.mid, uint256(c[4]));
            if (MarginMath.judge(account, false).liquidatable()) below[k / 256] |= 1 << (k % 256);
        }
    }

    function legParts(IMarginTypes.Leg[] calldata legs, uint256 sizeScale)
        external
        pure
        returns (LegParts[] memory parts)
    {
        parts = new LegParts[](legs.length);
        for (uint256 i; i < legs.length; ++i) {
            IMarginTypes.Leg memory leg = legs[i];
            uint256 size = FixedPointMath.abs(leg.size);
            parts[i].value = MarginMath.value(leg.size, leg.mid, MarginMath.notional(size, leg.mid, sizeScale), sizeScale);
            parts[i].rate = MarginMath.rate(leg, size);
            parts[i].requirement = MarginMath.requirement(leg, size, sizeScale);
            parts[i].maintenance = MarginMath.maintenance(leg, sizeScale);
            parts[i].initial = MarginMath.initial(leg, size, parts[i].rate, sizeScale);
        }
    }

    function coinParts(IMarginTypes.Coin[] calldata coins) external pure returns (CoinParts[] memory parts) {
        parts = new CoinParts[](coins.length);
        for (uint256 i; i < coins.length; ++i) {
            IMarginTypes.Coin memory coin = coins[i];
            parts[i].haircut = MarginMath.haircut(coin);
            parts[i].atLo = MarginMath.collateralValue(coin, true);
            parts[i].atMid = MarginMath.collateralValue(coin, false);
        }
    }

    function oiFactors(Crowding[] calldata cases) external pure returns (uint256[] memory factors) {
        factors = new uint256[](cases.length);
        for (uint256 i; i < cases.length; ++i) {
            factors[i] = MarginMath.oiFactor(cases[i].openInterest, cases[i].limits);
        }
    }

    // LedgerMath ----------------------------------------------------------------------------------------------------

    function fills(Fill[] calldata cases) external pure returns (Filled[] memory done) {
        done = new Filled[](cases.length);
        for (uint256 i; i < cases.length; ++i) {
            Fill calldata c = cases[i];
            (done[i].size, done[i].quote, done[i].cash) = LedgerMath.fill(c.size, c.quote, c.deltaSize, c.deltaQuote);
            done[i].reduces = LedgerMath.reduces(c.size, c.deltaSize);
        }
    }

    // FundingMath ---------------------------------------------------------------------------------------------------

    function accruals(Accrual[] calldata cases) external pure returns (IMarginTypes.Market[] memory markets) {
        markets = new IMarginTypes.Market[](cases.length);
        for (uint256 i; i < cases.length; ++i) {
            Accrual calldata c = cases[i];
            markets[i] = FundingMath.accrue(c.market, c.funding, c.skew, c.mid, c.sizeScale, c.time);
        }
    }

    function charges(Charge[] calldata cases) external pure returns (int256[] memory owed) {
        owed = new int256[](cases.length);
        for (uint256 i; i < cases.length; ++i) {
            owed[i] = FundingMath.charge(cases[i].size, cases[i].index, cases[i].indexNow);
        }
    }

    // LiquidationMath -----------------------------------------------------------------------------------------------

    /// @notice f of each snapshot, with its own Φ.
    function fractions(IMarginTypes.Snapshot[] calldata snapshots, uint256[] calldata penalties, uint256 target)
        external
        pure
        returns (uint256[] memory found)
    {
        found = new uint256[](snapshots.length);
        for (uint256 i; i < snapshots.length; ++i) {
            found[i] = LiquidationMath.fraction(MarginMath.judge(snapshots[i], false), penalties[i], target);
        }
    }

    /// @notice The first coin of each snapshot at its own price: what restores λ₀, what pays `need`, and what the first costs.
    function sales(Sale[] calldata cases) external pure returns (uint256[3][] memory tokens) {
        tokens = new uint256[3][](cases.length);
        for (uint256 i; i < cases.length; ++i) {
            IMarginTypes.Snapshot memory snapshot = cases[i].snapshot;
            IMarginTypes.Margin memory margin = MarginMath.judge(snapshot, false);
            (uint256 price, uint256 need) = (cases[i].price, cases[i].need);
            tokens[i][0] = LiquidationMath.saleDue(snapshot.coins[0], margin, price, cases[i].openDebtLimitE6);
            tokens[i][1] = LiquidationMath.saleOf(snapshot.coins[0], need, price);
            tokens[i][2] = LiquidationMath.salePayment(snapshot.coins[0], tokens[i][0], price);
        }
    }

    function discounts(Discount[] calldata cases) external pure returns (uint256[2][] memory found) {
        found = new uint256[2][](cases.length);
        for (uint256 i; i < cases.length; ++i) {
            Discount calldata c = cases[i];
            found[i][0] = LiquidationMath.discount(c.haircut, c.elapsed, c.insolvent, c.ramp);
            found[i][1] = LiquidationMath.salePrice(c.mid, found[i][0]);
        }
    }

    /// @notice The haircut and the largest haircut of halted collateral.
    function ramps(IMarginTypes.Coin[] calldata coins, uint256[] calldata elapsed)
        external
        pure
        returns (uint256[2][] memory found)
    {
        found = new uint256[2][](coins.length);
        for (uint256 i; i < coins.length; ++i) {
            IMarginTypes.Coin memory coin = coins[i];
            MarginMath.ramp(coin, elapsed[i]);
            found[i] = [coin.haircut, coin.maxHaircut];
        }
    }

    // LossMath ------------------------------------------------------------------------------------------------------

    /// @notice cap, step and what it brings, of each case.
    function shares(Share[] calldata cases) external pure returns (uint256[3][] memory found) {
        found = new uint256[3][](cases.length);
        for (uint256 i; i < cases.length; ++i) {
            Share calldata c = cases[i];
            uint256 cap = LossMath.cap(c.risk, c.mid, c.sizeScale);
            uint256 step = LossMath.step(c.loss, c.openInterest, cap > c.charged ? cap - c.charged : 0);
            found[i] = [cap, step, LossMath.collected(step, c.openInterest)];
        }
    }

    /// @notice Each snapshot with its own fraction g.
    function closings(IMarginTypes.Snapshot[] calldata snapshots, uint256[] calldata parts, Terms calldata terms)
        external
        pure
        returns (Closing[] memory done)
    {
        done = new Closing[](snapshots.length);
        for (uint256 i; i < snapshots.length; ++i) {
            IMarginTypes.Snapshot memory snapshot = snapshots[i];
            uint256 legs = snapshot.legs.length;
            Closing memory c = done[i];
            c.fraction = parts[i];
            (c.closed, c.proceeds) = (new uint256[](legs), new int256[](legs));
            for (uint256 k; k < legs; ++k) {
                c.closed[k] = LiquidationMath.closing(snapshot.legs[k], parts[i], snapshot.sizeScale);
                c.proceeds[k] = LiquidationMath.proceeds(snapshot.legs[k], c.closed[k], snapshot.sizeScale);
            }
            c.penalty = LiquidationMath.penalty(MarginMath.judge(snapshot, false).penalty, parts[i], legs);
            (c.keeper, c.taker, c.insurance) = LiquidationMath.split(
                c.penalty, terms.keeperShareE6, terms.keeperFloor, terms.keeperCap, terms.takerShareE6
            );
        }
    }

    // FixedPointMath ------------------------------------------------------------------------------------------------

    function mulDivDown(uint256 x, uint256 y, uint256 d) external pure returns (uint256) {
        return FixedPointMath.mulDivDown(x, y, d);
    }

    function mulDivUp(uint256 x, uint256 y, uint256 d) external pure returns (uint256) {
        return FixedPointMath.mulDivUp(x, y, d);
    }

    function divUp(uint256 x, uint256 d) external pure returns (uint256) {
        return FixedPointMath.divUp(x, d);
    }

    function signedMulDivDown(int256 x, uint256 y, uint256 d) external pure returns (int256) {
        return FixedPointMath.mulDivDown(x, y, d);
    }

    function signedMulDivUp(int256 x, uint256 y, uint256 d) external pure returns (int256) {
        return FixedPointMath.mulDivUp(x, y, d);
    }

    function signedDivDown(int256 x, uint256 d) external pure returns (int256) {
        return FixedPointMath.divDown(x, d);
    }

    function signedDivUp(int256 x, uint256 d) external pure returns (int256) {
        return FixedPointMath.divUp(x, d);
    }

    function abs(int256 x) external pure returns (uint256) {
        return FixedPointMath.abs(x);
    }
}
