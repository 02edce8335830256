"""The token for a Hub, from the first of these places that has one.

    1  given          by the caller
    2  environment    HF_TOKEN, for the Hub that the environment names
    3  token file     HF_TOKEN_PATH, for that Hub too; else HF_HOME/token, which Hugging Face's own
                      tools write, for the Hub that those tools ask
    4  credentials    <home>/credentials-v1.json (mode 0600): one token for each Hub
    5  keyring        of the operating system, where that file says that it is there

A token belongs to one origin (scheme, host and port) and is given out for no other.

    {"format": 1, "hubs": {"https://huggingface.co": {"token": "..."},
                           "https://hub.acme.test": {"keyring": true}}}

The file is written anew by one rename, under a lock, so that two who log in lose nothing. Where a link
stands for it, what it leads to is written: else a token that was forgotten would go on lying there.
"""

from __future__ import annotations

import json
import os
import secrets
import stat
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from weighbridge.adapters.flocks import take_flock
from weighbridge.adapters.os_keyring import OsKeyring
from weighbridge.domain.credential import Credential, Source
from weighbridge.domain.endpoint import checked_token, origin_of
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import Json, JsonObject, text
from weighbridge.errors import BadInput, StoreDown

FILE_NAME = "credentials-v1.json"
LIMIT_BYTES = 1 << 20
_HF_FILE_BYTES = 64 * 1024


class Credentials:
    """The tokens of this machine's user. Reading asks for one small file and makes nothing."""

    def __init__(
        self, home: Path, *, environment: Mapping[str, str], files: Mapping[str, Path], keyring: OsKeyring
    ) -> None:
        """``environment`` has the token of HF_TOKEN, ``files`` token files, both by the Hub's address."""
        self._home, self._place = home, home / FILE_NAME
        self._environment = {origin_of(hub): token for hub, token in environment.items()}
        self._files = {origin: file for hub, file in files.items() if (origin := _origin(hub))}
        self._keyring = keyring

    def find(self, endpoint: str, given: str | None = None) -> Credential | None:
        """The token for a Hub, or None where there is none.

        Raises:
            Invalid: the endpoint is no address.
            BadInput: a token is none, or the credentials file may be read by others or is damaged.
            MissingExtra, StoreDown: it is in a keyring that cannot be asked.
        """
        origin = origin_of(endpoint)
        if given:
            return _credential(given, Source.GIVEN, "the caller")
        if token := self._environment.get(origin):
            return _credential(token, Source.ENVIRONMENT, "HF_TOKEN")
        file = self._files.get(origin)
        if file and (token := _content(file)):
            return _credential(token, Source.TOKEN_FILE, str(file))
        kept = self._read().get(origin)
        if not isinstance(kept, Mapping):
            return None
        if kept.get("keyring") is True:
            secret = self._keyring.read(origin)
            return _credential(secret, Source.KEYRING, self._keyring.name) if secret else None
        own = text(kept, "token")
        return _credential(own, Source.CREDENTIALS, str(self._place)) if own else None

    def keep(self, endpoint: str, token: str, *, in_keyring: bool = False) -> Credential:
        """Keep a token for a Hub in our file, or in the keyring; it replaces the one before.

        Raises:
            Invalid: the endpoint is no address, or the token is none.
            BadInput: the credentials file may be read by others or is damaged.
            MissingExtra, StoreDown: it cannot be kept there.
        """
        origin, token = origin_of(endpoint), checked_token(token)
        with self._changed() as hubs:
            before = hubs.get(origin)
            if in_keyring:
                self._keyring.write(origin, token)
                hubs[origin] = {"keyring": True}
                return Credential(token=token, source=Source.KEYRING, place=self._keyring.name)
            if isinstance(before, Mapping) and before.get("keyring") is True:
                self._keyring.remove(origin)
            hubs[origin] = {"token": token}
            return Credential(token=token, source=Source.CREDENTIALS, place=str(self._place))

    def forget(self, endpoint: str) -> str | None:
        """Remove what we keep for a Hub; the place where it was, or None where nothing was kept.

        Raises:
            Invalid, BadInput, MissingExtra, StoreDown: as ``keep``.
        """
        origin = origin_of(endpoint)
        if origin not in self._read():
            return None
        with self._changed() as hubs:
            kept = hubs.get(origin)
            in_keyring = isinstance(kept, Mapping) and kept.get("keyring") is True
            if in_keyring:
                self._keyring.remove(origin)
            hubs.pop(origin, None)
        return self._keyring.name if in_keyring else str(self._place)

    def _read(self) -> JsonObject:
        try:
            with self._place.open("rb") as file:
                mode, content = os.fstat(file.fileno()).st_mode, file.read(LIMIT_BYTES + 1)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise StoreDown(f"'{self._place}' cannot be read: {error.strerror or error}") from error
        if sys.platform != "win32" and stat.S_IMODE(mode) & 0o077:
            raise BadInput(
                f"'{self._place}' holds tokens and may be read by others than its owner",
                hint=f"chmod 600 '{self._place}', and make a new token on the Hub if others were here",
            )
        try:
            said: Json = json.loads(content) if len(content) <= LIMIT_BYTES else None
        except (ValueError, RecursionError):
            said = None
        hubs = said.get("hubs") if isinstance(said, Mapping) and said.get("format") == 1 else None
        if not isinstance(hubs, Mapping):
            raise BadInput(
                f"'{self._place}' is damaged", hint="remove it and run 'weighbridge login' again for each Hub"
            ) from None
        return hubs

    @contextmanager
    def _changed(self) -> Iterator[dict[str, Json]]:
        """What is kept, to be changed by the caller; written when the block ends well."""
        try:
            self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
            (self._home / "locks").mkdir(exist_ok=True)
            lock = os.open(self._home / "locks" / "credentials.lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StoreDown(f"nothing can be kept in '{self._home}': {error.strerror or error}") from error
        try:
            if take_flock(lock):
                self._sweep()
            hubs = dict(self._read())
            yield hubs
            self._write(
                json.dumps({"format": 1, "hubs": hubs}, indent=2, sort_keys=True, default=dict).encode()
            )
        except OSError as error:
            raise StoreDown(f"'{self._place}' cannot be written: {error.strerror or error}") from error
        finally:
            os.close(lock)

    def _sweep(self) -> None:
        """Nobody else writes now: what lies beside the file was left by somebody who was killed."""
        for left in Path(os.path.realpath(self._place)).parent.glob(f".{FILE_NAME}.*"):
            left.unlink(missing_ok=True)

    def _write(self, content: bytes) -> None:
        place = Path(os.path.realpath(self._place))
        made = place.with_name(f".{FILE_NAME}.{secrets.token_hex(8)}")
        try:
            file = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(file, "wb") as out:
                out.write(content)
                out.flush()
                os.fsync(out.fileno())
            made.replace(place)
        finally:
            made.unlink(missing_ok=True)


def _credential(token: str, source: Source, place: str) -> Credential:
    try:
        return Credential(token=checked_token(token), source=source, place=place)
    except Invalid as error:
        raise BadInput(f"the token of {place} {error.why}", hint=error.hint) from None


def _origin(hub: str) -> str:
    """Empty for what is no address: HF_ENDPOINT may be anything where another Hub is asked."""
    try:
        return origin_of(hub)
    except Invalid:
        return ""


def _content(file: Path) -> str:
    """A token file of Hugging Face's tools; one that cannot be read counts as none, as it does for them."""
    try:
        with file.open("rb") as opened:
            return opened.read(_HF_FILE_BYTES).decode().strip()
    except (OSError, UnicodeDecodeError):
        return ""
