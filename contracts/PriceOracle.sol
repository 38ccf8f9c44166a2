// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {AggregatorV3Interface} from "@chainlink/contracts/src/v0.8/interfaces/AggregatorV3Interface.sol";
import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IPriceOracle} from "../interfaces/IPriceOracle.sol";
import {FixedPointMath} from "./libraries/FixedPointMath.sol";

/// @title PriceOracle
/// @dev A feed is somebody else's code. It gets a capped amount of gas, at most 160 bytes of its answer are looked at,
/// and whatever it does ends as a Fault of that one feed.
contract PriceOracle is IPriceOracle, Ownable {
    using FixedPointMath for int256;
    using FixedPointMath for uint256;
    using SafeCast for uint256;

    /// @dev Slot 1: aggregator 160 | heartbeat 24 | grace 24 | spreadE6 24 | decimals 8 | hasSecondary 8.
    /// Slot 2: minAnswer 128 | maxAnswer 128, the aggregator's own, in its decimals.
    struct Feed {
        address aggregator;
        uint24 heartbeat;
        uint24 grace;
        uint24 spreadE6;
        uint8 decimals;
        bool hasSecondary;
        uint128 minAnswer;
        uint128 maxAnswer;
    }

    /// @dev One slot: aggregator 160 | heartbeat 24 | maxDeviationE6 24 | decimals 8.
    struct Secondary {
        address aggregator;
        uint24 heartbeat;
        uint24 maxDeviationE6;
        uint8 decimals;
    }

    /// @dev The five words of `latestRoundData`, as they came.
    struct Round {
        uint256 roundId;
        int256 answer;
        uint256 startedAt;
        uint256 updatedAt;
        uint256 answeredInRound;
    }

    uint256 public constant MAX_FEEDS = 256;
    uint256 public constant MAX_HEARTBEAT = 7 days;
    uint256 public constant MAX_GRACE = 1 days;
    uint256 public constant MAX_DECIMALS = 18;
    uint256 public constant MAX_PRICE = type(uint88).max;
    /// @notice Spreads and deviations are below this (half, in millionths).
    uint256 public constant SPREAD_LIMIT_E6 = 500_000;
    /// @notice Gas that a feed may use for one answer (a Chainlink feed behind its proxy uses 19,000).
    uint256 public constant FEED_GAS = 200_000;
    /// @dev What must be left before the call for all FEED_GAS to be forwarded: 64/63 of it, and the call's own cost.
    uint256 private constant FEED_GAS_NEEDED = 210_000;
    uint256 private constant E6 = 1e6;

    /// @notice The L2 sequencer's uptime feed, or zero.
    address public immutable SEQUENCER;
    /// @notice Seconds that must have passed since the sequencer came back.
    uint256 public immutable SEQUENCER_GRACE;

    /// @inheritdoc IPriceOracle
    uint256 public override feedCount;
    mapping(uint256 feed => Feed) private _feeds;
    mapping(uint256 feed => Secondary) private _secondaries;

    constructor(address owner, address sequencer, uint256 sequencerGrace) Ownable(owner) {
        if (sequencer != address(0)) _requireCode("sequencer", sequencer);
        if (sequencerGrace > (sequencer == address(0) ? 0 : MAX_GRACE)) {
            revert InvalidFeed("sequencerGrace", sequencerGrace);
        }
        SEQUENCER = sequencer;
        SEQUENCER_GRACE = sequencerGrace;
    }

    /// @inheritdoc IPriceOracle
    function addFeed(FeedConfig calldata config) external onlyOwner returns (uint256 feed) {
        feed = feedCount;
        if (feed == MAX_FEEDS) revert InvalidFeed("feeds", feed);
        _requireFields(config);
        _requireSecondary(config);

        uint8 decimals = _decimalsOf("aggregator", "decimals", config.aggregator);
        feedCount = feed + 1;
        _feeds[feed] = Feed({
            aggregator: config.aggregator,
            heartbeat: uint256(config.heartbeat).toUint24(),
            grace: uint256(config.grace).toUint24(),
            spreadE6: config.spreadE6,
            decimals: decimals,
            hasSecondary: config.secondary != address(0),
            minAnswer: config.minAnswer.toUint128(),
            maxAnswer: Math.min(config.maxAnswer, type(uint128).max).toUint128()
        });
        if (config.secondary != address(0)) {
            _secondaries[feed] = Secondary({
                aggregator: config.secondary,
                heartbeat: uint256(config.secondaryHeartbeat).toUint24(),
                maxDeviationE6: config.maxDeviationE6,
                decimals: _decimalsOf("secondary", "secondaryDecimals", config.secondary)
            });
        }
        _priceOrRevert(feed, false);
        emit FeedAdded(feed, config, decimals, AggregatorV3Interface(config.aggregator).description());
    }

    /// @inheritdoc IPriceOracle
    function prices(uint256[] calldata feeds, bool sequenced) external view returns (Price[] memory found) {
        found = new Price[](feeds.length);
        for (uint256 i; i < feeds.length; ++i) {
            found[i] = _priceOrRevert(feeds[i], sequenced && i == 0);
        }
    }

    /// @inheritdoc IPriceOracle
    function peek(uint256 feed, bool sequenced)
        external
        view
        returns (Price memory price, Fault fault, uint256 found, uint256 limit)
    {
        return _price(feed, sequenced);
    }

    /// @inheritdoc IPriceOracle
    function freshness(uint256 feed) external view returns (uint256 updatedAt, uint256 staleAt) {
        Feed memory f = _feeds[feed];
        (bool ok, Round memory round) = _latestRound(f.aggregator);
        if (!ok || round.updatedAt == 0) return (0, 0);
        uint256 maxAge = uint256(f.heartbeat) + f.grace;
        return (round.updatedAt, Math.saturatingAdd(round.updatedAt, maxAge + 1));
    }

    function isFinal(uint256) external pure returns (bool) { return false; }
    function sequencedSince() external pure returns (uint256) { return 0; }
    /// @inheritdoc IPriceOracle
    function feedConfig(uint256 feed) external view returns (FeedConfig memory config, uint8 decimals) {
        Feed memory f = _feeds[feed];
        if (f.aggregator == address(0)) revert InvalidPrice(feed, Fault.UnknownFeed, feed, feedCount);
        Secondary memory s = _secondaries[feed];
        config = FeedConfig({
            aggregator: f.aggregator,
            heartbeat: f.heartbeat,
            grace: f.grace,
            spreadE6: f.spreadE6,
            minAnswer: f.minAnswer,
            maxAnswer: f.maxAnswer,
            secondary: s.aggregator,
            secondaryHeartbeat: s.heartbeat,
            maxDeviationE6: s.maxDeviationE6
        });
        decimals = f.decimals;
    }

    function _priceOrRevert(uint256 feed, bool sequenced) private view returns (Price memory price) {
        Fault fault;
        uint256 found;
        uint256 limit;
        (price, fault, found, limit) = _price(feed, sequenced);
        if (fault != Fault.None) revert InvalidPrice(feed, fault, found, limit);
    }

    /// @dev All checks, in the order of the faults. Never reverts, unless the caller sent too little gas to tell.
    function _price(uint256 feed, bool sequenced)
        private
        view
        returns (Price memory price, Fault fault, uint256 found, uint256 limit)
    {
        Feed memory f = _feeds[feed];
        if (f.aggregator == address(0)) return (price, Fault.UnknownFeed, feed, feedCount);

        uint256 mid;
        (uint256 lower, uint256 upper) = _bounds(f.minAnswer, f.maxAnswer);
        (mid, fault, found, limit) = _answer(f.aggregator, f.decimals, uint256(f.heartbeat) + f.grace, lower, upper);
        if (fault == Fault.None && sequenced) (fault, found, limit) = _checkSequencer();
        if (fault == Fault.None && f.hasSecondary) (fault, found, limit) = _checkSecondary(feed, f.grace, mid);
        if (fault != Fault.None) return (price, fault, found, limit);

        price.feed = feed;
        price.lo = mid.mulDivDown(E6 - f.spreadE6, E6);
        price.mid = mid;
        price.hi = mid.mulDivUp(E6 + f.spreadE6, E6);
    }

    /// @dev One aggregator's answer in WAD, `lower` and `upper` being the bounds that it must lie strictly between.
    function _answer(address aggregator, uint256 decimals, uint256 maxAge, uint256 lower, uint256 upper)
        private
        view
        returns (uint256 price, Fault fault, uint256 found, uint256 limit)
    {
        (bool ok, Round memory round) = _latestRound(aggregator);
        if (!ok) return (0, Fault.CallFailed, 0, 0);

        uint256 answer = round.answer.abs();
        if (round.answer <= 0) return (0, Fault.NotPositive, answer, 0);
        if (answer <= lower) return (0, Fault.OutOfBounds, answer, lower);
        if (answer >= upper) return (0, Fault.OutOfBounds, answer, upper);

        uint256 updatedAt = round.updatedAt;
        if (updatedAt == 0) return (0, Fault.NeverUpdated, 0, 0);
        if (updatedAt > block.timestamp) return (0, Fault.FromTheFuture, updatedAt, block.timestamp);
        if (block.timestamp - updatedAt > maxAge) return (0, Fault.Stale, updatedAt, block.timestamp - maxAge);
        if (round.answeredInRound < round.roundId) {
            return (0, Fault.IncompleteRound, round.answeredInRound, round.roundId);
        }

        // Feed decimals end here. Cannot wrap: decimals ≤ 18 since the listing, and answer < upper < 2^128.
        unchecked {
            price = answer * 10 ** (MAX_DECIMALS - decimals);
        }
        if (price > MAX_PRICE) return (0, Fault.TooLarge, price, MAX_PRICE);
    }

    /// @dev Chainlink's L2 uptime feed: answer 0 is up, `startedAt` since when; 0 there is a round not yet valid.
    function _checkSequencer() private view returns (Fault fault, uint256 found, uint256 limit) {
        if (SEQUENCER == address(0)) return (Fault.None, 0, 0);
        (bool ok, Round memory round) = _latestRound(SEQUENCER);
        if (!ok) return (Fault.SequencerDown, type(uint256).max, 0);
        if (round.answer != 0 || round.startedAt == 0) return (Fault.SequencerDown, uint256(round.answer), 0);
        uint256 latest = block.timestamp - SEQUENCER_GRACE;
        if (round.startedAt > latest) return (Fault.SequencerGrace, round.startedAt, latest);
    }

    function _checkSecondary(uint256 feed, uint256 grace, uint256 mid)
        private
        view
        returns (Fault fault, uint256 found, uint256 limit)
    {
        Secondary memory s = _secondaries[feed];
        uint256 other;
        (other, fault,,) = _answer(s.aggregator, s.decimals, s.heartbeat + grace, 0, type(uint128).max);
        if (fault != Fault.None) return (Fault.SecondaryFailed, uint256(fault), 0);
        uint256 gap = other > mid ? other - mid : mid - other;
        if (gap * E6 > mid * s.maxDeviationE6) return (Fault.Deviates, other, mid);
    }

    /// @dev A call that the feed can neither make revert, nor starve, nor flood: Solidity's own would copy the whole
    /// answer and revert on dirty words. A round id above 80 bits is garbage.
    /// A failure counts only if the feed had its gas: else whoever sends a transaction with too little could make a
    /// sound feed look dead.
    function _latestRound(address aggregator) private view returns (bool ok, Round memory round) {
        bytes4 selector = AggregatorV3Interface.latestRoundData.selector;
        uint256 available = gasleft();
        assembly ("memory-safe") {
            mstore(0, selector)
            ok := staticcall(FEED_GAS, aggregator, 0, 4, round, 160)
            ok := and(ok, gt(returndatasize(), 159))
        }
        if (!ok && available < FEED_GAS_NEEDED) revert TooLittleGas(available, FEED_GAS_NEEDED);
        if (round.roundId > type(uint80).max || round.answeredInRound > type(uint80).max) ok = false;
    }

    /// @dev 1 % inside the aggregator's own bounds, where it would stop following the market.
    function _bounds(uint256 minAnswer, uint256 maxAnswer) private pure returns (uint256 lower, uint256 upper) {
        return (minAnswer.mulDivUp(101, 100), maxAnswer.mulDivDown(99, 100));
    }

    function _requireFields(FeedConfig calldata config) private pure {
        _requireHeartbeat("heartbeat", config.heartbeat);
        if (config.grace > MAX_GRACE) revert InvalidFeed("grace", config.grace);
        if (config.spreadE6 >= SPREAD_LIMIT_E6) revert InvalidFeed("spreadE6", config.spreadE6);
        if (config.minAnswer > type(uint128).max) revert InvalidFeed("minAnswer", config.minAnswer);
        (uint256 lower, uint256 upper) = _bounds(config.minAnswer, Math.min(config.maxAnswer, type(uint128).max));
        if (lower >= upper) revert InvalidFeed("maxAnswer", config.maxAnswer);
    }

    function _requireSecondary(FeedConfig calldata config) private pure {
        if (config.secondary == address(0)) {
            if (config.secondaryHeartbeat != 0) revert InvalidFeed("secondaryHeartbeat", config.secondaryHeartbeat);
            if (config.maxDeviationE6 != 0) revert InvalidFeed("maxDeviationE6", config.maxDeviationE6);
            return;
        }
        if (config.secondary == config.aggregator) revert InvalidFeed("secondary", uint160(config.secondary));
        _requireHeartbeat("secondaryHeartbeat", config.secondaryHeartbeat);
        if (config.maxDeviationE6 == 0 || config.maxDeviationE6 >= SPREAD_LIMIT_E6) {
            revert InvalidFeed("maxDeviationE6", config.maxDeviationE6);
        }
    }

    function _requireHeartbeat(string memory field, uint256 heartbeat) private pure {
        if (heartbeat == 0 || heartbeat > MAX_HEARTBEAT) revert InvalidFeed(field, heartbeat);
    }

    function _requireCode(string memory field, address target) private view {
        if (target.code.length == 0) revert InvalidFeed(field, uint160(target));
    }

    function _decimalsOf(string memory name, string memory field, address target)
        private
        view
        returns (uint8 decimals)
    {
        _requireCode(name, target);
        decimals = AggregatorV3Interface(target).decimals();
        if (decimals > MAX_DECIMALS) revert InvalidFeed(field, decimals);
    }
}
