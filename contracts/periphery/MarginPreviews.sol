// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ILiquidationEngine} from "../../interfaces/ILiquidationEngine.sol";
import {ILiquidityPool} from "../../interfaces/ILiquidityPool.sol";
import {IMarginEngine} from "../../interfaces/IMarginEngine.sol";
import {IMarginPreviews} from "../../interfaces/IMarginPreviews.sol";
import {IMarginTypes} from "../../interfaces/IMarginTypes.sol";
import {IPriceOracle} from "../../interfaces/IPriceOracle.sol";
import {LensReader} from "../base/LensReader.sol";
import {FixedPointMath} from "../libraries/FixedPointMath.sol";
import {LedgerMath} from "../libraries/LedgerMath.sol";
import {MarginMath} from "../libraries/MarginMath.sol";
import {PreviewMath} from "../libraries/PreviewMath.sol";
import {QuoteMath} from "../libraries/QuoteMath.sol";

/// @title The previews of the lens: verbs, played on accounts held in memory
/// @notice A trade and a withdrawal have a twin `…OrRevert` each, which takes the verb's steps in the verb's order and
/// reverts where it would, with its error: the preview calls it and keeps what it reverted with. A liquidation is
/// decided by the liquidation engine's own preview, and only played here.
contract MarginPreviews is IMarginPreviews, LensReader {
    using FixedPointMath for uint256;
    using FixedPointMath for int256;
    using PreviewMath for IMarginTypes.Snapshot;
    using SafeCast for int256;
    using SafeCast for uint256;

    uint256 private constant MAY_TRADE = 1;
    uint256 private constant MAX_INSTRUMENTS_HELD = 16;
    uint256 private constant ESTATE = 1;

    /// @dev A trade while it is played: the account is the taker, the pool's tranche the maker. proven: every refusal
    /// counts.
    struct Deal {
        uint256 account;
        uint256 instrument;
        int256 size;
        bool proven;
        int256 takerSize;
        int256 makerSize;
        bool takerAdds;
        bool makerAdds;
        uint256 openInterest;
        Loaded taker;
        Loaded maker;
        IMarginTypes.Margin takerBefore;
        IMarginTypes.Margin makerBefore;
        IMarginTypes.Risk risk;
        IMarginTypes.Limits limits;
        IMarginTypes.Funding funding;
        ILiquidityPool.MarketConfig market;
    }

    constructor(address engine, address liquidationEngine, address pool) LensReader(engine, liquidationEngine, pool) {}

    // A trade -------------------------------------------------------------------------------------------------------

    /// @inheritdoc IMarginPreviews
    function previewTrade(uint256 account, uint256 instrument, int256 size)
        external
        view
        returns (TradePreview memory preview)
    {
        try this.tradeOrRevert(account, instrument, size, true) returns (TradePreview memory done) {
            return done;
        } catch (bytes memory reason) {
            try this.tradeOrRevert(account, instrument, size, false) returns (TradePreview memory supposed) {
                preview = supposed;
            } catch (bytes memory again) {
                _reason(again);
            }
            (preview.ok, preview.reason) = (false, _reason(reason));
        }
    }

    /// @notice A trade with the pool, in the order of ILiquidityPool.trade and IMarginEngine.trade.
    /// @param proven false leaves out every refusal that the numbers do not need
    function tradeOrRevert(uint256 account, uint256 instrument, int256 size, bool proven)
        external
        view
        returns (TradePreview memory preview)
    {
        Deal memory deal;
        (deal.account, deal.instrument, deal.size, deal.proven) = (account, instrument, size, proven);
        _checkDeal(deal);
        _loadDeal(deal);
        uint256 mid = _quote(deal, preview);
        if (proven) _proveCaps(deal, mid);
        _playFill(deal, deal.taker.snapshot, size, preview.quote);
        _playFill(deal, deal.maker.snapshot, -size, -preview.quote);
        _payFee(deal, preview.fee);
        if (proven) {
            deal.taker.snapshot.prove(deal.takerAdds, deal.takerBefore, OPEN_DEBT_LIMIT_E6);
            deal.maker.snapshot.prove(deal.makerAdds, deal.makerBefore, OPEN_DEBT_LIMIT_E6);
        }
        preview.afterwards = _standing(deal.taker.snapshot);
        preview.ok = true;
    }

    /// @dev Who and what. The pool says nothing of a market that it does not quote: all of its terms are zero.
    function _checkDeal(Deal memory deal) private view {
        uint256 instrument = deal.instrument;
        (ILiquidityPool.MarketConfig memory market,) = ILiquidityPool(POOL).marketConfig(instrument);
        deal.market = market;
        if (uint256(market.spreadE6) | market.takerFeeE6 | market.makerFeeE6 | market.weightE6 | market.cap == 0) {
            revert ILiquidityPool.UnknownMarket(instrument);
        }
        if (deal.account == _tranche(instrument)) revert IMarginTypes.SameAccount(deal.account);
        if (deal.proven && address(uint160(deal.account >> 96)) != POOL) {
            uint256 bits = IMarginEngine(ENGINE).operatorBits(deal.account, POOL);
            if (bits & MAY_TRADE == 0) revert IMarginTypes.Unauthorized(POOL);
        }
        if (deal.size == 0) revert IMarginTypes.ZeroSize(instrument);
    }

    /// @dev The prices, both sides, and the margin before of whoever only reduces.
    function _loadDeal(Deal memory deal) private view {
        (uint256 instrument, uint256 maker) = (deal.instrument, _tranche(deal.instrument));
        (deal.risk, deal.limits, deal.funding) = IMarginEngine(ENGINE).instrumentConfig(instrument);
        (deal.takerSize, deal.makerSize) = (_sizeOf(deal.account, instrument), _sizeOf(maker, instrument));
        deal.takerAdds = !LedgerMath.reduces(deal.takerSize, deal.size);
        deal.makerAdds = !LedgerMath.reduces(deal.makerSize, -deal.size);
        bool strictly = deal.proven && deal.takerAdds;
        if (strictly) IMarginEngine(ENGINE).requirePeg();
        deal.maker = _load(maker, instrument, deal.maker.book, strictly);
        if (deal.proven && _haltedAt(deal.maker.book, deal.risk.feed) != 0) {
            revert IMarginTypes.InstrumentHalted(instrument);
        }
        deal.taker = _load(deal.account, instrument, deal.maker.book, strictly);
        if (!deal.takerAdds) deal.takerBefore = MarginMath.judge(deal.taker.snapshot, false);
        if (!deal.makerAdds) deal.makerBefore = MarginMath.judge(deal.maker.snapshot, false);
    }

    function _quote(Deal memory deal, TradePreview memory preview) private view returns (uint256 mid) {
        mid = deal.maker.snapshot.legOf(deal.instrument).mid;
        uint256 scale = deal.funding.scale;
        ILiquidityPool.MarketConfig memory market = deal.market;
        (uint256 before, uint256 afterwards) = QuoteMath.skew(deal.size, deal.makerSize);
        uint256 widened = afterwards - before;
        if (widened > 0 && afterwards >= scale) {
            revert ILiquidityPool.SkewTooLarge(deal.instrument, afterwards, scale);
        }
        if (deal.proven && deal.makerAdds && ILiquidityPool(POOL).isFrozen(deal.instrument)) {
            revert ILiquidityPool.MarketFrozen(deal.instrument);
        }
        preview.quote = QuoteMath.amount(deal.size, before, afterwards, mid, scale, SIZE_SCALE, market.spreadE6);
        preview.fee = QuoteMath.fee(deal.size, widened, mid, SIZE_SCALE, market.takerFeeE6, market.makerFeeE6);
        preview.price = QuoteMath.price(deal.size, preview.quote, SIZE_SCALE);
        deal.openInterest =
            PreviewMath.openInterest(_openInterest(deal.instrument), deal.takerSize, deal.makerSize, deal.size);
    }

    function _haltedAt(IPriceOracle.Price[] memory book, uint256 feed) private pure returns (uint256) {
        uint256 i;
        while (book[i].feed != feed) ++i;
        return book[i].haltedAt;
    }

    function _proveCaps(Deal memory deal, uint256 mid) private view {
        (uint256 account, uint256 id, uint256 openInterest) = (deal.account, deal.instrument, deal.openInterest);
        if (deal.takerSize == 0) _proveHolding(account);
        if (deal.takerAdds && deal.risk.reduceOnly) revert IMarginTypes.InstrumentReduceOnly(id);
        if (openInterest > _openInterest(id)) {
            (uint256 units, uint256 most) = (deal.limits.capUnits, deal.limits.capValue);
            if (openInterest > units) revert IMarginTypes.CapExceeded(id, openInterest, units);
            uint256 worth = MarginMath.notional(openInterest, mid, SIZE_SCALE);
            if (worth > most) revert IMarginTypes.CapExceeded(id, worth, most);
        }
        uint256 size = (deal.takerSize + deal.size).abs();
        uint256 value = MarginMath.notional(size, mid, SIZE_SCALE);
        uint256 minimum = deal.limits.minNotional;
        if (size != 0 && value < minimum) revert IMarginTypes.BelowMinimum(account, id, value, minimum);
    }

    /// @dev Whether an account may hold one instrument more.
    function _proveHolding(uint256 account) private view {
        IMarginTypes.Account memory state = _stateOf(account);
        if (PreviewMath.count(state.instruments) >= MAX_INSTRUMENTS_HELD) {
            revert IMarginTypes.TooManyInstruments(account, MAX_INSTRUMENTS_HELD);
        }
        if (state.flags & ESTATE != 0) revert IMarginTypes.EstateOpen(account, _forgiven(account));
    }

    function _playFill(Deal memory deal, IMarginTypes.Snapshot memory snapshot, int256 size, int256 quote)
        private
        pure
    {
        snapshot.fill(deal.instrument, size, quote);
        snapshot.legOf(deal.instrument).oiFactor = MarginMath.oiFactor(deal.openInterest, deal.limits);
    }

    function _payFee(Deal memory deal, uint256 fee) private pure {
        uint256 insurance = fee.mulDivDown(deal.funding.insuranceShareE6, 1e6);
        uint256 treasury = fee.mulDivDown(deal.funding.treasuryShareE6, 1e6);
        deal.taker.snapshot.cash -= fee.toInt256();
        deal.maker.snapshot.cash += (fee - insurance - treasury).toInt256();
    }

    // A liquidation -------------------------------------------------------------------------------------------------

    /// @inheritdoc IMarginPreviews
    function previewLiquidation(uint256 account, uint256 maxFraction)
        external
        view
        returns (LiquidationPreview memory preview)
    {
        try ILiquidationEngine(LIQUIDATION_ENGINE).preview(account, maxFraction) returns (
            ILiquidationEngine.Outcome memory outcome,
            IMarginTypes.Transfer[] memory transfers
        ) {
            preview.outcome = outcome;
            _playLiquidation(preview, account, transfers);
            preview.ok = preview.reason.length == 0;
        } catch (bytes memory reason) {
            preview.reason = _reason(reason);
        }
    }

    /// @dev What the liquidation engine decided, leg by leg; the penalty last.
    function _playLiquidation(
        LiquidationPreview memory preview,
        uint256 account,
        IMarginTypes.Transfer[] memory transfers
    ) private view {
        Loaded memory loaded = _tryLoad(account, 0, new IPriceOracle.Price[](0), true);
        _bubble(loaded);
        for (uint256 i; i < transfers.length; ++i) {
            bytes memory refusal = _playTransfer(loaded, transfers[i]);
            if (preview.reason.length == 0) preview.reason = refusal;
        }
        loaded.snapshot.cash -= preview.outcome.penalty.toInt256();
        preview.afterwards = _standing(loaded.snapshot);
    }

    /// @dev One leg goes to its tranche, with the tranche's part of the penalty.
    function _playTransfer(Loaded memory loaded, IMarginTypes.Transfer memory moved)
        private
        view
        returns (bytes memory)
    {
        if (moved.taker == loaded.snapshot.account) {
            return abi.encodeWithSelector(ILiquidationEngine.TakerIsAccount.selector, moved.taker);
        }
        int256 held = _sizeOf(moved.taker, moved.instrument);
        IMarginTypes.Leg memory leg = loaded.snapshot.legOf(moved.instrument);
        (, IMarginTypes.Limits memory limits,) = IMarginEngine(ENGINE).instrumentConfig(moved.instrument);
        uint256 openInterest = _openInterest(moved.instrument);
        leg.oiFactor = MarginMath.oiFactor(PreviewMath.openInterest(openInterest, leg.size, held, moved.size), limits);
        loaded.snapshot.fill(moved.instrument, moved.size, moved.quote);
        if (LedgerMath.reduces(held, -moved.size)) return "";
        IMarginTypes.Snapshot memory pool = _load(moved.taker, moved.instrument, loaded.book, true).snapshot;
        pool.fill(moved.instrument, -moved.size, -moved.quote);
        pool.cash += moved.cash;
        return _refusal(pool);
    }

    /// @dev The pool takes what leaves its tranche at T · M or above.
    function _refusal(IMarginTypes.Snapshot memory pool) private view returns (bytes memory) {
        IMarginTypes.Margin memory margin = MarginMath.judge(pool, false);
        uint256 need = margin.maintenance.mulDivUp(ILiquidationEngine(LIQUIDATION_ENGINE).TARGET(), WAD);
        if (margin.equity >= int256(need)) return "";
        bytes4 selector = ILiquidationEngine.TakerRefused.selector;
        return abi.encodeWithSelector(selector, pool.account, margin.equity, need);
    }
}
