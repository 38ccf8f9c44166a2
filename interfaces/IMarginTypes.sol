// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title The words of the margin engine: what it stores, judges, is asked, tells and refuses
/// @dev Units as in IMarginEngine.
interface IMarginTypes {
    // What is stored ------------------------------------------------------------------------------------------------

    /// @dev One slot. `index` is the index of the position's side when it was last settled.
    struct Position {
        int80 size;
        int96 quote;
        int80 index;
    }

    /// @dev One slot. Bit i of the maps is set while the account holds instrument / collateral i. flags: bit 0 while it is an
    /// estate; bits 1 and 2 are what the pool may do as operator.
    struct Account {
        int80 cash;
        uint24 nonce;
        uint8 flags;
        uint64 instruments;
        uint32 collaterals;
        uint48 interestIndex;
    }

    /// @dev Two slots. Indices: owed per whole unit of the underlying, settlement units × 1e9.
    /// rateE8: funding per year, positive when longs pay. openInterest = Σ max(size, 0).
    struct Market {
        int80 indexLong;
        int80 indexShort;
        uint80 openInterest;
        int96 quoteLong;
        int96 quoteShort;
        int32 rateE8;
        uint32 time;
    }

    /// @dev One slot: what judges a position. depth: size units. floor: settlement units.
    struct Risk {
        uint24 baseE6;
        uint24 slopeE6;
        uint80 depth;
        uint48 floor;
        uint24 penaltyE6;
        uint8 feed;
        uint24 initialMultipleE6;
        bool listed;
        bool reduceOnly;
    }

    /// @dev One slot: what limits new positions. capUnits: size units. capValue, minNotional: settlement units.
    struct Limits {
        uint80 capUnits;
        uint80 capValue;
        uint24 oiThresholdE6;
        uint24 oiSlopeE6;
        uint48 minNotional;
    }

    /// @dev One slot: funding, and who gets the fees (the rest goes to the maker). scale: size units.
    /// maxVelocityE8: how much the yearly rate moves in a day at full skew. maxRateE8: at most 10e8 (1000 % a year).
    struct Funding {
        uint80 scale;
        uint32 maxVelocityE8;
        uint32 maxRateE8;
        uint24 insuranceShareE6;
        uint24 treasuryShareE6;
    }

    /// @dev Two slots. depth, cap: the token's own units. haircutE6: h₀; maxHaircutE6 ≤ (1 + h₀)/2.
    struct Collateral {
        address token;
        uint24 haircutE6;
        uint24 maxHaircutE6;
        uint8 feed;
        uint8 decimals;
        uint104 depth;
        uint104 cap;
    }

    /// @dev Per instrument, one slot: insurance pays losses, treasury waits to be claimed.
    struct Fund {
        uint128 insurance;
        uint128 treasury;
    }

    /// @dev Per instrument and side, one slot: `owed` (settlement units) is bad debt that this side's index has still to be
    /// charged; `charged` is by how much that index rose for losses in `epoch` (an hour), in index units.
    struct Deficit {
        uint96 owed;
        uint32 epoch;
        uint80 charged;
    }

    /// @dev An insolvent account that was absorbed while it still held collateral. Others paid `forgiven` (settlement units) for
    /// it, and are paid back before its owner gets anything: bad debt first, then the insurance of `instrument` (NO_INSTRUMENT:
    /// the pool's idle account).
    struct Estate {
        uint128 forgiven;
        uint64 instrument;
    }

    // What is judged ------------------------------------------------------------------------------------------------

    /// @dev One position with all that judges it. charge: what the index says it owes, settlement units, rounded up.
    /// base, slope, initialMultiple, oiFactor, penaltyRate: WAD.
    struct Leg {
        uint256 instrument;
        int256 size;
        int256 quote;
        int256 charge;
        uint256 lo;
        uint256 mid;
        uint256 hi;
        uint256 base;
        uint256 slope;
        uint256 depth;
        uint256 floor;
        uint256 initialMultiple;
        uint256 oiFactor;
        uint256 penaltyRate;
        uint256 minNotional;
        uint256 feed;
    }

