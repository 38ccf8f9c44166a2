// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC4626} from "@openzeppelin/contracts/token/ERC20/extensions/ERC4626.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ILiquidityPool} from "../../interfaces/ILiquidityPool.sol";
import {IMarginEngine} from "../../interfaces/IMarginEngine.sol";
import {IMarginTypes} from "../../interfaces/IMarginTypes.sol";
import {IPriceOracle} from "../../interfaces/IPriceOracle.sol";
import {MarginMath} from "../libraries/MarginMath.sol";
import {TrancheMath} from "../libraries/TrancheMath.sol";

/// @title The shares of the liquidity pool: what they are worth, who may buy and redeem them
/// @notice Reading order: `_fill`, which every share price starts from; the four doors of ERC-4626; `requestRedeem`.
///
///     a deposit pays   ⌈shares · (equity at the better prices + 1) / (supply + 10⁶)⌉
///     an exit is paid  ⌊shares · (equity at the worse prices + 1) / (supply + 10⁶)⌋
///
/// Both round for those who stay, so no deposit and no exit lowers what a share is worth (POOL-1). The 10⁶ virtual shares
/// own their part of every donation and of every rounding: whoever inflates the price of the first share gives to them.
/// @dev The vault holds no tokens of its own between two calls: tokens sent here belong to nobody and price nothing.
abstract contract PoolShares is ERC4626, ReentrancyGuardTransient, ILiquidityPool {
    using Math for uint256;
    using SafeCast for uint256;

    /// @dev What the shares are worth now, and what could be paid now. Settlement units.
    /// sequenced: prices that the sequencer vouches for. low, mid, high: equity; a tranche below zero counts as nothing, for
    /// no other account of the pool answers for it. unpriced: bitmap of the markets without a price, which count as nothing.
    /// Per market: worth, at mid, below zero too; free, what its margin releases; reasons, why it has no price.
    struct Valuation {
        bool sequenced;
        uint256 low;
        uint256 mid;
        uint256 high;
        uint256 idleCash;
        uint256 liquid;
        uint256 unpriced;
        int256[] worth;
        uint256[] free;
        bytes[] reasons;
    }

    uint256 internal constant MAX_MARKETS = 64;
    uint256 internal constant MILLION = 1e6;
    uint256 private constant WAD = 1e18;
    /// @dev How far apart mid and the exit price may be where anyone may execute.
    uint256 private constant CERTAIN_E6 = 5_000;
    uint256 private constant MIN_DELAY = 1 hours;
    uint256 private constant MAX_DELAY = 30 days;
    uint256 private constant ALL = type(uint256).max;

    /// @inheritdoc ILiquidityPool
    address public immutable ENGINE;
    /// @inheritdoc ILiquidityPool
    uint256 public immutable DELAY;

    /// @dev Bit i: instrument i is quoted.
    uint128 internal _markets;
    /// @dev Net capital moved into the tranche; below zero once it has returned more than it got.
    mapping(uint256 instrument => int256) internal _contributed;
    mapping(address owner => Request) private _requests;

    constructor(address engine, uint256 delay) ERC4626(IERC20(IMarginEngine(engine).SETTLEMENT())) {
        if (delay < MIN_DELAY) revert InvalidParameter("delay", delay, MIN_DELAY);
        if (delay > MAX_DELAY) revert InvalidParameter("delay", delay, MAX_DELAY);
        ENGINE = engine;
        DELAY = delay;
        SafeERC20.forceApprove(IERC20(asset()), engine, type(uint256).max);
    }

    // What the shares are worth -------------------------------------------------------------------------------------

    /// @inheritdoc ILiquidityPool
    function equity() external view returns (int256 low, int256 mid, int256 high) {
        Valuation memory v = _glance();
        _requirePrices(v, ALL);
        return (int256(v.low), int256(v.mid), int256(v.high));
    }

    /// @notice Equity at mid. Reverts while a price is invalid: a vault that does not know what it owns does not guess.
    function totalAssets() public view override returns (uint256) {
        Valuation memory v = _glance();
        _requirePrices(v, ALL);
        return v.mid;
    }

    /// @dev At prices that the sequencer vouches for: shares change hands only on these.
    function _value() private view returns (Valuation memory v) {
        v.sequenced = true;
        _fill(v);
    }

    /// @dev The same, or the oracle's reason why a price is missing.
    function _priced() private view returns (Valuation memory v) {
        v = _value();
        _requirePrices(v, ALL);
    }

    /// @dev Without asking the sequencer: enough to look, and to top up a tranche before its grace ends.
    function _glance() internal view returns (Valuation memory v) {
        _fill(v);
    }

    /// @dev Each price is read once and handed on.
    function _fill(Valuation memory v) private view {
        v.idleCash = _positive(IMarginEngine(ENGINE).accountState(idle()).cash);
        (v.low, v.mid, v.high, v.liquid) = (v.idleCash, v.idleCash, v.idleCash, v.idleCash);
        (v.worth, v.free) = (new int256[](MAX_MARKETS), new uint256[](MAX_MARKETS));
        v.reasons = new bytes[](MAX_MARKETS);
        IPriceOracle.Price[] memory book;
        for (uint256 map = _markets; map != 0; map &= map - 1) {
            uint256 i = _lowest(map);
            try IMarginEngine(ENGINE).load(tranche(i), 0, book, v.sequenced) returns (
                IMarginTypes.Snapshot memory snapshot, IPriceOracle.Price[] memory completed
            ) {
                book = completed;
                TrancheMath.Worth memory worth =
                    TrancheMath.worth(snapshot, MarginMath.judge(snapshot, true).initial);
                if (_isHalted(snapshot, book)) {
                    v.unpriced |= 1 << i;
                    v.reasons[i] = abi.encodeWithSelector(IMarginTypes.InstrumentHalted.selector, i);
                    // Nothing is withdrawn against a stand-in: the engine would refuse, and `gather` fail with it.
                    worth.free = 0;
                }
                _add(v, i, worth);
            } catch (bytes memory reason) {
                v.unpriced |= 1 << i;
                v.reasons[i] = reason;
            }
        }
        (, uint256 owed) = IMarginEngine(ENGINE).claims();
        v.liquid = Math.min(v.liquid, owed);
    }

    /// @dev A position at a stand-in price is no ground for a share price: it waits for its settlement.
    function _isHalted(IMarginTypes.Snapshot memory snapshot, IPriceOracle.Price[] memory book)
        private
        pure
        returns (bool)
    {
        for (uint256 i; i < snapshot.legs.length; ++i) {
            for (uint256 j; j < book.length; ++j) {
                if (book[j].haltedAt != 0 && book[j].feed == snapshot.legs[i].feed) return true;
            }
        }
        return false;
    }

    function _requirePrices(Valuation memory v, uint256 markets) internal pure {
        uint256 missing = v.unpriced & markets;
        if (missing != 0) Address.verifyCallResult(false, v.reasons[_lowest(missing)]);
    }

    function _add(Valuation memory v, uint256 instrument, TrancheMath.Worth memory worth) private pure {
        v.low += _positive(worth.low);
        v.mid += _positive(worth.mid);
        v.high += _positive(worth.high);
        v.liquid += worth.free;
        v.worth[instrument] = worth.mid;
        v.free[instrument] = worth.free;
    }

    // ERC-4626: what may be done, and for how much -------------------------------------------------------------------

    /// @inheritdoc ERC4626
    function maxDeposit(address) public view override returns (uint256) {
        return _peg() ? _depositable(_value()) : 0;
    }

    /// @inheritdoc ERC4626
    function maxMint(address) public view override returns (uint256) {
        if (!_peg()) return 0;
        Valuation memory v = _value();
        return _shares(_depositable(v), v.high, Math.Rounding.Floor);
    }

    /// @inheritdoc ERC4626
    function maxWithdraw(address owner) public view override returns (uint256) {
        Valuation memory v = _value();
        return _payout(_redeemable(owner, v), v.low);
    }

    /// @inheritdoc ERC4626
    function maxRedeem(address owner) public view override returns (uint256) {
        return _redeemable(owner, _value());
    }

    /// @inheritdoc ERC4626
    function previewDeposit(uint256 assets) public view override returns (uint256) {
        return _shares(assets, _priced().high, Math.Rounding.Floor);
    }

    /// @inheritdoc ERC4626
    function previewMint(uint256 shares) public view override returns (uint256) {
        return _assets(shares, _priced().high, Math.Rounding.Ceil);
    }

    /// @inheritdoc ERC4626
    function previewWithdraw(uint256 assets) public view override returns (uint256) {
        return _shares(_beforeHaircut(assets), _priced().low, Math.Rounding.Ceil);
    }

    /// @inheritdoc ERC4626
    function previewRedeem(uint256 shares) public view override returns (uint256) {
        return _payout(shares, _priced().low);
    }

    // ERC-4626: the four doors, plain and with a limit (ERC-5143) ---------------------------------------------------

    /// @inheritdoc ERC4626
    function deposit(uint256 assets, address receiver) public override returns (uint256) {
        return deposit(assets, receiver, 0);
    }

    /// @inheritdoc ILiquidityPool
    function deposit(uint256 assets, address receiver, uint256 minShares) public nonReentrant returns (uint256 shares) {
        IMarginEngine(ENGINE).requirePeg();
        Valuation memory v = _priced();
        uint256 most = _depositable(v);
        if (assets > most) revert ERC4626ExceededMaxDeposit(receiver, assets, most);
        shares = _shares(assets, v.high, Math.Rounding.Floor);
        if (shares < minShares) revert BeyondLimit(shares, minShares);
        _deposit(msg.sender, receiver, assets, shares);
    }

    /// @inheritdoc ERC4626
    function mint(uint256 shares, address receiver) public override returns (uint256) {
        return mint(shares, receiver, type(uint256).max);
    }

    /// @inheritdoc ILiquidityPool
    function mint(uint256 shares, address receiver, uint256 maxAssets) public nonReentrant returns (uint256 assets) {
        IMarginEngine(ENGINE).requirePeg();
        Valuation memory v = _priced();
        uint256 most = _shares(_depositable(v), v.high, Math.Rounding.Floor);
        if (shares > most) revert ERC4626ExceededMaxMint(receiver, shares, most);
        assets = _assets(shares, v.high, Math.Rounding.Ceil);
        if (assets > maxAssets) revert BeyondLimit(assets, maxAssets);
        _deposit(msg.sender, receiver, assets, shares);
    }

    /// @inheritdoc ERC4626
    function withdraw(uint256 assets, address receiver, address owner) public override returns (uint256) {
        return withdraw(assets, receiver, owner, type(uint256).max);
    }

    /// @inheritdoc ILiquidityPool
    function withdraw(uint256 assets, address receiver, address owner, uint256 maxShares)
        public
        nonReentrant
        returns (uint256 shares)
    {
        Valuation memory v = _priced();
        uint256 most = _payout(_redeemable(owner, v), v.low);
        if (assets > most) revert ERC4626ExceededMaxWithdraw(owner, assets, most);
        shares = _shares(_beforeHaircut(assets), v.low, Math.Rounding.Ceil);
        if (shares > maxShares) revert BeyondLimit(shares, maxShares);
        if (msg.sender != owner) _spendAllowance(owner, msg.sender, shares);
        _pay(v, receiver, owner, assets, shares);
    }

    /// @inheritdoc ERC4626
    function redeem(uint256 shares, address receiver, address owner) public override returns (uint256) {
        return redeem(shares, receiver, owner, 0);
    }

    /// @inheritdoc ILiquidityPool
    function redeem(uint256 shares, address receiver, address owner, uint256 minAssets)
        public
        nonReentrant
        returns (uint256 assets)
    {
        Valuation memory v = _priced();
        uint256 most = _redeemable(owner, v);
        if (shares > most) revert ERC4626ExceededMaxRedeem(owner, shares, most);
        bool overdue = _isOverdue(v, receiver, owner, shares);
        assets = _payout(shares, overdue ? v.mid : v.low);
        if (assets < minAssets) revert BeyondLimit(assets, minAssets);
        if (msg.sender != owner && !overdue) _spendAllowance(owner, msg.sender, shares);
        _pay(v, receiver, owner, assets, shares);
    }

    /// @dev Mints last: while tokens move, the pool is as it was before.
    function _deposit(address caller, address receiver, uint256 assets, uint256 shares) internal override {
        if (shares == 0) revert NoShares(assets);
        SafeERC20.safeTransferFrom(IERC20(asset()), caller, address(this), assets);
        uint256 credited = IMarginEngine(ENGINE).deposit(idle(), asset(), assets, WAD);
        if (credited != assets) revert WrongCredit(credited, assets);
        _mint(receiver, shares);
        emit Deposit(caller, receiver, assets, shares);
    }

    /// @dev The owner, and whom it allowed, have DELAY for themselves. Then anyone may execute the request, so that nobody
    /// sits on a matured one and leaves when it suits: to the owner, the whole of it, in full, and at mid, for otherwise
    /// whoever holds shares himself would open a large position, have others paid out at its worse price, and close it.
    /// Only while mid is nearly the exit price: nobody waits for mid in order to dodge an answer that is on its way.
    function _isOverdue(Valuation memory v, address receiver, address owner, uint256 shares)
        private
        view
        returns (bool)
    {
        Request memory due = _requests[owner];
        bool certain = (v.mid - v.low) * MILLION <= v.mid * CERTAIN_E6;
        bool whole = receiver == owner && shares == due.shares
            && _assets(shares, v.mid, Math.Rounding.Floor) <= v.liquid && IMarginEngine(ENGINE).payoutRatio() == WAD;
        return block.timestamp >= due.maturesAt + DELAY && certain && whole;
    }

    /// @dev Burns first; the tokens leave last. While bad debt is recorded the engine pays a part of what it is asked.
    function _pay(Valuation memory v, address receiver, address owner, uint256 assets, uint256 shares) private {
        _requests[owner].shares -= shares.toUint128();
        _burn(address(this), shares);
        uint256 amount = _beforeHaircut(assets);
        if (amount > v.idleCash) _collect(v, amount - v.idleCash);
        emit Withdraw(msg.sender, receiver, owner, assets, shares);
        IMarginEngine(ENGINE).withdraw(idle(), asset(), amount, receiver, assets);
    }

    /// @dev Brings `amount` from the tranches to idle, in the order of their ids, as far as the margin of each allows.
    function _collect(Valuation memory v, uint256 amount) private {
        for (uint256 map = _markets; map != 0 && amount > 0; map &= map - 1) {
            uint256 i = _lowest(map);
            uint256 part = Math.min(amount, v.free[i]);
            if (part == 0) continue;
            amount -= part;
            _moveCash(i, -int256(part));
        }
    }

    /// @inheritdoc ILiquidityPool
    function gather(uint256 amount) external nonReentrant returns (uint256 available) {
        _onlyLiquidationEngine();
        Valuation memory v = _glance();
        if (amount > v.idleCash) _collect(v, amount - v.idleCash);
        return Math.min(amount, _positive(IMarginEngine(ENGINE).accountState(idle()).cash));
    }

    function _onlyLiquidationEngine() internal view {
        if (msg.sender != IMarginEngine(ENGINE).LIQUIDATION_ENGINE()) revert OnlyLiquidationEngine(msg.sender);
    }

    // Requests ------------------------------------------------------------------------------------------------------

    /// @inheritdoc ILiquidityPool
    function requestRedeem(uint256 shares) external nonReentrant returns (uint256 maturesAt) {
        Request storage stored = _requests[msg.sender];
        maturesAt = block.timestamp + DELAY;
        uint256 total = stored.shares + shares;
        (stored.shares, stored.maturesAt) = (total.toUint128(), maturesAt.toUint64());
        _transfer(msg.sender, address(this), shares);
        emit RedeemRequested(msg.sender, total, maturesAt);
    }

    /// @inheritdoc ILiquidityPool
    function request(address owner) external view returns (Request memory) {
        return _requests[owner];
    }

    // Accounts ------------------------------------------------------------------------------------------------------

    /// @inheritdoc ILiquidityPool
    function tranche(uint256 instrument) public view returns (uint256) {
        return idle() | (instrument + 1);
    }

    /// @inheritdoc ILiquidityPool
    function idle() public view returns (uint256) {
        return uint256(uint160(address(this))) << 96;
    }

    /// @dev + from idle into the tranche.
    function _moveCash(uint256 instrument, int256 amount) internal {
        int256 contributed = _contributed[instrument] + amount;
        _contributed[instrument] = contributed;
        emit Allocated(instrument, amount, contributed);
        if (amount > 0) IMarginEngine(ENGINE).moveCash(idle(), tranche(instrument), uint256(amount));
        else IMarginEngine(ENGINE).moveCash(tranche(instrument), idle(), uint256(-amount));
    }

    // Small words ---------------------------------------------------------------------------------------------------

    /// @dev A pool whose shares are out but worth nothing takes no deposit: who came first would own the newcomer's money.
    function _depositable(Valuation memory v) private view returns (uint256) {
        bool wiped = v.mid == 0 && totalSupply() > 0;
        if (v.unpriced != 0 || wiped || IMarginEngine(ENGINE).badDebt() > 0) return 0;
        return uint256(int256(type(int80).max)) - v.idleCash;
    }

    /// @dev Matured shares, as far as they can be paid now.
    function _redeemable(address owner, Valuation memory v) private view returns (uint256) {
        Request memory due = _requests[owner];
        if (block.timestamp < due.maturesAt || v.unpriced != 0 || v.low == 0) return 0;
        if (IMarginEngine(ENGINE).payoutRatio() == 0) return 0;
        if (_assets(due.shares, v.low, Math.Rounding.Floor) <= v.liquid) return due.shares;
        return Math.min(due.shares, _shares(v.liquid, v.low, Math.Rounding.Floor));
    }

    /// @dev What `shares` are paid: their part of what the pool is worth, less the haircut while bad debt is recorded.
    function _payout(uint256 shares, uint256 worth) private view returns (uint256) {
        return _assets(shares, worth, Math.Rounding.Floor).mulDiv(IMarginEngine(ENGINE).payoutRatio(), WAD);
    }

    /// @dev The least cash that pays `assets`: at most what they were computed from, as ⌈⌊a · r⌋ / r⌉ ≤ a.
    function _beforeHaircut(uint256 assets) private view returns (uint256) {
        return assets.mulDiv(WAD, IMarginEngine(ENGINE).payoutRatio(), Math.Rounding.Ceil);
    }

    function _shares(uint256 assets, uint256 worth, Math.Rounding rounding) private view returns (uint256) {
        return assets.mulDiv(totalSupply() + 10 ** _decimalsOffset(), worth + 1, rounding);
    }

    function _assets(uint256 shares, uint256 worth, Math.Rounding rounding) private view returns (uint256) {
        return shares.mulDiv(worth + 1, totalSupply() + 10 ** _decimalsOffset(), rounding);
    }

    function _decimalsOffset() internal pure override returns (uint8) {
        return 6;
    }

    function _peg() private view returns (bool) {
        try IMarginEngine(ENGINE).requirePeg() {
            return true;
        } catch {
            return false;
        }
    }

    function _positive(int256 x) internal pure returns (uint256) {
        return x > 0 ? uint256(x) : 0;
    }

    function _lowest(uint256 map) internal pure returns (uint256) {
        return Math.log2(map & (~map + 1));
    }
}
