"""An address depends on factory, deployer and name, on nothing else; nobody takes another's; a failure leaves nothing."""

import pytest

from plimsoll.chain import create3
from plimsoll.chain.artifacts import artifact
from tests.helpers import event, reverts

NAME = "token USDC"


@pytest.fixture(scope="module")
def factory(chain):
    return chain.deploy("Create3Factory")


def token(decimals=6):
    return artifact("MockToken").init_code(("USD Coin", "USDC", decimals), {})


def test_deploy_puts_the_contract_where_it_was_foreseen(factory, chain, owner):
    due = create3.address_of(factory.address, owner, NAME)
    assert factory.addressOf(owner, create3.salt(NAME)) == due
    receipt = factory.deploy(create3.salt(NAME), token(), sender=owner)
    event(receipt, "Deployed", deployer=owner, salt=create3.salt(NAME), deployed=due)
    assert chain.at("MockToken", due).decimals() == 6


def test_address_depends_neither_on_the_code_nor_on_what_was_sent_before(factory, chain, owner):
    due = create3.address_of(factory.address, owner, NAME)
    chain.send(owner, sender=owner)
    factory.deploy(create3.salt("another"), token(18), sender=owner)
    factory.deploy(create3.salt(NAME), artifact("Escrow").init_code((), {}), sender=owner)
    assert not chain.at("Escrow", due).locked()


def test_second_deploy_of_a_name_is_refused(factory, owner):
    factory.deploy(create3.salt(NAME), token(), sender=owner)
    with reverts("AlreadyDeployed", create3.address_of(factory.address, owner, NAME)):
        factory.deploy(create3.salt(NAME), token(8), sender=owner)


def test_stranger_cannot_take_the_address_of_another(factory, chain, owner, stranger):
    mine = create3.address_of(factory.address, owner, NAME)
    factory.deploy(create3.salt(NAME), token(18), sender=stranger)
    assert mine != create3.address_of(factory.address, stranger, NAME)
    factory.deploy(create3.salt(NAME), token(), sender=owner)
    assert chain.at("MockToken", mine).decimals() == 6


@pytest.mark.parametrize("code", ["0xfe", "0x", "0x00"])
def test_constructor_that_fails_or_leaves_no_code_is_refused_and_may_be_tried_again(factory, chain, owner, code):
    with reverts("ConstructorFailed", create3.salt(NAME)):
        factory.deploy(create3.salt(NAME), code, sender=owner)
    factory.deploy(create3.salt(NAME), token(), sender=owner)
    assert chain.at("MockToken", create3.address_of(factory.address, owner, NAME)).decimals() == 6
