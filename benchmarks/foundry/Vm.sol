// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @notice What the benchmark asks of forge.
interface Vm {
    function envOr(string calldata name, string calldata otherwise) external view returns (string memory);
    function envAddress(string calldata name) external view returns (address);
    function envAddress(string calldata name, string calldata between) external view returns (address[] memory);
    function envUint(string calldata name) external view returns (uint256);
    function loadAllocs(string calldata path) external;
    function prank(address sender) external;
    function warp(uint256 time) external;
    function writeLine(string calldata path, string calldata text) external;
}
