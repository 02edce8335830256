"""What an application's environment asks to be loaded, and on which conditions."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

from weighbridge.domain.invalid import Invalid
from weighbridge.domain.licence import licence_of
from weighbridge.domain.licence_wish import CATEGORIES
from weighbridge.domain.manifest import sha256
from weighbridge.domain.paths import path_faults
from weighbridge.domain.ref import ModelRef, RepoId

_RULE = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)+")
_REGISTRIES = ("huggingface", "weighbridge", "url")


class ModelType(StrEnum):
    """How a model is loaded."""

    GGUF = "gguf"
    LORA = "lora"
    TRANSFORMERS = "transformers"


@dataclass(frozen=True, slots=True, kw_only=True)
class StartWish:
    """One set of variables, read and found to make sense together.

    ``ref`` is what ``MODEL_VERSION`` names: the model, or for ``lora`` the adapter. ``url`` is where a
    file is that no registry has; it may hold a secret and is not shown. ``allowed_findings`` are rules
    of the scanners whose findings of severity ``review`` are accepted.
    """

    type: ModelType
    ref: ModelRef
    file: str = ""
    base: ModelRef | None = None
    sha256: str = ""
    url: str = field(default="", repr=False)
    allowed_licenses: tuple[str, ...] = ()
    allowed_findings: tuple[str, ...] = ()
    any_base: bool = False


def read_wish(
    given: Mapping[str, str], licences: Callable[[str], tuple[str, ...]] = lambda one: (one,)
) -> tuple[StartWish | None, tuple[str, ...]]:
    """The wish, and all that is missing or wrong, one clause each; a variable that is empty is not set.

    ``licences`` takes an SPDX expression (``MIT OR Apache-2.0``) apart.
    """
    reading = _Reading({name: value.strip() for name, value in given.items()})
    wish = reading.wish(licences)
    return (None if reading.faults else wish), tuple(reading.faults)


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


class _Reading:
    """Reads variable by variable and remembers what was wrong."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = given
        self.faults: list[str] = []

    def wish(self, licences: Callable[[str], tuple[str, ...]]) -> StartWish | None:
        kind, ref = self.type(), self.main_ref()
        base = self.base() if kind is ModelType.LORA else None
        file, url, digest = self.file(kind), self.url(kind), self.digest()
        allowed, findings = self.licences(licences), self.findings()
        if url and not digest:
            self.faults.append("MODEL_URL needs MODEL_SHA256, for nobody else says what the file should be")
        if kind is None or ref is None:
            return None
        return StartWish(
            type=kind,
            ref=ref,
            file=file,
            base=base,
            sha256=digest,
            url=url,
            allowed_licenses=allowed,
            allowed_findings=findings,
            any_base=self._given.get("ALLOW_OTHER_BASE", "").lower() in ("1", "true", "yes", "on"),
        )

    def type(self) -> ModelType | None:
        spelled = self._given.get("MODEL_TYPE", "").lower()
        if spelled in set(ModelType):
            return ModelType(spelled)
        said = f"is {spelled!r}" if spelled else "is not set"
        self.faults.append(f"MODEL_TYPE {said}: it is one of {', '.join(ModelType)}")
        return None

    def main_ref(self) -> ModelRef | None:
        registry = self._given.get("MODEL_REGISTRY", "") or "huggingface"
        if registry.lower() not in _REGISTRIES:
            self.faults.append(f"MODEL_REGISTRY is {registry!r}: it is one of {', '.join(_REGISTRIES)}")
        is_lora = self._given.get("MODEL_TYPE", "").lower() == ModelType.LORA
        if is_lora and self._given.get("LORA_ID"):
            return self._ref("LORA_ID", "LORA_REVISION", "MODEL_VERSION")
        return self._ref("MODEL_ID", "LORA_REVISION" if is_lora else "MODEL_VERSION", "MODEL_VERSION")

    def base(self) -> ModelRef | None:
        return self._ref("BASE_MODEL", "BASE_REVISION", "BASE_REVISION")

    def file(self, kind: ModelType | None) -> str:
        file = self._given.get("MODEL_FILE", "")
        if kind is not ModelType.GGUF:
            return ""
        if file and not file.lower().endswith(".gguf"):
            self.faults.append(f"MODEL_FILE is {file!r}, which is no name of a GGUF file")
        elif file and (faults := path_faults(file)):
            self.faults.append(f"MODEL_FILE {faults[0].why}")
        return file or self.file_of_url()

    def file_of_url(self) -> str:
        """What a file at an address is called where MODEL_FILE does not say."""
        try:
            named = urlsplit(self._given.get("MODEL_URL", "")).path.rpartition("/")[2]
        except ValueError:
            return ""  # ``url`` tells of it
        if self._given.get("MODEL_URL") and (not named.lower().endswith(".gguf") or path_faults(named)):
            self.faults.append("MODEL_URL does not end in the name of a GGUF file, and MODEL_FILE is not set")
        return named

    def url(self, kind: ModelType | None) -> str:
        url = self._given.get("MODEL_URL", "")
        if not url:
            if self._given.get("MODEL_REGISTRY", "").lower() == "url":
                self.faults.append("MODEL_REGISTRY is 'url' and MODEL_URL is not set")
            return ""
        if self._given.get("MODEL_REGISTRY", "url").lower() not in ("", "url"):
            self.faults.append("MODEL_URL is set and MODEL_REGISTRY is not 'url': one of them is not meant")
        if not _is_address(url):
            self.faults.append("MODEL_URL is no address that begins with https://")
        if kind not in (ModelType.GGUF, None):
            self.faults.append("MODEL_URL names one file, and only MODEL_TYPE=gguf is one file")
        return url

    def digest(self) -> str:
        spelled = self._given.get("MODEL_SHA256", "").lower().removeprefix("sha256:")
        if not spelled:
            return ""
        try:
            return sha256(spelled).value
        except Invalid:
            self.faults.append("MODEL_SHA256 is not 64 hexadecimal digits")
            return ""

    def licences(self, alternatives: Callable[[str], tuple[str, ...]]) -> tuple[str, ...]:
        found: list[str] = []
        for word in self._words("ALLOWED_LICENSES"):
            found += [word] if len(word.split()) == 1 else alternatives(word)
        unknown = [one for one in found if one.lower() not in CATEGORIES and licence_of(one) is None]
        if unknown:
            self.faults.append(f"ALLOWED_LICENSES names no licence that is known: {', '.join(unknown)}")
        return tuple(dict.fromkeys(one.lower() if one.lower() in CATEGORIES else one for one in found))

    def findings(self) -> tuple[str, ...]:
        words = self._words("ALLOWED_FINDINGS")
        if wrong := [word for word in words if not _RULE.fullmatch(word)]:
            self.faults.append(f"ALLOWED_FINDINGS holds what is no rule of the scanners: {', '.join(wrong)}")
        return words

    def _words(self, name: str) -> tuple[str, ...]:
        return tuple(word.strip() for word in self._given.get(name, "").split(",") if word.strip())

    def _ref(self, repo: str, *revisions: str) -> ModelRef | None:
        if not self._given.get(repo):
            self.faults.append(f"{repo} is not set")
            return None
        named = next((name for name in revisions if self._given.get(name)), revisions[-1])
        try:
            parsed = RepoId.parse(self._given[repo])
        except Invalid as error:
            self.faults.append(f"{repo}: {error}")
            return None
        try:
            return ModelRef(repo=parsed, revision=self._given.get(named) or "main")
        except Invalid as error:
            self.faults.append(f"{named}: {error}")
            return None
