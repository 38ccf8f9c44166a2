// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @notice The smallest margin contract that has a line: one instrument, one price, no tokens. It is correct; each wrong
/// one beside it overrides one function. Never deploy any of them.
/// @dev cash: 1e-6 dollars. size: 1e-9 of a whole unit, + is long. price: 1e-8 dollars. time: seconds.
/// An account is liquidatable exactly when it holds a position and equity < maintenance.
contract ExampleMargin {
    error PriceTooOld(uint256 age, uint256 limit);
    error Healthy(int256 equity, int256 maintenance);
    error HasPosition();

    struct Account {
        int256 cash;
        int256 size;
        int256 entry; // the price at which the position was opened
    }

    int256 public constant SCALE = 1e11; // size · price / SCALE is cash
    int256 public constant MAINTENANCE_PERCENT = 5;
    int256 public constant PENALTY_PERCENT = 1;
    uint256 public constant MAX_AGE = 60;

    mapping(address => Account) public accounts;
    int256 public price;
    uint256 public pricedAt;

    function post(int256 newPrice) external {
        (price, pricedAt) = (newPrice, block.timestamp);
    }

    function open(int256 cash, int256 size) external {
        if (accounts[msg.sender].size != 0) revert HasPosition();
        accounts[msg.sender] = Account(cash, size, price);
    }

    /// @notice Closes the position at the price and pays a penalty to the caller, never more than there is.
    function liquidate(address who) external returns (int256 seized) {
        uint256 age = block.timestamp - pricedAt;
        if (_tooOld(age)) revert PriceTooOld(age, MAX_AGE);
        if (!isLiquidatable(who)) revert Healthy(equity(who), maintenance(who));
        Account storage account = accounts[who];
        int256 closed = _portion(account.size);
        account.cash += _floor(closed * (price - account.entry), SCALE);
        account.size -= closed;
        seized = _floor(_abs(closed) * price * PENALTY_PERCENT, SCALE * 100);
        if (seized > account.cash) seized = account.cash > 0 ? account.cash : int256(0);
        accounts[msg.sender].cash += seized;
        _deduct(account, seized);
    }

    function isLiquidatable(address who) public view virtual returns (bool) {
        return accounts[who].size != 0 && equity(who) < maintenance(who);
    }

    /// @notice What the account owns, rounded down.
    function equity(address who) public view returns (int256) {
        Account storage account = accounts[who];
        return account.cash + _floor(account.size * (price - account.entry), SCALE);
    }

    /// @notice What the account must hold, rounded up.
    function maintenance(address who) public view virtual returns (int256) {
        return -_floor(-_abs(accounts[who].size) * price * MAINTENANCE_PERCENT, SCALE * 100);
    }

    function _tooOld(uint256 age) internal pure virtual returns (bool) { return age > MAX_AGE; }
    function _portion(int256 size) internal pure virtual returns (int256) { return size; }
    function _deduct(Account storage account, int256 seized) internal virtual { account.cash -= seized; }
    function _abs(int256 x) internal pure returns (int256) { return x < 0 ? -x : x; }

    function _floor(int256 x, int256 divisor) internal pure returns (int256) {
        return x < 0 ? -((-x + divisor - 1) / divisor) : x / divisor;
    }
}
