// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ILiquidationEngine} from "../../../interfaces/ILiquidationEngine.sol";
import {IMarginTypes} from "../../../interfaces/IMarginTypes.sol";
import {IPriceOracle} from "../../../interfaces/IPriceOracle.sol";
import {LiquidationEngine} from "../../../contracts/LiquidationEngine.sol";
import {Cheats} from "./Cheats.sol";

/// @notice The liquidation engine above a margin engine that says any equity and any maintenance of one position.
contract LiquidationProof {
    Cheats private constant VM = Cheats(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);
    uint256 private constant ACCOUNT = 7 << 96;
    uint256 private constant ANY_NONCE = type(uint256).max;

    LiquidationEngine private liquidation;
    int256 private cash;
    int256 private quote;
    uint256 private floor;
    bool private holds;

    function setUp() public {
        liquidation = new LiquidationEngine(address(this), address(this), 12e17, 1e5, 1, 1e9, 1e5);
    }

    function load(uint256 account, uint64, IPriceOracle.Price[] calldata book, bool)
        external
        view
        returns (IMarginTypes.Snapshot memory snapshot, IPriceOracle.Price[] memory)
    {
        (snapshot.account, snapshot.cash, snapshot.sizeScale) = (account, cash, 1e21);
        if (holds) {
            snapshot.legs = new IMarginTypes.Leg[](1);
            IMarginTypes.Leg memory leg = snapshot.legs[0];
            (leg.size, leg.mid, leg.quote, leg.floor, leg.depth) = (int256(1e9), 1e18, quote, floor, 1);
        }
        return (snapshot, book);
    }

    /// @notice LIQ-1: liquidate refuses by its own name exactly where E ≥ M, or nothing is held
    function check_liquidatableExactlyBelowTheLine(int80 cash_, int96 quote_, uint48 floor_, bool holds_) external {
        (cash, quote, floor, holds) = (cash_, quote_, floor_, holds_);
        VM.assume(floor_ > 0);
        int256 equity = holds_ ? int256(cash_) + quote_ + 1e6 : int256(cash_);
        (bool done, bytes memory answer) =
            address(liquidation).call(abi.encodeCall(ILiquidationEngine.liquidate, (_item())));
        bool refused = !done && bytes4(answer) == ILiquidationEngine.NotLiquidatable.selector;
        assert(refused == (!holds_ || equity >= int256(uint256(floor_))));
    }

    function _item() private pure returns (ILiquidationEngine.Item memory) {
        return ILiquidationEngine.Item(ACCOUNT, 0, 1e18, 0, ANY_NONCE);
    }
}
