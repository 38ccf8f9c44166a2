// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IMarginTypes} from "../../../interfaces/IMarginTypes.sol";
import {IParameters} from "../../../interfaces/IParameters.sol";
import {ILiquidityPool} from "../../../interfaces/ILiquidityPool.sol";
import {IPriceOracle} from "../../../interfaces/IPriceOracle.sol";
import {LiquidityPool} from "../../../contracts/LiquidityPool.sol";
import {MarginEngine} from "../../../contracts/MarginEngine.sol";
import {MarginEngineExtension} from "../../../contracts/MarginEngineExtension.sol";
import {MarginEngineListing} from "../../../contracts/MarginEngineListing.sol";
import {Parameters} from "../../../contracts/Parameters.sol";
import {PriceOracle} from "../../../contracts/PriceOracle.sol";
import {MockToken} from "../../../contracts/mocks/MockToken.sol";
import {Cheats} from "./Cheats.sol";

/// @notice Who may not, cannot: every verb with an owner, from any state and with any arguments, called by anyone else.
contract AuthorityProof {
    Cheats private constant VM = Cheats(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);
    Cheats private constant SVM = Cheats(0xF3993A62377BCd56AE39D773740A5390411E8BC9);
    address private constant OWNER = address(0xA11CE);
    address private constant GUARDIAN = address(0xBEEF);
    address private constant ESCROW = address(0xE5C);
    address private constant LIQUIDATION = address(0x11D);
    address private constant AUCTIONS = address(0xA0C);
    address private constant PARAMETERS = address(0xFA4);
    bytes4 private immutable NOT_OWNER = Ownable.OwnableUnauthorizedAccount.selector;
    bytes4 private immutable NOT_GUARDIAN = IParameters.NotGuardian.selector;
    bytes4 private immutable UNAUTHORIZED = IMarginTypes.Unauthorized.selector;

    address private engine;
    address private oracle;
    address private parameters;
    address private pool;

    function setUp() public {
        IMarginTypes.Setup memory setup;
        setup.settlement = address(new MockToken("Settlement", "S", 6));
        setup.escrow = ESCROW;
        setup.liquidationEngine = LIQUIDATION;
        setup.auctionHouse = AUCTIONS;
        setup.parameters = PARAMETERS;
        (setup.debtLimitE6, setup.openDebtLimitE6, setup.settlementFeed) = (9e5, 8e5, 255);
        address listing = address(new MarginEngineListing(setup));
        engine = address(new MarginEngine(setup, address(new MarginEngineExtension(setup, listing))));
        oracle = address(new PriceOracle(OWNER, address(0), 0));
        parameters = address(new Parameters(engine, OWNER, GUARDIAN));
        pool = address(new LiquidityPool(engine, OWNER, 1 days, "Pool", "P"));
    }

    /// @notice only the owner adds a feed or states the price of a halt
    function check_oracleObeysItsOwner(address caller, IPriceOracle.FeedConfig calldata config, uint256 feed, uint256 price)
        external
    {
        VM.assume(caller != OWNER);
        _refused(caller, oracle, abi.encodeCall(IPriceOracle.addFeed, (config)), NOT_OWNER);
        _refused(caller, oracle, abi.encodeCall(IPriceOracle.haltAt, (feed, price)), NOT_OWNER);
    }

    /// @notice only the owner sets a market of the pool
    function check_poolObeysItsOwner(address caller, uint256 instrument, ILiquidityPool.MarketConfig calldata config)
        external
    {
        VM.assume(caller != OWNER);
        _refused(caller, pool, abi.encodeCall(ILiquidityPool.setMarket, (instrument, config)), NOT_OWNER);
    }

    /// @notice only the owner lists or changes a parameter or the guardian
    function check_parametersObeyTheirOwner(
        address caller,
        uint256 id,
        IParameters.InstrumentConfig calldata instrument,
        IMarginTypes.Collateral calldata collateral
    ) external {
        VM.assume(caller != OWNER);
        _refused(caller, parameters, abi.encodeCall(IParameters.setInstrument, (id, instrument)), NOT_OWNER);
        _refused(caller, parameters, abi.encodeCall(IParameters.setCollateral, (id, collateral)), NOT_OWNER);
        _refused(caller, parameters, abi.encodeCall(IParameters.setInterest, (id)), NOT_OWNER);
        _refused(caller, parameters, abi.encodeCall(IParameters.setTreasury, (id)), NOT_OWNER);
        _refused(caller, parameters, abi.encodeCall(IParameters.setGuardian, (caller)), NOT_OWNER);
    }

    /// @notice only the guardian and the owner tighten
    function check_onlyTheGuardianTightens(address caller, uint256 id, uint80 cap) external {
        VM.assume(caller != OWNER && caller != GUARDIAN);
        _refused(caller, parameters, abi.encodeCall(IParameters.restrict, (id)), NOT_GUARDIAN);
        _refused(caller, parameters, abi.encodeCall(IParameters.lowerCaps, (id, cap, cap)), NOT_GUARDIAN);
        _refused(caller, parameters, abi.encodeCall(IParameters.lowerCollateralCap, (id, cap)), NOT_GUARDIAN);
    }

    /// @notice only Parameters sets what the engine judges by
    function check_engineObeysParameters(
        address caller,
        uint256 id,
        IMarginTypes.Risk calldata risk,
        IMarginTypes.Limits calldata limits,
        IMarginTypes.Funding calldata funding,
        IMarginTypes.Collateral calldata collateral
    ) external {
        VM.assume(caller != PARAMETERS);
        SVM.enableSymbolicStorage(engine);
        _refused(caller, engine, abi.encodeCall(MarginEngineListing.setInstrument, (id, risk, limits, funding)), UNAUTHORIZED);
        _refused(caller, engine, abi.encodeCall(MarginEngineListing.setCollateral, (id, collateral)), UNAUTHORIZED);
        _refused(caller, engine, abi.encodeCall(MarginEngineListing.setInterest, (id)), UNAUTHORIZED);
        _refused(caller, engine, abi.encodeCall(MarginEngineListing.setTreasury, (id)), UNAUTHORIZED);
    }

    /// @notice only the liquidation engine seizes or opens an estate, only the auction house sells, only the escrow pulls
    function check_engineObeysItsModules(address caller, uint256 account, uint256 amount) external {
        SVM.enableSymbolicStorage(engine);
        VM.assume(caller != LIQUIDATION && caller != AUCTIONS && caller != ESCROW);
        IMarginTypes.Transfer[] memory transfers = new IMarginTypes.Transfer[](1);
        IMarginTypes.Entry[] memory entries = new IMarginTypes.Entry[](1);
        (transfers[0].taker, entries[0].id) = (account, account);
        _refused(
            caller,
            engine,
            abi.encodeCall(
                MarginEngineExtension.seize, (account, transfers, entries, entries, new IMarginTypes.Loss[](0))
            ),
            UNAUTHORIZED
        );
        _refused(caller, engine, abi.encodeCall(MarginEngineExtension.openEstate, (account, amount, account)), UNAUTHORIZED);
        _refused(
            caller,
            engine,
            abi.encodeCall(MarginEngineExtension.sellCollateral, (account, amount, amount, amount, caller, "")),
            UNAUTHORIZED
        );
        _refused(caller, engine, abi.encodeCall(MarginEngine.onPull, (caller, amount, abi.encode(caller))), UNAUTHORIZED);
    }

    /// @notice only its owner names an account's operators
    function check_onlyTheOwnerNamesOperators(address caller, uint256 account, address operator, uint256 bits) external {
        VM.assume(caller != address(uint160(account >> 96)));
        SVM.enableSymbolicStorage(engine);
        _refused(caller, engine, abi.encodeCall(MarginEngineExtension.setOperator, (account, operator, bits)), UNAUTHORIZED);
    }

    /// @dev Not only refused, but by the error that says so: not for some other reason.
    function _refused(address caller, address target, bytes memory data, bytes4 error_) private {
        VM.prank(caller);
        (bool done, bytes memory answer) = target.call(data);
        assert(!done && bytes4(answer) == error_);
    }
}
