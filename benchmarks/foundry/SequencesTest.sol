// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IMarginEngine} from "../../interfaces/IMarginEngine.sol";
import {Checks} from "./Checks.sol";
import {Handler} from "./Handler.sol";
import {Vm} from "./Vm.sol";

/// @notice Random sequences of the whole protocol, deployed by plimsoll/chain/deployment.py: its state is read from a file.
/// @dev Environment: STATE (path of the accounts), ENGINE, PEOPLE (by commas: three traders, keeper, provider, treasury),
/// TIME (unix seconds).
contract SequencesTest {
    Vm private constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    Handler private _handler;
    Checks private _checks;

    function setUp() external {
        VM.loadAllocs(VM.envOr("STATE", ""));
        VM.warp(VM.envUint("TIME"));
        IMarginEngine engine = IMarginEngine(VM.envAddress("ENGINE"));
        address[] memory people = VM.envAddress("PEOPLE", ",");
        _handler = new Handler(engine, people, VM.envUint("TIME"));
        _checks = new Checks(engine, people);
    }

    /// @notice What forge calls.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    function invariant_ledger() external view {
        _checks.check();
    }
}
