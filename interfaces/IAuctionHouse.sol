// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title AuctionHouse: the collateral of an account that owes too much, sold to anyone
/// @notice No role, no allow-list. The owner ends an auction by topping up or repaying.
/// @dev Units as in IMarginEngine. Price: WAD, settlement value of one whole token. Discount, haircut: WAD.
interface IAuctionHouse {
    /// @dev One slot. When it started, and when equity was first seen below zero (0: not).
    struct Auction {
        uint64 startedAt;
        uint64 insolventAt;
    }

    event AuctionStarted(uint256 indexed account, uint256 startedAt, uint256 insolventAt);
    event AuctionStopped(uint256 indexed account);
    event SaleOrderSet(uint256 indexed account, uint8[] collaterals);

    /// @notice debt ≤ λ · collateral, equity ≥ 0 and nobody has paid for the account: nothing is for sale.
    error NotForSale(uint256 account, uint256 debt, uint256 limit);
    /// @notice Start it first; or it has lapsed, and starts anew.
    error NoAuction(uint256 account);
    error AuctionRunning(uint256 account, uint256 startedAt, uint256 insolventAt);
    /// @notice The collateral is still for sale and its prices are valid.
    error AuctionDue(uint256 account, uint256 debt);
    /// @notice The owner's order, or the lowest haircut, comes first, until the discount is full.
    error NotFirst(uint256 account, uint256 collateral, uint256 first);
    error PriceAboveLimit(uint256 price, uint256 maxPrice);
    error NothingHeld(uint256 account);
    error NotOwner(uint256 account, address caller);
    error InvalidAmount(uint256 amount, uint256 most);

    /// @notice Starts the auction of an account's collateral: D > λ · C, E < 0, or an estate. Or notes that E fell below zero, or
    /// rose again, since. The discount rises linearly from 0 to the haircut within RAMP; then, where E < 0 and nothing is held, to 1 within another.
    /// It lapses after LIFE, and begins anew when the sequencer comes back.
    function startAuction(uint256 account) external;

    /// @notice Ends the auction of an account whose collateral is no longer for sale, or has no valid price. Anyone.
    function stopAuction(uint256 account) external;

    /// @notice In which order an account's collateral is sold. Only its owner. Whatever it does not name follows, the lowest
    /// haircut first.
    function setSaleOrder(uint256 account, uint8[] calldata collaterals) external;

    /// @notice Buys collateral at auction, at most what brings the debt back to λ₀ · C (all of the debt where E < 0; what an
    /// estate owes too). The caller has approved the margin engine for settlement tokens.
    /// @param amount most wanted, token units
    /// @param maxPrice most that is paid for one whole token, WAD
    /// @param data empty to pay first; else the tokens come first and `IFlashBuyer.onCollateral` of the caller is called with it
    /// @return bought token units
    /// @return payment settlement units, rounded up
    function buyCollateral(
        uint256 account,
        uint256 collateral,
        uint256 amount,
        uint256 maxPrice,
        bytes calldata data
    ) external returns (uint256 bought, uint256 payment);

    /// @notice What may be bought now: which collateral, the price of one whole token (WAD), and the most of it (token
    /// units). Reverts as a purchase would.
    function offer(uint256 account) external view returns (uint256 collateral, uint256 price, uint256 most);
    function auctionOf(uint256 account) external view returns (Auction memory);
    function RAMP() external view returns (uint256);
    function LIFE() external view returns (uint256);
    function ENGINE() external view returns (address);
}
