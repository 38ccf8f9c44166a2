// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarginEngine} from "../../interfaces/IMarginEngine.sol";
import {IMarginTypes} from "../../interfaces/IMarginTypes.sol";
import {IVenue} from "../../interfaces/IVenue.sol";

/// @notice A venue that matches anyone with anyone at whatever amounts the caller names, right or wrong, and can look
/// back at a contract in the middle of it.
contract MockVenue is IVenue {
    IMarginEngine public immutable ENGINE;

    /// @notice What the engine showed this venue.
    error Asked(uint256 taker, uint256 maker, Order[] orders);
    /// @notice What the contract that was looked at answered.
    error Looked(bool succeeded, bytes answer);

    constructor(IMarginEngine engine) {
        ENGINE = engine;
    }

    /// @param quotes the taker's change of quote per fill
    /// @param fees what the taker pays on top per fill
    function trade(
        uint256 taker,
        uint256 maker,
        IMarginTypes.Fill[] calldata fills,
        int256[] calldata quotes,
        uint256[] calldata fees
    ) external returns (int256[] memory, uint256) {
        return ENGINE.trade(taker, maker, fills, abi.encode(quotes, fees, address(0), bytes("")));
    }

    /// @notice A trade in the middle of which this venue calls `target` and reverts with `Looked`; with itself as the
    /// target it reverts with `Asked`.
    function look(
        uint256 taker,
        uint256 maker,
        IMarginTypes.Fill[] calldata fills,
        address target,
        bytes calldata payload
    ) external {
        ENGINE.trade(taker, maker, fills, abi.encode(new int256[](0), new uint256[](0), target, payload));
    }

    /// @inheritdoc IVenue
    function quote(uint256 taker, uint256 maker, Order[] calldata orders, bytes calldata data)
        external
        view
        returns (int256[] memory quotes, uint256[] memory fees)
    {
        address target;
        bytes memory payload;
        (quotes, fees, target, payload) = abi.decode(data, (int256[], uint256[], address, bytes));
        if (target == address(this)) revert Asked(taker, maker, orders);
        if (target == address(0)) return (quotes, fees);
        (bool succeeded, bytes memory answer) = target.staticcall(payload);
        revert Looked(succeeded, answer);
    }
}
