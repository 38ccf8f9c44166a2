// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title LiquidityPool: an ERC-4626 vault that quotes every perpetual
/// @notice Owns margin account sub 0 (idle cash, interest) and sub i + 1 for instrument i: a capped tranche each, so that one
/// dead feed or one bad market stays there. It has no powers over other accounts.
/// @dev Shares are priced at the equity of the sub-accounts: deposits at the higher, exits at the lower of equity at lo and
/// hi, per instrument; a sub-account below zero counts as nothing, for no other answers for it. A position on a halted feed has no price. A withdrawal is requested,
/// waits, and cannot be cancelled. Its owner executes it when it has matured; after another DELAY anyone may, at
/// mid: whole, to the owner, in full, and while the exit price is within 0.5 % of mid.
/// @dev Warning: somebody's large position widens the distance from lo to hi, and so what entering and leaving cost. The
/// overloads of ERC-5143 name the worst that the caller accepts.
/// @dev ERC-4626 with these bounds: `maxDeposit` and `maxRedeem` are 0 while any price of the pool is invalid; `totalAssets`
/// and the previews then revert with the oracle's reason. `maxRedeem` counts matured shares that can be paid now.
/// @dev Units as in IMarginEngine; assets are settlement units.
interface ILiquidityPool {
    /// @dev One slot. spreadE6, takerFeeE6, makerFeeE6: millionths of the price / notional, at most 5 % each.
    /// weightE6: share of the pool's equity that backs the instrument. cap: most capital ever put into it, net.
    struct MarketConfig {
        uint24 spreadE6;
        uint24 takerFeeE6;
        uint24 makerFeeE6;
        uint24 weightE6;
        uint96 cap;
    }

    struct Request {
        uint128 shares;
        uint64 maturesAt;
    }

    event Traded(
        uint256 indexed account, uint256 indexed instrument, int256 size, int256 quote, uint256 fee, uint256 price
    );
    event MarketSet(uint256 indexed instrument, MarketConfig config);
    event Allocated(uint256 indexed instrument, int256 amount, int256 contributed);
    event MarketFrozenSet(uint256 indexed instrument, bool frozen);
    event RedeemRequested(address indexed owner, uint256 shares, uint256 maturesAt);

    error Expired(uint256 deadline, uint256 time);
    /// @notice The fill would be worse than the limit (WAD).
    error PriceBeyondLimit(uint256 price, uint256 limitPrice);
    error SkewTooLarge(uint256 instrument, uint256 skew, uint256 scale);
    error NotTrader(uint256 account, address caller);
    error OnlyLiquidationEngine(address caller);
    error OnlyEngine(address caller);
    error UnknownMarket(uint256 instrument);
    error InvalidParameter(string name, uint256 value, uint256 bound);
    /// @notice The pool's tranche refused a liquidation: it takes no new risk until it is sound again.
    error MarketFrozen(uint256 instrument);
    error FrozenUntil(uint256 instrument, uint256 time);
    /// @notice The tranche has no margin to spare.
    error TrancheUnsound(uint256 instrument, int256 equity);
    error NothingToAllocate(uint256 instrument);
    /// @notice A deposit gives less, or an exit costs more, than the caller accepts.
    error BeyondLimit(uint256 found, uint256 limit);
    /// @notice The deposit is too small for a single share.
    error NoShares(uint256 assets);
    /// @notice The engine credited something else than what was sent.
    error WrongCredit(uint256 credited, uint256 sent);

    /// @notice Trades `size` of `instrument` against the pool for `account`, which has authorised the pool (operator bit 0).
    /// The caller is the account's owner or an operator with bit 0.
    /// @param limitPrice worst acceptable fill, WAD, spread and premium included, fee not
    /// @param deadline last second (unix) at which this may execute
    /// @return quote the account's change of quote
    /// @return fee what it paid on top
    function trade(uint256 account, uint256 instrument, int256 size, uint256 limitPrice, uint256 deadline)
        external
        returns (int256 quote, uint256 fee);

    /// @notice `deposit` that gives at least `minShares`.
    function deposit(uint256 assets, address receiver, uint256 minShares) external returns (uint256 shares);

    /// @notice `mint` that takes at most `maxAssets`.
    function mint(uint256 shares, address receiver, uint256 maxAssets) external returns (uint256 assets);

    /// @notice `withdraw` that burns at most `maxShares`.
    function withdraw(uint256 assets, address receiver, address owner, uint256 maxShares)
        external
        returns (uint256 shares);

    /// @notice `redeem` that pays at least `minAssets`.
    function redeem(uint256 shares, address receiver, address owner, uint256 minAssets)
        external
        returns (uint256 assets);

    /// @notice Adds to the caller's request; the whole request matures DELAY from now. The shares wait in the pool.
    function requestRedeem(uint256 shares) external returns (uint256 maturesAt);

    /// @notice Brings cash to the idle account for a loss that is the pool's: a debt without positions, whose interest it earned.
    /// Only the liquidation engine.
    /// @return available idle cash now, at most `amount`
    function gather(uint256 amount) external returns (uint256 available);

    /// @notice Moves cash between idle and an instrument's tranche, toward min(weight · equity, cap), as far as idle cash, the
    /// cap on what was ever put in and the tranche's margin allow. Anyone.
    /// @return amount + into the tranche
    function allocate(uint256 instrument) external returns (int256 amount);

    /// @notice No new risk in an instrument whose positions had to be deleveraged. Only the liquidation engine.
    function freeze(uint256 instrument) external;

    /// @notice Takes new risk again: an hour after the last deleveraging, with the tranche above its initial requirement. Anyone.
    function unfreeze(uint256 instrument) external;
    function isFrozen(uint256 instrument) external view returns (bool);

    /// @notice Sets quoting parameters. Only the owner. Weights sum to at most 1.
    function setMarket(uint256 instrument, MarketConfig calldata config) external;

    /// @notice Equity of all sub-accounts, settlement units, per instrument at its worse and its better price. Reverts while a
    /// price is invalid.
    function equity() external view returns (int256 low, int256 mid, int256 high);

    function request(address owner) external view returns (Request memory);
    function marketConfig(uint256 instrument) external view returns (MarketConfig memory config, int256 contributed);
    /// @notice The margin account that backs `instrument`.
    function tranche(uint256 instrument) external view returns (uint256 account);
    function idle() external view returns (uint256 account);
    function DELAY() external view returns (uint256);
    function ENGINE() external view returns (address);
}
