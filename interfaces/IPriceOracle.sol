// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title PriceOracle: the only reader of Chainlink-style feeds
/// @notice Answers (lo, mid, hi) or reverts with the reason. It never falls back silently: a feed that has been dead
/// for long enough is halted by whoever proves it, and every price of a halted feed says so.
/// @dev Prices are WAD (1e18): settlement value of ONE whole unit. Times are seconds. Feeds are append-only: a listed
/// feed never changes.
///
/// The life of a fault. `observe` records it; `halt` (or the owner's `haltAt`), more than HALT_GRACE later, gives the
/// feed a stand-in price: its last valid answer. For HALT_DELAY from then on a valid answer seen by `observe` undoes
/// the halt, and a newer last valid answer improves the stand-in. After that the halt is final: nothing changes any
/// more, whatever the feed says.
interface IPriceOracle {
    /// @param feed index of the feed
    /// @param lo mid · (1 − spread), rounded down; 0 while the feed is halted: nothing is opened or withdrawn against a stand-in
    /// @param mid the feed's answer, or its stand-in, WAD, at most 2^88 − 1
    /// @param hi mid · (1 + spread), rounded up; 2^88 − 1 while the feed is halted
    /// @param haltedAt 0, or since when the feed is halted: mid is its stand-in
    struct Price {
        uint256 feed;
        uint256 lo;
        uint256 mid;
        uint256 hi;
        uint256 haltedAt;
    }

    /// @param price the stand-in, WAD; 0 unless halted
    /// @param invalidSince when the feed was first observed invalid; 0 if it has been observed valid since
    /// @param haltedAt when it was halted; 0 unless halted
    /// @param roundTime when the answer that the stand-in is was written; 0 if the owner stated the price
    struct Halt {
        uint88 price;
        uint40 invalidSince;
        uint40 haltedAt;
        uint40 roundTime;
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
    /// @param since now: when the record begins
    event FaultObserved(uint256 indexed feed, Fault fault, uint256 since);
    /// @notice The feed is valid again: its record is cleared, and its halt, if there was one, undone.
    event Recovered(uint256 indexed feed);
    /// @notice A feed was halted, or its stand-in improved.
    /// @param price the stand-in, WAD
    /// @param haltedAt when it was first halted
    /// @param roundId whose answer the stand-in is; 0 if the owner stated it
    event Halted(uint256 indexed feed, uint256 price, uint256 haltedAt, uint256 roundId);

    error InvalidPrice(uint256 feed, Fault fault, uint256 found, uint256 limit);
    /// @notice A field of a FeedConfig is outside its hard bounds.
    error InvalidFeed(string field, uint256 value);
    /// @notice A feed's call failed, and the transaction had too little gas left to tell whose fault that is.
    error TooLittleGas(uint256 have, uint256 need);
    /// @notice There is no record that the feed is invalid: call `observe` first.
    error NotObserved(uint256 feed);
    /// @notice The feed answers a valid price (WAD) at this moment.
    error FeedIsValid(uint256 feed, uint256 price);
    /// @notice The feed has not been invalid, with the sequencer up, for longer than HALT_GRACE.
    /// @param earliest the first second at which it will have been
    error HaltTooSoon(uint256 feed, uint256 since, uint256 earliest);
    /// @notice The round that was named is not valid by its content.
    error InvalidRound(uint256 feed, uint256 roundId, Fault fault, uint256 found, uint256 limit);
    /// @notice A valid round is known that comes after the one that was named.
    error NotLastValid(uint256 feed, uint256 roundId);
    /// @notice The round is not newer than the one that the stand-in comes from.
    error NotNewer(uint256 feed, uint256 updatedAt, uint256 roundTime);
    error AlreadyHalted(uint256 feed, uint256 haltedAt);
    error HaltIsFinal(uint256 feed, uint256 finalAt);
    error InvalidStandIn(uint256 price, uint256 limit);

    /// @notice Lists a feed. Only the owner (the timelock).
    /// @return feed its index, from 0, at most 255
    function addFeed(FeedConfig calldata config) external returns (uint256 feed);

