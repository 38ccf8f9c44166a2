// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarginTypes} from "../../interfaces/IMarginTypes.sol";
import {QuoteMath} from "../libraries/QuoteMath.sol";
import {TrancheMath} from "../libraries/TrancheMath.sol";

/// @notice The pool's mathematics, callable from a test, many cases at a time.
contract QuoteHarness {
    struct Case {
        int256 size;
        int256 makerSize;
        uint256 mid;
        uint256 scale;
        uint256 sizeScale;
        uint256 spreadE6;
        uint256 takerFeeE6;
        uint256 makerFeeE6;
    }

    struct Quote {
        uint256 before;
        uint256 afterwards;
        int256 amount;
        uint256 fee;
        uint256 price;
    }

    function quotes(Case[] calldata cases) external pure returns (Quote[] memory answers) {
        answers = new Quote[](cases.length);
        for (uint256 i; i < cases.length; ++i) {
            Case calldata c = cases[i];
            Quote memory answer = answers[i];
            (answer.before, answer.afterwards) = QuoteMath.skew(c.size, c.makerSize);
            answer.amount = QuoteMath.amount(
                c.size, answer.before, answer.afterwards, c.mid, c.scale, c.sizeScale, c.spreadE6
            );
            answer.fee = QuoteMath.fee(
                c.size, answer.afterwards - answer.before, c.mid, c.sizeScale, c.takerFeeE6, c.makerFeeE6
            );
            answer.price = QuoteMath.price(c.size, answer.amount, c.sizeScale);
        }
    }

    function worth(IMarginTypes.Snapshot calldata snapshot, uint256 initial)
        external
        pure
        returns (TrancheMath.Worth memory)
    {
        return TrancheMath.worth(snapshot, initial);
    }
}
