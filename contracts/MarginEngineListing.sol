// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IMarginListing} from "../interfaces/IMarginListing.sol";
import {IPriceOracle} from "../interfaces/IPriceOracle.sol";
import {FixedPointMath} from "./libraries/FixedPointMath.sol";
import {MarginMath} from "./libraries/MarginMath.sol";
import {Packing} from "./libraries/Packing.sol";
import {Ledger} from "./base/Ledger.sol";
import {Posting} from "./base/Posting.sol";

/// @title The third part of the margin engine: what it judges by, and the books of the house
/// @notice MarginEngineExtension delegates to it whatever neither the engine nor itself implements. Only Parameters sets.
contract MarginEngineListing is IMarginListing, Posting {
    using FixedPointMath for uint256;
    using Packing for *;
    using SafeCast for uint256;

    constructor(Setup memory setup) Ledger(setup) {}

    /// @inheritdoc IMarginListing
    function setInstrument(uint256 instrument, Risk calldata risk, Limits calldata limits, Funding calldata funding)
        external
        only(PARAMETERS)
    {
        if (instrument == _house.instruments) ++_house.instruments;
        _requireFeedFree(instrument, risk.feed);
        _bringToNow(instrument);
        _risks[instrument] = risk;
        _limits[instrument] = limits;
        _fundings[instrument] = funding;
    }

    /// @dev All positions on a feed that is halted for good settle at one price.
    function _requireFeedFree(uint256 instrument, uint256 feed) private view {
        (uint256 openInterest, uint256 current) = (_markets[instrument].openInterest, _risks[instrument].feed);
        if (openInterest == 0 || feed == current) return;
        if (IPriceOracle(ORACLE).isFinal(current)) revert FeedInUse(instrument, openInterest);
    }

    /// @dev New funding parameters charge no past time. Where the price is invalid the time since is forgiven.
    function _bringToNow(uint256 instrument) private {
        Market storage stored = _markets[instrument];
        if (_risks[instrument].listed) {
            (IPriceOracle.Price memory price, IPriceOracle.Fault fault,,) =
                IPriceOracle(ORACLE).peek(_risks[instrument].feed, false);
            if (fault == IPriceOracle.Fault.None) _touch(instrument, price.mid);
        }
        stored.time = uint32(block.timestamp);
    }

    /// @inheritdoc IMarginListing
    function setCollateral(uint256 collateral, Collateral calldata config) external only(PARAMETERS) {
        if (collateral == _house.collaterals) {
            if (config.token == SETTLEMENT || _collateralIds[config.token] != 0) revert TokenListed(config.token);
            _collateralIds[config.token] = ++_house.collaterals;
        }
        _collaterals[collateral] = config;
    }

    /// @inheritdoc IMarginListing
    function setInterest(uint256 rateE9) external only(PARAMETERS) {
        _house.interestBase = uint48(_interestIndex());
        _house.interestTime = uint32(block.timestamp);
        _house.interestRateE9 = uint32(rateE9);
    }

    /// @inheritdoc IMarginListing
    function setTreasury(uint256 account) external only(PARAMETERS) {
        _treasury = account;
    }

    /// @inheritdoc IMarginListing
    function collateralTotal(uint256 collateral) external view returns (uint256) {
        return _collateralTotals[collateral];
    }

    /// @inheritdoc IMarginListing
    function instrumentCount() external view returns (uint256) {
        return _house.instruments;
    }

    /// @inheritdoc IMarginListing
    function collateralCount() external view returns (uint256) {
        return _house.collaterals;
    }

    /// @inheritdoc IMarginListing
    function treasury() external view returns (uint256) {
        return _treasury;
    }

    /// @inheritdoc IMarginListing
    function collateralConfig(uint256 collateral) external view returns (Collateral memory) {
        return _collaterals[collateral];
    }

    // Insurance, bad debt, halted instruments -----------------------------------------------------------------------

    /// @inheritdoc IMarginListing
    function fund(uint256 instrument, uint256 amount) external nonReentrant returns (uint256 credited) {
        _feedOf(instrument);
        credited = _pull(CASH_ACCOUNT, SETTLEMENT, amount, msg.sender);
        _setFund(instrument, credited.toInt256(), 0);
        _payFromFund(instrument);
    }

    /// @inheritdoc IMarginListing
    function payBadDebt(uint256 amount) external nonReentrant returns (uint256 paid) {
        paid = Math.min(amount, _house.badDebt);
        if (paid == 0) revert ZeroAmount();
        paid = _pull(CASH_ACCOUNT, SETTLEMENT, paid, msg.sender);
        _relieve(paid, NO_INSTRUMENT);
    }

    /// @inheritdoc IMarginListing
    function drain(uint256 instrument) external nonReentrant returns (uint256 paid) {
        uint256 feed = _feedOf(instrument);
        if (_indebted & (1 << instrument) == 0) revert NothingOwed(instrument);
        IPriceOracle.Price[] memory none;
        uint256 mid = _complete(none, 1 << feed, false)[0].mid;
        _touch(instrument, mid);
        // One after the other: in a sum the compiler evaluates the last first.
        paid = _payFromFund(instrument);
        paid += _drainSide(instrument, true, mid);
        paid += _drainSide(instrument, false, mid);
    }

    function _drainSide(uint256 instrument, bool long, uint256 mid) private returns (uint256 paid) {
        uint256 owed = _deficits[instrument][long].owed;
        if (owed == 0) return 0;
        paid = _charge(instrument, long, owed, mid);
        emit LossShared(instrument, long, owed, paid, owed - paid);
        if (paid == 0) return 0;
        _setDeficit(instrument, long, owed - paid);
        _setBadDebt(-int256(paid));
    }

    /// @dev An instrument's insurance pays the bad debt of its own sides.
    function _payFromFund(uint256 instrument) private returns (uint256 paid) {
        paid = _relieveInstrument(instrument, _funds[instrument].insurance);
        if (paid == 0) return 0;
        _setFund(instrument, -int256(paid), 0);
        _setBadDebt(-int256(paid));
    }

    /// @inheritdoc IMarginListing
    function settleHalted(uint256 instrument, uint256 long, uint256 short) external nonReentrant returns (uint256 size) {
        uint256 feed = _feedOf(instrument);
        if (!IPriceOracle(ORACLE).isFinal(feed)) revert HaltNotFinal(feed);
        (int256 bought, int256 sold) = (_sizeOf(long, instrument), -_sizeOf(short, instrument));
        if (bought <= 0 || sold <= 0) revert NothingToSettle(instrument, long, short);
        IPriceOracle.Price[] memory book = _requireSolvent(long, new IPriceOracle.Price[](0));
        book = _requireSolvent(short, book);
        uint256 mid = book[_indexOf(book, feed)].mid;
        size = Math.min(uint256(bought), uint256(sold));
        int256 quote = size.mulDivDown(mid, SIZE_SCALE).toInt256();
        Market memory market = _accrued(instrument, mid);
        _fill(Party(long, 0, true), _legAt(long, instrument, market), market, -int256(size), quote);
        _fill(Party(short, 0, true), _legAt(short, instrument, market), market, int256(size), -quote);
        _markets[instrument].write(market);
        emit HaltedSettled(instrument, long, short, size, mid);
    }

    function _requireSolvent(uint256 account, IPriceOracle.Price[] memory book)
        private
        view
        returns (IPriceOracle.Price[] memory)
    {
        Snapshot memory snapshot;
        book = _load(snapshot, account, 0, book, false);
        int256 equity = MarginMath.judge(snapshot, false).equity;
        if (equity < 0) revert AccountInsolvent(account, equity);
        return book;
    }

    /// @inheritdoc IMarginListing
    function claimFees(uint256 instrument) external nonReentrant returns (uint256 amount) {
        amount = _funds[instrument].treasury;
        if (amount == 0) revert ZeroAmount();
        if (_treasury == 0) revert NoTreasury();
        _setFund(instrument, 0, -amount.toInt256());
        _post(_treasury, amount.toInt256(), true);
    }

    /// @inheritdoc IMarginListing
    function settle(uint256 account) external nonReentrant {
        Snapshot memory snapshot;
        _load(snapshot, account, 0, new IPriceOracle.Price[](0), false);
        for (uint256 i; i < snapshot.legs.length; ++i) {
            Leg memory leg = snapshot.legs[i];
            _fill(Party(account, 0, false), leg, _touch(leg.instrument, leg.mid), 0, 0);
        }
        _post(account, 0, true);
    }

    /// @inheritdoc IMarginListing
    function badDebt() external view returns (uint256) {
        return _house.badDebt;
    }

    /// @inheritdoc IMarginListing
    function deficitOf(uint256 instrument, bool long) external view returns (Deficit memory) {
        return _deficits[instrument][long];
    }

    /// @inheritdoc IMarginListing
    function payoutRatio() external view returns (uint256) {
        return _payoutRatio();
    }

    /// @inheritdoc IMarginListing
    function claims() external view returns (uint256 settlement, uint256 owed) {
        return _claims();
    }

    /// @inheritdoc IMarginListing
    function operatorBits(uint256 account, address operator) external view returns (uint256) {
        return _operatorBits(account, operator);
    }
}
