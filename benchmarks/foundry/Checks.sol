// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IEscrow} from "../../interfaces/IEscrow.sol";
import {IMarginEngine} from "../../interfaces/IMarginEngine.sol";
import {IMarginTypes} from "../../interfaces/IMarginTypes.sol";
import {ILiquidityPool} from "../../interfaces/ILiquidityPool.sol";

/// @notice Invariants of the ledger (docs/invariants.md), asserted after every call, by forge and by us alike.
contract Checks {
    IMarginEngine private immutable ENGINE;
    IEscrow private immutable ESCROW;
    IERC20 private immutable SETTLEMENT;
    IERC20 private immutable WETH;
    IERC20 private immutable WBTC;
    uint256[] private _accounts;

    error Violated(string id, int256 found, int256 bound);

    /// @param people whose first accounts are all that anyone holds, beside the pool's
    constructor(IMarginEngine engine, address[] memory people) {
        ENGINE = engine;
        (ESCROW, SETTLEMENT) = (IEscrow(engine.ESCROW()), IERC20(engine.SETTLEMENT()));
        (WETH, WBTC) = (IERC20(engine.collateralConfig(0).token), IERC20(engine.collateralConfig(1).token));
        for (uint256 i; i < people.length; ++i) {
            _accounts.push(uint256(uint160(people[i])) << 96);
        }
        for (uint256 i; i < 3; ++i) {
            _accounts.push(uint256(uint160(engine.POOL())) << 96 | i);
        }
    }

    function check() external view {
        uint256[] memory accounts = _accounts;
        _tokens(SETTLEMENT, ESCROW.creditOf(address(ENGINE), 0, address(SETTLEMENT)));
        _coin(accounts, WETH, 0);
        _coin(accounts, WBTC, 1);
        int256 claims;
        for (uint256 i; i < accounts.length; ++i) {
            claims += ENGINE.accountState(accounts[i]).cash;
        }
        claims += _instrument(accounts, 0) + _instrument(accounts, 1);
        uint256 covered = ESCROW.creditOf(address(ENGINE), 0, address(SETTLEMENT)) + ENGINE.badDebt();
        _atMost("LED-2", claims, int256(covered));
    }

    function _tokens(IERC20 token, uint256 credit) private view {
        _atMost("ESC-1", int256(credit), int256(token.balanceOf(address(ESCROW))));
    }

    function _coin(uint256[] memory accounts, IERC20 token, uint256 collateral) private view {
        uint256 owned;
        for (uint256 i; i < accounts.length; ++i) {
            owned += ENGINE.collateralOf(accounts[i], collateral);
        }
        _equal("ESC-1", int256(owned), int256(ENGINE.collateralTotal(collateral)));
        _tokens(token, owned);
    }

    /// @return claims Σ (quote − charge) + fund
    function _instrument(uint256[] memory accounts, uint256 instrument) private view returns (int256 claims) {
        IMarginTypes.Market memory market = ENGINE.market(instrument);
        int256 size;
        int256 long;
        for (uint256 i; i < accounts.length; ++i) {
            IMarginTypes.Position memory held = ENGINE.position(accounts[i], instrument);
            if (held.size == 0) continue;
            size += held.size;
            if (held.size > 0) long += held.size;
            int256 moved = int256(held.size > 0 ? market.indexLong : market.indexShort) - held.index;
            claims += held.quote - _up((held.size > 0 ? int256(held.size) : -int256(held.size)) * moved);
        }
        _equal("LED-1", size, 0);
        _equal("LED-1", long, int256(uint256(market.openInterest)));
        IMarginTypes.Fund memory fund = ENGINE.fundOf(instrument);
        claims += int256(uint256(fund.insurance) + fund.treasury);
    }

    /// @dev ⌈x / 1e18⌉
    function _up(int256 x) private pure returns (int256) {
        return x > 0 ? (x + 1e18 - 1) / 1e18 : x / 1e18;
    }

    function _atMost(string memory id, int256 found, int256 bound) private pure {
        if (found > bound) revert Violated(id, found, bound);
    }

    function _equal(string memory id, int256 found, int256 due) private pure {
        if (found != due) revert Violated(id, found, due);
    }
}
