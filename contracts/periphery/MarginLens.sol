// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ILensReader} from "../../interfaces/ILensReader.sol";
import {IMarginEngine} from "../../interfaces/IMarginEngine.sol";
import {IMarginReports} from "../../interfaces/IMarginReports.sol";
import {IMarginTypes} from "../../interfaces/IMarginTypes.sol";
import {IPriceOracle} from "../../interfaces/IPriceOracle.sol";
import {Delegating} from "../base/Delegating.sol";
import {LensReader} from "../base/LensReader.sol";
import {FixedPointMath} from "../libraries/FixedPointMath.sol";
import {MarginMath} from "../libraries/MarginMath.sol";
import {PreviewMath} from "../libraries/PreviewMath.sol";

/// @title MarginLens: how accounts stand, where their line is, and what may leave them
/// @notice What a verb would do to them is in MarginPreviews.sol; what both compute in libraries/PreviewMath.sol.
contract MarginLens is IMarginReports, LensReader, Delegating {
    using FixedPointMath for uint256;
    using MarginMath for IMarginTypes.Margin;
    using PreviewMath for IMarginTypes.Snapshot;
    using SafeCast for uint256;

    uint256 private constant ESTATE = 1;

    address public immutable PREVIEWS;

    /// @param previews made with the same addresses
    constructor(address engine, address liquidationEngine, address pool, address previews)
        LensReader(engine, liquidationEngine, pool)
    {
        _requireSame(ILensReader(previews).ENGINE(), engine);
        PREVIEWS = previews;
    }

    /// @dev What a verb would do is asked of the previews, at this address.
    function _secondPart() internal view override returns (address) {
        return PREVIEWS;
    }

    /// @inheritdoc IMarginReports
    function reports(uint256[] calldata accounts) external view returns (AccountReport[] memory all) {
        all = new AccountReport[](accounts.length);
        IPriceOracle.Price[] memory book;
        for (uint256 i; i < accounts.length; ++i) {
            AccountReport memory report = all[i];
            report.account = accounts[i];
            report.state = _stateOf(accounts[i]);
            Loaded memory loaded = _tryLoad(accounts[i], 0, book, false);
            (report.valid, report.fault) = (loaded.ok, loaded.fault);
            if (!loaded.ok) continue;
            book = loaded.book;
            report.standing = _standing(loaded.snapshot);
            (report.legs, report.coins) = (loaded.snapshot.legs, loaded.snapshot.coins);
        }
    }

    /// @inheritdoc IMarginReports
    function holdings(uint256[] calldata accounts) external view returns (Holding[] memory all) {
        all = new Holding[](accounts.length);
        for (uint256 i; i < accounts.length; ++i) {
            Holding memory held = all[i];
            (held.state, held.forgiven) = (_stateOf(accounts[i]), _forgiven(accounts[i]));
            uint256[] memory ids = _bits(held.state.instruments);
            held.positions = new IMarginTypes.Position[](ids.length);
            for (uint256 j; j < ids.length; ++j) held.positions[j] = IMarginEngine(ENGINE).position(accounts[i], ids[j]);
            held.amounts = _bits(held.state.collaterals);
            for (uint256 j; j < held.amounts.length; ++j) {
                held.amounts[j] = IMarginEngine(ENGINE).collateralOf(accounts[i], held.amounts[j]);
            }
        }
    }

    /// @dev The places of the bits of a map, ascending.
    function _bits(uint256 map) private pure returns (uint256[] memory places) {
        places = new uint256[](PreviewMath.count(map));
        uint256 found;
        for (uint256 i; found < places.length; ++i) {
            if (map >> i & 1 == 1) places[found++] = i;
        }
    }

    /// @inheritdoc IMarginReports
    function liquidatable(uint256[] calldata accounts) external view returns (bool[] memory below) {
        below = new bool[](accounts.length);
        IPriceOracle.Price[] memory book;
        for (uint256 i; i < accounts.length; ++i) {
            Loaded memory loaded = _tryLoad(accounts[i], 0, book, true);
            if (!loaded.ok) continue;
            book = loaded.book;
            below[i] = MarginMath.judge(loaded.snapshot, false).liquidatable();
        }
    }

    /// @inheritdoc IMarginReports
    function liquidationPrice(uint256 account, uint256 instrument)
        external
        view
        returns (uint256 below, uint256 above, bool hasBelow, bool hasAbove)
    {
        (IMarginTypes.Risk memory risk,,) = IMarginEngine(ENGINE).instrumentConfig(instrument);
        if (!risk.listed) revert IMarginTypes.UnknownInstrument(instrument);
        IPriceOracle.Price[] memory none;
        IMarginTypes.Snapshot memory snapshot = _load(account, instrument, none, false).snapshot;
        uint256 mid = snapshot.legOf(instrument).mid;
        if (snapshot.liquidatableAt(risk.feed, mid)) return (mid, mid, true, true);
        (uint256 unit, uint256 lowest, uint256 highest) = _answers(risk.feed);
        (hasBelow, below) = snapshot.crossing(risk.feed, unit, mid / unit, lowest);
        (hasAbove, above) = snapshot.crossing(risk.feed, unit, mid / unit, highest);
        (below, above) = (below * unit, above * unit);
    }

    /// @dev The answers that the oracle takes from a feed: strictly inside its bounds by 1 %, and at most 2^88 − 1 in
    /// WAD.
    function _answers(uint256 feed) private view returns (uint256 unit, uint256 lowest, uint256 highest) {
        (IPriceOracle.FeedConfig memory config, uint8 decimals) =
            IPriceOracle(IMarginEngine(ENGINE).ORACLE()).feedConfig(feed);
        unit = 10 ** (18 - decimals);
        lowest = config.minAnswer.mulDivUp(101, 100) + 1;
        highest = config.maxAnswer.mulDivDown(99, 100) - 1;
        uint256 most = type(uint88).max / unit;
        if (highest > most) highest = most;
    }

    // A withdrawal --------------------------------------------------------------------------------------------------

    /// @inheritdoc IMarginReports
    function previewWithdraw(uint256 account, address token, uint256 amount)
        external
        view
        returns (WithdrawPreview memory preview)
    {
        try this.withdrawOrRevert(account, token, amount) returns (WithdrawPreview memory done) {
            return done;
        } catch (bytes memory reason) {
            preview.reason = _reason(reason);
        }
    }

    /// @notice A withdrawal by the owner, in the order of IMarginEngine.withdraw.
    function withdrawOrRevert(uint256 account, address token, uint256 amount)
        external
        view
        returns (WithdrawPreview memory preview)
    {
        if (amount == 0) revert IMarginTypes.ZeroAmount();
        bool isCash = token == SETTLEMENT;
        uint256 id = isCash ? 0 : _collateralId(token);
        IMarginTypes.Account memory state = _stateOf(account);
        (preview.taken, preview.paid) = isCash ? _takeCash(account, state, amount) : (amount, amount);
        if (!isCash) _requireHeld(account, state, id, amount);
        bool proven = _isJudged(state, isCash);
        Loaded memory loaded = _tryLoad(account, 0, new IPriceOracle.Price[](0), proven);
        if (proven) _bubble(loaded);
        if (loaded.ok) {
            if (isCash) loaded.snapshot.cash -= preview.taken.toInt256();
            else loaded.snapshot.coinOf(id).amount -= amount;
            if (proven) loaded.snapshot.requireInitial(OPEN_DEBT_LIMIT_E6);
            preview.afterwards = _standing(loaded.snapshot);
        }
        (preview.ok, preview.judged) = (true, loaded.ok);
    }

    /// @inheritdoc IMarginReports
    function maxWithdraw(uint256 account, address token) external view returns (uint256 amount) {
        bool isCash = token == SETTLEMENT;
        uint256 id = isCash ? 0 : _collateralId(token);
        IMarginTypes.Account memory state = _stateOf(account);
        if (state.flags & ESTATE != 0) return 0;
        if (isCash) amount = state.cash > 0 ? uint256(int256(state.cash)) : 0;
        else amount = IMarginEngine(ENGINE).collateralOf(account, id);
        if (amount > 0 && _isJudged(state, isCash)) {
            Loaded memory loaded = _tryLoad(account, 0, new IPriceOracle.Price[](0), true);
            _bubble(loaded);
            uint256 free = isCash
                ? loaded.snapshot.freeCash(OPEN_DEBT_LIMIT_E6)
                : loaded.snapshot.freeCoin(id, OPEN_DEBT_LIMIT_E6);
            if (free < amount) amount = free;
        }
        if (!isCash) return amount;
        (uint256 taken, uint256 paid) = _payout(amount);
        return paid == 0 ? 0 : taken;
    }

    /// @dev Whether the margin rule has a say: cash alone, and collateral without a debt, leave freely.
    function _isJudged(IMarginTypes.Account memory state, bool isCash) private pure returns (bool) {
        return state.instruments != 0 || (!isCash && state.cash < 0);
    }

    function _takeCash(uint256 account, IMarginTypes.Account memory state, uint256 amount)
        private
        view
        returns (uint256 taken, uint256 paid)
    {
        if (state.cash < amount.toInt256()) revert IMarginTypes.InsufficientCash(account, state.cash, amount);
        (taken, paid) = _payout(amount);
        if (paid == 0) revert IMarginTypes.NothingInEscrow(amount);
        if (state.flags & ESTATE != 0) revert IMarginTypes.EstateOpen(account, _forgiven(account));
    }

    function _requireHeld(uint256 account, IMarginTypes.Account memory state, uint256 id, uint256 amount) private view {
        uint256 held = IMarginEngine(ENGINE).collateralOf(account, id);
        if (amount > held) revert IMarginTypes.InsufficientCollateral(account, id, held, amount);
        if (state.flags & ESTATE != 0) revert IMarginTypes.EstateOpen(account, _forgiven(account));
    }

    /// @dev As much of `amount` as the claims go, and ⌊taken · S/(S+B)⌋ for it while bad debt B is recorded.
    function _payout(uint256 amount) private view returns (uint256 taken, uint256 paid) {
        (uint256 settlement, uint256 owed) = IMarginEngine(ENGINE).claims();
        taken = amount < owed ? amount : owed;
        paid = taken == 0 ? 0 : taken.mulDivDown(settlement, owed);
    }

    function _collateralId(address token) private view returns (uint256) {
        uint256 count = IMarginEngine(ENGINE).collateralCount();
        for (uint256 id; id < count; ++id) {
            if (IMarginEngine(ENGINE).collateralConfig(id).token == token) return id;
        }
        revert IMarginTypes.UnknownToken(token);
    }
}
