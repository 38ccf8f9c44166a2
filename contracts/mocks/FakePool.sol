// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @notice Looks like a pool of Uniswap to those who swap in it: makes any calls that it was told to, one after the other,
/// and pays out all it has of one token.
contract FakePool {
    address public immutable PAYS;

    address[] private _targets;
    bytes[] private _payloads;

    constructor(address pays) {
        PAYS = pays;
    }

    /// @notice One more call to make.
    function plan(address target, bytes calldata payload) external {
        _targets.push(target);
        _payloads.push(payload);
    }

    /// @dev A call that fails makes the swap fail with its reason.
    function swap(address recipient, bool, int256, uint160, bytes calldata) external returns (int256, int256) {
        for (uint256 i; i < _targets.length; ++i) {
            (bool succeeded, bytes memory reason) = _targets[i].call(_payloads[i]);
            if (succeeded) continue;
            assembly ("memory-safe") {
                revert(add(reason, 32), mload(reason))
            }
        }
        IERC20(PAYS).transfer(recipient, IERC20(PAYS).balanceOf(address(this)));
        return (0, 0);
    }
}
