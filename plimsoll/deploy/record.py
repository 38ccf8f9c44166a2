"""`deployments/<network>.json`: what was done, and what is under way. It holds no secrets and belongs under version control.

Written after every step that is final, and before every transaction that is sent: into a new file, which then takes the place
of the old one, so that it is whole whenever the process dies.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from plimsoll.chain.abi import as_address
from plimsoll.chain.live import Pending
from plimsoll.chain.recipe import Roles
from plimsoll.deploy.network import Network
from plimsoll.errors import RecordError

FORMAT = 1
ADVICE = "Restore it from version control, or move it away to deploy anew. Nothing was sent."


@dataclass
class Record:
    """steps: name → what is known of it, in the order in which they were done: of a part its contract, address, arguments
    (as Python shows them, and encoded), hash of its code; of every step its block, transaction and gas. (Of a step that was
    found on the chain without a record of it, no transaction.) fingerprint: of all that is deployed; genesis: the hash of the
    chain's first block; settings: of the compiler."""

    path: Path
    network: str
    chain_id: int
    genesis: str
    roles: Roles
    fingerprint: str
    settings: dict[str, Any]
    commit: str
    steps: dict[str, dict[str, Any]] = field(default_factory=dict)
    complete: bool = False
    pending: tuple[str, Pending] | None = None

    def done(self, step: str, facts: dict[str, Any]) -> None:
        """A step is final: recorded, and nothing is under way any more."""
        self.steps[step], self.pending = facts, None
        self.save()

    def under_way(self, step: str, pending: Pending | None) -> None:
        self.pending = None if pending is None else (step, pending)
        self.save()

    def pending_of(self, step: str) -> Pending | None:
        return self.pending[1] if self.pending is not None and self.pending[0] == step else None

    def address(self, step: str) -> str:
        """Raises RecordError before the step is done."""
        try:
            return str(self.steps[step]["address"])
        except KeyError:
            raise RecordError(str(self.path), f"it has no {step} yet: finish the deployment first") from None

    def save(self) -> None:
        """All or nothing, and on the disk when it returns."""
        told = {"format": FORMAT, **{k: v for k, v in vars(self).items() if k not in ("path", "roles", "pending")}}
        told["roles"] = asdict(self.roles)
        if self.pending is not None:
            told["pending"] = {"step": self.pending[0], **asdict(self.pending[1])}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        new = self.path.with_suffix(".json.new")
        with new.open("w", encoding="utf-8") as file:
            file.write(json.dumps(told, indent=2) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, self.path)


def read(path: Path) -> Record | None:
    """None where there is no file. Raises RecordError where it is no record."""
    if not path.exists():
        return None
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise RecordError(str(path), f"it cannot be read ({problem}). {ADVICE}") from None
    try:
        return _record(path, told)
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise RecordError(str(path), f"it is no record of a deployment ({type(problem).__name__}: {problem}). {ADVICE}") from None


def _record(path: Path, told: dict[str, Any]) -> Record:
    if told["format"] != FORMAT:
        raise ValueError(f"format {told['format']} where {FORMAT} is due")
    pending = told.get("pending")
    for name, step in told["steps"].items():
        if "address" in step and as_address(step["address"]) is None:
            raise ValueError(f"{step['address']} of {name} is no address")
    return Record(
        path=path,
        network=str(told["network"]),
        chain_id=int(told["chain_id"]),
        genesis=str(told["genesis"]),
        roles=Roles(**told["roles"]),
        fingerprint=str(told["fingerprint"]),
        settings=dict(told["settings"]),
        commit=str(told["commit"]),
        steps={name: dict(step) for name, step in told["steps"].items()},
        complete=bool(told["complete"]),
        pending=pending and (str(pending["step"]), _pending(pending)),
    )


def _pending(told: dict[str, Any]) -> Pending:
    return Pending(int(told["nonce"]), int(told["fee"]), int(told["tip"]), tuple(map(str, told["hashes"])))


def fingerprint(network: Network, roles: Roles) -> str:
    """Of all that is deployed: a run that goes on must deploy what the one before it began."""
    what = (network.chain_id, network.world, sorted(network.given.items()), roles)
    return hashlib.sha256(repr(what).encode()).hexdigest()


def check_same(record: Record, network: Network, roles: Roles, genesis: str) -> None:
    """Raises RecordError where the record is of another chain, deployer or network file."""
    if (record.chain_id, record.genesis) != (network.chain_id, genesis):
        raise RecordError(str(record.path), f"it is of another chain (id {record.chain_id}, first block {record.genesis}). {ADVICE}")
    if record.roles.deployer != roles.deployer:
        raise RecordError(str(record.path), f"{record.roles.deployer} began it, and must finish it; {roles.deployer} cannot.")
    if not record.complete and record.fingerprint != fingerprint(network, roles):
        raise RecordError(
            str(record.path),
            f"the network file {network.name} has changed since this deployment began. Take the change back and finish; once it is "
            "done the timelock changes parameters. Or move the record away to deploy anew.",
        )


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """The block runs in one process at a time. Raises RecordError where another is at it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise RecordError(str(path), "another process is deploying this: let it finish") from None
        yield