    /// @dev One collateral. scale: amount · price · (1 − haircut) / scale = settlement units, both factors WAD. haircut, maxHaircut: WAD.
    struct Coin {
        uint256 collateral;
        uint256 amount;
        uint256 lo;
        uint256 mid;
        uint256 haircut;
        uint256 maxHaircut;
        uint256 depth;
        uint256 scale;
        uint256 feed;
    }

    /// @dev An account as it stands now: interest and funding accrued to this second. sizeScale: size · price / sizeScale =
    /// settlement units. The margin rule is a pure function of it.
    struct Snapshot {
        uint256 account;
        int256 cash;
        uint256 interest;
        uint256 sizeScale;
        Leg[] legs;
        Coin[] coins;
    }

    /// @dev The margin rule's answer (settlement units). cash: less what the indices say is owed; what they say is due counts as
    /// profit until it is settled. initial is 0 unless risk is being added.
    struct Margin {
        int256 cash;
        uint256 collateral;
        int256 profit;
        int256 equity;
        uint256 notional;
        uint256 maintenance;
        uint256 initial;
        uint256 penalty;
    }

    // What is asked -------------------------------------------------------------------------------------------------

    /// @dev One leg of a trade: the taker's change in size units.
    struct Fill {
        uint256 instrument;
        int256 size;
    }

    /// @dev One position's move from a liquidated account to a taker: the account's change of size and quote, and what taker and
    /// insurance of the instrument get with it.
    struct Transfer {
        uint256 instrument;
        uint256 taker;
        int256 size;
        int256 quote;
        uint256 mid;
        int256 cash;
        int256 insurance;
    }

    /// @dev One line of a double entry: a cash account's, or an insurance fund's, change.
    struct Entry {
        uint256 id;
        int256 amount;
    }

    /// @dev A loss that neither insurance nor a taker paid. long: the side whose index is charged, the one that won.
    /// instrument NO_INSTRUMENT: all of it is bad debt that no side owes.
    struct Loss {
        uint256 instrument;
        bool long;
        uint256 amount;
        uint256 mid;
    }

    /// @dev All that a deployment fixes for ever. settlementFeed: 255 for no depeg guard. debtLimitE6 is λ, openDebtLimitE6 λ₀.
    struct Setup {
        address settlement;
        address escrow;
        address oracle;
        address liquidationEngine;
        address auctionHouse;
        address pool;
        address parameters;
        uint24 debtLimitE6;
        uint24 openDebtLimitE6;
        uint8 settlementFeed;
        uint24 depegLimitE6;
    }

    // Events --------------------------------------------------------------------------------------------------------

    event OperatorSet(uint256 indexed account, address indexed operator, uint256 bits);
    event Deposited(uint256 indexed account, address indexed token, address indexed payer, uint256 amount);
    event Withdrawn(
        uint256 indexed account, address indexed token, address indexed to, uint256 amount, uint256 paid
    );
    event CashMoved(uint256 indexed from, uint256 indexed to, uint256 amount);
    event Traded(address indexed venue, uint256 indexed taker, uint256 indexed maker, uint256 fee);
    /// @notice The tokens in escrow did not suffice: `left` stays in the account's cash, and may be withdrawn later.
    event WithdrawalCut(uint256 indexed account, uint256 left);
    /// @notice A loss of `amount` was charged to one side: `charged` through its index, now; the rest is owed.
    event LossShared(uint256 indexed instrument, bool indexed long, uint256 amount, uint256 charged, uint256 owed);
    event HaltedSettled(uint256 indexed instrument, uint256 indexed long, uint256 indexed short, uint256 size, uint256 price);
    event CollateralSold(
        uint256 indexed account, address indexed token, address indexed buyer, uint256 amount, uint256 payment
    );
    /// @notice Absolute values after a change, so that events alone rebuild every balance (EVT-1).
    event PositionUpdated(
        uint256 indexed account, uint256 indexed instrument, int256 size, int256 quote, int256 index
    );
    event AccountUpdated(uint256 indexed account, int256 cash, uint256 nonce);
    event FundUpdated(uint256 indexed instrument, uint256 insurance, uint256 treasury);
    event InterestCharged(uint256 indexed account, uint256 amount);
    event EstateOpened(uint256 indexed account, uint256 forgiven, uint256 instrument);
    event EstateRepaid(uint256 indexed account, uint256 amount, uint256 left);
    /// @notice The sum over all sides, and what no side owes.
    event BadDebtUpdated(uint256 badDebt);
    event DeficitUpdated(uint256 indexed instrument, bool indexed long, uint256 owed);

