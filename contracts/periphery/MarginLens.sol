// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarginEngine} from "../../interfaces/IMarginEngine.sol";
import {IMarginLens} from "../../interfaces/IMarginLens.sol";
import {IMarginTypes} from "../../interfaces/IMarginTypes.sol";
import {IPriceOracle} from "../../interfaces/IPriceOracle.sol";
import {LensReader} from "../base/LensReader.sol";
import {Previews} from "../base/Previews.sol";
import {FixedPointMath} from "../libraries/FixedPointMath.sol";
import {MarginMath} from "../libraries/MarginMath.sol";
import {PreviewMath} from "../libraries/PreviewMath.sol";

/// @title MarginLens: how accounts stand, and where their line is
/// @notice What a verb would do to them is in base/Previews.sol; what both compute in libraries/PreviewMath.sol.
contract MarginLens is Previews {
    using FixedPointMath for uint256;
    using MarginMath for IMarginTypes.Margin;
    using PreviewMath for IMarginTypes.Snapshot;

    constructor(address engine, address liquidationEngine, address pool) LensReader(engine, liquidationEngine, pool) {}

    /// @inheritdoc IMarginLens
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

    /// @inheritdoc IMarginLens
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
        places = new uint256[](64);
        uint256 count;
        for (uint256 i; i < 64; ++i) {
            if (map >> i & 1 == 1) places[count++] = i;
        }
        // Shortens the list: count never exceeds the length it was made with.
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            mstore(places, count)
        }
    }

    /// @inheritdoc IMarginLens
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

    /// @inheritdoc IMarginLens
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
}
