// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IEscrow} from "../../interfaces/IEscrow.sol";
import {IMarginTypes} from "../../interfaces/IMarginTypes.sol";
import {IPriceOracle} from "../../interfaces/IPriceOracle.sol";
import {FixedPointMath} from "../libraries/FixedPointMath.sol";
import {FundingMath} from "../libraries/FundingMath.sol";
import {MarginMath} from "../libraries/MarginMath.sol";
import {Packing} from "../libraries/Packing.sol";

/// @title The ledger of the margin engine: its storage, and how an account is loaded
/// @dev What changes it is in Posting.sol.
abstract contract Ledger is IMarginTypes, ReentrancyGuardTransient {
    using FixedPointMath for int256;
    using FixedPointMath for uint256;
    using Packing for *;

    /// @dev One slot. interest: index(t) = interestBase + interestRateE9 · (t − interestTime) / year, in 1e-9.
    struct House {
        uint96 badDebt;
        uint8 instruments;
        uint8 collaterals;
        uint32 interestRateE9;
        uint48 interestBase;
        uint32 interestTime;
    }

    uint256 internal constant MAX_INSTRUMENTS_HELD = 16;
    uint256 internal constant MAX_COLLATERALS_HELD = 8;
    uint256 internal constant NO_FEED = 255;
    uint256 internal constant NO_INSTRUMENT = type(uint64).max;
    /// @dev Flags of an account: it is an estate; from POOL_BITS on, what the pool may do as its operator.
    uint256 internal constant ESTATE = 1;
    uint256 internal constant POOL_BITS = 1;
    /// @dev The escrow account that holds every settlement token of the engine.
    uint256 internal constant CASH_ACCOUNT = 0;

    address public immutable SETTLEMENT;
    uint8 public immutable SETTLEMENT_DECIMALS;
    uint256 public immutable SIZE_SCALE;
    address public immutable ESCROW;
    address public immutable ORACLE;
    address public immutable LIQUIDATION_ENGINE;
    address public immutable AUCTION_HOUSE;
    address public immutable POOL;
    address public immutable PARAMETERS;
    uint256 public immutable DEBT_LIMIT_E6;
    uint256 public immutable OPEN_DEBT_LIMIT_E6;
    /// @dev Of the Setup: the engine, its extension and its listing must be made with the same one.
    bytes32 public immutable SETUP_HASH;
    uint256 internal immutable SETTLEMENT_FEED;
    uint256 internal immutable DEPEG_LIMIT_E6;

    mapping(uint256 account => Account) internal _accounts;
    mapping(uint256 account => mapping(uint256 instrument => Position)) internal _positions;
    mapping(uint256 account => mapping(address operator => uint256)) internal _operators;
    mapping(uint256 instrument => Market) internal _markets;
    mapping(uint256 instrument => Risk) internal _risks;
    mapping(uint256 instrument => Limits) internal _limits;
    mapping(uint256 instrument => Funding) internal _fundings;
    mapping(uint256 instrument => Fund) internal _funds;
    mapping(uint256 collateral => Collateral) internal _collaterals;
    mapping(uint256 collateral => uint256) internal _collateralTotals;
    mapping(uint256 account => Estate) internal _estates;
    /// @dev id + 1; 0 for an unknown token.
    mapping(address token => uint256) internal _collateralIds;
    House internal _house;
    uint256 internal _treasury;
    mapping(uint256 instrument => mapping(bool long => Deficit)) internal _deficits;
    /// @dev Bit i: a side of instrument i owes bad debt.
    uint64 internal _indebted;

    constructor(Setup memory setup) {
        uint8 decimals = IERC20Metadata(setup.settlement).decimals();
        if (decimals > 6) revert InvalidParameter("settlement decimals", decimals, 6);
        if (setup.debtLimitE6 >= 1e6) revert InvalidParameter("debtLimitE6", setup.debtLimitE6, 1e6);
        if (setup.openDebtLimitE6 >= setup.debtLimitE6) {
            revert InvalidParameter("openDebtLimitE6", setup.openDebtLimitE6, setup.debtLimitE6);
        }
        SETUP_HASH = keccak256(abi.encode(setup));
        SETTLEMENT = setup.settlement;
        SETTLEMENT_DECIMALS = decimals;
        SIZE_SCALE = 10 ** (27 - decimals);
        ESCROW = setup.escrow;
        ORACLE = setup.oracle;
        LIQUIDATION_ENGINE = setup.liquidationEngine;
        AUCTION_HOUSE = setup.auctionHouse;
        POOL = setup.pool;
        PARAMETERS = setup.parameters;
        DEBT_LIMIT_E6 = setup.debtLimitE6;
        OPEN_DEBT_LIMIT_E6 = setup.openDebtLimitE6;
        SETTLEMENT_FEED = setup.settlementFeed;
        DEPEG_LIMIT_E6 = setup.depegLimitE6;
        _house.interestBase = 1e9;
        _house.interestTime = uint32(block.timestamp);
    }

    /// @dev Only `caller` may call.
    modifier only(address caller) {
        _only(caller);
        _;
    }

    function _only(address caller) internal view {
        if (msg.sender != caller) revert Unauthorized(msg.sender);
    }

    // Loading: an account as it stands now --------------------------------------------------------------------------

    /// @param snapshot empty: filled in
    /// @return the book, completed
    function _load(
        Snapshot memory snapshot,
        uint256 account,
        uint256 include,
        IPriceOracle.Price[] memory book,
        bool sequenced
    ) internal view returns (IPriceOracle.Price[] memory) {
        uint256 state = _accounts[account].read();
        snapshot.account = account;
        snapshot.sizeScale = SIZE_SCALE;
        snapshot.interest = _interestOn(state);
        snapshot.cash = state.cash() - int256(snapshot.interest);
        (Leg[] memory legs, uint256 feeds) = _loadLegs(account, state.instruments() | include);
        snapshot.legs = legs;
        if (state.collaterals() != 0) feeds |= _loadCoins(snapshot, state.collaterals());
        book = _complete(book, feeds, sequenced);
        if (sequenced) _requireFinal(book);
        for (uint256 i; i < legs.length; ++i) _priceLeg(legs[i], book[_indexOf(book, legs[i].feed)]);
        for (uint256 i; i < snapshot.coins.length; ++i) _priceCoin(snapshot.coins[i], book);
        return book;
    }

    /// @dev Each leg's charge is the position's index until the leg is priced.
    function _loadLegs(uint256 account, uint256 map) private view returns (Leg[] memory legs, uint256 feeds) {
        legs = new Leg[](_count(map));
        for (uint256 i; i < legs.length; ++i) {
            uint256 instrument = _lowest(map);
            map &= map - 1;
            Leg memory leg = legs[i];
            leg.instrument = instrument;
            _setTerms(leg, instrument);
            (leg.size, leg.quote, leg.charge) = _positions[account][instrument].read();
            feeds |= 1 << leg.feed;
        }
    }

    /// @dev Millionths become WAD: 24 bits times 1e12.
    function _setTerms(Leg memory leg, uint256 instrument) private view {
        Risk storage risk = _risks[instrument];
        if (!risk.listed) revert UnknownInstrument(instrument);
        unchecked {
            leg.base = uint256(risk.baseE6) * 1e12;
            leg.slope = uint256(risk.slopeE6) * 1e12;
            leg.initialMultiple = uint256(risk.initialMultipleE6) * 1e12;
            leg.penaltyRate = uint256(risk.penaltyE6) * 1e12;
        }
        leg.depth = risk.depth;
        leg.floor = risk.floor;
        leg.feed = risk.feed;
        Limits memory limits = _limits[instrument];
        leg.oiFactor = MarginMath.oiFactor(_markets[instrument].openInterest, limits);
        leg.minNotional = limits.minNotional;
    }

    function _loadCoins(Snapshot memory snapshot, uint256 map) private view returns (uint256 feeds) {
        Coin[] memory coins = new Coin[](_count(map));
        for (uint256 i; i < coins.length; ++i) {
            uint256 id = _lowest(map);
            map &= map - 1;
            Collateral memory listed = _collaterals[id];
            Coin memory coin = coins[i];
            coin.collateral = id;
            coin.amount = _creditOf(snapshot.account, listed.token);
            coin.haircut = uint256(listed.haircutE6) * 1e12;
            coin.maxHaircut = uint256(listed.maxHaircutE6) * 1e12;
            coin.depth = listed.depth;
            coin.scale = 10 ** (uint256(36 - SETTLEMENT_DECIMALS) + listed.decimals);
            coin.feed = listed.feed;
            feeds |= 1 << coin.feed;
        }
        snapshot.coins = coins;
    }

    function _priceLeg(Leg memory leg, IPriceOracle.Price memory price) private view {
        (leg.lo, leg.mid, leg.hi) = (price.lo, price.mid, price.hi);
        if (leg.size == 0) return;
        int256 index = _indexNow(leg.instrument, price.mid, leg.size > 0);
        leg.charge = FundingMath.charge(leg.size, leg.charge, index);
    }

    function _indexNow(uint256 instrument, uint256 mid, bool long) private view returns (int256) {
        Market storage stored = _markets[instrument];
        if (stored.time == block.timestamp) return stored.sideIndex(long);
        Market memory market = _accrued(instrument, mid);
        return long ? market.indexLong : market.indexShort;
    }

    function _priceCoin(Coin memory coin, IPriceOracle.Price[] memory book) private view {
        IPriceOracle.Price memory price = book[_indexOf(book, coin.feed)];
        (coin.lo, coin.mid) = (price.lo, price.mid);
        if (price.haltedAt != 0) MarginMath.ramp(coin, block.timestamp - price.haltedAt);
    }

    /// @dev A market's funding, brought to this second.
    function _accrued(uint256 instrument, uint256 mid) internal view returns (Market memory market) {
        market = _markets[instrument].read();
        if (market.time == block.timestamp) return market;
        int256 skew = -_sizeOf(_tranche(instrument), instrument);
        FundingMath.accrue(market, _fundings[instrument], skew, mid, SIZE_SCALE, block.timestamp);
    }

    /// @dev The book with every feed of the bitmap in it; what is missing is read in one call.
    function _complete(IPriceOracle.Price[] memory book, uint256 feeds, bool sequenced)
        internal
        view
        returns (IPriceOracle.Price[] memory completed)
    {
        for (uint256 i; i < book.length; ++i) feeds &= ~(1 << book[i].feed);
        if (feeds == 0) return book;
        uint256[] memory missing = new uint256[](_count(feeds));
        for (uint256 i; i < missing.length; ++i) {
            missing[i] = _lowest(feeds);
            feeds &= feeds - 1;
        }
        IPriceOracle.Price[] memory fresh = IPriceOracle(ORACLE).prices(missing, sequenced);
        if (book.length == 0) return fresh;
        completed = new IPriceOracle.Price[](book.length + fresh.length);
        for (uint256 i; i < completed.length; ++i) {
            completed[i] = i < book.length ? book[i] : fresh[i - book.length];
        }
    }

    /// @dev A stand-in that may still be undone liquidates nobody: so whoever holds anything at one adds no risk either.
    function _requireFinal(IPriceOracle.Price[] memory book) internal view {
        for (uint256 i; i < book.length; ++i) {
            if (book[i].haltedAt != 0 && !IPriceOracle(ORACLE).isFinal(book[i].feed)) revert HaltNotFinal(book[i].feed);
        }
    }

    function _indexOf(IPriceOracle.Price[] memory book, uint256 feed) internal pure returns (uint256 i) {
        while (book[i].feed != feed) ++i;
    }

    // Reading what is stored ----------------------------------------------------------------------------------------

    function _sizeOf(uint256 account, uint256 instrument) internal view returns (int256) {
        return _positions[account][instrument].size;
    }

    /// @dev The feed of a listed instrument.
    function _feedOf(uint256 instrument) internal view returns (uint256) {
        Risk storage risk = _risks[instrument];
        if (!risk.listed) revert UnknownInstrument(instrument);
        return risk.feed;
    }

    /// @dev Of this module, in the token's units.
    function _creditOf(uint256 account, address token) internal view returns (uint256) {
        return IEscrow(ESCROW).creditOf(address(this), account, token);
    }

    // Small words ---------------------------------------------------------------------------------------------------

    /// @dev ⌈|cash| · growth⌉ of negative cash since it was last posted.
    function _interestOn(uint256 state) internal view returns (uint256) {
        if (state.cash() >= 0) return 0;
        uint256 paidUpTo = state.interestIndex();
        return state.cash().abs().mulDivUp(_interestIndex() - paidUpTo, paidUpTo);
    }

    /// @dev 1e-9; saturates at 2^48 − 1, a growth of 281,000.
    function _interestIndex() internal view returns (uint256) {
        House storage house = _house;
        uint256 elapsed = block.timestamp - house.interestTime;
        return Math.min(house.interestBase + uint256(house.interestRateE9) * elapsed / 365 days, type(uint48).max);
    }

    function _owner(uint256 account) internal pure returns (address) {
        return address(uint160(account >> 96));
    }

    function _idle() internal view returns (uint256) {
        return uint256(uint160(POOL)) << 96;
    }

    /// @dev The pool's account that backs an instrument.
    function _tranche(uint256 instrument) internal view returns (uint256) {
        return _idle() | (instrument + 1);
    }

    function _count(uint256 map) internal pure returns (uint256 bits) {
        for (; map != 0; map &= map - 1) ++bits;
    }

    /// @dev The lowest bit that is set. Most ids are small.
    function _lowest(uint256 map) internal pure returns (uint256 bit) {
        while (map >> bit & 0xffff == 0) bit += 16;
        while (map >> bit & 1 == 0) ++bit;
    }
}
