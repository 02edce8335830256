"""What is wanted (Spec) and what it was pinned to (Lock)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import JsonObject, child, text, texts, whole
from weighbridge.domain.manifest import Manifest
from weighbridge.domain.paths import checked_path
from weighbridge.domain.ref import ModelRef, RepoId, RepoKind

LOCK_FORMAT = 1
_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


def pattern_fault(pattern: str) -> str:
    """Why a pattern can match no file of any repository; empty where it may."""
    bare = pattern.removeprefix("!").removesuffix("/")
    if not bare:
        return "is empty"
    if bare.startswith("/") or ".." in bare.split("/") or "\\" in bare:
        return "is no path below the repository: write it as in 'onnx/*.json'"
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """One wanted model: an entry of models.yaml, or one set of environment variables.

    ``local_dir`` is the folder's name below the cache folder; the id where none is given.
    ``license`` is a wish: the lock refuses a model whose licence is another one.
    """

    id: str
    ref: ModelRef
    files: tuple[str, ...] = ()
    local_dir: str = ""
    license: str | None = None

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.id):
            raise Invalid(
                "model id",
                self.id,
                "may hold only letters, digits, '-', '_' and '.', and begins with none of '-' and '.'",
            )
        checked_path(self.folder)
        for pattern in self.files:
            if fault := pattern_fault(pattern):
                raise Invalid("file pattern", pattern, fault)

    @property
    def folder(self) -> str:
        """The relative folder in which this model is laid out."""
        return self.local_dir or self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class LockEntry:
    """A Spec and what it was resolved to.

    ``revision`` is what was asked for (a branch, say); the manifest's commit is what it meant
    on the day of the lock, and holds only the files that the patterns name.
    """

    revision: str
    patterns: tuple[str, ...]
    license: str | None
    manifest: Manifest

    def answers(self, spec: Spec) -> bool:
        """Whether this entry was made for just what ``spec`` asks."""
        return (
            self.manifest.repo == spec.ref.repo
            and self.revision == spec.ref.revision
            and self.patterns == spec.files
        )

    def joined(self, earlier: LockEntry) -> LockEntry:
        """This entry with the files that another one names of the same commit."""
        files = {**earlier.manifest.by_path, **self.manifest.by_path}
        manifest = Manifest(repo=self.manifest.repo, commit=self.manifest.commit, files=tuple(files.values()))
        patterns = tuple(dict.fromkeys((*earlier.patterns, *self.patterns)))
        return replace(self, patterns=patterns, manifest=manifest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """Every Spec of a model list, pinned: {spec id: LockEntry}."""

    entries: Mapping[str, LockEntry] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "entries", MappingProxyType(dict(sorted(self.entries.items()))))

    def stale(self, specs: Iterable[Spec]) -> tuple[str, ...]:
        """The ids that the lock lacks, answers differently, or has in excess."""
        wanted = {spec.id: spec for spec in specs}
        changed = [
            id for id, spec in wanted.items() if id not in self.entries or not self.entries[id].answers(spec)
        ]
        return (*changed, *(id for id in self.entries if id not in wanted))

    def dumps(self) -> str:
        """The canonical text: the same lock always gives the same bytes, one file per line."""
        models = ",\n".join(_dump_entry(id, entry) for id, entry in self.entries.items())
        body = f"{{\n{models}\n  }}" if models else "{}"
        return f'{{\n  "lock_format": {LOCK_FORMAT},\n  "models": {body}\n}}\n'

    @classmethod
    def loads(cls, spelled: str) -> Lock:
        """Read what ``dumps`` wrote.

        Raises:
            Invalid: the text is not a lock, or is one of a later format.
        """
        try:
            source = json.loads(spelled)
        except (ValueError, RecursionError) as error:
            raise Invalid("lock", spelled[:40], f"is not JSON ({error})") from error
        if not isinstance(source, dict) or whole(source, "lock_format") is None:
            raise Invalid("lock", spelled[:40], "has no lock_format")
        if source["lock_format"] != LOCK_FORMAT:
            raise Invalid(
                "lock_format",
                source["lock_format"],
                f"is not {LOCK_FORMAT}",
                hint="it was written by another version of Weighbridge: update, or lock again",
            )
        models = child(source, "models")
        return cls(entries={id: _load_entry(id, child(models, id)) for id in models})


def _dump_entry(id: str, entry: LockEntry) -> str:
    def spell(value: object) -> str:
        return json.dumps(value, ensure_ascii=False, sort_keys=False, separators=(", ", ": "))

    manifest = entry.manifest
    head = {
        "kind": manifest.repo.kind.value,
        "repo": manifest.repo.full_name,
        "revision": entry.revision,
        "commit": manifest.commit,
        "license": entry.license,
        "patterns": list(entry.patterns),
    }
    lines = [f"      {spell(key)}: {spell(value)}," for key, value in head.items()]
    files = ",\n".join(f"        {spell(file.to_json())}" for file in manifest.files)
    return f"    {spell(id)}: {{\n" + "\n".join(lines) + f'\n      "files": [\n{files}\n      ]\n    }}'


def _load_entry(id: str, source: JsonObject) -> LockEntry:
    revision = text(source, "revision")
    if revision is None:
        raise Invalid("lock entry", id, "has no revision")
    manifest = Manifest.from_json(source)
    if not manifest.is_complete:
        raise Invalid("lock entry", id, "has a file without a sha256", hint="lock again")
    ModelRef(repo=manifest.repo, revision=revision)
    return LockEntry(
        revision=revision,
        patterns=texts(source, "patterns"),
        license=text(source, "license"),
        manifest=manifest,
    )


def repo_of(full_name: str, kind: str) -> RepoId:
    """The repository that a model list names.

    Raises:
        Invalid: the name or the kind is none.
    """
    if kind not in set(RepoKind):
        raise Invalid("kind", kind, "is none of model, dataset, space")
    return RepoId.parse(full_name, RepoKind(kind))
