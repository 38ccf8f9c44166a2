// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarginListing} from "../interfaces/IMarginListing.sol";
import {IPriceOracle} from "../interfaces/IPriceOracle.sol";
import {Ledger} from "./base/Ledger.sol";
import {Posting} from "./base/Posting.sol";

/// @title The third part of the margin engine: what it judges by
/// @notice MarginEngineExtension delegates to it whatever neither the engine nor itself implements. Only Parameters sets.
contract MarginEngineListing is IMarginListing, Posting {
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
}
