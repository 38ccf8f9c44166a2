import pytest

ZERO = "0x" + "00" * 20


@pytest.mark.parametrize("decimals", [0, 1, 6, 8, 17, 18])
@pytest.mark.parametrize("kind", ["MockToken", "NoReturnToken"])
def test_pull_plain_token_credits_the_amount_and_tells(escrow, module, make_token, payer, books, kind, decimals):
    token = make_token(kind, decimals=decimals)
    receipt = module.pull(7, token, 500, payer)
    assert books(token) == ((500, 0), 500)
    assert receipt.event("Pulled").args == {
        "module": module.address, "account": 7, "token": token.address, "amount": 500
    }  # fmt: skip
    assert module.simulate("pull", 7, token, 200, payer) == 200


def test_pull_again_adds_to_the_credit(module, token, payer, books):
    module.pull(7, token, 500, payer)
    module.pull(7, token, 1, payer)
    assert books(token) == ((501, 0), 501)


def test_pull_same_account_of_two_modules_keeps_two_ledgers(module, other, token, payer, books):
    module.pull(7, token, 500, payer)
    other.pull(7, token, 30, payer)
    assert books(token) == ((500, 30), 530)


def test_pull_two_accounts_keeps_two_credits(module, token, payer, books):
    module.pull(7, token, 500, payer)
    module.pull(2**256 - 1, token, 30, payer)
    assert books(token) == ((500, 0), 530)
    assert books(token, 2**256 - 1) == ((30, 0), 530)


def test_pull_fee_on_transfer_credits_the_gain(module, make_token, payer, books):
    token = make_token("FeeToken", 1, 100)
    receipt = module.pull(7, token, 1_000, payer)
    assert receipt.event("Pulled").amount == 990
    assert books(token) == ((990, 0), 990)


def test_pull_surcharge_on_the_payer_credits_the_gain(module, make_token, payer, books):
    token = make_token("FeeToken", 2, 100)
    module.pull(7, token, 1_000, payer)
    assert books(token) == ((1_000, 0), 1_000)


@pytest.mark.parametrize("brought", [1, 499, 501, 10_000])
def test_pull_module_brings_less_or_more_credits_what_came(module, token, payer, books, brought):
    module.bring(brought)
    module.pull(7, token, 500, payer)
    assert books(token) == ((brought, 0), brought)


def test_pull_amount_zero_credits_what_came(module, token, payer, books):
    module.bring(5)
    module.pull(7, token, 0, payer)
    assert books(token) == ((5, 0), 5)


def test_pull_after_a_donation_does_not_credit_it(escrow, module, token, payer, books):
    token.mint(escrow, 77)
    module.pull(7, token, 500, payer)
    assert books(token) == ((500, 0), 577)


def test_pull_nothing_after_a_donation_is_refused(escrow, module, token, books, reverts):
    token.mint(escrow, 77)
    with reverts("NothingPulled", token, 77, 77):
        module.pull(7, token, 500, ZERO)
    assert books(token) == ((0, 0), 77)


def test_pull_balance_falls_during_the_callback_is_refused(escrow, module, token, reverts):
    token.mint(escrow, 77)
    module.arm(token, token.encode("burn", escrow, 7))
    with reverts("NothingPulled", token, 77, 70):
        module.pull(7, token, 500, ZERO)


def test_pull_token_without_code_is_refused(module, payer, stranger, reverts):
    with reverts("NotAToken", stranger):
        module.pull(7, stranger, 500, payer)


def test_pull_payer_has_not_approved_is_refused_by_the_token(module, token, stranger, reverts):
    token.mint(stranger, 500)
    with reverts("ERC20InsufficientAllowance", module, 0, 500):
        module.pull(7, token, 500, stranger)


def test_pull_called_by_no_contract_is_refused(escrow, token, payer, reverts):
    with reverts("NoReason"):
        escrow.pull(7, token, 500, b"", sender=payer)


def test_pull_never_spends_an_allowance_given_to_escrow(escrow, module, other, token, stranger, reverts):
    token.mint(stranger, 500)
    token.approve(escrow, 500, sender=stranger)
    with reverts("ERC20InsufficientAllowance", module, 0, 500):
        module.pull(7, token, 500, stranger)
    assert token.allowance(stranger, escrow) == 500


def test_pull_callback_gets_the_data_and_sees_the_lock(escrow, module, token, payer):
    assert escrow.locked() is False
    module.pull(7, token, 500, payer)
    assert module.sawLock() is True
    assert module.sawData() == bytes(12) + bytes.fromhex(payer[2:])
    assert escrow.locked() is False


def test_pull_after_a_failed_one_is_not_locked(module, token, payer, books, reverts):
    with reverts("NothingPulled", token, 0, 0):
        module.pull(7, token, 500, ZERO)
    module.pull(7, token, 500, payer)
    assert books(token) == ((500, 0), 500)


def entries(module, token, payer):
    """Every entry point of Escrow, as calldata for a module."""
    return {
        "pull": module.encode("pull", 7, token, 5, payer),
        "move": module.encode("move", 7, 8, token, 5),
        "release": module.encode("release", 7, token, 5, payer),
    }


@pytest.mark.parametrize("entry", ["pull", "move", "release"])
@pytest.mark.parametrize("inner", ["module", "other"])
def test_pull_callback_entering_again_is_locked_out(module, other, token, payer, books, locked_out, inner, entry):
    for each in (module, other):
        each.pull(7, token, 100, payer)
    caller = module if inner == "module" else other
    module.arm(caller, entries(caller, token, payer)[entry])
    module.pull(7, token, 500, payer)
    assert locked_out(module)
    assert books(token) == ((600, 100), 700)


@pytest.mark.parametrize("after_move", [False, True])
@pytest.mark.parametrize("entry", ["pull", "move", "release"])
@pytest.mark.parametrize("inner", ["module", "other"])
def test_pull_token_entering_again_gains_nothing(
    module, other, reentrant, payer, books, locked_out, inner, entry, after_move
):
    for each in (module, other):
        each.pull(7, reentrant, 100, payer)
    caller = module if inner == "module" else other
    reentrant.arm(caller, entries(caller, reentrant, payer)[entry], after_move)
    module.pull(7, reentrant, 500, payer)
    assert locked_out(reentrant)
    assert books(reentrant) == ((600, 100), 700)


def test_pull_of_one_token_inside_that_of_another_is_locked_out(
    module, token, reentrant, payer, books, locked_out
):
    reentrant.arm(module, module.encode("pull", 7, token, 5, payer), False)
    module.pull(7, reentrant, 500, payer)
    assert locked_out(reentrant)
    assert books(token) == ((0, 0), 0)


def test_pull_payer_of_another_module_cannot_be_charged(escrow, module, other, token, payer, reverts):
    """The payer approved `module`; a hostile module tricks it neither by the callback nor by asking Escrow."""
    token.approve(other, 0, sender=payer)
    with reverts("ERC20InsufficientAllowance", other, 0, 500):
        other.pull(7, token, 500, payer)
    data = bytes(12) + bytes.fromhex(payer[2:])
    other.arm(module, module.encode("onPull", token, 500, data))
    with reverts("NothingPulled", token, 0, 0):
        other.pull(7, token, 500, ZERO)
    assert other.simulate("onPull", token, 0, data, sender=escrow.address) is None
