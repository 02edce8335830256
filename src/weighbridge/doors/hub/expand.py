"""What ``expand`` may name: the properties of the Hub, for each kind of repository."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from weighbridge.domain.ref import RepoKind
from weighbridge.errors import BadInput

_ALL = frozenset(
    {
        *("_id", "id", "author", "cardData", "createdAt", "disabled", "gitalyUid", "lastModified", "likes"),
        *(
            "private",
            "resourceGroup",
            "sha",
            "siblings",
            "tags",
            "trendingScore",
            "usedStorage",
            "xetEnabled",
        ),
    }
)
_WITH_FILES = frozenset({"downloads", "downloadsAllTime", "gated"})
EXPANDABLE: Mapping[RepoKind, frozenset[str]] = {
    RepoKind.MODEL: _ALL
    | _WITH_FILES
    | {
        *("baseModels", "childrenModelCount", "config", "evalResults", "gguf", "inference"),
        *("inferenceProviderMapping", "library_name", "mask_token", "model-index", "pipeline_tag"),
        *("safetensors", "spaces", "transformersInfo", "widgetData"),
    },
    RepoKind.DATASET: _ALL | _WITH_FILES | {"citation", "description", "mainSize", "paperswithcode_id"},
    RepoKind.SPACE: _ALL | {"datasets", "models", "region", "runtime", "sdk", "subdomain"},
}
"""The names that clients of Python and JavaScript know; what a repository lacks of them is left out."""


def require_expandable(kind: RepoKind, names: Collection[str]) -> None:
    """Nothing, if every name is a property of such a repository.

    Raises:
        BadInput: one is not; the message lists those that are.
    """
    unknown = sorted(set(names) - EXPANDABLE[kind])
    if unknown:
        raise BadInput(
            f"'expand' of a {kind.value} cannot name {unknown[0][:40]!a}; it may name any of "
            f"{', '.join(sorted(EXPANDABLE[kind]))}"
        )
