// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {ILiquidationEngine} from "../interfaces/ILiquidationEngine.sol";
import {IMarginEngine} from "../interfaces/IMarginEngine.sol";
import {IMarginTypes} from "../interfaces/IMarginTypes.sol";
import {IParameters} from "../interfaces/IParameters.sol";
import {IPriceOracle} from "../interfaces/IPriceOracle.sol";

/// @title Parameters: the only one who sets what the margin engine judges by
/// @notice The owner (a timelock) lists and changes inside hard bounds; what moves maintenance or a haircut waits NOTICE, so
/// that no change makes a healthy account liquidatable unannounced (ADM-1). The guardian only tightens and moves no money.
contract Parameters is IParameters, Ownable {
    uint256 public constant NOTICE = 3 days;
    uint256 private constant MAX_INSTRUMENTS = 64;
    uint256 private constant MAX_COLLATERALS = 32;
    uint256 private constant MAX_RATE_E8 = 10e8;
    uint256 private constant MIN_REACTION_TIME = 1 minutes;
    uint256 private constant MAX_OPEN_INTEREST = 2 ** 78;

    struct PendingRisk {
        IMarginTypes.Risk risk;
        uint256 from;
    }

    struct PendingCollateral {
        IMarginTypes.Collateral config;
        uint256 from;
    }

    address public immutable ENGINE;
    address public guardian;
    mapping(uint256 instrument => PendingRisk) private _pendingRisks;
    mapping(uint256 collateral => PendingCollateral) private _pendingCollaterals;

    constructor(address engine, address owner_, address guardian_) Ownable(owner_) {
        (ENGINE, guardian) = (engine, guardian_);
    }

    modifier onlyGuardian() {
        if (msg.sender != guardian && msg.sender != owner()) revert NotGuardian(msg.sender);
        _;
    }

    // Instruments ---------------------------------------------------------------------------------------------------

    /// @inheritdoc IParameters
    function setInstrument(uint256 instrument, InstrumentConfig calldata config) external onlyOwner {
        IMarginEngine engine = IMarginEngine(ENGINE);
        uint256 count = engine.instrumentCount();
        if (instrument > count || instrument >= MAX_INSTRUMENTS) {
            revert IMarginTypes.UnknownInstrument(instrument);
        }
        _checkInstrument(config.risk, config);
        IMarginTypes.Risk memory risk = config.risk;
        uint256 from = block.timestamp;
        if (instrument < count) {
            from += NOTICE;
            _pendingRisks[instrument] = PendingRisk(config.risk, from);
            IMarginTypes.Limits memory limits;
            IMarginTypes.Funding memory funding;
            (risk, limits, funding) = engine.instrumentConfig(instrument);
            risk.initialMultipleE6 = config.risk.initialMultipleE6;
            risk.reduceOnly = config.risk.reduceOnly;
            // What is loosened at once stands beside the old risk until the notice ends.
            bool loosens = config.funding.maxRateE8 > funding.maxRateE8
                || config.limits.minNotional < limits.minNotional;
            if (loosens) _checkInstrument(risk, config);
        }
        engine.setInstrument(instrument, risk, config.limits, config.funding);
        emit InstrumentSet(instrument, config, from);
    }

    /// @inheritdoc IParameters
    function applyInstrument(uint256 instrument) external {
        PendingRisk memory pending = _pendingRisks[instrument];
        _checkNotice(instrument, pending.from);
        delete _pendingRisks[instrument];
        (IMarginTypes.Risk memory risk, IMarginTypes.Limits memory limits, IMarginTypes.Funding memory funding) =
            IMarginEngine(ENGINE).instrumentConfig(instrument);
        // What holds at once may have been tightened since: it stays.
        pending.risk.initialMultipleE6 = risk.initialMultipleE6;
        pending.risk.reduceOnly = risk.reduceOnly;
        IMarginEngine(ENGINE).setInstrument(instrument, pending.risk, limits, funding);
        emit InstrumentApplied(instrument, pending.risk);
    }

    function _checkInstrument(IMarginTypes.Risk memory risk, InstrumentConfig calldata config) private view {
        IMarginTypes.Limits calldata limits = config.limits;
        IMarginTypes.Funding calldata funding = config.funding;
        ILiquidationEngine liquidation = ILiquidationEngine(IMarginEngine(ENGINE).LIQUIDATION_ENGINE());
        (IPriceOracle.FeedConfig memory feed,) = _oracle().feedConfig(risk.feed);
        if (!risk.listed) revert InvalidParameter("listed", 0, 1);
        _atMost("baseE6", risk.baseE6, 1e6);
        _atMost("penaltyE6", risk.penaltyE6, risk.baseE6 / 2);
        _atLeast("depth", risk.depth, 1);
        _atLeast("initialMultipleE6", risk.initialMultipleE6, 1e6 + 1);
        _atLeast("scale", funding.scale, 1);
        _atMost("maxRateE8", funding.maxRateE8, MAX_RATE_E8);
        _atMost("capUnits", limits.capUnits, MAX_OPEN_INTEREST);
        _atMost("oiThresholdE6", limits.oiThresholdE6, 1e6);
        _atMost("fee shares", uint256(funding.insuranceShareE6) + funding.treasuryShareE6, 1e6);
        uint256 keeperFloor = liquidation.KEEPER_FLOOR();
        _atLeast("floor", risk.floor, 2 * keeperFloor);
        // Even a small fraction pays a keeper: minNotional · penalty · (1 − 1/T) ≥ the reward's floor.
        uint256 target = liquidation.TARGET();
        _atLeast(
            "minNotional",
            uint256(limits.minNotional) * risk.penaltyE6 * (target - 1e18),
            keeperFloor * 1e6 * target
        );
        // The listing rule, in millionths: a position at the line still pays its penalty after the reaction time.
        _atLeast("reactionTime", config.reactionTime, MIN_REACTION_TIME);
        uint256 fundingE6 = uint256(funding.maxRateE8) * config.reactionTime / (365 days * 100) + 1;
        _atLeast("baseE6", risk.baseE6, uint256(feed.spreadE6) + config.maxMoveE6 + fundingE6 + risk.penaltyE6);
    }

    // Collaterals ---------------------------------------------------------------------------------------------------

    /// @inheritdoc IParameters
    function setCollateral(uint256 collateral, IMarginTypes.Collateral calldata config) external onlyOwner {
        IMarginEngine engine = IMarginEngine(ENGINE);
        uint256 count = engine.collateralCount();
        if (collateral > count || collateral >= MAX_COLLATERALS) revert IMarginTypes.UnknownCollateral(collateral);
        _checkCollateral(config);
        uint256 from = block.timestamp;
        IMarginTypes.Collateral memory listed = config;
        if (collateral < count) {
            listed = engine.collateralConfig(collateral);
            if (config.token != listed.token) revert IMarginTypes.UnknownToken(config.token);
            from += NOTICE;
            _pendingCollaterals[collateral] = PendingCollateral(config, from);
            listed.cap = config.cap;
        }
        engine.setCollateral(collateral, listed);
        emit CollateralSet(collateral, config, from);
    }

    /// @inheritdoc IParameters
    function applyCollateral(uint256 collateral) external {
        PendingCollateral memory pending = _pendingCollaterals[collateral];
        _checkNotice(collateral, pending.from);
        delete _pendingCollaterals[collateral];
        pending.config.cap = IMarginEngine(ENGINE).collateralConfig(collateral).cap;
        IMarginEngine(ENGINE).setCollateral(collateral, pending.config);
        emit CollateralApplied(collateral, pending.config);
    }

    function _checkCollateral(IMarginTypes.Collateral calldata config) private view {
        _atMost("decimals", config.decimals, 18);
        uint8 decimals = IERC20Metadata(config.token).decimals();
        if (decimals != config.decimals) revert InvalidParameter("decimals", config.decimals, decimals);
        _atMost("haircutE6", config.haircutE6, 1e6);
        // So that a deposit never lowers C: the slope of c · (1 − h) stays ≥ 0 up to h_max.
        _atLeast("maxHaircutE6", config.maxHaircutE6, config.haircutE6);
        _atMost("maxHaircutE6", config.maxHaircutE6, (1e6 + uint256(config.haircutE6)) / 2);
        _atLeast("depth", config.depth, 1);
        _atLeast("feeds", _oracle().feedCount(), uint256(config.feed) + 1);
    }

    // The rest ------------------------------------------------------------------------------------------------------

    /// @inheritdoc IParameters
    function setInterest(uint256 rateE9) external onlyOwner {
        _atMost("interestRateE9", rateE9, 1e9);
        IMarginEngine(ENGINE).setInterest(rateE9);
        emit InterestSet(rateE9);
    }

    /// @inheritdoc IParameters
    function setTreasury(uint256 account) external onlyOwner {
        IMarginEngine(ENGINE).setTreasury(account);
        emit TreasurySet(account);
    }

    /// @inheritdoc IParameters
    function setGuardian(address newGuardian) external onlyOwner {
        guardian = newGuardian;
        emit GuardianSet(newGuardian);
    }

    /// @inheritdoc IParameters
    function restrict(uint256 instrument) external onlyGuardian {
        (IMarginTypes.Risk memory risk, IMarginTypes.Limits memory limits, IMarginTypes.Funding memory funding) =
            IMarginEngine(ENGINE).instrumentConfig(instrument);
        if (!risk.listed) revert IMarginTypes.UnknownInstrument(instrument);
        risk.reduceOnly = true;
        IMarginEngine(ENGINE).setInstrument(instrument, risk, limits, funding);
        emit Restricted(instrument);
    }

    /// @inheritdoc IParameters
    function lowerCaps(uint256 instrument, uint80 capUnits, uint80 capValue) external onlyGuardian {
        (IMarginTypes.Risk memory risk, IMarginTypes.Limits memory limits, IMarginTypes.Funding memory funding) =
            IMarginEngine(ENGINE).instrumentConfig(instrument);
        if (!risk.listed) revert IMarginTypes.UnknownInstrument(instrument);
        _atMost("capUnits", capUnits, limits.capUnits);
        _atMost("capValue", capValue, limits.capValue);
        (limits.capUnits, limits.capValue) = (capUnits, capValue);
        IMarginEngine(ENGINE).setInstrument(instrument, risk, limits, funding);
        emit CapsLowered(instrument, capUnits, capValue);
    }

    /// @inheritdoc IParameters
    function lowerCollateralCap(uint256 collateral, uint104 cap) external onlyGuardian {
        IMarginTypes.Collateral memory listed = IMarginEngine(ENGINE).collateralConfig(collateral);
        if (listed.token == address(0)) revert IMarginTypes.UnknownCollateral(collateral);
        _atMost("cap", cap, listed.cap);
        listed.cap = cap;
        IMarginEngine(ENGINE).setCollateral(collateral, listed);
        emit CollateralCapLowered(collateral, cap);
    }

    /// @inheritdoc IParameters
    function pendingRisk(uint256 instrument) external view returns (IMarginTypes.Risk memory risk, uint256 from) {
        return (_pendingRisks[instrument].risk, _pendingRisks[instrument].from);
    }

    /// @inheritdoc IParameters
    function pendingCollateral(uint256 collateral)
        external
        view
        returns (IMarginTypes.Collateral memory config, uint256 from)
    {
        return (_pendingCollaterals[collateral].config, _pendingCollaterals[collateral].from);
    }

    function _oracle() private view returns (IPriceOracle) {
        return IPriceOracle(IMarginEngine(ENGINE).ORACLE());
    }

    function _checkNotice(uint256 id, uint256 from) private view {
        if (from == 0) revert NothingPending(id);
        if (block.timestamp < from) revert NoticeRunning(from);
    }

    function _atLeast(string memory name, uint256 value, uint256 bound) private pure {
        if (value < bound) revert InvalidParameter(name, value, bound);
    }

    function _atMost(string memory name, uint256 value, uint256 bound) private pure {
        if (value > bound) revert InvalidParameter(name, value, bound);
    }
}
