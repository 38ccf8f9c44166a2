// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {AggregatorV3Interface} from "@chainlink/contracts/src/v0.8/interfaces/AggregatorV3Interface.sol";

/// @notice What stands before a real Chainlink feed: round ids carry the phase in their upper bits, a new aggregator
/// starts a new phase. It makes the gas of a price read resemble that of the real thing.
contract MockProxy is AggregatorV3Interface {
    struct Phase {
        uint16 id;
        AggregatorV3Interface aggregator;
    }

    Phase public current;
    mapping(uint16 phase => AggregatorV3Interface) public phaseAggregators;

    constructor(AggregatorV3Interface aggregator_) {
        setAggregator(aggregator_);
    }

    function setAggregator(AggregatorV3Interface aggregator_) public {
        uint16 id = current.id + 1;
        current = Phase(id, aggregator_);
        phaseAggregators[id] = aggregator_;
    }

    function aggregator() external view returns (AggregatorV3Interface) {
        return current.aggregator;
    }

    function decimals() external view override returns (uint8) {
        return current.aggregator.decimals();
    }

    function description() external view override returns (string memory) {
        return current.aggregator.description();
    }

    function version() external view override returns (uint256) {
        return current.aggregator.version();
    }

    function latestRoundData()
        external
        view
        override
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)
    {
        Phase memory phase = current;
        (roundId, answer, startedAt, updatedAt, answeredInRound) = phase.aggregator.latestRoundData();
        roundId = _withPhase(phase.id, roundId);
        answeredInRound = _withPhase(phase.id, answeredInRound);
    }

    function getRoundData(uint80 proxyRoundId)
        external
        view
        override
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)
    {
        uint16 phase = uint16(proxyRoundId >> 64);
        (roundId, answer, startedAt, updatedAt, answeredInRound) =
            phaseAggregators[phase].getRoundData(uint64(proxyRoundId));
        roundId = _withPhase(phase, roundId);
        answeredInRound = _withPhase(phase, answeredInRound);
    }

    function _withPhase(uint16 phase, uint80 roundId) private pure returns (uint80) {
        return (uint80(phase) << 64) | uint64(roundId);
    }
}
