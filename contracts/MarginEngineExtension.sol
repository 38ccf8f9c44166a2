// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarginTypes} from "../interfaces/IMarginTypes.sol";
import {IMarginExtension} from "../interfaces/IMarginExtension.sol";
import {IEscrow} from "../interfaces/IEscrow.sol";
import {IPriceOracle} from "../interfaces/IPriceOracle.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IFlashBuyer} from "../interfaces/IFlashBuyer.sol";
import {Delegating} from "./base/Delegating.sol";
import {Ledger} from "./base/Ledger.sol";
import {Posting} from "./base/Posting.sol";
import {FixedPointMath} from "./libraries/FixedPointMath.sol";
import {Packing} from "./libraries/Packing.sol";

/// @title The second part of the margin engine: operators, cash between accounts, collateral in and out, liquidation
/// @notice MarginEngine delegates to it whatever it does not implement itself, and it to MarginEngineListing, in the engine's own
/// storage: all three are a Ledger, made with the same Setup. Nothing here can be replaced.
contract MarginEngineExtension is IMarginExtension, Posting, Delegating {
    using FixedPointMath for uint256;
    using Packing for *;
    using SafeCast for uint256;

    address public immutable LISTING;

    constructor(Setup memory setup, address listing) Ledger(setup) {
        if (IMarginTypes(listing).SETUP_HASH() != SETUP_HASH) revert WrongExtension(listing);
        LISTING = listing;
    }

    function _secondPart() internal view override returns (address) {
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

    // Collateral in and out -----------------------------------------------------------------------------------------

    /// @notice IMarginCore.deposit of a collateral.
    function deposit(uint256 account, address token, uint256 amount, uint256 minRatio)
        external
        nonReentrant
        returns (uint256 credited)
    {
        _mayDeposit(amount, minRatio);
        uint256 id = _collateralId(token);
        uint256 map = _accounts[account].collaterals;
        if (map & (1 << id) == 0) _addCollateral(account, id, map | 1 << id);
        credited = _pull(account, token, amount, msg.sender);
        uint256 total = _collateralTotals[id] + credited;
        uint256 cap = _collaterals[id].cap;
        if (total > cap) revert CollateralCapExceeded(id, total, cap);
        _collateralTotals[id] = total;
        emit Deposited(account, token, msg.sender, credited);
        _tell(account);
    }

    function _addCollateral(uint256 account, uint256 id, uint256 map) private {
        _authorise(account, MAY_TRADE);
        if (_count(map) > MAX_COLLATERALS_HELD) revert TooManyCollaterals(account, MAX_COLLATERALS_HELD);
        _accounts[account].collaterals = uint32(map);
        // Dust without a price would shield a sinking account from its liquidation.
        if (_accounts[account].instruments == 0 && _accounts[account].cash >= 0) return;
        IPriceOracle.Price[] memory none;
        _requireFinal(_complete(none, 1 << _collaterals[id].feed, false));
    }

    /// @notice IMarginCore.withdraw of a collateral.
    function withdraw(uint256 account, address token, uint256 amount, address to, uint256 minOut)
        external
        nonReentrant
        returns (uint256 paid)
    {
        _mayWithdraw(account, amount, to);
        paid = _takeCollateral(account, _collateralId(token), amount);
        if (paid < minOut) revert BelowMinOut(paid, minOut);
        emit Withdrawn(account, token, to, amount, paid);
        _tell(account);
        IEscrow(ESCROW).release(account, token, paid, to);
    }

    function _takeCollateral(uint256 account, uint256 id, uint256 amount) private returns (uint256) {
        Account storage state = _accounts[account];
        uint256 held = _creditOf(account, _collaterals[id].token);
        if (amount > held) revert InsufficientCollateral(account, id, held, amount);
        _requireNoEstate(account);
        if (state.instruments != 0 || state.cash < 0) {
            Snapshot memory snapshot;
            _load(snapshot, account, 0, new IPriceOracle.Price[](0), true);
            for (uint256 i; i < snapshot.coins.length; ++i) {
                if (snapshot.coins[i].collateral == id) snapshot.coins[i].amount -= amount;
            }
            _requireInitial(snapshot);
        }
        _countCollateral(account, id, held, amount);
        return amount;
    }

    function _collateralId(address token) private view returns (uint256) {
        uint256 id = _collateralIds[token];
        if (id == 0) revert UnknownToken(token);
        return id - 1;
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

    // Views ---------------------------------------------------------------------------------------------------------

    /// @inheritdoc IMarginExtension
    function load(uint256 account, uint64 include, IPriceOracle.Price[] calldata book, bool sequenced)
        external
        view
        returns (Snapshot memory snapshot, IPriceOracle.Price[] memory prices)
    {
        if (_reentrancyGuardEntered()) revert ReentrancyGuardReentrantCall();
        prices = _load(snapshot, account, include, book, sequenced);
    }

    /// @inheritdoc IMarginExtension
    function requirePeg() external view {
        _requirePeg();
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
    function market(uint256 instrument) external view returns (Market memory) {
        return _markets[instrument];
    }
}
