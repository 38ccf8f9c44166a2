// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title A venue: whoever matches two accounts that both authorised it, and names the price
/// @notice The engine reads each price once, loads both sides and hands the prices to the venue, which answers the amounts.
interface IVenue {
    /// @param instrument its id
    /// @param size the taker's change, size units (1e-9), signed; the maker's is the opposite
    /// @param lo the oracle's lower price, WAD
    /// @param mid its answer, WAD
    /// @param hi its upper price, WAD
    /// @param makerSize the maker's position before the trade, size units
    /// @param scale the instrument's skew scale, size units
    struct Order {
        uint256 instrument;
        int256 size;
        uint256 lo;
        uint256 mid;
        uint256 hi;
        int256 makerSize;
        uint256 scale;
    }

    /// @notice Names the amounts of a trade that this venue just asked for. Called statically.
    /// @param data what the venue passed to `IMarginEngine.trade`, unchanged
    /// @return quotes the taker's change of quote per order, settlement units, signed (negative: it buys)
    /// @return fees what the taker pays on top per order, settlement units
    function quote(uint256 taker, uint256 maker, Order[] calldata orders, bytes calldata data)
        external
        view
        returns (int256[] memory quotes, uint256[] memory fees);
}
