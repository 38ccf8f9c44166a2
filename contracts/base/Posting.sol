// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IEscrow} from "../../interfaces/IEscrow.sol";
import {IPriceOracle} from "../../interfaces/IPriceOracle.sol";
import {FixedPointMath} from "../libraries/FixedPointMath.sol";
import {FundingMath} from "../libraries/FundingMath.sol";
import {LedgerMath} from "../libraries/LedgerMath.sol";
import {LossMath} from "../libraries/LossMath.sol";
import {MarginMath} from "../libraries/MarginMath.sol";
import {Packing} from "../libraries/Packing.sol";
import {Ledger} from "./Ledger.sol";

/// @title Posting: what changes the ledger
/// @dev Every change of a position goes through `_fill`, of cash through `_post`, of a fund through `_setFund`, of bad debt
/// through `_share` and `_relieve`.
abstract contract Posting is Ledger {
    using FixedPointMath for uint256;
    using MarginMath for Margin;
    using Packing for *;
    using SafeCast for int256;
    using SafeCast for uint256;

    /// @dev One side of a fill: cash that it gets with it, and whether the verb changes it no more.
    struct Party {
        uint256 account;
        int256 extra;
        bool last;
    }

    uint256 internal constant MAY_TRADE = 1;
    uint256 internal constant MAY_WITHDRAW = 2;
    uint256 private constant LOSS_EPOCH = 1 hours;

    // Positions and cash --------------------------------------------------------------------------------------------

    /// @dev A market's funding, brought to this second and stored.
    function _touch(uint256 instrument, uint256 mid) internal returns (Market memory market) {
        market = _accrued(instrument, mid);
        _markets[instrument].write(market);
    }

    /// @dev Changes one position of a touched market, settles its index charge, and posts what is realised.
    /// @param leg the position as it was loaded; changed
    /// @param market changed, for the caller to store
    /// @return cash the account's, afterwards
    function _fill(Party memory party, Leg memory leg, Market memory market, int256 size, int256 quote)
        internal
        returns (int256 cash)
    {
        (uint256 account, bool held) = (party.account, leg.size != 0);
        cash = _apply(leg, market, size, quote) + party.extra;
        int80 index = leg.size > 0 ? market.indexLong : leg.size < 0 ? market.indexShort : int80(0);
        _positions[account][leg.instrument].write(int80(leg.size), int96(leg.quote), index);
        emit PositionUpdated(account, leg.instrument, leg.size, leg.quote, index);
        return _change(account, cash, held == (leg.size != 0) ? 0 : 1 << leg.instrument, party.last);
    }

    /// @return cash what is realised, less the charge
    function _apply(Leg memory leg, Market memory market, int256 size, int256 quote) private pure returns (int256 cash) {
        (int256 newSize, int256 newQuote, int256 realised) = LedgerMath.fill(leg.size, leg.quote, size, quote);
        (newSize, newQuote) = (newSize.toInt80(), newQuote.toInt96());
        if (size != 0) _countInterest(market, leg, newSize, newQuote);
        cash = realised - leg.charge;
        (leg.size, leg.quote, leg.charge) = (newSize, newQuote, 0);
    }

    /// @dev A position of a touched market, as `_fill` needs it.
    function _legAt(uint256 account, uint256 instrument, Market memory market) internal view returns (Leg memory leg) {
        int256 index;
        leg.instrument = instrument;
        (leg.size, leg.quote, index) = _positions[account][instrument].read();
        if (leg.size == 0) return leg;
        leg.charge = FundingMath.charge(leg.size, index, leg.size > 0 ? market.indexLong : market.indexShort);
    }

    /// @dev Open interest and each side's Σ quote: sums of at most 96 bits each.
    function _countInterest(Market memory market, Leg memory leg, int256 newSize, int256 newQuote) private pure {
        (int256 long, int256 short) = (market.quoteLong, market.quoteShort);
        uint256 openInterest = market.openInterest;
        unchecked {
            if (leg.size > 0) {
                long -= leg.quote;
                openInterest -= uint256(leg.size);
            } else {
                short -= leg.quote;
            }
            if (newSize > 0) {
                long += newQuote;
                openInterest += uint256(newSize);
            } else {
                short += newQuote;
            }
        }
        (market.quoteLong, market.quoteShort) = (long.toInt96(), short.toInt96());
        market.openInterest = openInterest.toUint80();
    }

    /// @dev Changes the cash of an account; negative cash first pays its interest to the pool's idle account.
    /// @param last the verb changes it no more: keepers name the nonce they saw
    function _post(uint256 account, int256 amount, bool last) internal {
        _change(account, amount, 0, last);
    }

    /// @param toggled a bitmap: the instrument that is held from now on, or no longer
    /// @return cash afterwards
    function _change(uint256 account, int256 amount, uint256 toggled, bool last) private returns (int256 cash) {
        Account storage stored = _accounts[account];
        uint256 state = stored.read();
        if (toggled != 0) state = _toggle(account, state, toggled);
        uint256 interest = _interestOn(state);
        cash = state.cash() + amount - int256(interest);
        bool owes = cash < 0 || state.cash() < 0;
        // While it holds positions its cash is their margin.
        if (cash > 0 && state.isEstate() && state.instruments() == 0) {
            (uint256 paid, bool all) = _repay(account, uint256(cash));
            cash -= int256(paid);
            if (all) state = state.withoutEstate();
        }
        if (owes) state = state.withInterestIndex(cash < 0 ? _interestIndex().toUint48() : 0);
        state = state.withCash(cash.toInt80());
        if (last) state = _told(account, state);
        stored.write(state);
        if (interest == 0) return cash;
        _addToIdle(interest);
        emit InterestCharged(account, interest);
    }

    /// @dev An estate takes no new position: what its collateral gains is owed to who paid for it.
    function _toggle(uint256 account, uint256 state, uint256 toggled) private view returns (uint256) {
        uint256 map = state.instruments() ^ toggled;
        if (map & toggled != 0) {
            if (_count(map) > MAX_INSTRUMENTS_HELD) revert TooManyInstruments(account, MAX_INSTRUMENTS_HELD);
            if (state.isEstate()) revert EstateOpen(account, _estates[account].forgiven);
        }
        return state.withInstruments(uint64(map));
    }

    /// @dev Written after the account that pays: the idle account itself never owes interest here, nor is it an estate.
    function _addToIdle(uint256 amount) private {
        Account storage idle = _accounts[_idle()];
        idle.cash = (int256(idle.cash) + int256(amount)).toInt80();
    }

    /// @dev What an estate earns beyond its debt first pays back who paid for it.
    /// @return paid at most `available`
    /// @return all nothing is owed any more
    function _repay(uint256 account, uint256 available) private returns (uint256 paid, bool all) {
        Estate storage estate = _estates[account];
        paid = Math.min(available, estate.forgiven);
        uint256 left = estate.forgiven - paid;
        estate.forgiven = uint128(left);
        all = left == 0;
        uint256 toBadDebt = Math.min(paid, _house.badDebt);
        if (toBadDebt > 0) _relieve(toBadDebt, estate.instrument);
        uint256 rest = paid - toBadDebt;
        if (estate.instrument < _house.instruments) _setFund(estate.instrument, int256(rest), 0);
        else _addToIdle(rest);
        emit EstateRepaid(account, paid, left);
    }

    /// @dev Marks the end of a change.
    function _tell(uint256 account) internal {
        Account storage stored = _accounts[account];
        stored.write(_told(account, stored.read()));
    }

    function _told(uint256 account, uint256 state) private returns (uint256) {
        state = state.nextNonce();
        emit AccountUpdated(account, state.cash(), state.nonce());
        return state;
    }

    function _setFund(uint256 instrument, int256 insurance, int256 treasury) internal {
        Fund storage stored = _funds[instrument];
        uint256 newInsurance = (int256(uint256(stored.insurance)) + insurance).toUint256();
        uint256 newTreasury = (int256(uint256(stored.treasury)) + treasury).toUint256();
        (stored.insurance, stored.treasury) = (newInsurance.toUint128(), newTreasury.toUint128());
        emit FundUpdated(instrument, newInsurance, newTreasury);
    }

    /// @dev Takes from positive cash, and proves what stays.
    function _spend(uint256 account, uint256 amount) internal {
        _requireNoEstate(account);
        int256 cash = _accounts[account].cash;
        if (cash < amount.toInt256()) revert InsufficientCash(account, cash, amount);
        _post(account, -int256(amount), false);
        if (_accounts[account].instruments == 0) return;
        Snapshot memory snapshot;
        _load(snapshot, account, 0, new IPriceOracle.Price[](0), true);
        _requireInitial(snapshot);
    }

    /// @dev Escrow calls back `onPull`, which moves the payer's tokens.
    function _pull(uint256 account, address token, uint256 amount, address payer) internal returns (uint256) {
        return IEscrow(ESCROW).pull(account, token, amount, abi.encode(payer));
    }

    function _countCollateral(uint256 account, uint256 id, uint256 held, uint256 amount) internal {
        _collateralTotals[id] -= amount;
        if (amount < held) return;
        uint32 map = _accounts[account].collaterals & ~uint32(1 << id);
        _accounts[account].collaterals = map;
        // Nothing is left to be sold: the estate is wound up.
        if (map == 0) _accounts[account].flags &= ~uint8(ESTATE);
    }

    // Losses --------------------------------------------------------------------------------------------------------

    /// @dev Charges a loss to the side that won, as far as this epoch allows; the rest is bad debt which that side owes.
    function _share(Loss calldata loss) internal {
        if (loss.amount == 0) return;
        uint256 owed = loss.amount;
        if (loss.instrument < _house.instruments) {
            _touch(loss.instrument, loss.mid);
            uint256 charged = _charge(loss.instrument, loss.long, loss.amount, loss.mid);
            owed -= charged;
            if (owed > 0) _setDeficit(loss.instrument, loss.long, _deficits[loss.instrument][loss.long].owed + owed);
            emit LossShared(loss.instrument, loss.long, loss.amount, charged, owed);
        }
        if (owed > 0) _setBadDebt(int256(owed));
    }

    /// @dev Raises the index of one side of a touched market. What rounding brings too much goes to the insurance.
    /// @return paid settlement units, at most `amount`
    function _charge(uint256 instrument, bool long, uint256 amount, uint256 mid) internal returns (uint256 paid) {
        Market storage stored = _markets[instrument];
        Deficit storage deficit = _deficits[instrument][long];
        uint256 epoch = block.timestamp / LOSS_EPOCH;
        uint256 charged = deficit.epoch == epoch ? deficit.charged : 0;
        uint256 openInterest = stored.openInterest;
        uint256 cap = LossMath.cap(_risks[instrument], mid, SIZE_SCALE);
        uint256 step = LossMath.step(amount, openInterest, Math.saturatingSub(cap, charged));
        int256 index = int256(long ? stored.indexLong : stored.indexShort) + step.toInt256();
        // A full index pays nothing: what it would have paid stays owed.
        if (step == 0 || index > type(int80).max) return 0;
        if (long) stored.indexLong = int80(index);
        else stored.indexShort = int80(index);
        (deficit.epoch, deficit.charged) = (uint32(epoch), (charged + step).toUint80());
        uint256 collected = LossMath.collected(step, openInterest);
        paid = Math.min(amount, collected);
        if (collected > paid) _setFund(instrument, int256(collected - paid), 0);
    }

    /// @dev Bad debt is paid off: the sides of `first` are relieved before those of other instruments, in the order of their ids.
    function _relieve(uint256 amount, uint256 first) internal {
        uint256 left = amount;
        uint256 map = _indebted;
        if (first < 64 && map & (1 << first) != 0) left -= _relieveInstrument(first, left);
        for (map = _indebted; map != 0 && left > 0; map &= map - 1) left -= _relieveInstrument(_lowest(map), left);
        _setBadDebt(-int256(amount));
    }

    function _relieveInstrument(uint256 instrument, uint256 most) internal returns (uint256 relieved) {
        relieved = _relieveSide(instrument, true, most);
        relieved += _relieveSide(instrument, false, most - relieved);
    }

    function _relieveSide(uint256 instrument, bool long, uint256 most) internal returns (uint256 relieved) {
        uint256 owed = _deficits[instrument][long].owed;
        relieved = Math.min(owed, most);
        if (relieved > 0) _setDeficit(instrument, long, owed - relieved);
    }

    function _setDeficit(uint256 instrument, bool long, uint256 owed) internal {
        _deficits[instrument][long].owed = owed.toUint96();
        uint64 bit = uint64(1 << instrument);
        if (owed > 0) _indebted |= bit;
        else if (_deficits[instrument][!long].owed == 0) _indebted &= ~bit;
        emit DeficitUpdated(instrument, long, owed);
    }

    function _setBadDebt(int256 change) internal {
        uint256 debt = (int256(uint256(_house.badDebt)) + change).toUint256();
        _house.badDebt = debt.toUint96();
        emit BadDebtUpdated(debt);
    }

    // Claims --------------------------------------------------------------------------------------------------------

    /// @dev S, and S + B.
    function _claims() internal view returns (uint256 settlement, uint256 owed) {
        settlement = _creditOf(CASH_ACCOUNT, SETTLEMENT);
        if (_house.badDebt == 0) return (settlement, settlement);
        uint256 count = _house.instruments;
        for (uint256 i; i < count; ++i) {
            uint256 reserved = uint256(_funds[i].insurance) + _funds[i].treasury;
            settlement = settlement > reserved ? settlement - reserved : 0;
        }
        owed = settlement + _house.badDebt;
    }

    function _payoutRatio() internal view returns (uint256) {
        if (_house.badDebt == 0) return 1e18;
        (uint256 settlement, uint256 owed) = _claims();
        return settlement.mulDivDown(1e18, owed);
    }

    // Proofs and authority ------------------------------------------------------------------------------------------

    function _requireInitial(Snapshot memory snapshot) internal view {
        Margin memory margin = MarginMath.judge(snapshot, true);
        if (_meetsInitial(margin)) return;
        int256 backing = margin.backing();
        if (backing < int256(margin.initial)) revert InsufficientMargin(snapshot.account, backing, margin.initial);
        revert DebtTooLarge(snapshot.account, margin.debt(), margin.collateral.mulDivDown(OPEN_DEBT_LIMIT_E6, 1e6));
    }

    function _meetsInitial(Margin memory margin) internal view returns (bool) {
        if (margin.backing() < int256(margin.initial)) return false;
        uint256 debt = margin.debt();
        return debt == 0 || debt * 1e6 <= margin.collateral * OPEN_DEBT_LIMIT_E6;
    }

    /// @dev The settlement token's guard.
    function _requirePeg() internal view {
        if (SETTLEMENT_FEED == NO_FEED) return;
        IPriceOracle.Price[] memory none;
        IPriceOracle.Price memory found = _complete(none, 1 << SETTLEMENT_FEED, false)[0];
        uint256 price = found.mid;
        uint256 distance = Math.max(price, 1e18) - Math.min(price, 1e18);
        if (found.haltedAt != 0 || distance > DEPEG_LIMIT_E6 * 1e12) revert Depegged(price);
    }

    function _mayDeposit(uint256 amount, uint256 minRatio) internal view {
        if (amount == 0) revert ZeroAmount();
        if (minRatio > 0 && _payoutRatio() < minRatio) revert RatioTooLow(_payoutRatio(), minRatio);
    }

    /// @dev The owner to anyone; an operator to the owner.
    function _mayWithdraw(uint256 account, uint256 amount, address to) internal view {
        if (amount == 0) revert ZeroAmount();
        if (to != _owner(account)) _only(_owner(account));
        _authorise(account, MAY_WITHDRAW);
    }

    function _authorise(uint256 account, uint256 bit) internal view {
        if (msg.sender == _owner(account) || _operatorBits(account, msg.sender) & bit != 0) return;
        revert Unauthorized(msg.sender);
    }

    /// @dev The pool's lie in the account's own slot, which every trade reads anyway.
    function _operatorBits(uint256 account, address operator) internal view returns (uint256) {
        return operator == POOL ? _accounts[account].flags >> POOL_BITS : _operators[account][operator];
    }

    function _requireNoEstate(uint256 account) internal view {
        if (_accounts[account].flags & ESTATE != 0) revert EstateOpen(account, _estates[account].forgiven);
    }
}
