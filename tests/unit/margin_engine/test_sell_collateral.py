import pytest
from eth_abi import decode

from plimsoll.chain.artifacts import decode_error
from plimsoll.fixed_point import WAD
from tests.helpers import event, isolated, plain, reverts
from tests.world import MAX, MAY_TRADE, MAY_WITHDRAW, NO_INSTRUMENT, UNIT, USDC, ZERO


@pytest.fixture
def sell(house, engine, liquidator):
    def do(account, amount, payment, coin="WETH", buyer=liquidator, data=b""):
        sale = (house.coin_id(coin), amount, payment, buyer, data)
        return engine.sellCollateral(account, *sale, sender=house.auctioneer)

    return do


@pytest.fixture
def account(house, trader, liquidator):
    house.give(liquidator, "USDC", 10_000 * USDC)
    return house.open(trader, WETH=3 * WAD)


@pytest.mark.parametrize("role", ["owner", "guardian", "trader", "liquidator"])
def test_sell_collateral_by_anyone_else_reverts(house, engine, account, request, role):
    caller = request.getfixturevalue(role)
    for sender in (caller, house.timelock, house.liquidator):
        with reverts("Unauthorized", sender):
            engine.sellCollateral(account, 0, 1, 0, sender, b"", sender=sender)


def test_sell_collateral_trades_tokens_for_cash(house, engine, sell, account, liquidator):
    receipt = sell(account, WAD, 1_500 * USDC)
    assert house.cash(account) == 1_500 * USDC
    assert house.token("WETH").balanceOf(liquidator) == WAD
    assert engine.collateralOf(account, 0) == engine.collateralTotal(0) == 2 * WAD
    assert house.usdc.balanceOf(liquidator) == 8_500 * USDC
    event(
        receipt,
        "CollateralSold",
        account=account,
        token=house.token("WETH"),
        buyer=liquidator,
        amount=WAD,
        payment=1_500 * USDC,
    )
    event(receipt, "AccountUpdated", account=account, cash=1_500 * USDC)


def test_sell_collateral_of_all_forgets_the_kind(house, engine, sell, account, stranger):
    sell(account, 3 * WAD, 1)
    assert engine.accountState(account).collaterals == 0
    with reverts("Unauthorized", stranger):
        house.deposit(account, 1, "WETH", sender=stranger)


def test_sell_collateral_for_nothing_needs_no_payment(house, engine, sell, account, stranger):
    """The end of an auction of what nobody wanted: the price is 0, and nothing is pulled."""
    sell(account, 3 * WAD, 0, buyer=stranger)
    assert house.token("WETH").balanceOf(stranger) == 3 * WAD
    assert house.cash(account) == engine.collateralTotal(0) == 0


def test_sell_collateral_for_what_does_not_arrive_reverts(house, engine, chain, sell, account):
    """A settlement token that charges the sender of a payment: the account would be short."""
    fee = chain.deploy("FeeToken", "Fee", "FEE", 6, 1, 100).address
    chain.rpc("anvil_setCode", house.usdc.address, chain.rpc("eth_getCode", fee, "latest"))
    chain.at("FeeToken", house.usdc).setFee(1, 100)
    with reverts("InsufficientCash", account, 990 * USDC, 1_000 * USDC):
        sell(account, WAD, 1_000 * USDC)


def test_sell_collateral_of_more_than_is_held_reverts(house, sell, account, buyer):
    with reverts("Panic"):
        sell(account, 3 * WAD + 1, 1)
    with reverts("InsufficientCredit", house.engine, account, house.token("WETH"), 3 * WAD, 3 * WAD + 1):
        sell(account, 3 * WAD + 1, 1, buyer=buyer.address, data=b"flash")


# To a buyer without capital ---------------------------------------------------------------------------------------


@pytest.fixture
def buyer(house, chain):
    return chain.deploy("MockFlashBuyer", house.usdc)


@pytest.fixture
def flash(house, sell, account, buyer):
    """One WETH for 1,500: the buyer is called back with it, does what it was armed for, and allows `allowed`."""

    def do(allowed=1_500 * USDC, target=ZERO, payload=b"", funds=1_500 * USDC):
        house.usdc.mint(buyer, funds)
        buyer.arm(target, payload, allowed)
        return sell(account, WAD, 1_500 * USDC, buyer=buyer.address, data=b"flash")

    return do


