// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {AggregatorV3Interface} from "@chainlink/contracts/src/v0.8/interfaces/AggregatorV3Interface.sol";
import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IPriceOracle} from "../interfaces/IPriceOracle.sol";
import {FeedRounds} from "./base/FeedRounds.sol";
import {FixedPointMath} from "./libraries/FixedPointMath.sol";

/// @title PriceOracle
/// @dev How a feed is asked, and when its round is valid, is in FeedRounds. Here: the list, prices, and halts.
contract PriceOracle is IPriceOracle, FeedRounds, Ownable {
    using FixedPointMath for uint256;
    using SafeCast for uint256;

    /// @dev One slot, and all that most prices need: aggregator 160 | heartbeat 24 | grace 24 | spreadE6 24 | decimals 8 |
    /// extras 8 | halted 8. extras: HAS_SECONDARY, HAS_BOUNDS: there is an entry in `_secondaries`, in `_limits`.
    struct Feed {
        address aggregator;
        uint24 heartbeat;
        uint24 grace;
        uint24 spreadE6;
        uint8 decimals;
        uint8 extras;
        bool halted;
    }

    /// @dev One slot: the aggregator's own bounds, in its decimals. No entry stands for 1 and 2^128 − 1.
    struct Limits {
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

    uint256 public constant MAX_FEEDS = 256;
    uint256 public constant MAX_HEARTBEAT = 7 days;
    uint256 public constant MAX_GRACE = 1 days;
    /// @notice Spreads and deviations are below this (half, in millionths).
    uint256 public constant SPREAD_LIMIT_E6 = 500_000;
    /// @inheritdoc IPriceOracle
    uint256 public constant override HALT_GRACE = 6 hours;
    /// @inheritdoc IPriceOracle
    uint256 public constant override HALT_DELAY = 1 days;
    uint256 private constant E6 = 1e6;
    uint8 private constant HAS_SECONDARY = 1;
    uint8 private constant HAS_BOUNDS = 2;
    /// @dev `_bounds` of 1 and 2^128 − 1.
    uint256 private constant LEAST_BOUND = 2;
    uint256 private constant MOST_BOUND = uint256(type(uint128).max) * 99 / 100;
    /// @dev In place of a round id.
    uint256 private constant LATEST = type(uint256).max;

    /// @notice The L2 sequencer's uptime feed, or zero.
    address public immutable SEQUENCER;
    /// @notice Seconds that must have passed since the sequencer came back.
    uint256 public immutable SEQUENCER_GRACE;

    /// @inheritdoc IPriceOracle
    uint256 public override feedCount;
    mapping(uint256 feed => Feed) private _feeds;
    mapping(uint256 feed => Limits) private _limits;
    mapping(uint256 feed => Secondary) private _secondaries;
    /// @dev haltedAt is not 0 exactly where the feed's `halted` is set, and then neither is invalidSince.
    mapping(uint256 feed => Halt) private _halts;

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
        Limits memory limits = Limits(config.minAnswer.toUint128(), _atMost128(config.maxAnswer));
        bool bounded = limits.minAnswer != 1 || limits.maxAnswer < type(uint128).max;
        if (bounded) _limits[feed] = limits;
        _feeds[feed] = Feed({
            aggregator: config.aggregator,
            heartbeat: uint256(config.heartbeat).toUint24(),
            grace: uint256(config.grace).toUint24(),
            spreadE6: config.spreadE6,
            decimals: decimals,
            extras: (bounded ? HAS_BOUNDS : 0) | (config.secondary == address(0) ? 0 : HAS_SECONDARY),
            halted: false
        });
        if (config.secondary != address(0)) {
            _secondaries[feed] = Secondary({
                aggregator: config.secondary,
                heartbeat: uint256(config.secondaryHeartbeat).toUint24(),
                maxDeviationE6: config.maxDeviationE6,
                decimals: _decimalsOf("secondary", "secondaryDecimals", config.secondary)
            });
        }
        Price memory first;
        _priceOrRevert(first, feed, false);
        emit FeedAdded(feed, config, decimals, AggregatorV3Interface(config.aggregator).description());
    }

    /// @inheritdoc IPriceOracle
    function observe(uint256 feed) external returns (uint256 invalidSince) {
        Feed memory f = _listed(feed);
        Halt memory h = _halts[feed];
        if (_isFinal(h)) return h.invalidSince;

        (, Fault fault,,) = _live(feed, f, false);
        if (fault == Fault.None) {
            if (h.invalidSince == 0) return 0;
            delete _halts[feed];
            if (f.halted) _feeds[feed].halted = false;
            emit Recovered(feed);
            return 0;
        }
        if (h.invalidSince != 0) return h.invalidSince;
        _halts[feed].invalidSince = block.timestamp.toUint40();
        emit FaultObserved(feed, fault, block.timestamp);
        return block.timestamp;
    }

    /// @inheritdoc IPriceOracle
    function halt(uint256 feed, uint80 roundId) external {
        (Feed memory f, Halt memory h) = _observedInvalid(feed);
        (uint256 price, uint256 roundTime) = _lastValid(feed, f, roundId);
        if (f.halted) _requireUndisputed(feed, f, roundId);
        if (!f.halted) _requireGrace(feed, Math.max(_invalidSince(f, h, roundTime), sequencedSince()));
        else if (roundTime <= h.roundTime) revert NotNewer(feed, roundTime, h.roundTime);
        _halt(feed, h, price, roundTime, roundId);
    }

    /// @inheritdoc IPriceOracle
    function haltAt(uint256 feed, uint256 price) external onlyOwner {
        if (price == 0 || price > MAX_PRICE) revert InvalidStandIn(price, MAX_PRICE);
        (Feed memory f, Halt memory h) = _observedInvalid(feed);
        if (f.halted) revert AlreadyHalted(feed, h.haltedAt);
        _requireGrace(feed, h.invalidSince);
        _halt(feed, h, price, 0, 0);
    }

    /// @inheritdoc IPriceOracle
    function prices(uint256[] calldata feeds, bool sequenced) external view returns (Price[] memory found) {
        found = new Price[](feeds.length);
        for (uint256 i; i < feeds.length; ++i) {
            _priceOrRevert(found[i], feeds[i], sequenced && i == 0);
        }
    }

    /// @inheritdoc IPriceOracle
    function peek(uint256 feed, bool sequenced)
        external
        view
        returns (Price memory price, Fault fault, uint256 found, uint256 limit)
    {
        (fault, found, limit) = _price(price, feed, sequenced);
    }

    /// @inheritdoc IPriceOracle
    function freshness(uint256 feed) external view returns (uint256 updatedAt, uint256 staleAt) {
        Feed memory f = _feeds[feed];
        (bool ok, Round memory round) = _latestRound(f.aggregator);
        if (!ok || round.updatedAt == 0) return (0, 0);
        uint256 maxAge = uint256(f.heartbeat) + f.grace;
        return (round.updatedAt, Math.saturatingAdd(round.updatedAt, maxAge + 1));
    }

    /// @inheritdoc IPriceOracle
    function sequencedSince() public view returns (uint256) {
        if (SEQUENCER == address(0)) return 0;
        (bool ok, Round memory round) = _latestRound(SEQUENCER);
        if (!ok || round.answer != 0 || round.startedAt == 0) return type(uint256).max;
        return Math.saturatingAdd(round.startedAt, SEQUENCER_GRACE);
    }

    /// @inheritdoc IPriceOracle
    function haltOf(uint256 feed) external view returns (Halt memory) {
        return _halts[feed];
    }

    /// @inheritdoc IPriceOracle
    function isFinal(uint256 feed) external view returns (bool) {
        return _isFinal(_halts[feed]);
    }

    /// @inheritdoc IPriceOracle
    function feedConfig(uint256 feed) external view returns (FeedConfig memory config, uint8 decimals) {
        Feed memory f = _listed(feed);
        Secondary memory s = _secondaries[feed];
        Limits memory limits = _limitsOf(feed, f);
        config = FeedConfig({
            aggregator: f.aggregator,
            heartbeat: f.heartbeat,
            grace: f.grace,
            spreadE6: f.spreadE6,
            minAnswer: limits.minAnswer,
            maxAnswer: limits.maxAnswer,
            secondary: s.aggregator,
            secondaryHeartbeat: s.heartbeat,
            maxDeviationE6: s.maxDeviationE6
        });
        decimals = f.decimals;
    }

    function _priceOrRevert(Price memory price, uint256 feed, bool sequenced) private view {
        (Fault fault, uint256 found, uint256 limit) = _price(price, feed, sequenced);
        if (fault != Fault.None) revert InvalidPrice(feed, fault, found, limit);
    }

    function _listed(uint256 feed) private view returns (Feed memory f) {
        f = _feeds[feed];
        if (f.aggregator == address(0)) revert InvalidPrice(feed, Fault.UnknownFeed, feed, feedCount);
    }

    /// @dev Fills in the price, or says why not. Never reverts, unless the caller sent too little gas to tell.
    function _price(Price memory price, uint256 feed, bool sequenced)
        private
        view
        returns (Fault fault, uint256 found, uint256 limit)
    {
        Feed memory f = _feeds[feed];
        if (f.aggregator == address(0)) return (Fault.UnknownFeed, feed, feedCount);
        if (f.halted) return _standIn(price, feed, sequenced);
        uint256 mid;
        (mid, fault, found, limit) = _live(feed, f, sequenced);
        if (fault != Fault.None) return (fault, found, limit);
        (price.feed, price.mid) = (feed, mid);
        price.lo = mid.mulDivDown(E6 - f.spreadE6, E6);
        price.hi = mid.mulDivUp(E6 + f.spreadE6, E6);
    }

    function _standIn(Price memory price, uint256 feed, bool sequenced)
        private
        view
        returns (Fault fault, uint256 found, uint256 limit)
    {
        if (sequenced) (fault, found, limit) = _checkSequencer();
        if (fault != Fault.None) return (fault, found, limit);
        (price.feed, price.mid, price.hi) = (feed, _halts[feed].price, MAX_PRICE);
        price.haltedAt = _halts[feed].haltedAt;
    }

    /// @dev What the feed itself says now, halted or not: all checks, in the order of the faults.
    function _live(uint256 feed, Feed memory f, bool sequenced)
        private
        view
        returns (uint256 mid, Fault fault, uint256 found, uint256 limit)
    {
        (uint256 lower, uint256 upper) = _boundsOf(feed, f);
        (mid, fault, found, limit) = _answer(f.aggregator, f.decimals, uint256(f.heartbeat) + f.grace, lower, upper);
        if (fault == Fault.None && sequenced) (fault, found, limit) = _checkSequencer();
        if (fault == Fault.None && f.extras & HAS_SECONDARY != 0) {
            (fault, found, limit) = _checkSecondary(feed, f.grace, mid);
        }
    }

    function _boundsOf(uint256 feed, Feed memory f) private view returns (uint256 lower, uint256 upper) {
        if (f.extras & HAS_BOUNDS == 0) return (LEAST_BOUND, MOST_BOUND);
        Limits memory limits = _limits[feed];
        return _bounds(limits.minAnswer, limits.maxAnswer);
    }

    /// @dev Without an entry: what most aggregators state, which bounds nothing that is a price.
    function _limitsOf(uint256 feed, Feed memory f) private view returns (Limits memory) {
        return f.extras & HAS_BOUNDS != 0 ? _limits[feed] : Limits(1, type(uint128).max);
    }

    /// @dev One aggregator's latest answer in WAD.
    function _answer(address aggregator, uint256 decimals, uint256 maxAge, uint256 lower, uint256 upper)
        private
        view
        returns (uint256 price, Fault fault, uint256 found, uint256 limit)
    {
        (bool ok, Round memory round) = _latestRound(aggregator);
        if (!ok) return (0, Fault.CallFailed, 0, 0);
        return _worth(round, decimals, maxAge, lower, upper);
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

    // Halts ---------------------------------------------------------------------------------------------------------

    /// @dev Whoever halts needs a record, no halt that is final, and a feed that is invalid at this moment too.
    function _observedInvalid(uint256 feed) private view returns (Feed memory f, Halt memory h) {
        f = _listed(feed);
        h = _halts[feed];
        if (h.invalidSince == 0) revert NotObserved(feed);
        if (_isFinal(h)) revert HaltIsFinal(feed, h.haltedAt + HALT_DELAY);
        (uint256 mid, Fault fault,,) = _live(feed, f, false);
        if (fault == Fault.None) revert FeedIsValid(feed, mid);
    }

    /// @dev A record older than the answer was outlived by it: the feed was valid again, until that answer was stale.
    function _invalidSince(Feed memory f, Halt memory h, uint256 roundTime) private pure returns (uint256) {
        return h.invalidSince >= roundTime ? h.invalidSince : roundTime + f.heartbeat + f.grace;
    }

    /// @dev The round must be valid by its content, at whatever age; the one after it and the first one of the next
    /// phase must not be, nor the latest, unless that is no newer.
    function _lastValid(uint256 feed, Feed memory f, uint256 roundId)
        private
        view
        returns (uint256 price, uint256 roundTime)
    {
        Fault fault;
        uint256 found;
        uint256 limit;
        (price, roundTime, fault, found, limit) = _content(feed, f, roundId);
        if (fault != Fault.None) revert InvalidRound(feed, roundId, fault, found, limit);
        uint256 nextPhase = (((roundId >> 64) + 1) << 64) + 1;
        if (_isNewer(feed, f, roundId + 1, 0) || _isNewer(feed, f, nextPhase, 0) || _isNewer(feed, f, LATEST, roundTime)) {
            revert NotLastValid(feed, roundId);
        }
    }

    /// @dev While a living secondary disputes what the feed says, that replaces no stand-in. (Nor does it become the first
    /// one: a feed that answers on is not halted by its own answers.)
    function _requireUndisputed(uint256 feed, Feed memory f, uint256 roundId) private view {
        (, Fault fault, uint256 found, uint256 limit) = _live(feed, f, false);
        if (fault == Fault.Deviates) revert InvalidRound(feed, roundId, fault, found, limit);
    }

    /// @dev Whether the round is valid by its content and was written after `time` (0: whenever).
    function _isNewer(uint256 feed, Feed memory f, uint256 roundId, uint256 time) private view returns (bool) {
        (, uint256 updatedAt, Fault fault,,) = _content(feed, f, roundId);
        return fault == Fault.None && updatedAt > time;
    }

    function _content(uint256 feed, Feed memory f, uint256 roundId)
        private
        view
        returns (uint256 price, uint256 updatedAt, Fault fault, uint256 found, uint256 limit)
    {
        (bool ok, Round memory round) =
            roundId == LATEST ? _latestRound(f.aggregator) : _roundOf(f.aggregator, roundId);
        if (!ok) return (0, 0, Fault.CallFailed, 0, 0);
        (uint256 lower, uint256 upper) = _boundsOf(feed, f);
        (price, fault, found, limit) = _worth(round, f.decimals, ANY_AGE, lower, upper);
        updatedAt = round.updatedAt;
    }

    function _requireGrace(uint256 feed, uint256 since) private view {
        uint256 earliest = Math.saturatingAdd(since, HALT_GRACE + 1);
        if (block.timestamp < earliest) revert HaltTooSoon(feed, since, earliest);
    }

    function _halt(uint256 feed, Halt memory h, uint256 price, uint256 roundTime, uint256 roundId) private {
        if (h.haltedAt == 0) {
            h.haltedAt = block.timestamp.toUint40();
            _feeds[feed].halted = true;
        }
        h.price = price.toUint88();
        h.roundTime = roundTime.toUint40();
        _halts[feed] = h;
        emit Halted(feed, price, h.haltedAt, roundId);
    }

    function _isFinal(Halt memory h) private view returns (bool) {
        return h.haltedAt != 0 && h.haltedAt + HALT_DELAY <= block.timestamp;
    }

    // Listing -------------------------------------------------------------------------------------------------------

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

    function _atMost128(uint256 x) private pure returns (uint128) {
        return x > type(uint128).max ? type(uint128).max : uint128(x);
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
