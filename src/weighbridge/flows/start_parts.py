"""The first steps of a start: which bytes are meant, and having them.

pins.get(version)      held? then nobody is asked
  -> resolve, choose the files, pin (ensure.pin), pins.put
  -> ensure            the files in their folder, checked while they came
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import text
from weighbridge.domain.lock import LockEntry, Spec
from weighbridge.domain.manifest import FileEntry, Manifest, Storage, sha256
from weighbridge.domain.model_files import files_to_run, main_file, names_same_repo
from weighbridge.domain.ref import ModelRef
from weighbridge.domain.repo import ModelInfo
from weighbridge.domain.start_wish import ModelType
from weighbridge.errors import BadInput, Denied, IntegrityError, NotFound, StoreDown, Unreachable
from weighbridge.flows.ensure import Ensured, as_found, ensure, pin, resolve_manifest
from weighbridge.flows.fetching import fetch as fetch_all
from weighbridge.flows.fetching import missing
from weighbridge.flows.folder_texts import json_in
from weighbridge.flows.start_state import Part, Start, StartTools
from weighbridge.ports import BlobStore, Hub

Choose = Callable[[Manifest], tuple[str, ...]]


def resolve(start: Start, tools: StartTools) -> Start:
    """Find the commit of every repository, and the files that are needed of it."""
    wish = start.wish
    if wish.url:
        return _resolve_url(start, tools)
    model = part_of(wish.ref, lambda m: files_to_run(wish.type, m, wish.file), tools)
    parts = [model]
    if wish.base is not None:
        parts.append(part_of(wish.base, lambda m: files_to_run(ModelType.TRANSFORMERS, m), tools))
    told = "; ".join(f"{part.ref} is commit {part.entry.manifest.commit}" for part, _ in parts)
    warnings = [warning for _, found in parts for warning in found]
    base = parts[1][0] if len(parts) > 1 else None
    return replace(start, model=model[0], base=base).said(told, *warnings)


def fetch(start: Start, tools: StartTools) -> Start:
    """Have every file in its folder; the adapter before the base that it is said to be for."""
    if _is_other(start):
        return start.said("not fetched: the file that is meant has another sha256 than MODEL_SHA256")
    done, warnings = [], list[str]()
    for part in start.parts:
        done.append(_had(part, start, tools))
        if part is start.model and start.wish.type is ModelType.LORA:
            warnings += _agreeing(part, start, tools)
    fetched = sum(one.fetched_bytes for one in done)
    found = f"{fetched:,} bytes fetched" if fetched else "held, nothing fetched"
    return start.said(f"{found}; in {', '.join(part.folder for part in start.parts)}", *warnings)


def part_of(ref: ModelRef, choose: Choose, tools: StartTools) -> tuple[Part, tuple[str, ...]]:
    """A repository at a version: as it was pinned before, else as the Hub has it now.

    Raises:
        BadInput: the repository lacks a needed file.
        NotFound, Denied, Unreachable, IntegrityError: as the Hub says.
    """
    folder, entry = tools.pins.folder(ref), tools.pins.get(ref)
    if entry is not None:
        try:
            wanted = choose(entry.manifest)
            return Part(ref=ref, entry=entry, wanted=wanted, folder=folder), ()
        except Invalid:
            pass  # it was pinned for other files
    meant = ref if entry is None else ModelRef(repo=ref.repo, revision=entry.manifest.commit)
    hub, blobs = tools.hub(), tools.blobs()
    with tools.pins.using():  # until the pin stands there, nothing else keeps ``clean`` away
        info, manifest = resolve_manifest(meant, hub, tools.shelf, blobs)
        fresh, wanted = _pinned(ref, info, manifest, choose, tools)
        kept = tools.pins.put(ref, fresh)
    if kept.manifest.commit != info.commit:
        return part_of(ref, choose, tools)  # somebody else was first, when it meant something else
    warnings = () if entry or ref.is_pinned else _moving(ref, info.commit, tools)
    return Part(ref=ref, entry=kept, wanted=wanted, folder=folder), warnings


def have(part: Part, tools: StartTools) -> Ensured:
    """The files of a part in its folder, beside those that others use of it.

    Raises:
        What ``ensure`` raises.
    """
    if found := _as_found(part, tools):
        return found
    hub, blobs = tools.hub(), tools.blobs()
    with tools.pins.using():
        return _brought(part, hub, blobs, tools)


def _brought(part: Part, hub: Hub, blobs: BlobStore, tools: StartTools) -> Ensured:
    absent = sum(file.size_bytes for file in missing(part.used, blobs))
    fetch_all(part.used, hub, blobs, tools.reporter, tools.connections)
    with tools.pins.alone(part.ref):
        # What was pinned for others, or since by others, stays if it is here; it is not fetched for them.
        known = (tools.pins.get(part.ref) or part.entry).manifest
        files = [f for f in known.files if f.path in part.wanted or (f.sha256 and blobs.holds(f.sha256))]
        held = Manifest(repo=known.repo, commit=known.commit, files=tuple(files))
        done = ensure(part.folder, held, tools.layout, hub, blobs, tools.reporter, tools.connections)
    return replace(done, fetched_bytes=absent)


def _as_found(part: Part, tools: StartTools) -> Ensured | None:
    """The folder, where it shows what is wanted already."""
    try:
        for manifest in (part.entry.manifest, part.used):
            if found := as_found(part.folder, manifest, tools.layout):
                return found
    except StoreDown:
        # The layer of an image has other inodes than were noted, and new notes cannot be written there.
        if not tools.faults(part.folder, part.used):
            return Ensured(path=tools.layout.path(part.folder), state="held", fetched_bytes=0)
    return None


def _pinned(
    ref: ModelRef, info: ModelInfo, manifest: Manifest, choose: Choose, tools: StartTools
) -> tuple[LockEntry, tuple[str, ...]]:
    try:
        wanted = choose(manifest)
    except Invalid as error:
        raise BadInput(str(error), hint=error.hint) from error
    spec = Spec(id="model", ref=ref, files=tuple(map(_literal, wanted)))
    entry = pin(spec, info, manifest, tools.hub(), tools.blobs(), tools.reporter, tools.connections)
    return entry, wanted


def _literal(path: str) -> str:
    """The pattern that names just this path; a first ``!`` cannot be spelled but as any character."""
    escaped = "".join(f"[{char}]" if char in "*?[" else char for char in path)
    return f"?{escaped[1:]}" if escaped.startswith("!") else escaped


def _moving(ref: ModelRef, commit: str, tools: StartTools) -> tuple[str, ...]:
    """A warning where the version is a branch; a tag is meant to stay where it is."""
    try:
        if ref.revision in tools.hub().refs(ref.repo).tags:
            return ()
    except (NotFound, Denied, Unreachable, IntegrityError):
        pass  # a Hub that does not tell what is a tag leaves it in doubt
    return (
        f"'{ref.revision}' of {ref.repo} can move; it is kept at {commit} from now on: "
        "name this commit as the version",
    )


def _had(part: Part, start: Start, tools: StartTools) -> Ensured:
    if part.is_url and _as_found(part, tools) is None:
        entry = part.used.files[0]
        _, source = tools.file_at(start.wish.url, entry.path)
        tools.reporter.begin(entry.path, entry.size_bytes)
        with tools.pins.using():
            try:
                tools.blobs().fetch(entry, source(entry), tools.reporter.moved)
            finally:
                tools.reporter.end()
            return replace(have(part, tools), fetched_bytes=entry.size_bytes)
    return have(part, tools)


def _is_other(start: Start) -> bool:
    """Whether the sha256 that was asked for is known not to be the file's."""
    file = main_file(start.wish.type, start.main.wanted, start.wish.file)
    entry = start.main.entry.manifest.by_path.get(file)
    return bool(start.wish.sha256 and entry and entry.sha256 != start.wish.sha256)


