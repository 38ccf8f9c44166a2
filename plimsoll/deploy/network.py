"""A network file: `deployments/networks/<name>.yaml`.

    chain_id: 11155111
    rpc: SEPOLIA_RPC_URL            # the variable of the environment that holds the URL, which with most providers is a secret
    explorer: https://sepolia.etherscan.io
    sequencer: none                 # or {feed: 0x…, grace: 1h}: to be said, never left out
    roles: {governor: deployer, guardian: 0x…, treasury: 0x…}
    settlement: {name: USDC, token: mock}                  # or the address of a token of 6 decimals
    feeds:
      ETH: {address: 0x…, description: ETH / USD, decimals: 8, heartbeat: 1h, grace: 30m, deviation: 1%}
      BTC: {mock: 60000, heartbeat: 7d}                    # a feed of our own, which begins with this price
    collaterals:
      WETH: {token: 0x…, feed: ETH, depth: 1000, cap: 10000}
    instruments:
      ETH: {depth: 20000}           # as in a scenario's world, and so are pool, liquidation, debt and guard
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from plimsoll.chain.abi import as_address
from plimsoll.chain.recipe import Roles
from plimsoll.errors import NetworkFileError, ScenarioFileError
from plimsoll.scenarios.reader import Reader, read_yaml
from plimsoll.scenarios.world import FEED, MONEY, PRICE, read_fields, read_terms
from plimsoll.types import FeedSpec, TokenSpec, World

FOLDER = Path(__file__).resolve().parents[2] / "deployments" / "networks"
REQUIRED = ("chain_id", "rpc", "explorer", "sequencer", "roles", "settlement", "feeds", "instruments")
OPTIONAL = ("confirmations", "collaterals", "pool", "liquidation", "debt", "guard")
ROLES = ("governor", "guardian", "treasury")
DEPLOYER, MOCK, NONE = "deployer", "mock", "none"


@dataclass(frozen=True)
class Network:
    """What a network file says. rpc: the name of a variable. world: what is listed; of a feed that is given the price is 0,
    the network's own. given: name in the recipe → the address of what is there already. descriptions: of given feeds.
    roles: an address each, or "deployer"."""

    name: str
    chain_id: int
    rpc: str
    explorer: str
    confirmations: int
    world: World
    roles: Mapping[str, str]
    given: Mapping[str, str] = field(default_factory=dict)
    descriptions: Mapping[str, str] = field(default_factory=dict)

    def roles_of(self, deployer: str) -> Roles:
        return Roles(deployer, *(deployer if self.roles[name] == DEPLOYER else self.roles[name] for name in ROLES))

    def priced(self, prices: Mapping[str, int]) -> World:
        """The world with the prices (WAD) that given feeds answer."""
        feeds = tuple(replace(spec, price=prices.get(spec.name, spec.price)) for spec in self.world.feeds)
        return replace(self.world, feeds=feeds)


def find(name_or_file: str) -> Path:
    """A shipped network by its name, or a file. Raises NetworkFileError."""
    path = FOLDER / f"{name_or_file}.yaml"
    path = path if path.is_file() else Path(name_or_file)
    if path.suffix in (".yaml", ".yml") and path.is_file():
        return path
    known = ", ".join(sorted(p.stem for p in FOLDER.glob("*.yaml")))
    raise NetworkFileError(name_or_file, 1, "", f"there is no such network and no such file; shipped are: {known}")


def load(path: Path) -> Network:
    """Reads and validates a network file. Raises NetworkFileError (file, line, field, what was expected)."""
    try:
        return _network(path.stem, read_yaml(path))
    except ScenarioFileError as wrong:
        raise NetworkFileError(wrong.file, wrong.line, wrong.field, wrong.problem) from None


def _network(name: str, root: Reader) -> Network:
    read = root.record(REQUIRED, OPTIONAL)
    feeds = read["feeds"].mapping("a mapping from each feed to what it is")
    given: dict[str, str] = {}
    descriptions: dict[str, str] = {}
    specs = tuple(_feed(word, reader, given, descriptions) for word, reader in feeds.items())
    settlement = _settlement(read["settlement"], given)
    terms = read_terms(read, list(feeds), more=("token",))
    for word, reader in (read["collaterals"].mapping() if "collaterals" in read else {}).items():
        if word == settlement.name:
            reader.fail("the settlement token has this name already; expected another")
        _token(word, reader, given)
    grace = _sequencer(read["sequencer"], given)
    confirmations = read["confirmations"].units(0, "a number of blocks", 1, 1_000) if "confirmations" in read else 2
    return Network(
        name=name,
        chain_id=read["chain_id"].units(0, "a chain id", 1),
        rpc=_variable(read["rpc"]),
        explorer=read["explorer"].text("the URL of an explorer"),
        confirmations=confirmations,
        world=World(start=0, feeds=specs, settlement=settlement, sequencer_grace=grace, **terms),
        roles=_roles(read["roles"]),
        given=given,
        descriptions=descriptions,
    )


def _variable(reader: Reader) -> str:
    name = reader.text("the name of a variable such as SEPOLIA_RPC_URL")
    if not name.isidentifier():
        reader.fail("expected the name of a variable such as SEPOLIA_RPC_URL: the URL itself is a secret, and no part of a file")
    return name


def _address(reader: Reader, what: str) -> str:
    found = as_address(reader.text(what))
    if found is None:
        reader.expected(f"{what}: 0x and 40 digits of hex, capitals as its checksum has them")
    if not int(found, 16):
        reader.fail(f"expected {what}; the zero address is nobody's")
    return found


def _roles(reader: Reader) -> dict[str, str]:
    given = reader.record(ROLES)
    return {
        name: DEPLOYER if role.text("a role") == DEPLOYER else _address(role, f'"{DEPLOYER}" or an address')
        for name, role in given.items()
    }


def _settlement(reader: Reader, given: dict[str, str]) -> TokenSpec:
    name = reader.record(("name", "token"))["name"].text("the token's name")
    _token(name, reader, given)
    return TokenSpec(name, MONEY)


def _token(name: str, reader: Reader, given: dict[str, str]) -> None:
    """Notes where it lies, unless it is a mock."""
    token = reader.mapping().get("token")
    if token is None:
        reader.fail(f'the field "token" is missing: "{MOCK}" or an address')
    if token.text(f'"{MOCK}" or an address') != MOCK:
        given[f"token {name}"] = _address(token, f'"{MOCK}" or an address')


def _feed(name: str, reader: Reader, given: dict[str, str], descriptions: dict[str, str]) -> FeedSpec:
    if MOCK in reader.mapping("a mapping with mock, or with address, description, decimals and heartbeat"):
        read = reader.record((MOCK, "heartbeat"), tuple(FEED))
        return FeedSpec(name, read[MOCK].positive(PRICE, "a price"), **read_fields(read, FEED, FeedSpec))
    read = reader.record(("address", "description", "decimals", "heartbeat", "deviation"), tuple(FEED))
    given[f"proxy {name}"] = _address(read["address"], "the feed's address")
    descriptions[name] = read["description"].text("what the feed says of itself, such as ETH / USD")
    return FeedSpec(name, 0, **read_fields(read, FEED, FeedSpec))


def _sequencer(reader: Reader, given: dict[str, str]) -> int | None:
    """Its grace, seconds; None where there is none."""
    if not reader.is_mapping:
        if reader.text(f'"{NONE}", or a mapping with feed and grace') != NONE:
            reader.expected(f'"{NONE}", or a mapping with feed and grace')
        return None
    read = reader.record(("feed", "grace"))
    if read["feed"].text("an address") != MOCK:
        given["sequencer"] = _address(read["feed"], f'"{MOCK}" or an address')
    return read["grace"].duration()
