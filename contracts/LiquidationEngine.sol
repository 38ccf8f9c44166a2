// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ILiquidationEngine} from "../interfaces/ILiquidationEngine.sol";
import {ILiquidityPool} from "../interfaces/ILiquidityPool.sol";
import {IMarginEngine} from "../interfaces/IMarginEngine.sol";
import {IMarginTypes} from "../interfaces/IMarginTypes.sol";
import {IPriceOracle} from "../interfaces/IPriceOracle.sol";
import {FixedPointMath} from "./libraries/FixedPointMath.sol";
import {LedgerMath} from "./libraries/LedgerMath.sol";
import {LiquidationMath} from "./libraries/LiquidationMath.sol";
import {MarginMath} from "./libraries/MarginMath.sol";

/// @title LiquidationEngine
/// @notice Calculate, then execute: every verb loads the account once, decides by the pure libraries, and hands the margin
/// engine a list of transfers and a double entry that must balance. It holds no tokens and stores nothing.
contract LiquidationEngine is ILiquidationEngine {
    using FixedPointMath for uint256;
    using FixedPointMath for int256;
    using MarginMath for IMarginTypes.Margin;
    using SafeCast for uint256;

    uint256 private constant WAD = 1e18;
    uint256 private constant MAY_TRADE = 1;

    address public immutable ENGINE;
    address public immutable POOL;
    uint256 public immutable TARGET;
    uint256 public immutable KEEPER_SHARE_E6;
    uint256 public immutable KEEPER_FLOOR;
    uint256 public immutable KEEPER_CAP;
    uint256 public immutable TAKER_SHARE_E6;

    /// @dev One liquidation while it is worked out.
    struct Case {
        IMarginTypes.Snapshot snapshot;
        IMarginTypes.Margin margin;
        IPriceOracle.Price[] book;
        IMarginTypes.Transfer[] transfers;
        uint256[] notionals;
        uint256 taker;
        address keeper;
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

    // Liquidate -----------------------------------------------------------------------------------------------------

    /// @inheritdoc ILiquidationEngine
    function liquidate(uint256 account, uint256 taker, uint256 maxFraction) external returns (Outcome memory) {
        return _liquidate(_open(account, taker, msg.sender), maxFraction);
    }

    /// @inheritdoc ILiquidationEngine
    function preview(uint256 account, uint256 maxFraction) external view returns (Outcome memory) {
        return _plan(_open(account, 0, msg.sender), maxFraction);
    }

    function _liquidate(Case memory c, uint256 maxFraction) private returns (Outcome memory outcome) {
        outcome = _plan(c, maxFraction);
        bool[] memory reduced = _reducedOnly(c.transfers);
        (IMarginTypes.Entry[] memory cash, IMarginTypes.Entry[] memory funds) = _shares(c, outcome);
        IMarginEngine(ENGINE).seize(c.snapshot.account, c.transfers, cash, funds, 0);
        _proveTakers(c, reduced);
        emit Liquidated(c.snapshot.account, c.taker, c.keeper, outcome);
    }

    /// @dev Decides everything: the fraction, each leg's transfer at mid, the penalty and who gets it.
    function _plan(Case memory c, uint256 maxFraction) private view returns (Outcome memory outcome) {
        IMarginTypes.Margin memory margin = c.margin;
        uint256 account = c.snapshot.account;
        if (!margin.liquidatable()) revert NotLiquidatable(account, margin.equity, margin.maintenance);
        if (margin.equity < 0) revert Insolvent(account, margin.equity);
        uint256 due = LiquidationMath.fraction(margin, TARGET);
        uint256 fraction = maxFraction < due ? maxFraction : due;
        if (fraction < due) _requireBite(c, fraction);
        (outcome.notional, fraction) = _planTransfers(c, fraction);
        outcome.fraction = fraction;
        outcome.equity = margin.equity;
        outcome.maintenance = margin.maintenance;
        outcome.penalty = LiquidationMath.penalty(margin.penalty, fraction, c.transfers.length);
        (outcome.keeperReward, outcome.takerReward, outcome.insurance) =
            LiquidationMath.split(outcome.penalty, KEEPER_SHARE_E6, KEEPER_FLOOR, KEEPER_CAP, TAKER_SHARE_E6);
    }

    /// @dev A bite smaller than what is due must still be worth a keeper's while: g · N ≥ the largest minimum held.
    function _requireBite(Case memory c, uint256 fraction) private pure {
        uint256 minimum;
        for (uint256 i; i < c.snapshot.legs.length; ++i) {
            uint256 held = c.snapshot.legs[i].minNotional;
            if (held > minimum) minimum = held;
        }
        uint256 bite = c.margin.notional.mulDivDown(fraction, WAD);
        if (bite < minimum || fraction == 0) revert FractionTooSmall(fraction, bite, minimum);
    }

    /// @return notional what is closed, settlement units at mid
    /// @return whole the fraction, or 1 where every leg closes whole
    function _planTransfers(Case memory c, uint256 fraction) private view returns (uint256 notional, uint256 whole) {
        IMarginTypes.Leg[] memory legs = c.snapshot.legs;
        uint256 scale = c.snapshot.sizeScale;
        c.transfers = new IMarginTypes.Transfer[](legs.length);
        c.notionals = new uint256[](legs.length);
        whole = WAD;
        for (uint256 i; i < legs.length; ++i) {
            IMarginTypes.Leg memory leg = legs[i];
            uint256 closed = LiquidationMath.closing(leg, fraction, scale);
            if (closed < leg.size.abs()) whole = fraction;
            c.transfers[i] = IMarginTypes.Transfer({
                instrument: leg.instrument,
                taker: c.taker == 0 ? _tranche(leg.instrument) : c.taker,
                size: leg.size > 0 ? -int256(closed) : int256(closed),
                quote: LiquidationMath.proceeds(leg, closed, scale),
                mid: leg.mid
            });
            c.notionals[i] = MarginMath.notional(closed, leg.mid, scale);
            notional += c.notionals[i];
        }
    }

    /// @dev The penalty as a double entry: from the account to keeper, takers and insurance, by each leg's notional; what
    /// division leaves goes to the last leg.
    function _shares(Case memory c, Outcome memory outcome)
        private
        view
        returns (IMarginTypes.Entry[] memory cash, IMarginTypes.Entry[] memory funds)
    {
        uint256 legs = c.transfers.length;
        cash = new IMarginTypes.Entry[](legs + 2);
        funds = new IMarginTypes.Entry[](legs);
        uint256 takerLeft = outcome.takerReward;
        uint256 insuranceLeft = outcome.insurance;
        for (uint256 i; i < legs; ++i) {
            bool last = i == legs - 1;
            uint256 part = last ? takerLeft : outcome.takerReward.mulDivDown(c.notionals[i], outcome.notional);
            cash[i] = IMarginTypes.Entry(c.transfers[i].taker, part.toInt256());
            takerLeft -= part;
            part = last ? insuranceLeft : outcome.insurance.mulDivDown(c.notionals[i], outcome.notional);
            funds[i] = IMarginTypes.Entry(c.transfers[i].instrument, part.toInt256());
            insuranceLeft -= part;
        }
        cash[legs] = IMarginTypes.Entry(c.snapshot.account, -outcome.penalty.toInt256());
        cash[legs + 1] = IMarginTypes.Entry(_accountOf(c.keeper), outcome.keeperReward.toInt256());
    }

    // Absorb --------------------------------------------------------------------------------------------------------

    /// @inheritdoc ILiquidationEngine
    function absorb(uint256 account, uint256 taker) external returns (uint256 loss, uint256 insurance, uint256 badDebt) {
        return _absorb(_open(account, taker, msg.sender));
    }

    function _absorb(Case memory c) private returns (uint256 loss, uint256 insurance, uint256 badDebt) {
        if (c.margin.equity >= 0) revert NotInsolvent(c.snapshot.account, c.margin.equity);
        _planTransfers(c, WAD);
        bool[] memory reduced = _reducedOnly(c.transfers);
        loss = _lossAfter(c);
        IMarginTypes.Entry[] memory cash;
        IMarginTypes.Entry[] memory funds;
        (cash, funds, insurance) = _cover(c, loss);
        badDebt = loss - insurance;
        IMarginEngine(ENGINE).seize(c.snapshot.account, c.transfers, cash, funds, badDebt.toInt256());
        if (c.snapshot.coins.length > 0) IMarginEngine(ENGINE).openEstate(c.snapshot.account, loss, _heir(c));
        _proveTakers(c, reduced);
        emit Absorbed(c.snapshot.account, c.taker, c.keeper, loss, insurance, badDebt);
    }

    /// @dev −E once every leg is closed: closing rounds toward the account, so this may be a few units less than −E now.
    function _lossAfter(Case memory c) private pure returns (uint256) {
        int256 equity = c.snapshot.cash + int256(c.margin.collateral);
        for (uint256 i; i < c.transfers.length; ++i) {
            equity += c.snapshot.legs[i].quote - c.snapshot.legs[i].charge + c.transfers[i].quote;
        }
        return equity < 0 ? equity.abs() : 0;
    }

    /// @dev Whose insurance is paid back first: the instrument with the largest M, as it paid most; the pool where there is none.
    function _heir(Case memory c) private pure returns (uint256 instrument) {
        instrument = type(uint64).max;
        uint256 largest;
        for (uint256 i; i < c.snapshot.legs.length; ++i) {
            uint256 maintenance = MarginMath.maintenance(c.snapshot.legs[i], c.snapshot.sizeScale);
            if (maintenance > largest) (largest, instrument) = (maintenance, c.snapshot.legs[i].instrument);
        }
    }

    /// @dev Who pays a loss: each instrument's insurance its share by M (never another's); with no instrument the pool, which
    /// earned the interest: its idle cash and what its tranches' margins release.
    function _cover(Case memory c, uint256 loss)
        private
        returns (IMarginTypes.Entry[] memory cash, IMarginTypes.Entry[] memory funds, uint256 paid)
    {
        uint256 legs = c.transfers.length;
        cash = new IMarginTypes.Entry[](legs == 0 ? 2 : legs + 1);
        funds = new IMarginTypes.Entry[](legs);
        cash[0] = IMarginTypes.Entry(c.snapshot.account, loss.toInt256());
        uint256 left = loss;
        for (uint256 i; i < legs; ++i) {
            uint256 maintenance = MarginMath.maintenance(c.snapshot.legs[i], c.snapshot.sizeScale);
            uint256 share = i == legs - 1 ? left : loss.mulDivDown(maintenance, c.margin.maintenance);
            left -= share;
            uint256 part = _min(share, IMarginEngine(ENGINE).fundOf(c.transfers[i].instrument).insurance);
            funds[i] = IMarginTypes.Entry(c.transfers[i].instrument, -part.toInt256());
            cash[i + 1] = IMarginTypes.Entry(c.transfers[i].taker, 0);
            paid += part;
        }
        if (legs == 0) {
            if (address(uint160(c.snapshot.account >> 96)) != POOL) paid = ILiquidityPool(POOL).gather(loss);
            cash[1] = IMarginTypes.Entry(_accountOf(POOL), -paid.toInt256());
        }
    }

    // Collateral ----------------------------------------------------------------------------------------------------

    /// @inheritdoc ILiquidationEngine
    function buyCollateral(uint256 account, uint256 collateral, uint256 amount, uint256 maxPayment)
        external
        returns (uint256 payment)
    {
        Case memory c = _open(account, 0, msg.sender);
        uint256 debt = c.margin.debt();
        uint256 limitE6 = c.margin.collateral * IMarginEngine(ENGINE).DEBT_LIMIT_E6();
        uint256 forgiven = IMarginEngine(ENGINE).estateOf(account).forgiven;
        if (debt * 1e6 <= limitE6 && c.margin.equity >= 0 && forgiven == 0) {
            revert NotForSale(account, debt, limitE6 / 1e6);
        }
        IMarginTypes.Coin memory coin = _coin(c.snapshot, collateral);
        if (amount == 0 || amount > coin.amount) revert InvalidAmount(amount, coin.amount);
        payment = _payment(coin, amount);
        uint256 due = debt + forgiven;
        // One token unit, or one settlement unit of rounding, may go beyond it: an indivisible token must be sellable.
        if (payment > due + 1 && _payment(coin, amount - 1) >= due) revert MoreThanTheDebt(account, payment, due);
        if (payment > maxPayment) revert PaymentAboveLimit(payment, maxPayment);
        IMarginEngine(ENGINE).sellCollateral(account, collateral, amount, payment, msg.sender);
    }

    /// @dev Mid less the haircut of what is held, rounded up.
    function _payment(IMarginTypes.Coin memory coin, uint256 amount) private pure returns (uint256) {
        return (amount * coin.mid).mulDivUp(WAD - MarginMath.haircut(coin), coin.scale);
    }

    function _coin(IMarginTypes.Snapshot memory snapshot, uint256 collateral)
        private
        pure
        returns (IMarginTypes.Coin memory)
    {
        for (uint256 i; i < snapshot.coins.length; ++i) {
            if (snapshot.coins[i].collateral == collateral) return snapshot.coins[i];
        }
        revert InvalidAmount(0, 0);
    }

    // Batch ---------------------------------------------------------------------------------------------------------

    /// @inheritdoc ILiquidationEngine
    function liquidateMany(Item[] calldata items) external returns (uint256 done) {
        if (items.length == 0) revert EmptyBatch();
        for (uint256 i; i < items.length; ++i) {
            for (uint256 j; j < i; ++j) {
                if (items[j].account == items[i].account) revert DuplicateAccount(items[i].account);
            }
        }
        for (uint256 i; i < items.length; ++i) {
            try this.execute(items[i], msg.sender) {
                ++done;
            } catch (bytes memory reason) {
                emit Skipped(items[i].account, reason);
            }
        }
    }

    /// @notice One item of a batch; only this contract calls it, so that a bad item reverts alone.
    function execute(Item calldata item, address keeper) external {
        if (msg.sender != address(this)) revert OnlyItself(msg.sender);
        Case memory c = _open(item.account, item.taker, keeper);
        if (c.margin.equity < 0) _absorb(c);
        else _liquidate(c, item.maxFraction);
    }

    // Shared --------------------------------------------------------------------------------------------------------

    /// @dev Loads and judges the account at mid (the sequencer past its grace), and checks who takes its positions.
    function _open(uint256 account, uint256 taker, address keeper) private view returns (Case memory c) {
        if (taker == account) revert TakerIsAccount(account);
        if (taker != 0 && address(uint160(taker >> 96)) != keeper) {
            uint256 bits = IMarginEngine(ENGINE).operatorBits(taker, keeper);
            if (bits & MAY_TRADE == 0) revert UnauthorizedTaker(taker, keeper);
        }
        (c.taker, c.keeper) = (taker, keeper);
        (c.snapshot, c.book) = IMarginEngine(ENGINE).load(account, 0, c.book, true);
        c.margin = MarginMath.judge(c.snapshot, false);
    }

    /// @dev For each transfer: does it only shrink what the taker already has on the other side?
    function _reducedOnly(IMarginTypes.Transfer[] memory transfers) private view returns (bool[] memory reduced) {
        reduced = new bool[](transfers.length);
        for (uint256 i; i < transfers.length; ++i) {
            IMarginTypes.Transfer memory moved = transfers[i];
            if (moved.taker == 0) continue;
            int256 held = IMarginEngine(ENGINE).position(moved.taker, moved.instrument).size;
            reduced[i] = LedgerMath.reduces(held, -moved.size);
        }
    }

    /// @dev A taker meets its initial margin afterwards (the pool T · M), or has only reduced its own risk.
    function _proveTakers(Case memory c, bool[] memory reduced) private view {
        bool fromPool = c.taker == 0;
        bool allReduced = true;
        for (uint256 i; i < c.transfers.length; ++i) {
            if (c.transfers[i].taker == c.snapshot.account) revert TakerIsAccount(c.snapshot.account);
            if (!reduced[i]) allReduced = false;
            if (fromPool && !reduced[i]) _provePool(c.transfers[i].taker, c.book);
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

    function _accountOf(address owner) private pure returns (uint256) {
        return uint256(uint160(owner)) << 96;
    }

    function _tranche(uint256 instrument) private view returns (uint256) {
        return _accountOf(POOL) | (instrument + 1);
    }

    function _min(uint256 a, uint256 b) private pure returns (uint256) {
        return a < b ? a : b;
    }
}
