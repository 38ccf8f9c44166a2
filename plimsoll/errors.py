"""Every error of this library. Messages say what to do next.

    PlimsollError
    ├── Reverted                    the protocol refused a verb: its own error and numbers
    ├── ToolchainError              the local chain could not do its work
    │   ├── AnvilMissing            no Anvil that runs here
    │   ├── AnvilDied               our Anvil is gone: exit code and last words
    │   ├── PortTaken               somebody answers on the port that was asked for
    │   ├── NodeDead                the node does not answer
    │   ├── NodeRefused             the node answers with an error of its own
    │   ├── ArtifactMissing         a contract that was not compiled
    │   └── NotCompiled             a source that the compiler refuses
    ├── DeployError                 a deployment to a public network
    │   ├── NetworkFileError        a network file is wrong: file, line, field, what was expected
    │   ├── Refused                 nothing was sent, since something does not fit: all that does not, one a line
    │   ├── RecordError             the file of what was deployed cannot be used
    │   ├── WalletError             no key, or one that does not open
    │   └── NotMined                a transaction is not final in time; running again goes on from there
    ├── KeeperError                 the keeper cannot begin
    │   └── StoreError              its database cannot be used
    ├── FuzzError                   a campaign that cannot go on: its workers, its scheduler
    ├── AdapterError                what `properties` was told to check is not an adapter
    ├── RiskError                   what the risk engine was given cannot be of one moment of one chain
    └── ScenarioError
        ├── ScenarioFileError       a scenario file is wrong: file, line, field, what was expected
        ├── PriceFileError          a price file is wrong: file, line, what was expected
        ├── InvariantViolated       an invariant failed: step and numbers
        └── UnknownScenario         no such scenario
"""

from __future__ import annotations


class PlimsollError(Exception):
    """The root: catch this to catch all."""


class Reverted(PlimsollError):
    """The protocol refused. `name` is its error (`InsufficientMargin`), `args` its arguments in order, `values` the same
    by name where the names are known, `hint` what more is known about the cause."""

    def __init__(self, name: str, args: tuple[object, ...] = (), names: tuple[str, ...] = (), hint: str = "") -> None:
        super().__init__(*args)
        self.name, self.names, self.hint = name, names, hint

    @property
    def values(self) -> dict[str, object]:
        return dict(zip(self.names, self.args))

    def __str__(self) -> str:
        shown = [f"{name}={value}" for name, value in self.values.items()] or map(str, self.args)
        return f"{self.name}({', '.join(shown)})" + (f": {self.hint}" if self.hint else "")

    def __repr__(self) -> str:
        return f"Reverted: {self}"

    def __reduce__(self) -> tuple[object, ...]:
        return Reverted, (self.name, self.args, self.names, self.hint)


class ToolchainError(PlimsollError):
    """The local chain could not be started, or went away."""


class AnvilMissing(ToolchainError):
    """No Anvil that runs on this machine."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"Anvil cannot be started from {path} ({reason}). Run `make setup`.")


class AnvilDied(ToolchainError):
    """Our Anvil ended without being asked. exit_code: negative is a signal, None is unknown."""

    def __init__(self, exit_code: int | None, last_words: str) -> None:
        super().__init__(
            f"Anvil ended by itself (exit code {exit_code}). Its chain is lost: run the command again; "
            f"was it killed, or is memory or disk full? Its last words:\n{last_words or '(none)'}"
        )
        self.exit_code, self.last_words = exit_code, last_words


class PortTaken(ToolchainError):
    """Somebody answers on the port. We neither use nor end what is not ours."""

    def __init__(self, port: int) -> None:
        super().__init__(f"Port {port} is taken by another program. Leave the port out to get a free one, or choose another.")
        self.port = port


class NodeDead(ToolchainError):
    """Nobody answers at the node's address."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"The node at {url} does not answer ({reason}). Is it running? Its local chain may be lost.")
        self.url = url


class NodeRefused(ToolchainError):
    """The node answered a request with an error of its own. data: the revert data where a call reverted, as hex. code: the
    error's number in JSON-RPC, or the status of HTTP."""

    def __init__(self, method: str, reason: str, data: object = None, code: int = 0) -> None:
        super().__init__(f"{method}: {reason}")
        self.method, self.reason, self.data, self.code = method, reason, data, code


class ArtifactMissing(ToolchainError):
    """There is no compiled contract of this name."""

    def __init__(self, name: str, where: str) -> None:
        super().__init__(f"{name} is not compiled ({where}). Run `make setup`, or `brownie compile --all`; check the name.")
        self.name = name


class NotCompiled(ToolchainError):
    """Sources that could not be compiled. reason: the compiler's words."""

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f"{what} cannot be compiled: {reason}")


class DeployError(PlimsollError):
    """A deployment to a public network that cannot begin, or cannot go on."""


class NetworkFileError(DeployError):
    """A network file is wrong. line: from 1."""

    def __init__(self, file: str, line: int, field: str, problem: str) -> None:
        super().__init__(f"{file}, line {line}, {field or 'the file'}: {problem}")
        self.file, self.line, self.field, self.problem = file, line, field, problem


class Refused(DeployError):
    """Nothing was sent. reasons: all that does not fit, with what to do."""

    def __init__(self, *reasons: str) -> None:
        super().__init__("nothing was sent:\n" + "\n".join(f"  · {reason}" for reason in reasons))
        self.reasons = reasons


class RecordError(DeployError):
    """The file of what was deployed is not one, or is of something else."""

    def __init__(self, file: str, problem: str) -> None:
        super().__init__(f"{file}: {problem}")


class WalletError(DeployError):
    """No key, or one that does not open. It never says what was read."""


class NotMined(DeployError):
    """A transaction is not final in time."""


class KeeperError(PlimsollError):
    """The keeper cannot begin."""


class StoreError(KeeperError):
    """The keeper's database cannot be opened, is in use, or is of another deployment."""


class FuzzError(PlimsollError):
    """A campaign that cannot go on."""


class AdapterError(PlimsollError):
    """A name that leads to no adapter, or to no property."""


class RiskError(PlimsollError):
    """What the risk engine was given does not fit together."""


class ScenarioError(PlimsollError):
    """A scenario could not be loaded, or did not hold."""


class UnknownScenario(ScenarioError):
    """No scenario of this name and no such file."""


class ScenarioFileError(ScenarioError):
    """A scenario file is wrong. line: from 1."""

    def __init__(self, file: str, line: int, field: str, problem: str) -> None:
        super().__init__(f"{file}, line {line}, {field or 'the file'}: {problem}")
        self.file, self.line, self.field, self.problem = file, line, field, problem


class PriceFileError(ScenarioError):
    """A price file is wrong. line: from 1, the header included."""

    def __init__(self, file: str, line: int, problem: str) -> None:
        super().__init__(f"{file}, line {line}: {problem}")
        self.file, self.line, self.problem = file, line, problem


class InvariantViolated(ScenarioError):
    """An invariant failed at a step. violations: one line each, with its id and the numbers."""

    def __init__(self, step: int, title: str, violations: tuple[str, ...]) -> None:
        super().__init__(f"step {step} ({title}): " + "; ".join(violations))
        self.step, self.title, self.violations = step, title, violations
