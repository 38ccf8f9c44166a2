"""plimsoll.chain.abi: our decoder against eth_abi's on random types and values, and what may be said wrongly."""

import eth_abi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.chain import abi, artifacts
from plimsoll.chain.artifacts import decode_error
from plimsoll.chain.packing import Misfit, packer

ADDRESS = "0x" + "ab" * 20
WORDS = {
    "uint256": st.integers(0, 2**256 - 1),
    "uint8": st.integers(0, 255),
    "int80": st.integers(-(2**79), 2**79 - 1),
    "int256": st.integers(-(2**255), 2**255 - 1),
    "bool": st.booleans(),
    "address": st.binary(min_size=20, max_size=20).map(abi.to_address).map(abi.to_checksum_address),
    "bytes4": st.binary(min_size=4, max_size=4),
    "bytes32": st.binary(min_size=32, max_size=32),
    "bytes": st.binary(max_size=70),
    "string": st.text(max_size=40),
}


def struct(components):
    named = [{**c, "name": f"f{i}"} for i, c in enumerate(components)]
    return {"type": "tuple", "name": "s", "internalType": "struct IThing.Thing", "components": named}


def array_of(param, length):
    return {**param, "type": param["type"] + ("[]" if length is None else f"[{length}]")}


words = st.sampled_from(sorted(WORDS)).map(lambda kind: {"type": kind, "name": "x"})
params = st.recursive(
    words,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=4).map(struct),
        st.builds(array_of, inner, st.sampled_from([None, 1, 3])),
    ),
    max_leaves=6,
)


def values(param):
    kind = param["type"]
    if kind.endswith("]"):
        element, _, length = kind[:-1].rpartition("[")
        low, high = (int(length), int(length)) if length else (0, 3)
        return st.lists(values({**param, "type": element}), min_size=low, max_size=high)
    if kind == "tuple":
        return st.tuples(*map(values, param["components"]))
    return WORDS[kind]


def bare(value):
    """Without the names: what eth_abi says, with lists for its tuples."""
    return [bare(v) for v in value] if isinstance(value, (list, tuple)) else value


@given(st.data())
def test_decode_equals_eth_abi_and_encode_is_its_inverse(data):
    row = data.draw(st.lists(params, min_size=1, max_size=3))
    given_values = [data.draw(values(param)) for param in row]
    types = [abi.signature(param) for param in row]
    encoded = abi.encode(row, types, tuple(given_values))
    decoded = abi.row(row, list).read(encoded, 0)
    assert encoded == eth_abi.encode(types, given_values) == packer(row)(tuple(given_values))
    assert bare(decoded) == bare(given_values)
    assert [str(v).lower() for v in bare(decoded)] == [str(v).lower() for v in bare(eth_abi.decode(types, encoded))]
    assert abi.encode(row, types, tuple(decoded)) == encoded


