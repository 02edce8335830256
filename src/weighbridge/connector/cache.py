"""What was learned of models, kept for when the Hub is out of reach, and shared by all processes."""

from __future__ import annotations

import logging
from os import PathLike
from pathlib import Path

from weighbridge.bridge.connecting import ModelIndex, open_index
from weighbridge.connector.arguments import name_of
from weighbridge.connector.errors import BadRequest, translated
from weighbridge.connector.metadata import ModelMetadata, entry_of, metadata_of
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.ref import RepoId
from weighbridge.settings import load_settings

DEFAULT_TTL_HOURS = 24.0
_LOG = logging.getLogger(__name__)


class ModelCache:
    """Metadata of models by their id: the index that ``weighbridge search`` uses too.

    One file for all models of a Hub, safe for many processes; the oldest go when it grows too large,
    and a damaged one is set aside and begun anew.
    """

    def __init__(
        self,
        cache_dir: str | PathLike[str] | None = None,
        ttl_hours: float = DEFAULT_TTL_HOURS,
        *,
        endpoint: str | None = None,
    ) -> None:
        """Nothing is opened yet. ``cache_dir`` None: in the home. ``endpoint`` is whose models they are.

        Raises:
            ValueError: ``ttl_hours`` is not more than nothing, or the endpoint is no address.
        """
        if not ttl_hours > 0:
            raise BadRequest(f"ttl_hours is {ttl_hours!r}, but must be more than 0")
        with translated():
            settings = load_settings()
            folder = Path(cache_dir).expanduser().absolute() if cache_dir is not None else None
            self._index = open_index(settings, endpoint or settings.upstream, folder)
        self.ttl_hours = ttl_hours

    @property
    def index(self) -> ModelIndex:
        """The index behind it."""
        return self._index

    def get(self, model_id: str, ttl_hours: float | None = None) -> ModelMetadata | None:
        """What is known of a model; None where nothing is, or where it is older than so many hours.

        What is too old stays: it is better than nothing when the Hub is out of reach.
        """
        repo = _repo(model_id)
        with translated():
            entry = self._index.get(repo) if repo is not None else None
        metadata = None if entry is None else metadata_of(entry)
        hours = self.ttl_hours if ttl_hours is None else ttl_hours
        return None if metadata is None or metadata.is_expired(hours) else metadata

    def set(self, metadata: ModelMetadata) -> None:
        """Remember a model. Without files (as a search gives it) it takes nothing away from what is known.

        Raises:
            ValueError: its id is not one of a model, or its card cannot be kept as JSON.
        """
        with translated():
            self._index.put([entry_of(metadata)])

    def remove(self, model_id: str) -> None:
        """Forget a model; one that is not known is fine."""
        repo = _repo(model_id)
        if repo is not None:
            with translated():
                self._index.remove(repo)

    def clear(self) -> None:
        """Forget every model."""
        with translated():
            self._index.clear()

    def get_all_cached(self) -> list[ModelMetadata]:
        """Every model, however old."""
        with translated():
            return [metadata_of(entry) for entry in self._index.all()]

    def close(self) -> None:
        """Close the file; it is opened again when it is needed."""
        with translated():
            self._index.close()


def _repo(model_id: str) -> RepoId | None:
    """The repository that an id names; None where no repository can be called so."""
    try:
        return RepoId.parse(name_of(model_id))
    except Invalid as error:
        _LOG.debug("%s", error)
        return None
