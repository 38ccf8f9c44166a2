// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarginTypes} from "../../interfaces/IMarginTypes.sol";
import {MarginMath} from "../../contracts/libraries/MarginMath.sol";
import {Vm} from "./Vm.sol";

/// @notice One position beside one coin of collateral is liquidatable exactly when E < M. The rule is stated a second time
/// in `_over`, and the library is linked into the test, which is the fastest that forge can do.
/// @dev Ranges and terms are those of benchmarks/fuzz_threshold.py. A line in the file that HITS names is a case with E = M.
contract ThresholdTest {
    using MarginMath for IMarginTypes.Margin;

    Vm private constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    bool private immutable COUNTING = bytes(VM.envOr("HITS", "")).length != 0;

    /// @dev mid: of the position and of the coin, WAD.
    struct Case {
        int256 cash;
        int256 size;
        int256 quote;
        uint256 mid;
        uint256 amount;
    }

    error Wrong(Case c, bool liquidatable, int256 over);

    function testFuzz_uniform(uint256 cash, uint256 size, uint256 quote, uint256 mid, uint256 amount) external {
        Case memory c = _bounded(cash, size, quote, mid, amount);
        _judge(c, _over(c));
    }

    /// @dev Two units below the line to two above.
    function testFuzz_aimed(uint256 offset, uint256 size, uint256 quote, uint256 mid, uint256 amount) external {
        Case memory c = _bounded(0, size, quote, mid, amount);
        int256 over = int256(offset % 5) - 2;
        c.cash += over - _over(c);
        _judge(c, over);
    }

    /// @param over E − M
    function _judge(Case memory c, int256 over) private {
        bool liquidatable = MarginMath.judge(_snapshot(c), false).liquidatable();
        if (liquidatable != (c.size != 0 && over < 0)) revert Wrong(c, liquidatable, over);
        if (COUNTING && c.size != 0 && over == 0) VM.writeLine(VM.envOr("HITS", ""), "E = M");
    }

    function _bounded(uint256 cash, uint256 size, uint256 quote, uint256 mid, uint256 amount)
        private
        pure
        returns (Case memory)
    {
        return Case({
            cash: _signed(cash, 2 ** 43),
            size: _signed(size, 2 ** 40),
            quote: _signed(quote, 2 ** 43),
            mid: (1 + mid % 2 ** 40) * 1e10,
            amount: amount % 2 ** 73
        });
    }

    function _signed(uint256 x, uint256 reach) private pure returns (int256) {
        return int256(x % (2 * reach)) - int256(reach);
    }

    /// @dev E − M
    function _over(Case memory c) private pure returns (int256) {
        uint256 size = uint256(c.size < 0 ? -c.size : c.size);
        uint256 notional = _up(size * c.mid, 1e21);
        int256 value = c.size < 0 ? -int256(notional) : int256(size * c.mid / 1e21);
        uint256 maintenance = _up(notional * _least(1e18, 6e16 + _up(1e16 * size, 20_000e9)), 1e18);
        if (maintenance < 5e6) maintenance = 5e6;
        uint256 haircut = _least(5e17, 1e17 + _up(c.amount * 1e18, 50_000e18));
        int256 collateral = int256(c.amount * c.mid * (1e18 - haircut) / 1e48);
        return c.cash + collateral + value + c.quote - int256(maintenance);
    }

    function _up(uint256 x, uint256 d) private pure returns (uint256) {
        return (x + d - 1) / d;
    }

    function _least(uint256 a, uint256 b) private pure returns (uint256) {
        return a < b ? a : b;
    }

    function _snapshot(Case memory c) private pure returns (IMarginTypes.Snapshot memory snapshot) {
        (snapshot.cash, snapshot.sizeScale) = (c.cash, 1e21);
        snapshot.legs = new IMarginTypes.Leg[](1);
        IMarginTypes.Leg memory leg = snapshot.legs[0];
        (leg.size, leg.quote, leg.mid) = (c.size, c.quote, c.mid);
        (leg.base, leg.slope, leg.depth, leg.floor, leg.penaltyRate) = (6e16, 1e16, 20_000e9, 5e6, 1.5e16);
        snapshot.coins = new IMarginTypes.Coin[](1);
        IMarginTypes.Coin memory coin = snapshot.coins[0];
        (coin.amount, coin.mid, coin.haircut, coin.maxHaircut) = (c.amount, c.mid, 1e17, 5e17);
        (coin.depth, coin.scale) = (50_000e18, 1e48);
    }
}
