"""A key that signs, and never shows itself: not in a repr, an error, a log or a file.

    Wallet.from_environment()                    # PLIMSOLL_PRIVATE_KEY
    Wallet.from_keystore("my-account")           # Brownie's: ~/.brownie/accounts/my-account.json

A keystore's password is asked for, or is the first line of the file that PLIMSOLL_PASSWORD_FILE names. Neither a key nor a
password is ever taken from a command line: others on the machine can read those.
"""

from __future__ import annotations

import getpass
import json
import os
from pathlib import Path
from typing import Any

from eth_account import Account
from eth_account.signers.local import LocalAccount

from plimsoll.errors import WalletError

KEY, PASSWORD_FILE = "PLIMSOLL_PRIVATE_KEY", "PLIMSOLL_PASSWORD_FILE"


class Wallet:
    """One key. address: with checksum."""

    def __init__(self, account: LocalAccount) -> None:
        self._account = account
        self.address = str(account.address)

    def sign(self, transaction: dict[str, Any]) -> tuple[str, str]:
        """A transaction (fields as web3 names them) → (as it is sent, its hash), both as hex."""
        signed = self._account.sign_transaction(transaction)
        return "0x" + signed.raw_transaction.hex().removeprefix("0x"), "0x" + signed.hash.hex().removeprefix("0x")

    @classmethod
    def from_environment(cls) -> Wallet:
        """Raises WalletError, which does not repeat what it read."""
        text = os.environ.get(KEY, "").strip()
        if not text:
            raise WalletError(f"there is no key: name a keystore account with --account, or put a private key into {KEY}")
        return cls.from_key(text, KEY)

    @classmethod
    def from_key(cls, key: str, source: str = "the key") -> Wallet:
        """key: 32 bytes as hex. Raises WalletError."""
        try:
            number = bytes.fromhex(key.removeprefix("0x"))
            if not any(number):
                raise ValueError
            return cls(Account.from_key(number))
        except Exception:  # whatever went wrong, its words may hold the key
            raise WalletError(f"{source} is no private key: 64 digits of hex are due") from None

    @classmethod
    def from_keystore(cls, name: str, folder: Path | None = None) -> Wallet:
        """name: of an account that `brownie accounts new` or `import` made. folder: where keystores lie.

        Raises WalletError.
        """
        path = (folder or Path.home() / ".brownie" / "accounts") / f"{name}.json"
        if not path.is_file():
            known = ", ".join(sorted(p.stem for p in path.parent.glob("*.json"))) or "none"
            raise WalletError(f"there is no keystore account {name} (known: {known}): make one with `brownie accounts new {name}`")
        try:
            keystore = json.loads(path.read_text())
            key = Account.decrypt(keystore, _password(name))
        except WalletError:
            raise
        except Exception:
            raise WalletError(f"the keystore account {name} does not open: a wrong password, or {path} is damaged") from None
        return cls(Account.from_key(key))

    def __repr__(self) -> str:
        return f"<Wallet {self.address}>"

    def __reduce__(self) -> Any:
        raise TypeError("a wallet is not to be written anywhere")


def _password(name: str) -> str:
    """Raises WalletError."""
    file = os.environ.get(PASSWORD_FILE)
    if file is None:
        return getpass.getpass(f"password of the keystore account {name}: ")
    try:
        lines = Path(file).read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        raise WalletError(f"the file that {PASSWORD_FILE} names cannot be read") from None
    return lines[0] if lines else ""
