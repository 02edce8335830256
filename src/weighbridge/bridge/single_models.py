"""Models without a model list: a list of one, whose lock lies in the folder that holds the model.

    <cache_dir>/.weighbridge/pins/<id>.lock      what one model was pinned to, in the format of every lock

Each model has a file of its own, so that two processes which pin two models cannot lose each other's pin.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from weighbridge.adapters.layout_files import fault_of
from weighbridge.adapters.layout_index import read_index
from weighbridge.adapters.model_list import ModelList
from weighbridge.adapters.model_list.reading import VERIFY_LEVELS
from weighbridge.bridge.models import Models
from weighbridge.domain.lock import Spec
from weighbridge.domain.manifest import FileEntry, sha256
from weighbridge.errors import NotFound, WeighbridgeError

__all__ = ["VERIFY_LEVELS", "ModelList", "elsewhere", "faults_at", "is_right", "list_of_one"]


def list_of_one(spec: Spec, cache_dir: Path, verify: str = "sha256") -> ModelList:
    """A list that asks for one model; its lock is the model's own pin."""
    own = cache_dir.absolute() / ".weighbridge" / "pins" / f"{spec.id}.yaml"
    return ModelList(path=own, cache_dir=cache_dir.absolute(), verify=verify, specs=(spec,))


def elsewhere(listed: ModelList, cache_dir: Path, specs: Iterable[Spec] = ()) -> ModelList:
    """The same list with its lock, as plain folders in another folder; with ``specs``, only these."""
    here = replace(listed, cache_dir=cache_dir.absolute(), layout="dir", hf_cache=None)
    return replace(here, specs=tuple(specs) or listed.specs)


def is_right(models: Models, listed: ModelList, id: str) -> bool:
    """Whether a model's folder shows just what is locked. No Hub is asked and nothing is written.

    One stat per file tells where the receipts hold; where they do not (a folder out of a backup or an
    image layer, a file that was rewritten) every byte is read.
    """
    state = models.list(listed, [id])[0].state
    if state in ("held", "missing", "partial"):
        return state == "held"
    (found,) = models.verify(listed, [id], level="sha256")
    return not found.faults


def faults_at(folder: Path, level: str) -> tuple[WeighbridgeError, ...]:
    """Everything that is wrong with a folder that was laid out here, at a level of ``VERIFY_LEVELS``.

    Raises:
        NotFound: there is no such folder, or it is none of ours.
    """
    folder = folder.absolute()
    if not folder.is_dir():
        raise NotFound(f"there is no folder '{folder}'")
    for root in folder.parents:
        name = folder.relative_to(root).as_posix()
        record = read_index(root / ".weighbridge" / "index.json").get(name)
        if record is not None:
            entries = [
                FileEntry(path=path, size_bytes=receipt[0], digests=(sha256(receipt[3]),))
                for path, receipt in sorted(record.files.items())
            ]
            found = [fault_of(folder / entry.path, f"{name}/{entry.path}", entry, level) for entry in entries]
            return tuple(fault for fault in found if fault is not None)
    raise NotFound(
        f"nothing is known of '{folder}': it was not laid out here",
        hint="only folders that Weighbridge laid out can be verified by their path",
    )
