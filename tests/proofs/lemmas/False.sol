// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {FixedPointMath} from "../../../contracts/libraries/FixedPointMath.sol";

/// @notice False: mulDivUp leaves nothing over
contract FalseUpIsExact {
    function lemma(uint96 x, uint96 y, uint96 d) external pure {
        require(d > 0);
        assert(FixedPointMath.mulDivUp(uint256(x), y, d) * d == uint256(x) * y);
    }
}