def test_sell_collateral_to_a_flash_buyer_hands_over_first_and_is_paid_after(house, engine, account, buyer, flash):
    receipt = flash()
    told = decode(["uint256", "address", "uint256", "uint256", "bytes"], buyer.told())
    assert plain(told) == plain((account, house.token("WETH"), WAD, 1_500 * USDC, b"flash"))
    assert (buyer.calls(), buyer.held(), house.token("WETH").balanceOf(buyer)) == (1, WAD, WAD)
    assert (house.cash(account), house.usdc.balanceOf(buyer)) == (1_500 * USDC, 0)
    assert engine.collateralOf(account, 0) == engine.collateralTotal(0) == 2 * WAD
    event(receipt, "CollateralSold", account=account, buyer=buyer.address, amount=WAD, payment=1_500 * USDC)
    event(receipt, "AccountUpdated", account=account, cash=1_500 * USDC)


def test_sell_collateral_to_a_flash_buyer_of_all_forgets_the_kind(house, engine, sell, account, buyer):
    house.usdc.mint(buyer, 1)
    buyer.arm(ZERO, b"", 1)
    sell(account, 3 * WAD, 1, buyer=buyer.address, data=b"flash")
    assert (engine.accountState(account).collaterals, house.cash(account)) == (0, 1)


@pytest.mark.parametrize(
    ("allowed", "funds", "error"),
    [
        (0, 1_500 * USDC, "ERC20InsufficientAllowance"),
        (1_500 * USDC - 1, 1_500 * USDC, "ERC20InsufficientAllowance"),
        (MAX, 1_500 * USDC - 1, "ERC20InsufficientBalance"),
    ],
    ids=["does nothing", "allows too little", "has too little"],
)
def test_sell_collateral_to_a_flash_buyer_who_does_not_pay_leaves_no_trace(
    house, engine, account, buyer, flash, allowed, funds, error
):
    nonce = engine.accountState(account).nonce
    with reverts(error):
        flash(allowed, funds=funds)
    assert (buyer.calls(), house.token("WETH").balanceOf(buyer)) == (0, 0)
    assert engine.collateralOf(account, 0) == engine.collateralTotal(0) == 3 * WAD
    assert (house.cash(account), engine.accountState(account).nonce) == (0, nonce)
    assert engine.accountState(account).collaterals == 1


def test_sell_collateral_with_data_to_who_cannot_be_called_back_reverts(house, sell, account, liquidator):
    """An address without code, and a contract that does not know the callback."""
    for buyer in (liquidator, house.pool.address):
        with reverts("NoReason"):
            sell(account, WAD, 1, buyer=buyer, data=b"flash")


def attacks(house, account, own, buyer):
    """One call of each verb. The buyer has leave for everything in `account`, and owns `own`."""
    engine, pool, liquidation, auctions = house.engine, house.pool, house.liquidation, house.protocol.auctions
    weth, usdc, escrow = house.token("WETH"), house.usdc, house.protocol.escrow
    item = (account, 0, WAD, 0, MAX)
    locked, outsider = "ReentrancyGuardReentrantCall", "Unauthorized"
    return [
        (engine, "deposit", (account, usdc, 1, 0), locked),
        (engine, "deposit", (account, weth, WAD, 0), locked),
        (engine, "withdraw", (account, weth, WAD, house.owner(account), 0), locked),
        (engine, "withdraw", (own, usdc, 1, buyer, 0), locked),
        (engine, "trade", (own, account, [(0, UNIT)], b""), locked),
        (engine, "moveCash", (own, own + 1, 1), locked),
        (engine, "settle", (account,), locked),
        (engine, "fund", (0, 1), locked),
        (engine, "drain", (0,), locked),
        (engine, "settleHalted", (0, own, account), locked),
        (engine, "claimFees", (0,), locked),
        (engine, "load", (account, 0, [], False), locked),
        (engine, "sellCollateral", (account, 0, WAD, 0, buyer, b"x"), locked),
        (engine, "seize", (account, [], [], [], [(NO_INSTRUMENT, False, 0, 0)]), locked),
        (engine, "openEstate", (account, 1, 0), outsider),
        (engine, "setTreasury", (own,), outsider),
        (house.chain.at("MarginEngine", engine), "onPull", (weth, WAD, buyer.address.encode()), outsider),
        (escrow, "release", (account, weth, 1, buyer), "InsufficientCredit"),
        (escrow, "move", (account, own, weth, 1), "InsufficientCredit"),
        (escrow, "pull", (account, weth, 1, b""), "NoReason"),
        (liquidation, "liquidate", (item,), locked),
        (liquidation, "absorb", (account, 0), locked),
        (liquidation, "reportRefusal", (account,), locked),
        (liquidation, "deleverage", (account, 0, [own]), None),
        (liquidation, "preview", (account, WAD), locked),
        (auctions, "startAuction", (account,), locked),
        (auctions, "buyCollateral", (account, 0, WAD, MAX, b"x"), locked),
        (auctions, "offer", (account,), locked),
        (pool, "deposit", (USDC, buyer), locked),
        (pool, "mint", (USDC, buyer), locked),
        (pool, "withdraw", (1, buyer, buyer), locked),
        (pool, "redeem", (1, buyer, buyer), locked),
        (pool, "allocate", (0,), locked),
        (pool, "trade", (account, 0, UNIT, MAX, MAX), locked),
        (pool, "unfreeze", (0,), locked),
        (pool, "equity", (), locked),
        (pool, "totalAssets", (), locked),
        (pool, "freeze", (0,), "OnlyLiquidationEngine"),
        (pool, "gather", (1,), "OnlyLiquidationEngine"),
    ]


