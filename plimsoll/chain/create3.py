"""Where Create3Factory puts what it deploys, computed here: see contracts/periphery/Create3Factory.sol."""

from __future__ import annotations

from eth_utils import keccak, to_checksum_address

NEST = bytes.fromhex("67363d3d37363d34f03d5260086018f3")  # the factory's constant of this name


def salt(name: str) -> bytes:
    """Of a part, by its name in the recipe."""
    return keccak(text=name)


def address_of(factory: str, deployer: str, name: str) -> str:
    """`factory.addressOf(deployer, salt(name))`, with checksum."""
    own = keccak(bytes(12) + bytes.fromhex(deployer[2:]) + salt(name))
    nest = keccak(b"\xff" + bytes.fromhex(factory[2:]) + own + keccak(NEST))[-20:]
    return str(to_checksum_address(keccak(b"\xd6\x94" + nest + b"\x01")[-20:]))


def code_hash(code: str) -> str:
    """keccak256 of code as a node shows it, hex after 0x."""
    return "0x" + keccak(bytes.fromhex(code[2:])).hex()
