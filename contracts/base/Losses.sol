// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ILiquidationEngine} from "../../interfaces/ILiquidationEngine.sol";
import {ILiquidityPool} from "../../interfaces/ILiquidityPool.sol";
import {IMarginEngine} from "../../interfaces/IMarginEngine.sol";
import {IMarginTypes} from "../../interfaces/IMarginTypes.sol";
import {FixedPointMath} from "../libraries/FixedPointMath.sol";
import {MarginMath} from "../libraries/MarginMath.sol";
import {Cases} from "./Cases.sol";

/// @title Losses: who pays for an account below zero, in which order
/// @notice A loss is split over the account's instruments by maintenance. Each part is paid by
///
///     1. the insurance of that instrument, never another's;
///     2. the taker, at the bankruptcy price, on the units that net an opposite position of its own, as far as it keeps E ≥ M;
///     3. the side that won, through its index: as far as one epoch allows at once, the rest as bad debt (Posting._share).
///
/// Where nothing is held the loss is the pool's, which earned the interest. Every step is one line of a double entry.
abstract contract Losses is Cases {
    using FixedPointMath for uint256;
    using FixedPointMath for int256;
    using SafeCast for uint256;

    uint256 private constant NO_INSTRUMENT = type(uint64).max;
    uint256 private constant EPOCH = 1 hours;
    /// @dev How many absorbers an instrument's insurance rewards in one epoch.
    uint256 private constant REWARDS_PER_EPOCH = 20;

    struct Rewarded {
        uint64 epoch;
        uint64 count;
    }

    mapping(uint256 instrument => Rewarded) private _rewarded;

    /// @dev The double entry of a loss while it is written.
    struct Cover {
        IMarginTypes.Entry[] cash;
        IMarginTypes.Entry[] funds;
        IMarginTypes.Loss[] losses;
        Absorption paid;
        uint256 heir;
        uint256 instrument;
        uint256 insured;
        uint256 taker;
        uint256 room;
    }

    /// @inheritdoc ILiquidationEngine
    function absorb(uint256 account, uint256 taker) external returns (Absorption memory) {
        return _absorb(_open(account, taker, msg.sender, _noPrices()));
    }

    function _absorb(Case memory c) internal returns (Absorption memory) {
        if (c.margin.equity >= 0) revert NotInsolvent(c.snapshot.account, c.margin.equity);
        _reserveLegs(c);
        _planTransfers(c, WAD);
        uint256 loss = _lossAfter(c);
        Cover memory cover = c.transfers.length == 0 ? _coverByPool(c, loss) : _cover(c, _partsOf(c, loss));
        _settleCover(c, cover);
        _proveTakers(c);
        emit Absorbed(c.snapshot.account, c.taker, c.keeper, cover.paid);
        return cover.paid;
    }

    /// @dev Writes the double entry, and marks an account that still holds collateral.
    function _settleCover(Case memory c, Cover memory cover) internal {
        uint256 account = c.snapshot.account;
        IMarginEngine(ENGINE).seize(account, c.transfers, cover.cash, cover.funds, cover.losses);
        if (c.snapshot.coins.length == 0 || cover.paid.loss == 0) return;
        IMarginEngine(ENGINE).openEstate(account, cover.paid.loss, cover.heir);
    }

    /// @dev −E once every leg is closed: closing rounds toward the account, so this may be a few units less than −E now.
    function _lossAfter(Case memory c) private pure returns (uint256) {
        int256 equity = c.snapshot.cash + int256(c.margin.collateral);
        for (uint256 i; i < c.transfers.length; ++i) {
            equity += c.snapshot.legs[i].quote - c.snapshot.legs[i].charge + c.transfers[i].quote;
        }
        return equity < 0 ? equity.abs() : 0;
    }

    /// @dev A loss split over the legs by maintenance; what division leaves is the last one's.
    function _partsOf(Case memory c, uint256 loss) private pure returns (uint256[] memory parts) {
        uint256 legs = c.snapshot.legs.length;
        parts = new uint256[](legs);
        uint256 left = loss;
        for (uint256 i; i < legs; ++i) {
            parts[i] = i == legs - 1 ? left : _partOf(c, c.snapshot.legs[i], loss);
            left -= parts[i];
        }
    }

    function _partOf(Case memory c, IMarginTypes.Leg memory leg, uint256 loss) internal pure returns (uint256) {
        return loss.mulDivDown(MarginMath.maintenance(leg, c.snapshot.sizeScale), c.margin.maintenance);
    }

    /// @dev Who pays what of the loss of each transfer.
    /// @param parts the loss of each transfer
    function _cover(Case memory c, uint256[] memory parts) internal returns (Cover memory cover) {
        uint256 count = c.transfers.length;
        cover.losses = new IMarginTypes.Loss[](count);
        cover.heir = _heir(c);
        cover.paid.reward = _reward(cover.heir);
        cover.instrument = NO_INSTRUMENT;
        for (uint256 i; i < count; ++i) {
            _coverOne(c, cover, i, parts[i]);
            cover.paid.loss += parts[i];
        }
        cover.cash = _entries(c, cover.paid.loss.toInt256(), cover.paid.reward);
        cover.funds = new IMarginTypes.Entry[](1);
        cover.funds[0] = IMarginTypes.Entry(cover.heir, -cover.paid.reward.toInt256());
    }

    function _coverOne(Case memory c, Cover memory cover, uint256 i, uint256 loss) private view {
        IMarginTypes.Transfer memory moved = c.transfers[i];
        if (cover.instrument != moved.instrument) {
            cover.instrument = moved.instrument;
            cover.insured = IMarginEngine(ENGINE).fundOf(moved.instrument).insurance;
            if (moved.instrument == cover.heir) cover.insured -= cover.paid.reward;
        }
        uint256 insurance = _min(loss, cover.insured);
        cover.insured -= insurance;
        uint256 byTaker = _takersPart(c, cover, i, loss - insurance);
        uint256 left = loss - insurance - byTaker;
        (moved.cash, moved.insurance) = (-byTaker.toInt256(), -insurance.toInt256());
        // The account sells where it was long: then the short side won.
        cover.losses[i] = IMarginTypes.Loss(moved.instrument, moved.size > 0, left, moved.mid);
        cover.paid.insurance += insurance;
        cover.paid.taker += byTaker;
        cover.paid.shared += left;
    }

    /// @dev The bankruptcy price: the loss of the units that net, as far as the taker's equity is above its maintenance.
    function _takersPart(Case memory c, Cover memory cover, uint256 i, uint256 loss)
        private
        view
        returns (uint256 part)
    {
        (IMarginTypes.Transfer memory moved, int256 held) = (c.transfers[i], c.held[i]);
        if (loss == 0 || (held > 0) != (moved.size > 0) || held == 0) return 0;
        if (cover.taker != moved.taker) (cover.taker, cover.room) = (moved.taker, _room(c, moved.taker));
        uint256 netted = _min(held.abs(), moved.size.abs());
        part = _min(loss.mulDivDown(netted, moved.size.abs()), cover.room);
        cover.room -= part;
    }

    /// @dev E − M of a taker after all transfers to it, at least 0. They go at mid, so E is what it is now.
    function _room(Case memory c, uint256 taker) private view returns (uint256) {
        uint256 instruments;
        for (uint256 i; i < c.transfers.length; ++i) {
            if (c.transfers[i].taker == taker) instruments |= 1 << c.transfers[i].instrument;
        }
        (IMarginTypes.Snapshot memory snapshot,) =
            IMarginEngine(ENGINE).load(taker, uint64(instruments), c.book, true);
        int256 room = MarginMath.judge(snapshot, false).equity;
        for (uint256 i; i < snapshot.legs.length; ++i) {
            IMarginTypes.Leg memory leg = snapshot.legs[i];
            for (uint256 j; j < c.transfers.length; ++j) {
                IMarginTypes.Transfer memory moved = c.transfers[j];
                if (moved.taker == taker && moved.instrument == leg.instrument) leg.size -= moved.size;
            }
            room -= MarginMath.maintenance(leg, snapshot.sizeScale).toInt256();
        }
        return room > 0 ? uint256(room) : 0;
    }

    /// @dev Nothing is held: the loss is the pool's, its idle cash and what its tranches' margins release; the rest is bad debt.
    function _coverByPool(Case memory c, uint256 loss) private returns (Cover memory cover) {
        if (address(uint160(c.snapshot.account >> 96)) != POOL) cover.paid.taker = ILiquidityPool(POOL).gather(loss);
        cover.paid.loss = loss;
        cover.paid.shared = loss - cover.paid.taker;
        cover.heir = NO_INSTRUMENT;
        cover.cash = new IMarginTypes.Entry[](2);
        cover.cash[0] = IMarginTypes.Entry(c.snapshot.account, loss.toInt256());
        cover.cash[1] = IMarginTypes.Entry(_accountOf(POOL), -cover.paid.taker.toInt256());
        cover.losses = new IMarginTypes.Loss[](1);
        cover.losses[0] = IMarginTypes.Loss(NO_INSTRUMENT, false, cover.paid.shared, 0);
    }

    /// @dev Whose insurance is paid back first: the instrument with the largest M, as it paid most.
    function _heir(Case memory c) private pure returns (uint256 instrument) {
        uint256 largest;
        for (uint256 i; i < c.snapshot.legs.length; ++i) {
            uint256 maintenance = MarginMath.maintenance(c.snapshot.legs[i], c.snapshot.sizeScale);
            if (maintenance > largest) (largest, instrument) = (maintenance, c.snapshot.legs[i].instrument);
        }
    }

    /// @dev The keeper's floor, from insurance; capped per epoch, for whoever absorbs may also have made the account.
    function _reward(uint256 instrument) private returns (uint256 reward) {
        Rewarded storage rewarded = _rewarded[instrument];
        uint64 epoch = uint64(block.timestamp / EPOCH);
        if (rewarded.epoch != epoch) (rewarded.epoch, rewarded.count) = (epoch, 0);
        if (rewarded.count == REWARDS_PER_EPOCH) return 0;
        ++rewarded.count;
        return _min(KEEPER_FLOOR, IMarginEngine(ENGINE).fundOf(instrument).insurance);
    }
}
