// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IFlashBuyer} from "./IFlashBuyer.sol";

/// @title UniswapBuyer: collateral at auction, bought with what its sale brings
/// @notice A keeper without capital takes collateral from an auction, sells it in a pool of Uniswap V3 and pays with the
/// proceeds, all in one transaction; what is left is the keeper's. It has no owner, and holds nothing between calls.
/// @dev Units: collateral in the token's own, money in settlement units; a price is WAD per whole token.
/// @dev Warning: tokens sent here by mistake are lost: settlement tokens go to whoever buys next.
interface IUniswapBuyer is IFlashBuyer {
    event BoughtAndSold(
        uint256 indexed account,
        uint256 indexed collateral,
        address indexed keeper,
        address pool,
        uint256 amount,
        uint256 payment,
        uint256 profit
    );

    /// @notice A purchase is running: it ends before the next one begins.
    error AlreadyBuying(address pool);
    /// @notice The pool did not take exactly what was bought: it is too shallow, or no pool of the two tokens.
    error NotAllSold(int256 taken, uint256 amount);
    /// @notice proceeds − payment; below zero the sale does not even pay for the purchase.
    error ProfitTooSmall(int256 profit, uint256 minProfit);
    error OnlyMarginEngine(address caller);
    /// @notice No purchase of this contract is running, or it names no pool.
    error NotBuying();
    error OnlyPoolInUse(address caller, address pool);

    /// @notice Buys at most `amount` of a collateral of `account` at auction, and sells all of it in `uniswapPool`.
    /// @param maxPrice as in IAuctionHouse.buyCollateral
    /// @param uniswapPool of the collateral and the settlement token, whatever its fee. The caller chooses it and alone bears
    /// what it does: the auction is paid in full, or nothing happens
    /// @param minProfit least profit, net of Uniswap's fee
    /// @return bought token units
    /// @return payment what the auction got
    /// @return profit what the caller got
    /// @dev Warning: whoever moves the pool first takes what is above minProfit: name all that you expect.
    function buy(
        uint256 account,
        uint256 collateral,
        uint256 amount,
        uint256 maxPrice,
        address uniswapPool,
        uint256 minProfit
    ) external returns (uint256 bought, uint256 payment, uint256 profit);

    /// @notice Uniswap's pool demands what it bought; only the pool in use, once a purchase, and exactly what was bought.
    function uniswapV3SwapCallback(int256 amount0Delta, int256 amount1Delta, bytes calldata data) external;

    function AUCTION_HOUSE() external view returns (address);
    function ENGINE() external view returns (address);
    function SETTLEMENT() external view returns (address);
}
