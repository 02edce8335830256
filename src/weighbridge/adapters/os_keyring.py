"""The keyring of the operating system, by the library ``keyring`` (the extra of that name)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weighbridge.errors import BadInput, MissingExtra, StoreDown

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

SERVICE = "weighbridge"
"""The name under which keyrings show our entries; the user name of each is the Hub's origin."""


class OsKeyring:
    """Secrets by the origin of a Hub. The library is imported when the first one is asked for."""

    name = "the keyring of the operating system"

    def read(self, origin: str) -> str | None:
        """A secret, or None.

        Raises:
            MissingExtra, BadInput, StoreDown: the keyring cannot be asked.
        """
        backend = self._backend()
        from keyring.errors import KeyringError

        try:
            return backend.get_password(SERVICE, origin)
        except KeyringError as error:
            raise _locked(error) from None

    def write(self, origin: str, secret: str) -> None:
        """Keep a secret.

        Raises:
            MissingExtra, BadInput, StoreDown: the keyring cannot be asked.
        """
        backend = self._backend()
        from keyring.errors import KeyringError

        try:
            backend.set_password(SERVICE, origin, secret)
        except KeyringError as error:
            raise _locked(error) from None

    def remove(self, origin: str) -> None:
        """Remove a secret; one that is not there is none.

        Raises:
            MissingExtra, BadInput, StoreDown: the keyring cannot be asked.
        """
        backend = self._backend()
        from keyring.errors import KeyringError, PasswordDeleteError

        try:
            backend.delete_password(SERVICE, origin)
        except PasswordDeleteError:
            return
        except KeyringError as error:
            raise _locked(error) from None

    def _backend(self) -> KeyringBackend:
        """The keyring in use.

        Raises:
            MissingExtra: the library is not installed.
            BadInput: it found no keyring that keeps secrets; the library gives such ones a priority below 1.
        """
        try:
            import keyring
        except ImportError:
            raise MissingExtra("keyring", "keyring") from None
        backend = keyring.get_keyring()
        if backend.priority < 1:
            raise BadInput(
                "this machine has no keyring that could keep a token",
                hint="without --keyring the token is kept in a file that only you can read",
            )
        return backend


def _locked(error: Exception) -> StoreDown:
    return StoreDown(f"the keyring does not answer: {type(error).__name__}", hint="unlock it and try again")
