"""By what a model is known again in the registry, and what those of others say of it.

Four marks: the sha256 of each weight file (of a data set: of each file of data), the tokens that
attest its results, the words of its card, and its name. Everything here is a function of the evidence and
of what the index gave back, so the same registry says the same of the same model.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256

from weighbridge.domain.card import CARD_PATH, parse_card
from weighbridge.domain.data_files import data_format
from weighbridge.domain.evidence import Evidence, Likeness, Resemblance, weight_format
from weighbridge.domain.json_values import Json
from weighbridge.domain.known_weights import KNOWN_WEIGHTS
from weighbridge.domain.likeness import (
    NAME_EDITS,
    bands,
    edits,
    folded_name,
    packed,
    pieces,
    pieces_near,
    signature,
    similarity,
    unpacked,
)
from weighbridge.domain.ref import RepoId, RepoKind

LIKE_CARD = 0.8
"""From more than this share of common word trigrams on, a card is said to be like another one."""
LIKE_NAME = 0.85
"""From this share of equal characters on, a name is said to be like another one."""
_LEAST_WEIGHT_BYTES = 256
"""A smaller file holds a header and next to nothing: equal ones prove nothing."""
_MOST_PRINTS = 2000
_MOST_FOUND = 100
_DEPTH = 32


class Mark(StrEnum):
    """What a fingerprint is of; BAND and NAME are for looking up, not for comparing."""

    WEIGHTS = "weights"
    TOKEN = "token"
    CARD = "card"
    BAND = "band"
    NAME = "name"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """One thing by which a package is found: ``value`` is at most 64 characters.

    ``subject`` is the path of the weight file, or the signature of the card; empty elsewhere.
    """

    mark: Mark
    value: str
    subject: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A package of another repository with a fingerprint that was asked for.

    Of a card the fingerprint is the one with its signature, of a name ``repo`` says all.
    """

    repo: str
    fingerprint: Fingerprint


def fingerprints_of(evidence: Evidence) -> tuple[Fingerprint, ...]:
    """By what a model is known again, at most some two thousand."""
    name = folded_name(evidence.repo.full_name)
    prints = [*_identical(evidence)[:_MOST_PRINTS]]
    if signed := card_signature(evidence):
        said = packed(signed)
        value = sha256(said.encode()).hexdigest()
        prints.append(Fingerprint(mark=Mark.CARD, value=value, subject=said))
        prints += [Fingerprint(mark=Mark.BAND, value=value) for value in bands(signed)]
    prints += [Fingerprint(mark=Mark.NAME, value=value) for value in pieces(name)]
    return tuple(dict.fromkeys(prints))


def wanted(evidence: Evidence) -> tuple[Fingerprint, ...]:
    """The fingerprints to ask the index for: those of others that may be like this model."""
    name = folded_name(evidence.repo.full_name)
    near = [Fingerprint(mark=Mark.NAME, value=value) for value in pieces_near(name)]
    found = [Fingerprint(mark=Mark.BAND, value=value) for value in bands(card_signature(evidence))]
    return (*_identical(evidence)[:_MOST_PRINTS], *found, *near)


def resemblances(
    evidence: Evidence, matches: Iterable[Match], known: Mapping[str, str] = KNOWN_WEIGHTS
) -> tuple[Resemblance, ...]:
    """What the model has in common with others, in a fixed order, at most a hundred.

    Weights that ``known`` gives to this very repository are its own, whoever copied them before.
    """
    repo, found = evidence.repo, set[Resemblance]()
    paths = {each.value: each.subject for each in _weights(evidence)}
    own = {digest for digest in paths if known.get(digest, "").lower() == repo.full_name.lower()}
    for digest in sorted(set(paths) - own):
        if digest in known:
            found.add(_alike(Likeness.SAME_WEIGHTS, known[digest], paths[digest]))
    signed = card_signature(evidence)
    for match in matches:
        if match.repo.lower() == repo.full_name.lower():
            continue
        mark, value = match.fingerprint.mark, match.fingerprint.value
        if mark is Mark.WEIGHTS and value in paths and value not in own:
            found.add(_alike(Likeness.SAME_WEIGHTS, match.repo, paths[value]))
        elif mark is Mark.TOKEN:
            found.add(_alike(Likeness.SAME_TOKEN, match.repo, value[:16]))
        elif mark is Mark.CARD:
            degree = similarity(signed, unpacked(match.fingerprint.subject))
            if degree > LIKE_CARD:
                found.add(_alike(Likeness.SAME_CARD, match.repo, "README.md", degree))
        elif mark is Mark.NAME:
            found.update(_like_name(repo, match.repo))
    order = list(Likeness)
    ordered = sorted(found, key=lambda r: (order.index(r.likeness), -r.degree, r.repo.lower(), r.subject))
    return tuple(ordered[:_MOST_FOUND])


