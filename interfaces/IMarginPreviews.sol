// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ILensReader} from "./ILensReader.sol";
import {ILiquidationEngine} from "./ILiquidationEngine.sol";

/// @title What a verb would do to an account: MarginPreviews.sol, which the lens delegates to
interface IMarginPreviews is ILensReader {
    /// @dev ok: the verb would succeed; else reason is what it would revert with, and the numbers are what they would
    /// be without that objection (zero where there are none: no price, no market, size 0). quote, fee: as
    /// ILiquidityPool.trade returns them. price: the fill, WAD. afterwards: the account after it.
    struct TradePreview {
        bool ok;
        bytes reason;
        int256 quote;
        uint256 fee;
        uint256 price;
        Standing afterwards;
    }

    /// @dev ok, reason: as above, for a keeper who does not own the account. outcome: as ILiquidationEngine.liquidate
    /// returns it.
    struct LiquidationPreview {
        bool ok;
        bytes reason;
        ILiquidationEngine.Outcome outcome;
        Standing afterwards;
    }

    /// @notice What `ILiquidityPool.trade` would do for the account's owner, at any limit price.
    function previewTrade(uint256 account, uint256 instrument, int256 size) external view returns (TradePreview memory);

    /// @notice What `ILiquidationEngine.liquidate` would do, with the pool as taker.
    function previewLiquidation(uint256 account, uint256 maxFraction) external view returns (LiquidationPreview memory);
}