@pytest.fixture
def loose(house, engine, account, trader, lp, buyer):
    """The buyer may do everything for the account, has an account of its own, and the pool is there to be tricked."""
    house.provide(lp)
    engine.setOperator(account, buyer, MAY_TRADE | MAY_WITHDRAW, sender=trader)
    own = house.account(buyer.address)
    house.deposit(own, 1_000 * USDC, sender=trader)
    return own


def test_sell_collateral_to_a_flash_buyer_who_comes_back_in_gains_nothing(house, account, buyer, flash, loose):
    """Every verb, and every view that judges, is locked while the collateral is out and not yet paid for."""
    for target, verb, args, due in attacks(house, account, loose, buyer):
        with isolated(house.chain):
            flash(target=target, payload=target.encode(verb, *args))
            assert (buyer.calls(), buyer.succeeded()) == (1, False), verb
            error = decode_error(buyer.answer())
            assert due is None or error.name == due, (verb, error)
            assert (house.cash(account), house.cash(loose)) == (1_500 * USDC, 1_000 * USDC)


def test_sell_collateral_to_a_flash_buyer_who_comes_back_in_a_batch_skips_it(house, account, buyer, flash, loose):
    batch = house.liquidation.encode("liquidateMany", [(account, 0, WAD, 0, MAX)])
    skipped = flash(target=house.liquidation, payload=batch).event("Skipped")
    assert (buyer.succeeded(), int.from_bytes(buyer.answer(), "big")) == (True, 0)
    assert decode_error(skipped.reason).name == "ReentrancyGuardReentrantCall"


def test_sell_collateral_to_a_flash_buyer_who_asks_the_lens_hears_of_a_fault(house, account, buyer, flash, loose):
    lens = house.protocol.lens

    def heard(target, view, *args):
        with isolated(house.chain):
            flash(target=target, payload=target.encode(view, *args))
            assert buyer.succeeded(), view
            return target.artifact.function(view, len(args)).decode(buyer.answer())

    assert heard(lens, "liquidatable", [account]) == [False]
    [shown] = heard(lens, "reports", [account])
    assert not shown.valid and decode_error(shown.fault).name == "ReentrancyGuardReentrantCall"
    for view in ("maxDeposit", "maxMint", "maxRedeem", "maxWithdraw"):
        assert heard(house.pool, view, buyer) == 0


def test_sell_collateral_to_a_flash_buyer_spends_no_allowance_but_its_own(house, account, sell, buyer, liquidator):
    """Others have approved the engine: it pulls from the buyer alone."""
    buyer.arm(ZERO, b"", MAX)
    with reverts("ERC20InsufficientBalance", buyer, 0, 1_500 * USDC):
        sell(account, WAD, 1_500 * USDC, buyer=buyer.address, data=b"flash")
    assert house.usdc.balanceOf(liquidator) == 10_000 * USDC
