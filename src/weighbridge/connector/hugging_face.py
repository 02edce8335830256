"""The connector to a Hub: huggingface.co, a mirror of it, or a Weighbridge."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta
from os import PathLike
from pathlib import Path

from weighbridge.bridge.connecting import Described, Line, Trying, open_line
from weighbridge.connector.arguments import name_of, path_of, search_of
from weighbridge.connector.cache import DEFAULT_TTL_HOURS, ModelCache
from weighbridge.connector.errors import (
    BadCredentials,
    BadRequest,
    CannotConnect,
    NoSuchFolder,
    NoSuchModel,
    NotConnected,
    as_documented,
    failed,
    translated,
)
from weighbridge.connector.metadata import ModelMetadata, metadata_of
from weighbridge.connector.platform import PlatformConnector
from weighbridge.connector.uploading import request_of
from weighbridge.connector.working import Threads
from weighbridge.domain.compatibility import Compatibility, compatibility
from weighbridge.domain.endpoint import checked_token, hub_address
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.ref import ModelRef, RepoId
from weighbridge.errors import NoAnswer, Unreachable, WeighbridgeError
from weighbridge.settings import load_settings

_LOG = logging.getLogger(__name__)


class HuggingFaceConnector(PlatformConnector):
    """Finds, describes, checks and fetches models of one Hub; safe for many tasks at once.

    What it learns is kept (``_cache``), so that it can be said again while the Hub is out of reach: an
    entry that is older than ``ttl_hours`` is then given as well, marked by ``is_stale`` and with its ``age``.

    Args:
        cache_dir: where that is kept; the home of Weighbridge where none is named.
        endpoint: the Hub; that of the environment (``HF_ENDPOINT``) where none is named.
        ttl_hours: how long what the Hub said counts as fresh.
        tries: how often a question is asked that gets no answer.
        pauses_s: how long is waited between these tries, all in all, in seconds; a Hub that limits our
            requests says how long it wants to be left alone.
        read_s: how long an answer may stand still, in seconds.

    Raises:
        ValueError: an argument cannot mean anything.
    """

    name = "huggingface"
    display_name = "HuggingFace Hub"
    description = "Models of a Hugging Face Hub: found, described, checked, fetched and published"
    supports_registry = True

    def __init__(
        self,
        cache_dir: str | PathLike[str] | None = None,
        *,
        endpoint: str | None = None,
        ttl_hours: float = DEFAULT_TTL_HOURS,
        tries: int = 4,
        pauses_s: float = 60.0,
        read_s: float = 30.0,
    ) -> None:
        if tries < 1 or pauses_s < 0 or not read_s > 0:
            raise BadRequest("'tries', 'pauses_s' and 'read_s' must leave some time for an answer")
        with translated():
            self._settings = load_settings()
            self.endpoint = hub_address(endpoint or self._settings.upstream)
        self._cache = ModelCache(cache_dir, ttl_hours, endpoint=self.endpoint)
        self._trying = Trying(tries=tries, pauses_s=pauses_s, read_s=read_s)
        self._threads, self._is_connected = Threads("connector"), False
        self._carriers = Threads("connector-files")
        self._line: Line | None = None

    def __repr__(self) -> str:
        return f"HuggingFaceConnector({self.endpoint!r}, connected={self._is_connected})"

    async def connect(self, credentials: Mapping[str, str]) -> bool:
        """Connect with the token under ``token``; any shape will do.

        While the Hub is out of reach, what was learned earlier can be asked for all the same.

        Raises:
            ValueError: there is no token, or it holds what cannot stand in a header.
            ConnectionError: the Hub does not answer, or does not know the token.
        """
        token = credentials.get("token") if isinstance(credentials, Mapping) else None
        if not token or not isinstance(token, str):
            raise BadCredentials("A HuggingFace token is required", hint='connect({"token": "..."})')
        try:
            token = checked_token(token)
        except Invalid as error:
            raise BadCredentials(
                f"Invalid HuggingFace token format (it {error.why})", hint=error.hint
            ) from None
        return await self._connected(token)

    async def connect_public(self) -> bool:
        """Connect without a token, to read what everybody may read.

        Raises:
            ConnectionError: the Hub does not answer, or shows nothing without a token.
        """
        return await self._connected(None)

    async def disconnect(self) -> bool:
        """Forget the token; what was learned stays."""
        line, self._line, self._is_connected = self._line, None, False
        if line is not None:
            line.close()
        return True

    async def verify_connection(self) -> bool:
        """Whether the Hub answers and knows the token, now."""
        if self._line is None:
            return False
        try:
            await self._greet(self._line)
        except CannotConnect as error:
            _LOG.debug("%s", error)
            return False
        return True

    async def search_models(
        self,
        query: str | None = None,
        filter_tags: Sequence[str] | None = None,
        sort: str = "downloads",
        limit: int = 20,
    ) -> list[ModelMetadata]:
        """The first models that answer: all tags must be there, the most of ``sort`` first.

        ``sort`` is ``downloads``, ``likes``, ``trending`` or ``updated``. A search lists no files. Where the
        Hub does not answer, what was learned of models is searched.

        Raises:
            ValueError: ``sort`` or ``limit`` cannot mean anything.
            RuntimeError: nobody has connected, or the Hub refuses; ``__cause__`` says why.
        """
        search, limit = search_of(query, filter_tags, sort, limit)
        line, ttl = self._line_or_raise(), timedelta(hours=self._cache.ttl_hours)
        with translated():
            found = await self._threads.run(lambda _: line.search(search, limit, ttl))
        return [metadata_of(each.entry, is_stale=each.is_stale) for each in found]

    async def get_model_metadata(self, model_id: str, use_cache: bool = True) -> ModelMetadata | None:
        """What is known of a model: remembered while it is fresh, else asked for, else remembered and stale.

        None where the Hub has no such model (or hides it), and, with a warning in the log, where the Hub
        cannot be reached and nothing is remembered.

        Raises:
            RuntimeError: the Hub refuses, limits our requests or is broken, and nothing is remembered;
                ``__cause__`` says which. Or nobody has connected, and nothing is remembered.
        """
        try:
            found = await self._described(model_id, use_cache=use_cache)
        except NoAnswer as error:
            _LOG.warning("nothing is known of %.200r: %s", model_id, error)
            return None
        return None if found is None else metadata_of(found.entry, is_stale=found.is_stale)

    async def check_license(self, model_id: str) -> str | None:
        """The licence's identifier, as ``apache-2.0``; None where the model or its licence is not known.

        Raises:
            RuntimeError: as ``get_model_metadata``.
        """
        metadata = await self.get_model_metadata(model_id)
        return None if metadata is None else metadata.license

    async def check_compatibility(self, model_id: str, required_library: str | None = None) -> bool:
        """Whether ``compatibility`` says yes.

        Raises:
            RuntimeError: as ``get_model_metadata``.
        """
        return (await self.compatibility(model_id, required_library)).is_compatible

    async def compatibility(self, model_id: str, required_library: str | None = None) -> Compatibility:
        """Whether the model's files can be loaded, by ``required_library`` if one is named, and why (not).

        Adapters (peft), GGUF, ONNX and sharded weights are models like others; a missing shard is named.

        Raises:
            RuntimeError: as ``get_model_metadata``.
        """
        if not isinstance(required_library, str | None):
            raise BadRequest("required_library must be a text")
        try:
            found = await self._described(model_id)
        except NoAnswer as error:
            return Compatibility(is_compatible=False, reason=f"nothing is known of it: {error}")
        if found is None:
            return Compatibility(is_compatible=False, reason="the Hub has no such model, or hides it")
        files = found.entry.files
        paths = None if files is None else [file.path for file in files]
        return compatibility(paths, found.entry.library or "", found.entry.tags, required_library)

    async def download_model(
        self, model_id: str, cache_dir: str | PathLike[str] | None = None, *, revision: str = "main"
    ) -> Path:
        """The folder of a model in a Hugging Face cache; every byte was checked on its way in.

        ``cache_dir`` is the user's own cache where none is named; ``from_pretrained`` finds the model there,
        or with the same ``cache_dir``. What is held is not fetched again. Whoever is cancelled
        stops the download; what came in so far is gone on with the next time.

        Raises:
            FileNotFoundError: the Hub has no such model or revision, or hides it.
            RuntimeError: nobody has connected, or it could not be had; ``__cause__`` says why.
        """
        line, place = self._line_or_raise(), None if cache_dir is None else path_of(cache_dir, "cache_dir")
        if not isinstance(revision, str):
            raise BadRequest("revision must be a text")
        try:
            ref = ModelRef(repo=RepoId.parse(name_of(model_id)), revision=revision)
        except Invalid as error:
            raise NoSuchModel(str(error), hint=error.hint) from error
        with translated():
            return await self._carriers.run(lambda given_up: line.fetch(ref, place, given_up))

    async def upload_artifact(self, path: str | PathLike[str], metadata: Mapping[str, object]) -> str:
        """Publish a folder in one commit, with a model card, and give the repository's address.

        ``metadata`` needs ``repo_id``. ``base_model``, ``dataset``, ``description``, ``training_config``,
        ``metrics`` and others (docs/connector.md) go into the card; ``private``, ``include``, ``tag`` and
        others say how it is published. A README.md that is there is kept. Scanners look at every file
        first; secrets, states of optimizers and caches stay behind. Whoever is cancelled may find it
        published all the same.

        Raises:
            FileNotFoundError: there is nothing at the path.
            ValueError: ``repo_id`` is missing, or a value cannot mean anything.
            RuntimeError: nobody has connected, or it could not be published; ``__cause__`` says why.
        """
        line = self._line_or_raise()
        folder = path_of(path, "path").expanduser()
        if not isinstance(metadata, Mapping):
            raise BadRequest("metadata must be a dictionary", hint='as in {"repo_id": "username/my-adapter"}')
        if not folder.is_dir():
            raise NoSuchFolder(
                f"Adapter path not found: {folder}", hint="name the folder of the adapter or model"
            )
        request = request_of(folder, metadata)
        try:
            done = await self._carriers.run(lambda given_up: line.publish(request, given_up))
        except (WeighbridgeError, Invalid) as error:
            raise failed(error) from error
        return done.pull_request or done.url

    async def _connected(self, token: str | None) -> bool:
        await self.disconnect()
        line = self._line_with(token, self._trying)
        try:
            await self._greet(line)
        except CannotConnect as error:
            if isinstance(error.__cause__, Unreachable):
                self._line = line  # what is remembered can be asked for
            raise
        self._line, self._is_connected = line, True
        return True

    def _line_with(self, token: str | None, trying: Trying) -> Line:
        return open_line(self._settings, self.endpoint, self._cache.index, token=token, trying=trying)

    async def _greet(self, line: Line) -> None:
        """Raises CannotConnect where the Hub does not answer, or not to us."""
        try:
            await self._threads.run(lambda _: line.greet())
        except WeighbridgeError as error:
            raise CannotConnect(f"Failed to connect to HuggingFace: {error}", hint=error.hint) from error

    async def _described(self, model_id: str, *, use_cache: bool = True) -> Described | None:
        """What is known of a model. Raises NoAnswer where nothing is and the Hub cannot be reached."""
        try:
            repo = RepoId.parse(name_of(model_id))
        except Invalid as error:
            _LOG.warning("%s", error)
            return None
        ttl = timedelta(hours=self._cache.ttl_hours)
        line = self._line or self._line_with(None, Trying(tries=0))
        try:
            return await self._threads.run(lambda _: line.describe(repo, ttl, use_memory=use_cache))
        except NoAnswer:
            if self._line is None:
                raise NotConnected from None
            raise
        except (WeighbridgeError, Invalid) as error:
            raise as_documented(error) from error

    def _line_or_raise(self) -> Line:
        if self._line is None:
            raise NotConnected
        return self._line
