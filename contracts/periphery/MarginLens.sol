// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ILiquidationEngine} from "../../interfaces/ILiquidationEngine.sol";
import {IMarginEngine} from "../../interfaces/IMarginEngine.sol";
import {IMarginLens} from "../../interfaces/IMarginLens.sol";
import {IMarginTypes} from "../../interfaces/IMarginTypes.sol";
import {IPriceOracle} from "../../interfaces/IPriceOracle.sol";
import {FixedPointMath} from "../libraries/FixedPointMath.sol";
import {MarginMath} from "../libraries/MarginMath.sol";

/// @title MarginLens
contract MarginLens is IMarginLens {
    using FixedPointMath for uint256;
    using FixedPointMath for int256;
    using MarginMath for IMarginTypes.Margin;

    uint256 private constant WAD = 1e18;

    address public immutable ENGINE;
    address public immutable LIQUIDATION_ENGINE;
    address public immutable POOL;
    uint256 private immutable DEBT_LIMIT_E6;

    constructor(address engine, address liquidationEngine, address pool) {
        _requireSame(liquidationEngine, IMarginEngine(engine).LIQUIDATION_ENGINE());
        _requireSame(pool, IMarginEngine(engine).POOL());
        (ENGINE, LIQUIDATION_ENGINE, POOL) = (engine, liquidationEngine, pool);
        DEBT_LIMIT_E6 = IMarginEngine(engine).DEBT_LIMIT_E6();
    }

    // As it stands --------------------------------------------------------------------------------------------------

    /// @inheritdoc IMarginLens
    function reports(uint256[] calldata accounts) external view returns (AccountReport[] memory all) {
        all = new AccountReport[](accounts.length);
        IPriceOracle.Price[] memory book;
        for (uint256 i; i < accounts.length; ++i) {
            AccountReport memory report = all[i];
            report.account = accounts[i];
            report.state = IMarginEngine(ENGINE).accountState(accounts[i]);
            try IMarginEngine(ENGINE).load(accounts[i], 0, book, false) returns (
                IMarginTypes.Snapshot memory snapshot, IPriceOracle.Price[] memory completed
            ) {
                book = completed;
                report.valid = true;
                report.standing = _standing(snapshot);
                (report.legs, report.coins) = (snapshot.legs, snapshot.coins);
            } catch (bytes memory fault) {
                report.fault = fault;
            }
        }
    }

    /// @inheritdoc IMarginLens
    function liquidatable(uint256[] calldata accounts) external view returns (bool[] memory below) {
        below = new bool[](accounts.length);
        IPriceOracle.Price[] memory book;
        for (uint256 i; i < accounts.length; ++i) {
            try IMarginEngine(ENGINE).load(accounts[i], 0, book, true) returns (
                IMarginTypes.Snapshot memory snapshot, IPriceOracle.Price[] memory completed
            ) {
                book = completed;
                below[i] = MarginMath.judge(snapshot, false).liquidatable();
            } catch {}
        }
    }

    function liquidationPrice(uint256, uint256) external view returns (uint256, uint256, bool, bool) {}
    function previewTrade(uint256, uint256, int256) external view returns (TradePreview memory) {}
    function previewWithdraw(uint256, address, uint256) external view returns (WithdrawPreview memory) {}
    function maxWithdraw(uint256, address) external view returns (uint256) {}
    function previewLiquidation(uint256, uint256) external view returns (LiquidationPreview memory) {}

    function _standing(IMarginTypes.Snapshot memory snapshot) private view returns (Standing memory s) {
        IMarginTypes.Margin memory margin = MarginMath.judge(snapshot, false);
        IMarginTypes.Margin memory strict = MarginMath.judge(snapshot, true);
        margin.initial = strict.initial;
        s.margin = margin;
        s.backing = strict.backing();
        s.freeMargin = s.backing - int256(strict.initial);
        s.marginRatio = _ratio(margin.equity, margin.notional);
        s.health = _ratio(margin.equity, margin.maintenance);
        s.debt = margin.debt();
        s.liquidatable = margin.liquidatable();
        s.forSale = margin.equity < 0 || s.debt * 1e6 > margin.collateral * DEBT_LIMIT_E6;
    }

    function _ratio(int256 equity, uint256 of_) private pure returns (int256) {
        return of_ == 0 ? type(int256).max : equity.mulDivDown(WAD, of_);
    }

    function _requireSame(address given, address expected) private pure {
        if (given != expected) revert WrongAddress(given, expected);
    }
}
