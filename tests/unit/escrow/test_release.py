import pytest

ZERO = "0x" + "00" * 20


@pytest.fixture
def funded(module, token, payer):
    """Account 7 of the module holds 500."""
    module.pull(7, token, 500, payer)
    return token


@pytest.mark.parametrize("decimals", [0, 1, 6, 8, 17, 18])
@pytest.mark.parametrize("kind", ["MockToken", "NoReturnToken"])
def test_release_plain_token_pays_the_amount_and_tells(
    escrow, module, make_token, payer, receiver, books, kind, decimals
):
    token = make_token(kind, decimals=decimals)
    module.pull(7, token, 500, payer)
    receipt = module.release(7, token, 200, receiver)
    assert books(token) == ((300, 0), 300)
    assert token.balanceOf(receiver) == 200
    assert [event.name for event in receipt.events] == ["Released", "Transfer"]
    assert receipt.event("Released").args == {
        "module": module.address, "account": 7, "token": token.address, "to": receiver, "amount": 200
    }  # fmt: skip


@pytest.mark.parametrize("amount", [0, 1, 499, 500])
def test_release_within_the_credit_leaves_the_rest(module, funded, receiver, books, amount):
    module.release(7, funded, amount, receiver)
    assert books(funded) == ((500 - amount, 0), 500 - amount)
    assert funded.balanceOf(receiver) == amount


@pytest.mark.parametrize("amount", [501, 2**256 - 1])
def test_release_more_than_the_credit_is_refused(escrow, module, other, funded, payer, receiver, reverts, amount):
    """However much others hold, and however much was donated."""
    other.pull(7, funded, 10_000, payer)
    module.pull(8, funded, 10_000, payer)
    funded.mint(escrow, 10_000)
    with reverts("InsufficientCredit", module, 7, funded, 500, amount):
        module.release(7, funded, amount, receiver)


def test_release_credit_of_another_module_is_refused(other, funded, receiver, books, reverts):
    with reverts("InsufficientCredit", other, 7, funded, 0, 1):
        other.release(7, funded, 1, receiver)
    assert books(funded) == ((500, 0), 500)


def test_release_by_a_stranger_is_refused(escrow, funded, stranger, reverts):
    with reverts("InsufficientCredit", stranger, 7, funded, 0, 1):
        escrow.release(7, funded, 1, stranger, sender=stranger)


def test_release_to_address_zero_or_escrow_is_refused(escrow, module, funded, reverts):
    for to in (ZERO, escrow.address):
        with reverts("InvalidReceiver", to):
            module.release(7, funded, 1, to)


def test_release_donation_stays(escrow, module, funded, receiver, books):
    funded.mint(escrow, 77)
    module.release(7, funded, 500, receiver)
    assert books(funded) == ((0, 0), 77)


def test_release_fee_on_transfer_is_borne_by_the_receiver(module, make_token, payer, receiver, books):
    token = make_token("FeeToken", 1, 100)
    module.pull(7, token, 1_000, payer)
    module.release(7, token, 900, receiver)
    assert books(token) == ((90, 0), 90)
    assert token.balanceOf(receiver) == 891


@pytest.mark.parametrize(("mode", "moved"), [(2, 505), (3, 495)])
def test_release_takes_more_or_less_than_asked_is_refused(
    module, other, make_token, payer, receiver, books, reverts, mode, moved
):
    """A surcharge would be paid out of the credit of others; an under-delivery would lose the difference."""
    token = make_token("FeeToken", 0, 0)
    module.pull(7, token, 500, payer)
    other.pull(7, token, 500, payer)
    token.setFee(mode, 100)
    with reverts("ReleaseMismatch", token, 500, moved):
        module.release(7, token, 500, receiver)
    assert books(token) == ((500, 500), 1_000)
    token.setFee(0, 0)
    module.release(7, token, 500, receiver)
    assert books(token) == ((0, 500), 500)


def test_release_balance_grows_meanwhile_is_refused(escrow, module, reentrant, payer, receiver, reverts):
    module.pull(7, reentrant, 500, payer)
    reentrant.arm(reentrant, reentrant.encode("mint", escrow, 600), True)
    with reverts("ReleaseMismatch", reentrant, 500, 0):
        module.release(7, reentrant, 500, receiver)


def test_release_amount_zero_while_the_balance_grows_is_refused(escrow, module, reentrant, receiver, reverts):
    reentrant.arm(reentrant, reentrant.encode("mint", escrow, 1), True)
    with reverts("ReleaseMismatch", reentrant, 0, 0):
        module.release(7, reentrant, 0, receiver)


def test_release_token_lacks_the_balance_is_refused_by_it(escrow, module, funded, receiver, reverts):
    funded.burn(escrow, 1)
    with reverts("ERC20InsufficientBalance", escrow, 499, 500):
        module.release(7, funded, 500, receiver)


@pytest.mark.parametrize("after_move", [False, True])
@pytest.mark.parametrize("inner", ["module", "other"])
@pytest.mark.parametrize("entry", ["pull", "move", "release"])
def test_release_token_entering_again_gains_nothing(
    module, other, reentrant, payer, receiver, books, locked_out, inner, entry, after_move
):
    for each in (module, other):
        each.pull(7, reentrant, 500, payer)
    caller = module if inner == "module" else other
    calls = {
        "pull": ("pull", 7, reentrant, 5, payer),
        "move": ("move", 7, 8, reentrant, 5),
        "release": ("release", 7, reentrant, 5, receiver),
    }
    reentrant.arm(caller, caller.encode(*calls[entry]), after_move)
    module.release(7, reentrant, 300, receiver)
    assert locked_out(reentrant)
    assert books(reentrant) == ((200, 500), 700)
    assert reentrant.balanceOf(receiver) == 300


def test_release_after_a_failed_one_is_not_locked(escrow, module, funded, receiver, reverts):
    with reverts("InsufficientCredit", module, 7, funded, 500, 501):
        module.release(7, funded, 501, receiver)
    module.release(7, funded, 500, receiver)
    assert escrow.locked() is False
