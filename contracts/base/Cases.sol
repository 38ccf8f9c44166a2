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

    /// @dev One account while it is worked on. Per transfer: its notional, what its taker held before it, and the premium of a pool
    /// that it pushes off balance.
    /// proving: the instrument whose tranche must accept, or ANY_TRANCHE: all of them, as always but in a rehearsal.
    struct Case {
        IMarginTypes.Snapshot snapshot;
        IMarginTypes.Margin margin;
        IPriceOracle.Price[] book;
        IMarginTypes.Transfer[] transfers;
        uint256[] notionals;
        int256[] held;
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
        whole = WAD;
        for (uint256 i; i < legs.length; ++i) {
            IMarginTypes.Leg memory leg = legs[i];
            uint256 closed = LiquidationMath.closing(leg, fraction, c.snapshot.sizeScale);
            if (closed < leg.size.abs()) whole = fraction;
            _planTransfer(c, i, leg, _takerOf(c, leg), closed);
            notional += c.notionals[i];
        }
    }

    /// @dev Room for a transfer of every leg, and what its taker holds.
    function _reserveLegs(Case memory c) internal view {
        IMarginTypes.Leg[] memory legs = c.snapshot.legs;
        _reserve(c, legs.length);
        for (uint256 i; i < legs.length; ++i) c.held[i] = _sizeOf(_takerOf(c, legs[i]), legs[i].instrument);
    }

    function _reserve(Case memory c, uint256 transfers) internal pure {
        c.transfers = new IMarginTypes.Transfer[](transfers);
        c.notionals = new uint256[](transfers);
        c.held = new int256[](transfers);
        c.premiums = new uint256[](transfers);
    }

    function _takerOf(Case memory c, IMarginTypes.Leg memory leg) private view returns (uint256) {
        return c.taker == 0 ? _tranche(leg.instrument) : c.taker;
    }

    function _planTransfer(Case memory c, uint256 i, IMarginTypes.Leg memory leg, uint256 taker, uint256 closed)
        internal
        pure
    {
        IMarginTypes.Transfer memory moved = c.transfers[i];
        (moved.instrument, moved.taker, moved.mid) = (leg.instrument, taker, leg.mid);
        moved.size = leg.size > 0 ? -int256(closed) : int256(closed);
        moved.quote = LiquidationMath.proceeds(leg, closed, c.snapshot.sizeScale);
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
    /// @return cash of account and keeper; the rest is written to the transfers
    function _divide(Case memory c, Outcome memory outcome) internal pure returns (IMarginTypes.Entry[] memory cash) {
        uint256 last = c.transfers.length - 1;
        (uint256 taker, uint256 insurance, uint256 premium) = (outcome.takerReward, outcome.insurance, outcome.premium);
        uint256 asked;
        for (uint256 i; i <= last; ++i) asked += c.premiums[i];
        if (asked == 0) asked = 1;
        for (uint256 i; i < last; ++i) {
            uint256 toTaker = outcome.takerReward.mulDivDown(c.notionals[i], outcome.notional);
            uint256 toPool = outcome.premium.mulDivDown(c.premiums[i], asked);
            uint256 toInsurance = outcome.insurance.mulDivDown(c.notionals[i], outcome.notional);
            (c.transfers[i].cash, c.transfers[i].insurance) = (int256(toTaker + toPool), int256(toInsurance));
            (taker, insurance, premium) = (taker - toTaker, insurance - toInsurance, premium - toPool);
        }
        (c.transfers[last].cash, c.transfers[last].insurance) = (int256(taker + premium), int256(insurance));
        return _entries(c, -outcome.penalty.toInt256(), outcome.keeperReward);
    }

    function _seize(Case memory c, IMarginTypes.Entry[] memory cash) internal {
        IMarginTypes.Entry[] memory funds;
        IMarginTypes.Loss[] memory losses;
        IMarginEngine(ENGINE).seize(c.snapshot.account, c.transfers, cash, funds, losses);
    }

    function _entries(Case memory c, int256 own, uint256 reward) internal pure returns (IMarginTypes.Entry[] memory cash) {
        cash = new IMarginTypes.Entry[](2);
        (cash[0].id, cash[0].amount) = (c.snapshot.account, own);
        (cash[1].id, cash[1].amount) = (_accountOf(c.keeper), reward.toInt256());
    }

    // Takers --------------------------------------------------------------------------------------------------------

    /// @dev A taker meets its initial margin afterwards (the pool T · M), or has only shrunk what it had on the other side.
    function _proveTakers(Case memory c) internal view {
        bool fromPool = c.taker == 0;
        bool allReduced = true;
        for (uint256 i; i < c.transfers.length; ++i) {
            IMarginTypes.Transfer memory moved = c.transfers[i];
            if (moved.taker == c.snapshot.account) revert TakerIsAccount(moved.taker);
            if (LedgerMath.reduces(c.held[i], -moved.size)) continue;
            allReduced = false;
            bool asked = c.proving == ANY_TRANCHE || c.proving == moved.instrument;
            if (fromPool && asked) _provePool(moved.taker, c.book);
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
