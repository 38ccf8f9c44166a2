// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ILiquidityPool} from "../interfaces/ILiquidityPool.sol";
import {IMarginEngine} from "../interfaces/IMarginEngine.sol";
import {IMarginTypes} from "../interfaces/IMarginTypes.sol";
import {IVenue} from "../interfaces/IVenue.sol";
import {LedgerMath} from "./libraries/LedgerMath.sol";
import {PoolShares} from "./base/PoolShares.sol";
import {QuoteMath} from "./libraries/QuoteMath.sol";

/// @title The liquidity pool: one more margined account, which happens to quote
/// @notice Reading order: `trade` and `quote` (the price: QuoteMath), `allocate`; then base/PoolShares.
contract LiquidityPool is PoolShares, Ownable, IVenue {
    uint256 private constant MAX_RATE_E6 = 50_000;
    /// @dev How long a market stays frozen at least, after the last position that had to be deleveraged.
    uint256 private constant FREEZE = 1 hours;
    /// @dev Operator bit 0 of the engine: may trade.
    uint256 private constant MAY_TRADE = 1;

    uint256 private immutable SIZE_SCALE;

    /// @dev One slot: a MarketConfig; is the instrument quoted; is no new risk taken, for its tranche refused a liquidation.
    struct Terms {
        uint24 spreadE6;
        uint24 takerFeeE6;
        uint24 makerFeeE6;
        uint24 weightE6;
        uint96 cap;
        bool quoted;
        bool frozen;
    }

    mapping(uint256 instrument => Terms) private _terms;
    mapping(uint256 instrument => uint256) private _frozenUntil;

    /// @param engine the margin engine, already deployed
    /// @param owner_ the timelock
    /// @param delay seconds from a request to redeem until it matures
    constructor(address engine, address owner_, uint256 delay, string memory name_, string memory symbol_)
        ERC20(name_, symbol_)
        PoolShares(engine, delay)
        Ownable(owner_)
    {
        SIZE_SCALE = IMarginEngine(engine).SIZE_SCALE();
    }

    // Trading -------------------------------------------------------------------------------------------------------

    /// @inheritdoc ILiquidityPool
    function trade(uint256 account, uint256 instrument, int256 size, uint256 limitPrice, uint256 deadline)
        external
        nonReentrant
        returns (int256 quote_, uint256 fee)
    {
        if (block.timestamp > deadline) revert Expired(deadline, block.timestamp);
        _requireMarket(instrument);
        if (
            msg.sender != address(uint160(account >> 96))
                && IMarginEngine(ENGINE).operatorBits(account, msg.sender) & MAY_TRADE == 0
        ) revert NotTrader(account, msg.sender);
        IMarginTypes.Fill[] memory fills = new IMarginTypes.Fill[](1);
        fills[0] = IMarginTypes.Fill(instrument, size);
        int256[] memory quotes;
        (quotes, fee) = IMarginEngine(ENGINE).trade(account, tranche(instrument), fills, "");
        quote_ = quotes[0];
        uint256 price = QuoteMath.price(size, quote_, SIZE_SCALE);
        if (size > 0 ? price > limitPrice : price < limitPrice) revert PriceBeyondLimit(price, limitPrice);
        emit Traded(account, instrument, size, quote_, fee, price);
    }

    /// @inheritdoc IVenue
    /// @dev The engine asks whoever called its `trade`, so the order is the one of `trade` above.
    function quote(uint256, uint256, Order[] calldata orders, bytes calldata)
        external
        view
        returns (int256[] memory quotes, uint256[] memory fees)
    {
        if (msg.sender != ENGINE) revert OnlyEngine(msg.sender);
        Order calldata order = orders[0];
        Terms memory terms = _terms[order.instrument];
        (uint256 before, uint256 afterwards) = QuoteMath.skew(order.size, order.makerSize);
        // A trade that only narrows ends at 0 on the side it pushes to: it is never refused.
        if (afterwards >= order.scale) revert SkewTooLarge(order.instrument, afterwards, order.scale);
        if (terms.frozen && !LedgerMath.reduces(order.makerSize, -order.size)) revert MarketFrozen(order.instrument);
        (quotes, fees) = (new int256[](1), new uint256[](1));
        quotes[0] =
            QuoteMath.amount(order.size, before, afterwards, order.mid, order.scale, SIZE_SCALE, terms.spreadE6);
        fees[0] = QuoteMath.fee(
            order.size, afterwards - before, order.mid, SIZE_SCALE, terms.takerFeeE6, terms.makerFeeE6
        );
    }

    // Capital -------------------------------------------------------------------------------------------------------

    /// @inheritdoc ILiquidityPool
    /// @dev Another market's missing price does not stop a top-up (that market counts as nothing meanwhile), but nothing is
    /// called back for it. Good money is not sent after bad: a tranche below zero is for `absorb`.
    function allocate(uint256 instrument) external nonReentrant returns (int256 amount) {
        _requireMarket(instrument);
        Valuation memory v = _glance();
        _requirePrices(v, 1 << instrument);
        Terms memory terms = _terms[instrument];
        int256 target = int256(Math.min(v.mid * terms.weightE6 / MILLION, terms.cap));
        int256 worth = v.worth[instrument];
        if (worth >= 0 && worth < target) {
            uint256 room = _positive(int256(uint256(terms.cap)) - _contributed[instrument]);
            amount = int256(Math.min(uint256(target - worth), Math.min(v.idleCash, room)));
        } else if (worth > target && v.unpriced == 0) {
            amount = -int256(Math.min(uint256(worth - target), v.free[instrument]));
        }
        if (amount == 0) revert NothingToAllocate(instrument);
        _moveCash(instrument, amount);
    }

    // When a liquidation was refused --------------------------------------------------------------------------------

    /// @inheritdoc ILiquidityPool
    function freeze(uint256 instrument) external {
        _onlyLiquidationEngine();
        _frozenUntil[instrument] = block.timestamp + FREEZE;
        if (_terms[instrument].frozen) return;
        _terms[instrument].frozen = true;
        emit MarketFrozenSet(instrument, true);
    }

    /// @inheritdoc ILiquidityPool
    function unfreeze(uint256 instrument) external nonReentrant {
        uint256 until = _frozenUntil[instrument];
        if (block.timestamp < until) revert FrozenUntil(instrument, until);
        Valuation memory v = _glance();
        _requirePrices(v, 1 << instrument);
        if (v.free[instrument] == 0) revert TrancheUnsound(instrument, v.worth[instrument]);
        _terms[instrument].frozen = false;
        emit MarketFrozenSet(instrument, false);
    }

    /// @inheritdoc ILiquidityPool
    function isFrozen(uint256 instrument) external view returns (bool) {
        return _terms[instrument].frozen;
    }

    // Parameters ----------------------------------------------------------------------------------------------------

    /// @inheritdoc ILiquidityPool
    function setMarket(uint256 instrument, MarketConfig calldata config) external onlyOwner {
        if (instrument >= IMarginEngine(ENGINE).instrumentCount() || instrument >= MAX_MARKETS) {
            revert UnknownMarket(instrument);
        }
        _bound("spreadE6", config.spreadE6, MAX_RATE_E6);
        _bound("takerFeeE6", config.takerFeeE6, MAX_RATE_E6);
        _bound("makerFeeE6", config.makerFeeE6, MAX_RATE_E6);
        _markets |= uint128(1 << instrument);
        _terms[instrument] = Terms({
            spreadE6: config.spreadE6,
            takerFeeE6: config.takerFeeE6,
            makerFeeE6: config.makerFeeE6,
            weightE6: config.weightE6,
            cap: config.cap,
            quoted: true,
            frozen: _terms[instrument].frozen
        });
        uint256 weights;
        for (uint256 map = _markets; map != 0; map &= map - 1) weights += _terms[_lowest(map)].weightE6;
        _bound("weightE6", weights, MILLION);
        emit MarketSet(instrument, config);
    }

    /// @inheritdoc ILiquidityPool
    function marketConfig(uint256 instrument) external view returns (MarketConfig memory config, int256 contributed) {
        Terms memory t = _terms[instrument];
        config = MarketConfig(t.spreadE6, t.takerFeeE6, t.makerFeeE6, t.weightE6, t.cap);
        contributed = _contributed[instrument];
    }

    function _requireMarket(uint256 instrument) private view {
        if (!_terms[instrument].quoted) revert UnknownMarket(instrument);
    }

    function _bound(string memory name, uint256 value, uint256 most) private pure {
        if (value > most) revert InvalidParameter(name, value, most);
    }
}
