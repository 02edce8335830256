"""The port's methods over HTTP: one request each, and one per file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from urllib.parse import quote

from weighbridge.adapters.hub_http.addresses import split_address
from weighbridge.adapters.hub_http.answer import Answer
from weighbridge.adapters.hub_http.answers import (
    mended_object,
    next_page,
    read_commit,
    read_discussions,
    read_info,
    read_manifest,
    read_object,
    read_owner,
    read_refs,
    read_repo_id,
    read_rows,
)
from weighbridge.adapters.hub_http.asking import Asking
from weighbridge.adapters.hub_http.contact import Contact
from weighbridge.adapters.hub_http.finding import (
    MAX_PAGE_BYTES,
    MOST_ROWS,
    cursor_target,
    list_target,
    read_page,
)
from weighbridge.adapters.hub_http.patience import Patience
from weighbridge.adapters.hub_http.refusals import Question
from weighbridge.adapters.hub_http.stream import HttpStream
from weighbridge.adapters.hub_http.wire import Wire
from weighbridge.domain.json_values import JsonObject, text
from weighbridge.domain.manifest import FileEntry, Manifest
from weighbridge.domain.ref import ModelRef, RepoId, RepoKind
from weighbridge.domain.repo import DETAILS, Commit, DiscussionHead, ModelInfo, Owner, OwnerKind, Refs
from weighbridge.domain.repo_query import ListPage, RepoQuery
from weighbridge.errors import BadInput, BadListing, NoSuchOwner, NotFound

MAX_JSON_BYTES = 256 << 20
"""The most that one answer, or all pages of one listing, may hold: a million files fit."""
MAX_ACCOUNT_BYTES = 1 << 20
_EXPANDED = tuple(name for name in DETAILS if name != "securityRepoStatus")
_COMMITS_PER_PAGE = 50
_REPOS_PER_PAGE = 500


class HttpHub:
    """The Hub at ``endpoint`` (http or https; a path prefix is fine); safe for many threads.

    ``environ`` is where proxies and certificates are looked up. ``connections`` is how many
    are kept open while idle; as many are opened as there are callers. ``contact`` is told whether it answers.
    """

    def __init__(
        self,
        endpoint: str,
        *,
        token: str | None = None,
        environ: Mapping[str, str] | None = None,
        connections: int = 8,
        user_agent: str = "weighbridge",
        read_timeout_s: float = 30.0,
        patience: Patience | None = None,
        contact: Contact | None = None,
    ) -> None:
        """Nothing is asked yet.

        Raises:
            BadInput: the endpoint is no address, or the token cannot stand in a header.
        """
        try:
            origin, path = split_address(endpoint.rstrip("/"))
        except ValueError as error:
            raise BadInput(f"the Hub's address {error}", hint="as in https://huggingface.co") from None
        if token and not (token.isascii() and token.isprintable() and " " not in token):
            raise BadInput("the token for the Hub holds a space, a line break or a special character")
        self._prefix = path.rstrip("/")
        self._name = f"{origin}{self._prefix}"
        headers = {"User-Agent": user_agent}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        self._wire = Wire(environ or {}, kept=max(1, connections), read_timeout_s=read_timeout_s)
        self._asking = Asking(
            self._wire,
            self._name,
            origin,
            headers,
            token or None,
            patience or Patience(),
            contact or Contact(),
        )

    def info(self, ref: ModelRef) -> ModelInfo:
        """What the Hub says of a revision, with the commit that it means now."""
        question = Question(hub=self._name, repo=ref.repo, revision=ref.revision)
        body = self._read(self._api(ref.repo, f"revision/{quote(ref.revision, safe='')}"), question)
        return read_info(question, ref.repo, read_object(question, body))

    def manifest(self, repo: RepoId, commit: str) -> Manifest:
        """Every file of a commit: one request for each thousand files."""
        question = Question(hub=self._name, repo=repo, revision=commit)
        target = self._api(repo, f"tree/{quote(commit, safe='')}?recursive=true&expand=false")
        return read_manifest(question, repo, commit, self._rows(target, question))

    def open(
        self, repo: RepoId, commit: str, entry: FileEntry, start: int = 0, stop: int | None = None
    ) -> HttpStream:
        """The bytes of one file from ``start`` to ``stop``, by one GET; no HEAD comes before it."""
        question = Question(hub=self._name, repo=repo, revision=commit, path=entry.path)
        folder = "" if repo.kind is RepoKind.MODEL else f"{repo.kind.plural}/"
        target = f"{self._prefix}/{folder}{repo.full_name}/resolve/{commit}/{quote(entry.path)}"
        return HttpStream(self._asking, target, question, entry, start, stop)

    def locate(self, repo: RepoId, commit: str, entry: FileEntry) -> Path | None:
        """None: the bytes come only as a stream."""
        return None

    def refs(self, repo: RepoId) -> Refs:
        """Branches and tags."""
        question = Question(hub=self._name, repo=repo)
        return read_refs(question, read_object(question, self._read(self._api(repo, "refs"), question)))

    def commits(self, repo: RepoId, revision: str, limit: int = 50) -> Sequence[Commit]:
        """The newest ``limit`` commits of the history."""
        question = Question(hub=self._name, repo=repo, revision=revision)
        page = min(limit, _COMMITS_PER_PAGE)
        target = self._api(repo, f"commits/{quote(revision, safe='')}?limit={page}")
        return [read_commit(question, row) for row in islice(self._rows(target, question), limit)]

    def repos(self, kind: RepoKind) -> Iterator[ModelInfo]:
        """Every repository that this caller may see, most downloaded first, page by page.

        A row whose name this project cannot use is passed over; one without a commit is asked for.
        """
        question = Question(hub=self._name)
        target = f"{self._prefix}/api/{kind.plural}?sort=downloads&full=true&limit={_REPOS_PER_PAGE}"
        for row in self._rows(target, question, bounded=False):
            repo = read_repo_id(row, kind)
            if repo is None:
                continue
            if "sha" in row:
                yield read_info(Question(hub=self._name, repo=repo), repo, row)
            else:
                yield self.info(ModelRef(repo=repo))

    def find(self, query: RepoQuery, cursor: str | None = None, *, limit: int = MOST_ROWS) -> ListPage:
        """One page of the models that answer a query, of at most 1000: one request.

        ``cursor`` is that of the page before, and then it alone counts. Files are not listed, nor is the
        used storage: the Hub gives them only of one repository.

        Raises:
            HubDown, RateLimited, NotAuthenticated, NotPermitted: as for every question.
            BadListing: the answer is no list, or does not lead on where it may.
            Invalid: the cursor is not one of this Hub's, or the query fits in no address.
        """
        question, home = Question(hub=self._name), self._asking.home
        target = (
            list_target(self._prefix, query, limit)
            if cursor is None
            else cursor_target(self._prefix, home, cursor)
        )
        return read_page(question, home, target, *self._page(target, question, MAX_PAGE_BYTES))

    def about(self, repo: RepoId) -> JsonObject:
        """What the Hub says of a repository's default branch, with the size of each file: one request.

        Raises:
            NoSuchRepo: there is none, or it is not shown.
            BadListing: the answer is no object.
        """
        question = Question(hub=self._name, repo=repo)
        target = f"{self._prefix}/api/{repo.kind.plural}/{repo.full_name}?blobs=true"
        body, _ = self._page(target, question, MAX_PAGE_BYTES)
        return mended_object(question, read_object(question, body))

    def whoami(self) -> str:
        """What the owner of the token is called here; empty where the Hub does not say.

        Raises:
            NotAuthenticated: there is no token, or the Hub does not know it.
            HubDown: it does not answer, or has no accounts at all.
        """
        question = Question(hub=self._name, what="record of accounts")
        body, _ = self._page(f"{self._prefix}/api/whoami-v2", question, MAX_ACCOUNT_BYTES)
        said = read_object(question, body)
        return text(mended_object(question, said), "name") or ""

    def details(self, ref: ModelRef) -> JsonObject:
        """See ``ports.Hub.details``: one request; a property that this Hub refuses is left out."""
        question = Question(hub=self._name, repo=ref.repo, revision=ref.revision)
        # The Hub has these properties of models only, and refuses a question that names one it has not.
        names = _EXPANDED if ref.repo.kind is RepoKind.MODEL else ()
        wanted = "&".join([*(f"expand={name}" for name in names), "securityStatus=true"])
        target = self._api(ref.repo, f"revision/{quote(ref.revision, safe='')}?{wanted}")
        said = mended_object(question, read_object(question, self._read(target, question)))
        return {name: said[name] for name in DETAILS if name in said}

    def discussions(self, repo: RepoId, limit: int = 50) -> Sequence[DiscussionHead]:
        """See ``ports.Hub.discussions``: one request a page."""
        question = Question(hub=self._name, repo=repo)
        found: list[DiscussionHead] = []
        for page in range(limit):
            body = self._read(self._api(repo, f"discussions?p={page}&type=all&status=all"), question)
            heads, count = read_discussions(question, read_object(question, body))
            found += heads
            if not heads or len(found) >= min(count, limit):
                break
        return found[:limit]

    def owner(self, repo: RepoId) -> Owner:
        """See ``ports.Hub.owner``: an organization's overview, else a user's."""
        question = Question(hub=self._name, repo=repo)
        for kind, folder in ((OwnerKind.ORGANIZATION, "organizations"), (OwnerKind.USER, "users")):
            target = f"{self._prefix}/api/{folder}/{quote(repo.namespace, safe='')}/overview"
            try:
                said = read_object(question, self._read(target, question))
            except NotFound:
                continue
            return read_owner(question, repo.namespace, kind, said)
        raise NoSuchOwner(repo.namespace)

    def close(self) -> None:
        """Close the connections that are kept open."""
        self._wire.close()

    def _api(self, repo: RepoId, rest: str) -> str:
        return f"{self._prefix}/api/{repo.kind.plural}/{repo.full_name}/{rest}"

    def _rows(self, target: str, question: Question, *, bounded: bool = True) -> Iterator[JsonObject]:
        """The rows of all pages, one page at a time."""
        page: str | None = target
        seen, left = {target}, MAX_JSON_BYTES
        while page is not None:
            body, link = self._page(page, question, left)
            if bounded:
                left -= len(body)
            yield from read_rows(question, body)
            page = next_page(question, self._asking.home, page, link)
            if page in seen:
                raise BadListing(f"{self._name} continues {question} in a circle")
            seen.add(page or "")

    def _read(self, target: str, question: Question) -> bytes:
        return self._page(target, question, MAX_JSON_BYTES)[0]

    def _page(self, target: str, question: Question, limit: int) -> tuple[bytes, str]:
        """One whole answer and its ``Link`` header; a cut one is asked for again."""
        patience, failures = self._asking.patience, 0
        while True:
            answer = self._asking.get(target, question).answer
            try:
                return self._body(answer, question, limit), answer.header("link")
            except OSError as error:
                failures += 1
                if failures >= patience.tries:
                    raise self._asking.broken(question, error) from error
                patience.sleep(patience.pause_s(failures))
            finally:
                answer.close()

    def _body(self, answer: Answer, question: Question, limit: int) -> bytes:
        if answer.status != 200:
            raise BadListing(f"{self._name} answers {answer.status} for {question}")
        if answer.header("content-encoding").lower() not in ("", "identity"):
            raise BadListing(f"{self._name} encodes its answer for {question}, which was not asked for")
        body = answer.read(limit + 1)
        if len(body) > limit:
            raise BadListing(f"{self._name} answers for {question} with more than {limit} bytes")
        return body
