// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IFlashBuyer} from "../../interfaces/IFlashBuyer.sol";
import {IAuctionHouse} from "../../interfaces/IAuctionHouse.sol";
import {IMarginEngine} from "../../interfaces/IMarginEngine.sol";
import {IUniswapBuyer} from "../../interfaces/IUniswapBuyer.sol";
import {IUniswapV3Pool} from "../../interfaces/external/IUniswapV3Pool.sol";

/// @title UniswapBuyer
/// @notice buy → buyCollateral → onCollateral → swap → uniswapV3SwapCallback, and back.
/// @dev Why any pool may be named, and anyone may call:
/// 1. a pool, true or not, is given exactly what was bought, once; settlement tokens never leave but to the engine and to
///    the caller, and the engine takes its payment or all is undone;
/// 2. onCollateral is the margin engine's, which calls only those who bought, and this contract buys only in `buy`: so
///    its data is what `buy` wrote; nothing is believed that came through a pool;
/// 3. the engine may pull `payment` and no more, from the moment that it is due.
contract UniswapBuyer is IUniswapBuyer {
    using SafeCast for uint256;
    using SafeERC20 for IERC20;

    /// @dev The last prices inside Uniswap's bounds: a swap goes as far as it must.
    uint160 private constant LOWEST_SQRT_PRICE = 4_295_128_740;
    uint160 private constant HIGHEST_SQRT_PRICE = 1_461_446_703_485_210_103_287_273_052_203_988_822_378_723_970_341;

    address public immutable AUCTION_HOUSE;
    address public immutable ENGINE;
    address public immutable SETTLEMENT;

    /// @dev The purchase that is running: its pool, and what the pool has still to take.
    address private transient _pool;
    address private transient _token;
    uint256 private transient _unsold;

    constructor(address auctionHouse) {
        AUCTION_HOUSE = auctionHouse;
        ENGINE = IAuctionHouse(auctionHouse).ENGINE();
        SETTLEMENT = IMarginEngine(ENGINE).SETTLEMENT();
    }

    /// @inheritdoc IUniswapBuyer
    function buy(
        uint256 account,
        uint256 collateral,
        uint256 amount,
        uint256 maxPrice,
        address uniswapPool,
        uint256 minProfit
    ) external returns (uint256 bought, uint256 payment, uint256 profit) {
        if (_pool != address(0)) revert AlreadyBuying(_pool);
        _pool = uniswapPool;
        (bought, payment) = IAuctionHouse(AUCTION_HOUSE)
            .buyCollateral(account, collateral, amount, maxPrice, abi.encode(minProfit));
        profit = IERC20(SETTLEMENT).balanceOf(address(this));
        emit BoughtAndSold(account, collateral, msg.sender, uniswapPool, bought, payment, profit);
        if (profit > 0) IERC20(SETTLEMENT).safeTransfer(msg.sender, profit);
        _pool = address(0);
    }

    /// @inheritdoc IFlashBuyer
    function onCollateral(uint256, address token, uint256 amount, uint256 payment, bytes calldata data) external {
        if (msg.sender != ENGINE) revert OnlyMarginEngine(msg.sender);
        address pool = _pool;
        if (pool == address(0)) revert NotBuying();
        (_token, _unsold) = (token, amount);
        bool zeroForOne = token < SETTLEMENT;
        uint160 limit = zeroForOne ? LOWEST_SQRT_PRICE : HIGHEST_SQRT_PRICE;
        IUniswapV3Pool(pool).swap(address(this), zeroForOne, amount.toInt256(), limit, "");
        if (_unsold != 0) revert NotAllSold(0, _unsold);
        uint256 minProfit = abi.decode(data, (uint256));
        int256 profit = IERC20(SETTLEMENT).balanceOf(address(this)).toInt256() - payment.toInt256();
        if (profit < 0 || uint256(profit) < minProfit) revert ProfitTooSmall(profit, minProfit);
        IERC20(SETTLEMENT).forceApprove(ENGINE, payment);
    }

    /// @inheritdoc IUniswapBuyer
    function uniswapV3SwapCallback(int256 amount0Delta, int256 amount1Delta, bytes calldata) external {
        if (msg.sender != _pool) revert OnlyPoolInUse(msg.sender, _pool);
        uint256 amount = _unsold;
        int256 taken = amount0Delta > 0 ? amount0Delta : amount1Delta;
        if (taken <= 0 || uint256(taken) != amount) revert NotAllSold(taken, amount);
        _unsold = 0;
        IERC20(_token).safeTransfer(msg.sender, amount);
    }
}
