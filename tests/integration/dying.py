"""A deployment that kills itself: `dying.py NETWORK_FILE FOLDER STEP MOMENT`, at the step of this place (from 1), when it is
`noted` and not yet sent, `sent` and not yet recorded, or `recorded`. It cannot clean up: it is a SIGKILL."""

import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from plimsoll.chain.live import LiveChain, Policy  # noqa: E402
from plimsoll.chain.rpc import Rpc  # noqa: E402
from plimsoll.chain.wallet import Wallet  # noqa: E402
from plimsoll.deploy import network as networks  # noqa: E402
from plimsoll.deploy.plan import first_block  # noqa: E402
from plimsoll.deploy.record import Record, fingerprint  # noqa: E402
from plimsoll.deploy.steps import Builder  # noqa: E402


class MortalRpc(Rpc):
    """sends_left: until it dies; moment: before or after that send."""

    def __init__(self, url, sends_left, moment):
        super().__init__(url)
        self._left, self._moment = sends_left, moment

    def __call__(self, method, *params):
        self._left -= method == "eth_sendRawTransaction"
        last = method == "eth_sendRawTransaction" and self._left == 0
        if last and self._moment == "noted":
            die()
        answer = super().__call__(method, *params)
        if last and self._moment == "sent":
            die()
        return answer


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def main(file, folder, place, moment):
    network, wallet = networks.load(Path(file)), Wallet.from_environment()
    rpc = MortalRpc(os.environ[network.rpc], int(place), moment)
    chain = LiveChain(rpc, wallet, Policy(confirmations=1, deadline=20))
    roles = network.roles_of(wallet.address)
    mark = fingerprint(network, roles)
    record = Record(Path(folder) / f"{network.name}.json", network.name, network.chain_id, first_block(chain), roles, mark, {}, "")

    def told(step, at, of):
        if moment == "recorded" and at == int(place) + 1:
            die()

    Builder(chain, network, record, told).run()
    die()  # after the last step


main(*sys.argv[1:])
