// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IAuctionHouse} from "../../interfaces/IAuctionHouse.sol";
import {ILiquidationEngine} from "../../interfaces/ILiquidationEngine.sol";
import {ILiquidityPool} from "../../interfaces/ILiquidityPool.sol";
import {IMarginEngine} from "../../interfaces/IMarginEngine.sol";
import {IPriceOracle} from "../../interfaces/IPriceOracle.sol";
import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {MockAggregator} from "../../contracts/mocks/MockAggregator.sol";
import {MockProxy} from "../../contracts/mocks/MockProxy.sol";
import {Vm} from "./Vm.sol";

/// @notice The verbs of the protocol with random arguments. benchmarks/fuzz_sequences.py has the same, with the same ranges.
contract Handler {
    Vm private constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    uint256 private constant TRADERS = 3;

    IMarginEngine private immutable ENGINE;
    ILiquidityPool private immutable POOL;
    ILiquidationEngine private immutable LIQUIDATION;
    IAuctionHouse private immutable AUCTIONS;
    MockAggregator private immutable ETH;
    MockAggregator private immutable BTC;
    address private immutable ADA;
    address private immutable BEN;
    address private immutable CID;
    address private immutable KEEPER;
    address private immutable LP;
    address private immutable USDC;
    address private immutable WETH;
    address private immutable WBTC;

    uint256 private _now;
    int256[2] private _answers = [int256(2_000e8), 40_000e8];

    /// @param people three traders, the keeper, the provider
    constructor(IMarginEngine engine, address[] memory people, uint256 time) {
        (ENGINE, POOL) = (engine, ILiquidityPool(engine.POOL()));
        (LIQUIDATION, AUCTIONS) = (ILiquidationEngine(engine.LIQUIDATION_ENGINE()), IAuctionHouse(engine.AUCTION_HOUSE()));
        (ETH, BTC) = (_feed(engine, 0), _feed(engine, 1));
        (ADA, BEN, CID, KEEPER, LP) = (people[0], people[1], people[2], people[3], people[4]);
        USDC = engine.SETTLEMENT();
        (WETH, WBTC) = (engine.collateralConfig(0).token, engine.collateralConfig(1).token);
        _now = time;
    }

    // Traders -------------------------------------------------------------------------------------------------------

    function deposit(uint256 who, uint256 amount) external {
        address trader = _as(who);
        ENGINE.deposit(_account(trader), USDC, 1 + amount % 500e6, 0);
    }

    function depositCoin(uint256 who, uint256 coin, uint256 amount) external {
        address trader = _as(who);
        (address token, uint256 most) = _coin(coin);
        ENGINE.deposit(_account(trader), token, 1 + amount % most, 0);
    }

    function withdraw(uint256 who, uint256 amount) external {
        address trader = _as(who);
        ENGINE.withdraw(_account(trader), USDC, 1 + amount % 5_000e6, trader, 0);
    }

    function withdrawCoin(uint256 who, uint256 coin, uint256 amount) external {
        address trader = _as(who);
        (address token, uint256 most) = _coin(coin);
        ENGINE.withdraw(_account(trader), token, 1 + amount % most, trader, 0);
    }

    function trade(uint256 who, uint256 instrument, uint256 amount) external {
        address trader = _as(who);
        instrument %= 2;
        int256 most = instrument == 0 ? int256(60e9) : int256(3e9);
        int256 size = int256(amount % uint256(2 * most)) - most;
        POOL.trade(_account(trader), instrument, size, size > 0 ? type(uint256).max : 0, block.timestamp);
    }

    function settle(uint256 who) external {
        VM.prank(KEEPER);
        ENGINE.settle(_account(_trader(who)));
    }

    // The pool ------------------------------------------------------------------------------------------------------

    function provide(uint256 amount) external {
        VM.prank(LP);
        _vault().deposit(1 + amount % 100_000e6, LP);
    }

    function requestRedeem(uint256 shares) external {
        VM.prank(LP);
        POOL.requestRedeem(1 + shares % 1e16);
    }

    function redeem(uint256 shares) external {
        VM.prank(LP);
        _vault().redeem(1 + shares % 1e15, LP, LP);
    }

    function allocate(uint256 instrument) external {
        VM.prank(KEEPER);
        POOL.allocate(instrument % 2);
    }

    // Keepers -------------------------------------------------------------------------------------------------------

    function liquidate(uint256 who) external {
        VM.prank(KEEPER);
        LIQUIDATION.liquidate(ILiquidationEngine.Item(_account(_trader(who)), 0, 1e18, 0, type(uint256).max));
    }

    function absorb(uint256 who) external {
        VM.prank(KEEPER);
        LIQUIDATION.absorb(_account(_trader(who)), 0);
    }

    function startAuction(uint256 who) external {
        VM.prank(KEEPER);
        AUCTIONS.startAuction(_account(_trader(who)));
    }

    function buyCollateral(uint256 who, uint256 coin, uint256 amount) external {
        (, uint256 most) = _coin(coin);
        VM.prank(KEEPER);
        AUCTIONS.buyCollateral(_account(_trader(who)), coin % 2, 1 + amount % most, type(uint256).max, "");
    }

    // The world -----------------------------------------------------------------------------------------------------

    /// @dev − 10 % to + 10 %, between half and twice the first price.
    function setPrice(uint256 feed, uint256 move) external {
        feed %= 2;
        int256 first = feed == 0 ? int256(2_000e8) : int256(40_000e8);
        int256 answer = _answers[feed] * int256(900_000 + move % 200_001) / 1e6;
        if (answer < first / 2) answer = first / 2;
        if (answer > first * 2) answer = first * 2;
        _answers[feed] = answer;
        (feed == 0 ? ETH : BTC).push(answer);
    }

    function wait_(uint256 time) external {
        _now += 1 + time % 6 hours;
        VM.warp(_now);
    }

    // Names ---------------------------------------------------------------------------------------------------------

    function _as(uint256 who) private returns (address trader) {
        trader = _trader(who);
        VM.prank(trader);
    }

    function _trader(uint256 who) private view returns (address) {
        who %= TRADERS;
        return who == 0 ? ADA : who == 1 ? BEN : CID;
    }

    function _account(address owner) private pure returns (uint256) {
        return uint256(uint160(owner)) << 96;
    }

    function _coin(uint256 coin) private view returns (address token, uint256 most) {
        return coin % 2 == 0 ? (WETH, 2e18) : (WBTC, 1e7);
    }

    function _feed(IMarginEngine engine, uint256 feed) private view returns (MockAggregator) {
        (IPriceOracle.FeedConfig memory config,) = IPriceOracle(engine.ORACLE()).feedConfig(feed);
        return MockAggregator(address(MockProxy(config.aggregator).aggregator()));
    }

    function _vault() private view returns (IERC4626) {
        return IERC4626(address(POOL));
    }
}