    /// @notice Looks at what the feed itself says now, by the checks of `peek(feed, false)` but as if it were not
    /// halted, and keeps the record of it. Anyone. A secondary that fails or deviates is the feed's fault, the
    /// sequencer is not.
    ///
    /// - Invalid, no record yet: one begins now. FaultObserved.
    /// - Valid, with a record: the record is cleared, and a halt undone. Recovered.
    /// - Else, and once a halt is final: nothing changes.
    /// @dev Reverts with InvalidPrice for an unknown feed, and with TooLittleGas.
    ///
    /// Warning: a record stands until somebody observes a valid answer. Keepers observe in both directions.
    /// @return invalidSince when the record begins; 0 without one
    function observe(uint256 feed) external returns (uint256 invalidSince);

    /// @notice Halts a feed that has been invalid for longer than HALT_GRACE, at its last valid answer. Anyone. While
    /// the halt is not final it may be repeated with a newer answer: the stand-in improves, haltedAt stays.
    ///
    /// The grace runs from the latest of: the record (or, if the answer is newer than the record, when that answer was
    /// stale), and `sequencedSince`. An improvement waits for none.
    ///
    /// The answer must be valid by its content: every check but its age and the secondary. It is the last one if
    /// neither the round after it is valid by content, nor the first round of the next phase, nor the latest round
    /// unless that is no newer.
    /// @dev A Chainlink proxy numbers rounds phase · 2^64 + round of that phase's aggregator, so nothing follows the
    /// last round of a phase. Looking at the next phase and at the latest round refuses most old answers. What is left:
    /// where the latest round is unreadable or invalid, a caller may name an answer before an old gap (an invalid
    /// round), or of a phase whose successor began with one. That is why a stand-in may be improved for HALT_DELAY, and
    /// only ever by an answer written later: whoever is hurt names the newer one, and nobody can go back.
    ///
    /// Warning: so until a halt is final, its stand-in may be an old answer, chosen by whoever halted.
    ///
    /// Reverts with InvalidPrice (unknown feed), NotObserved, HaltIsFinal, FeedIsValid, InvalidRound, NotLastValid,
    /// HaltTooSoon, NotNewer (already halted), and TooLittleGas: a round counts as absent only if the feed had its gas.
    /// @param roundId the round of the last valid answer, as the feed (the proxy) numbers it
    function halt(uint256 feed, uint80 roundId) external;

    /// @notice Halts a feed that cannot even answer for its old rounds, at a stated price. Only the owner (the
    /// timelock), only on a record older than HALT_GRACE, whatever the sequencer does, and never over a halt. Whoever
    /// can prove an answer after all improves on it with `halt`, if no living secondary disputes it.
    /// @dev Reverts with InvalidStandIn, InvalidPrice (unknown feed), NotObserved, HaltIsFinal, FeedIsValid,
    /// AlreadyHalted, HaltTooSoon and TooLittleGas.
    /// @param price WAD, from 1 to 2^88 − 1
    function haltAt(uint256 feed, uint256 price) external;

    /// @notice Prices of `feeds`, in their order. Of a halted feed its stand-in, which is never invalid by itself.
    /// @param sequenced also demand that the L2 sequencer is up and past its grace (where one is configured); it is
    /// asked once, beside the first feed
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
    /// unreadable). Neither says that the answer is valid. Of the feed itself, halted or not.
    function freshness(uint256 feed) external view returns (uint256 updatedAt, uint256 staleAt);

    /// @notice The first second at which prices count as sequenced again: when the sequencer came back, and its grace.
    /// May lie in the future. 0 without a sequencer; 2^256 − 1 while it is down or its feed unreadable.
    function sequencedSince() external view returns (uint256);

    /// @notice The record and the halt of a feed; all zero without.
    function haltOf(uint256 feed) external view returns (Halt memory);

    /// @notice Whether the feed was halted HALT_DELAY ago or earlier: its stand-in will never change.
    function isFinal(uint256 feed) external view returns (bool);

    /// @notice Seconds that a feed must have been invalid for, and one more, before it may be halted.
    function HALT_GRACE() external view returns (uint256);

    /// @notice Seconds after which a halt is final.
    function HALT_DELAY() external view returns (uint256);

    function feedCount() external view returns (uint256);

    function feedConfig(uint256 feed) external view returns (FeedConfig memory config, uint8 decimals);
}
