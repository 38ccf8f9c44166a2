// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarginTypes} from "../../interfaces/IMarginTypes.sol";

/// @title The hot slots of the ledger, read and written whole
/// @notice The compiler reads a slot once for every field that is asked for and rewrites it once for every field that changes.
/// Here a slot is one load or one store. Lowest bits first, as the compiler lays the structs out:
///
///     Position    size 80 · quote 96 · index 80
///     Account     cash 80 · nonce 24 · flags 8 · instruments 64 · collaterals 32 · interestIndex 48
///     Market 0    indexLong 80 · indexShort 80 · openInterest 80
///     Market 1    quoteLong 96 · quoteShort 96 · rateE8 32 · time 32
///
/// An account's word is passed around as it is, and taken apart by what is below.
/// @dev A narrowing cast keeps the lowest bits: `int80(int256(word))` is the field at the bottom of a word, with its sign.
library Packing {
    uint256 private constant LOW_48 = type(uint48).max;
    uint256 private constant LOW_64 = type(uint64).max;
    uint256 private constant LOW_80 = type(uint80).max;

    // Position ------------------------------------------------------------------------------------------------------

    function read(IMarginTypes.Position storage stored) internal view returns (int256 size, int256 quote, int256 index) {
        uint256 word;
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            word := sload(stored.slot)
        }
        return (int80(int256(word)), int96(int256(word >> 80)), int256(word) >> 176);
    }

    function write(IMarginTypes.Position storage stored, int80 size, int96 quote, int80 index) internal {
        uint256 word = uint256(uint80(size)) | uint256(uint96(quote)) << 80 | uint256(uint80(index)) << 176;
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            sstore(stored.slot, word)
        }
    }

    // Account -------------------------------------------------------------------------------------------------------

    function read(IMarginTypes.Account storage stored) internal view returns (uint256 word) {
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            word := sload(stored.slot)
        }
    }

    function write(IMarginTypes.Account storage stored, uint256 word) internal {
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            sstore(stored.slot, word)
        }
    }

    function cash(uint256 account) internal pure returns (int256) {
        return int80(int256(account));
    }

    function nonce(uint256 account) internal pure returns (uint256) {
        return uint24(account >> 80);
    }

    function isEstate(uint256 account) internal pure returns (bool) {
        return account >> 104 & 1 != 0;
    }

    function instruments(uint256 account) internal pure returns (uint256) {
        return uint64(account >> 112);
    }

    function collaterals(uint256 account) internal pure returns (uint256) {
        return uint32(account >> 176);
    }

    function interestIndex(uint256 account) internal pure returns (uint256) {
        return account >> 208;
    }

    function withCash(uint256 account, int80 value) internal pure returns (uint256) {
        return account & ~LOW_80 | uint80(value);
    }

    /// @dev Wraps after 2^24 changes: it orders the changes of one account, it is no counter of value.
    function nextNonce(uint256 account) internal pure returns (uint256) {
        unchecked {
            return account & ~(uint256(type(uint24).max) << 80) | uint256(uint24((account >> 80) + 1)) << 80;
        }
    }

    function withoutEstate(uint256 account) internal pure returns (uint256) {
        return account & ~(uint256(1) << 104);
    }

    function withInstruments(uint256 account, uint64 value) internal pure returns (uint256) {
        return account & ~(LOW_64 << 112) | uint256(value) << 112;
    }

    function withInterestIndex(uint256 account, uint48 value) internal pure returns (uint256) {
        return account & ~(LOW_48 << 208) | uint256(value) << 208;
    }

    // Market --------------------------------------------------------------------------------------------------------

    function read(IMarginTypes.Market storage stored) internal view returns (IMarginTypes.Market memory market) {
        uint256 first;
        uint256 second;
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            first := sload(stored.slot)
            second := sload(add(stored.slot, 1))
        }
        (market.indexLong, market.indexShort) = (int80(int256(first)), int80(int256(first >> 80)));
        market.openInterest = uint80(first >> 160);
        (market.quoteLong, market.quoteShort) = (int96(int256(second)), int96(int256(second >> 96)));
        (market.rateE8, market.time) = (int32(int256(second >> 192)), uint32(second >> 224));
    }

    function write(IMarginTypes.Market storage stored, IMarginTypes.Market memory market) internal {
        uint256 first = uint256(uint80(market.indexLong)) | uint256(uint80(market.indexShort)) << 80
            | uint256(market.openInterest) << 160;
        uint256 second = uint256(uint96(market.quoteLong)) | uint256(uint96(market.quoteShort)) << 96
            | uint256(uint32(market.rateE8)) << 192 | uint256(market.time) << 224;
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            sstore(stored.slot, first)
            sstore(add(stored.slot, 1), second)
        }
    }

    /// @dev Of a touched market: the index of a side.
    function sideIndex(IMarginTypes.Market storage stored, bool long) internal view returns (int256) {
        uint256 word;
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            word := sload(stored.slot)
        }
        return int80(int256(long ? word : word >> 80));
    }
}
