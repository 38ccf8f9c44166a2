// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IEscrowModule} from "../../../interfaces/IEscrowModule.sol";
import {Escrow} from "../../../contracts/Escrow.sol";
import {MockToken} from "../../../contracts/mocks/MockToken.sol";
import {Cheats} from "./Cheats.sol";

/// @notice One step of the escrow from any state at all, by this contract as one module among others, on a plain token.
contract EscrowProof is IEscrowModule {
    Cheats private constant VM = Cheats(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);
    Cheats private constant SVM = Cheats(0xF3993A62377BCd56AE39D773740A5390411E8BC9);

    Escrow private escrow;
    MockToken private token;
    MockToken private other;

    function setUp() public {
        escrow = new Escrow();
        token = new MockToken("Token", "T", 18);
        other = new MockToken("Other", "O", 18);
        SVM.enableSymbolicStorage(address(escrow));
        SVM.enableSymbolicStorage(address(token));
    }

    function onPull(address, uint256 amount, bytes calldata) external {
        token.mint(address(escrow), amount);
    }

    /// @notice ESC-1: no verb changes another module's credit, nor one in another token
    function check_moduleLeavesOthersAlone(
        address module, uint256 account, uint256 from, uint256 to, uint256 amount, uint8 verb
    ) external {
        VM.assume(module != address(this));
        uint256 theirs = escrow.creditOf(module, account, address(token));
        uint256 elsewhere = escrow.creditOf(address(this), account, address(other));
        _act(from, to, amount, verb);
        assert(escrow.creditOf(module, account, address(token)) == theirs);
        assert(escrow.creditOf(address(this), account, address(other)) == elsewhere);
    }

    /// @notice an account of the same module that is not named keeps its credit
    function check_verbLeavesOtherAccountsAlone(uint256 account, uint256 from, uint256 to, uint256 amount, uint8 verb)
        external
    {
        VM.assume(account != from && account != to);
        uint256 credit = escrow.creditOf(address(this), account, address(token));
        _act(from, to, amount, verb);
        assert(escrow.creditOf(address(this), account, address(token)) == credit);
    }

    /// @notice nothing is drawn beyond the credit: more reverts
    function check_drawsNoMoreThanItsCredit(uint256 from, uint256 to, uint256 amount, uint8 verb) external {
        VM.assume(amount > escrow.creditOf(address(this), from, address(token)) && verb != 0);
        bool done = _act(from, to, amount, verb);
        assert(!done);
    }

    /// @notice what is moved leaves one account for the other
    function check_movesKeepTheSum(uint256 from, uint256 to, uint256 amount) external {
        VM.assume(from != to);
        uint256 source = escrow.creditOf(address(this), from, address(token));
        uint256 target = escrow.creditOf(address(this), to, address(token));
        VM.assume(target <= type(uint256).max - source);
        _act(from, to, amount, 1);
        uint256 left = escrow.creditOf(address(this), from, address(token));
        assert(left + escrow.creditOf(address(this), to, address(token)) == source + target);
    }

    /// @notice what is released leaves the escrow to the last unit; what is pulled has come
    function check_creditsFollowTheTokens(uint256 from, uint256 to, uint256 amount, uint8 verb) external {
        VM.assume(verb != 1);
        uint256 credit = escrow.creditOf(address(this), from, address(token));
        uint256 held = token.balanceOf(address(escrow));
        VM.assume(held >= credit);
        if (_act(from, to, amount, verb)) {
            uint256 left = escrow.creditOf(address(this), from, address(token));
            assert(token.balanceOf(address(escrow)) - left == held - credit);
        }
    }

    /// @dev pull (0), move (1) or release (else); whether it went through.
    function _act(uint256 from, uint256 to, uint256 amount, uint8 verb) private returns (bool done) {
        bytes memory data = verb == 0
            ? abi.encodeCall(escrow.pull, (from, address(token), amount, ""))
            : verb == 1
                ? abi.encodeCall(escrow.move, (from, to, address(token), amount))
                : abi.encodeCall(escrow.release, (from, address(token), amount, address(0xBEEF)));
        (done,) = address(escrow).call(data);
    }
}
