import pytest


@pytest.fixture
def funded(module, token, payer):
    """Account 7 of the module holds 500."""
    module.pull(7, token, 500, payer)
    return token


@pytest.mark.parametrize("amount", [0, 1, 499, 500])
def test_move_within_the_credit_moves_it_and_tells(escrow, module, funded, books, amount):
    receipt = module.move(7, 8, funded, amount)
    assert books(funded, 7) == ((500 - amount, 0), 500)
    assert books(funded, 8) == ((amount, 0), 500)
    assert [event.name for event in receipt.events] == ["Moved"]
    assert receipt.event("Moved").args == {
        "module": module.address, "from": 7, "to": 8, "token": funded.address, "amount": amount
    }  # fmt: skip


@pytest.mark.parametrize("amount", [0, 1, 500])
def test_move_to_the_same_account_changes_nothing(module, funded, books, amount):
    module.move(7, 7, funded, amount)
    assert books(funded) == ((500, 0), 500)


@pytest.mark.parametrize("amount", [501, 2**256 - 1])
@pytest.mark.parametrize("to", [7, 8])
def test_move_more_than_the_credit_is_refused(module, funded, reverts, to, amount):
    with reverts("InsufficientCredit", module, 7, funded, 500, amount):
        module.move(7, to, funded, amount)


def test_move_credit_of_another_module_is_refused(module, other, funded, books, reverts):
    with reverts("InsufficientCredit", other, 7, funded, 0, 1):
        other.move(7, 8, funded, 1)
    assert books(funded) == ((500, 0), 500)


def test_move_by_a_stranger_is_refused(escrow, funded, stranger, reverts):
    with reverts("InsufficientCredit", stranger, 7, funded, 0, 1):
        escrow.move(7, 8, funded, 1, sender=stranger)


def test_move_credit_of_another_token_is_refused(module, funded, make_token, reverts):
    second = make_token()
    with reverts("InsufficientCredit", module, 7, second, 0, 1):
        module.move(7, 8, second, 1)


def test_move_does_not_call_the_token(module, reentrant, payer):
    module.pull(7, reentrant, 500, payer)
    reentrant.arm(module, b"", False)
    module.move(7, 8, reentrant, 500)
    assert reentrant.attempts() == 0


def test_move_donation_is_nobodys(escrow, module, funded, reverts):
    funded.mint(escrow, 1_000)
    with reverts("InsufficientCredit", module, 7, funded, 500, 501):
        module.move(7, 8, funded, 501)
