// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title What we ask of the factory of Uniswap V3
interface IUniswapV3Factory {
    /// @notice A pool of two tokens, in either order, at a fee (1e-6) that the factory knows.
    function createPool(address tokenA, address tokenB, uint24 fee) external returns (address pool);
}
