// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {FixedPointMath} from "../../../contracts/libraries/FixedPointMath.sol";

/// @notice mulDivDown is ⌊x · y / d⌋
contract MulDivDownIsFloor {
    function lemma(uint128 x, uint128 y, uint96 d) external pure {
        require(d > 0);
        uint256 q = FixedPointMath.mulDivDown(uint256(x), y, d);
        uint256 product = uint256(x) * y;
        assert(q * d <= product && product - q * d < d);
    }
}

/// @notice mulDivUp is ⌈x · y / d⌉
contract MulDivUpIsCeiling {
    function lemma(uint128 x, uint128 y, uint96 d) external pure {
        require(d > 0);
        uint256 product = uint256(x) * y;
        uint256 q = FixedPointMath.mulDivUp(uint256(x), y, d);
        assert(q == product / d + (product % d == 0 ? 0 : 1));
    }
}

/// @notice up = down + 1 exactly where something is left over
contract UpIsDownOrOneMore {
    function lemma(uint128 x, uint128 y, uint96 d) external pure {
        require(d > 0);
        uint256 down = FixedPointMath.mulDivDown(uint256(x), y, d);
        uint256 up = FixedPointMath.mulDivUp(uint256(x), y, d);
        assert(up == down + ((uint256(x) * y) % d == 0 ? 0 : 1));
    }
}

/// @notice divUp never wraps
contract DivUpNeverWraps {
    function lemma(uint256 x, uint256 d) external pure {
        require(d > 0);
        uint256 q = FixedPointMath.divUp(x, d);
        assert(q >= x / d && q <= x);
    }
}

/// @notice signed mulDivDown rounds toward −∞
contract SignedDownIsTowardMinusInfinity {
    function lemma(int104 x, uint88 y, uint96 d) external pure {
        require(d > 0);
        int256 q = FixedPointMath.mulDivDown(int256(x), y, d);
        int256 rest = int256(x) * int256(uint256(y)) - q * int256(uint256(d));
        assert(rest >= 0 && rest < int256(uint256(d)));
    }
}

/// @notice signed mulDivUp rounds toward +∞
contract SignedUpIsTowardPlusInfinity {
    function lemma(int104 x, uint88 y, uint96 d) external pure {
        require(d > 0);
        int256 q = FixedPointMath.mulDivUp(int256(x), y, d);
        int256 rest = q * int256(uint256(d)) - int256(x) * int256(uint256(y));
        assert(rest >= 0 && rest < int256(uint256(d)));
    }
}

/// @notice signed divDown and divUp likewise, and mirror each other
contract SignedDivisionsMirror {
    function lemma(int128 x, uint96 d) external pure {
        require(d > 0);
        int256 down = FixedPointMath.divDown(int256(x), d);
        int256 up = FixedPointMath.divUp(int256(x), d);
        assert(down * int256(uint256(d)) <= x && up * int256(uint256(d)) >= x);
        assert(up - down <= 1 && FixedPointMath.divUp(-int256(x), d) == -down);
    }
}

/// @notice abs, positive and negative are exact for every number
contract SignsAreExact {
    function lemma(int256 x) external pure {
        uint256 size = FixedPointMath.abs(x);
        assert(x >= 0 ? FixedPointMath.positive(size) == x : FixedPointMath.negative(size) == x);
    }
}
