// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {FixedPointMath} from "./FixedPointMath.sol";
import {LedgerMath} from "./LedgerMath.sol";
import {MarginMath} from "./MarginMath.sol";
import {ILensReader} from "../../interfaces/ILensReader.sol";
import {IMarginTypes} from "../../interfaces/IMarginTypes.sol";

/// @title Previews: what a verb does, played on an account held in memory
/// @notice The margin rule is a pure function of a snapshot, so a verb can be tried on one: fill, take out, suppose a
/// price, and judge again. The proofs are those of the margin engine and refuse with its errors.
///
/// The line in the price of one feed. With x that price and everything else at rest,
///
///     E(x) − M(x) = a + b·x − Σ max(nᵢ·rᵢ·x, floorᵢ)          rates and haircuts depend on sizes alone
///
/// is linear less a sum of convex terms, hence concave: where it is not negative is one interval. So if it is not
/// negative now, it is negative somewhere on one side exactly when it is so at that side's end, and one bisection finds
/// where. Rounding lowers E − M by less than 3 units a leg and 1 a coin against this picture.
library PreviewMath {
    using FixedPointMath for uint256;
    using FixedPointMath for int256;
    using MarginMath for IMarginTypes.Margin;

    uint256 private constant WAD = 1e18;

    // What verbs do -------------------------------------------------------------------------------------------------

    /// @notice One position changes, its index charge is settled, and what is realised goes to cash.
    function fill(IMarginTypes.Snapshot memory snapshot, uint256 instrument, int256 size, int256 quote) internal pure {
        IMarginTypes.Leg memory leg = legOf(snapshot, instrument);
        int256 realised;
        (leg.size, leg.quote, realised) = LedgerMath.fill(leg.size, leg.quote, size, quote);
        snapshot.cash += realised - leg.charge;
        leg.charge = 0;
    }

    /// @notice The account's leg in an instrument that it holds or that was included when it was loaded.
    function legOf(IMarginTypes.Snapshot memory snapshot, uint256 instrument)
        internal
        pure
        returns (IMarginTypes.Leg memory)
    {
        return snapshot.legs[MarginMath.indexOf(snapshot.legs, instrument)];
    }

    /// @notice The account's coin of a collateral that it holds.
    function coinOf(IMarginTypes.Snapshot memory snapshot, uint256 collateral)
        internal
        pure
        returns (IMarginTypes.Coin memory)
    {
        uint256 i;
        while (snapshot.coins[i].collateral != collateral) ++i;
        return snapshot.coins[i];
    }

    /// @notice Σ max(size, 0) after two accounts traded `size`: + from `maker` to `taker`.
    function openInterest(uint256 before, int256 taker, int256 maker, int256 size) internal pure returns (uint256) {
        return before + _long(taker + size) + _long(maker - size) - _long(taker) - _long(maker);
    }

    /// @notice How an account stands: at mid, with I at hi and min(b + C, E) at lo.
    /// @param forgiven what others have paid for it, where it is an estate
    /// @param debtLimitE6 λ
    function standing(IMarginTypes.Snapshot memory snapshot, uint256 forgiven, uint256 debtLimitE6)
        internal
        pure
        returns (ILensReader.Standing memory s)
    {
        IMarginTypes.Margin memory margin = MarginMath.judge(snapshot, false);
        IMarginTypes.Margin memory strict = MarginMath.judge(snapshot, true);
        margin.initial = strict.initial;
        s.margin = margin;
        s.backing = strict.backing();
        s.freeMargin = s.backing - int256(strict.initial);
        s.marginRatio = _ratio(margin.equity, margin.notional);
        s.health = _ratio(margin.equity, margin.maintenance);
        s.debt = margin.debt();
        s.liquidatable = margin.liquidatable();
        s.forgiven = forgiven;
        s.forSale = (forgiven > 0 && margin.maintenance == 0) || margin.equity < 0 || s.debt * 1e6 > margin.collateral * debtLimitE6;
    }

    // The engine's proofs -------------------------------------------------------------------------------------------

    /// @notice The proof of a trade: the opening test, or risk only reduced and health not worse (MAR-1).
    /// @param before the account's margin at mid before it, where it only reduces
    /// @param openDebtLimitE6 λ₀
    function prove(
        IMarginTypes.Snapshot memory snapshot,
        bool adds,
        IMarginTypes.Margin memory before,
        uint256 openDebtLimitE6
    ) internal pure {
        if (adds) return requireInitial(snapshot, openDebtLimitE6);
        IMarginTypes.Margin memory margin = MarginMath.judge(snapshot, false);
        bool kept = margin.equity * int256(before.maintenance) >= before.equity * int256(margin.maintenance);
        int256 least = before.equity < 0 ? before.equity : int256(0);
        if (kept && margin.equity >= least) return;
        if (!_meetsInitial(MarginMath.judge(snapshot, true), openDebtLimitE6)) {
            revert IMarginTypes.HealthWorsened(snapshot.account, margin.equity, margin.maintenance);
        }
    }

    /// @notice The opening test: min(b + C, E) ≥ I and D ≤ λ₀ · C.
    function requireInitial(IMarginTypes.Snapshot memory snapshot, uint256 openDebtLimitE6) internal pure {
        IMarginTypes.Margin memory margin = MarginMath.judge(snapshot, true);
        if (_meetsInitial(margin, openDebtLimitE6)) return;
        int256 backing = margin.backing();
        if (backing < int256(margin.initial)) {
            revert IMarginTypes.InsufficientMargin(snapshot.account, backing, margin.initial);
        }
        uint256 limit = margin.collateral.mulDivDown(openDebtLimitE6, 1e6);
        revert IMarginTypes.DebtTooLarge(snapshot.account, margin.debt(), limit);
    }

    function _meetsInitial(IMarginTypes.Margin memory margin, uint256 openDebtLimitE6) private pure returns (bool) {
        return margin.backing() >= int256(margin.initial) && margin.debt() * 1e6 <= margin.collateral * openDebtLimitE6;
    }

    // How far a verb may go -----------------------------------------------------------------------------------------

    /// @notice The most cash that may leave so that the opening test still holds: min(backing − I, b + U + λ₀ · C).
    function freeCash(IMarginTypes.Snapshot memory snapshot, uint256 openDebtLimitE6) internal pure returns (uint256) {
        IMarginTypes.Margin memory margin = MarginMath.judge(snapshot, true);
        int256 byMargin = margin.backing() - int256(margin.initial);
        int256 byDebt = margin.cash + margin.profit + int256(margin.collateral.mulDivDown(openDebtLimitE6, 1e6));
        int256 free = byMargin < byDebt ? byMargin : byDebt;
        return free > 0 ? uint256(free) : 0;
    }

    /// @notice The most of a collateral that may leave so that the opening test still holds. By bisection: C depends on
    /// the amount through its haircut.
    function freeCoin(IMarginTypes.Snapshot memory snapshot, uint256 collateral, uint256 openDebtLimitE6)
        internal
        pure
        returns (uint256 free)
    {
        IMarginTypes.Coin memory coin = coinOf(snapshot, collateral);
        uint256 held = coin.amount;
        uint256 refused = held + 1;
        if (!_meetsInitial(MarginMath.judge(snapshot, true), openDebtLimitE6)) return 0;
        while (refused - free > 1) {
            uint256 half = free + (refused - free) / 2;
            coin.amount = held - half;
            if (_meetsInitial(MarginMath.judge(snapshot, true), openDebtLimitE6)) free = half;
            else refused = half;
        }
    }

    // The line ------------------------------------------------------------------------------------------------------

    /// @notice E < M if the feed answered `mid` (WAD)? Changes the snapshot. Maintenance is judged at mid: lo and hi
    /// play no part.
    function liquidatableAt(IMarginTypes.Snapshot memory snapshot, uint256 feed, uint256 mid)
        internal
        pure
        returns (bool)
    {
        for (uint256 i; i < snapshot.legs.length; ++i) {
            if (snapshot.legs[i].feed == feed) snapshot.legs[i].mid = mid;
        }
        for (uint256 i; i < snapshot.coins.length; ++i) {
            if (snapshot.coins[i].feed == feed) snapshot.coins[i].mid = mid;
        }
        return MarginMath.judge(snapshot, false).liquidatable();
    }

    /// @notice The liquidatable answer whose neighbour toward `safe` is not, between `safe` (which is not) and `end`.
    /// @param unit WAD per unit of the feed's answer
    /// @return found whether there is one
    function crossing(IMarginTypes.Snapshot memory snapshot, uint256 feed, uint256 unit, uint256 safe, uint256 end)
        internal
        pure
        returns (bool found, uint256 sinking)
    {
        if (!liquidatableAt(snapshot, feed, end * unit)) return (false, 0);
        sinking = end;
        while (sinking > safe ? sinking - safe > 1 : safe - sinking > 1) {
            uint256 half = (safe + sinking) / 2;
            if (liquidatableAt(snapshot, feed, half * unit)) sinking = half;
            else safe = half;
        }
        return (true, sinking);
    }

    /// @notice How many bits are set.
    function count(uint256 map) internal pure returns (uint256 bits) {
        for (; map != 0; map &= map - 1) ++bits;
    }

    function _ratio(int256 equity, uint256 to) private pure returns (int256) {
        return to == 0 ? type(int256).max : equity.mulDivDown(WAD, to);
    }

    function _long(int256 size) private pure returns (uint256) {
        return size > 0 ? uint256(size) : 0;
    }
}
