// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarginExtension} from "../interfaces/IMarginExtension.sol";
import {IEscrow} from "../interfaces/IEscrow.sol";
import {IPriceOracle} from "../interfaces/IPriceOracle.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Ledger} from "./base/Ledger.sol";

/// @title The rarer half of the margin engine
/// @notice MarginEngine delegates to it whatever it does not implement itself, in its own storage: both are a Ledger, made
/// with the same Setup. Nothing here can be replaced.
contract MarginEngineExtension is IMarginExtension, Ledger {
    using SafeCast for uint256;

    constructor(Setup memory setup) Ledger(setup) {}

    /// @inheritdoc IMarginExtension
    function fund(uint256 instrument, uint256 amount) external nonReentrant returns (uint256 credited) {
        _listed(instrument);
        credited = _pull(CASH_ACCOUNT, SETTLEMENT, amount, msg.sender);
        _setFund(instrument, credited.toInt256(), 0);
    }

    /// @inheritdoc IMarginExtension
    function claimFees(uint256 instrument) external nonReentrant returns (uint256 amount) {
        amount = _funds[instrument].treasury;
        if (amount == 0) revert ZeroAmount();
        if (_treasury == 0) revert NoTreasury();
        _setFund(instrument, 0, -amount.toInt256());
        _post(_treasury, amount.toInt256());
        _tell(_treasury);
    }

    /// @inheritdoc IMarginExtension
    function settle(uint256 account) external nonReentrant {
        (Snapshot memory snapshot,) = _load(account, 0, new IPriceOracle.Price[](0), false);
        for (uint256 i; i < snapshot.legs.length; ++i) {
            _touch(snapshot.legs[i].instrument, snapshot.legs[i].mid);
            _fill(account, snapshot.legs[i].instrument, 0, 0);
        }
        _post(account, 0);
        _tell(account);
    }

    /// @inheritdoc IMarginExtension
    function sellCollateral(uint256 account, uint256 collateral, uint256 amount, uint256 payment, address buyer)
        external
        nonReentrant
        only(LIQUIDATION_ENGINE)
    {
        address token = _collaterals[collateral].token;
        uint256 held = _creditOf(account, token);
        uint256 credited = _pull(CASH_ACCOUNT, SETTLEMENT, payment, buyer);
        if (credited != payment) revert InsufficientCash(account, credited.toInt256(), payment);
        _post(account, payment.toInt256());
        _countCollateral(account, collateral, held, amount);
        emit CollateralSold(account, token, buyer, amount, payment);
        _tell(account);
        IEscrow(ESCROW).release(account, token, amount, buyer);
    }

    /// @inheritdoc IMarginExtension
    function openEstate(uint256 account, uint256 forgiven, uint256 instrument) external only(LIQUIDATION_ENGINE) {
        Estate storage estate = _estates[account];
        uint256 before = _accounts[account].flags == ESTATE ? estate.forgiven : 0;
        _accounts[account].flags = ESTATE;
        estate.forgiven = (before + forgiven).toUint128();
        estate.instrument = instrument.toUint64();
        emit EstateOpened(account, before + forgiven, instrument);
    }

    /// @inheritdoc IMarginExtension
    function estateOf(uint256 account) external view returns (Estate memory estate) {
        if (_accounts[account].flags == ESTATE) estate = _estates[account];
    }

    /// @inheritdoc IMarginExtension
    function setInstrument(uint256 instrument, Risk calldata risk, Limits calldata limits, Funding calldata funding)
        external
        only(PARAMETERS)
    {
        if (instrument == _house.instruments) ++_house.instruments;
        _bringToNow(instrument);
        _risks[instrument] = risk;
        _limits[instrument] = limits;
        _fundings[instrument] = funding;
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

    /// @inheritdoc IMarginExtension
    function setCollateral(uint256 collateral, Collateral calldata config) external only(PARAMETERS) {
        if (collateral == _house.collaterals) {
            if (config.token == SETTLEMENT || _collateralIds[config.token] != 0) revert TokenListed(config.token);
            _collateralIds[config.token] = ++_house.collaterals;
        }
        _collaterals[collateral] = config;
    }

    /// @inheritdoc IMarginExtension
    function setInterest(uint256 rateE9) external only(PARAMETERS) {
        _house.interestBase = uint48(_interestIndex());
        _house.interestTime = uint32(block.timestamp);
        _house.interestRateE9 = uint32(rateE9);
    }

    /// @inheritdoc IMarginExtension
    function setTreasury(uint256 account) external only(PARAMETERS) {
        _treasury = account;
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
        return (_risks[instrument], _limitsOf(instrument), _fundingOf(instrument));
    }

    /// @inheritdoc IMarginExtension
    function collateralTotal(uint256 collateral) external view returns (uint256) {
        return _collateralTotals[collateral];
    }

    /// @inheritdoc IMarginExtension
    function instrumentCount() external view returns (uint256) {
        return _house.instruments;
    }

    /// @inheritdoc IMarginExtension
    function collateralCount() external view returns (uint256) {
        return _house.collaterals;
    }

    /// @inheritdoc IMarginExtension
    function badDebt() external view returns (uint256) {
        return _house.badDebt;
    }

    /// @inheritdoc IMarginExtension
    function treasury() external view returns (uint256) {
        return _treasury;
    }

    /// @inheritdoc IMarginExtension
    function market(uint256 instrument) external view returns (Market memory) {
        return _marketOf(instrument);
    }

    /// @inheritdoc IMarginExtension
    function collateralConfig(uint256 collateral) external view returns (Collateral memory) {
        return _collateralOf(collateral);
    }
}