@given(st.data())
def test_decode_of_too_few_bytes_is_refused(data):
    param = data.draw(params)
    encoded = eth_abi.encode([abi.signature(param)], [data.draw(values(param))])
    if encoded:
        cut = data.draw(st.integers(0, (len(encoded) - 1) // 32 * 32))
        with pytest.raises(abi.BadData):
            abi.row([param], list).read(encoded[:cut], 0)


def test_decode_of_an_absurd_length_is_refused():
    data = (32).to_bytes(32, "big") + (2**255).to_bytes(32, "big")
    for kind in ("uint256[]", "bytes", "string", "string[]"):
        with pytest.raises(abi.BadData):
            abi.row([{"type": kind, "name": ""}], list).read(data, 0)


def test_struct_names_follow_solidity_and_yield_to_python():
    inner = {"type": "tuple[]", "name": "legs", "internalType": "struct Leg[]", "components": []}
    param = struct([{"type": "bool"}])
    param["components"] = [{"type": "uint8", "name": n} for n in ("from", "", "_hidden", "size")]
    record = abi.reader(param).read(bytes(128), 0)
    assert type(record).__name__ == "Thing" and record._fields == ("from_", "field1", "hidden", "size")
    assert abi.struct_name(inner) == "Leg" and abi.struct_name({}) == "Struct"
    assert abi.to_wire(param, {"from": 1, "": 2, "_hidden": 3, "size": 4}) == (1, 2, 3, 4)


@pytest.mark.parametrize("wrong", ["0x12", 7, None, b"\1" * 19, "ab" * 21])
def test_what_is_no_address_is_refused(wrong):
    with pytest.raises(TypeError, match="is not an address"):
        abi.to_address(wrong)


MISFITS = [
    *(("uint8", 256), ("uint8", True), ("uint8", -1), ("int80", 2**79), ("int80", -(2**79) - 1), ("bool", 1)),
    *(("bytes4", "0x0000000000"), ("bytes", 7), ("string", b"a"), ("uint8[2]", [1]), ("uint8[]", [1, "a"]), ("uint8[]", 3)),
    *(("address", "0x12"), ("uint256", None), ("uint256", 1.0), ("uint256", -1), ("uint256", 2**256)),
]


@pytest.mark.parametrize("kind, wrong", MISFITS)
def test_value_that_does_not_fit_is_named(kind, wrong):
    inputs = [{"type": kind, "name": "amount"}]
    function = artifacts.Function({"name": "set", "inputs": inputs, "outputs": [], "stateMutability": "view"})
    with pytest.raises((TypeError, ValueError, OverflowError, AttributeError)):
        packer(inputs)((wrong,))
    with pytest.raises(TypeError, match="amount"):
        abi.encode(inputs, [kind], (wrong,))
    with pytest.raises(TypeError, match=r"set\(.*amount"):
        function.encode((wrong,))


def test_number_of_arguments_and_fields_is_checked():
    pair = struct([{"type": "uint8"}, {"type": "bytes"}])
    for row, args in (([], (1,)), ([pair], ()), ([pair], ((1,),)), ([pair], ({"f0": 1},))):
        with pytest.raises((TypeError, Misfit)):
            packer(row)(args)


def test_selectors_are_those_of_solidity():
    inputs = [{"type": "address", "name": "to"}, {"type": "uint256", "name": "amount"}]
    assert abi.selector("transfer", inputs)[:4].hex() == "a9059cbb"
    assert artifacts.Function(
        {"name": "transfer", "inputs": inputs, "outputs": [], "stateMutability": "nonpayable"}
    ).encode((ADDRESS, 5)) == "0xa9059cbb" + "00" * 12 + "ab" * 20 + "00" * 31 + "05"


def test_revert_data_without_a_known_error_is_shown_as_it_is(monkeypatch):
    monkeypatch.setattr(artifacts, "meanings", lambda: ({}, {}))
    assert str(decode_error(b"")) == "NoReason()"
    assert str(decode_error(bytes.fromhex("deadbeef"))) == "UnknownError(data=0xdeadbeef)"
    text = eth_abi.encode(["string"], ["why"])
    assert str(decode_error(bytes.fromhex("08c379a0") + text)) == "Error(message=why)"
    assert str(decode_error(bytes.fromhex("08c379a0ff"))) == "Error(message=ff)"
    panic = decode_error(bytes.fromhex("4e487b71") + (0x32).to_bytes(32, "big"))
    assert (panic.args, str(panic)) == ((0x32,), "Panic(code=50): index out of range")


def test_library_addresses_are_linked():
    code = f"60__{'MarginMath':_<38}5f__{'Q':_<38}00"
    linked = artifacts.Artifact("A", [], code, 0).init_code((), {"MarginMath": ADDRESS, "Q": "0x" + "cd" * 20})
    assert linked == "0x60" + "ab" * 20 + "5f" + "cd" * 20 + "00"
    with pytest.raises(TypeError, match="calls the library Q"):
        artifacts.Artifact("A", [], code, 0).init_code((), {"MarginMath": ADDRESS})
