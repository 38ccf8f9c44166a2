// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {LossMath} from "../../../contracts/libraries/LossMath.sol";
import {IMarginTypes} from "../../../interfaces/IMarginTypes.sol";

/// @notice an index rises by at most what is left of its cap, and pays at most cap · OI
contract StepIsWithinItsRoom {
    function lemma(uint96 loss, uint80 openInterest, uint80 room) external pure {
        uint256 step = LossMath.step(loss, openInterest, room);
        assert(step <= room || openInterest == 0);
        assert(openInterest > 0 || step == 0);
    }
}

/// @notice where the cap does not bind the whole loss is paid
contract UncappedStepPaysAll {
    function lemma(uint96 loss, uint80 openInterest, uint80 room) external pure {
        uint256 step = LossMath.step(loss, openInterest, room);
        require(openInterest > 0 && step < room);
        assert(LossMath.collected(step, openInterest) >= loss);
    }
}

/// @notice the cap is at most a quarter of what lies between I and M: ¼ · base · (multiple − 1) · mid
contract CapIsAQuarter {
    function lemma(IMarginTypes.Risk memory risk, uint88 mid) external pure {
        require(risk.initialMultipleE6 > 1e6 && risk.baseE6 <= 1e6);
        uint256 cap = LossMath.cap(risk, mid, 1e21);
        assert(cap * 4e33 <= uint256(risk.baseE6) * (risk.initialMultipleE6 - 1e6) * mid * 1e18);
    }
}
