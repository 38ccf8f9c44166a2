// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarginTypes} from "./IMarginTypes.sol";

/// @title What both parts of the lens share
interface ILensReader {
    /// @notice The margin rule's answer about one account.
    /// @param margin at mid; its `initial` is I, at hi
    /// @param backing min(b + C, E), C at lo
    /// @param freeMargin backing − I; below zero the account can neither add risk nor withdraw
    /// @param marginRatio E / N; the largest int256 where N = 0
    /// @param health E / M; the largest int256 where M = 0
    /// @param debt max(0, −(b + U))
    /// @param liquidatable E < M with a position (E < 0: to be absorbed): the rule alone, whatever the sequencer does
    /// @param forSale debt > λ · C at mid, E < 0, or an estate without positions: its collateral may be bought
    /// @param forgiven what others have paid for it and get back first, where it is an estate
    struct Standing {
        IMarginTypes.Margin margin;
        int256 backing;
        int256 freeMargin;
        int256 marginRatio;
        int256 health;
        uint256 debt;
        bool liquidatable;
        bool forSale;
        uint256 forgiven;
    }

    /// @notice The addresses do not belong to one protocol.
    error WrongAddress(address given, address expected);
    /// @notice The call had too little gas to tell: ask about fewer accounts, or with more.
    error OutOfGas();

    function ENGINE() external view returns (address);
    function LIQUIDATION_ENGINE() external view returns (address);
    function POOL() external view returns (address);
}
