"""A page of the Hub's list of models: which address asks for it, and what its answer holds.

Parameters: https://huggingface.co/docs/hub/api and what the official client sends. The Hub expands
fewer properties in a list than of one repository: ``usedStorage`` and ``baseModels`` are refused there.
"""

from __future__ import annotations

from urllib.parse import urlencode

from weighbridge.adapters.hub_http.addresses import Origin, split_address
from weighbridge.adapters.hub_http.answers import mended_object, next_page, read_json
from weighbridge.adapters.hub_http.refusals import Question
from weighbridge.domain.invalid import Invalid
from weighbridge.domain.json_values import JsonObject, is_unicode
from weighbridge.domain.repo_query import ListPage, RepoQuery
from weighbridge.errors import BadListing

MOST_ROWS = 1000
"""How many models the Hub puts on one page at most."""
MAX_PAGE_BYTES = 64 << 20
"""The most that one page may hold, 64 KiB for each of its models, or one model with all its files."""
LONGEST_QUERY = 6000
"""A longer address is refused by many servers and proxies (RFC 9110, 4.1 asks for 8000 octets)."""
_EXPANDED = (
    *("author", "cardData", "createdAt", "downloads", "gated", "gguf", "lastModified", "library_name"),
    *("likes", "pipeline_tag", "private", "safetensors", "sha", "tags", "trendingScore"),
)


def list_target(prefix: str, query: RepoQuery, limit: int) -> str:
    """The request target of the first page; ``parameters`` and what only spaces have are not asked for.

    Raises:
        Invalid: a condition is no text that an address can hold, or all of them together are too long.
    """
    asked = [("search", query.search), ("author", query.author), ("pipeline_tag", query.pipeline_tag)]
    asked += [("filter", tag) for tag in query.tags]
    if query.gated is not None:
        asked.append(("gated", "true" if query.gated else "false"))
    asked += [("sort", query.sort.value), ("direction", "-1"), ("limit", str(max(1, min(limit, MOST_ROWS))))]
    asked += [("expand", name) for name in _EXPANDED]
    for name, value in asked:
        if not is_unicode(value):
            raise Invalid(name, value, "is not valid Unicode")
    spelled = urlencode([(name, value) for name, value in asked if value])
    if len(spelled) > LONGEST_QUERY:
        raise Invalid("search", query.search, f"makes an address of more than {LONGEST_QUERY} characters")
    return f"{prefix}/api/models?{spelled}"


def cursor_target(prefix: str, home: Origin, cursor: str) -> str:
    """The request target that a cursor is.

    Raises:
        Invalid: it does not lead to this Hub's list of models.
    """
    try:
        origin, target = split_address(f"{home}{cursor}")
    except ValueError:
        origin, target = home, ""
    if origin != home or target != cursor or not cursor.startswith(f"{prefix}/api/models?"):
        raise Invalid("cursor", cursor[:100], "was not given by this Hub", hint="begin with the first page")
    return target


def read_page(question: Question, home: Origin, target: str, body: bytes, link: str) -> ListPage:
    """The objects of a page; what else stands among them is passed over.

    Raises:
        BadListing: it is no list, or continues at itself, elsewhere, or in a list of something else.
    """
    rows = read_json(question, body)
    if not isinstance(rows, list):
        raise BadListing(f"{question.hub} answers for {question} with something else than a list")
    following = next_page(question, home, target, link)
    if following is not None and following.partition("?")[0] != target.partition("?")[0]:
        raise BadListing(f"{question.hub} continues {question} in another list")
    if following == target:
        raise BadListing(f"{question.hub} continues {question} in a circle")
    found = (_sound(question, row) for row in rows if isinstance(row, dict))
    return ListPage(rows=tuple(row for row in found if row), cursor=following)


def _sound(question: Question, row: JsonObject) -> JsonObject:
    try:
        return mended_object(question, row)
    except BadListing:
        return {}
