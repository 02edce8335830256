"""Where the models of a list lie, and by which layout: a plain folder, or the Hugging Face cache."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from weighbridge.adapters.layout_dir import DirLayout
from weighbridge.adapters.model_list import ModelList
from weighbridge.domain.lock import Spec
from weighbridge.domain.manifest import Manifest
from weighbridge.errors import BadInput

if TYPE_CHECKING:
    from weighbridge.adapters.layout_hf import HfCache, HfLayout

AnyLayout: TypeAlias = "DirLayout | HfLayout"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """Where one model is laid out, or will be."""

    layout: AnyLayout
    folder: str

    @property
    def path(self) -> Path:
        """The folder with the model's files."""
        return self.layout.path(self.folder)

    @property
    def is_shared(self) -> bool:
        """Whether other models of the list may show files in the same folder."""
        return not isinstance(self.layout, DirLayout)

    @property
    def moved_from(self) -> str:
        """The commit that a branch or tag of the Hugging Face cache led to before, where that changed."""
        return "" if isinstance(self.layout, DirLayout) else self.layout.moved_from


class Layouts:
    """The layouts of this home. Each is made once, so that what it read is not read again."""

    def __init__(self, home: Path, hf_cache: Path, blob_path: Callable[[str], Path]) -> None:
        self._home, self._hf_cache, self._blob_path = home, hf_cache, blob_path
        self._dirs: dict[tuple[Path, str, bool], DirLayout] = {}
        self._caches: dict[Path, HfCache] = {}

    def spot(
        self,
        models: ModelList,
        spec: Spec,
        manifest: Manifest | None,
        layout: str | None = None,
        *,
        user: str = "",
        editable: bool = False,
    ) -> Spot:
        """Where a model of the list goes; without a manifest, what can be said before it is pinned.

        ``layout`` takes the place of what the list says, ``user`` is the lock that it is done for.

        Raises:
            BadInput: ``editable`` in a layout that others share.
        """
        chosen = layout or models.layout
        if chosen == "dir":
            return Spot(layout=self._dir(models.cache_dir, user, editable), folder=spec.folder)
        if editable:
            raise BadInput(
                "what lies in a Hugging Face cache is shared, and not to be edited",
                hint="lay the model out as a plain folder: --layout dir --copy",
            )
        from weighbridge.adapters.layout_hf import repo_folder, snapshot_folder

        repo = spec.ref.repo
        folder = snapshot_folder(repo, manifest.commit) if manifest else repo_folder(repo)
        return Spot(layout=self._cache(models).layout(spec.ref.revision, user), folder=folder)

    def _dir(self, cache_dir: Path, user: str, editable: bool) -> DirLayout:
        known = self._dirs.get((cache_dir, user, editable))
        if known is None:
            known = DirLayout(cache_dir, self._blob_path, user=user, editable=editable)
            self._dirs[cache_dir, user, editable] = known
        return known

    def _cache(self, models: ModelList) -> HfCache:
        place = models.hf_cache or self._hf_cache
        known = self._caches.get(place)
        if known is None:
            from weighbridge.adapters.layout_hf import HfCache

            known = self._caches[place] = HfCache(place, self._home, self._blob_path)
        return known
