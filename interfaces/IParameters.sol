// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarginTypes} from "./IMarginTypes.sol";

/// @title Parameters: listing, changing with notice, tightening
/// @notice Belongs to a timelock. Limits, funding and the initial multiple hold at once; what moves maintenance or a haircut
/// is announced, and applied by anyone when its notice has ended (ADM-1).
interface IParameters {
    /// @dev What a listing states. maxMoveE6: the largest move within reactionTime (seconds); it is checked, not stored:
    /// base ≥ feed spread + maxMove + funding over reactionTime + penalty.
    struct InstrumentConfig {
        IMarginTypes.Risk risk;
        IMarginTypes.Limits limits;
        IMarginTypes.Funding funding;
        uint24 maxMoveE6;
        uint32 reactionTime;
    }

    event InstrumentSet(uint256 indexed instrument, InstrumentConfig config, uint256 riskFrom);
    event InstrumentApplied(uint256 indexed instrument, IMarginTypes.Risk risk);
    event CollateralSet(uint256 indexed collateral, IMarginTypes.Collateral config, uint256 riskFrom);
    event CollateralApplied(uint256 indexed collateral, IMarginTypes.Collateral config);
    event CapsLowered(uint256 indexed instrument, uint256 capUnits, uint256 capValue);
    event Restricted(uint256 indexed instrument);
    event CollateralCapLowered(uint256 indexed collateral, uint256 cap);
    event InterestSet(uint256 rateE9);
    event TreasurySet(uint256 account);
    event GuardianSet(address guardian);

    error NotGuardian(address caller);
    /// @notice A parameter is outside its hard bound or the listing rule.
    error InvalidParameter(string name, uint256 value, uint256 bound);
    error NothingPending(uint256 id);
    error NoticeRunning(uint256 until);

    /// @notice Lists an instrument (id = count) or changes one. Only the owner.
    function setInstrument(uint256 instrument, InstrumentConfig calldata config) external;

    /// @notice Applies a change of an instrument whose notice has ended. Anyone.
    function applyInstrument(uint256 instrument) external;

    /// @notice Lists a collateral (id = count) or changes one; the cap holds at once. Only the owner.
    function setCollateral(uint256 collateral, IMarginTypes.Collateral calldata config) external;

    /// @notice Applies a change of a collateral whose notice has ended. Anyone.
    function applyCollateral(uint256 collateral) external;

    /// @notice Interest on negative cash, 1e-9 per year, at most 1e9 (100 %). Only the owner.
    function setInterest(uint256 rateE9) external;

    /// @notice The margin account that treasury fees are credited to. Only the owner.
    function setTreasury(uint256 account) external;

    /// @notice Only the owner.
    function setGuardian(address newGuardian) external;

    /// @notice Makes an instrument reduce-only. The guardian or the owner.
    function restrict(uint256 instrument) external;

    /// @notice Lowers open-interest caps; never raises. The guardian or the owner.
    function lowerCaps(uint256 instrument, uint80 capUnits, uint80 capValue) external;

    /// @notice Lowers the cap of a collateral; never raises. The guardian or the owner.
    function lowerCollateralCap(uint256 collateral, uint104 cap) external;

    function pendingRisk(uint256 instrument) external view returns (IMarginTypes.Risk memory risk, uint256 from);
    function pendingCollateral(uint256 collateral)
        external
        view
        returns (IMarginTypes.Collateral memory config, uint256 from);
    function guardian() external view returns (address);
    function NOTICE() external view returns (uint256);
    function ENGINE() external view returns (address);
}
