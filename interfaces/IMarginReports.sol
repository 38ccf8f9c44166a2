// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ILensReader} from "./ILensReader.sol";
import {IMarginTypes} from "./IMarginTypes.sol";

/// @title How accounts stand, where their line is, and what may leave them: what MarginLens.sol itself implements
interface IMarginReports is ILensReader {
    /// @dev state: as stored. valid: every price that judges the account is good; else fault is the revert data that
    /// says why not (`InvalidPrice`), and standing, legs and coins are empty.
    struct AccountReport {
        uint256 account;
        bool valid;
        bytes fault;
        IMarginTypes.Account state;
        Standing standing;
        IMarginTypes.Leg[] legs;
        IMarginTypes.Coin[] coins;
    }

    /// @dev An account as it is stored, whatever prices do. positions and amounts: in the order of the bits of state.instruments
    /// and state.collaterals. forgiven: what others have paid for it, where it is an estate.
    struct Holding {
        IMarginTypes.Account state;
        IMarginTypes.Position[] positions;
        uint256[] amounts;
        uint256 forgiven;
    }

    /// @dev ok: the verb would succeed; else reason is what it would revert with. taken: what leaves the account, less than asked where escrow holds no more. paid: what is sent
    /// for it, token units. judged: afterwards is known; a flat account needs no price to
    /// withdraw, so it may be false where ok is true.
    struct WithdrawPreview {
        bool ok;
        bytes reason;
        uint256 taken;
        uint256 paid;
        bool judged;
        Standing afterwards;
    }

    /// @notice Everything about many accounts, in their order. Each price is read once; an account whose price is
    /// invalid is reported as such and spoils no other. The sequencer is not asked.
    function reports(uint256[] calldata accounts) external view returns (AccountReport[] memory);

    /// @notice What is stored of many accounts, in their order: for whoever keeps a copy of the ledger. No price is read.
    function holdings(uint256[] calldata accounts) external view returns (Holding[] memory);

    /// @notice For keepers: which of the accounts are below their line now (E < M with a position; E < 0 included), at
    /// prices that the sequencer vouches for. False where a price is invalid.
    function liquidatable(uint256[] calldata accounts) external view returns (bool[] memory);

    /// @notice The nearest answers of the instrument's feed, at or below and at or above the present one, at which E <
    /// M. Everything on that feed moves along (other instruments and collateral too), everything else stands still:
    /// other prices, and what funding and interest have charged by now at the present prices.
    /// @dev E − M is concave in the price of a feed (profit and collateral are linear, a requirement is convex), so
    /// there is at most one crossing on each side: found by bisection over whole answers, at most 88 on each side.
    /// Rounding makes E − M jump by a few units near the line; the answer named is liquidatable, the next one toward
    /// the present is not.
    /// @dev Both are the present price where the account is liquidatable already. Only answers that the oracle accepts
    /// are named: those inside the feed's bounds (a secondary feed is supposed to agree). Reverts with InvalidPrice
    /// while there is no present price, with UnknownInstrument for one that is not listed.
    /// @return below WAD; 0 where hasBelow is false
    /// @return above WAD; 0 where hasAbove is false
    /// @return hasBelow some answer at or below the present one is liquidatable
    /// @return hasAbove likewise above
    function liquidationPrice(uint256 account, uint256 instrument)
        external
        view
        returns (uint256 below, uint256 above, bool hasBelow, bool hasAbove);

    /// @notice What `IMarginEngine.withdraw` would do for the account's owner, to the owner, whatever is paid.
    function previewWithdraw(uint256 account, address token, uint256 amount)
        external
        view
        returns (WithdrawPreview memory);

    /// @notice The most of `token` that leaves the account by a `withdraw` of its owner now: one unit more is refused, or
    /// cut to this where escrow holds no more. 0 where nothing may leave; reverts with InvalidPrice where a price is missing that must judge it.
    /// @dev Of a collateral whose haircut grows with its amount, rounding may hide a few units that would pass as well.
    function maxWithdraw(uint256 account, address token) external view returns (uint256 amount);

    function PREVIEWS() external view returns (address);
}