    // Errors --------------------------------------------------------------------------------------------------------

    error Unauthorized(address caller);
    error SameAccount(uint256 account);
    error DifferentOwners(uint256 from, uint256 to);
    error NoOrders();
    error ZeroSize(uint256 instrument);
    error RepeatedInstrument(uint256 instrument);
    error ZeroAmount();
    error NoTreasury();
    error UnknownInstrument(uint256 instrument);
    error UnknownCollateral(uint256 collateral);
    error UnknownToken(address token);
    error TooManyInstruments(uint256 account, uint256 held);
    error TooManyCollaterals(uint256 account, uint256 held);
    /// @notice min(cash + collateral, equity) is below the initial requirement.
    error InsufficientMargin(uint256 account, int256 have, uint256 need);
    error DebtTooLarge(uint256 account, uint256 debt, uint256 limit);
    /// @notice Risk was reduced, but health fell: equity · M_before < E_before · maintenance; or equity fell below min(before, 0).
    error HealthWorsened(uint256 account, int256 equity, uint256 maintenance);
    error InstrumentReduceOnly(uint256 instrument);
    /// @notice The instrument's feed is halted: it is neither added to, nor quoted by the pool.
    error InstrumentHalted(uint256 instrument);
    /// @notice On a halted feed positions are settled, and accounts liquidated, once the halt is final.
    error HaltNotFinal(uint256 feed);
    error NothingToSettle(uint256 instrument, uint256 long, uint256 short);
    error NothingOwed(uint256 instrument);
    /// @notice Absorb the account first: its loss is its instruments', not the pool's.
    error AccountInsolvent(uint256 account, int256 equity);
    error NothingInEscrow(uint256 amount);
    /// @notice Positions on the halted feed are not settled yet: the instrument keeps it.
    error FeedInUse(uint256 instrument, uint256 openInterest);
    error CapExceeded(uint256 instrument, uint256 have, uint256 cap);
    error CollateralCapExceeded(uint256 collateral, uint256 have, uint256 cap);
    error BelowMinimum(uint256 account, uint256 instrument, uint256 notional, uint256 minimum);
    error Depegged(uint256 price);
    error InsufficientCollateral(uint256 account, uint256 collateral, uint256 have, uint256 need);
    error TokenListed(address token);
    /// @notice Others paid for this account: until they are paid back its collateral leaves only by being sold, it takes no new
    /// position, and it trades with the pool alone.
    error EstateOpen(uint256 account, uint256 forgiven);
    error InsufficientCash(uint256 account, int256 have, uint256 need);
    error BelowMinOut(uint256 paid, uint256 minOut);
    error RatioTooLow(uint256 ratio, uint256 minRatio);
    /// @notice The extension, or the listing behind it, was made with another Setup.
    error WrongExtension(address extension);
    error WrongQuotes(uint256 quotes, uint256 orders);
    error Unbalanced(int256 sum);
    /// @notice A parameter is outside its hard bound or the listing rule.
    error InvalidParameter(string name, uint256 value, uint256 bound);

    // What is fixed for ever ----------------------------------------------------------------------------------------

    function SETUP_HASH() external view returns (bytes32);
    function SETTLEMENT() external view returns (address);
    function SETTLEMENT_DECIMALS() external view returns (uint8);
    function SIZE_SCALE() external view returns (uint256);
    function ESCROW() external view returns (address);
    function ORACLE() external view returns (address);
    function LIQUIDATION_ENGINE() external view returns (address);
    function AUCTION_HOUSE() external view returns (address);
    function POOL() external view returns (address);
    function DEBT_LIMIT_E6() external view returns (uint256);
    function OPEN_DEBT_LIMIT_E6() external view returns (uint256);
    function PARAMETERS() external view returns (address);
}
