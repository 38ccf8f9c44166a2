// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @notice What halmos offers to a proof: half of it at forge's address, half at its own.
interface Cheats {
    function assume(bool condition) external pure;
    function prank(address sender) external;
    function enableSymbolicStorage(address target) external;
}
