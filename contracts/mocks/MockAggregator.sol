// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {AggregatorV3Interface} from "@chainlink/contracts/src/v0.8/interfaces/AggregatorV3Interface.sol";

/// @notice A feed whose every answer anyone may set, rounds kept, and which can misbehave in every way that
/// PriceOracle guards against. As an L2 uptime feed: `push(0)` is up, `push(1)` is down.
contract MockAggregator is AggregatorV3Interface {
    enum Mode {
        Honest,
        Revert,
        EatGas, // burns all gas that it is given
        Raw, // answers the bytes of `setRaw`, of any length and content
        Bomb // answers `bombSize` bytes of zeros
    }

    /// @dev One slot, as in a real aggregator.
    struct Round {
        int192 answer;
        uint64 updatedAt;
    }

    /// @dev What a real aggregator never says: an answer of more than 192 bits, a round begun at another time or answered in another.
    struct Oddity {
        int256 answer;
        uint64 startedAt;
        uint80 answeredInRound;
        bool told;
    }

    // One slot, as in a real aggregator; with the one of a round a read costs what it does there.
    uint8 public override decimals;
    Mode public mode; // of latestRoundData
    Mode public roundMode; // of getRoundData
    bool private _odd; // some round is
    uint80 public latestRound;

    string public override description;
    uint256 public constant override version = 6;
    int192 public minAnswer = 1;
    int192 public maxAnswer = type(int192).max;
    bytes public raw;
    uint256 public bombSize;
    mapping(uint80 roundId => Round) private _rounds;
    mapping(uint80 roundId => Oddity) private _oddities;

    error NoDataPresent(uint80 roundId);
    error Misbehaving();

    event AnswerUpdated(int256 indexed current, uint256 indexed roundId, uint256 updatedAt);

    /// @param answer the first answer, given now
    constructor(uint8 decimals_, string memory description_, int256 answer) {
        decimals = decimals_;
        description = description_;
        push(answer);
    }

    function push(int256 answer) public {
        pushAt(answer, uint64(block.timestamp));
    }

    function pushAt(int256 answer, uint64 updatedAt) public {
        setRound(latestRound + 1, answer, updatedAt, updatedAt, latestRound + 1);
    }

    /// @notice Writes any round, which becomes the latest.
    function setRound(uint80 roundId, int256 answer, uint64 startedAt, uint64 updatedAt, uint80 answeredInRound)
        public
    {
        latestRound = roundId;
        _rounds[roundId] = Round(int192(answer), updatedAt);
        if (startedAt != updatedAt || answeredInRound != roundId || answer != int192(answer)) {
            _odd = true;
            _oddities[roundId] = Oddity(answer, startedAt, answeredInRound, true);
        } else if (_odd) {
            delete _oddities[roundId];
        }
        emit AnswerUpdated(answer, roundId, updatedAt);
    }

    function setMode(Mode mode_) external {
        mode = mode_;
    }

    function setRoundMode(Mode mode_) external {
        roundMode = mode_;
    }

    function setRaw(bytes calldata raw_) external {
        raw = raw_;
        mode = Mode.Raw;
    }

    function setBomb(uint256 bombSize_) external {
        bombSize = bombSize_;
        mode = Mode.Bomb;
    }

    function setDecimals(uint8 decimals_) external {
        decimals = decimals_;
    }

    function setDescription(string calldata description_) external {
        description = description_;
    }

    function setBounds(int192 minAnswer_, int192 maxAnswer_) external {
        minAnswer = minAnswer_;
        maxAnswer = maxAnswer_;
    }

    function latestRoundData() external view override returns (uint80, int256, uint256, uint256, uint80) {
        if (mode != Mode.Honest) _misbehave(mode);
        return _round(latestRound);
    }

    function getRoundData(uint80 roundId) external view override returns (uint80, int256, uint256, uint256, uint80) {
        if (roundMode != Mode.Honest) _misbehave(roundMode);
        return _round(roundId);
    }

    function _round(uint80 roundId)
        private
        view
        returns (uint80, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)
    {
        Round memory round = _rounds[roundId];
        (answer, startedAt, updatedAt, answeredInRound) = (round.answer, round.updatedAt, round.updatedAt, roundId);
        if (_odd && _oddities[roundId].told) {
            Oddity memory told = _oddities[roundId];
            (answer, startedAt, answeredInRound) = (told.answer, told.startedAt, told.answeredInRound);
        }
        if (updatedAt == 0 && answer == 0 && startedAt == 0) revert NoDataPresent(roundId);
        return (roundId, answer, startedAt, updatedAt, answeredInRound);
    }

    function _misbehave(Mode how) private view {
        if (how == Mode.Revert) revert Misbehaving();
        bytes memory answer = raw;
        uint256 size = how == Mode.Bomb ? bombSize : answer.length;
        bool bomb = how == Mode.Bomb;
        bool eat = how == Mode.EatGas;
        assembly ("memory-safe") {
            if eat { invalid() }
            if bomb { return(mload(0x40), size) }
            return(add(answer, 32), size)
        }
    }
}
