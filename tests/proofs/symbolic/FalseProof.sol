// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Escrow} from "../../../contracts/Escrow.sol";
import {Cheats} from "./Cheats.sol";

/// @notice So that a prover that sees nothing is seen.
contract FalseProof {
    Cheats private constant SVM = Cheats(0xF3993A62377BCd56AE39D773740A5390411E8BC9);

    Escrow private escrow;

    function setUp() public {
        escrow = new Escrow();
        SVM.enableSymbolicStorage(address(escrow));
    }

    /// @notice False: a move leaves the receiver's credit alone
    function check_moveGivesNothing(uint256 from, uint256 to, address token, uint256 amount) external {
        uint256 before = escrow.creditOf(address(this), to, token);
        escrow.move(from, to, token, amount);
        assert(escrow.creditOf(address(this), to, token) == before);
    }
}
