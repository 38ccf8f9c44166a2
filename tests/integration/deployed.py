"""A chain that plays Sepolia, everything deployed on it: what tests of what comes after a deployment share."""

import json
from contextlib import contextmanager

from plimsoll.chain.live import LiveChain, Policy
from plimsoll.chain.rpc import Rpc
from plimsoll.deploy.plan import first_block
from plimsoll.deploy.record import Record, fingerprint
from plimsoll.deploy.stage import stage
from plimsoll.deploy.steps import Builder

AT_ONCE = Policy(confirmations=1, deadline=20, resend=2, lag=0.5)


@contextmanager
def deployed(folder):
    """(stage, record): the record lies in the folder, where commands look for it with `--records`."""
    with stage("sepolia", folder) as staged:
        chain = LiveChain(Rpc(staged.anvil.url), staged.wallet, AT_ONCE)
        network, roles = staged.network, staged.network.roles_of(staged.wallet.address)
        record = Record(
            folder / "sepolia.json", network.name, network.chain_id, first_block(chain), roles, fingerprint(network, roles), {}, ""
        )
        Builder(chain, network, record).run()
        yield staged, record


def rewritten(record, path, *changes):
    """Its text with some words changed, as a file."""
    told = json.loads(record.path.read_text())
    for step, key, value in changes:
        told["steps"][step][key] = value
    path.write_text(json.dumps(told))
