// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Multicall} from "@openzeppelin/contracts/utils/Multicall.sol";

import {IEscrow} from "../../interfaces/IEscrow.sol";
import {IEscrowModule} from "../../interfaces/IEscrowModule.sol";

/// @notice A module of Escrow that does as anyone tells it, honestly or not, and remembers what it saw in its callback.
/// Several orders in one transaction go through `multicall`.
contract MockModule is IEscrowModule, Multicall {
    using SafeERC20 for IERC20;

    IEscrow public immutable ESCROW;

    bool public skewed;
    uint256 public brought;
    address public target;
    bytes public payload;

    uint256 public attempts;
    bool public succeeded;
    bytes public answer;
    bool public sawLock;
    bytes public sawData;

    error OnlyEscrow(address caller);

    constructor(IEscrow escrow) {
        ESCROW = escrow;
    }

    /// @param payer whose approval of this module is spent; zero: bring nothing
    function pull(uint256 account, address token, uint256 amount, address payer) external returns (uint256) {
        return ESCROW.pull(account, token, amount, abi.encode(payer));
    }

    function move(uint256 from, uint256 to, address token, uint256 amount) external {
        ESCROW.move(from, to, token, amount);
    }

    function release(uint256 account, address token, uint256 amount, address to) external {
        ESCROW.release(account, token, amount, to);
    }

    /// @notice In the next pulls bring `amount`, whatever Escrow asks for.
    function bring(uint256 amount) external {
        skewed = true;
        brought = amount;
    }

    /// @notice In the next callback, before the tokens move, make this call.
    function arm(address target_, bytes calldata payload_) external {
        target = target_;
        payload = payload_;
    }

    function onPull(address token, uint256 amount, bytes calldata data) external {
        if (msg.sender != address(ESCROW)) revert OnlyEscrow(msg.sender);
        sawLock = ESCROW.locked();
        sawData = data;
        if (target != address(0)) {
            ++attempts;
            (succeeded, answer) = target.call(payload);
        }
        address payer = abi.decode(data, (address));
        if (payer == address(0)) return;
        IERC20(token).safeTransferFrom(payer, address(ESCROW), skewed ? brought : amount);
    }
}
