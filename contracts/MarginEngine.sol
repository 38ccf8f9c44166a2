// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IEscrow} from "../interfaces/IEscrow.sol";
import {IEscrowModule} from "../interfaces/IEscrowModule.sol";
import {IMarginCore} from "../interfaces/IMarginCore.sol";
import {IMarginTypes} from "../interfaces/IMarginTypes.sol";
import {IPriceOracle} from "../interfaces/IPriceOracle.sol";
import {IVenue} from "../interfaces/IVenue.sol";
import {Ledger} from "./base/Ledger.sol";
import {Delegating} from "./base/Delegating.sol";
import {Posting} from "./base/Posting.sol";
import {FixedPointMath} from "./libraries/FixedPointMath.sol";
import {LedgerMath} from "./libraries/LedgerMath.sol";
import {MarginMath} from "./libraries/MarginMath.sol";
import {Packing} from "./libraries/Packing.sol";

/// @title MarginEngine: READ THIS FIRST
/// @notice Accounts, the matched ledger and the margin rule. Every verb has the same five beats: check (who, what) · load
/// (prices and indices, once) · act (the ledger changes) · prove (margin, caps) · tell and pay (events, then tokens).
/// Storage is in base/Ledger.sol, posting in base/Posting.sol, the rule itself in libraries/MarginMath.sol, listing rules in
/// Parameters.sol. Operators, collateral in and out, and what a liquidation takes are in MarginEngineExtension.sol; insurance, bad debt
/// and settling in MarginEngineListing.sol. IDs like MAR-1 are in docs/invariants.md; what an estate is, in docs/spec.md §8.
contract MarginEngine is IMarginCore, IEscrowModule, Posting, Delegating {
    using FixedPointMath for uint256;
    using FixedPointMath for int256;
    using Packing for *;
    using MarginMath for Margin;
    using SafeCast for uint256;
    using SafeERC20 for IERC20;

    /// @dev One side of a trade while it runs. equity, maintenance: before it, where its risk does not grow.
    struct Side {
        Snapshot snapshot;
        bool adds;
        int256 equity;
        uint256 maintenance;
    }

    /// @dev adds: somebody's risk grows (other than by taking over a reducing account's as the pool).
    struct Deal {
        Side taker;
        Side maker;
        bool adds;
        IVenue.Order[] orders;
    }

    address public immutable EXTENSION;

    constructor(Setup memory setup, address extension) Ledger(setup) {
        if (IMarginTypes(extension).SETUP_HASH() != SETUP_HASH) revert WrongExtension(extension);
        EXTENSION = extension;
    }

    /// @dev What is not here is in the extension, for ever: the same storage, the same immutables.
    function _secondPart() internal view override returns (address) {
        return EXTENSION;
    }

    // Settlement tokens in and out ----------------------------------------------------------------------------------

    /// @inheritdoc IMarginCore
    function deposit(uint256 account, address token, uint256 amount, uint256 minRatio)
        external
        returns (uint256 credited)
    {
        // Collateral: MarginEngineExtension.
        if (token != SETTLEMENT) _delegate();
        return _depositCash(account, amount, minRatio);
    }

    function _depositCash(uint256 account, uint256 amount, uint256 minRatio) private nonReentrant returns (uint256 credited) {
        _mayDeposit(amount, minRatio);
        credited = _pull(CASH_ACCOUNT, SETTLEMENT, amount, msg.sender);
        _post(account, credited.toInt256(), true);
        emit Deposited(account, SETTLEMENT, msg.sender, credited);
    }

    /// @inheritdoc IEscrowModule
    function onPull(address token, uint256 amount, bytes calldata data) external {
        _only(ESCROW);
        IERC20(token).safeTransferFrom(abi.decode(data, (address)), ESCROW, amount);
    }

    /// @inheritdoc IMarginCore
    function withdraw(uint256 account, address token, uint256 amount, address to, uint256 minOut)
        external
        returns (uint256 paid)
    {
        if (token != SETTLEMENT) _delegate();
        return _withdrawCash(account, amount, to, minOut);
    }

    function _withdrawCash(uint256 account, uint256 amount, address to, uint256 minOut)
        private
        nonReentrant
        returns (uint256 paid)
    {
        _mayWithdraw(account, amount, to);
        (amount, paid) = _takeCash(account, amount);
        if (paid < minOut) revert BelowMinOut(paid, minOut);
        emit Withdrawn(account, SETTLEMENT, to, amount, paid);
        _tell(account);
        IEscrow(ESCROW).release(CASH_ACCOUNT, SETTLEMENT, paid, to);
    }

    /// @dev While bad debt is recorded it is paid off by what the withdrawal is short of: the ratio stays as it is (LIQ-6).
    /// @return taken from cash: `amount`, or what escrow can pay for
    function _takeCash(uint256 account, uint256 amount) private returns (uint256 taken, uint256 paid) {
        int256 cash = _accounts[account].cash;
        if (cash < amount.toInt256()) revert InsufficientCash(account, cash, amount);
        (uint256 settlement, uint256 owed) = _claims();
        taken = Math.min(amount, owed);
        if (taken < amount) emit WithdrawalCut(account, amount - taken);
        paid = owed == 0 ? 0 : taken.mulDivDown(settlement, owed);
        if (paid == 0) revert NothingInEscrow(amount);
        // ⌈taken · B/(S+B)⌉, which is at most B.
        if (paid < taken) _relieve(taken - paid, NO_INSTRUMENT);
        _spend(account, taken);
    }

    // Trade ---------------------------------------------------------------------------------------------------------

    /// @inheritdoc IMarginCore
    function trade(uint256 taker, uint256 maker, Fill[] calldata fills, bytes calldata data)
        external
        nonReentrant
        returns (int256[] memory quotes, uint256 fee)
    {
        if (taker == maker) revert SameAccount(taker);
        if (fills.length == 0) revert NoOrders();
        _authorise(taker, MAY_TRADE);
        _authorise(maker, MAY_TRADE);
        // At a price of its owner's an estate would hand over what it owes to who paid for it: it closes with the pool.
        if (_owner(maker) != POOL) {
            _requireNoEstate(taker);
            _requireNoEstate(maker);
        }
        Deal memory deal;
        _loadDeal(deal, taker, maker, fills);
        uint256[] memory fees;
        (quotes, fees) = IVenue(msg.sender).quote(taker, maker, deal.orders, data);
        if (quotes.length != fills.length) revert WrongQuotes(quotes.length, fills.length);
        if (fees.length != fills.length) revert WrongQuotes(fees.length, fills.length);
        for (uint256 i; i < fills.length; ++i) {
            _match(deal, deal.orders[i], quotes[i], fees[i], i == fills.length - 1);
            fee += fees[i];
        }
        _prove(deal.taker);
        _prove(deal.maker);
        emit Traded(msg.sender, taker, maker, fee);
    }

    /// @dev Reads each price once, brings the traded markets to this second, loads both sides and judges whoever only reduces.
    function _loadDeal(Deal memory deal, uint256 taker, uint256 maker, Fill[] calldata fills) private {
        uint256 feeds;
        uint256 traded;
        deal.orders = new IVenue.Order[](fills.length);
        for (uint256 i; i < fills.length; ++i) {
            (uint256 instrument, int256 size) = (fills[i].instrument, fills[i].size);
            if (size == 0) revert ZeroSize(instrument);
            if (traded & (1 << instrument) != 0) revert RepeatedInstrument(instrument);
            traded |= 1 << instrument;
            feeds |= 1 << _feedOf(instrument);
            IVenue.Order memory order = deal.orders[i];
            (order.instrument, order.size, order.makerSize) = (instrument, size, _sizeOf(maker, instrument));
            if (!LedgerMath.reduces(_sizeOf(taker, instrument), size)) deal.taker.adds = true;
            if (!LedgerMath.reduces(order.makerSize, -size)) deal.maker.adds = true;
        }
        bool isPool = _owner(maker) == POOL;
        deal.adds = deal.taker.adds || (deal.maker.adds && !isPool);
        if (deal.adds) _requirePeg();
        IPriceOracle.Price[] memory book;
        book = _complete(book, feeds, deal.adds);
        for (uint256 i; i < fills.length; ++i) _price(deal.orders[i], book, deal.adds || isPool);
        _loadSide(deal.taker, taker, traded, book);
        _loadSide(deal.maker, maker, traded, book);
    }

    /// @dev Prices an order, and brings its market to this second.
    function _price(IVenue.Order memory order, IPriceOracle.Price[] memory book, bool live) private {
        IPriceOracle.Price memory price = book[_indexOf(book, _risks[order.instrument].feed)];
        if (live && price.haltedAt != 0) revert InstrumentHalted(order.instrument);
        (order.lo, order.mid, order.hi) = (price.lo, price.mid, price.hi);
        order.scale = _fundings[order.instrument].scale;
        _touch(order.instrument, price.mid);
    }

    function _loadSide(Side memory side, uint256 account, uint256 traded, IPriceOracle.Price[] memory book) private view {
        _load(side.snapshot, account, traded, book, side.adds);
        if (side.adds) return;
        Margin memory margin = MarginMath.judge(side.snapshot, false);
        (side.equity, side.maintenance) = (margin.equity, margin.maintenance);
    }

    /// @dev One fill of both sides, with its fee, in storage and in the snapshots that are judged next.
    function _match(Deal memory deal, IVenue.Order memory order, int256 quote, uint256 fee, bool last) private {
        uint256 id = order.instrument;
        (Snapshot memory taker, Snapshot memory maker) = (deal.taker.snapshot, deal.maker.snapshot);
        Leg memory taken = taker.legs[MarginMath.indexOf(taker.legs, id)];
        Leg memory made = maker.legs[MarginMath.indexOf(maker.legs, id)];
        Market memory market = _markets[id].read();
        uint256 before = market.openInterest;
        uint256 share = fee == 0 ? 0 : fee - _houseShare(id, fee);
        taker.cash = _fill(Party(taker.account, -fee.toInt256(), last), taken, market, order.size, quote);
        maker.cash = _fill(Party(maker.account, share.toInt256(), last), made, market, -order.size, -quote);
        _markets[id].write(market);
        Limits memory limits = _limits[id];
        _proveCaps(deal.adds, order, limits, before, market.openInterest);
        _proveMinimum(taker.account, taken, order.mid);
        _proveMinimum(maker.account, made, order.mid);
        taken.oiFactor = MarginMath.oiFactor(market.openInterest, limits);
        made.oiFactor = taken.oiFactor;
    }

    /// @dev What insurance and treasury get of a fee.
    function _houseShare(uint256 instrument, uint256 fee) private returns (uint256) {
        Funding memory shares = _fundings[instrument];
        uint256 insurance = fee.mulDivDown(shares.insuranceShareE6, 1e6);
        uint256 treasury_ = fee.mulDivDown(shares.treasuryShareE6, 1e6);
        _setFund(instrument, insurance.toInt256(), treasury_.toInt256());
        return insurance + treasury_;
    }

    /// @dev Open interest may not grow past its caps, nor a reduce-only instrument gain risk.
    function _proveCaps(bool adds, IVenue.Order memory order, Limits memory limits, uint256 before, uint256 openInterest)
        private
        view
    {
        uint256 id = order.instrument;
        if (adds && _risks[id].reduceOnly) revert InstrumentReduceOnly(id);
        if (openInterest <= before) return;
        if (openInterest > limits.capUnits) revert CapExceeded(id, openInterest, limits.capUnits);
        uint256 value = MarginMath.notional(openInterest, order.mid, SIZE_SCALE);
        if (value > limits.capValue) revert CapExceeded(id, value, limits.capValue);
    }

    /// @dev A position is large enough to pay for its liquidation, or it is the pool's.
    function _proveMinimum(uint256 account, Leg memory leg, uint256 mid) private view {
        if (leg.size == 0 || _owner(account) == POOL) return;
        uint256 value = MarginMath.notional(leg.size.abs(), mid, SIZE_SCALE);
        if (value < leg.minNotional) revert BelowMinimum(account, leg.instrument, value, leg.minNotional);
    }

    // The proof -----------------------------------------------------------------------------------------------------

    /// @dev MAR-1: the opening test holds; or risk was only reduced, health is not worse, and equity not below min(before, 0).
    function _prove(Side memory side) private view {
        Snapshot memory snapshot = side.snapshot;
        if (side.adds) return _requireInitial(snapshot);
        Margin memory margin = MarginMath.judge(snapshot, false);
        bool kept = margin.equity * int256(side.maintenance) >= side.equity * int256(margin.maintenance);
        int256 least = side.equity < 0 ? side.equity : int256(0);
        if (kept && margin.equity >= least) return;
        if (_meetsInitial(MarginMath.judge(snapshot, true))) return;
        revert HealthWorsened(snapshot.account, margin.equity, margin.maintenance);
    }

    // Views ---------------------------------------------------------------------------------------------------------

    /// @inheritdoc IMarginCore
    function accountState(uint256 account) external view returns (Account memory) {
        return _accounts[account];
    }

    /// @inheritdoc IMarginCore
    function position(uint256 account, uint256 instrument) external view returns (Position memory) {
        return _positions[account][instrument];
    }
}
