"""The terms by which a text table finds an entry, and what a question asks in these terms.

A term is a letter for its kind and then a word, or a digest where the label is no single word:

    n       the beginnings of each word of the name
    m       such words whole, where they are longer than the longest beginning
    a       each other word of tags and description, whole
    t       a label: a tag, the library, the pipeline, the licence (``license:mit``)
    k, u    the pipeline tag; the author
    z       every entry has it

Terms hold letters and digits only, so nothing of a question is ever read as the query language.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b

from weighbridge.domain.model_entry import ModelEntry
from weighbridge.domain.model_search import LONGEST_WORD, ModelSearch, folded, labels_of, words_of

_LONGEST_BEGINNING = 16
"""Of a longer one FTS5 merges the lists of all words that have it, before the first result."""
_MOST_NAME_WORDS, _MOST_OTHER_WORDS = 40, 60
_EVERY = "z"


def terms_of(entry: ModelEntry) -> str:
    """All terms of an entry, with spaces between them."""
    named = words_of(entry.repo.full_name, _MOST_NAME_WORDS)
    said = " ".join((*(label for label in labels_of(entry) if ":" not in label), entry.description))
    found = [_EVERY, *dict.fromkeys(_beginnings(named))]
    found += (f"a{word}" for word in words_of(said, _MOST_OTHER_WORDS) if word not in named)
    found += dict.fromkeys(_label("t", label) for label in labels_of(entry))
    found.append(_label("u", entry.author))
    if entry.pipeline_tag:
        found.append(_label("k", entry.pipeline_tag))
    return " ".join(found)


def conditions_of(search: ModelSearch) -> tuple[Sequence[str], Sequence[str]]:
    """What must all hold of what answers the search at all, and of what does so by its name.

    The second is empty where the search has no words.
    """
    whole = [_quoted(_label("t", label)) for label in search.labels]
    if search.pipeline_tag:
        whole.append(_quoted(_label("k", search.pipeline_tag)))
    if search.author:
        whole.append(_quoted(_label("u", search.author)))
    named = [_begins(word) for word in search.words]
    anywhere = [f"({name} OR {_quoted(f'a{word}')})" for name, word in zip(named, search.words, strict=True)]
    return [*whole, *anywhere] or [_quoted(_EVERY)], [*whole, *named] if named else ()


def is_named(name: str, search: ModelSearch) -> bool:
    """Whether a model that answers the search does so by its name."""
    named = words_of(name, _MOST_NAME_WORDS)
    return all(any(part.startswith(word) for part in named) for word in search.words)


def _beginnings(words: Sequence[str]) -> Iterator[str]:
    for word in words:
        for length in range(1, min(len(word), _LONGEST_BEGINNING) + 1):
            yield f"n{word[:length]}"
        if len(word) > _LONGEST_BEGINNING:
            yield f"m{word}"


def _begins(word: str) -> str:
    return _quoted(f"n{word}") if len(word) <= _LONGEST_BEGINNING else f"{_quoted(f'm{word}')}*"


def _quoted(term: str) -> str:
    return f'"{term}"'


@lru_cache(maxsize=8192)
def _label(kind: str, label: str) -> str:
    """A label in one term: as it is where it is one word, else by its digest, which no word is as long as."""
    spelled = folded(label.strip())
    if len(spelled) <= LONGEST_WORD and tuple(words_of(spelled, 2)) == (spelled,):
        return f"{kind}{spelled}"
    return f"{kind}{blake2b(spelled.encode('utf-8', 'replace'), digest_size=21).hexdigest()}"
