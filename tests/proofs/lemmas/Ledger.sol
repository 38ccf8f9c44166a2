// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {LedgerMath} from "../../../contracts/libraries/LedgerMath.sol";
import {FixedPointMath} from "../../../contracts/libraries/FixedPointMath.sol";

/// @notice LED-2: cash and quote grow by exactly what was filled
contract FillCreatesNothing {
    function lemma(int80 size, int96 quote, int80 deltaSize, int96 deltaQuote) external pure {
        (int256 newSize, int256 newQuote, int256 cash) = LedgerMath.fill(size, quote, deltaSize, deltaQuote);
        assert(newQuote + cash == int256(quote) + deltaQuote);
        assert(newSize == int256(size) + deltaSize);
    }
}

/// @notice a reduction keeps ⌈q · |s'| / |s|⌉ of the quote
contract ReductionKeepsItsShare {
    function lemma(int80 size, int96 quote, int80 deltaSize, int96 deltaQuote) external pure {
        require(LedgerMath.reduces(size, deltaSize));
        (int256 newSize, int256 newQuote,) = LedgerMath.fill(size, quote, deltaSize, deltaQuote);
        int256 whole = int256(FixedPointMath.abs(size));
        int256 over = newQuote * whole - int256(quote) * int256(FixedPointMath.abs(newSize));
        assert(over >= 0 && over < whole);
    }
}

/// @notice what a flip closes rounds toward −∞: against the account
contract FlipRoundsAgainstTheAccount {
    function lemma(int80 size, int96 quote, int80 deltaSize, int96 deltaQuote) external pure {
        require(LedgerMath.isFlip(size, int256(size) + deltaSize));
        (,, int256 cash) = LedgerMath.fill(size, quote, deltaSize, deltaQuote);
        int256 whole = int256(FixedPointMath.abs(deltaSize));
        int256 rest = int256(deltaQuote) * int256(FixedPointMath.abs(size)) - (cash - int256(quote)) * whole;
        assert(rest >= 0 && rest < whole);
    }
}

/// @notice an opening or an increase leaves cash alone
contract IncreaseLeavesCash {
    function lemma(int80 size, int96 quote, int80 deltaSize, int96 deltaQuote) external pure {
        require(!LedgerMath.reduces(size, deltaSize) && !LedgerMath.isFlip(size, int256(size) + deltaSize));
        (, int256 newQuote, int256 cash) = LedgerMath.fill(size, quote, deltaSize, deltaQuote);
        assert(cash == 0 && newQuote == int256(quote) + deltaQuote);
    }
}
