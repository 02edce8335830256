"""``weighbridge search`` and ``catalog``: which models there are, with the Hub and without it."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta

from cyclopts import App

from weighbridge.domain.discovery import Hit, Told
from weighbridge.domain.model_search import ModelSearch, ModelSort
from weighbridge.doors.cli.render import AsJson, show_json, show_note, show_table, size
from weighbridge.errors import BadInput
from weighbridge.settings import load_settings

catalog_app = App(name="catalog", help="Learn the Hub's list of models, for searches without it.")
_COLUMNS = ("MODEL", "DOWNLOADS", "LIKES", "TASK", "LICENCE", "SIZE", "SOURCE", "AGE", "HELD")
_SAID_EVERY_S = 10.0


def search(
    query: str = "",
    /,
    *,
    filter: list[str] | None = None,
    author: str = "",
    pipeline: str = "",
    library: str = "",
    licence: str = "",
    sort: ModelSort = ModelSort.BEST,
    limit: int = 20,
    offline: bool = False,
    json: AsJson = False,
) -> None:
    """Models of the Hub; without it, of what is remembered and of the packages that are held here.

    Parameters
    ----------
    query
        Words: on the Hub parts of the name, without it beginnings of its words.
    filter
        A tag, as 'gguf' or 'license:mit'; may be given several times.
    author
        A namespace.
    pipeline
        The task, as 'text-generation'.
    library
        As 'transformers'.
    licence
        As the Hub spells it: 'apache-2.0'.
    sort
        The best match, or the most or newest first.
    limit
        How many at most, up to 1000.
    offline
        Make no request.
    """
    from weighbridge.bridge.discovery import open_discovery

    asked = ModelSearch(
        text=query,
        author=author,
        tags=tuple(filter or ()),
        pipeline_tag=pipeline,
        library=library,
        licence=licence,
        sort=sort,
        limit=limit,
    )
    with closing(open_discovery(load_settings())) as verbs:
        found, moment = verbs.search(asked, offline=offline), verbs.now()
    for remark in found.remarks:
        show_note(remark)
    if json:
        hits = [hit.to_json(moment) for hit in found.hits]
        show_json({"models": hits, "remarks": list(found.remarks)})
    else:
        show_table(_COLUMNS, [_row(hit, moment) for hit in found.hits])


@catalog_app.command
def sync(
    *,
    filter: list[str] | None = None,
    author: str = "",
    pipeline: str = "",
    limit: int | None = None,
    again: bool = False,
    json: AsJson = False,
) -> None:
    """Read the Hub's list of models, from where the last sync was left; after a whole one only what changed.

    Parameters
    ----------
    filter
        Only models with this tag; may be given several times.
    author
        Only models of this namespace.
    pipeline
        Only models of this task.
    limit
        Stop after so many, in whole pages of 1000; the next sync goes on.
    again
        Begin at the newest and read all of it, so that counts of downloads and likes are renewed too.
    """
    from weighbridge.bridge.discovery import open_discovery

    if limit is not None and limit < 1:
        raise BadInput("--limit is at least 1")
    asked = ModelSearch(author=author, tags=tuple(filter or ()), pipeline_tag=pipeline)
    with closing(open_discovery(load_settings())) as verbs:
        learned = verbs.learn(asked, limit=limit, again=again, told=_teller())
        status = verbs.status()
    if json:
        show_json({**learned.to_json(), "known": status.entries})
        return
    went_on = "went on with the last sync: " if learned.resumed else ""
    rest = "" if learned.is_complete else "; the next sync goes on from here"
    came, known = (
        _models(learned.entries),
        f"{status.entries:,} {'is' if status.entries == 1 else 'are'} known",
    )
    print(f"{went_on}{came} in {learned.pages} {'page' if learned.pages == 1 else 'pages'}; {known}{rest}")


@catalog_app.command
def status(*, json: AsJson = False) -> None:
    """How many models are known, how old that is, and what it takes on the disk."""
    from weighbridge.bridge.discovery import open_discovery

    with closing(open_discovery(load_settings())) as verbs:
        known, moment = verbs.status(), verbs.now()
    if json:
        show_json(
            {
                "path": str(known.path),
                "entries": known.entries,
                "size_bytes": known.size_bytes,
                "oldest": known.oldest.isoformat() if known.oldest else None,
                "newest": known.newest.isoformat() if known.newest else None,
            }
        )
        return
    print(f"{_models(known.entries)}, {size(known.size_bytes)}, in {known.path}")
    if known.oldest and known.newest:
        oldest, newest = _ago(moment - known.oldest), _ago(moment - known.newest)
        print(f"the oldest was learned {oldest} ago, the newest {newest}")


@catalog_app.command
def clear(*, json: AsJson = False) -> None:
    """Forget everything that is known of the Hub's models."""
    from weighbridge.bridge.discovery import open_discovery

    with closing(open_discovery(load_settings())) as verbs:
        verbs.forget()
    if json:
        show_json({"cleared": True})


def _models(count: int) -> str:
    return f"{count:,} model{'' if count == 1 else 's'}"


def _teller() -> Callable[[int], None]:
    """Says how far it is, from time to time, for those who wait."""
    said = time.monotonic()

    def told(count: int) -> None:
        nonlocal said
        if time.monotonic() - said >= _SAID_EVERY_S:
            said = time.monotonic()
            show_note(f"{count:,} models so far")

    return told


def _row(hit: Hit, moment: datetime) -> list[str]:
    entry = hit.entry
    return [
        hit.repo.full_name,
        f"{entry.downloads:,}" if entry and entry.downloads is not None else "-",
        f"{entry.likes:,}" if entry and entry.likes is not None else "-",
        (entry.pipeline_tag if entry else None) or "-",
        hit.licence or "-",
        size(hit.size_bytes) if hit.size_bytes else "-",
        hit.told.value,
        "now" if hit.told is Told.HUB else _ago(hit.age(moment)),
        hit.package.version.text if hit.package else "-",
    ]


def _ago(age: timedelta) -> str:
    """An age in its largest unit."""
    seconds = int(max(age, timedelta(0)).total_seconds())
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"
