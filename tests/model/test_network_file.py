"""Network files: what the shipped ones say, and that whatever is wrong is named by file, line and field."""

import re

import pytest

from plimsoll.chain.recipe import Roles
from plimsoll.deploy.network import FOLDER, find, load
from plimsoll.errors import NetworkFileError
from plimsoll.types import DAY, HOUR, WAD

SHIPPED = {"sepolia": 11155111, "arbitrum-sepolia": 421614, "base-sepolia": 84532}
ME, OTHER = "0x" + "11" * 20, "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
SMALL = f"""\
chain_id: 5
rpc: MY_RPC_URL
explorer: https://explorer.example
sequencer: none
roles: {{governor: deployer, guardian: {OTHER}, treasury: deployer}}
settlement: {{name: USD, token: mock}}
feeds:
  ETH: {{address: {OTHER}, description: ETH / USD, decimals: 8, heartbeat: 1h, grace: 10m, deviation: 1%}}
  ODD: {{mock: 2.5, heartbeat: 1d, decimals: 3}}
collaterals:
  COIN: {{token: {OTHER}, decimals: 7, feed: ODD}}
instruments:
  ETH: {{depth: 100}}
"""


@pytest.fixture
def read(tmp_path):
    """(changes) → the small file with some words changed, read."""

    def reading(*changes):
        text = SMALL
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new, 1)
        file = tmp_path / "small.yaml"
        file.write_text(text)
        return load(file)

    return reading


def test_shipped_files_are_of_these_chains_and_say_what_is_a_mock():
    assert {path.stem for path in FOLDER.glob("*.yaml")} == set(SHIPPED)
    for name, chain_id in SHIPPED.items():
        network = load(find(name))
        assert (network.chain_id, network.rpc) == (chain_id, name.upper().replace("-", "_") + "_RPC_URL")
        assert network.world.sequencer_grace is None and "token USDC" not in network.given
        assert set(network.roles.values()) == {"deployer"}
        for feed in network.world.feeds:
            given = f"proxy {feed.name}" in network.given
            assert given == (feed.name in network.descriptions) and (feed.price == 0) == given
            market = next(spec.market for spec in network.world.instruments if spec.feed == feed.name)
            assert market.spread_e6 + market.taker_fee_e6 >= feed.deviation_e6, "or it is traded against stale prices"


def test_fields_become_a_world_and_what_is_there_already(read):
    network = read()
    eth, odd = network.world.feeds
    assert (eth.price, eth.decimals, eth.heartbeat, eth.grace, eth.deviation_e6) == (0, 8, HOUR, 600, 10_000)
    assert (odd.price, odd.decimals, odd.heartbeat) == (5 * WAD // 2, 3, DAY)
    assert network.given == {"proxy ETH": OTHER, "token COIN": OTHER}
    assert network.descriptions == {"ETH": "ETH / USD"} and network.confirmations == 2
    assert (network.world.settlement.name, network.world.settlement.decimals) == ("USD", 6)
    assert network.world.collateral("COIN").token.decimals == 7
    assert network.roles_of(ME) == Roles(ME, ME, OTHER, ME)
    assert [feed.price for feed in network.priced({"ETH": 7}).feeds] == [7, 5 * WAD // 2]


def test_sequencer_is_a_feed_and_its_grace(read):
    network = read(("sequencer: none", f"sequencer: {{feed: {OTHER}, grace: 1h}}"))
    assert network.world.sequencer_grace == HOUR and network.given["sequencer"] == OTHER
    network = read(("sequencer: none", "sequencer: {feed: mock, grace: 30m}"))
    assert network.world.sequencer_grace == 1_800 and "sequencer" not in network.given


@pytest.mark.parametrize(
    "old, new, said",
    [
        ("sequencer: none\n", "", r'small.yaml, line 1, the file: the field "sequencer" is missing'),
        ("sequencer: none", "sequencer: no", r'line 4, sequencer: expected "none", or a mapping'),
        ("rpc: MY_RPC_URL", "rpc: https://node.example/v3/token", r"line 2, rpc: .*the URL itself is a secret"),
        (f"guardian: {OTHER}", f"guardian: {OTHER.replace('A', 'a', 1)}", r"line 5, roles.guardian: .* as its checksum has them"),
        (f"guardian: {OTHER}", "guardian: 0x" + "0" * 40, "line 5, roles.guardian: .*zero address is nobody's"),
        (f"guardian: {OTHER}", "guardian: me", 'line 5, roles.guardian: expected "deployer" or an address'),
        (", treasury: deployer", "", r'line 5, roles: the field "treasury" is missing'),
        ("token: mock", "token: 0x12", r'line 6, settlement.token: expected "mock" or an address'),
        ("token: mock", "adress: 0x12", r"line 6, settlement.adress: unknown field"),
        ("description: ETH / USD, ", "", r'line 8, feeds.ETH: the field "description" is missing'),
        ("heartbeat: 1h, ", "", r'line 8, feeds.ETH: the field "heartbeat" is missing'),
        ("mock: 2.5", "mock: -1", r"line 9, feeds.ODD.mock: expected a price"),
        (f"token: {OTHER}, decimals: 7", "decimals: 7", r'line 11, collaterals.COIN: the field "token" is missing'),
        ("COIN:", "USD:", r"line 11, collaterals.USD: the settlement token has this name already"),
        ("feed: ODD", "feed: EVEN", r'line 11, collaterals.COIN.feed: unknown feed "EVEN"'),
        ("depth: 100", "dept: 100", r'line 13, instruments.ETH.dept: unknown field \(did you mean "depth"\?\)'),
        ("chain_id: 5", "chain_id: five", r"line 1, chain_id: expected a chain id"),
        ("chain_id: 5", "chain_id: [", r"not YAML"),
    ],
)
def test_what_is_wrong_is_named_by_line_and_field(read, old, new, said):
    with pytest.raises(NetworkFileError) as wrong:
        read((old, new))
    assert re.search(said, str(wrong.value)), wrong.value


def test_unknown_network_names_those_there_are():
    with pytest.raises(NetworkFileError, match="arbitrum-sepolia, base-sepolia, sepolia"):
        find("goerli")
