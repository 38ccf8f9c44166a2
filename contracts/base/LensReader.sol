// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {IMarginEngine} from "../../interfaces/IMarginEngine.sol";
import {ILensReader} from "../../interfaces/ILensReader.sol";
import {IMarginTypes} from "../../interfaces/IMarginTypes.sol";
import {IPriceOracle} from "../../interfaces/IPriceOracle.sol";
import {PreviewMath} from "../libraries/PreviewMath.sol";

/// @title How the lens asks the margin engine
/// @notice An account is loaded as it stands, or the reason why it cannot be is kept.
abstract contract LensReader is ILensReader {
    uint256 internal constant WAD = 1e18;

    address public immutable ENGINE;
    address public immutable LIQUIDATION_ENGINE;
    address public immutable POOL;
    address internal immutable SETTLEMENT;
    uint256 internal immutable SIZE_SCALE;
    uint256 private immutable DEBT_LIMIT_E6;
    uint256 internal immutable OPEN_DEBT_LIMIT_E6;

    /// @dev What the engine answers about an account, or why it does not.
    struct Loaded {
        bool ok;
        bytes fault;
        IMarginTypes.Snapshot snapshot;
        IPriceOracle.Price[] book;
    }

    constructor(address engine, address liquidationEngine, address pool) {
        _requireSame(liquidationEngine, IMarginEngine(engine).LIQUIDATION_ENGINE());
        _requireSame(pool, IMarginEngine(engine).POOL());
        (ENGINE, LIQUIDATION_ENGINE, POOL) = (engine, liquidationEngine, pool);
        SETTLEMENT = IMarginEngine(engine).SETTLEMENT();
        SIZE_SCALE = IMarginEngine(engine).SIZE_SCALE();
        DEBT_LIMIT_E6 = IMarginEngine(engine).DEBT_LIMIT_E6();
        OPEN_DEBT_LIMIT_E6 = IMarginEngine(engine).OPEN_DEBT_LIMIT_E6();
    }

    function _requireSame(address given, address expected) internal pure {
        if (given != expected) revert WrongAddress(given, expected);
    }

    function _standing(IMarginTypes.Snapshot memory snapshot) internal view returns (Standing memory) {
        return PreviewMath.standing(snapshot, _forgiven(snapshot.account), DEBT_LIMIT_E6);
    }

    /// @dev With a leg in `instrument` even where the account holds none. Reverts with the reason where there is a
    /// fault.
    function _load(uint256 account, uint256 instrument, IPriceOracle.Price[] memory book, bool sequenced)
        internal
        view
        returns (Loaded memory loaded)
    {
        loaded = _tryLoad(account, uint64(1) << uint64(instrument), book, sequenced);
        _bubble(loaded);
    }

    /// @dev With a leg in each instrument of the bitmap `include`.
    function _tryLoad(uint256 account, uint64 include, IPriceOracle.Price[] memory book, bool sequenced)
        internal
        view
        returns (Loaded memory loaded)
    {
        try IMarginEngine(ENGINE).load(account, include, book, sequenced) returns (
            IMarginTypes.Snapshot memory snapshot, IPriceOracle.Price[] memory completed
        ) {
            (loaded.ok, loaded.snapshot, loaded.book) = (true, snapshot, completed);
        } catch (bytes memory fault) {
            loaded.fault = _reason(fault);
        }
    }

    /// @dev Revert data that is an answer. A call that starved says nothing, or what the oracle says in its place: to
    /// pass that on as the account's fault would be a lie.
    function _reason(bytes memory data) internal pure returns (bytes memory) {
        bytes4 selector = bytes4(data);
        bool starved = selector == IPriceOracle.TooLittleGas.selector || selector == OutOfGas.selector;
        if (data.length == 0 || starved) revert OutOfGas();
        return data;
    }

    /// @dev Reverts with the fault, if there is one.
    function _bubble(Loaded memory loaded) internal pure {
        Address.verifyCallResult(loaded.ok, loaded.fault);
    }

    function _stateOf(uint256 account) internal view returns (IMarginTypes.Account memory) {
        return IMarginEngine(ENGINE).accountState(account);
    }

    /// @dev What others have paid for an account, and get back first; 0 where it is no estate.
    function _forgiven(uint256 account) internal view returns (uint256) {
        return IMarginEngine(ENGINE).estateOf(account).forgiven;
    }

    function _sizeOf(uint256 account, uint256 instrument) internal view returns (int256) {
        return IMarginEngine(ENGINE).position(account, instrument).size;
    }

    function _openInterest(uint256 instrument) internal view returns (uint256) {
        return IMarginEngine(ENGINE).market(instrument).openInterest;
    }

    /// @dev The pool's account that backs an instrument.
    function _tranche(uint256 instrument) internal view returns (uint256) {
        return uint256(uint160(POOL)) << 96 | (instrument + 1);
    }
}
