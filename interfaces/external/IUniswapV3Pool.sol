// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title What we ask of a pool of Uniswap V3
/// @notice Our own words for a part of somebody else's surface; the pool itself comes from its factory.
/// @dev token0 < token1 by address. A price is √(token1 / token0) in raw units, times 2^96.
interface IUniswapV3Pool {
    /// @notice Once, before anything else.
    function initialize(uint160 sqrtPriceX96) external;

    /// @notice Adds liquidity of `recipient`; what it costs is asked for by `uniswapV3MintCallback` on the caller.
    function mint(address recipient, int24 tickLower, int24 tickUpper, uint128 amount, bytes calldata data)
        external
        returns (uint256 amount0, uint256 amount1);

    /// @notice Pays `recipient` first, then calls `uniswapV3SwapCallback` on the caller, who pays what is owed.
    /// @param zeroForOne token0 goes in
    /// @param amountSpecified what goes in, where positive; what comes out, where negative
    /// @param sqrtPriceLimitX96 where the swap stops, done or not
    /// @return amount0 the pool's change: positive was paid to it, negative was paid by it
    /// @return amount1 likewise
    function swap(
        address recipient,
        bool zeroForOne,
        int256 amountSpecified,
        uint160 sqrtPriceLimitX96,
        bytes calldata data
    ) external returns (int256 amount0, int256 amount1);

    function token0() external view returns (address);
    function token1() external view returns (address);
}
