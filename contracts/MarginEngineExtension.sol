// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Proxy} from "@openzeppelin/contracts/proxy/Proxy.sol";
import {IMarginTypes} from "../interfaces/IMarginTypes.sol";
import {IMarginExtension} from "../interfaces/IMarginExtension.sol";
import {IEscrow} from "../interfaces/IEscrow.sol";
import {IPriceOracle} from "../interfaces/IPriceOracle.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IFlashBuyer} from "../interfaces/IFlashBuyer.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Ledger} from "./base/Ledger.sol";
import {Posting} from "./base/Posting.sol";
import {FixedPointMath} from "./libraries/FixedPointMath.sol";
import {MarginMath} from "./libraries/MarginMath.sol";
import {Packing} from "./libraries/Packing.sol";

/// @title The second part of the margin engine: liquidation, losses, and its rarer verbs
/// @notice MarginEngine delegates to it whatever it does not implement itself, and it to MarginEngineListing, in the engine's own
/// storage: all three are a Ledger, made with the same Setup. Nothing here can be replaced.
contract MarginEngineExtension is IMarginExtension, Posting, Proxy {
    using FixedPointMath for uint256;
    using Packing for *;
    using SafeCast for uint256;

    address public immutable LISTING;

    constructor(Setup memory setup, address listing) Ledger(setup) {
        if (IMarginTypes(listing).SETUP_HASH() != SETUP_HASH) revert WrongExtension(listing);
        LISTING = listing;
    }

    function _implementation() internal view override returns (address) {
        return LISTING;
    }

    /// @inheritdoc IMarginExtension
    function setOperator(uint256 account, address operator, uint256 bits) external {
        _only(_owner(account));
        if (bits > MAY_TRADE | MAY_WITHDRAW) revert InvalidParameter("bits", bits, MAY_TRADE | MAY_WITHDRAW);
        if (operator != POOL) _operators[account][operator] = bits;
        else _accounts[account].flags = uint8(_accounts[account].flags & ESTATE | bits << POOL_BITS);
        emit OperatorSet(account, operator, bits);
    }

    /// @inheritdoc IMarginExtension
    function moveCash(uint256 from, uint256 to, uint256 amount) external nonReentrant {
        if (amount == 0) revert ZeroAmount();
        if (from == to) revert SameAccount(from);
        if (_owner(from) != _owner(to)) revert DifferentOwners(from, to);
        _authorise(from, MAY_WITHDRAW);
        _spend(from, amount);
        _post(to, amount.toInt256(), true);
        emit CashMoved(from, to, amount);
        _tell(from);
    }

    // Liquidation ----------------------------------------------------------------------------------------------------

    /// @inheritdoc IMarginExtension
    function seize(
        uint256 account,
        Transfer[] calldata transfers,
        Entry[] calldata cash,
        Entry[] calldata funds,
        Loss[] calldata losses
    ) external nonReentrant only(LIQUIDATION_ENGINE) {
        int256 sum;
        for (uint256 i; i < losses.length; ++i) {
            sum -= losses[i].amount.toInt256();
            _share(losses[i]);
        }
        int256 own;
        for (uint256 i; i < cash.length; ++i) {
            sum += cash[i].amount;
            if (cash[i].id == account) own += cash[i].amount;
        }
        sum += _move(account, transfers, own);
        for (uint256 i; i < cash.length; ++i) {
            if (cash[i].id != account) _post(cash[i].id, cash[i].amount, true);
        }
        for (uint256 i; i < funds.length; ++i) {
            sum += funds[i].amount;
            _setFund(funds[i].id, funds[i].amount, 0);
        }
        if (sum != 0) revert Unbalanced(sum);
    }

    /// @dev The account's own cash comes with its first position: an estate repays what it has left when its last one closes.
    /// @return sum what takers and insurance got
    function _move(uint256 account, Transfer[] calldata transfers, int256 own) private returns (int256 sum) {
        if (transfers.length == 0) _post(account, own, true);
        for (uint256 i; i < transfers.length; ++i) {
            Transfer calldata moved = transfers[i];
            uint256 id = moved.instrument;
            Market memory market = _accrued(id, moved.mid);
            bool last = i == transfers.length - 1;
            _fill(Party(account, own, last), _legAt(account, id, market), market, moved.size, moved.quote);
            own = 0;
            _fill(Party(moved.taker, moved.cash, true), _legAt(moved.taker, id, market), market, -moved.size, -moved.quote);
            _markets[id].write(market);
            if (moved.insurance != 0) _setFund(id, moved.insurance, 0);
            sum += moved.cash + moved.insurance;
        }
    }

    // Insurance, bad debt, halted instruments -----------------------------------------------------------------------

    /// @inheritdoc IMarginExtension
    function fund(uint256 instrument, uint256 amount) external nonReentrant returns (uint256 credited) {
        _feedOf(instrument);
        credited = _pull(CASH_ACCOUNT, SETTLEMENT, amount, msg.sender);
        _setFund(instrument, credited.toInt256(), 0);
        _payFromFund(instrument);
    }

    /// @inheritdoc IMarginExtension
    function payBadDebt(uint256 amount) external nonReentrant returns (uint256 paid) {
        paid = Math.min(amount, _house.badDebt);
        if (paid == 0) revert ZeroAmount();
        paid = _pull(CASH_ACCOUNT, SETTLEMENT, paid, msg.sender);
        _relieve(paid, NO_INSTRUMENT);
    }

    /// @inheritdoc IMarginExtension
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

    /// @inheritdoc IMarginExtension
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

    /// @inheritdoc IMarginExtension
    function claimFees(uint256 instrument) external nonReentrant returns (uint256 amount) {
        amount = _funds[instrument].treasury;
        if (amount == 0) revert ZeroAmount();
        if (_treasury == 0) revert NoTreasury();
        _setFund(instrument, 0, -amount.toInt256());
        _post(_treasury, amount.toInt256(), true);
    }

    /// @inheritdoc IMarginExtension
    function settle(uint256 account) external nonReentrant {
        Snapshot memory snapshot;
        _load(snapshot, account, 0, new IPriceOracle.Price[](0), false);
        for (uint256 i; i < snapshot.legs.length; ++i) {
            Leg memory leg = snapshot.legs[i];
            _fill(Party(account, 0, false), leg, _touch(leg.instrument, leg.mid), 0, 0);
        }
        _post(account, 0, true);
    }

    /// @inheritdoc IMarginExtension
    /// @dev The tokens leave first only for a buyer who is called back; the lock is held until all is paid and posted.
    function sellCollateral(
        uint256 account,
        uint256 collateral,
        uint256 amount,
        uint256 payment,
        address buyer,
        bytes calldata data
    ) external nonReentrant only(AUCTION_HOUSE) {
        address token = _collaterals[collateral].token;
        uint256 held = _creditOf(account, token);
        bool isFlash = data.length > 0;
        if (isFlash) {
            IEscrow(ESCROW).release(account, token, amount, buyer);
            IFlashBuyer(buyer).onCollateral(account, token, amount, payment, data);
        }
        if (payment > 0) {
            uint256 credited = _pull(CASH_ACCOUNT, SETTLEMENT, payment, buyer);
            if (credited != payment) revert InsufficientCash(account, credited.toInt256(), payment);
        }
        _post(account, payment.toInt256(), false);
        _countCollateral(account, collateral, held, amount);
        emit CollateralSold(account, token, buyer, amount, payment);
        _tell(account);
        if (!isFlash) IEscrow(ESCROW).release(account, token, amount, buyer);
    }

    /// @inheritdoc IMarginExtension
    function openEstate(uint256 account, uint256 forgiven, uint256 instrument) external only(LIQUIDATION_ENGINE) {
        Estate storage estate = _estates[account];
        uint8 flags = _accounts[account].flags;
        uint256 before = flags & ESTATE == 0 ? 0 : estate.forgiven;
        _accounts[account].flags = flags | uint8(ESTATE);
        estate.forgiven = (before + forgiven).toUint128();
        estate.instrument = instrument.toUint64();
        emit EstateOpened(account, before + forgiven, instrument);
    }

    /// @inheritdoc IMarginExtension
    function estateOf(uint256 account) external view returns (Estate memory estate) {
        if (_accounts[account].flags & ESTATE != 0) estate = _estates[account];
    }

    /// @inheritdoc IMarginExtension
    function collateralOf(uint256 account, uint256 collateral) external view returns (uint256) {
        return _creditOf(account, _collaterals[collateral].token);
    }

    /// @inheritdoc IMarginExtension
    function fundOf(uint256 instrument) external view returns (Fund memory) {
        return _funds[instrument];
    }

    /// @inheritdoc IMarginExtension
    function instrumentConfig(uint256 instrument)
        external
        view
        returns (Risk memory, Limits memory, Funding memory)
    {
        return (_risks[instrument], _limits[instrument], _fundings[instrument]);
    }

    /// @inheritdoc IMarginExtension
    function badDebt() external view returns (uint256) {
        return _house.badDebt;
    }

    /// @inheritdoc IMarginExtension
    function deficitOf(uint256 instrument, bool long) external view returns (Deficit memory) {
        return _deficits[instrument][long];
    }

    /// @inheritdoc IMarginExtension
    function market(uint256 instrument) external view returns (Market memory) {
        return _markets[instrument];
    }
}
