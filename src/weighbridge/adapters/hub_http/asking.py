"""One question to the Hub: redirects by rule, credentials by origin, retries by patience."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urljoin

from weighbridge.adapters.hub_http.addresses import Origin, split_address
from weighbridge.adapters.hub_http.answer import Answer
from weighbridge.adapters.hub_http.contact import Contact
from weighbridge.adapters.hub_http.patience import Patience
from weighbridge.adapters.hub_http.refusals import Question, refusal, said
from weighbridge.adapters.hub_http.wire import Wire
from weighbridge.errors import BadListing, HubDown, NoAnswer, RateLimited, WeighbridgeError

MAX_REDIRECTS = 5
MAX_ERROR_BYTES = 64 * 1024
LONG_PAUSE_S = 5.0
"""Whoever waits for longer is told why; shorter pauses are for those who debug."""
_LOG = logging.getLogger(__name__)
_PASSING = frozenset({408, 429, 500, 502, 503, 504})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class Reply(NamedTuple):
    """The last answer, who gave it, and the commit that the Hub itself named on the way there."""

    answer: Answer
    origin: Origin
    commit: str


class Asking:
    """Asks one Hub. The token is shown to the Hub's own origin and to nobody else."""

    def __init__(
        self,
        wire: Wire,
        hub: str,
        home: Origin,
        headers: Mapping[str, str],
        token: str | None,
        patience: Patience,
        contact: Contact,
    ) -> None:
        self._wire, self.hub, self.home, self.patience = wire, hub, home, patience
        self._headers, self._token, self._contact = headers, token, contact

    def get(self, target: str, question: Question, headers: Mapping[str, str] | None = None) -> Reply:
        """A good answer (2xx), or 416, to ``GET target``; the caller closes it.

        Raises:
            NotFound, Denied: the Hub says no.
            RateLimited, HubDown: it did not answer within our patience.
            BadListing: it sends us where we must not go.
        """
        failures, waited_s = 0, 0.0
        _LOG.debug("asking %s for %s", self.hub, question)
        while True:
            try:
                reply = self._follow(target, question, headers or {})
                if reply.answer.status not in _PASSING:
                    self._contact.answered()
                trouble = self._trouble(reply, question)
                if trouble is None:
                    return reply
                self._contact.failed(trouble.code)
                asked_s = trouble.retry_after_s if isinstance(trouble, RateLimited) else None
            except OSError as error:
                trouble, asked_s = self.broken(question, error), None
                self._contact.failed(trouble.code)
                if _is_untrusted(error):
                    raise trouble from error
            failures += 1
            pause_s = self.patience.pause_s(failures) if asked_s is None else asked_s
            if failures >= self.patience.tries or waited_s + pause_s > self.patience.total_s:
                raise trouble
            why = "limits our requests" if isinstance(trouble, RateLimited) else "did not answer"
            level = logging.WARNING if pause_s >= LONG_PAUSE_S else logging.DEBUG
            _LOG.log(level, "%s %s; asking again for %s in %.0f s", self.hub, why, question, pause_s)
            self.patience.sleep(pause_s)
            waited_s += pause_s

    def broken(self, question: Question, error: OSError) -> NoAnswer:
        """The error for a connection that could not be made or kept."""
        hint = "check the network, HF_ENDPOINT and the proxy settings; what was fetched is kept"
        if _is_untrusted(error):
            hint = "name your authority's certificates in SSL_CERT_FILE"
        cause = (
            "it did not answer in time" if isinstance(error, TimeoutError) else error.strerror or str(error)
        )
        return NoAnswer(f"{self.hub} cannot be reached for {question}: {cause}", hint=hint)

    def _follow(self, target: str, question: Question, headers: Mapping[str, str]) -> Reply:
        origin, commit = self.home, ""
        for _ in range(MAX_REDIRECTS + 1):
            mine = self._headers if origin == self.home else {"User-Agent": self._headers["User-Agent"]}
            answer = self._wire.get(origin, target, {**mine, "Accept-Encoding": "identity", **headers})
            if origin == self.home:
                commit = commit or answer.header("x-repo-commit")
            if answer.status not in _REDIRECTS:
                return Reply(answer, origin, commit)
            location = answer.header("location")
            answer.close()
            origin, target = self._next(origin, target, location, question)
        raise BadListing(f"{self.hub} redirects {question} more than {MAX_REDIRECTS} times")

    def _next(self, origin: Origin, target: str, location: str, question: Question) -> tuple[Origin, str]:
        if not location:
            raise BadListing(f"{self.hub} redirects {question} to nowhere")
        try:
            there, target = split_address(urljoin(f"{origin}{target}", location))
        except ValueError as error:
            raise BadListing(f"{self.hub} redirects {question} to an address that {error}") from None
        if origin.scheme == "https" and there.scheme == "http":
            raise BadListing(f"{self.hub} redirects {question} from https to http")
        return there, target

    def _trouble(self, reply: Reply, question: Question) -> WeighbridgeError | None:
        """None for a good answer, an error to be patient with; raised where patience is no use."""
        answer, status = reply.answer, reply.answer.status
        if 200 <= status < 300 or status == 416:
            return None
        try:
            body = answer.read(MAX_ERROR_BYTES)
        finally:
            answer.close()
        message = said(answer.header("x-error-message"), body, self._token)
        if status == 429:
            wait_s = self.patience.asked_pause_s(answer.header)
            after = "" if wait_s is None else f"; it asks for a pause of {wait_s:.0f} s"
            return RateLimited(f"{self.hub} limits our requests for {question}{after}", retry_after_s=wait_s)
        if status in _PASSING:
            return HubDown(f"{self.hub} answered {status} for {question}", hint="it may be back soon")
        if reply.origin != self.home:
            # A signed address is good for a while only; asking the Hub again gives a fresh one.
            return HubDown(f"the storage behind {self.hub} answered {status} for {question}")
        code = answer.header("x-error-code")
        raise refusal(question, status, code, message, has_token=self._token is not None)


def _is_untrusted(error: OSError) -> bool:
    """Whether a certificate was not accepted; by its mark, so that plain http needs no ``ssl``."""
    return hasattr(error, "verify_message")
