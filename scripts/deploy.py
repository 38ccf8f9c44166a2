"""Deploys the whole protocol with mocks: `brownie run scripts/deploy.py`, and add `-i` to go on in a console.

In `brownie console` it is `p = run("deploy")`: p.engine, p.pool, p.WETH, p.ETH_feed, … are Brownie's own contract
objects, and the accounts that play the roles come from get_account.
"""

from types import SimpleNamespace

from brownie import accounts, interface, network, project, web3

from plimsoll.chain.deployment import Deployment, Roles
from plimsoll.chain.node import Chain
from plimsoll.chain.standard import POOL_SUPPLY, standard_world

LOCAL = ("development", "anvil")
ROLES = ("deployer", "governor", "guardian", "treasury", "provider")
KINDS = {
    "extension": "MarginEngineExtension",
    "liquidation": "LiquidationEngine",
    "pool": "LiquidityPool",
    "parameters": "Parameters",
    "oracle": "PriceOracle",
    "escrow": "Escrow",
    "timelock": "Timelock",
}


def get_account(role="deployer"):
    """The account that plays a role. Only a local chain has them: what is deployed here are mocks."""
    if network.show_active() not in LOCAL:
        raise SystemExit(f"{network.show_active()} is not a local chain: mocks are deployed nowhere else.")
    return accounts[ROLES.index(role)]


def main():
    """Deploys the standard world with two million in the pool; prints and returns the contracts."""
    roles = Roles(*(get_account(role).address for role in ROLES[:4]))
    made = Deployment.deploy(Chain(web3), standard_world(), roles)
    made.provide(get_account("provider").address, POOL_SUPPLY)
    for name, address in made.addresses().items():
        print(f"{name:12} {address}")
    return brownie_contracts(made)


def brownie_contracts(made):
    """The same contracts as Brownie knows them: tokens by symbol, feeds by name."""
    build = project.get_loaded_projects()[0]
    found = {name: build[kind].at(getattr(made, name).address) for name, kind in KINDS.items()}
    found["engine"] = interface.IMarginEngine(made.engine.address)  # with all that it delegates to its extension and its listing
    found["lens"] = interface.IMarginLens(made.lens.address)
    found |= {symbol: build.MockToken.at(token.address) for symbol, token in made.tokens.items()}
    found |= {f"{name}_feed": build.MockAggregator.at(feed.address) for name, feed in made.feeds.items()}
    return SimpleNamespace(**found)
