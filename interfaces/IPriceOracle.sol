// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title PriceOracle: the only reader of Chainlink-style feeds
/// @notice Answers (lo, mid, hi) or reverts with the reason. It never falls back silently and has no settable price.
/// @dev Prices are WAD (1e18): settlement value of ONE whole unit. Feeds are append-only: a listed feed never changes.
interface IPriceOracle {
    /// @param feed index of the feed
    /// @param lo mid · (1 − spread), rounded down
    /// @param mid the feed's answer, WAD, at most 2^88 − 1
    /// @param hi mid · (1 + spread), rounded up
    struct Price {
        uint256 feed;
        uint256 lo;
        uint256 mid;
        uint256 hi;
        uint256 haltedAt;
    }

    /// @notice Why a price is refused.
    enum Fault {
        None,
        UnknownFeed, // found: the index asked for; limit: number of feeds
        CallFailed, // the feed reverted or answered garbage
        NotPositive, // found: the magnitude of the answer
        OutOfBounds, // found: the answer; limit: the bound that it met
        NeverUpdated, // updatedAt is 0
        FromTheFuture, // found: updatedAt; limit: block time
        Stale, // found: updatedAt; limit: the oldest that would do
        IncompleteRound, // found: answeredInRound; limit: roundId
        TooLarge, // found: the price in WAD; limit: 2^88 − 1
        SequencerDown, // found: the sequencer feed's answer; 0: its round is not valid yet; 2^256 − 1: unreadable
        SequencerGrace, // found: when it came back; limit: the latest that would do
        SecondaryFailed, // found: the secondary feed's own Fault
        Deviates // found: the secondary's price; limit: mid
    }

    /// @param aggregator the feed (an AggregatorV3 proxy)
    /// @param heartbeat seconds between two answers, at most
    /// @param grace seconds allowed on top of it
    /// @param spreadE6 half the distance from lo to hi, in millionths: max(deviation threshold, configured spread)
    /// @param minAnswer the aggregator's own lower bound, in its own decimals; valid answers lie 1 % inside
    /// @param maxAnswer the aggregator's own upper bound, likewise; kept as at most 2^128 − 1, beyond which no price is
    /// @param secondary a second feed to agree with, or zero
    /// @param secondaryHeartbeat seconds, as above; grace is shared
    /// @param maxDeviationE6 how far the two may differ, in millionths of mid
    struct FeedConfig {
        address aggregator;
        uint32 heartbeat;
        uint32 grace;
        uint24 spreadE6;
        uint256 minAnswer;
        uint256 maxAnswer;
        address secondary;
        uint32 secondaryHeartbeat;
        uint24 maxDeviationE6;
    }

    event FeedAdded(uint256 indexed feed, FeedConfig config, uint8 decimals, string description);

    error InvalidPrice(uint256 feed, Fault fault, uint256 found, uint256 limit);
    /// @notice A field of a FeedConfig is outside its hard bounds.
    error InvalidFeed(string field, uint256 value);
    /// @notice A feed's call failed, and the transaction had too little gas left to tell whose fault that is.
    error TooLittleGas(uint256 have, uint256 need);

    /// @notice Lists a feed. Only the owner (the timelock).
    /// @return feed its index, from 0, at most 255
    function addFeed(FeedConfig calldata config) external returns (uint256 feed);

    /// @notice Prices of `feeds`, in their order.
    /// @param sequenced also demand that the L2 sequencer is up and past its grace (where one is configured); it is asked
    /// once, beside the first feed
    /// @dev Reverts with InvalidPrice at the first feed that fails.
    function prices(uint256[] calldata feeds, bool sequenced) external view returns (Price[] memory);

    /// @notice The price of one feed, or why there is none.
    /// @dev Reverts only with TooLittleGas: whoever acts on a fault can trust that the feed had its chance. Do not take
    /// a revert of `prices` for a fault.
    /// @return price zero where fault is not None
    function peek(uint256 feed, bool sequenced)
        external
        view
        returns (Price memory price, Fault fault, uint256 found, uint256 limit);

    /// @notice When the feed's last answer was written, and the first second at which that is too old (both 0 when
    /// unreadable). Neither says that the answer is valid.
    function freshness(uint256 feed) external view returns (uint256 updatedAt, uint256 staleAt);

    function isFinal(uint256 feed) external view returns (bool);
    function sequencedSince() external view returns (uint256);
    function feedCount() external view returns (uint256);

    function feedConfig(uint256 feed) external view returns (FeedConfig memory config, uint8 decimals);
}
