// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IUniswapV3Factory} from "../../interfaces/external/IUniswapV3Factory.sol";
import {IUniswapV3Pool} from "../../interfaces/external/IUniswapV3Pool.sol";
import {MockToken} from "./MockToken.sol";

/// @notice Makes pools of Uniswap V3 of two MockTokens, and is their liquidity and their other traders: it mints whatever a
/// pool asks it for.
contract UniswapMaker {
    IUniswapV3Factory public immutable FACTORY;

    event PoolMade(address pool);

    constructor(IUniswapV3Factory factory) {
        FACTORY = factory;
    }

    function make(address tokenA, address tokenB, uint24 fee, uint160 sqrtPriceX96) external returns (address pool) {
        pool = FACTORY.createPool(tokenA, tokenB, fee);
        IUniswapV3Pool(pool).initialize(sqrtPriceX96);
        emit PoolMade(pool);
    }

    function provide(IUniswapV3Pool pool, int24 tickLower, int24 tickUpper, uint128 liquidity)
        external
        returns (uint256 amount0, uint256 amount1)
    {
        return pool.mint(address(this), tickLower, tickUpper, liquidity, "");
    }

    /// @notice Sells `amount` of a token, as far as the price limit; what it brings goes to `to`.
    function sell(IUniswapV3Pool pool, bool zeroForOne, uint256 amount, uint160 sqrtPriceLimitX96, address to)
        external
        returns (int256 amount0, int256 amount1)
    {
        return pool.swap(to, zeroForOne, int256(amount), sqrtPriceLimitX96, "");
    }

    function uniswapV3MintCallback(uint256 amount0, uint256 amount1, bytes calldata) external {
        _pay(int256(amount0), int256(amount1));
    }

    function uniswapV3SwapCallback(int256 amount0, int256 amount1, bytes calldata) external {
        _pay(amount0, amount1);
    }

    /// @dev To whoever calls: these tokens cost nothing.
    function _pay(int256 amount0, int256 amount1) private {
        if (amount0 > 0) MockToken(IUniswapV3Pool(msg.sender).token0()).mint(msg.sender, uint256(amount0));
        if (amount1 > 0) MockToken(IUniswapV3Pool(msg.sender).token1()).mint(msg.sender, uint256(amount1));
    }
}