def _agreeing(adapter: Part, start: Start, tools: StartTools) -> Iterable[str]:
    """Warnings of the adapter's own word for its base.

    Raises:
        BadInput: it names another base than BASE_MODEL.
    """
    config = json_in(tools.layout.path(adapter.folder) / "adapter_config.json")
    recorded = text(config, "base_model_name_or_path") or ""
    base = start.wish.base
    if base is None or names_same_repo(recorded, base.repo.full_name):
        return
    if not recorded:
        yield f"the adapter {adapter.ref.repo} does not say which base model it is for"
    elif start.wish.any_base:
        yield f"the adapter says that it is for {recorded!r}; {base.repo} is taken (ALLOW_OTHER_BASE)"
    else:
        raise BadInput(
            f"BASE_MODEL is '{base.repo}', but the adapter {adapter.ref.repo} was made for {recorded!r}",
            hint="set BASE_MODEL to what it says; if both are the same weights, set ALLOW_OTHER_BASE=1",
        )


def _resolve_url(start: Start, tools: StartTools) -> Start:
    """One file that no registry has: its sha256 is its version."""
    wish, path = start.wish, start.wish.file
    folder, entry = tools.pins.folder(wish.ref), tools.pins.get(wish.ref)
    known = entry.manifest.by_path.get(path) if entry else None
    if entry is None or known is None or known.sha256 != wish.sha256:
        size, _ = tools.file_at(wish.url, path)
        file = FileEntry(path=path, size_bytes=size, digests=(sha256(wish.sha256),), storage=Storage.LFS)
        manifest = Manifest(repo=wish.ref.repo, commit=wish.sha256[:40], files=(file,))
        entry = LockEntry(revision=wish.ref.revision, patterns=(path,), license=None, manifest=manifest)
        tools.pins.put(wish.ref, entry, anew=True)
    part = Part(ref=wish.ref, entry=entry, wanted=(path,), folder=folder, is_url=True)
    return replace(start, model=part).said(f"'{path}' of MODEL_URL is sha256:{wish.sha256}")