def warnings_of(evidence: Evidence) -> tuple[str, ...]:
    """What a reader should know of a model's name; no score depends on it."""
    return tuple(
        f"the name may be mistaken for {found.repo} ({found.degree:.2f})"
        for found in evidence.resemblances
        if found.likeness is Likeness.LIKE_NAME
    )


def card_signature(evidence: Evidence) -> tuple[int, ...]:
    """The signature of what the card says, template text and front matter left out."""
    return _signed(evidence.content(CARD_PATH) or "")


@lru_cache(maxsize=8)
def _signed(card: str) -> tuple[int, ...]:
    """A judgement asks for it five times."""
    return signature(
        paragraph.text for section in parse_card(card).sections for paragraph in section.paragraphs
    )


def tokens_of(evidence: Evidence) -> tuple[str, ...]:
    """The sha256 of every token that attests a result, wherever it stands; the tokens are not kept."""
    sources: list[Json] = [evidence.eval_results, evidence.front_matter or {}]
    sources += [evidence.info.get(key) for key in ("evalResults", "model-index", "cardData")]
    found = {token for source in sources for token in _tokens(source)}
    return tuple(sorted(sha256(token.encode("utf-8", "surrogatepass")).hexdigest() for token in found))


def _tokens(source: Json, depth: int = 0) -> Iterator[str]:
    if depth > _DEPTH:
        return
    if isinstance(source, Mapping):
        token = source.get("verifyToken")
        if isinstance(token, str) and token:
            yield token
        for value in source.values():
            yield from _tokens(value, depth + 1)
    elif isinstance(source, Sequence) and not isinstance(source, str):
        for value in source:
            yield from _tokens(value, depth + 1)


def _identical(evidence: Evidence) -> list[Fingerprint]:
    tokens = [Fingerprint(mark=Mark.TOKEN, value=value) for value in tokens_of(evidence)]
    return [*_weights(evidence), *tokens]


def _weights(evidence: Evidence) -> list[Fingerprint]:
    found = dict[str, Fingerprint]()
    for entry in evidence.files:
        if entry.sha256 and entry.size_bytes >= _LEAST_WEIGHT_BYTES and _is_content(evidence, entry.path):
            found.setdefault(
                entry.sha256, Fingerprint(mark=Mark.WEIGHTS, value=entry.sha256, subject=entry.path)
            )
    return list(found.values())


def _is_content(evidence: Evidence, path: str) -> bool:
    """Whether a file is what the repository is about: weights, or of a data set its data."""
    of_data = evidence.repo.kind is RepoKind.DATASET and data_format(path)
    return bool(weight_format(path) or of_data)


def _like_name(repo: RepoId, other: str) -> Iterator[Resemblance]:
    """Within one namespace names may be as alike as they please: one publisher chose them all."""
    if other.rpartition("/")[0].lower() == repo.namespace.lower():
        return
    one, two = folded_name(repo.full_name), folded_name(other)
    distance = edits(one, two)
    degree = 1 - distance / max(len(one), len(two), 1)
    if distance <= NAME_EDITS and degree >= LIKE_NAME:
        yield _alike(Likeness.LIKE_NAME, other, repo.full_name, degree)


def _alike(likeness: Likeness, repo: str, subject: str, degree: float = 1.0) -> Resemblance:
    return Resemblance(likeness=likeness, repo=repo, subject=subject, degree=round(degree, 4))
