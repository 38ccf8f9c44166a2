"""docs/storage.md and Packing.sol lay storage out as the compiler does."""

import re
from pathlib import Path

import pytest
from eth_utils import keccak

from plimsoll.chain.sources import storage_layouts
from tests.world import DAY, MAX, MAY_TRADE, UNIT, USDC

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "storage.md"
ENGINE = ["MarginEngine", "MarginEngineExtension", "MarginEngineListing"]
CONTRACTS = [*ENGINE, "LiquidationEngine", "AuctionHouse", "LiquidityPool", "Escrow", "PriceOracle", "Parameters"]
SECTION = re.compile(r"^###? ([^\n]+)\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
LINE = re.compile(r"^\| (\d+) \| (\d+) \| `(\w+)` \| `([^`]+)` \| (\d+) \|", re.MULTILINE)
PACKED = re.compile(r"^///     (\w+)(?: (\d))? {2,}(.*)$", re.MULTILINE)


@pytest.fixture(scope="module")
def layouts():
    return storage_layouts(CONTRACTS)


@pytest.fixture(scope="module")
def structs(layouts):
    """By the compiler's name: (slot, offset, name, type, bytes) of each member."""
    return {name: members for layout in layouts.values() for name, members in whole(layout)[1].items()}


def lines(members, types):
    kinds = [types[member["type"]] for member in members]
    return [
        (int(member["slot"]), member["offset"], member["label"], kind["label"], int(kind["numberOfBytes"]))
        for member, kind in zip(members, kinds)
    ]


def documented():
    """By heading."""
    found = {}
    for heading, text in SECTION.findall(PAGE.read_text()):
        rows = [(int(slot), int(offset), name, kind, int(size)) for slot, offset, name, kind, size in LINE.findall(text)]
        found |= {name.strip("` "): rows for name in heading.split(",")}
    del found["Structs"]
    return found


def test_storage_page_is_what_the_compiler_says(layouts, structs):
    due = {name: whole(layout)[0] for name, layout in layouts.items()} | structs
    found = documented()
    assert found.keys() == due.keys()
    for name, rows in due.items():
        assert found[name] == rows, f"{PAGE.name}, {name}: the compiler says {rows}"


def test_storage_of_the_engines_parts_is_one(layouts):
    first, *others = (whole(layouts[name]) for name in ENGINE)
    assert all(other == first for other in others)


def whole(layout):
    """Variables and structs."""
    types = layout["types"]
    structs = {kind["label"]: lines(kind["members"], types) for kind in types.values() if "members" in kind}
    return lines(layout["storage"], types), structs


def test_storage_words_of_packing_are_the_compilers(structs):
    """The table at the head of Packing.sol: fields from the lowest bit on, without a gap."""
    table = PACKED.findall((ROOT / "contracts" / "libraries" / "Packing.sol").read_text())
    assert {name for name, *_ in table} == {"Position", "Account", "Market"}
    for name, slot, text in table:
        written, bit = [], 0
        for field, bits in re.findall(r"(\w+) (\d+)", text):
            written.append((bit, field, int(bits)))
            bit += int(bits)
        members = [line for line in structs[f"struct IMarginTypes.{name}"] if line[0] == int(slot or 0)]
        assert written == [(8 * offset, field, 8 * size) for _, offset, field, _, size in members]


def mapped(*keys):
    """Where a mapping's value lies: keys, then the slot of the mapping."""
    *keys, slot = keys
    for key in keys:
        slot = int.from_bytes(keccak(key.to_bytes(32, "big") + slot.to_bytes(32, "big")), "big")
    return slot


def stored(engine, base, members):
    """A struct by its raw words."""
    found = {}
    for slot, offset, name, kind, size in members:
        word = int(engine.chain.rpc("eth_getStorageAt", engine.address, hex(base + slot), "latest"), 16)
        value = word >> 8 * offset & (1 << 8 * size) - 1
        negative = kind.startswith("int") and value >> 8 * size - 1
        found[name] = value - (1 << 8 * size if negative else 0)
    return found


def test_storage_written_by_the_engine_lies_where_the_compiler_puts_it(house, engine, long, short, lp, layouts, structs):
    """Everything that Packing writes, with a value in each field: the pool is off balance, so funding flows; cash is owed."""
    slots = {variable["label"]: int(variable["slot"]) for variable in layouts["MarginEngine"]["storage"]}
    fund = house.id("FUND")
    house.parameters.setInterest(10**8, sender=house.timelock)
    house.deposit(long, 10 * 10**18, "WETH")
    engine.setOperator(long, house.pool, MAY_TRADE, sender=house.owner(long))
    house.provide(lp)
    house.pool.trade(long, fund, 3 * UNIT, MAX, MAX, sender=house.owner(long))
    house.chain.advance(DAY)
    house.trade(long, short, {"FUND": 2}, fees=[102_000 * USDC])
    shown = {
        ("Account", mapped(long, slots["_accounts"])): engine.accountState(long),
        ("Position", mapped(long, fund, slots["_positions"])): engine.position(long, fund),
        ("Market", mapped(fund, slots["_markets"])): engine.market(fund),
    }
    for (name, base), view in shown.items():
        raw = stored(engine, base, structs[f"struct IMarginTypes.{name}"])
        assert tuple(raw.values()) == tuple(view), name
        assert all(raw.values()), f"{name}: {raw} tests nothing of a field that is 0"
