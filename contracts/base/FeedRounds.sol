// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {AggregatorV3Interface} from "@chainlink/contracts/src/v0.8/interfaces/AggregatorV3Interface.sol";

import {IPriceOracle} from "../../interfaces/IPriceOracle.sol";
import {FixedPointMath} from "../libraries/FixedPointMath.sol";

/// @title The rounds of a feed: how one is asked for, and when it is valid
/// @dev A feed is somebody else's code. It gets a capped amount of gas, at most 160 bytes of its answer are looked at,
/// and whatever it does ends as a Fault of that one feed. Nothing is stored here.
abstract contract FeedRounds is IPriceOracle {
    using FixedPointMath for int256;
    using FixedPointMath for uint256;

    /// @dev The five words of `latestRoundData` and `getRoundData`, as they came.
    struct Round {
        uint256 roundId;
        int256 answer;
        uint256 startedAt;
        uint256 updatedAt;
        uint256 answeredInRound;
    }

    uint256 public constant MAX_DECIMALS = 18;
    uint256 public constant MAX_PRICE = type(uint88).max;
    /// @notice Gas that a feed may use for one answer (a Chainlink feed behind its proxy uses 19,000).
    uint256 public constant FEED_GAS = 200_000;
    /// @dev What must be left before the call for all FEED_GAS to be forwarded: 64/63 of it, and the call's own cost.
    uint256 private constant FEED_GAS_NEEDED = 210_000;
    /// @dev For a round whose age does not matter.
    uint256 internal constant ANY_AGE = type(uint256).max;

    /// @dev What a round is worth in WAD, `lower` and `upper` being the bounds that it must lie strictly between.
    function _worth(Round memory round, uint256 decimals, uint256 maxAge, uint256 lower, uint256 upper)
        internal
        view
        returns (uint256 price, Fault fault, uint256 found, uint256 limit)
    {
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

    /// @dev 1 % inside the aggregator's own bounds, where it would stop following the market.
    function _bounds(uint256 minAnswer, uint256 maxAnswer) internal pure returns (uint256 lower, uint256 upper) {
        return (minAnswer.mulDivUp(101, 100), maxAnswer.mulDivDown(99, 100));
    }

    function _latestRound(address aggregator) internal view returns (bool ok, Round memory round) {
        return _ask(aggregator, AggregatorV3Interface.latestRoundData.selector, 0, 4);
    }

    /// @dev The round of this id; an answer about another one is garbage. No id above 80 bits has a round.
    function _roundOf(address aggregator, uint256 roundId) internal view returns (bool ok, Round memory round) {
        (ok, round) = _ask(aggregator, AggregatorV3Interface.getRoundData.selector, roundId, 36);
        if (round.roundId != roundId) ok = false;
    }

    /// @dev A call that the feed can neither make revert, nor starve, nor flood: Solidity's own would copy the whole
    /// answer and revert on dirty words. A round id above 80 bits is garbage. `size` bytes of selector and argument go.
    /// A failure counts only if the feed had its gas: else whoever sends a transaction with too little could make a
    /// sound feed look dead, or a round that exists look absent.
    function _ask(address aggregator, bytes4 selector, uint256 argument, uint256 size)
        private
        view
        returns (bool ok, Round memory round)
    {
        uint256 available = gasleft();
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            mstore(0, selector)
            mstore(4, argument)
            ok := staticcall(FEED_GAS, aggregator, 0, size, round, 160)
            ok := and(ok, gt(returndatasize(), 159))
        }
        if (!ok && available < FEED_GAS_NEEDED) revert TooLittleGas(available, FEED_GAS_NEEDED);
        if (round.roundId > type(uint80).max || round.answeredInRound > type(uint80).max) ok = false;
    }
}
