"""What an application says of an adapter or a model, read as a request to publish it."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path

from weighbridge.connector.errors import BadRequest
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import Json, JsonObject
from weighbridge.domain.made_model import Said
from weighbridge.domain.publish_request import MAIN, PublishRequest
from weighbridge.domain.ref import RepoId

_LOG = logging.getLogger(__name__)


def request_of(folder: Path, metadata: Mapping[str, object]) -> PublishRequest:
    """The request that the metadata of ``upload_artifact`` mean; what nobody knows is told to the log.

    Raises:
        BadRequest: ``repo_id`` is missing, or a value is of another type or out of bounds.
    """
    said = _Said(metadata)
    repo_id = said.text("repo_id")
    if not repo_id:
        raise BadRequest("repo_id is required in metadata", hint='as in {"repo_id": "username/my-adapter"}')
    try:
        request = PublishRequest(
            folder=folder,
            repo=RepoId.parse(repo_id),
            said=_words(said),
            private=said.flag("private"),
            include=said.texts("include"),
            revision=said.text("revision") or MAIN,
            message=said.text("commit_message"),
            create_pr=said.flag("create_pr"),
            tag=said.text("tag"),
            replace_card=said.flag("replace_card"),
            gate=said.flag("gate"),
        )
    except Invalid as error:
        raise BadRequest(str(error), hint=error.hint) from error
    if unknown := sorted(map(str, set(metadata) - said.asked)):
        _LOG.warning("nothing is known to do with metadata of the name %s", ", ".join(unknown)[:300])
    return request


def _words(said: _Said) -> Said:
    """What the card says and no file does."""
    return Said(
        base_models=said.texts("base_model"),
        datasets=said.texts("dataset"),
        description=said.text("description"),
        adapter_type=said.text("adapter_type"),
        training=said.values("training_config"),
        metrics=said.values("metrics"),
        evaluated_on=said.text("evaluated_on"),
        license=said.text("license"),
        license_name=said.text("license_name"),
        license_link=said.text("license_link"),
        languages=said.texts("language"),
        task=said.text("task"),
        card_tags=said.texts("tags"),
    )


class _Said:
    """Metadata, read by type; None is nothing said. ``asked`` are the names that were looked for."""

    def __init__(self, metadata: Mapping[str, object]) -> None:
        self._metadata, self.asked = metadata, set[object]()

    def text(self, name: str) -> str:
        value = self._of(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise BadRequest(f"{name} in metadata must be a text")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        value = self._of(name)
        found = (value,) if isinstance(value, str) else value if isinstance(value, list | tuple) else None
        if value is not None and (found is None or not all(isinstance(each, str) for each in found)):
            raise BadRequest(f"{name} in metadata must be a text or a list of texts")
        return tuple(each for each in found or () if each)

    def flag(self, name: str) -> bool:
        value = self._of(name)
        if not isinstance(value, bool | None):
            raise BadRequest(f"{name} in metadata must be True or False")
        return bool(value)

    def values(self, name: str) -> JsonObject:
        """An object that JSON can hold. What it cannot, as a path, becomes a text, and no number none."""
        value = self._of(name)
        if not isinstance(value, Mapping | None):
            raise BadRequest(f"{name} in metadata must be a dictionary")
        try:
            found: Json = json.loads(
                json.dumps(dict(value or {}), default=str), parse_constant=lambda _: None
            )
        except (TypeError, ValueError, RecursionError) as error:
            raise BadRequest(f"{name} in metadata cannot be written as JSON: {error}") from error
        return found if isinstance(found, Mapping) else {}

    def _of(self, name: str) -> object:
        self.asked.add(name)
        return self._metadata.get(name)
