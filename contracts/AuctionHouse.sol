// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {IAuctionHouse} from "../interfaces/IAuctionHouse.sol";
import {IMarginEngine} from "../interfaces/IMarginEngine.sol";
import {IMarginTypes} from "../interfaces/IMarginTypes.sol";
import {IPriceOracle} from "../interfaces/IPriceOracle.sol";
import {FixedPointMath} from "./libraries/FixedPointMath.sol";
import {LiquidationMath} from "./libraries/LiquidationMath.sol";
import {MarginMath} from "./libraries/MarginMath.sol";

/// @title AuctionHouse: the collateral of an account that owes too much
/// @notice A Dutch auction of what is for sale: a debt above λ · C, equity below zero, or an estate. The discount is never more
/// than the haircut that already counts against the account, so no sale lowers its equity; only where equity is below
/// zero, nothing is held (every loss of a position has been paid by then) and nobody wanted it at the haircut, does it go on
/// to 1, so that there is always a buyer. The clock is nobody's to keep: it lapses, and it begins anew when the sequencer comes back.
contract AuctionHouse is IAuctionHouse {
    using FixedPointMath for uint256;
    using MarginMath for IMarginTypes.Margin;

    uint256 private constant WAD = 1e18;
    /// @inheritdoc IAuctionHouse
    uint256 public constant RAMP = 30 minutes;
    /// @inheritdoc IAuctionHouse
    uint256 public constant LIFE = 90 minutes;

    /// @inheritdoc IAuctionHouse
    address public immutable ENGINE;

    /// @dev One account while it is worked on.
    struct Case {
        IMarginTypes.Snapshot snapshot;
        IMarginTypes.Margin margin;
    }

    mapping(uint256 account => Auction) private _auctions;
    /// @dev Byte i: id + 1 of the collateral that is sold as the i-th; 0 ends it.
    mapping(uint256 account => uint256) private _saleOrders;

    constructor(address engine) {
        ENGINE = engine;
    }

    // The clock -----------------------------------------------------------------------------------------------------

    /// @inheritdoc IAuctionHouse
    function startAuction(uint256 account) external {
        Case memory c = _open(account);
        if (!_isForSale(c)) revert NotForSale(account, c.margin.debt(), _debtLimit(c.margin));
        Auction memory a = _auctions[account];
        bool insolvent = _isSunk(c);
        if (_runs(a) && insolvent == (a.insolventAt != 0)) revert AuctionRunning(account, a.startedAt, a.insolventAt);
        if (!_runs(a)) a = Auction(uint64(block.timestamp), 0);
        a.insolventAt = insolvent ? uint64(block.timestamp) : 0;
        _auctions[account] = a;
        emit AuctionStarted(account, a.startedAt, a.insolventAt);
    }

    /// @inheritdoc IAuctionHouse
    /// @dev A price counts as invalid only by the oracle's own word: a call that starved has another error.
    function stopAuction(uint256 account) external {
        if (_auctions[account].startedAt == 0) revert NoAuction(account);
        IPriceOracle.Price[] memory none;
        try IMarginEngine(ENGINE).load(account, 0, none, true) returns (
            IMarginTypes.Snapshot memory snapshot, IPriceOracle.Price[] memory
        ) {
            Case memory c;
            (c.snapshot, c.margin) = (snapshot, MarginMath.judge(snapshot, false));
            if (_isForSale(c)) revert AuctionDue(account, c.margin.debt());
        } catch (bytes memory reason) {
            bytes4 selector = bytes4(reason);
            if (selector != IPriceOracle.InvalidPrice.selector && selector != IMarginTypes.HaltNotFinal.selector) {
                Address.verifyCallResult(false, reason);
            }
        }
        _stop(account);
    }

    /// @inheritdoc IAuctionHouse
    function auctionOf(uint256 account) external view returns (Auction memory) {
        return _auctions[account];
    }

    function _stop(uint256 account) private {
        delete _auctions[account];
        emit AuctionStopped(account);
    }

    function _runs(Auction memory a) private view returns (bool) {
        uint256 since = a.insolventAt > a.startedAt ? a.insolventAt : a.startedAt;
        return a.startedAt != 0 && block.timestamp < since + LIFE;
    }

    /// @dev Loads and judges the account at mid (the sequencer past its grace).
    function _open(uint256 account) private view returns (Case memory c) {
        IPriceOracle.Price[] memory none;
        (c.snapshot,) = IMarginEngine(ENGINE).load(account, 0, none, true);
        c.margin = MarginMath.judge(c.snapshot, false);
    }

    // What is for sale ----------------------------------------------------------------------------------------------

    function _isForSale(Case memory c) private view returns (bool) {
        return c.margin.debt() * 1e6 > c.margin.collateral * IMarginEngine(ENGINE).DEBT_LIMIT_E6()
            || c.margin.equity < 0 || _forgiven(c) > 0;
    }

    /// @dev Below zero with nothing held. An account that still holds positions is absorbed first.
    function _isSunk(Case memory c) private pure returns (bool) {
        return c.margin.equity < 0 && c.margin.maintenance == 0;
    }

    function _debtLimit(IMarginTypes.Margin memory margin) private view returns (uint256) {
        return margin.collateral.mulDivDown(IMarginEngine(ENGINE).DEBT_LIMIT_E6(), 1e6);
    }

    /// @dev What an estate owes falls due when it holds nothing any more.
    function _forgiven(Case memory c) private view returns (uint256) {
        if (c.margin.maintenance > 0) return 0;
        return IMarginEngine(ENGINE).estateOf(c.snapshot.account).forgiven;
    }

    /// @inheritdoc IAuctionHouse
    function setSaleOrder(uint256 account, uint8[] calldata collaterals) external {
        if (address(uint160(account >> 96)) != msg.sender) revert NotOwner(account, msg.sender);
        if (collaterals.length > 8) revert InvalidAmount(collaterals.length, 8);
        uint256 order;
        for (uint256 i = collaterals.length; i > 0; --i) order = order << 8 | (uint256(collaterals[i - 1]) + 1);
        _saleOrders[account] = order;
        emit SaleOrderSet(account, collaterals);
    }

    /// @dev The owner's order first (but for what counts for nothing), then the lowest haircut, then the lowest id.
    function _first(Case memory c) private view returns (IMarginTypes.Coin memory best) {
        IMarginTypes.Coin[] memory coins = c.snapshot.coins;
        for (uint256 order = _saleOrders[c.snapshot.account]; order != 0; order >>= 8) {
            for (uint256 i; i < coins.length; ++i) {
                if (coins[i].collateral + 1 == order & 0xff && coins[i].haircut < WAD) return coins[i];
            }
        }
        for (uint256 i; i < coins.length; ++i) {
            if (i == 0 || coins[i].haircut < best.haircut) best = coins[i];
        }
    }

    // Buying --------------------------------------------------------------------------------------------------------

    /// @inheritdoc IAuctionHouse
    function offer(uint256 account) external view returns (uint256 collateral, uint256 price, uint256 most) {
        IMarginTypes.Coin memory coin;
        Case memory c = _open(account);
        (coin, price, most) = _offer(c, _first(c));
        collateral = coin.collateral;
    }

    /// @inheritdoc IAuctionHouse
    function buyCollateral(
        uint256 account,
        uint256 collateral,
        uint256 amount,
        uint256 maxPrice,
        bytes calldata data
    ) external returns (uint256 bought, uint256 payment) {
        Case memory c = _open(account);
        (IMarginTypes.Coin memory coin, uint256 price, uint256 most) = _offer(c, _chosen(c, collateral));
        if (amount == 0 || most == 0) revert InvalidAmount(amount, most);
        if (price > maxPrice) revert PriceAboveLimit(price, maxPrice);
        bought = amount < most ? amount : most;
        payment = LiquidationMath.salePayment(coin, bought, price);
        coin.amount -= bought;
        IMarginEngine(ENGINE).sellCollateral(account, collateral, bought, payment, msg.sender, data);
        c.snapshot.cash += int256(payment);
        c.margin = MarginMath.judge(c.snapshot, false);
        if (!_isForSale(c)) _stop(account);
    }

    /// @dev What nobody wanted at its full discount, or cannot be moved, does not stand before the rest for ever: then the
    /// buyer chooses.
    function _chosen(Case memory c, uint256 collateral) private view returns (IMarginTypes.Coin memory coin) {
        coin = _first(c);
        if (coin.amount == 0 || coin.collateral == collateral) return coin;
        uint256 from = IPriceOracle(IMarginEngine(ENGINE).ORACLE()).sequencedSince();
        bool ramped = _elapsed(_auctions[c.snapshot.account].startedAt, from) >= RAMP;
        IMarginTypes.Coin[] memory coins = c.snapshot.coins;
        for (uint256 i; ramped && i < coins.length; ++i) {
            if (coins[i].collateral == collateral) return coins[i];
        }
        revert NotFirst(c.snapshot.account, collateral, coin.collateral);
    }

    /// @dev At which price of one whole token (WAD) a coin is offered, and how much of it at the most.
    function _offer(Case memory c, IMarginTypes.Coin memory coin)
        private
        view
        returns (IMarginTypes.Coin memory, uint256 price, uint256 most)
    {
        uint256 account = c.snapshot.account;
        if (!_isForSale(c)) revert NotForSale(account, c.margin.debt(), _debtLimit(c.margin));
        Auction memory a = _auctions[account];
        if (!_runs(a)) revert NoAuction(account);
        if (coin.amount == 0) revert NothingHeld(account);
        price = LiquidationMath.salePrice(coin.mid, _discount(c, coin, a));
        return (coin, price, _due(c, coin, price));
    }

    function _discount(Case memory c, IMarginTypes.Coin memory coin, Auction memory a) private view returns (uint256) {
        uint256 from = IPriceOracle(IMarginEngine(ENGINE).ORACLE()).sequencedSince();
        uint256 elapsed = _elapsed(a.startedAt, from);
        if (!_isSunk(c) || a.insolventAt == 0 || elapsed < RAMP) {
            return LiquidationMath.discount(coin.haircut, elapsed, 0, RAMP);
        }
        // Nobody wanted it at the haircut either.
        uint256 insolvent = _elapsed(a.insolventAt, from);
        return LiquidationMath.discount(coin.haircut, RAMP, insolvent < elapsed - RAMP ? insolvent : elapsed - RAMP, RAMP);
    }

    function _elapsed(uint256 since, uint256 from) private view returns (uint256) {
        return block.timestamp - (since > from ? since : from);
    }

    /// @dev Solvent: back to λ₀ · C. Below zero, or an estate: all of the debt, and what others have paid for it.
    function _due(Case memory c, IMarginTypes.Coin memory coin, uint256 price) private view returns (uint256) {
        uint256 forgiven = _forgiven(c);
        if (c.margin.equity < 0 || forgiven > 0) {
            return LiquidationMath.saleOf(coin, c.margin.debt() + forgiven, price);
        }
        // What brings nothing is no help while there is equity.
        if (price == 0) return 0;
        return LiquidationMath.saleDue(coin, c.margin, price, IMarginEngine(ENGINE).OPEN_DEBT_LIMIT_E6());
    }
}
