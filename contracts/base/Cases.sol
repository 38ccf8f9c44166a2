// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ILiquidationEngine} from "../../interfaces/ILiquidationEngine.sol";
import {IMarginEngine} from "../../interfaces/IMarginEngine.sol";
import {IMarginTypes} from "../../interfaces/IMarginTypes.sol";
import {IPriceOracle} from "../../interfaces/IPriceOracle.sol";
import {FixedPointMath} from "../libraries/FixedPointMath.sol";
import {LedgerMath} from "../libraries/LedgerMath.sol";
import {LiquidationMath} from "../libraries/LiquidationMath.sol";
import {MarginMath} from "../libraries/MarginMath.sol";

/// @title A case: one account that is judged, and whoever takes its positions
/// @notice What liquidation, absorption, auctions and deleveraging share: the account is loaded once, the transfers of its
/// positions are planned at mid, the penalty is a double entry, and who takes positions proves that it can.
abstract contract Cases is ILiquidationEngine {
    using FixedPointMath for uint256;
    using FixedPointMath for int256;
    using MarginMath for IMarginTypes.Margin;
    using SafeCast for uint256;

    uint256 internal constant WAD = 1e18;
    uint256 internal constant ANY_TRANCHE = type(uint256).max;
    uint256 private constant MAY_TRADE = 1;
    /// @inheritdoc ILiquidationEngine
    uint256 public constant ANY_NONCE = type(uint256).max;

    address public immutable ENGINE;
    address public immutable POOL;
    uint256 public immutable TARGET;
    uint256 public immutable KEEPER_SHARE_E6;
    uint256 public immutable KEEPER_FLOOR;
    uint256 public immutable KEEPER_CAP;
    uint256 public immutable TAKER_SHARE_E6;

    /// @dev One account while it is worked on. Per transfer: its notional, and the premium of a pool that it pushes off balance.
    /// proving: the instrument whose tranche must accept, or ANY_TRANCHE: all of them, as always but in a rehearsal.
    struct Case {
        IMarginTypes.Snapshot snapshot;
        IMarginTypes.Margin margin;
        IPriceOracle.Price[] book;
        IMarginTypes.Transfer[] transfers;
        uint256[] notionals;
        uint256[] premiums;
        uint256 taker;
        address keeper;
        uint256 proving;
    }

    constructor(
        address engine,
        address pool,
        uint256 target,
        uint256 keeperShareE6,
        uint256 keeperFloor,
        uint256 keeperCap,
        uint256 takerShareE6
    ) {
        if (target <= WAD || target > 15e17) revert InvalidParameter("target", target, 15e17);
        if (keeperShareE6 > 1e6) revert InvalidParameter("keeperShareE6", keeperShareE6, 1e6);
        if (takerShareE6 > 1e6) revert InvalidParameter("takerShareE6", takerShareE6, 1e6);
        if (keeperFloor > keeperCap) revert InvalidParameter("keeperFloor", keeperFloor, keeperCap);
        (ENGINE, POOL) = (engine, pool);
        TARGET = target;
        KEEPER_SHARE_E6 = keeperShareE6;
        KEEPER_FLOOR = keeperFloor;
        KEEPER_CAP = keeperCap;
        TAKER_SHARE_E6 = takerShareE6;
    }

    // Loading -------------------------------------------------------------------------------------------------------

    /// @dev Loads and judges the account at mid (the sequencer past its grace), and checks who takes its positions.
    /// @param book prices already read
    function _open(uint256 account, uint256 taker, address keeper, IPriceOracle.Price[] memory book)
        internal
        view
        returns (Case memory c)
    {
        if (taker == account) revert TakerIsAccount(account);
        if (taker != 0 && address(uint160(taker >> 96)) != keeper) {
            uint256 bits = IMarginEngine(ENGINE).operatorBits(taker, keeper);
            if (bits & MAY_TRADE == 0) revert UnauthorizedTaker(taker, keeper);
        }
        (c.taker, c.keeper, c.proving) = (taker, keeper, ANY_TRANCHE);
        (c.snapshot, c.book) = IMarginEngine(ENGINE).load(account, 0, book, true);
        c.margin = MarginMath.judge(c.snapshot, false);
    }

    function _open(uint256 account) internal view returns (Case memory) {
        return _open(account, 0, msg.sender, _noPrices());
    }

    // Planning ------------------------------------------------------------------------------------------------------

    /// @dev Every leg's transfer at mid, to the caller's account or the tranche of its instrument.
    /// @return notional what is closed, settlement units at mid
    /// @return whole the fraction, or 1 where every leg closes whole
    function _planTransfers(Case memory c, uint256 fraction) internal view returns (uint256 notional, uint256 whole) {
        IMarginTypes.Leg[] memory legs = c.snapshot.legs;
        _reserve(c, legs.length);
        whole = WAD;
        for (uint256 i; i < legs.length; ++i) {
            uint256 closed = LiquidationMath.closing(legs[i], fraction, c.snapshot.sizeScale);
            if (closed < legs[i].size.abs()) whole = fraction;
            _planTransfer(c, i, legs[i], c.taker == 0 ? _tranche(legs[i].instrument) : c.taker, closed);
            notional += c.notionals[i];
        }
    }

    function _reserve(Case memory c, uint256 transfers) internal pure {
        c.transfers = new IMarginTypes.Transfer[](transfers);
        (c.notionals, c.premiums) = (new uint256[](transfers), new uint256[](transfers));
    }

    function _planTransfer(Case memory c, uint256 i, IMarginTypes.Leg memory leg, uint256 taker, uint256 closed)
        internal
        pure
    {
        c.transfers[i] = IMarginTypes.Transfer({
            instrument: leg.instrument,
            taker: taker,
            size: leg.size > 0 ? -int256(closed) : int256(closed),
            quote: LiquidationMath.proceeds(leg, closed, c.snapshot.sizeScale),
            mid: leg.mid
        });
        c.notionals[i] = MarginMath.notional(closed, leg.mid, c.snapshot.sizeScale);
    }

    /// @dev The penalty without the premium: keeper first, then taker, then insurance.
    function _split(Outcome memory outcome) internal view {
        (outcome.keeperReward, outcome.takerReward, outcome.insurance) = LiquidationMath.split(
            outcome.penalty - outcome.premium, KEEPER_SHARE_E6, KEEPER_FLOOR, KEEPER_CAP, TAKER_SHARE_E6
        );
    }

    /// @dev The penalty as a double entry: from the account to keeper, takers and insurance, by each transfer's notional (the
    /// premium by what each asks); what division leaves goes to the last.
    function _shares(Case memory c, Outcome memory outcome)
        internal
        view
        returns (IMarginTypes.Entry[] memory cash, IMarginTypes.Entry[] memory funds)
    {
        uint256 count = c.transfers.length;
        cash = new IMarginTypes.Entry[](count + 2);
        funds = new IMarginTypes.Entry[](count);
        uint256[] memory rewards = _rewards(c, outcome);
        uint256 left = outcome.insurance;
        for (uint256 i; i < count; ++i) {
            cash[i] = IMarginTypes.Entry(c.transfers[i].taker, rewards[i].toInt256());
            uint256 part = i == count - 1 ? left : outcome.insurance.mulDivDown(c.notionals[i], outcome.notional);
            funds[i] = IMarginTypes.Entry(c.transfers[i].instrument, part.toInt256());
            left -= part;
        }
        cash[count] = IMarginTypes.Entry(c.snapshot.account, -outcome.penalty.toInt256());
        cash[count + 1] = IMarginTypes.Entry(_accountOf(c.keeper), outcome.keeperReward.toInt256());
    }

    /// @dev Each taker's part of the penalty.
    function _rewards(Case memory c, Outcome memory outcome) internal pure returns (uint256[] memory rewards) {
        uint256 count = c.transfers.length;
        rewards = new uint256[](count);
        uint256 asked;
        for (uint256 i; i < count; ++i) asked += c.premiums[i];
        (uint256 left, uint256 premiumLeft) = (outcome.takerReward, outcome.premium);
        for (uint256 i; i < count; ++i) {
            bool last = i == count - 1;
            uint256 part = last ? left : outcome.takerReward.mulDivDown(c.notionals[i], outcome.notional);
            uint256 premium = last ? premiumLeft : outcome.premium.mulDivDown(c.premiums[i], asked == 0 ? 1 : asked);
            rewards[i] = part + premium;
            (left, premiumLeft) = (left - part, premiumLeft - premium);
        }
    }

    // Takers --------------------------------------------------------------------------------------------------------

    /// @dev For each transfer: does it only shrink what the taker already has on the other side?
    function _reducedOnly(IMarginTypes.Transfer[] memory transfers) internal view returns (bool[] memory reduced) {
        reduced = new bool[](transfers.length);
        for (uint256 i; i < transfers.length; ++i) {
            IMarginTypes.Transfer memory moved = transfers[i];
            reduced[i] = LedgerMath.reduces(_sizeOf(moved.taker, moved.instrument), -moved.size);
        }
    }

    /// @dev A taker meets its initial margin afterwards (the pool T · M), or has only reduced its own risk.
    function _proveTakers(Case memory c, bool[] memory reduced) internal view {
        bool fromPool = c.taker == 0;
        bool allReduced = true;
        for (uint256 i; i < c.transfers.length; ++i) {
            if (c.transfers[i].taker == c.snapshot.account) revert TakerIsAccount(c.snapshot.account);
            if (!reduced[i]) allReduced = false;
            bool asked = c.proving == ANY_TRANCHE || c.proving == c.transfers[i].instrument;
            if (fromPool && asked && !reduced[i]) _provePool(c.transfers[i].taker, c.book);
        }
        if (fromPool || allReduced) return;
        (IMarginTypes.Snapshot memory snapshot,) = IMarginEngine(ENGINE).load(c.taker, 0, c.book, true);
        IMarginTypes.Margin memory margin = MarginMath.judge(snapshot, true);
        uint256 debtLimit = margin.collateral.mulDivDown(IMarginEngine(ENGINE).OPEN_DEBT_LIMIT_E6(), 1e6);
        if (margin.backing() < int256(margin.initial) || margin.debt() > debtLimit) {
            revert TakerRefused(c.taker, margin.backing(), margin.initial);
        }
    }

    function _provePool(uint256 tranche, IPriceOracle.Price[] memory book) private view {
        (IMarginTypes.Snapshot memory snapshot,) = IMarginEngine(ENGINE).load(tranche, 0, book, true);
        IMarginTypes.Margin memory margin = MarginMath.judge(snapshot, false);
        uint256 need = margin.maintenance.mulDivUp(TARGET, WAD);
        if (margin.equity < int256(need)) revert TakerRefused(tranche, margin.equity, need);
    }

    // Small words ---------------------------------------------------------------------------------------------------

    function _requireLiquidatable(Case memory c) internal pure {
        if (c.margin.liquidatable()) return;
        revert NotLiquidatable(c.snapshot.account, c.margin.equity, c.margin.maintenance);
    }

    function _requireNonce(uint256 account, uint256 expected) internal view {
        if (expected == ANY_NONCE) return;
        uint256 nonce = IMarginEngine(ENGINE).accountState(account).nonce;
        if (nonce != expected) revert NonceChanged(account, nonce, expected);
    }

    function _sizeOf(uint256 account, uint256 instrument) internal view returns (int256) {
        return IMarginEngine(ENGINE).position(account, instrument).size;
    }

    function _accountOf(address owner) internal pure returns (uint256) {
        return uint256(uint160(owner)) << 96;
    }

    function _tranche(uint256 instrument) internal view returns (uint256) {
        return _accountOf(POOL) | (instrument + 1);
    }

    function _noPrices() internal pure returns (IPriceOracle.Price[] memory none) {}

    function _bubble(bytes memory reason) internal pure {
        Address.verifyCallResult(false, reason);
    }

    function _min(uint256 a, uint256 b) internal pure returns (uint256) {
        return a < b ? a : b;
    }
}
